// The vcd surface: its paths, each with its endpoint and the shape its errors take. Constructs the lifecycle orders the
// endpoints give; speaks no HTTP framework. Wire shapes are contracted: see the tests, which are named for them.

import type { Identifier } from '../../identity/identifier.ts';
import type { SessionLimit } from '../../identity/session-limit.ts';
import type { SignInLimit } from '../../identity/sign-in-limit.ts';
import type { Audit } from '../../lifecycle/audit.ts';
import { createExchange } from '../../lifecycle/exchange.ts';
import { createIdentifyLive } from '../../lifecycle/identify-live.ts';
import type { PasswordHashes } from '../../lifecycle/password-hash.ts';
import type { Settings } from '../../settings/settings.ts';
import { vcdPaths } from '../../settings/surface-paths.ts';
import type { TokenStore } from '../../store/token-store.ts';
import type { KeyRing } from '../../tokens/key-ring.ts';
import type { Endpoint, Method, Route } from '../answer.ts';
import { identified, withRequestId } from './request-id.ts';
import { createTokenEndpoint } from './token-endpoint.ts';
import { asJson, outsideFault, type Tell } from './vcd-error.ts';

export interface VcdSurfaceDeps {
  readonly settings: Pick<
    Settings,
    'issuer' | 'audience' | 'credential' | 'surfaces' | 'tokens' | 'keys' | 'feed'
  >;
  readonly store: TokenStore;
  readonly identifier: Pick<Identifier, 'identify' | 'standing'>;
  readonly keys: Pick<KeyRing, 'signingKey'>;
  readonly passwords: PasswordHashes;
  readonly signInLimit: SignInLimit;
  /** Undefined: any number of sessions of an API token. */
  readonly sessionLimit?: SessionLimit | undefined;
  /** Where orders are written down; undefined: nowhere. */
  readonly audit?: Audit | undefined;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
}

/** What the outcome records of this surface are labelled with. */
export const vcdRouteNames = ['token'].map((name) => `vcd:${name}`);

/** Every path of the surface; none when the settings switch it off. */
export const vcdRoutes = (deps: VcdSurfaceDeps): readonly Route[] => {
  const { settings } = deps;
  const { vcd } = settings.surfaces;
  if (!vcd.enabled) return [];
  const paths = vcdPaths(vcd.prefix);
  const identifyLive = createIdentifyLive(deps);
  const token = createTokenEndpoint({ exchange: createExchange(deps), identifyLive, settings });
  const route = (name: string, path: string, endpoints: Endpoints, tell: Tell = asJson): Route => ({
    name: `vcd:${name}`,
    path,
    endpoints: Object.fromEntries(
      Object.entries(endpoints).map(([method, endpoint]) => [method, identified(endpoint)]),
    ),
    onFault: (fault, request) => withRequestId(tell(outsideFault(fault), request), request),
  });
  return [
    route('token', paths.tenantToken, { POST: token }),
    route('token', paths.providerToken, { POST: token }),
  ];
};

type Endpoints = Readonly<Partial<Record<Method, Endpoint>>>;
