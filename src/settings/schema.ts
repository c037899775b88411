// The settings file as a person writes it: every key, its default and one sentence about it. The parser, the editor's
// schema, the environment's names and config/tollgate.yaml's test all come from this table.

import { z } from 'zod';
import { identityFields } from '../decision/identity-headers.ts';
import { signingAlgorithms } from '../tokens/signature.ts';
import { corsFields } from './cors-fields.ts';
import { credentialFields } from './credential-fields.ts';
import { field, fileOf, group } from './field.ts';
import { quotaFields, rateLimitFields } from './limit-fields.ts';
import { address, cidr, headerName, httpUrl } from './network-readers.ts';
import { sealingKey, signingKeys } from './pem.ts';
import {
  forwardAuthFields,
  issuerFields,
  proxyProtocolFields,
  storeFields,
  tlsFields,
  viaFields,
} from './place-fields.ts';
import { duration, durationOrNever, size } from './quantity.ts';
import { count, flag, listOf, oneOf, share, text } from './reader.ts';
import { reminderFields } from './reminder-fields.ts';
import { enforcementMode, errorDialect, routeFields } from './route-fields.ts';
import { surfaceFields } from './surface-list.ts';
import { oauth } from './surfaces/oauth.ts';
import { defaultUpstreamFields, namedUpstreamFields } from './upstream-fields.ts';

const identityGroup = group({
  headers: z
    .record(
      z.string(),
      field(
        oneOf(...identityFields),
        'Field of the identity, or `jwt`: all of them in a token signed by Tollgate.',
      ),
    )
    .meta({ description: 'Header -> what it carries. Written here, it replaces the defaults as a whole.' })
    .prefault({
      'X-Identity': 'jwt',
      'X-Identity-User': 'user.id',
      'X-Identity-Org': 'org.id',
      'X-Identity-Scopes': 'scopes',
      'X-Identity-Token': 'token.id',
    }),
  strip: field(
    listOf(headerName),
    'More headers that no caller may send, such as what the API took its identity from before. Case, - and _ do not count.',
  ).prefault([]),
  keep: field(
    listOf(headerName),
    'Headers that callers may send although Tollgate strips them by default, because APIs believe them (Client-Cert, Remote-User, X-Envoy-...).',
  ).prefault([]),
  jwtLifetimeMs: field(duration('10s', '5m'), 'How long the identity JWT is valid.').prefault('5m'),
});

const tokenFields = group({
  algorithm: field(oneOf(...signingAlgorithms), 'Signs access tokens and identity JWTs.').prefault('ES256'),
  accessTokenLifetimeMs: field(duration('10s', '1d'), 'How long an access token is valid.').prefault('30m'),
  apiTokenLifetimeMs: field(
    durationOrNever('1m', '3650d'),
    'How long an API token is valid when its maker says nothing; or `never`.',
  ).prefault('180d'),
  perUserMax: field(count(1, 100_000), 'Most live API tokens of one user. An import may exceed it.').default(
    1_000,
  ),
  clockLeewayMs: field(duration('0s', '60s'), "How far other machines' clocks may be off.").prefault('30s'),
});

const keyFields = group({
  encryptionKey: field(
    sealingKey,
    '32 bytes in base64 that seal the signing keys in the store (openssl rand -base64 32). Needed with Redis; with SQLite a file `tollgate.key` is made beside the database.',
  ).optional(),
  encryptionKeyFile: fileOf('encryptionKey'),
  signingKeys: field(
    signingKeys,
    'PEM files with private keys, instead of keys made and kept in the store. The first of an algorithm signs.',
  ).prefault([]),
  publishLeadMs: field(
    duration('0s', '7d'),
    'After a rotation the new public key is published this long before it signs.',
  ).prefault('15m'),
});

const cacheFields = group({
  identitiesMax: field(count(1, 10_000_000), 'Identities kept in memory.').prefault(100_000),
  identityTtlMs: field(
    duration('0s', '60s'),
    'How long one is kept. Revocations do not wait for it.',
  ).prefault('60s'),
  unknownMax: field(
    count(1, 1_000_000),
    'Refused credentials kept in memory, apart from the others.',
  ).prefault(10_000),
  unknownTtlMs: field(duration('0s', '5m'), 'How long one is kept.').prefault('5s'),
});

const feedFields = group({
  maxStalenessMs: field(
    duration('1s', '1h'),
    'How long the feed of revocations may be silent before `whenStale` applies.',
  ).prefault('10s'),
  whenStale: field(
    oneOf('refuse', 'serve'),
    '`refuse`: 503 until it is heard again; `serve`: go on with what is known.',
  ).prefault('refuse'),
});

const limitFields = group({
  headerBytesMax: field(size('1KB', '1MB'), 'All header lines of a request together; more is 431.').prefault(
    '16KB',
  ),
  headersMax: field(count(10, 2000), 'Header lines of a request; more is 431.').prefault(100),
  targetBytesMax: field(size('256B', '64KB'), 'Path and query; more is 414.').prefault('8KB'),
  connectionsMax: field(count(1, 1_000_000), 'Open connections of callers.').prefault(10_000),
  connectionsPerAddressMax: field(
    count(1, 1_000_000),
    'Of these, from one address (IPv6: a /64). Trusted proxies and unix sockets are not counted.',
  ).prefault(2_500),
  headersTimeoutMs: field(duration('100ms', '5m'), 'Time to send the headers.').prefault('10s'),
  requestTimeoutMs: field(duration('1s', '1d'), 'Time to send the whole request.').prefault('5m'),
  keepAliveTimeoutMs: field(
    duration('0s', '1h'),
    'Idle time before a connection of a caller is closed.',
  ).prefault('65s'),
  writeStallTimeoutMs: field(
    duration('100ms', '1h'),
    'A caller that reads nothing for this long is cut off.',
  ).prefault('60s'),
  bodyBufferBytes: field(
    size('0B', '1MB'),
    'Where half of the connections to the API, or of a share of them, are in use, a body up to this size is read whole before it takes one; of a longer one so much. Else its head goes first; with 0B always.',
  ).prefault('16KB'),
  bodyWaitMs: field(
    duration('0s', '1m'),
    'A longer body, or one of unknown length, waits no longer than this once some of it is here.',
  ).prefault('1s'),
  bodyStallTimeoutMs: field(
    duration('100ms', '1h'),
    'A body that comes slower than bodyRateMin for this long is 408, unless the API answers already.',
  ).prefault('10s'),
  bodyRateMin: field(size('0B', '1MB'), 'Least bytes of a body in a second. 0B: any number.').prefault(240),
  refusalsPerConnectionMax: field(
    count(1, 1_000_000),
    'Requests of one connection refused in a row before it is closed, with the answer to the last.',
  ).prefault(100),
  unknownTokensPerMinute: field(
    count(0, 1_000_000),
    'Unknown tokens, and wrong client secrets, one address may try in a minute before 429; one more a second then. 0: any number.',
  ).prefault(600),
  exchangesPerMinute: field(
    count(0, 1_000_000),
    'Access tokens one API token may be exchanged for in a minute before 429, and sessions it may end; 0: any number.',
  ).prefault(600),
  commandsPerMinute: field(
    count(0, 1_000_000),
    'Commands about tokens and users one account may give in a minute before 429, and as many revocations beside them; 0: any number.',
  ).prefault(600),
  signInFailuresPerAccount: field(
    count(0, 1_000_000),
    'Failed sign-ins to one account from one address within 15 minutes before 429; ten times as many from all addresses; 0: any number.',
  ).prefault(10),
  signInFailuresPerAddress: field(
    count(0, 1_000_000),
    'Failed sign-ins from one address within 15 minutes, to whichever accounts; 0: any number.',
  ).prefault(100),
});

const auditFields = group({
  exchangeSampling: field(
    share,
    'Share of successful exchanges that are written down; everything else always is.',
  ).prefault(0.01),
});

const usageFields = group({
  enabled: field(
    flag,
    'Whether requests, refusals and bytes are counted for each API token and day (tollgate usage).',
  ).prefault(false),
  flushIntervalMs: field(
    duration('1s', '5m'),
    'How often a process writes what it has counted; a crash loses so much.',
  ).prefault('10s'),
  keepMs: field(duration('1d', '400d'), 'How long the counts of a day are kept.').prefault('90d'),
});

const logFields = group({
  level: field(oneOf('debug', 'info', 'warn', 'error', 'silent'), 'What is logged.').prefault('info'),
  access: field(oneOf('off', 'errors', 'all'), 'Which requests are logged.').prefault('errors'),
});

const reloadFields = group({
  watch: field(
    flag,
    'Whether the settings file and the files it names are read again when they change. SIGHUP does so in any case.',
  ).prefault(true),
});

const readyFields = group({
  requireUpstream: field(
    listOf(text('a name', 'a name in `upstreams`, or default')),
    'Upstreams without which /readyz answers 503: all of their addresses are down. Each needs `health.probe`.',
  ).prefault([]),
});

const shutdownFields = group({
  drainDelayMs: field(
    duration('0s', '5m'),
    'After SIGTERM: not ready, but still serving, until load balancers have noticed.',
  ).prefault('5s'),
  deadlineMs: field(duration('0s', '1h'), 'Then requests in flight have this long to finish.').prefault(
    '20s',
  ),
});

export const fileFields = group({
  listen: field(address, 'Where callers connect: HOST:PORT, or unix:/path.').prefault('127.0.0.1:8080'),
  tls: tlsFields.meta({ description: 'Serves https with this certificate; without it http.' }).optional(),
  ops: field(address, 'Where /metrics, /livez and /readyz are. Not for callers.').prefault('127.0.0.1:9464'),
  upstream: defaultUpstreamFields.meta({ description: 'The API.' }).prefault({}),
  upstreams: z
    .record(z.string(), namedUpstreamFields)
    .meta({ description: 'More APIs, by the name a route gives in `upstream`.' })
    .prefault({}),
  store: storeFields.meta({ description: 'Where tokens, users and keys are kept.' }).prefault({}),
  issuer: field(
    httpUrl('the URL callers reach Tollgate at, e.g. https://api.example.com'),
    "Tollgate's own URL as callers see it: `iss` of its tokens. Default: made from `listen`.",
  ).optional(),
  audience: field(
    text('an audience', 'a name or URL for the API'),
    '`aud` of access tokens. Default: the issuer.',
  ).optional(),
  identity: identityGroup.meta({ description: 'What the API is told of the caller.' }).prefault({}),
  credential: credentialFields.meta({ description: 'Where a credential may stand.' }).prefault({}),
  issuers: z
    .array(issuerFields)
    .meta({ description: 'Other issuers whose access tokens are accepted.' })
    .prefault([]),
  errors: errorDialect(
    "The format of refusals, also of requests that no route covers: `problem` (RFC 9457), or the errors of a vendor's API.",
  ).prefault('problem'),
  mode: enforcementMode(
    '`shadow`: every route is in shadow mode, whatever it says, and what no route covers goes on too. To try Tollgate out.',
  ).prefault('enforce'),
  routes: z
    .array(routeFields)
    .meta({ description: 'What may be called, and by whom. What no route covers is refused.' })
    .prefault([]),
  cors: corsFields
    .meta({
      description:
        'Pages of which other origins may call the routes (CORS). Without it nothing is added, and preflights go to the API.',
    })
    .optional(),
  oauth: oauth.fields.meta({ description: 'Token endpoints.' }).prefault({}),
  surfaces: surfaceFields
    .meta({ description: "Other systems' token endpoints, for clients written for them." })
    .prefault({}),
  forwardAuth: forwardAuthFields
    .meta({ description: 'Judges requests for a proxy that forwards them itself.' })
    .prefault({}),
  tokens: tokenFields.meta({ description: 'API tokens and access tokens.' }).prefault({}),
  keys: keyFields.meta({ description: 'Signing keys.' }).prefault({}),
  cache: cacheFields.meta({ description: 'What is remembered of callers.' }).prefault({}),
  feed: feedFields.meta({ description: 'How revocations reach this process.' }).prefault({}),
  limits: limitFields.meta({ description: 'Bounds for callers.' }).prefault({}),
  rateLimits: z
    .array(rateLimitFields)
    .meta({
      description: 'How many requests callers may send in a time, counted over all replicas; more is 429.',
    })
    .prefault([]),
  quotas: z
    .array(quotaFields)
    .meta({
      description: 'How many requests callers may send in a day or month, over all replicas; more is 429.',
    })
    .prefault([]),
  rateLimitHeaders: field(
    flag,
    'Whether answers of limited routes say what is left: RateLimit-Policy and RateLimit.',
  ).prefault(true),
  audit: auditFields.meta({ description: 'Who did what: in the log, and in the store.' }).prefault({}),
  usage: usageFields.meta({ description: 'How much API tokens are used.' }).prefault({}),
  proxyProtocol: proxyProtocolFields
    .meta({ description: 'Load balancers that pass connections on with the PROXY protocol.' })
    .prefault({}),
  reminders: reminderFields
    .meta({ description: 'Reminds people of their API tokens before these expire.' })
    .prefault({}),
  via: viaFields
    .meta({ description: 'Via (RFC 9110 section 7.6.3): who passed a message on, and loops.' })
    .prefault({}),
  trustedProxies: field(
    listOf(cidr),
    'Address ranges of proxies whose X-Forwarded-For, -Proto, -Host and Forwarded are believed.',
  ).prefault([]),
  log: logFields.meta({ description: 'JSON lines on standard output.' }).prefault({}),
  reload: reloadFields.meta({ description: 'Changing settings while the process runs.' }).prefault({}),
  ready: readyFields.meta({ description: 'What /readyz asks for, beside the store.' }).prefault({}),
  shutdown: shutdownFields.meta({ description: 'How the process ends.' }).prefault({}),
});

export type FileFields = z.output<typeof fileFields>;
