// How an endpoint of the vcd surface is made: its errors take the shape of its path, every answer has the request's id, and
// the actor of those that need a session is the one behind an access token.

import { isJwt } from '../../decision/credential.ts';
import { denial, isDenial, type Refusal } from '../../decision/outcome.ts';
import { vcdRequestIdHeader } from '../../dialects/vcd-error.ts';
import type { Actor } from '../../lifecycle/actor.ts';
import type { CommandError } from '../../lifecycle/command-error.ts';
import type { FindEnded } from '../../lifecycle/ended-session.ts';
import type { Exchange } from '../../lifecycle/exchange.ts';
import type { SignIn, SignOut } from '../../lifecycle/sign-in.ts';
import type { TokenCommands } from '../../lifecycle/token-commands.ts';
import type { Answer, Endpoint, RequestHead, SurfaceRequest } from '../answer.ts';
import { actorEndpoint, endpoint } from '../endpoint.ts';
import { presentedCredential, readActor, type ReadActorDeps, readLeavingActor } from '../read-actor.ts';
import type { SurfaceDeps } from '../surface.ts';
import { faultFrom, requestIdOf, type Respond, type VcdFault } from './vcd-error.ts';

export interface VcdDeps extends ReadActorDeps {
  readonly settings: SurfaceDeps['settings'];
  readonly store: SurfaceDeps['store'];
  readonly now: () => number;
  readonly commands: TokenCommands;
  readonly exchange: Exchange;
  readonly signIn: SignIn;
  readonly signOut: SignOut;
  readonly findEnded: FindEnded;
}

/** The URL of a path of the surface, as its clients see it. */
export const urlOf = ({ settings }: Pick<VcdDeps, 'settings'>, path: string): string =>
  `${settings.issuer}${settings.surfaces.vcd.prefix}${path}`;

/** For anybody. */
export const vcdEndpoint = (
  respond: Respond,
  run: (request: SurfaceRequest) => Promise<Answer | VcdFault>,
): Endpoint => identified(endpoint({ errorOf: faultFrom, respond }, run));

/** For a user who is signed in. */
export const sessionEndpoint = (
  respond: Respond,
  deps: VcdDeps,
  run: RunForSession,
  read: (deps: VcdDeps, request: SurfaceRequest) => Promise<Actor | Refusal> = readSession,
): Endpoint =>
  identified(actorEndpoint({ errorOf: faultFrom, respond }, (request) => read(deps, request), run));

type Result = Answer | VcdFault | Refusal | CommandError;

export type RunForSession = (actor: Actor, request: SurfaceRequest) => Result | Promise<Result>;

const identified =
  (inner: Endpoint): Endpoint =>
  async (request) =>
    withRequestId(await inner(request), request);

/** An API token by itself is no session here: it is exchanged first. */
const readSession = async (deps: VcdDeps, request: SurfaceRequest): Promise<Actor | Refusal> =>
  isNoSession(deps, request)
    ? denial('credential_malformed', 'an API token where a session belongs')
    : readActor(deps, request);

/** For signing out: also a session that has ended already. */
export const readLeavingSession = async (deps: VcdDeps, request: SurfaceRequest): Promise<Actor | Refusal> =>
  isNoSession(deps, request) ? readSession(deps, request) : readLeavingActor(deps, request);

const isNoSession = ({ settings }: VcdDeps, request: SurfaceRequest): boolean => {
  const presented = presentedCredential(request, settings.credential);
  return presented !== undefined && !isDenial(presented) && !isJwt(presented);
};

/** So that both sides' logs meet. */
export const withRequestId = (answer: Answer, request: RequestHead): Answer => ({
  ...answer,
  headers: { ...answer.headers, [vcdRequestIdHeader.toLowerCase()]: requestIdOf(request) },
});
