// Sessions of the vcd surface: begun with name and password, seen, ended. /cloudapi/1.0.0/sessions shows them in JSON. The API
// tokens of a user who signs out live on.

import type { Identity } from '../../decision/identity.ts';
import { denial, isRefusal, type Refusal } from '../../decision/outcome.ts';
import { uuidOfName, uuidOfOrg } from '../../identity/vendor-ids.ts';
import type { Issued, IssueError } from '../../lifecycle/issue.ts';
import { type Answer, denied, type Endpoint, neverStored, success, type SurfaceRequest } from '../answer.ts';
import { readBasic } from '../client-authentication.ts';
import type { EndpointDeps } from '../endpoint-deps.ts';
import { type ActorRun, endpoint } from '../endpoint.ts';
import { badRequest } from '../failures.ts';
import { readLeavingActor } from '../read-actor.ts';
import { matches } from './fiql.ts';
import { listPage, readListQuery } from './listing.ts';
import { sessionEndpoint, urlOf } from './vcd-endpoint.ts';
import { forbidden, refusedSignIn, vcdDialect, type VcdDialect, type VcdFault } from './vcd-error.ts';
import {
  orgNamed,
  orgReference,
  rightReference,
  roleReference,
  urnOfSession,
  userReference,
} from './vcd-names.ts';

export const postSession = (deps: EndpointDeps, who: 'anybody' | 'provider'): Endpoint =>
  endpoint(vcdDialect, async (request) => {
    const begun = await signInBy(deps, request, who);
    if (!('accessToken' in begun)) return begun;
    // The identity it was made from has the session's id.
    return { ...shown(deps, begun.identity), headers: sessionHeaders(begun) };
  });

export const getSession = (deps: EndpointDeps): Endpoint =>
  currentSessionEndpoint(deps, vcdDialect, ({ identity }) => shown(deps, identity));

/** What the session may do: its scopes, under the vendor's names where it has one. */
export const listRights = (deps: EndpointDeps): Endpoint =>
  currentSessionEndpoint(deps, vcdDialect, ({ identity }, request) => {
    const query = readListQuery(request, ['id', 'name'], { id: 'id', name: 'name' } as const);
    if (typeof query === 'string') return badRequest(query, identity);
    const { page, pageSize, filter, sort } = query;
    const by = sort?.by ?? 'name';
    const found = [...identity.scopes]
      .map(rightReference)
      .filter(
        ({ id, name }) => filter === undefined || matches(filter, (member) => (member === 'id' ? id : name)),
      )
      .toSorted((one, other) => (one[by] < other[by] ? -1 : 1));
    if (sort?.isDescending === true) found.reverse();
    const values = found.slice((page - 1) * pageSize, page * pageSize);
    return listPage(request, query, { values, total: found.length, url: urlOf(deps, rightsPath) }, identity);
  });

const rightsPath = '/cloudapi/1.0.0/sessions/current/rights';

const shown = ({ settings }: EndpointDeps, identity: Identity): Answer => {
  const { org, user } = identity;
  const organization = orgReference(org.id);
  const siteId = uuidOfName(`site ${settings.issuer}`);
  return success(
    200,
    {
      id: urnOfSession(identity),
      site: { name: new URL(settings.issuer).hostname, id: `urn:vcloud:site:${siteId}` },
      user: userReference(org.id, user.id),
      org: organization,
      operatingOrg: organization,
      location: `${uuidOfOrg(org.id)}@${siteId}`,
      roles: user.roles,
      roleRefs: user.roles.map((role) => roleReference(org.id, role)),
      // There is no other limit than the access token's life.
      sessionIdleTimeoutMinutes: Math.max(1, Math.floor(settings.tokens.accessTokenLifetimeMs / 60_000)),
    },
    identity,
  );
};

/** `provider`: only people of the provider's org. Nothing else in the request counts, not even a stale session. */
export const signInBy = async (
  { signIn, settings }: EndpointDeps,
  request: SurfaceRequest,
  who: 'anybody' | 'provider',
): Promise<Issued | IssueError | VcdFault | Refusal> => {
  const { providerOrg } = settings.surfaces.vcd;
  const basic = readSignIn(request.authorization);
  if (basic === undefined)
    return refusedSignIn(
      denial(request.authorization === undefined ? 'credential_missing' : 'credential_malformed'),
    );
  const orgId = orgNamed(providerOrg, basic.orgId);
  // Checked like a user who does not exist, so that it takes as long.
  const userId = who === 'provider' && orgId !== providerOrg ? '' : basic.userId;
  const result = await signIn({
    orgId,
    userId,
    password: basic.password,
    origin: request,
  });
  return isRefusal(result) ? refusedSignIn(result) : result;
};

/** `user@org` in `Authorization: Basic`. The org stands after the last @, since user names may be e-mail addresses. */
const readSignIn = (authorization: string | undefined) => {
  const basic = readBasic(authorization);
  if (basic === undefined || basic === 'malformed') return undefined;
  const { user, password } = basic;
  const at = user.lastIndexOf('@');
  return at < 1 || at + 1 === user.length
    ? undefined
    : { userId: user.slice(0, at), orgId: user.slice(at + 1), password };
};

/** Sent with every new session. */
export const sessionHeaders = ({ accessToken }: Issued): Readonly<Record<string, string>> => ({
  ...neverStored,
  'x-vmware-vcloud-access-token': accessToken,
  'x-vmware-vcloud-token-type': 'Bearer',
});

/**
 * For the session behind a request's access token. A path may name it by its URN; another session, and one that does not
 * exist, are forbidden alike.
 */
export const currentSessionEndpoint = (
  deps: EndpointDeps,
  dialect: VcdDialect,
  run: ActorRun<VcdFault>,
  read?: typeof readLeavingActor,
): Endpoint =>
  sessionEndpoint(
    dialect,
    deps,
    (actor, request) => {
      const { urn } = request.parameters;
      return urn === undefined || urn.toLowerCase() === urnOfSession(actor.identity).toLowerCase()
        ? run(actor, request)
        : forbidden(denied('scope_missing', 'another session', actor.identity));
    },
    read,
  );

/** Ends the session; repeating it is answered the same. Clients disconnect at the path they signed in at. */
export const deleteSession = (deps: EndpointDeps, dialect: VcdDialect): Endpoint =>
  currentSessionEndpoint(
    deps,
    dialect,
    async (actor) => {
      const done = await deps.signOut(actor);
      return isRefusal(done) ? done : success(204, undefined, actor.identity);
    },
    readLeavingActor,
  );
