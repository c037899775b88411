// The surfaces on a real HTTP server, as the gate would hand them their requests, with everything behind them for real.

import { generateKeyPairSync } from 'node:crypto';
import { EventEmitter, once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Test } from 'tap';
import type { RequestOutcome } from '../../src/observe/request-outcome.ts';
import { createCommandLimit } from '../../src/identity/command-limit.ts';
import { createSessionLimit } from '../../src/identity/session-limit.ts';
import { createSignInLimit, type SignInLimit } from '../../src/identity/sign-in-limit.ts';
import { createUnknownTokenLimit } from '../../src/identity/unknown-token-limit.ts';
import { type Audit, createAudit } from '../../src/lifecycle/audit.ts';
import { createPasswordHashes, type PasswordHashes } from '../../src/lifecycle/password-hash.ts';
import type { Settings } from '../../src/settings/settings.ts';
import type { Surfaces } from '../../src/surfaces/serve.ts';
import { createSurfaces } from '../../src/surfaces/surfaces.ts';
import { isKeyFault, parseSigningKey, type SigningKey } from '../../src/tokens/signing-key.ts';
import { createWorld, minuteMs, type World } from '../lifecycle/world.ts';

/** Whom the gate says is calling, in tests that begin behind it. */
export const testCaller = { clientAddress: '192.0.2.7', requestId: 'request-1' };

export type SurfaceSettings = Settings;

export interface SurfaceServer extends World {
  readonly settings: SurfaceSettings;
  /** Writes to the store; every exchange too. */
  readonly audit: Audit;
  /** Cheap ones. */
  readonly passwords: PasswordHashes;
  readonly signInLimit: SignInLimit;
  readonly surfaces: Surfaces;
  readonly origin: string;
  readonly port: number;
  /** One record a request, oldest first. */
  readonly outcomes: RequestOutcome[];
  /** Sends a form to a path of the surface. */
  post(path: string, form: Form, headers?: Record<string, string>): Promise<Reply>;
  get(path: string): Promise<Reply>;
  /** The access token of an exchange of an API token. */
  accessToken(secret: string, form?: Record<string, string>): Promise<string>;
}

type Form = Record<string, string> | readonly (readonly [string, string])[] | string;

export interface Reply {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  /** Of a JSON body; empty when there is none. */
  readonly body: Record<string, unknown>;
}

/** Every vendor's surface off. */
export const noSurfaces: Settings['surfaces'] = {
  csp: {
    enabled: false,
    prefix: '/csp/gateway/am/api',
    domain: 'corp.example',
    timestamps: 'milliseconds',
    tokensPerUserMax: 50,
  },
  navigator: { enabled: false, prefix: '/cphub/api/auth/v1' },
  vcd: { enabled: false, prefix: '', providerOrg: 'System', tokenLifetimeMs: undefined },
  astra: { enabled: false, prefix: '', tokenLifetimeMs: undefined, foreignAccount: 'forbidden' },
  management: { enabled: false, prefix: '/tollgate/v1' },
  console: {
    enabled: false,
    prefix: '/tollgate/console',
    listen: undefined,
    origin: undefined,
    idleTimeoutMs: 30 * minuteMs,
    sessionLifetimeMs: 12 * 60 * minuteMs,
    providers: [],
  },
};

export const startSurfaces = async (
  t: Test,
  { surfaces: vendors = noSurfaces, ...change }: Partial<SurfaceSettings> = {},
): Promise<SurfaceServer> => {
  const created = await createWorld(t, change);
  const world = { ...created, settings: { ...created.settings, surfaces: vendors } };
  if (vendors.csp.enabled || vendors.navigator.enabled)
    world.keys.replace([...world.keys.published(world.now()), rsaKey()]);
  const outcomes: RequestOutcome[] = [];
  const records = new EventEmitter();
  let sent = 0;
  /** A record is made when the response is closed, which the client may see first. */
  const answered = async (response: Promise<Response>): Promise<Reply> => {
    sent++;
    const reply = await replyOf(await response);
    while (outcomes.length < sent) await once(records, 'record');
    return reply;
  };
  const audit = createAudit({ store: world.store, log: undefined, exchangeSampling: 1, now: world.now });
  t.teardown(() => audit.close());
  const passwords = createPasswordHashes({ ln: 4 });
  const signInLimit = createSignInLimit(world.settings.limits);
  const surfaces = await createSurfaces({
    ...world,
    passwords,
    signInLimit,
    // A test may give some limits only.
    clientSecretLimit: createUnknownTokenLimit(world.settings.limits.unknownTokensPerMinute ?? 0),
    sessionLimit: createSessionLimit(world.settings.limits.exchangesPerMinute ?? 0),
    commandLimit: createCommandLimit(world.settings.limits.commandsPerMinute ?? 0),
    audit,
    record: (outcome) => {
      outcomes.push(outcome);
      records.emit('record');
    },
  });
  t.teardown(() => surfaces.close());
  const route = (req: IncomingMessage, res: ServerResponse): void => {
    if (surfaces.owns((req.url ?? '').split('?')[0] ?? '')) surfaces.handle(req, res, testCaller);
    else res.writeHead(418).end();
  };
  const server = createServer(route).on('checkContinue', route);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.teardown(() => {
    server.closeAllConnections();
    server.close();
  });
  const { port } = server.address() as AddressInfo;
  const origin = `http://127.0.0.1:${port}`;
  const post: SurfaceServer['post'] = (path, form, headers = {}) =>
    answered(
      fetch(origin + path, {
        method: 'POST',
        body:
          typeof form === 'string' ? form : new URLSearchParams(form as Record<string, string>).toString(),
        headers: { 'content-type': 'application/x-www-form-urlencoded', ...headers },
      }),
    );
  return {
    ...world,
    audit,
    passwords,
    signInLimit,
    surfaces,
    origin,
    port,
    outcomes,
    post,
    get: (path) => answered(fetch(origin + path)),
    accessToken: async (secret, form = {}) => {
      const { body } = await post('/oauth2/token', {
        grant_type: 'refresh_token',
        refresh_token: secret,
        ...form,
      });
      if (typeof body['access_token'] !== 'string')
        throw new Error(`no access token: ${JSON.stringify(body)}`);
      return body['access_token'];
    },
  };
};

let rsa: SigningKey | undefined;

/** One for all the servers of a test: it takes a while to make. */
const rsaKey = (): SigningKey => {
  if (rsa !== undefined) return rsa;
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const key = parseSigningKey(privateKey.export({ type: 'pkcs8', format: 'pem' }), 'test');
  if (isKeyFault(key)) throw new Error(key.message);
  rsa = key;
  return key;
};

const replyOf = async (response: Response): Promise<Reply> => {
  const text = await response.text();
  const isJson = response.headers.get('content-type')?.startsWith('application/json') === true && text !== '';
  return {
    status: response.status,
    headers: response.headers,
    text,
    body: isJson ? (JSON.parse(text) as Record<string, unknown>) : {},
  };
};

export const basic = (id: string, secret: string): Record<string, string> => ({
  authorization: `Basic ${Buffer.from(`${encodeURIComponent(id)}:${encodeURIComponent(secret)}`).toString('base64')}`,
});

/** The configured client of the test world. */
export const resourceServer = basic('resource', 's3cret+value:%');
