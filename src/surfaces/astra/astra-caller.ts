// Who gives a command on the astra surface, and whose tokens it is about: the live identity behind the bearer, and the
// account and user in the path as this server's own ids.

import { denial, isOutage, type Outage, isRefusal } from '../../decision/outcome.ts';
import { mayManageTokens } from '../../decision/rights.ts';
import type { Actor } from '../../lifecycle/actor.ts';
import { checkOrgId, checkUserId } from '../../lifecycle/names.ts';
import type { Settings } from '../../settings/settings.ts';
import type { TokenStore } from '../../store/token-store.ts';
import type { Answer, SurfaceRequest } from '../answer.ts';
import { readActor, type ReadActorDeps } from '../read-actor.ts';
import { isMadeUuid, meansOrg, uuidOfUser } from '../../identity/vendor-ids.ts';
import { notFound, refused } from './astra-problem.ts';

export interface ReadCallerDeps extends ReadActorDeps {
  readonly store: Pick<TokenStore, 'findOrg' | 'findUser' | 'listUsers'>;
  readonly settings: Pick<Settings, 'credential' | 'surfaces'>;
}

export interface AstraCaller {
  readonly actor: Actor;
  /** Whose tokens the path leads to. The org may be another than the caller's: the command refuses it, and writes that down. */
  readonly owner: { readonly orgId: string; readonly userId: string };
}

/** Without an account in the path, it is the caller's own. The group in it, if any, is not looked at. */
export const readCaller = async (
  deps: ReadCallerDeps,
  request: SurfaceRequest,
): Promise<AstraCaller | Answer> => {
  const { foreignAccount } = deps.settings.surfaces.astra;
  const actor = await readActor(deps, request);
  if (isRefusal(actor)) return refused(actor, request, foreignAccount);
  const { identity } = actor;
  const { account = identity.org.id, user: named = '' } = request.parameters;
  const isForeign = !meansOrg(identity.org.id, account);
  // What is no id may be a secret in the wrong place: it goes no further.
  if (isForeign && checkOrgId(account) !== undefined)
    return refused(denial('tenant_mismatch'), request, foreignAccount, identity);
  if (checkUserId(named) !== undefined) return notFound('user_unknown', request, identity);
  if (isForeign) return { actor, owner: { orgId: account, userId: named } };
  const userId = await findUserId(deps.store, actor, named);
  return isOutage(userId)
    ? refused(userId, request, foreignAccount, identity)
    : { actor, owner: { orgId: identity.org.id, userId } };
};

const usersPerPage = 500;

/**
 * A user is named by their own id, or by the UUID that stands for it (vendor-ids.ts). Whose UUID it is, is looked for
 * among all users of the org, but only for those who may manage other users' tokens.
 */
const findUserId = async (
  store: ReadCallerDeps['store'],
  { identity }: Actor,
  named: string,
): Promise<string | Outage> => {
  const orgId = identity.org.id;
  const isNamed = (userId: string): boolean =>
    uuidOfUser(orgId, userId).toLowerCase() === named.toLowerCase();
  if (named === identity.user.id || isNamed(identity.user.id)) return identity.user.id;
  const mayAll = mayManageTokens(identity, { orgId, userId: undefined }) === undefined;
  if (!mayAll || !isMadeUuid(named)) return named;
  const user = await store.findUser(orgId, named);
  if (isOutage(user)) return user;
  if (user !== undefined) return named;
  let cursor: string | undefined;
  do {
    const page = await store.listUsers(orgId, { limit: usersPerPage, cursor });
    if (isOutage(page)) return page;
    const found = page.items.find(({ id }) => isNamed(id));
    if (found !== undefined) return found.id;
    cursor = page.nextCursor;
  } while (cursor !== undefined);
  return named;
};
