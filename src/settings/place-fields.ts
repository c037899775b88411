// The fields that say where things are: listeners, the store, foreign issuers, proxies that ask.

import { z } from 'zod';
import { alone, field, group } from './field.ts';
import { address, cidr, exactHttpUrl } from './network-readers.ts';
import { certificate, privateKey } from './pem.ts';
import { duration } from './quantity.ts';
import { count, flag, listOf, oneOf, secretText, text } from './reader.ts';
import { storeUrl } from './store-url.ts';
import { pathPrefix } from './surface-descriptor.ts';

export const tlsFields = group({
  cert: field(certificate("the server's certificate chain"), 'PEM file with the certificate chain.'),
  key: field(privateKey, "PEM file with the certificate's private key."),
});

export const storeFields = alone(
  group({
    url: field(
      storeUrl,
      'Where tokens, users and keys are kept: sqlite:FILE, redis://, rediss:// (TLS), redis+unix:/path, redis-sentinel://A,B,C/NAME or redis-cluster://A,B,C.',
    ).prefault('sqlite:./tollgate.db'),
    username: field(text('a user name', 'the name of a Redis ACL user'), 'Redis ACL user.').optional(),
    password: field(secretText('the Redis password'), 'Redis password, if not in the URL.').optional(),
    ca: field(
      certificate("the CA's certificate"),
      "PEM file with the CA of Redis's certificate; else the system's.",
    ).optional(),
    prefix: field(
      text('a key prefix', 'letters, digits, - _ . and :', /^[A-Za-z0-9._:-]{1,64}$/),
      'Start of every Redis key.',
    ).prefault('tollgate'),
    connectTimeoutMs: field(duration('10ms', '1m'), 'Time to connect to Redis.').prefault('500ms'),
    readTimeoutMs: field(duration('5ms', '1m'), 'A look-up that takes longer is an outage (503).').prefault(
      '250ms',
    ),
    writeTimeoutMs: field(duration('10ms', '5m'), 'A change that takes longer is answered 503.').prefault(
      '1s',
    ),
    replicasMin: field(
      count(0, 16),
      'A write is only answered when this many Redis replicas have it: a revocation, a new token, any change. Where Redis fails over, as many as may take over: 1 beside one replica.',
    ).prefault(0),
  }),
  'url',
);

const orgId = text('an org id', 'the id of an org', /^[\x21-\x7e]{1,200}$/);

/** A name, or a path: see `ClaimReader`. */
const claimName = (what: string) => text('a claim name', what, /^[\x21-\x7e]{1,200}$/);

/** How an issuer is asked about its tokens (RFC 7662). */
const introspectionFields = group({
  url: field(
    exactHttpUrl("the URL of the issuer's introspection endpoint"),
    'Where it is asked about each of its tokens (RFC 7662).',
  ),
  method: field(
    oneOf('basic', 'post', 'private_key_jwt'),
    'How Tollgate proves who it is: `clientSecret` in the Authorization header or in the form, or a JWT signed with `key`.',
  ).prefault('basic'),
  clientId: field(
    text('a client id', 'the id of Tollgate at the issuer'),
    'The id of Tollgate at the issuer.',
  ),
  clientSecret: field(
    secretText('the client secret that the issuer gave'),
    'For `basic` and `post`.',
  ).optional(),
  key: field(
    privateKey,
    'For `private_key_jwt`: PEM file with a P-256, RSA or Ed25519 private key.',
  ).optional(),
  keyId: field(
    text('a key id', "the kid of the key in the client's keys at the issuer"),
    '`kid` of `key`.',
  ).optional(),
  tokenPrefix: field(
    text('the beginning of its tokens', 'e.g. ory_at_', /^[\x21\x23-\x2b\x2d-\x3a\x3c-\x5b\x5d-\x7e]{1,64}$/),
    'How its opaque tokens begin; others are not asked about. One issuer may leave it out: it is asked about all other opaque tokens.',
  ).optional(),
  cacheTtlMs: field(
    duration('0s', '60s'),
    'A token that was revoked at the issuer is accepted no longer than this. At most `cache.identityTtl`.',
  ).prefault('10s'),
  negativeTtlMs: field(
    duration('0s', '60s'),
    'A token that is not active is refused for this long without asking again.',
  ).prefault('5s'),
  timeoutMs: field(duration('50ms', '30s'), 'An answer that takes longer is an outage (503).').prefault('3s'),
  concurrencyMax: field(
    count(2, 1_000),
    'Most questions at a time; at most half of them about tokens that were not good before. Further ones are answered 503.',
  ).prefault(64),
  newTokensPerSecond: field(
    count(1, 100_000),
    'Most questions a second about tokens that were not good before. Further ones are answered 503.',
  ).prefault(100),
});

/** RFC 7518 section 3.1, RFC 8037 and RFC 9864. */
const issuerAlgorithms = 'ES256 ES384 ES512 RS256 RS384 RS512 PS256 PS384 PS512 EdDSA Ed25519'.split(' ');

export const issuerFields = group({
  issuer: field(
    exactHttpUrl("the URL in its tokens' iss claim"),
    'The `iss` claim of its tokens, exactly: a final slash counts.',
  ),
  jwks: field(
    exactHttpUrl("the URL of the issuer's JWKS"),
    'Where its public keys are. Without it: where its OpenID or RFC 8414 metadata says. Not with `introspection`.',
  ).optional(),
  ca: field(certificate("the CA's certificate"), 'PEM file with the CA of these endpoints.').optional(),
  audience: field(
    listOf(text('an audience', 'the aud claim its tokens carry for this API'), 1),
    'For whom its tokens must be: one of these must be in the token.',
  ),
  audienceClaim: field(
    oneOf('aud', 'client_id', 'azp'),
    'The claim that holds `audience`. client_id or azp where the issuer names only the client: then any API that this client calls takes the same tokens.',
  ).prefault('aud'),
  algorithms: field(listOf(oneOf(...issuerAlgorithms), 1), 'Accepted signature algorithms.').prefault([
    'RS256',
    'ES256',
  ]),
  type: field(
    text('a token type', 'at+jwt or JWT'),
    'Required `typ` header, e.g. at+jwt. Without it: at+jwt, JWT or none.',
  ).optional(),
  tokenAgeMsMax: field(duration('1s', '400d'), 'A token issued longer ago than this is refused.').prefault(
    '1d',
  ),
  staleKeysMsMax: field(
    duration('1m', '30d'),
    'How long known keys may serve while the JWKS endpoint is down, counted from when they were fetched last.',
  ).prefault('6h'),
  claims: z
    .strictObject({
      org: field(
        claimName('org'),
        'Claim with the org id; a path such as realm_access.roles leads into objects.',
      ).prefault('org'),
      user: field(claimName('sub'), 'Claim with the user id.').prefault('sub'),
      userName: field(claimName('name'), "Claim with the user's name.").prefault('name'),
      scope: field(claimName('scope'), 'Claim with the scopes, a list or separated by blanks.').prefault(
        'scope',
      ),
      roles: field(
        claimName('groups'),
        "Claim with names of the org's roles, one or a list; they grant what the org's roles of these names do, but no rights at Tollgate itself. Without it: none.",
      ).optional(),
    })
    .prefault({}),
  fixedOrg: field(orgId, 'All its users belong to this org, whatever the token says.').optional(),
  orgs: field(
    listOf(orgId, 1),
    'Orgs its tokens may name; a token of another org is refused. Without it (and `fixedOrg`): any org.',
  ).optional(),
  advertised: field(
    flag,
    'Whether clients are told of it, where an upstream has a `resource`: they get tokens there.',
  ).prefault(true),
  sessions: field(
    oneOf('api_token', 'interactive'),
    'How its tokens count where a route asks for `sessions: interactive`. Without it: interactive if `amr` (RFC 8176) names a way a person signs in, such as pwd, otp or mfa; else api_token.',
  ).optional(),
  scopePrefix: field(
    text('a scope prefix', 'e.g. external/ (no blanks)', /^[\x21\x23-\x5b\x5d-\x7e]{1,100}$/),
    'Put before every scope of this issuer, so that it cannot grant yours.',
  ).optional(),
  introspection: introspectionFields
    .meta({
      description: 'Ask the issuer about each of its tokens: opaque ones, or ones that it may revoke.',
    })
    .optional(),
});

/** Where a proxy asks whether a request may pass, which proxies may, and how they describe it. */
export const forwardAuthFields = group({
  listen: field(
    address,
    'A listener of its own, where a proxy asks whether a request may pass: HOST:PORT, or unix:/path. Not for callers.',
  ).optional(),
  path: field(
    pathPrefix('/tollgate/auth'),
    'Instead of a listener of its own: this path, and all below it, on `listen`.',
  ).optional(),
  trustedPeers: field(
    listOf(cidr),
    'Address ranges of the proxies that may ask; `unix`: every process that may connect to the unix socket. Required.',
  ).prefault([]),
  style: field(
    oneOf('original', 'forwarded', 'envoy'),
    'How the proxy describes the request. `original`: X-Original-Method and X-Original-URI (nginx, HAProxy); `forwarded`: X-Forwarded-Method, -Uri, -Host and -Proto (Caddy, Traefik); `envoy`: by its own method, path and Host (ext_authz).',
  ).prefault('original'),
  spoofedHeaders: field(
    oneOf('refuse', 'list'),
    'A caller sends headers that only Tollgate may send. `refuse`: 400; `list`: the response names them in X-Tollgate-Remove, for a proxy that removes by that list.',
  ).prefault('refuse'),
});

/** How this process names itself to those before and behind it. */
export const viaFields = alone(
  group({
    to: field(
      oneOf('off', 'api', 'caller', 'both'),
      'Which messages get a `Via` that names Tollgate: those to the API, to the caller, or both. To the API, a request that comes back is 508. Some servers compress nothing for a request with `Via`.',
    ).prefault('off'),
    pseudonym: field(
      text(
        'a pseudonym',
        'a name such as gate-1, of this process alone',
        /^[A-Za-z0-9][A-Za-z0-9._-]{2,63}$/,
      ),
      'The name there; each process needs its own. Default: tollgate- and 12 random digits, new at each start.',
    ).optional(),
  }),
  'to',
);

/** Load balancers that pass connections on, and say before the first byte whose each is. */
export const proxyProtocolFields = group({
  listeners: field(
    listOf(oneOf('callers', 'console', 'forward-auth')),
    'Listeners whose connections all begin with a PROXY header, version 1 or 2: `callers` (`listen`), `console` (`surfaces.console.listen`), `forward-auth` (`forwardAuth.listen`). Without one a connection there is refused.',
  ).prefault([]),
  trustedPeers: field(
    listOf(cidr),
    'Address ranges of the load balancers that send it; anybody else is refused. `unix`: every process that may connect to the unix socket.',
  ).prefault([]),
});
