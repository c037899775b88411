// What a command prints: tables and pairs for a person, JSON for a script. Results go to standard output, everything
// about them to standard error. Control characters never reach the terminal.

export interface Output {
  readonly isJson: boolean;
  line(text: string): void;
  note(text: string): void;
  json(value: unknown): void;
}

export interface Streams {
  readonly stdout: Pick<NodeJS.WritableStream, 'write'>;
  readonly stderr: Pick<NodeJS.WritableStream, 'write'>;
}

export const createOutput = ({ stdout, stderr }: Streams, isJson: boolean): Output => ({
  isJson,
  line: (text) => void stdout.write(`${harmless(text)}\n`),
  note: (text) => void stderr.write(`${harmless(text)}\n`),
  json: (value) =>
    void stdout.write(
      `${JSON.stringify(value, (_, inner: unknown) => (inner === undefined ? null : inner), 2)}\n`,
    ),
});

/** Without control characters but the newline: names cannot move the cursor or forge a line. */
const harmless = (text: string): string =>
  text.replaceAll(/[\0-\x09\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]/g, '?');

/** A table of results, or on standard error what to do when there are none. */
export const listing = (
  output: Output,
  headings: readonly string[],
  rows: readonly (readonly string[])[],
  whenNone: string,
): void => {
  if (rows.length === 0) output.note(whenNone);
  else output.line(table(headings, rows));
};

/** Columns under their headings, as wide as they need to be. */
export const table = (headings: readonly string[], rows: readonly (readonly string[])[]): string => {
  const widths = headings.map((heading, column) =>
    Math.max(heading.length, ...rows.map((row) => row[column]?.length ?? 0)),
  );
  return [headings, ...rows]
    .map((row) =>
      row
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
};

/** `name  value` lines; entries without a value are left out. */
export const pairs = (entries: readonly (readonly [name: string, value: string | undefined])[]): string => {
  const width = Math.max(...entries.map(([name]) => name.length));
  return entries
    .flatMap(([name, value]) => (value === undefined ? [] : [`${name.padEnd(width)}  ${value}`]))
    .join('\n');
};

/** `2026-11-22 14:05:09Z`, or `never`. */
export const time = (ms: number | undefined): string =>
  ms === undefined || !Number.isFinite(ms)
    ? 'never'
    : new Date(ms)
        .toISOString()
        .replace('T', ' ')
        .replace(/\.\d+Z$/, 'Z');

/** For scripts: ISO 8601, or null. */
export const isoTime = (ms: number | undefined): string | null =>
  ms === undefined || !Number.isFinite(ms) ? null : new Date(ms).toISOString();

/** `180d`, `1h30m`; undefined: `no limit`. */
export const lifetime = (ms: number | undefined): string => {
  if (ms === undefined) return 'no limit';
  let rest = ms;
  let text = '';
  for (const [unit, unitMs] of [
    ['d', 86_400_000],
    ['h', 3_600_000],
    ['m', 60_000],
    ['s', 1000],
    ['ms', 1],
  ] as const) {
    const amount = Math.floor(rest / unitMs);
    if (amount > 0) text += `${amount}${unit}`;
    rest -= amount * unitMs;
  }
  return text === '' ? '0s' : text;
};
