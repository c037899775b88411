// Reads the parameters of an OAuth request: a form body, each parameter at most once, none secret in the query.
// RFC 6749 §3.2: parameters without a value are treated as omitted; unknown ones are ignored.

import type { SurfaceRequest } from '../answer.ts';
import { decode } from '../body.ts';
import { badRequest, type OauthFault } from './oauth-error.ts';

export interface Parameters {
  /** The value of a parameter that may appear once; undefined when it is absent or empty. */
  one(name: string): string | undefined;
  /** The values of a parameter that may be repeated. */
  all(name: string): readonly string[];
}

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

/** Parameters of a POST; `repeatable`: those that may appear more than once. A fault when they cannot be read. */
export const readParameters = (
  request: SurfaceRequest,
  repeatable: readonly string[],
): Parameters | OauthFault => {
  for (const piece of request.query.split('&')) {
    const name = decode(piece.split('=', 1)[0] ?? '');
    if (name !== undefined && secretNames.has(name))
      return badRequest(
        'invalid_request',
        `Send ${name} in the form body, never in the URL, and replace it: URLs are logged.`,
      );
  }
  const { body } = request;
  if (body.kind === 'malformed')
    return badRequest('invalid_request', `The body cannot be read: ${body.why}.`);
  if (body.kind === 'json' || body.kind === 'other')
    return badRequest(
      'invalid_request',
      'Send the parameters as a form, with Content-Type: application/x-www-form-urlencoded.',
    );
  const values = new Map<string, string[]>();
  for (const [name, value] of body.kind === 'form' ? body.parameters : []) {
    const known = values.get(name);
    if (known === undefined) values.set(name, [value]);
    else known.push(value);
  }
  for (const [name, list] of values)
    if (list.length > 1 && !repeatable.includes(name))
      return badRequest(
        'invalid_request',
        `Send ${/^\w{1,64}$/.test(name) ? name : 'each parameter'} only once.`,
      );
  return {
    one: (name) => values.get(name)?.[0] || undefined,
    all: (name) => (values.get(name) ?? []).filter((value) => value !== ''),
  };
};
