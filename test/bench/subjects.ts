// What is measured: each subject is a real process on the proxy's core, and the load that fits it.

import { createSign, generateKeyPairSync } from 'node:crypto';
import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { answers200, freePort, root, type RunningProcess, startProcess } from '../support/process.ts';
import { type Load, otherCore, proxyCore } from './load.ts';

export interface Subject {
  readonly name: string;
  readonly pid: number;
  readonly load: Pick<Load, 'url' | 'tokens' | 'refused' | 'headers'>;
}

type Started = RunningProcess & { readonly url: string };

const startPinned = async (
  core: readonly string[],
  command: readonly string[],
  url: string,
  token = '',
): Promise<Started> => {
  const [program = '', ...args] = [...core, ...command];
  const isReady = (): Promise<boolean> =>
    fetch(`${url}/things/1`, { headers: { authorization: `Bearer ${token}` } }).then(
      async (response) => (await response.arrayBuffer()).byteLength > 0 && response.ok,
      () => false,
    );
  return { ...(await startProcess(program, args, { isReady })), url };
};

const node = (file: string, ...args: (number | string)[]): string[] => [
  process.execPath,
  '--disable-warning=DEP0060',
  join(root, 'test/bench', file),
  ...args.map(String),
];

export const startUpstream = async (): Promise<Started & { readonly port: number }> => {
  const port = await freePort();
  return { ...(await startPinned(otherCore, node('upstream.ts', port), `http://127.0.0.1:${port}`)), port };
};

/** `file`: undici-proxy.ts or http-proxy-proxy.ts; `args`: more that it takes. */
export const startBareProxy = async (
  file: string,
  upstreamPort: number,
  ...args: readonly string[]
): Promise<Started> => {
  const port = await freePort();
  return startPinned(proxyCore, node(file, port, upstreamPort, ...args), `http://127.0.0.1:${port}`);
};

/** A bare HTTP server of Node, on the proxy's core. */
export const startHello = async (): Promise<Started> => {
  const port = await freePort();
  return startPinned(proxyCore, node('hello.ts', port), `http://127.0.0.1:${port}`);
};

/** What nginx adds to its question about the request of the bench. */
export const askedByNginx = [
  'X-Original-Method: GET',
  'X-Original-URI: /things/1?view=short',
  'X-Forwarded-For: 192.0.2.7',
  'X-Forwarded-Proto: https',
];

/** The header pairs that a gate adds to a request on its route `/echo`, whose upstream listens on `port`. */
export const addedHeaders = async (
  gateUrl: string,
  apiToken: string,
  port: number,
): Promise<readonly string[]> => {
  const sent = [
    'host',
    'accept',
    'user-agent',
    'connection',
    'accept-language',
    'sec-fetch-mode',
    'accept-encoding',
  ];
  const api = createServer((request, response) => response.end(JSON.stringify(request.rawHeaders)));
  api.listen(port, '127.0.0.1');
  await once(api, 'listening');
  const answer = await fetch(`${gateUrl}/echo`, { headers: { authorization: `Bearer ${apiToken}` } });
  const raw = (await answer.json()) as string[];
  api.close();
  api.closeAllConnections();
  return raw.flatMap((name, at) =>
    at % 2 === 0 && !sent.includes(name.toLowerCase()) ? [name, raw[at + 1] ?? ''] : [],
  );
};

export const hasHaproxy = (): boolean => spawnSync('haproxy', ['-v'], { stdio: 'ignore' }).status === 0;

/** HAProxy with one thread; `jwt`: verifies an RS256 bearer, removes it and tells the API who it is. */
export const startHaproxy = async (
  kind: 'plain' | 'jwt',
  upstreamPort: number,
  directory: string,
): Promise<Started & { readonly token: string }> => {
  const port = await freePort();
  const { token, publicKeyFile } = makeJwt(directory);
  const check = `
  http-request set-var(txn.bearer) http_auth_bearer
  http-request set-var(txn.alg) var(txn.bearer),jwt_header_query('$.alg')
  http-request deny deny_status 401 unless { var(txn.alg) -m str RS256 }
  http-request deny deny_status 401 unless { var(txn.bearer),jwt_verify(txn.alg,"${publicKeyFile}") 1 }
  http-request deny deny_status 401 unless { var(txn.bearer),jwt_payload_query('$.iss') -m str http://issuer.example }
  http-request set-var(txn.exp) var(txn.bearer),jwt_payload_query('$.exp','int')
  http-request set-var(txn.now) date()
  http-request deny deny_status 401 if { var(txn.exp),sub(txn.now) -m int lt 0 }
  http-request set-header X-Identity-User %[var(txn.bearer),jwt_payload_query('$.sub')]
  http-request del-header Authorization`;
  const file = join(directory, `haproxy-${kind}.cfg`);
  writeFileSync(
    file,
    `global
  nbthread 1
  maxconn 4096
defaults
  mode http
  timeout connect 2s
  timeout client 60s
  timeout server 60s
  http-reuse always
frontend gate
  bind 127.0.0.1:${port}${kind === 'jwt' ? check : ''}
  default_backend api
backend api
  server one 127.0.0.1:${upstreamPort}
`,
  );
  const command = ['haproxy', '-db', '-f', file];
  const url = `http://127.0.0.1:${port}`;
  const running = await startPinned(proxyCore, command, url, token);
  if (kind === 'jwt' && (await answers200(`${url}/things/1`))) throw new Error('HAProxy lets anyone in');
  return { ...running, token };
};

/** An RS256 access token of the size ours have, and its public key as a file. */
const makeJwt = (directory: string): { readonly token: string; readonly publicKeyFile: string } => {
  const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const publicKeyFile = join(directory, 'issuer.pem');
  writeFileSync(publicKeyFile, publicKey.export({ type: 'spki', format: 'pem' }));
  const nowSeconds = Math.floor(Date.now() / 1000);
  const encode = (part: object): string => Buffer.from(JSON.stringify(part)).toString('base64url');
  const signed = `${encode({ alg: 'RS256', typ: 'at+jwt', kid: 'one' })}.${encode({
    iss: 'http://issuer.example',
    aud: 'http://issuer.example',
    sub: 'user-0',
    org: 'acme',
    scope: 'things:read',
    iat: nowSeconds,
    exp: nowSeconds + 3600,
    jti: '7f8f4a52-6c5c-4bb6-9bd7-3e3c8a0b4e11',
    sid: '0d4a9f46-4d2f-4d7b-a3ac-70ce9b8de0c4',
    tid: '9b2b3a9e-7f5e-4f5c-8b8e-3d1f5a7c9e07',
    gen: '1.1',
    amr: ['api_token'],
  })}`;
  return {
    token: `${signed}.${createSign('RSA-SHA256').update(signed).sign(privateKey, 'base64url')}`,
    publicKeyFile,
  };
};
