// The actor of a request to a surface: the live identity behind the credential it presents, with the rights its user has
// here. Refuses by a value; each surface answers that in its own shape.

import { bareCredentialHeaders, type Credential, readCredential } from '../decision/credential.ts';
import { type Denial, denial, isDenial, isOutage, type Refusal, isRefusal } from '../decision/outcome.ts';
import type { Actor } from '../lifecycle/actor.ts';
import type { FindEnded, IdentifyLive } from '../lifecycle/identify-live.ts';
import { withOwnRights } from '../lifecycle/owner.ts';
import type { Settings } from '../settings/settings.ts';
import type { TokenStore } from '../store/token-store.ts';
import type { RequestHead, SurfaceRequest } from './answer.ts';

export interface ReadActorDeps {
  readonly identifyLive: IdentifyLive;
  readonly store: Pick<TokenStore, 'findOrg' | 'findUser'>;
  readonly settings: Pick<Settings, 'credential'>;
}

/**
 * The credential a request is made with, as opposed to one it is about: read from the same headers, and held to the same
 * grammar, as on the proxied path. Undefined: none. Denials: `credential_malformed`, `credential_conflict`. `bare`: the
 * headers that may carry it beside Authorization.
 */
export const presentedCredential = (
  request: SurfaceRequest,
  bounds: Settings['credential'],
  bare: readonly string[] = [...bareCredentialHeaders, ...bounds.headers],
): Credential | Denial | undefined =>
  readCredential(
    {
      authorization: request.authorization,
      takesBasic: false,
      protocols: undefined,
      protocolPrefix: undefined,
      bare: bare.flatMap((name) => request.headerLines(name)),
      cookies: undefined,
      cookieName: undefined,
      query: '',
      queryParameter: undefined,
    },
    bounds,
  );

export const readActor = async (deps: ReadActorDeps, request: SurfaceRequest): Promise<Actor | Refusal> => {
  const presented = presentedCredential(request, deps.settings.credential) ?? denial('credential_missing');
  return isDenial(presented) ? presented : actorOf(deps, presented, request);
};

/**
 * For signing out: also of a session that has ended already. A caller who was answered with an outage repeats the command,
 * and 2xx must still mean that the store has ended the session.
 */
export const readLeavingActor = async (
  deps: ReadActorDeps & { readonly findEnded: FindEnded },
  request: SurfaceRequest,
): Promise<Actor | Refusal> => {
  const presented = presentedCredential(request, deps.settings.credential) ?? denial('credential_missing');
  if (isDenial(presented)) return presented;
  const actor = await actorOf(deps, presented, request);
  if (!isDenial(actor)) return actor;
  const ended = await deps.findEnded(presented, actor);
  if (ended === undefined || isOutage(ended)) return ended ?? actor;
  const { clientAddress, requestId } = request;
  return { identity: ended, hasEnded: true, clientAddress, requestId };
};

/** The live actor behind a credential that has been read already. */
export const actorOf = async (
  { identifyLive, store }: Pick<ReadActorDeps, 'identifyLive' | 'store'>,
  credential: Credential,
  { clientAddress, requestId }: RequestHead,
): Promise<Actor | Refusal> => {
  const found = await identifyLive(credential, clientAddress);
  if (isRefusal(found)) return found;
  // The rights of an external issuer's session come from its user's roles here.
  const identity = await withOwnRights(store, found);
  return isOutage(identity) ? identity : { identity, clientAddress, requestId };
};
