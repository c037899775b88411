// The management surface: our own REST API. Constructs the lifecycle commands its operations give, and makes routes and the
// OpenAPI document of the operations.

import { createAccountCommands } from '../../lifecycle/account-commands.ts';
import { createFindDetails } from '../../lifecycle/details.ts';
import { createFindEnded } from '../../lifecycle/ended-session.ts';
import { createIdentifyLive } from '../../lifecycle/identify-live.ts';
import { createPasswords } from '../../lifecycle/passwords.ts';
import { createSignIn, createSignOut } from '../../lifecycle/sign-in.ts';
import { createTokenCommands } from '../../lifecycle/token-commands.ts';
import { management, type ManagementPaths } from '../../settings/surfaces/management.ts';
import { denied } from '../answer.ts';
import { type Dialect, endpoint } from '../endpoint.ts';
import { defineSurface, type PathEndpoints, type SurfaceDeps } from '../surface.ts';
import { accountOperations } from './account-operations.ts';
import { auditOperation } from './audit-operation.ts';
import { descriptionOperations } from './description-operations.ts';
import { detailsOperation } from './details-operation.ts';
import { createEndpoint } from './endpoints.ts';
import { createManagementDialect, createOnFault, type ProblemFacts } from './management-problem.ts';
import { openapiDocument } from './openapi.ts';
import type { Operation } from './operation.ts';
import { revokeAllOperations } from './revoke-all-operations.ts';
import { createSentBefore } from './sent-before.ts';
import { sessionOperations } from './session-operations.ts';
import { tokenListOperations } from './token-list-operations.ts';
import { tokenOperations } from './token-operations.ts';

export const surface = defineSurface(management, (deps, paths) => {
  const { prefix } = deps.settings.surfaces.management;
  const dialect = createManagementDialect(prefix);
  const operations = managementOperations(deps, paths);
  const endpoints = {
    ...deps,
    dialect,
    identifyLive: createIdentifyLive(deps),
    findEnded: createFindEnded(deps),
  };
  const endpointsAt = (pattern: string): PathEndpoints => {
    if (pattern === paths.elsewhere) return nowhere(dialect);
    const here = operations.filter(({ path }) => path === pattern);
    return Object.fromEntries(
      here.map((operation) => [operation.method, createEndpoint(endpoints, operation)]),
    );
  };
  return { onFault: createOnFault(dialect), endpoints: endpointsAt };
});

/** What is mistyped stays here: it may carry a password. */
const nowhere = (dialect: Dialect<ProblemFacts>): PathEndpoints => {
  const none = endpoint(dialect, () => ({
    code: 'path_unknown' as const,
    note: denied('route_unknown', undefined),
  }));
  return { GET: none, POST: none, PUT: none, PATCH: none, DELETE: none };
};

/** In the order of the description. */
const managementOperations = (deps: SurfaceDeps, paths: ManagementPaths): readonly Operation[] => {
  const { prefix } = deps.settings.surfaces.management;
  const signing = { ...deps, limit: deps.signInLimit };
  const tokens = {
    ...deps,
    paths,
    commands: createTokenCommands(deps),
    regenerations: createSentBefore(),
  };
  const accounts = {
    commands: createAccountCommands(deps),
    passwords: createPasswords(signing),
    paths,
  };
  const operations: readonly Operation[] = [
    ...sessionOperations({ signIn: createSignIn(signing), signOut: createSignOut(deps), paths }),
    ...tokenOperations(tokens),
    ...tokenListOperations(tokens),
    ...revokeAllOperations(tokens),
    detailsOperation({ ...deps, findDetails: createFindDetails(deps), paths }),
    ...accountOperations(accounts),
    auditOperation(accounts),
    ...descriptionOperations(paths, () => document),
  ];
  const document = openapiDocument(prefix, operations);
  return operations;
};
