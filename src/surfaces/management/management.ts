// The management surface: our own REST API. Constructs the lifecycle commands its operations give, and makes routes and the
// OpenAPI document of the operations; speaks no HTTP framework.

import { createAccountCommands } from '../../lifecycle/account-commands.ts';
import { createFindDetails } from '../../lifecycle/details.ts';
import { createFindEnded } from '../../lifecycle/ended-session.ts';
import { createIdentifyLive } from '../../lifecycle/identify-live.ts';
import { createPasswords } from '../../lifecycle/passwords.ts';
import { createSignIn, createSignOut } from '../../lifecycle/sign-in.ts';
import { createTokenCommands } from '../../lifecycle/token-commands.ts';
import { managementPaths } from '../../settings/surface-paths.ts';
import { denied, type Endpoint, type Route } from '../answer.ts';
import type { SignInSurfaceDeps } from '../sign-in-surface.ts';
import { accountOperations } from './account-operations.ts';
import { auditOperation } from './audit-operation.ts';
import { descriptionOperations } from './description-operations.ts';
import { detailsOperation } from './details-operation.ts';
import { createEndpoint } from './endpoints.ts';
import { createProblems, type Problems } from './management-problem.ts';
import { openapiDocument } from './openapi.ts';
import type { Operation } from './operation.ts';
import { revokeAllOperations } from './revoke-all-operations.ts';
import { createSentBefore } from './sent-before.ts';
import { sessionOperations } from './session-operations.ts';
import { tokenListOperations } from './token-list-operations.ts';
import { tokenOperations } from './token-operations.ts';

/** Every path of the surface; none when the settings switch it off. */
export const managementRoutes = (deps: SignInSurfaceDeps): readonly Route[] => {
  const { management } = deps.settings.surfaces;
  if (!management.enabled) return [];
  const paths = managementPaths(management.prefix);
  const problems = createProblems(management.prefix);
  const operations = managementOperations(deps, paths);
  const endpoints = {
    ...deps,
    problems,
    identifyLive: createIdentifyLive(deps),
    findEnded: createFindEnded(deps),
  };
  return Object.entries(paths).flatMap(([name, path]): Route[] => {
    if (path === paths.elsewhere)
      return [{ name: `management:${name}`, path, endpoints: nowhere(problems), onFault: problems.fault }];
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

/** What is mistyped stays here: it may carry a password. */
const nowhere = (problems: Problems): Route['endpoints'] => {
  const endpoint: Endpoint = () =>
    problems.answer({ code: 'path_unknown', note: denied('route_unknown', undefined) });
  return { GET: endpoint, POST: endpoint, PUT: endpoint, PATCH: endpoint, DELETE: endpoint };
};

/** In the order of the description. */
const managementOperations = (
  deps: SignInSurfaceDeps,
  paths: ReturnType<typeof managementPaths>,
): readonly Operation[] => {
  const audit = deps.audit;
  const { prefix } = deps.settings.surfaces.management;
  const signing = { ...deps, audit, limit: deps.signInLimit };
  const tokens = {
    ...deps,
    audit,
    paths,
    commands: createTokenCommands({ ...deps, audit }),
    regenerations: createSentBefore(),
  };
  const accounts = {
    commands: createAccountCommands({ ...deps, audit }),
    passwords: createPasswords(signing),
    paths,
  };
  const operations: readonly Operation[] = [
    ...sessionOperations({
      signIn: createSignIn(signing),
      signOut: createSignOut(deps),
      sessionLimit: deps.sessionLimit,
      paths,
    }),
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
