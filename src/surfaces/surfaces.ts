// Every surface, as the settings have it: where the endpoints of each are, and what serves them all.

import { configuredSurfaces } from '../settings/surface-paths.ts';
import type { SurfaceName } from '../settings/surface-list.ts';
import { type ServeDeps, serveRoutes, type Surfaces } from './serve.ts';
import type { Surface, SurfaceDeps } from './surface.ts';

/** Read only where it has a path to answer: the schemas of management alone take two megabytes. */
const load: Readonly<Record<SurfaceName, () => Promise<{ readonly surface: Surface }>>> = {
  oauth: () => import('./oauth/oauth.ts'),
  csp: () => import('./csp/csp.ts'),
  navigator: () => import('./navigator/navigator.ts'),
  vcd: () => import('./vcd/vcd.ts'),
  astra: () => import('./astra/astra.ts'),
  management: () => import('./management/management.ts'),
  console: () => import('./console/console.ts'),
};

export const createSurfaces = async (deps: SurfaceDeps & ServeDeps): Promise<Surfaces> => {
  const routes = await Promise.all(
    configuredSurfaces(deps.settings).map(async ({ descriptor, ...configured }) => {
      const isElsewhere = configured.listen !== undefined;
      if (isElsewhere || (!configured.enabled && descriptor.alwaysServed === undefined)) return [];
      const { surface } = await load[descriptor.name]();
      return surface(deps, configured);
    }),
  );
  const { resourceRoutes } = await import('./oauth/protected-resource.ts');
  return serveRoutes([...routes.flat(), ...resourceRoutes(deps.settings)], deps);
};
