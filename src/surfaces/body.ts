// Reads the body of a surface request: a form or JSON, both bounded. The bytes decide which of the two it is, because
// clients of every vendor send forms and JSON without a Content-Type, or with the wrong one. Never throws on what a caller
// sent: a body that cannot be read becomes `malformed` with a sentence, and each surface answers in its own error shape.

import { readStrictJson } from '../decision/strict-json.ts';

/** Largest body of any surface request. */
export const bodyBytesMax = 64 * 1024;
/** JSON nested deeper than this is refused before it is parsed. */
const jsonDepthMax = 32;
/** Most parameters of one form. */
export const parametersMax = 100;

export type SurfaceBody =
  | { readonly kind: 'none' }
  | { readonly kind: 'form'; readonly parameters: readonly Parameter[] }
  | { readonly kind: 'json'; readonly value: unknown }
  | { readonly kind: 'other'; readonly mediaType: string | undefined }
  | { readonly kind: 'malformed'; readonly why: string };

export type Parameter = readonly [name: string, value: string];

/**
 * The media type of a Content-Type header, in lower case without parameters. Lenient, for the clients that exist: any
 * case, any charset, blanks, a stray `/` at the end. Undefined when there is none.
 */
export const readMediaType = (header: string | undefined): string | undefined => {
  const [type = ''] = (header ?? '').split(';', 1);
  const clean = type.trim().toLowerCase().replace(/\/$/, '');
  return /^[\w!#$%&'*+.^`|~-]+\/[\w!#$%&'*+.^`|~-]+$/.test(clean) ? clean : undefined;
};

/**
 * Parses a body by its bytes, and by its media type where they leave it open. A JSON object or array is JSON under any media
 * type, because no client writes a form that begins so; a form is one under any media type where it keeps to the grammar
 * of `application/x-www-form-urlencoded` (URL standard §5). No body fits both. That a browser can send `text/plain` from
 * another site harms nothing: the one surface that reads a cookie, the console, asks for the type. UTF-8 whatever the charset says: RFC 6749 appendix B and RFC 8259
 * §8.1 know no other.
 */
export const parseBody = (mediaType: string | undefined, bytes: Buffer): SurfaceBody => {
  if (bytes.length === 0) return { kind: 'none' };
  const text = bytes.toString('latin1');
  if (strictForm.test(text)) return parseForm(text);
  const isNamedForm = mediaType === 'application/x-www-form-urlencoded';
  const isNamedJson = mediaType === 'application/json' || mediaType?.endsWith('+json') === true;
  if (isNamedJson || jsonStart.test(text)) {
    const parsed = parseJson(bytes);
    if (parsed.kind === 'json' || !isNamedForm) return parsed;
  }
  return isNamedForm ? parseForm(text) : { kind: 'other', mediaType };
};

/** `name=value` pairs whose characters a form writes as they are, or percent-encoded. No JSON text matches. */
const strictForm = /^[\w.*+%~-]+=[^\s"<>\\^`{}]*$/;
/** The first byte of an object or array after JSON's blanks. */
const jsonStart = /^[\t\n\r ]*[[{]/;

/** Parses the text of a form, or a query; each byte is one character of it. */
export const parseForm = (text: string): Extract<SurfaceBody, { readonly kind: 'form' | 'malformed' }> => {
  const parameters: Parameter[] = [];
  for (const piece of text.split('&')) {
    if (piece === '') continue;
    const [name, value] = decodePair(piece);
    if (name === undefined || value === undefined)
      return { kind: 'malformed', why: 'the form is not percent-encoded UTF-8' };
    parameters.push([name, value]);
    if (parameters.length > parametersMax)
      return { kind: 'malformed', why: `the form has more than ${parametersMax} parameters` };
  }
  return { kind: 'form', parameters };
};

/** A piece of a form or a query between two `&`. */
export const decodePair = (piece: string): readonly [name: string | undefined, value: string | undefined] => {
  const equals = piece.indexOf('=');
  return equals < 0 ? [decode(piece), ''] : [decode(piece.slice(0, equals)), decode(piece.slice(equals + 1))];
};

/** One name or value of a form; undefined when it is not percent-encoded UTF-8. */
export const decode = (text: string): string | undefined => {
  // Raw bytes above ASCII (read as Latin-1) are taken for the UTF-8 they would have been percent-encoded to.
  const escaped = text
    .replaceAll('+', ' ')
    .replaceAll(/[\x80-\xFF]/g, (byte) => `%${byte.charCodeAt(0).toString(16)}`);
  try {
    return decodeURIComponent(escaped);
  } catch {
    return undefined;
  }
};

const parseJson = (bytes: Buffer): SurfaceBody => {
  const read = readStrictJson(bytes.toString('utf8'), jsonDepthMax);
  return 'why' in read ? { kind: 'malformed', why: read.why } : { kind: 'json', value: read.value };
};
