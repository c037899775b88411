// grant_type=jwt-bearer: the API token of a registered client, to the session that registered it, once. The store lets one
// of several such commands through, on whichever replica.

import type { Credential } from '../../decision/credential.ts';
import type { Identity } from '../../decision/identity.ts';
import { denial, type Refusal, isRefusal } from '../../decision/outcome.ts';
import type { CreatedApiToken } from '../../lifecycle/create-api-token.ts';
import { isCommandError } from '../../lifecycle/command-error.ts';
import type { TokenCommands } from '../../lifecycle/token-commands.ts';
import type { SurfaceRequest } from '../answer.ts';
import { actorOf, type ReadActorDeps } from '../read-actor.ts';
import { isAwaitingGrant } from './registration.ts';
import type { PathOwner } from './vcd-names.ts';

export interface InitialTokenDeps extends Pick<ReadActorDeps, 'identifyLive' | 'store'> {
  readonly commands: Pick<TokenCommands, 'findApiToken' | 'regenerateApiToken'>;
}

export interface InitialToken extends CreatedApiToken {
  /** Of the session it was given to. */
  readonly identity: Identity;
}

export interface InitialTokenCommand {
  readonly clientId: string;
  /** The session's access token. */
  readonly assertion: Credential;
  readonly isOwner: PathOwner;
  readonly request: SurfaceRequest;
}

export const giveInitialToken = async (
  deps: InitialTokenDeps,
  { clientId, assertion, isOwner, request }: InitialTokenCommand,
): Promise<InitialToken | Refusal> => {
  const actor = await actorOf(deps, assertion, request);
  if (isRefusal(actor)) return actor;
  const { identity } = actor;
  if (!isOwner(identity.org.id))
    return denial('tenant_mismatch', 'the path is of another org than the session');
  const token = await deps.commands.findApiToken(actor, clientId);
  if (isRefusal(token)) return token;
  if (isCommandError(token)) return denial('client_unknown', token.code);
  // The right to all tokens is no right to others' secrets.
  if (token.userId !== identity.user.id || !isAwaitingGrant(token))
    return denial('client_unknown', 'not a client of this user that waits for its API token');
  const made = await deps.commands.regenerateApiToken(actor, {
    tokenId: clientId,
    overlapMs: 0,
    length: 32,
    onlyFrom: token.secretNumber,
  });
  if (isRefusal(made)) return made;
  return isCommandError(made) ? denial('client_unknown', made.code) : { ...made, identity };
};
