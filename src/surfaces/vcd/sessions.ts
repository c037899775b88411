// Sessions on the vcd surface, whichever shape they are told in: begun with name and password, looked at, ended. The API
// tokens of whoever signs out live on.

import { denial, isOutage, isRefusal } from '../../decision/outcome.ts';
import type { SessionLimit } from '../../identity/session-limit.ts';
import type { Actor } from '../../lifecycle/actor.ts';
import type { FindEnded } from '../../lifecycle/ended-session.ts';
import type { Issued } from '../../lifecycle/issue.ts';
import { isCommandError } from '../../lifecycle/command-error.ts';
import type { SignIn, SignOut } from '../../lifecycle/sign-in.ts';
import type { Settings } from '../../settings/settings.ts';
import {
  type Answer,
  denied,
  type Endpoint,
  neverStored,
  permitted,
  type SurfaceRequest,
} from '../answer.ts';
import { readBasicSignIn } from './basic-sign-in.ts';
import type { ReadActorDeps } from '../read-actor.ts';
import { isFault, readCaller, readLeavingCaller } from './vcd-caller.ts';
import {
  badRequest,
  forbidden,
  refusedCaller,
  refusedSignIn,
  type Tell,
  type VcdFault,
} from './vcd-error.ts';
import { orgNamed, urnOfSession } from './vcd-names.ts';

export interface SessionsDeps extends ReadActorDeps {
  readonly signIn: SignIn;
  readonly signOut: SignOut;
  readonly findEnded: FindEnded;
  /** Undefined: any number of sessions may be ended. */
  readonly sessionLimit?: SessionLimit | undefined;
  readonly settings: ReadActorDeps['settings'] & Pick<Settings, 'surfaces'>;
}

/** `provider`: only people of the provider's org. What else is in the request, a stale session too, is not looked at. */
export const signInBy = async (
  { signIn, settings }: SessionsDeps,
  request: SurfaceRequest,
  who: 'anybody' | 'provider',
): Promise<Issued | VcdFault> => {
  const { providerOrg } = settings.surfaces.vcd;
  const basic = readBasicSignIn(request.authorization);
  if (basic === undefined)
    return refusedSignIn(
      denial(request.authorization === undefined ? 'credential_missing' : 'credential_malformed'),
    );
  const orgId = orgNamed(providerOrg, basic.orgId);
  // Checked as any other that does not exist: it takes as long.
  const userId = who === 'provider' && orgId !== providerOrg ? '' : basic.userId;
  const result = await signIn({
    orgId,
    userId,
    password: basic.password,
    validityMs: undefined,
    clientId: undefined,
    origin: request,
  });
  if (isRefusal(result)) return refusedSignIn(result);
  return isCommandError(result) ? badRequest(result.message) : result;
};

/** Told with every new session. */
export const sessionHeaders = ({ accessToken }: Issued): Readonly<Record<string, string>> => ({
  ...neverStored,
  'x-vmware-vcloud-access-token': accessToken,
  'x-vmware-vcloud-token-type': 'Bearer',
});

/**
 * The session behind a request's access token. A path may name it by its URN; another session, and one that does not
 * exist, are forbidden alike.
 */
export const createCurrentEndpoint =
  (
    deps: SessionsDeps,
    tell: Tell,
    show: (actor: Actor, request: SurfaceRequest) => Answer | Promise<Answer>,
    readFrom: (deps: SessionsDeps, request: SurfaceRequest) => Promise<Actor | VcdFault> = readCaller,
  ): Endpoint =>
  async (request) => {
    const actor = await readFrom(deps, request);
    if (isFault(actor)) return tell(actor, request);
    const { urn } = request.parameters;
    const { identity } = actor;
    if (urn !== undefined && urn.toLowerCase() !== urnOfSession(identity).toLowerCase())
      return tell(forbidden(denied('scope_missing', 'another session', identity)), request);
    return show(actor, request);
  };

/**
 * Ends the session, again too where it has ended already. Clients disconnect at whichever path they signed in at. As in
 * RFC 7009, a holder ends so many sessions in a minute: each is remembered by every replica.
 */
export const createEndEndpoint = (deps: SessionsDeps, tell: Tell): Endpoint => {
  const end = async (actor: Actor, request: SurfaceRequest): Promise<Answer> => {
    const { identity } = actor;
    if (deps.sessionLimit?.mayEnd(identity) === false)
      return tell(refusedCaller(denial('rate_limited', 'sessions ended'), identity), request);
    const done = await deps.signOut(actor);
    if (isOutage(done)) return tell(refusedCaller(done, identity), request);
    return { status: 204, headers: neverStored, body: undefined, note: permitted(identity) };
  };
  return createCurrentEndpoint(deps, tell, end, readLeavingCaller);
};
