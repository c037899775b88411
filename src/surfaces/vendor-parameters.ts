// Reads the parameters of a vendor's request from wherever its clients put them: form, JSON object, query, or the
// `{name=value}` that some send under a JSON content type. A parameter that is sent twice must have one value.

import { type Credential, type CredentialForm, formNames, parseCredential } from '../decision/credential.ts';
import { type Denial, denial, isDenial } from '../decision/outcome.ts';
import { isJsonObject } from '../decision/strict-json.ts';
import type { Settings } from '../settings/settings.ts';
import type { SurfaceRequest } from './answer.ts';
import { decodePair } from './body.ts';

export interface VendorParameters {
  /** Undefined when it is absent or empty. */
  one(name: string): string | undefined;
}

/** Where parameters are read from: a token in a URL only where the contract says that clients put it there. */
export type ParameterSource = 'body' | 'query' | 'both';

/** A sentence for the caller when they cannot be read. */
export const readParameters = (
  request: SurfaceRequest,
  source: ParameterSource,
): VendorParameters | string => {
  const values = new Map<string, string>();
  let contradiction: string | undefined;
  const add = (name: string, value: string): void => {
    if (value === '') return;
    const known = values.get(name);
    if (known !== undefined && known !== value) contradiction ??= name;
    values.set(name, value);
  };
  const fault =
    (source === 'query' ? undefined : addBody(request, add)) ??
    (source === 'body' ? undefined : addQuery(request.query, add));
  if (fault !== undefined) return fault;
  if (contradiction !== undefined)
    return `Send ${/^\w{1,64}$/.test(contradiction) ? contradiction : 'each parameter'} once, or the same each time.`;
  return { one: (name) => values.get(name) };
};

type Add = (name: string, value: string) => void;

const addBody = (request: SurfaceRequest, add: Add): string | undefined => {
  const { body } = request;
  switch (body.kind) {
    case 'none':
      return undefined;
    case 'form':
      for (const [name, value] of body.parameters) add(name, value);
      return undefined;
    case 'json':
      if (!isJsonObject(body.value)) return 'The body is not a JSON object.';
      for (const [name, value] of Object.entries(body.value))
        if (typeof value === 'string' || typeof value === 'number') add(name, String(value));
      return undefined;
    case 'malformed': {
      const pair = looseObject.exec(request.bytes.toString('latin1'));
      if (pair === null) return `The body cannot be read: ${body.why}.`;
      add(pair[1] ?? '', pair[2] ?? '');
      return undefined;
    }
    case 'other':
      return 'The body is neither a form nor a JSON object.';
  }
};

/** `{tokenValue=abc}`: not JSON, but sent as such. */
const looseObject = /^\s*\{\s*(\w{1,64})\s*=\s*([^\s,{}"]{1,8192})\s*\}\s*$/;

const addQuery = (query: string, add: Add): string | undefined => {
  for (const piece of query.split('&')) {
    const [name, value] = decodePair(piece);
    if (name === undefined || value === undefined) return 'The query is not percent-encoded UTF-8.';
    add(name, value);
  }
  return undefined;
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
