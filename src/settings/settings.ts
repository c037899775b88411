// The resolved settings every room reads: one frozen value, made once. Shapes and units only; parsing is elsewhere.

import type { IdentityField } from '../decision/identity-headers.ts';
import type { ErrorDialect, RouteRule } from '../decision/route-rule.ts';
import type { ClaimMapping } from '../tokens/external-identity.ts';
import type { SigningAlgorithm } from '../tokens/signature.ts';

export type Address =
  | { readonly kind: 'tcp'; readonly host: string; readonly port: number }
  | { readonly kind: 'unix'; readonly path: string };

export interface UpstreamSettings {
  readonly name: string;
  /** `http://host:port`, `https://host:port`; for a unix socket `http://localhost` with `socketPath`. Never a path. */
  readonly origin: string;
  readonly socketPath: string | undefined;
  /** PEM of the CA that signed the upstream's certificate; undefined: the system's. */
  readonly ca: string | undefined;
  readonly connectionsMax: number;
  /** From 0 to 1: the share of them that one caller may hold; without a credential its address is the caller. */
  readonly callerShare: number;
  /** The same for one address, all its callers together. */
  readonly addressShare: number;
  readonly connectTimeoutMs: number;
  /** Below the upstream's own keep-alive time-out (Node's default is 5 s). */
  readonly keepAliveTimeoutMs: number;
  /** Silence between two pieces of a response body. */
  readonly bodyIdleTimeoutMs: number;
  /** Send the caller's Host header on, or the upstream's own. */
  readonly hostHeader: 'caller' | 'upstream';
}

export interface RedisSettings {
  readonly kind: 'redis';
  readonly mode: 'standalone' | 'sentinel' | 'cluster';
  readonly nodes: readonly { readonly host: string; readonly port: number }[];
  readonly socketPath: string | undefined;
  readonly sentinelName: string | undefined;
  readonly tls: boolean;
  readonly ca: string | undefined;
  readonly username: string | undefined;
  readonly password: string | undefined;
  readonly database: number;
  readonly prefix: string;
  readonly connectTimeoutMs: number;
  readonly readTimeoutMs: number;
  readonly writeTimeoutMs: number;
  /** A revocation answers only when this many replicas have it (`WAIT`); 0: do not wait. */
  readonly replicasMin: number;
}

export interface SqliteSettings {
  readonly kind: 'sqlite';
  readonly file: string;
}

export type StoreSettings = RedisSettings | SqliteSettings;

/** An issuer of access tokens that is not us. */
export interface IssuerSettings extends ClaimMapping {
  readonly jwksUrl: string;
  /** PEM for a private CA of the JWKS endpoint. */
  readonly ca: string | undefined;
  readonly audiences: readonly string[];
  readonly algorithms: readonly string[];
  /** Required `typ` header, compared without case and `application/`; undefined: any of `JWT`, `at+jwt` or none. */
  readonly type: string | undefined;
  readonly tokenAgeMsMax: number;
  /** How long keys may serve while the endpoint is down. */
  readonly staleKeysMsMax: number;
}

export interface OauthClientSettings {
  readonly id: string;
  readonly secret: string;
  /** Whom the client is, where a surface takes client credentials; undefined: nobody. */
  readonly account: { readonly orgId: string; readonly userId: string } | undefined;
}

export interface VcdSettings {
  readonly enabled: boolean;
  /** May be empty. */
  readonly prefix: string;
  /** Id of the provider's org. */
  readonly providerOrg: string;
  /** Of the API tokens made there; undefined: they never expire. */
  readonly tokenLifetimeMs: number | undefined;
}

export interface AstraSettings {
  readonly enabled: boolean;
  /** May be empty. */
  readonly prefix: string;
  /** Of the API tokens made there; undefined: they never expire. */
  readonly tokenLifetimeMs: number | undefined;
  /** What a path with another account than the caller's is answered: 403 or 404. */
  readonly foreignAccount: 'forbidden' | 'not-found';
}

export interface CspSettings {
  readonly enabled: boolean;
  readonly prefix: string;
  /** Domain of users whose id is no e-mail address. */
  readonly domain: string;
  /** Unit of the times in the details of a token. */
  readonly timestamps: 'milliseconds' | 'seconds';
  readonly tokensPerUserMax: number;
}

export interface Settings {
  readonly listen: Address;
  readonly tls: { readonly cert: string; readonly key: string } | undefined;
  readonly ops: Address;
  readonly upstreams: Readonly<Record<string, UpstreamSettings>>;
  readonly store: StoreSettings;
  /** Our own issuer URL, without a trailing slash. */
  readonly issuer: string;
  /** `aud` of our access tokens. */
  readonly audience: string;
  readonly identity: {
    /** Header name -> field, in the order they are sent. */
    readonly headers: Readonly<Record<string, IdentityField>>;
    /** Names of further headers that no caller may send, in any spelling. */
    readonly strip: readonly string[];
    /** Names of headers that go on from any caller although APIs believe them. */
    readonly keep: readonly string[];
    readonly jwtLifetimeMs: number;
  };
  readonly credential: {
    /** Extra header names that may carry the bare credential, beside Authorization, csp-auth-token and X-VMWARE-VCLOUD-ACCESS-TOKEN. */
    readonly headers: readonly string[];
    readonly cookie: string | undefined;
    readonly apiTokenBytesMax: number;
    readonly accessTokenBytesMax: number;
  };
  readonly issuers: readonly IssuerSettings[];
  /** The format of refusals of requests that match no route. */
  readonly errors: ErrorDialect;
  readonly routes: readonly RouteRule[];
  readonly oauth: {
    readonly enabled: boolean;
    /** e.g. `/oauth2`; the well-known paths are fixed by their RFCs. */
    readonly prefix: string;
    readonly clients: readonly OauthClientSettings[];
  };
  /** Other systems' dialects and our own REST API, each off unless switched on. */
  readonly surfaces: {
    readonly csp: CspSettings;
    readonly navigator: { readonly enabled: boolean; readonly prefix: string };
    readonly vcd: VcdSettings;
    readonly astra: AstraSettings;
    /** Our own REST API. */
    readonly management: { readonly enabled: boolean; readonly prefix: string };
  };
  readonly tokens: {
    readonly algorithm: SigningAlgorithm;
    readonly accessTokenLifetimeMs: number;
    /** Used where an API token is created without a lifetime; undefined: never expires. */
    readonly apiTokenLifetimeMs: number | undefined;
    /** Most live API tokens of one user; undefined: any number. */
    readonly perUserMax: number;
    readonly clockLeewayMs: number;
  };
  readonly keys: {
    /** 32 bytes under which signing keys are sealed in the store; undefined: read or make `file`. */
    readonly encryptionKey: Uint8Array | undefined;
    /** Where the sealing key is kept, made with mode 0600 when missing (embedded store only). */
    readonly encryptionKeyFile: string | undefined;
    /** PEM (PKCS#8) of signing keys mounted as files; the first of an algorithm signs. Empty: generated in the store. */
    readonly signingKeys: readonly string[];
    /** A new key is published this long before it signs. */
    readonly publishLeadMs: number;
  };
  readonly cache: {
    readonly identitiesMax: number;
    readonly identityTtlMs: number;
    readonly unknownMax: number;
    readonly unknownTtlMs: number;
  };
  readonly feed: {
    readonly maxStalenessMs: number;
    readonly whenStale: 'refuse' | 'serve';
  };
  readonly limits: {
    readonly headerBytesMax: number;
    readonly headersMax: number;
    readonly targetBytesMax: number;
    readonly connectionsMax: number;
    readonly headersTimeoutMs: number;
    readonly requestTimeoutMs: number;
    readonly keepAliveTimeoutMs: number;
    /** A client that reads nothing for this long is cut off. */
    readonly writeStallTimeoutMs: number;
    /** How a request's body is taken; see proxy/upstream/request-body.ts. */
    readonly body: {
      readonly bufferBytes: number;
      readonly waitMs: number;
      readonly stallTimeoutMs: number;
      /** Bytes a second; 0: any. */
      readonly rateMin: number;
    };
    /** Open connections of one address, IPv6 of one /64. */
    readonly connectionsPerAddressMax: number;
    /** Refusals in a row; the last one closes the connection. */
    readonly refusalsPerConnectionMax: number;
    /** Refused look-ups of unknown tokens per address and minute before 429; 0: no limit. */
    readonly unknownTokensPerMinute: number;
    /** Access tokens made from one API token in a minute before 429, and sessions of it ended; 0: no limit. */
    readonly exchangesPerMinute: number;
    /** Commands about tokens and users that one account may give, and revocations beside them; 0: any number. */
    readonly commandsPerMinute: number;
    /** Failed sign-ins within a quarter of an hour before 429, from one address to one account; 0: no limit. */
    readonly signInFailuresPerAccount: number;
    /** The same of one address, whatever the account. */
    readonly signInFailuresPerAddress: number;
  };
  readonly audit: {
    /** Share of successful exchanges that are written down, 0 to 1. */
    readonly exchangeSampling: number;
  };
  /** CIDRs whose X-Forwarded-* are believed. */
  readonly trustedProxies: readonly string[];
  readonly log: {
    readonly level: 'debug' | 'info' | 'warn' | 'error' | 'silent';
    readonly access: 'off' | 'errors' | 'all';
  };
  readonly shutdown: { readonly drainDelayMs: number; readonly deadlineMs: number };
}
