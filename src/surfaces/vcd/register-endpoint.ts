// POST /oauth/tenant/{org}/register and /oauth/provider/register: whoever is signed in registers a client, which becomes
// their API token when jwt-bearer asks for it (RFC 7591 in the vendor's cut).

import { denial, isOutage, type Outage, isRefusal } from '../../decision/outcome.ts';
import type { TokenCommands } from '../../lifecycle/token-commands.ts';
import { isCommandError } from '../../lifecycle/command-error.ts';
import type { Settings } from '../../settings/settings.ts';
import type { TokenStore } from '../../store/token-store.ts';
import { type Endpoint, neverStored, permitted, type SurfaceRequest } from '../answer.ts';
import { registeredLabel } from './registration.ts';
import type { ReadActorDeps } from '../read-actor.ts';
import { isFault, readCaller } from './vcd-caller.ts';
import { asJson, badRequest, refusedCaller, refusedCommand } from './vcd-error.ts';
import { grantTypes, pathOwner } from './vcd-names.ts';

export interface RegisterEndpointDeps extends ReadActorDeps {
  readonly commands: Pick<TokenCommands, 'createApiToken'>;
  readonly settings: ReadActorDeps['settings'] & Pick<Settings, 'surfaces'>;
}

export const createRegisterEndpoint =
  (deps: RegisterEndpointDeps): Endpoint =>
  async (request) => {
    const actor = await readCaller(deps, request);
    if (isFault(actor)) return asJson(actor, request);
    const { identity } = actor;
    const { vcd } = deps.settings.surfaces;
    if (!pathOwner(vcd, request.parameters['org'])(identity.org.id)) {
      const refusal = denial('tenant_mismatch', 'the path is of another org than the session');
      return asJson(refusedCaller(refusal, identity), request);
    }
    const name = readName(request);
    if (name === undefined)
      return asJson(
        badRequest('Send JSON with client_name, the name of the new API token.', identity),
        request,
      );
    const lifetimeMs = await lifetimeOf(deps.store, identity.org.id, vcd.tokenLifetimeMs);
    if (isOutage(lifetimeMs)) return asJson(refusedCaller(lifetimeMs), request);
    const made = await deps.commands.createApiToken(actor, {
      orgId: identity.org.id,
      userId: identity.user.id,
      name,
      scopes: 'all',
      lifetimeMs,
      length: 32,
      labels: [registeredLabel],
      // A session of fewer scopes makes no token of more.
      within: identity.scopes,
    });
    if (isRefusal(made)) return asJson(refusedCaller(made, identity), request);
    if (isCommandError(made)) return asJson(refusedCommand(made, identity), request);
    return {
      status: 201,
      headers: neverStored,
      body: {
        client_name: name,
        client_id: made.record.id,
        grant_types: grantTypes,
        token_endpoint_auth_method: 'none',
      },
      note: permitted(identity),
    };
  };

const readName = ({ body }: SurfaceRequest): string | undefined => {
  if (body.kind !== 'json' || typeof body.value !== 'object' || body.value === null) return undefined;
  const name = 'client_name' in body.value ? body.value.client_name : undefined;
  return typeof name === 'string' && name !== '' ? name : undefined;
};

/** Clients cannot say how long: as the settings do, and never longer than the org allows. null: it never expires. */
const lifetimeOf = async (
  store: Pick<TokenStore, 'findOrg'>,
  orgId: string,
  lifetimeMs: number | undefined,
): Promise<number | null | Outage> => {
  const org = await store.findOrg(orgId);
  if (isOutage(org)) return org;
  const most = Math.min(lifetimeMs ?? Infinity, org?.tokenLifetimeMsMax ?? Infinity);
  return most === Infinity ? null : most;
};
