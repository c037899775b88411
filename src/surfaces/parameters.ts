// Reads the parameters of a request: of OAuth's from the form alone, of a vendor's from wherever its clients put them: form,
// JSON object, query, or the `{name=value}` that some send under a JSON content type. One without a value counts as left out
// (RFC 6749 §3.2), unknown ones are ignored.

import { type Credential, type CredentialForm, formNames, parseCredential } from '../decision/credential.ts';
import { type Denial, denial, isDenial } from '../decision/outcome.ts';
import { isJsonObject } from '../decision/strict-json.ts';
import type { Settings } from '../settings/settings.ts';
import type { SurfaceRequest } from './answer.ts';
import { decode, decodePair, type Parameter } from './body.ts';

export interface Parameters {
  /** Undefined when it is absent or empty. */
  one(name: string): string | undefined;
  /** The values of a parameter that may be repeated. */
  all(name: string): readonly string[];
}

/** Where parameters are read from: a token in a URL only where the contract says that clients put it there. */
export type ParameterSource = 'body' | 'query' | 'both';

/** Of a vendor's request. One that is sent twice must have one value. A sentence for the caller when they cannot be read. */
export const readParameters = (request: SurfaceRequest, source: ParameterSource): Parameters | string => {
  const inBody = source === 'query' ? [] : pairsOfBody(request);
  if (typeof inBody === 'string') return inBody;
  const inQuery = source === 'body' ? [] : pairsOfQuery(request.query);
  if (typeof inQuery === 'string') return inQuery;
  const given = [...inBody, ...inQuery].filter(([, value]) => value !== '');
  return parametersOf(given, (_, values) => new Set(values).size === 1, 'once, or the same each time');
};

/** What must not stand in a URL, where logs, caches and the Referer header would keep it (RFC 6749 §2.3.1). */
const secretNames: ReadonlySet<string> = new Set([
  'token',
  'refresh_token',
  'access_token',
  'subject_token',
  'actor_token',
  'api_token',
  'client_secret',
  'client_assertion',
]);

/** Of OAuth's request; `repeatable`: those that may appear more than once. A sentence when they cannot be read. */
export const readForm = (
  { query, body }: SurfaceRequest,
  repeatable: readonly string[],
): Parameters | string => {
  const names = query.split('&').map((piece) => decode(piece.split('=', 1)[0] ?? '') ?? '');
  const secret = names.find((name) => secretNames.has(name));
  if (secret !== undefined)
    return `Send ${secret} in the form body, never in the URL, and replace it: URLs are logged.`;
  if (body.kind === 'malformed') return `The body cannot be read: ${body.why}.`;
  if (body.kind === 'json' || body.kind === 'other')
    return 'Send the parameters as a form, with Content-Type: application/x-www-form-urlencoded.';
  const given = body.kind === 'form' ? body.parameters : [];
  return parametersOf(given, (name, { length }) => length === 1 || repeatable.includes(name), 'only once');
};

const parametersOf = (
  given: readonly Parameter[],
  isAllowed: (name: string, values: readonly string[]) => boolean,
  howOften: string,
): Parameters | string => {
  const values = new Map<string, string[]>();
  for (const [name, value] of given) {
    const known = values.get(name);
    if (known === undefined) values.set(name, [value]);
    else known.push(value);
  }
  for (const [name, list] of values)
    if (!isAllowed(name, list))
      return `Send ${/^\w{1,64}$/.test(name) ? name : 'each parameter'} ${howOften}.`;
  return {
    one: (name) => values.get(name)?.[0] || undefined,
    all: (name) => (values.get(name) ?? []).filter((value) => value !== ''),
  };
};

const pairsOfBody = ({ body, bytes }: SurfaceRequest): readonly Parameter[] | string => {
  switch (body.kind) {
    case 'none':
      return [];
    case 'form':
      return body.parameters;
    case 'json':
      if (!isJsonObject(body.value)) return 'The body is not a JSON object.';
      return Object.entries(body.value)
        .filter(([, value]) => typeof value === 'string' || typeof value === 'number')
        .map(([name, value]) => [name, String(value)]);
    case 'malformed': {
      const [, name, value] = looseObject.exec(bytes.toString('latin1')) ?? [];
      return name === undefined || value === undefined
        ? `The body cannot be read: ${body.why}.`
        : [[name, value]];
    }
    case 'other':
      return 'The body is neither a form nor a JSON object.';
  }
};

/** `{tokenValue=abc}`: not JSON, but sent as such. */
const looseObject = /^\s*\{\s*(\w{1,64})\s*=\s*([^\s,{}"]{1,8192})\s*\}\s*$/;

const pairsOfQuery = (query: string): readonly Parameter[] | string => {
  const pairs: Parameter[] = [];
  for (const piece of query.split('&')) {
    const [name, value] = decodePair(piece);
    if (name === undefined || value === undefined) return 'The query is not percent-encoded UTF-8.';
    pairs.push([name, value]);
  }
  return pairs;
};

/** A whole number of that many digits at most; undefined when it is none, or not from `min` to `max`. */
export const parseWhole = (text: string, min: number, max = 999_999_999): number | undefined => {
  const number = /^\d{1,9}$/.test(text) ? Number(text) : -1;
  return number >= min && number <= max ? number : undefined;
};

/** A credential in a parameter, of the one form that belongs there. */
export const parseCredentialAs = (
  form: CredentialForm,
  value: string,
  bounds: Settings['credential'],
): Credential | Denial => {
  const parsed = parseCredential(value, bounds);
  if (isDenial(parsed) || parsed.form === form) return parsed;
  return denial('credential_malformed', `${formNames[parsed.form]} where ${formNames[form]} belongs`);
};
