// The management surface: our own REST API. Constructs the lifecycle orders its operations give, and makes routes and the
// OpenAPI document of the operations; speaks no HTTP framework.

import type { Identifier } from '../../identity/identifier.ts';
import type { Audit } from '../../lifecycle/audit.ts';
import { createIdentifyLive } from '../../lifecycle/identify-live.ts';
import { createTokenOrders } from '../../lifecycle/token-orders.ts';
import type { Settings } from '../../settings/settings.ts';
import { managementPaths } from '../../settings/surface-paths.ts';
import type { TokenStore } from '../../store/token-store.ts';
import type { Route } from '../answer.ts';
import { createEndpoint } from './endpoints.ts';
import { createProblems } from './management-problem.ts';
import type { Operation } from './operation.ts';
import { revokeAllOperations } from './revoke-all-operations.ts';
import { tokenListOperations } from './token-list-operations.ts';
import { tokenOperations } from './token-operations.ts';

export interface ManagementSurfaceDeps {
  readonly settings: Pick<Settings, 'credential' | 'surfaces' | 'tokens' | 'keys' | 'feed'>;
  readonly store: TokenStore;
  readonly identifier: Pick<Identifier, 'identify' | 'standing'>;
  /** Where orders are written down; undefined: nowhere. */
  readonly audit?: Audit | undefined;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
}

/** What the outcome records of this surface are labelled with: a path has one name, whatever the method. */
export const managementRouteNames = Object.keys(managementPaths('')).map((name) => `management:${name}`);

/** Every path of the surface; none when the settings switch it off. */
export const managementRoutes = (deps: ManagementSurfaceDeps): readonly Route[] => {
  const { management } = deps.settings.surfaces;
  if (!management.enabled) return [];
  const paths = managementPaths(management.prefix);
  const problems = createProblems(management.prefix);
  const orders = createTokenOrders({ ...deps, audit: deps.audit });
  const tokens = { ...deps, audit: deps.audit, paths, orders };
  const operations = [
    ...tokenOperations(tokens),
    ...tokenListOperations(tokens),
    ...revokeAllOperations(tokens),
  ];
  const endpoints = { ...deps, problems, identifyLive: createIdentifyLive(deps) };
  return Object.entries(paths).flatMap(([name, path]): Route[] => {
    const here = operations.filter((operation) => operation.path === path);
    if (here.length === 0) return [];
    return [
      {
        name: `management:${name}`,
        path,
        endpoints: Object.fromEntries(
          here.map((operation: Operation) => [operation.method, createEndpoint(endpoints, operation)]),
        ),
        onFault: problems.fault,
      },
    ];
  });
};
