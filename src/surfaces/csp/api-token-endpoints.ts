// Commands about API tokens, for a user who is signed in. POST /loggedin/user/api-tokens makes one of their own; the answer
// is the only time it is seen. POST /orgs/{orgId}/api-tokens/deactivate, and the older /orgs/{orgId}/tokens/deactivate: an
// org's owner ends API tokens of its users, a few at a time. Each has its own result; after an outage the command may be
// repeated.

import { denial, isRefusal } from '../../decision/outcome.ts';
import { rights } from '../../decision/rights.ts';
import { member } from '../../decision/strict-json.ts';
import { meansOrg } from '../../identity/vendor-ids.ts';
import { isCommandError, isFailure } from '../../lifecycle/command-error.ts';
import { type Endpoint, success, type SurfaceRequest } from '../answer.ts';
import type { EndpointDeps } from '../endpoint-deps.ts';
import { badRequest } from '../failures.ts';
import { readAllowedScopes } from './allowed-scopes.ts';
import { sessionEndpoint } from './csp-endpoint.ts';

const dayMs = 24 * 3600 * 1000;

export const postApiToken = (deps: EndpointDeps): Endpoint =>
  sessionEndpoint(deps, async (actor, request) => {
    const { identity } = actor;
    const command = readCommand(request, identity.scopes);
    if (typeof command === 'string') return badRequest(command);
    const { orgId } = command;
    if (orgId !== undefined && !meansOrg(identity.org.id, orgId))
      return denial('tenant_mismatch', 'orgId is not the org of the session');
    const result = await deps.commands.createApiToken(actor, {
      ...command.token,
      orgId: identity.org.id,
      userId: identity.user.id,
      length: 65,
      perUserMax: deps.settings.surfaces.csp.tokensPerUserMax,
    });
    return isFailure(result) ? result : success(200, { apiToken: result.secret }, identity);
  });

/** The command, or a sentence about what is wrong with it. `idToken` beside it is not needed: the caller is known. */
const readCommand = ({ body }: SurfaceRequest, granted: ReadonlySet<string>) => {
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

const idsMax = 15;

export const deactivateApiTokens = (deps: EndpointDeps): Endpoint =>
  sessionEndpoint(deps, async (actor, request) => {
    const { identity } = actor;
    if (!meansOrg(identity.org.id, request.parameters['org'] ?? ''))
      return denial('tenant_mismatch', 'another org');
    if (!identity.scopes.has(rights.orgOwner)) return denial('scope_missing', rights.orgOwner);
    const ids = readIds(request);
    if (ids === undefined) return badRequest(`Send ids: a list of 1 to ${idsMax} token ids.`);
    const successes: string[] = [];
    const failures: { readonly id: string; readonly message: string }[] = [];
    for (const id of ids) {
      const result = await deps.commands.revokeApiToken(actor, id);
      if (isRefusal(result)) return result;
      if (isCommandError(result)) failures.push({ id, message: result.message });
      else successes.push(id);
    }
    return success(200, { successes, failures }, identity);
  });

/** Each once, in the order given. */
const readIds = ({ body }: SurfaceRequest): readonly string[] | undefined => {
  const ids = body.kind === 'json' ? member(body.value, 'ids') : undefined;
  if (!Array.isArray(ids) || ids.length === 0 || ids.length > idsMax) return undefined;
  const texts = ids.filter((id): id is string => typeof id === 'string');
  return texts.length === ids.length ? [...new Set(texts)] : undefined;
};
