// /cloudapi/1.0.0/tokens: a person's API tokens, or with the right to all of them the org's. Deleting one is its
// revocation. What is missing and what is forbidden look the same.

import { denial, isRefusal } from '../../decision/outcome.ts';
import { mayManageTokens } from '../../decision/rights.ts';
import type { Actor } from '../../lifecycle/actor.ts';
import { isCommandError, isFailure } from '../../lifecycle/command-error.ts';
import { orderOf, type TokenFilter, type TokenView } from '../../lifecycle/token-list.ts';
import type { TokenOrder } from '../../store/token-listing.ts';
import { denied, type Endpoint, success } from '../answer.ts';
import type { EndpointDeps } from '../endpoint-deps.ts';
import type { ActorRun } from '../endpoint.ts';
import { badRequest } from '../failures.ts';
import { cursorOf, readCursor } from '../token-cursor.ts';
import { type Filter, type Members, matches } from './fiql.ts';
import { cursorSentence, listPage, readListQuery } from './listing.ts';
import { sessionEndpoint, urlOf } from './vcd-endpoint.ts';
import { forbidden, vcdDialect, type VcdFault } from './vcd-error.ts';
import { orgReference, tokenIdOf, urnOfToken, userReference } from './vcd-names.ts';

export const listTokens = (deps: EndpointDeps): Endpoint =>
  sessionEndpoint(vcdDialect, deps, async (actor, request) => {
    const { identity } = actor;
    const query = readListQuery(request, Object.keys(readers), sortKeys);
    if (typeof query === 'string') return badRequest(query, identity);
    const { page, pageSize, sort, cursor } = query;
    const filter = query.filter && filterOf(query.filter);
    const order = orderOf({ filter, sort });
    const after = cursor === undefined ? undefined : readCursor(cursor, order);
    if (after === 'malformed') return badRequest(cursorSentence, identity);
    const everyone = { orgId: identity.org.id, userId: undefined };
    const isEveryones = mayManageTokens(identity, everyone) === undefined;
    const found = await deps.commands.listApiTokens(actor, {
      ...(isEveryones ? everyone : { orgId: identity.org.id, userId: identity.user.id }),
      states: ['active', 'expired'],
      filter,
      sort,
      after,
      skip: after === undefined ? (page - 1) * pageSize : 0,
      limit: pageSize,
      isCounted: true,
    });
    if (isFailure(found)) return found;
    const next = found.next && cursorOf(found.next, order);
    const values = found.items.map(shown);
    const url = urlOf(deps, '/cloudapi/1.0.0/tokens');
    return listPage(request, query, { values, total: found.total, next, url }, identity);
  });

export const getToken = (deps: EndpointDeps): Endpoint =>
  tokenEndpoint(deps, async (actor, tokenId) => {
    const token = await deps.commands.findApiToken(actor, tokenId);
    if (isRefusal(token)) return token;
    if (isCommandError(token)) return missing(token.code, actor);
    if (token.state === 'revoked') return missing('token_revoked', actor);
    return success(200, shown(token), actor.identity);
  });

export const deleteToken = (deps: EndpointDeps): Endpoint =>
  tokenEndpoint(deps, async (actor, tokenId) => {
    const done = await deps.commands.revokeApiToken(actor, tokenId);
    if (isRefusal(done)) return done;
    // A repeated command, after a lost answer, is answered the same.
    return isCommandError(done) ? missing(done.code, actor) : success(204, undefined, actor.identity);
  });

const tokenEndpoint = (
  deps: EndpointDeps,
  run: (actor: Actor, tokenId: string) => ReturnType<ActorRun<VcdFault>>,
): Endpoint =>
  sessionEndpoint(vcdDialect, deps, (actor, request) => {
    const tokenId = tokenIdOf(request.parameters['urn'] ?? '');
    if (tokenId !== undefined) return run(actor, tokenId);
    // Not the name of a token: refused like the token of another user, or for the right that the caller lacks.
    const { org, user } = actor.identity;
    const refusal = mayManageTokens(actor.identity, { orgId: org.id, userId: user.id });
    const { reason, evidence } = refusal ?? denial('request_malformed', 'not the URN of a token');
    return forbidden(denied(reason, evidence, actor.identity));
  });

const missing = (code: string, { identity }: Actor) => forbidden(denied('scope_missing', code, identity));

/** Exactly these members. The secret is never among them. */
const shown = (token: TokenView): object => {
  const owner = userReference(token.orgId, token.userId);
  const org = orgReference(token.orgId);
  return {
    id: urnOfToken(token.id),
    name: token.name,
    token: null,
    expirationTimeUtc: timeOf(token.expiresAtMs) ?? null,
    owner,
    username: owner.name,
    userId: owner.id,
    orgName: org.name,
    org,
    type: 'REFRESH',
  };
};

const timeOf = (atMs: number | undefined): string | undefined =>
  atMs === undefined ? undefined : new Date(atMs).toISOString();

/** What a filter may name. */
const readers: Readonly<Record<string, (token: TokenView) => string | undefined>> = {
  id: ({ id }) => urnOfToken(id),
  name: ({ name }) => name,
  type: () => 'REFRESH',
  'owner.name': ({ userId }) => userId,
  'owner.id': ({ orgId, userId }) => userReference(orgId, userId).id,
  username: ({ userId }) => userId,
  userId: ({ orgId, userId }) => userReference(orgId, userId).id,
  'org.name': ({ orgId }) => orgId,
  'org.id': ({ orgId }) => orgReference(orgId).id,
  orgName: ({ orgId }) => orgId,
  expirationTimeUtc: ({ expiresAtMs }) => timeOf(expiresAtMs),
};

const membersKnown = new WeakMap<TokenView, Map<string, string | undefined>>();

/** Each is worked out once, however often a filter names it: some are digests. */
const membersOf =
  (token: TokenView): Members =>
  (name) => {
    const known = membersKnown.get(token) ?? new Map<string, string | undefined>();
    membersKnown.set(token, known);
    if (!known.has(name)) known.set(name, readers[name]?.(token));
    return known.get(name);
  };

const sortKeys: Readonly<Record<string, TokenOrder>> = {
  name: 'name',
  expirationTimeUtc: 'expiresAtMs',
};

/** Members that an index answers. */
const indexed: Readonly<Record<string, 'name' | 'userId'>> = {
  name: 'name',
  'owner.name': 'userId',
  username: 'userId',
};

const filterOf = (filter: Filter): TokenFilter => {
  if (filter.kind !== 'comparison') return { kind: filter.kind, of: filter.of.map(filterOf) };
  const { name, exactly } = filter;
  const field = Object.hasOwn(indexed, name) ? indexed[name] : undefined;
  return field === undefined || exactly === undefined
    ? { kind: 'test', holds: (token) => matches(filter, membersOf(token)) }
    : { kind: 'is', field, value: exactly };
};
