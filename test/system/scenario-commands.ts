// What callers of the scenarios order, in the dialect of the surface that has the order.

import { type Answer, call, type GateProcess } from '../support/gate-process.ts';
import { bodyOf, sendJson } from '../support/replicas.ts';

/** A request to the management surface, `METHOD /path`. */
export const managed = (
  gate: GateProcess,
  request: string,
  token: string,
  body?: unknown,
  headers: Readonly<Record<string, string>> = {},
): Promise<Answer> => {
  const [method = 'GET', path = ''] = request.split(' ');
  const json = { 'content-type': 'application/json', ...headers };
  return call(gate, `/tollgate/v1${path}`, token, {
    method,
    ...(body === undefined ? { headers } : { headers: json, body: JSON.stringify(body) }),
  });
};

export interface Made {
  readonly id: string;
  readonly secret: string;
  readonly shown: Readonly<Record<string, unknown>>;
}

/** A new API token of the one who is signed in. */
export const makeToken = async (
  gate: GateProcess,
  session: string,
  wanted: { readonly user?: string; readonly lifetime?: string; readonly scopes?: readonly string[] } = {},
): Promise<Made> => {
  const { user = 'acme/ann', lifetime, scopes = 'all' } = wanted;
  const [org = '', name = ''] = user.split('/');
  const order = { name: 'scenario', scopes, ...(lifetime === undefined ? {} : { lifetime }) };
  return madeOf(await managed(gate, `POST /orgs/${org}/users/${name}/api-tokens`, session, order));
};

/** The next secret of a token; `key`: for a retry. */
export const regenerate = async (
  gate: GateProcess,
  session: string,
  id: string,
  order: { readonly overlap?: string },
  key?: string,
): Promise<Made> =>
  madeOf(
    await managed(
      gate,
      `POST /orgs/acme/api-tokens/${id}/regenerate`,
      session,
      order,
      key === undefined ? {} : { 'idempotency-key': key },
    ),
  );

const madeOf = (answer: Answer): Made => {
  const shown = bodyOf(answer);
  return { id: String(shown['id']), secret: String(shown['secret']), shown };
};

/** An access token in csp's dialect for an API token. */
export const cspExchange = async (gate: GateProcess, apiToken: string): Promise<string> => {
  const path = '/csp/gateway/am/api/auth/api-tokens/authorize';
  return String(bodyOf(await sendJson(gate, path, { refresh_token: apiToken }))['access_token']);
};

/** Of an access token, in milliseconds since the epoch. */
export const expiryMsOf = (accessToken: string): number => {
  const claims = Buffer.from(accessToken.split('.')[1] ?? '', 'base64url').toString();
  return (JSON.parse(claims) as { exp: number }).exp * 1000;
};
