// The management surface on a real server, with the accounts of the description's examples: org acme with ann, its owner,
// and ben; another org with eve.

import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Test } from 'tap';
import { createBeginClientSession } from '../../../src/lifecycle/client-session.ts';
import { createIssue } from '../../../src/lifecycle/issue.ts';
import { createPasswords } from '../../../src/lifecycle/passwords.ts';
import { example } from '../../../src/surfaces/management/examples.ts';
import type { Surfaces } from '../../../src/surfaces/serve.ts';
import { exchangeRaw } from '../../support/raw-client.ts';
import { sealed } from '../../lifecycle/world.ts';
import {
  noSurfaces,
  startSurfaces,
  type SurfaceServer,
  type SurfaceSettings,
  testCaller,
} from '../surface-server.ts';

export const prefix = '/tollgate/v1';
export const jsonType = 'Content-Type: application/json';

export interface ManagementReply {
  readonly status: number;
  readonly text: string;
  /** Of a JSON body; empty when there is none. */
  readonly body: Record<string, unknown>;
  header(name: string): string | undefined;
}

export interface ManagementServer extends SurfaceServer {
  /** A request line without version and header lines, byte for byte; Host and, with a body, Content-Length are added. */
  send(requestLine: string, headers?: readonly string[], body?: string): Promise<ManagementReply>;
  /** JSON as a user; `path` is below the prefix. */
  order(
    who: string | undefined,
    methodAndPath: string,
    body?: unknown,
    headers?: readonly string[],
  ): Promise<ManagementReply>;
  /** The access token of a user who has signed in; of all the user's scopes or of some. */
  signIn(userId?: string, scopes?: readonly string[], orgId?: string): Promise<string>;
}

export const startManagement = async (
  t: Test,
  { surfaces, ...change }: Partial<SurfaceSettings> = {},
): Promise<ManagementServer> => {
  const server = await startSurfaces(t, {
    ...sealed,
    surfaces: surfaces ?? { ...noSurfaces, management: { enabled: true, prefix } },
    ...change,
  });
  const { accounts, store, passwords, signInLimit: limit, now } = server;
  const roles = {
    reader: ['things:read', 'reports:read'],
    member: ['things:read', 'tollgate:tokens:own'],
    owner: ['things:read', 'things:write', 'tollgate:tokens:own', 'org:owner'],
    auditor: ['tollgate:audit:read'],
  };
  for (const [role, scopes] of Object.entries(roles)) await accounts.defineRole(example.org, role, scopes);
  await accounts.setRoles(example.org, example.user, ['owner']);
  await accounts.createUser({ orgId: example.org, id: example.otherUser, name: 'Ben', roles: ['member'] });
  await accounts.createOrg({ id: 'other', name: 'Other', roles, tokenLifetimeMsMax: undefined });
  await accounts.createUser({ orgId: 'other', id: 'eve', name: 'Eve', roles: ['owner'] });
  await createPasswords({ store, passwords, limit, now }).setPassword(
    example.org,
    example.user,
    example.password,
  );

  const send: ManagementServer['send'] = async (requestLine, headers = [], body = '') => {
    const hasLength = headers.some((line) => /^(?:content-length|transfer-encoding):/i.test(line));
    const lines = [
      `${requestLine} HTTP/1.1`,
      'Host: gate.example',
      ...headers,
      ...(body === '' || hasLength ? [] : [`Content-Length: ${Buffer.byteLength(body)}`]),
    ];
    // The raw client sends and gives each byte as a character.
    const bytes = Buffer.from(body).toString('latin1');
    const message = await exchangeRaw(server.port, `${lines.join('\r\n')}\r\n\r\n${bytes}`);
    const isJson = /^application\/(?:problem\+)?json/.test(message.header('content-type') ?? '');
    const text = Buffer.from(message.body, 'latin1').toString('utf8');
    return {
      status: message.status,
      text,
      body: isJson && text !== '' ? (JSON.parse(text) as Record<string, unknown>) : {},
      header: (name) => message.header(name),
    };
  };
  return {
    ...server,
    send,
    order: (who, methodAndPath, body, headers = []) => {
      const [method, path = ''] = methodAndPath.split(' ');
      const bearer = who === undefined ? [] : [`Authorization: Bearer ${who}`];
      return send(
        `${method} ${prefix}${path}`,
        [...bearer, ...(body === undefined ? [] : [jsonType]), ...headers],
        body === undefined ? '' : JSON.stringify(body),
      );
    },
    signIn: async (userId = example.user, scopes, orgId = example.org) => {
      const begin = createBeginClientSession(server);
      const origin = { clientAddress: '192.0.2.7', requestId: 'sign-in' };
      const account = { orgId, userId };
      const begun = await begin({ clientId: 'test', account, validityMs: undefined, origin });
      if (!('identity' in begun)) throw new Error(`no session: ${JSON.stringify(begun)}`);
      const signedIn = createIssue(server)({
        identity: { ...begun.identity, sessionKind: 'interactive' },
        scopes,
        audiences: [],
        validityMs: undefined,
        clientId: undefined,
        methods: ['pwd'],
      });
      if (!('accessToken' in signedIn)) throw new Error(`no session: ${JSON.stringify(signedIn)}`);
      return signedIn.accessToken;
    },
  };
};

/** The id of a token in an answer. */
export const idOf = ({ body }: ManagementReply): string => String(body['id']);
export const itemsOf = ({ body }: ManagementReply): readonly Record<string, unknown>[] =>
  body['items'] as readonly Record<string, unknown>[];

/** The port of a listener for surfaces beside those of the server. */
export const startBeside = async (t: Test, surfaces: Surfaces): Promise<number> => {
  const server = createServer((req, res) => surfaces.handle(req, res, testCaller)).listen(0, '127.0.0.1');
  t.teardown(() => {
    server.closeAllConnections();
    server.close();
  });
  await once(server, 'listening');
  return (server.address() as AddressInfo).port;
};
