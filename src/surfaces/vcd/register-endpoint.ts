// POST /oauth/tenant/{org}/register and /oauth/provider/register (RFC 7591, the part of it that the vendor has): a user who
// is signed in registers a client, which becomes an API token of theirs when jwt-bearer asks for it.
//
// A registered client is an API token whose first secret nobody was given. Its id is the client's, so that both are known to
// every replica and listed at once, as the vendor's clients expect; giving the token out is its first new secret.

import { denial } from '../../decision/outcome.ts';
import { member } from '../../decision/strict-json.ts';
import { isFailure } from '../../lifecycle/command-error.ts';
import type { TokenView } from '../../lifecycle/token-list.ts';
import type { Label } from '../../store/records.ts';
import { type Endpoint, success, type SurfaceRequest } from '../answer.ts';
import type { EndpointDeps } from '../endpoint-deps.ts';
import { badRequest } from '../failures.ts';
import { sessionEndpoint } from './vcd-endpoint.ts';
import { vcdDialect } from './vcd-error.ts';
import { grantTypes, pathOwner } from './vcd-names.ts';

const registeredLabel: Label = { name: 'vcd.oauth-client', value: 'registered' };

/** Registered, and its API token has not been given to anybody. */
export const isAwaitingGrant = ({ secretNumber, labels }: TokenView): boolean =>
  secretNumber === 0 && labels.some(({ name }) => name === registeredLabel.name);

export const registerClient = (deps: EndpointDeps): Endpoint =>
  sessionEndpoint(vcdDialect, deps, async (actor, request) => {
    const { identity } = actor;
    const { vcd } = deps.settings.surfaces;
    if (!pathOwner(vcd, request.parameters['org'])(identity.org.id))
      return denial('tenant_mismatch', 'the path is of another org than the session');
    const name = readName(request);
    if (name === undefined)
      return badRequest('Send JSON with client_name, the name of the new API token.', identity);
    const made = await deps.commands.createApiToken(actor, {
      orgId: identity.org.id,
      userId: identity.user.id,
      name,
      scopes: 'all',
      lifetimeMs: undefined,
      defaultLifetime: { ms: vcd.tokenLifetimeMs },
      length: 32,
      labels: [registeredLabel],
    });
    if (isFailure(made)) return made;
    const client = {
      client_name: name,
      client_id: made.record.id,
      grant_types: grantTypes,
      token_endpoint_auth_method: 'none',
    };
    return success(201, client, identity);
  });

const readName = ({ body }: SurfaceRequest): string | undefined => {
  const name = body.kind === 'json' ? member(body.value, 'client_name') : undefined;
  return typeof name === 'string' && name !== '' ? name : undefined;
};
