// The vendors' surfaces on a real server, spoken to in raw bytes: what a client library would tidy up reaches it as is.

import type { Test } from 'tap';
import { createBeginClientSession } from '../../src/lifecycle/client-session.ts';
import { createIssue } from '../../src/lifecycle/issue.ts';
import { shardOfAccount } from '../../src/tokens/shard.ts';
import { createSecret, createTokenId, digestOf } from '../../src/tokens/api-token.ts';
import { exchangeRaw } from '../support/raw-client.ts';
import { noSurfaces, startSurfaces, type SurfaceServer, type SurfaceSettings } from './surface-server.ts';

export const csp = '/csp/gateway/am/api';
export const navigator = '/cphub/api/auth/v1';

export interface VendorReply {
  readonly status: number;
  readonly body: string;
  /** Of a JSON body; empty when it is something else. */
  readonly json: Record<string, unknown>;
  header(name: string): string | undefined;
}

export interface VendorServer extends SurfaceServer {
  /** A request line and header lines, byte for byte; Host and, with a body, Content-Length are added. */
  send(requestLine: string, headers?: readonly string[], body?: string): Promise<VendorReply>;
  /** A POST of JSON. */
  postJson(path: string, value: unknown, headers?: readonly string[]): Promise<VendorReply>;
  /** A POST of a form, as text. */
  postForm(path: string, form: string, headers?: readonly string[]): Promise<VendorReply>;
  /** Like `token()`, made with OpenID. */
  openIdToken(): Promise<string>;
  /** An access token of acme/ann as if she had signed in; of all her scopes or of some. */
  signIn(scopes?: readonly string[]): Promise<string>;
}

export const formType = 'Content-Type: application/x-www-form-urlencoded';
export const jsonType = 'Content-Type: application/json';

/** A confidential client that stands for acme/ann, and one that stands for nobody. */
export const clients = [
  { id: 'reports', secret: 's3cret', account: { orgId: 'acme', userId: 'ann' } },
  { id: 'resource', secret: 'other', account: undefined },
];

export const basicLine = (id: string, secret: string): string =>
  `Authorization: Basic ${Buffer.from(`${id}:${secret}`).toString('base64')}`;

export const startVendors = async (
  t: Test,
  { surfaces, ...change }: Partial<SurfaceSettings> = {},
): Promise<VendorServer> => {
  const server = await startSurfaces(t, {
    oauth: { enabled: true, prefix: '/oauth2', clients },
    surfaces: surfaces ?? {
      ...noSurfaces,
      csp: { ...noSurfaces.csp, enabled: true },
      navigator: { ...noSurfaces.navigator, enabled: true },
      astra: { ...noSurfaces.astra, enabled: true },
    },
    ...change,
  });
  const send: VendorServer['send'] = async (requestLine, headers = [], body = '') => {
    const hasLength = headers.some((line) => /^content-length:/i.test(line));
    const lines = [
      `${requestLine} HTTP/1.1`,
      'Host: gate.example',
      ...headers,
      ...(body === '' || hasLength ? [] : [`Content-Length: ${Buffer.byteLength(body)}`]),
    ];
    const message = await exchangeRaw(server.port, `${lines.join('\r\n')}\r\n\r\n${body}`);
    const isJson =
      /^application\/(?:problem\+)?json/.test(message.header('content-type') ?? '') && message.body !== '';
    return {
      status: message.status,
      body: message.body,
      json: isJson ? (JSON.parse(message.body) as Record<string, unknown>) : {},
      header: (name) => message.header(name),
    };
  };
  return {
    ...server,
    send,
    postJson: (path, value, headers = []) =>
      send(`POST ${path}`, [jsonType, ...headers], JSON.stringify(value)),
    postForm: (path, form, headers = []) => send(`POST ${path}`, [formType, ...headers], form),
    openIdToken: async () => {
      const { record } = await server.token();
      const shard = shardOfAccount(record.orgId, record.userId);
      const secret = createSecret({ shard, length: 65 });
      const token = { ...record, id: createTokenId(shard), openid: true };
      const answer = await server.store.createToken(token, digestOf(secret));
      if (answer !== 'created') throw new Error(`no token: ${JSON.stringify(answer)}`);
      return secret;
    },
    signIn: async (scopes) => {
      const begin = createBeginClientSession(server);
      const account = { orgId: 'acme', userId: 'ann' };
      const origin = { clientAddress: '192.0.2.7', requestId: 'sign-in' };
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
