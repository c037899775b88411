// POST /loggedin/user/api-tokens: whoever is signed in makes an API token of their own. The answer is the only time it
// is seen.

import { denial, isRefusal } from '../../decision/outcome.ts';
import type { NewApiToken } from '../../lifecycle/create-api-token.ts';
import { isCommandError } from '../../lifecycle/command-error.ts';
import type { TokenCommands } from '../../lifecycle/token-commands.ts';
import {
  type Answer,
  type Endpoint,
  isAnswer,
  neverStored,
  permitted,
  type SurfaceRequest,
} from '../answer.ts';
import { meansOrg } from '../../identity/vendor-ids.ts';
import { member, readAllowedScopes } from './allowed-scopes.ts';
import type { ReadActorDeps } from '../read-actor.ts';
import { readCaller } from './csp-caller.ts';
import { badRequest, refusedCaller, refusedCommand } from './csp-error.ts';

export interface CreateEndpointDeps extends ReadActorDeps {
  readonly commands: Pick<TokenCommands, 'createApiToken'>;
  readonly tokensPerUserMax: number;
}

const dayMs = 24 * 3600 * 1000;

export const createCreateEndpoint =
  (deps: CreateEndpointDeps): Endpoint =>
  async (request) => {
    const actor = await readCaller(deps, request);
    if (isAnswer(actor)) return actor;
    const { identity } = actor;
    const command = readCommand(request, identity.scopes);
    if (typeof command === 'string') return badRequest(command, request);
    const { orgId } = command;
    if (orgId !== undefined && !meansOrg(identity.org.id, orgId))
      return refusedCaller(
        denial('tenant_mismatch', 'orgId is not the org of the session'),
        request,
        identity,
      );
    const result = await deps.commands.createApiToken(actor, {
      ...command.token,
      orgId: identity.org.id,
      userId: identity.user.id,
      length: 65,
      perUserMax: deps.tokensPerUserMax,
      // A session of fewer scopes makes no token of more.
      within: identity.scopes,
    });
    if (isRefusal(result)) return refusedCaller(result, request, identity);
    if (isCommandError(result)) return refusedCommand(result, request, identity);
    return created(result.secret, identity);
  };

const created = (secret: string, identity: Parameters<typeof permitted>[0]): Answer => ({
  status: 200,
  headers: neverStored,
  body: { apiToken: secret },
  note: permitted(identity),
});

interface Command {
  readonly orgId: string | undefined;
  readonly token: Pick<NewApiToken, 'name' | 'scopes' | 'openid' | 'lifetimeMs' | 'notifyBeforeExpiryMs'>;
}

/** The command, or a sentence about what is wrong with it. `idToken` beside it is not needed: the caller is known. */
const readCommand = ({ body }: SurfaceRequest, granted: ReadonlySet<string>): Command | string => {
  if (body.kind !== 'json') return 'The body is not JSON.';
  const name = member(body.value, 'tokenName');
  if (typeof name !== 'string' || name === '') return 'tokenName is the name of the new token.';
  const lifetimeMs = readLifetime(member(body.value, 'refreshTokenTTL'));
  if (lifetimeMs === 'malformed')
    return 'refreshTokenTTL is a whole number of seconds; 0 or none: the default; -1: never expires.';
  const asked = readAllowedScopes(member(body.value, 'allowedScopes'), granted);
  if (asked === undefined)
    return 'allowedScopes has generalScopes, organizationScopes and servicesScopes; roles and permissions for single resources do not exist here.';
  const days = member(body.value, 'notifyBeforeExpiry') ?? 0;
  if (typeof days !== 'number' || !Number.isInteger(days) || days < 0 || days > 3650)
    return 'notifyBeforeExpiry is a whole number of days.';
  const orgId = member(body.value, 'orgId') ?? undefined;
  if (orgId !== undefined && typeof orgId !== 'string') return 'orgId is the id of an org.';
  const notifyBeforeExpiryMs = days === 0 ? undefined : days * dayMs;
  return {
    orgId: orgId === '' ? undefined : orgId,
    token: { name, ...asked, lifetimeMs, notifyBeforeExpiryMs },
  };
};

/** Seconds -> ms; null: never; undefined: the default, which 0 stands for where a client always sends a number. */
const readLifetime = (ttl: unknown): number | null | undefined | 'malformed' => {
  if (ttl === undefined || ttl === null || ttl === 0) return undefined;
  if (ttl === -1) return null;
  return typeof ttl === 'number' && Number.isSafeInteger(ttl * 1000) && ttl > 0 && Number.isInteger(ttl)
    ? ttl * 1000
    : 'malformed';
};
