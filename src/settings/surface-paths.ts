// What the surfaces take of the paths and the keys, as the settings have them: one table that the surfaces, the forwarding
// and the checks of the settings read.

import { type PathPattern, patternOf } from '../decision/path-pattern.ts';
import { resourceMetadataPath } from '../decision/protected-resource.ts';
import type { SigningAlgorithm } from '../tokens/signature.ts';
import type { Address } from './network-readers.ts';
import { routeNameOf, servedPaths, type SurfaceDescriptor } from './surface-descriptor.ts';
import { surfaceList, type SurfaceName } from './surface-list.ts';

export interface SurfacePrefix {
  readonly enabled: boolean;
  /** Begins with `/`, does not end with one; empty: the paths lie at the root. */
  readonly prefix: string;
  /** A listener of its own, where its paths are then, and not on that of callers. */
  readonly listen?: Address | undefined;
  /** Where it keeps sessions of its own. */
  readonly idleTimeoutMs?: number;
}

/** What of the settings says which paths are taken. */
export interface SurfacePrefixes {
  readonly oauth: SurfacePrefix;
  readonly surfaces: Readonly<Record<Exclude<SurfaceName, 'oauth'>, SurfacePrefix>>;
}

/** What of the settings says which paths Tollgate answers itself. */
export interface OwnedPaths extends SurfacePrefixes {
  readonly forwardAuth: { readonly path?: string | undefined };
  /** The default one, where it is not among the others. */
  readonly upstream?: Resource;
  readonly upstreams: Readonly<Record<string, Resource>>;
}

interface Resource {
  readonly resource?: string | undefined;
}

export interface ConfiguredSurface extends SurfacePrefix {
  readonly descriptor: SurfaceDescriptor<SurfaceName>;
  /** The group of settings that switches it: `oauth`, `surfaces.csp`. */
  readonly setting: string;
}

export const configuredSurfaces = ({ oauth, surfaces }: SurfacePrefixes): readonly ConfiguredSurface[] =>
  surfaceList.map((descriptor) => {
    const { name } = descriptor;
    return name === 'oauth'
      ? { descriptor, setting: name, ...oauth }
      : { descriptor, setting: `surfaces.${name}`, ...surfaces[name] };
  });

export interface OwnedPattern {
  /** The group of settings that switches its surface; `forwardAuth`, `resource` (of an upstream), or `identityKeys`. */
  readonly setting: string;
  /** As people read it: a slash that may be left out is left out. */
  readonly shown: string;
  readonly pattern: PathPattern;
  /** Whether the API of a vendor lies all around it. */
  readonly isAmidVendorApi: boolean;
}

/** The setting that owns the published keys where the oauth surface is off: there is none that switches them. */
export const identityKeys = 'identity keys';

/** Every pattern of the surfaces that are switched on, of the published keys, of forward-auth, and of resources' metadata. */
export const ownedPatterns = ({
  forwardAuth: { path },
  upstream,
  upstreams,
  ...settings
}: OwnedPaths): readonly OwnedPattern[] => {
  const metadata = [upstream, ...Object.values(upstreams)].flatMap((one) =>
    one?.resource === undefined ? [] : resourceMetadataPath(one.resource),
  );
  return [
    ...surfacePatterns(settings),
    ...(path === undefined ? [] : owned('forwardAuth', `${path}/*`, path)),
    ...[...new Set(metadata)].flatMap((path) => owned('resource', path)),
  ];
};

const surfacePatterns = (settings: SurfacePrefixes): readonly OwnedPattern[] =>
  configuredSurfaces(settings).flatMap(({ descriptor, setting, listen, ...configured }) => {
    if (listen !== undefined) return [];
    const paths = servedPaths(descriptor, configured).map(([, path]) => path);
    // Of a surface that takes all below its prefix, the others are a part.
    const whole = paths.filter((path) => path.endsWith('/*'));
    return (whole.length > 0 ? whole : paths).flatMap((path) =>
      owned(configured.enabled ? setting : identityKeys, path, path.replace(/\/\?$/, ''), descriptor),
    );
  });

const owned = (
  setting: string,
  path: string,
  shown = path,
  { isAmidVendorApi = false }: Pick<SurfaceDescriptor, 'isAmidVendorApi'> = {},
): readonly OwnedPattern[] =>
  patternsOf(path).map((pattern) => ({ setting, shown, pattern, isAmidVendorApi }));

/**
 * A path of a descriptor: a pattern (decision/path-pattern.ts) with two endings of its own. `/?` is a slash that may be left
 * out, `/*` everything below and the path itself.
 */
export const patternsOf = (path: string): readonly PathPattern[] => {
  const [, bare, ending] = /^(.+)(\/\?|\/\*)$/.exec(path) ?? [];
  if (bare === undefined) return [patternOf(path)];
  return [patternOf(bare), patternOf(ending === '/*' ? path : `${bare}/`)];
};

/** How the names of the cookies of the surfaces that are switched on begin; undefined: none has any. */
export const surfaceCookies = (settings: SurfacePrefixes): string | undefined =>
  configuredSurfaces(settings).find(({ descriptor, enabled }) => enabled && descriptor.cookies !== undefined)
    ?.descriptor.cookies;

/** How long a session of a surface may last after its last request; 0: no surface has sessions of its own. */
export const surfaceSessionMs = (settings: SurfacePrefixes): number =>
  Math.max(
    0,
    ...configuredSurfaces(settings).map(({ enabled, idleTimeoutMs = 0 }) => (enabled ? idleTimeoutMs : 0)),
  );

/** What the surfaces that are switched on sign with, where that is not `tokens.algorithm`. */
export const surfaceAlgorithms = (settings: SurfacePrefixes): readonly SigningAlgorithm[] =>
  configuredSurfaces(settings).flatMap(({ descriptor, enabled }) =>
    enabled && descriptor.signs !== undefined ? [descriptor.signs] : [],
  );

/** The names in metrics and log of all paths of all surfaces. */
export const surfaceRouteNames: readonly string[] = [
  ...new Set(
    surfaceList.flatMap((descriptor: SurfaceDescriptor) =>
      Object.keys(descriptor.paths('')).map((key) => routeNameOf(descriptor, key)),
    ),
  ),
];
