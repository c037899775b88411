// Parses a compact JWS (RFC 7515 section 7.1) without believing it: one spelling only, bounded, every member name once.
// Checks no signature and no claim: the caller does that next. It stands in front of jose, which accepts other spellings
// of a part, a member name twice and any depth.

import { isJsonObject, readStrictJson } from '../decision/strict-json.ts';
import { ClaimReader } from './claim-reader.ts';

export interface CompactJwt {
  readonly algorithm: string;
  readonly type: string | undefined;
  readonly kid: string | undefined;
  readonly claims: ClaimReader;
  /** The whole, as it came. */
  readonly text: string;
  /** What is signed of it: header and payload. */
  readonly signingInput: string;
}

const strictUtf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/**
 * Parses exactly three parts in canonical base64url. `crit` is refused (no extension is understood, RFC 7515 section
 * 4.1.11), and so are `jwk` and `x5c`, by which a token brings its own key; `jku` and `x5u` are never followed.
 * @returns why a text is no JWT, in a few fixed words for the log, with nothing of the token in them.
 */
export const parseCompactJwt = (token: string, bytesMax: number): CompactJwt | string => {
  if (token.length > bytesMax) return 'longer than allowed';
  const parts = token.split('.', 4);
  const [headerPart, payloadPart, signaturePart] = parts;
  if (parts.length !== 3 || !headerPart || !payloadPart || !signaturePart)
    return 'not three parts separated by dots';
  const headerBytes = decodeCanonical(headerPart);
  const payloadBytes = decodeCanonical(payloadPart);
  const signature = decodeCanonical(signaturePart);
  if (headerBytes === undefined || payloadBytes === undefined || signature === undefined)
    return 'not canonical base64url';
  const header = parseObject(headerBytes);
  if (header === undefined) return 'header is not a plain JSON object';
  const claims = parseObject(payloadBytes);
  if (claims === undefined) return 'claims are not a plain JSON object';
  for (const name of ['crit', 'jwk', 'x5c']) if (header.has(name)) return `header ${name} is refused`;
  const algorithm = header.text('alg');
  const type = header.optionalText('typ');
  const kid = header.optionalText('kid');
  if (header.failed !== undefined) return `header ${header.failed}`;
  return { algorithm, type, kid, claims, text: token, signingInput: `${headerPart}.${payloadPart}` };
};

/** Decodes base64url in its one canonical spelling: no padding, no white space, no stray bits in the last character. */
const decodeCanonical = (text: string): Buffer | undefined => {
  const bytes = Buffer.from(text, 'base64url');
  return bytes.toString('base64url') === text ? bytes : undefined;
};

/** Of claims and headers: deeper than any claim is. */
const depthMax = 16;

const parseObject = (bytes: Buffer): ClaimReader | undefined => {
  const read = readStrictJson(decodeUtf8(bytes) ?? '', depthMax);
  return 'value' in read && isJsonObject(read.value) ? new ClaimReader(read.value) : undefined;
};

const decodeUtf8 = (bytes: Buffer): string | undefined => {
  try {
    return strictUtf8.decode(bytes);
  } catch {
    return undefined;
  }
};
