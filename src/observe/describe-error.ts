// An error as log fields: kind, code, message, stack and what caused it. Only these: library errors carry whole
// commands, headers and URLs in other properties. Whatever looks like a credential is masked in the text.

const depthMax = 4;
const textLengthMax = 4096;

export interface ErrorFields {
  readonly type: string;
  readonly code?: string | undefined;
  readonly message: string;
  readonly stack?: string | undefined;
  readonly cause?: ErrorFields | undefined;
}

/** Never throws. @param withStack whether to say where in the code it was made: of use for a bug alone. */
export const describeError = (thrown: unknown, withStack: boolean, depth = 0): ErrorFields | undefined => {
  if (thrown === undefined || thrown === null || depth >= depthMax) return undefined;
  if (!(thrown instanceof Error)) return { type: typeof thrown, message: textOf(thrown) };
  return {
    type: maskSecrets(thrown.name),
    code: codeOf(thrown),
    message: maskSecrets(thrown.message),
    stack: !withStack || thrown.stack === undefined ? undefined : maskSecrets(thrown.stack),
    cause: describeError(causeOf(thrown), withStack, depth + 1),
  };
};

/** An error and its causes in one line: `http://id.example/keys could not be fetched: connect ECONNREFUSED 127.0.0.1:1`. */
export const summarizeError = (thrown: unknown): string => {
  const parts: string[] = [];
  for (
    let error = thrown, depth = 0;
    error instanceof Error && depth < depthMax;
    error = causeOf(error), depth++
  ) {
    const said = error.message === '' ? (codeOf(error) ?? error.name) : error.message;
    const part = maskSecrets(said).replaceAll('\n', ' ');
    // What ends in the words of its cause has said them.
    if (parts.at(-1)?.endsWith(part) !== true) parts.push(part);
  }
  return parts.join(': ');
};

/** Of several attempts, such as one an address, the first stands for all. */
const causeOf = (error: Error): unknown =>
  error.cause ?? (error instanceof AggregateError ? error.errors[0] : undefined);

const textOf = (thrown: unknown): string => {
  if (typeof thrown === 'string') return maskSecrets(thrown);
  if (typeof thrown === 'number' || typeof thrown === 'boolean') return String(thrown);
  return '(not an error)';
};

const codeOf = (error: Error): string | undefined =>
  'code' in error && typeof error.code === 'string' ? maskSecrets(error.code) : undefined;

/** Each starts at a fixed word and is bounded, so that a stranger's text costs linear time. */
const secretShapes: readonly [RegExp, string][] = [
  [/eyJ[\w-]{1,4096}\.[\w-]*\.?[\w-]*/g, '[jwt]'],
  [/tg[0-9A-Za-z]{30,63}/g, '[api token]'],
  [/\b(bearer|basic)\s+[^\s"',;]+/gi, '$1 [redacted]'],
  [/\b((?:api_|access_|refresh_)?token|secret|password)=[^\s&"']+/gi, '$1=[redacted]'],
  [/(:\/\/[^\s/:@]{0,256}:)[^\s/@]{1,1024}@/g, '$1[redacted]@'],
];

/** Text that may hold a stranger's words: secrets masked, control characters escaped, length bounded. */
export const maskSecrets = (text: string): string => {
  let masked = text.slice(0, textLengthMax);
  for (const [shape, replacement] of secretShapes) masked = masked.replace(shape, replacement);
  return escapeControls(masked);
};

const unprintable = /[^\x20-\x7e\n]/;

/** Escapes what a terminal could act on (ANSI, DEL, C1, direction marks), but for line feeds, which JSON writes as `\n`. */
export const escapeControls = (text: string): string =>
  unprintable.test(text)
    ? text.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/gu, (character) =>
        character === '\n'
          ? character
          : `\\u${(character.codePointAt(0) ?? 0).toString(16).padStart(4, '0')}`,
      )
    : text;
