// A surface: its descriptor and the endpoints of its paths, as routes. And what every surface is given to work with.

import type { CommandLimit } from '../identity/command-limit.ts';
import type { Identifier } from '../identity/identifier.ts';
import type { SessionLimit } from '../identity/session-limit.ts';
import type { SignInLimit } from '../identity/sign-in-limit.ts';
import type { UnknownTokenLimit } from '../identity/unknown-token-limit.ts';
import type { Audit } from '../lifecycle/audit.ts';
import type { PasswordHashes } from '../lifecycle/password-hash.ts';
import type { SigningKeys } from '../lifecycle/signing-keys.ts';
import type { ServerStatus } from '../observe/metrics.ts';
import type { Settings } from '../settings/settings.ts';
import { routeNameOf, servedPaths, type SurfaceDescriptor } from '../settings/surface-descriptor.ts';
import type { SurfacePrefix } from '../settings/surface-paths.ts';
import type { TokenStore } from '../store/token-store.ts';
import type { KeyRing } from '../tokens/key-ring.ts';
import type { Endpoint, Method, Route } from './answer.ts';

export interface SurfaceDeps {
  readonly settings: Settings;
  readonly store: TokenStore;
  readonly identifier: Pick<Identifier, 'identify' | 'standing' | 'verify' | 'mayBeApiToken'>;
  readonly keys: Pick<KeyRing, 'signingKey' | 'jwks' | 'published'>;
  /** Rotates the keys of the ring. */
  readonly signingKeys: Pick<SigningKeys, 'rotate'>;
  /** How this process does, by its own metrics. */
  readonly status: () => ServerStatus;
  /** One for all surfaces where people sign in: what it counts and queues is counted and queued once. */
  readonly passwords: PasswordHashes;
  readonly signInLimit: SignInLimit;
  /** Wrong client secrets an address may try; undefined: any number. */
  readonly clientSecretLimit?: UnknownTokenLimit | undefined;
  /** Undefined: any number of sessions of an API token. */
  readonly sessionLimit?: SessionLimit | undefined;
  /** Undefined: an account may give any number of commands. */
  readonly commandLimit?: CommandLimit | undefined;
  /** Where commands are written down; undefined: nowhere. */
  readonly audit: Audit | undefined;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
}

/** The methods a path answers. `onFault`: where its errors take another shape than those of the other paths. */
export type PathEndpoints = Readonly<Partial<Record<Method, Endpoint>>> & {
  readonly onFault?: Route['onFault'];
};

export interface SurfaceParts<Key extends string> {
  /** The shape of errors met outside the endpoints. */
  readonly onFault: Route['onFault'];
  readonly headersOf?: Route['headersOf'];
  /** Of each path: a table, which does not compile without one of them, or what finds those of a pattern. */
  readonly endpoints: Readonly<Record<Key, PathEndpoints>> | ((pattern: string) => PathEndpoints);
}

/** The routes of a surface as the settings have it. */
export type Surface = (deps: SurfaceDeps, configured: SurfacePrefix) => readonly Route[];

/** `build` is asked only where the surface has a path to answer. */
export const defineSurface =
  <Key extends string>(
    descriptor: SurfaceDescriptor<string, Key>,
    build: (deps: SurfaceDeps, paths: Readonly<Record<Key, string>>) => SurfaceParts<Key>,
  ): Surface =>
  (deps, configured) => {
    const served = servedPaths(descriptor, configured);
    if (served.length === 0) return [];
    const parts = build(deps, descriptor.paths(configured.prefix));
    return served.map(([key, path]): Route => {
      const found: PathEndpoints =
        typeof parts.endpoints === 'function' ? parts.endpoints(path) : parts.endpoints[key];
      const { onFault = parts.onFault, ...endpoints } = found;
      return { name: routeNameOf(descriptor, key), path, endpoints, onFault, headersOf: parts.headersOf };
    });
  };
