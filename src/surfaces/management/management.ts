// The management surface: our own REST API. Constructs the lifecycle commands its operations give, and makes routes and the
// OpenAPI document of the operations. The console serves the same operations below a prefix of its own, to another credential.

import { createAccountCommands } from '../../lifecycle/account-commands.ts';
import { createFindDetails } from '../../lifecycle/details.ts';
import { createFindEnded, createIdentifyLive } from '../../lifecycle/identify-live.ts';
import { createOrgCommands } from '../../lifecycle/org-commands.ts';
import { createPasswords } from '../../lifecycle/passwords.ts';
import { createServerCommands } from '../../lifecycle/server-commands.ts';
import { createSignIn, createSignOut } from '../../lifecycle/sign-in.ts';
import { createTokenCommands } from '../../lifecycle/token-commands.ts';
import { management, type ManagementPaths } from '../../settings/surfaces/management.ts';
import { denied } from '../answer.ts';
import { type Dialect, endpoint } from '../endpoint.ts';
import { readActor, readLeavingActor } from '../read-actor.ts';
import { defineSurface, type PathEndpoints, type SurfaceDeps } from '../surface.ts';
import { accountOperations } from './account-operations.ts';
import { auditOperations } from './audit-operations.ts';
import { descriptionOperations } from './description-operations.ts';
import { detailsOperation } from './details-operation.ts';
import { createEndpoint, type EndpointsDeps, type FindActor } from './endpoints.ts';
import { createManagementDialect, createOnFault, type ProblemFacts } from './management-problem.ts';
import { grantableOperation } from './grantable-operation.ts';
import { openapiDocument } from './openapi.ts';
import type { Operation } from './operation.ts';
import { orgOperations } from './org-operations.ts';
import { ownAccountOperations } from './own-account-operations.ts';
import { regenerateOperation } from './regenerate-operation.ts';
import { revokeAllOperations } from './revoke-all-operations.ts';
import { roleOperations } from './role-operations.ts';
import { serverOperations } from './server-operations.ts';
import { createSentBefore } from './sent-before.ts';
import { sessionOperations } from './session-operations.ts';
import { tokenListOperations } from './token-list-operations.ts';
import { tokenOperations } from './token-operations.ts';
import { usageOperations } from './usage-operations.ts';

export const surface = defineSurface(management, (deps, paths) => {
  const { prefix } = deps.settings.surfaces.management;
  const readers = { ...deps, identifyLive: createIdentifyLive(deps), findEnded: createFindEnded(deps) };
  const findActor: FindActor = (request, access) =>
    access === 'leaving' ? readLeavingActor(readers, request) : readActor(readers, request);
  return managementParts(deps, {
    prefix,
    paths,
    dialect: createManagementDialect(prefix),
    findActor,
    serves: () => true,
  });
});

/** Where the operations are served, and to whom. */
export interface Mount extends EndpointsDeps {
  readonly prefix: string;
  readonly paths: ManagementPaths;
  /** Whether an operation is served there, by its id. */
  readonly serves: (id: string) => boolean;
}

export const managementParts = (deps: SurfaceDeps, mount: Mount) => {
  const { dialect, paths } = mount;
  const operations = managementOperations(deps, mount);
  const endpoints = (pattern: string): PathEndpoints => {
    const here = operations.filter(({ path }) => path === pattern);
    return pattern === paths.elsewhere || here.length === 0
      ? nowhere(dialect)
      : Object.fromEntries(here.map((operation) => [operation.method, createEndpoint(mount, operation)]));
  };
  return { onFault: createOnFault(dialect), endpoints };
};

/** What is mistyped stays here: it may carry a password. */
const nowhere = (dialect: Dialect<ProblemFacts>): PathEndpoints => {
  const none = endpoint(dialect, () => ({
    code: 'path_unknown' as const,
    note: denied('route_unknown', undefined),
  }));
  return { GET: none, POST: none, PUT: none, PATCH: none, DELETE: none };
};

/** In the order of the description. */
const managementOperations = (deps: SurfaceDeps, { prefix, paths, serves }: Mount): readonly Operation[] => {
  const signing = { ...deps, limit: deps.signInLimit };
  const tokens = {
    ...deps,
    paths,
    commands: createTokenCommands(deps),
    regenerations: createSentBefore(),
  };
  const accounts = { commands: createAccountCommands(deps), passwords: createPasswords(signing), paths };
  const orgs = { commands: createOrgCommands(deps), paths };
  const operations: readonly Operation[] = [
    ...sessionOperations({ signIn: createSignIn(signing), signOut: createSignOut(deps), paths }),
    ...tokenOperations(tokens),
    regenerateOperation(tokens),
    ...tokenListOperations(tokens),
    ...usageOperations(tokens),
    grantableOperation(tokens),
    ...revokeAllOperations(tokens),
    detailsOperation({ ...deps, findDetails: createFindDetails(deps), paths }),
    ...accountOperations(accounts),
    ...ownAccountOperations(accounts),
    ...roleOperations(accounts),
    ...orgOperations(orgs),
    ...auditOperations({ accounts: accounts.commands, orgs: orgs.commands, paths }),
    ...serverOperations({
      commands: createServerCommands(deps),
      paths,
      now: deps.now,
      storeKind: deps.settings.store.kind,
    }),
    ...descriptionOperations(paths, () => document()),
  ].filter(({ id }) => serves(id));
  const document = once(() => openapiDocument(prefix, operations));
  return operations;
};

/** Made when it is asked for: it is large, and the console does not serve it. */
const once = <T>(make: () => T): (() => T) => {
  let made: { readonly value: T } | undefined;
  return () => (made ??= { value: make() }).value;
};
