// The credential of a request: where it may stand, its one grammar, and the request without it. No I/O.
// A denial never repeats what was found: a malformed credential is still somebody's secret.

import { basicPassword, protocolCredentials } from './borrowed-places.ts';
import { withoutBlanks } from './http-text.ts';
import type { CredentialKind } from './identity.ts';
import { type Denial, denial, isDenial } from './outcome.ts';
import { readEscapes } from './path.ts';

/**
 * What a credential looks like: the compact form of a JWT, or any other text. It says nothing about who vouches for it: an
 * issuer's access token may be opaque too.
 */
export type CredentialForm = 'jwt' | 'opaque';

/** What the caller presented. `value` is secret: never logged, never a cache key. */
export interface Credential {
  readonly form: CredentialForm;
  readonly value: string;
  /** A browser sends it by itself, whichever page asks for a request: it stood in the cookie, or in Basic, and nowhere else. */
  readonly isAmbient?: true;
}

/** What most of that form are: for the records of a request whose caller is not known yet. */
export const likelyKind = ({ form }: Credential): CredentialKind =>
  form === 'jwt' ? 'access_token' : 'api_token';

/** Whether it can be an access token that carries its own claims: ours, or an issuer's. */
export const isJwt = ({ form }: Credential): boolean => form === 'jwt';

/** Header fields that carry the bare credential, beside `Authorization: Bearer` and those of the settings. */
export const bareCredentialHeaders: readonly string[] = ['csp-auth-token', 'x-vmware-vcloud-access-token'];

export interface CredentialBounds {
  readonly apiTokenBytesMax: number;
  readonly accessTokenBytesMax: number;
}

/** Every place a credential may stand in one request. */
export interface CredentialPlaces {
  /** Value of the one Authorization line (two are refused before this). */
  readonly authorization: string | undefined;
  /** Whether it may be the password of Basic. */
  readonly takesBasic: boolean;
  /** Values of the headers that carry a bare credential, one a line. */
  readonly bare: readonly string[] | undefined;
  /** Values of the Cookie lines, and the name of the cookie that may carry it. */
  readonly cookies: readonly string[] | undefined;
  readonly cookieName: string | undefined;
  /** Sec-WebSocket-Protocol, and how an entry that carries it begins; undefined: none does. */
  readonly protocols: string | undefined;
  readonly protocolPrefix: string | undefined;
  /** `?` and what follows, or empty, and the parameter that may carry it on this route. */
  readonly query: string;
  readonly queryParameter: string | undefined;
}

/**
 * The one grammar, wherever it stands: `cookie-octet`s of RFC 6265 section 4.1.1, which holds every `b64token` of
 * RFC 6750 section 2.1. No blank, quote, comma, semicolon or backslash, so no list and no second value can hide in it.
 */
const grammar = /^[\x21\x23-\x2b\x2d-\x3a\x3c-\x5b\x5d-\x7e]+$/;

/** `Bearer` in any case, not followed by another character of a scheme name (RFC 9110 section 11.1). */
const bearerScheme = /^bearer(?![!#$%&'*+.^_`|~0-9A-Za-z-])/i;
const bearerLength = 'bearer'.length;

/**
 * Finds the credential of a request: `Authorization: Bearer <credential>` (scheme in any case, exactly one space), a
 * bare header, the cookie, the query parameter; the password of Basic and an entry of the WebSocket's subprotocols where the
 * settings say so. Another scheme is no bearer; empty headers, cookies and parameters carry none. The same credential in two places is one.
 * @returns undefined when there is none; `credential_malformed` outside the grammar or its bound;
 *   `credential_conflict` for two different ones.
 */
export const readCredential = (
  places: CredentialPlaces,
  bounds: CredentialBounds,
): Credential | Denial | undefined => {
  let found: string | undefined;
  let isAmbient = false;
  if (places.authorization !== undefined && bearerScheme.test(places.authorization)) {
    if (places.authorization.charCodeAt(bearerLength) !== 32)
      return denial('credential_malformed', 'no space after Bearer');
    found = places.authorization.slice(bearerLength + 1);
    if (found === '') return denial('credential_malformed', 'nothing after Bearer');
  } else if (places.takesBasic && places.authorization !== undefined) {
    const password = readBasic(places.authorization, bounds);
    if (isDenial(password)) return password;
    found = password;
    isAmbient = password !== undefined;
  }
  if (
    places.bare !== undefined ||
    places.queryParameter !== undefined ||
    (places.protocols !== undefined && places.protocolPrefix !== undefined)
  )
    for (const value of explicitValues(places)) {
      if (value === '') continue;
      if (found !== undefined && found !== value) return conflict;
      found = value;
      isAmbient = false;
    }
  if (places.cookieName !== undefined && places.cookies !== undefined)
    for (const value of cookieValues(places.cookies, places.cookieName)) {
      if (value === '') continue;
      if (found !== undefined && found !== value) return conflict;
      isAmbient ||= found === undefined;
      found = value;
    }
  if (found === undefined) return undefined;
  const credential = parseCredential(found, bounds);
  return isAmbient && isCredential(credential) ? { ...credential, isAmbient } : credential;
};

const conflict = denial('credential_conflict', 'two different credentials');

/** Only an API token: what is short-lived has no place where clients keep passwords. */
const readBasic = (authorization: string, bounds: CredentialBounds): string | Denial | undefined => {
  const password = basicPassword(authorization);
  if (typeof password !== 'string') return password;
  const credential = parseCredential(password, bounds);
  if (isDenial(credential)) return credential;
  return isJwt(credential) ? denial('credential_malformed', 'a JWT as password of Basic') : password;
};

/** A text with exactly two dots has the form of a JWT (RFC 7515 section 7.1). */
export const parseCredential = (value: string, bounds: CredentialBounds): Credential | Denial => {
  const form = hasTwoDots(value) ? 'jwt' : 'opaque';
  const bytesMax = form === 'jwt' ? bounds.accessTokenBytesMax : bounds.apiTokenBytesMax;
  if (value.length > bytesMax)
    return denial('credential_malformed', `${value.length} bytes are too long for ${formNames[form]}`);
  if (!grammar.test(value)) return denial('credential_malformed', 'a character no credential may hold');
  return { form, value };
};

export const formNames: Readonly<Record<CredentialForm, string>> = {
  jwt: 'a JWT',
  opaque: 'an API token',
};

const hasTwoDots = (value: string): boolean => {
  const first = value.indexOf('.');
  if (first < 0) return false;
  const second = value.indexOf('.', first + 1);
  return second >= 0 && !value.includes('.', second + 1);
};

/** Of the places that a page of another site cannot fill. */
const explicitValues = (places: CredentialPlaces): string[] => {
  const values = places.bare === undefined ? [] : [...places.bare];
  if (places.protocols !== undefined && places.protocolPrefix !== undefined)
    values.push(...protocolCredentials(places.protocols, places.protocolPrefix));
  if (places.queryParameter !== undefined && places.query !== '')
    for (const pair of places.query.slice(1).split('&')) {
      const { name, value } = splitPair(pair);
      if (isParameter(name, places.queryParameter)) values.push(readEscapes(value) ?? value);
    }
  return values;
};

const cookieValues = (lines: readonly string[], cookieName: string): string[] => {
  const values: string[] = [];
  for (const line of lines)
    for (const cookie of line.split(';')) {
      const { name, value } = splitPair(cookie);
      if (name.trim() !== cookieName) continue;
      // To a browser it is a cookie of another name, to another reader of this one: its name is not in the grammar.
      values.push(withoutBlanks(name) === cookieName ? withoutBlanks(value) : name);
    }
  return values;
};

/** A Cookie line without the credential's cookie; undefined when nothing is left. Other cookies stay as they came. */
export const withoutCookie = (line: string, cookieName: string): string | undefined => {
  if (!line.includes(cookieName)) return line;
  const kept = line.split(';').filter((cookie) => splitPair(cookie).name.trim() !== cookieName);
  const rest = kept.join(';').trim();
  return rest === '' ? undefined : rest;
};

/** A Cookie line without the cookies whose names begin so; undefined when nothing is left. Others stay as they came. */
export const withoutCookies = (line: string, beginning: string): string | undefined => {
  if (!line.includes(beginning)) return line;
  const kept = line.split(';').filter((cookie) => !splitPair(cookie).name.trim().startsWith(beginning));
  const rest = kept.join(';').trim();
  return rest === '' ? undefined : rest;
};

/** A query (with its `?`) without one parameter; empty when nothing is left. Other parameters stay byte for byte. */
export const withoutParameter = (query: string, parameter: string): string => {
  if (query === '') return query;
  const pairs = query.slice(1).split('&');
  const kept = pairs.filter((pair) => !isParameter(splitPair(pair).name, parameter));
  if (kept.length === pairs.length) return query;
  return kept.length === 0 ? '' : `?${kept.join('&')}`;
};

/** A caller may escape the name: `%61ccess_token` is `access_token` to the API too. */
const isParameter = (name: string, parameter: string): boolean =>
  name === parameter || (name.includes('%') && readEscapes(name) === parameter);

const splitPair = (pair: string): { readonly name: string; readonly value: string } => {
  const at = pair.indexOf('=');
  return at < 0 ? { name: pair, value: '' } : { name: pair.slice(0, at), value: pair.slice(at + 1) };
};

export const isCredential = (value: Credential | Denial | undefined): value is Credential =>
  value !== undefined && !isDenial(value);
