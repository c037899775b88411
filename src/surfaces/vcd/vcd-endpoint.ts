// How an endpoint of the vcd surface is made that needs a session: its actor is the one behind an access token.

import { isJwt } from '../../decision/credential.ts';
import { denial, isDenial } from '../../decision/outcome.ts';
import type { Endpoint, SurfaceRequest } from '../answer.ts';
import type { EndpointDeps } from '../endpoint-deps.ts';
import { actorEndpoint, type ActorRun } from '../endpoint.ts';
import { presentedCredential, readActor, type readLeavingActor } from '../read-actor.ts';
import type { VcdDialect, VcdFault } from './vcd-error.ts';

/** The URL of a path of the surface, as its clients see it. */
export const urlOf = ({ settings }: Pick<EndpointDeps, 'settings'>, path: string): string =>
  `${settings.issuer}${settings.surfaces.vcd.prefix}${path}`;

/** `read`: with `readLeavingActor` for signing out, also of a session that has ended already. */
export const sessionEndpoint = (
  dialect: VcdDialect,
  deps: EndpointDeps,
  run: ActorRun<VcdFault>,
  read: typeof readLeavingActor = readActor,
): Endpoint =>
  actorEndpoint(
    dialect,
    async (request) =>
      isNoSession(deps, request)
        ? denial('credential_malformed', 'an API token where a session belongs')
        : read(deps, request),
    run,
  );

/** An API token by itself is no session here: it is exchanged first. */
const isNoSession = ({ settings }: EndpointDeps, request: SurfaceRequest): boolean => {
  const presented = presentedCredential(request, settings.credential);
  return presented !== undefined && !isDenial(presented) && !isJwt(presented);
};
