// What one route asks of a request. Compiled from settings once; read on every request. No I/O.

import type { AddressRule } from './address-rule.ts';
import type { CorsRule } from './cors.ts';
import type { HostPattern } from './host-pattern.ts';
import { parameterNames, type PathPattern, patternOf } from './path-pattern.ts';
import type { PathRewrite } from './path-rewrite.ts';
import type { ResourceChallenge } from './protected-resource.ts';

export const defaultMethods = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'] as const;

/** What the upstream gets of the caller's credential: nothing, an access token in its place, or the credential itself. */
export type ForwardCredential = 'strip' | 'access-token' | 'keep';

/** `shadow`: whatever is decided is counted and logged, and the request goes on. */
export type EnforcementMode = 'enforce' | 'shadow';

/** The format of a refusal: a problem of RFC 9457, or the errors of a vendor's API. */
export type ErrorDialect = 'problem' | 'vcd' | 'csp' | 'astra';

export interface RouteRule {
  /** Metric label and log field; unique. */
  readonly name: string;
  readonly mode: EnforcementMode;
  /** Upper-case methods; undefined means `defaultMethods`. */
  readonly methods: readonly string[] | undefined;
  readonly path: PathPattern;
  /** The hosts it is for; undefined: all. */
  readonly host?: HostPattern | undefined;
  /** Anyone may call it; a valid credential still adds the identity. */
  readonly public: boolean;
  /** Every one of these is required. */
  readonly scopes: readonly string[];
  /** Name of the path parameter that must equal the identity's org id. */
  readonly tenantParameter: string | undefined;
  /** What a path of another tenant is answered: 403, or 404 as if it did not exist. */
  readonly foreignTenant: 'forbidden' | 'not-found';
  /** The format of its refusals. */
  readonly errors: ErrorDialect;
  readonly sessions: 'any' | 'interactive';
  /** The networks from which it may be called; undefined: from anywhere. */
  readonly allowFrom?: AddressRule | undefined;
  /** Pages of which origins may call it; undefined: CORS is the API's own matter. */
  readonly cors?: CorsRule | undefined;
  /** What its challenges say of the resource that its upstream is; undefined: nothing. */
  readonly challenge?: ResourceChallenge | undefined;
  /** Name in `settings.upstreams`. */
  readonly upstream: string;
  readonly forwardCredential: ForwardCredential;
  /** What is made of the path before it is forwarded; undefined: nothing. */
  readonly rewrite?: PathRewrite | undefined;
  /** What the API says of its own place is mapped back to how the caller sees it. */
  readonly mapResponses?: boolean;
  /** `pass`: escapes of `/ \\ ; ? #` go on byte for byte, where no reading of them is refused. Without it they are refused. */
  readonly encodedReserved?: 'refuse' | 'pass';
  /** Query parameter that may carry the credential on this route; removed before forwarding. */
  readonly credentialQueryParameter: string | undefined;
  /** Whether an Upgrade (WebSocket) is passed on. */
  readonly upgrade: boolean;
  readonly requestBodyBytesMax: number;
  /** Time until the upstream's response headers. */
  readonly responseTimeoutMs: number;
}

/** Stands for the rule that is missing, where everything is in shadow mode: nobody may, and everybody goes on. */
export const unroutedRule: RouteRule = {
  name: '(none)',
  mode: 'shadow',
  methods: undefined,
  path: patternOf('/*'),
  public: false,
  scopes: [],
  tenantParameter: undefined,
  foreignTenant: 'forbidden',
  errors: 'problem',
  sessions: 'any',
  upstream: 'default',
  forwardCredential: 'keep',
  credentialQueryParameter: undefined,
  upgrade: true,
  requestBodyBytesMax: Infinity,
  responseTimeoutMs: 60_000,
};

export const methodsOf = ({ methods }: Pick<RouteRule, 'methods'>): readonly string[] =>
  methods ?? defaultMethods;

/** Which of its path's parameters is the tenant; -1: none. */
export const tenantIndexOf = ({
  path,
  tenantParameter,
}: Pick<RouteRule, 'path' | 'tenantParameter'>): number =>
  tenantParameter === undefined ? -1 : parameterNames(path).indexOf(tenantParameter);
