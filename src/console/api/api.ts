// The operations that the pages call: those of the management API below `P/api`, and those on the session.

import { isProblem, isSessionLost } from './problem.ts';
import type { Reader } from './reader.ts';
import { type Outcome, type Request, send } from './request.ts';
import * as shapes from './shapes.ts';
import type { NewToken } from '../tokens/new-token.ts';
import type { Regeneration } from '../tokens/regeneration.ts';

type Query = Readonly<Record<string, string | undefined>>;
type Signal = AbortSignal | undefined;

export type Api = ReturnType<typeof createApi>;

const e = encodeURIComponent;

/** `onSessionLost`: a request was answered that nobody is signed in. */
export const createApi = (onSessionLost: () => void) => {
  const ask = async <T>(request: Request<T>): Promise<Outcome<T>> => {
    const outcome = await send(request);
    if (isProblem(outcome) && isSessionLost(outcome)) onSessionLost();
    return outcome;
  };
  const get = <T>(path: string, read: Reader<T>, signal: Signal, query: Query = {}) =>
    ask({ path: `api/${path}`, read, signal, query });
  const write = <T>(method: Request<T>['method'], path: string, body: unknown, read: Reader<T>) =>
    ask({ ...(method !== undefined && { method }), path: `api/${path}`, body, read });
  return {
    ...sessionOperations(ask),
    ...tokenOperations(ask, get),
    ...accountOperations(get, write),
    ...operatorOperations(ask, get, write),
  };
};

type Ask = <T>(request: Request<T>) => Promise<Outcome<T>>;
type Get = <T>(path: string, read: Reader<T>, signal: Signal, query?: Query) => Promise<Outcome<T>>;
type Write = <T>(
  method: Request<T>['method'],
  path: string,
  body: unknown,
  read: Reader<T>,
) => Promise<Outcome<T>>;

/** Those before and around a session do not ask whether it was lost: that is what they find out. */
const sessionOperations = (ask: Ask) => ({
  signInOptions: (signal: Signal) => send({ path: 'session/options', read: shapes.signInOptions, signal }),
  findSession: (isBackground: boolean) => send({ path: 'session', read: shapes.signedIn, isBackground }),
  signIn: (body: { org: string; user: string; password: string }) =>
    send({ method: 'POST', path: 'session', body, read: shapes.signedIn }),
  beginOpenid: (provider: string, returnTo: string) =>
    send({
      method: 'POST',
      path: `session/openid/${e(provider)}`,
      body: { returnTo },
      read: shapes.location,
    }),
  /** Where the session has ended already, there is nothing left to do. */
  signOut: async () => {
    const outcome = await send({ method: 'DELETE', path: 'session', read: shapes.nothing });
    return isProblem(outcome) && isSessionLost(outcome) ? undefined : outcome;
  },
  switchOrg: (org: string) =>
    ask({ method: 'PUT', path: 'session/org', body: { org }, read: shapes.signedIn }),
});

const tokenOperations = (ask: Ask, get: Get) => ({
  listTokens: (org: string, user: string | undefined, query: Query, signal: Signal) =>
    get(
      user === undefined ? `orgs/${e(org)}/api-tokens` : `orgs/${e(org)}/users/${e(user)}/api-tokens`,
      shapes.countedPage(shapes.apiToken),
      signal,
      query,
    ),
  findToken: (org: string, id: string, signal: Signal) =>
    get(`orgs/${e(org)}/api-tokens/${e(id)}`, shapes.apiToken, signal),
  findTokenUsage: (org: string, id: string, signal: Signal) =>
    get(`orgs/${e(org)}/api-tokens/${e(id)}/usage`, shapes.usage, signal),
  findGrantable: (org: string, user: string, signal: Signal) =>
    get(`orgs/${e(org)}/users/${e(user)}/grantable`, shapes.grantable, signal),
  generateToken: (org: string, user: string, body: NewToken, idempotencyKey: string) =>
    ask({
      method: 'POST',
      path: `api/orgs/${e(org)}/users/${e(user)}/api-tokens`,
      body,
      idempotencyKey,
      read: shapes.apiTokenWithSecret,
    }),
  regenerateToken: (org: string, id: string, body: Regeneration, idempotencyKey: string) =>
    ask({
      method: 'POST',
      path: `api/orgs/${e(org)}/api-tokens/${e(id)}/regenerate`,
      body,
      idempotencyKey,
      read: shapes.apiTokenWithSecret,
    }),
  revokeToken: (org: string, id: string) =>
    ask({ method: 'DELETE', path: `api/orgs/${e(org)}/api-tokens/${e(id)}`, read: shapes.nothing }),
  revokeMine: () => ask({ method: 'POST', path: 'api/revoke-all', read: shapes.nothing }),
  revokeOrg: (org: string) =>
    ask({ method: 'POST', path: `api/orgs/${e(org)}/revoke-all`, read: shapes.nothing }),
  revokeUser: (org: string, user: string) =>
    ask({ method: 'POST', path: `api/orgs/${e(org)}/users/${e(user)}/revoke-all`, read: shapes.nothing }),
});

const accountOperations = (get: Get, write: Write) => {
  const at = (org: string, user: string): string => `orgs/${e(org)}/users/${e(user)}`;
  return {
    listUsers: (org: string, query: Query, signal: Signal) =>
      get(`orgs/${e(org)}/users`, shapes.page(shapes.user), signal, query),
    findUser: (org: string, user: string, signal: Signal) => get(at(org, user), shapes.user, signal),
    createUser: (org: string, body: object) => write('POST', `orgs/${e(org)}/users`, body, shapes.user),
    changeUser: (org: string, user: string, body: object) => write('PATCH', at(org, user), body, shapes.user),
    deleteUser: (org: string, user: string) => write('DELETE', at(org, user), undefined, shapes.nothing),
    changeEmail: (org: string, user: string, email: string | null) =>
      write('PUT', `${at(org, user)}/email`, { email }, shapes.user),
    changePassword: (org: string, user: string, body: { currentPassword?: string; newPassword: string }) =>
      write('PUT', `${at(org, user)}/password`, body, shapes.nothing),
    endSessions: (org: string, user: string) =>
      write('DELETE', `${at(org, user)}/sessions`, undefined, shapes.nothing),
    listRoles: (org: string, signal: Signal) => get(`orgs/${e(org)}/roles`, shapes.roleList, signal),
    putRole: (org: string, role: string, scopes: readonly string[]) =>
      write('PUT', `orgs/${e(org)}/roles/${e(role)}`, { scopes }, shapes.role),
    deleteRole: (org: string, role: string) =>
      write('DELETE', `orgs/${e(org)}/roles/${e(role)}`, undefined, shapes.nothing),
    /** `org` undefined: of all organizations. */
    readAudit: (org: string | undefined, query: Query, signal: Signal) =>
      get(
        org === undefined ? 'audit' : `orgs/${e(org)}/audit`,
        shapes.page(shapes.auditEntry),
        signal,
        query,
      ),
  };
};

const operatorOperations = (ask: Ask, get: Get, write: Write) => ({
  listOrgs: (query: Query, signal: Signal) => get('orgs', shapes.page(shapes.org), signal, query),
  findOrg: (org: string, signal: Signal) => get(`orgs/${e(org)}`, shapes.org, signal),
  createOrg: (body: object) => write('POST', 'orgs', body, shapes.org),
  changeOrg: (org: string, body: object) => write('PATCH', `orgs/${e(org)}`, body, shapes.org),
  deleteOrg: (org: string) => write('DELETE', `orgs/${e(org)}`, undefined, shapes.nothing),
  listKeys: (signal: Signal) => get('keys', shapes.keyList, signal),
  rotateKey: (algorithm: string | undefined) =>
    write('POST', 'keys/rotate', algorithm === undefined ? {} : { algorithm }, shapes.rotation),
  findStatus: (signal: Signal) =>
    ask({ path: 'api/status', read: shapes.status, signal, isBackground: true }),
});
