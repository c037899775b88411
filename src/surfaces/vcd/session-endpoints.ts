// /cloudapi/1.0.0/sessions: sessions in JSON.

import type { Identity } from '../../decision/identity.ts';
import { uuidOfName, uuidOfOrg } from '../../identity/vendor-ids.ts';
import { type Answer, type Endpoint, success } from '../answer.ts';
import { matches } from './fiql.ts';
import { listPage, readListQuery } from './listing.ts';
import { currentSessionEndpoint, sessionHeaders, signInBy } from './sessions.ts';
import { urlOf, type VcdDeps, vcdEndpoint } from './vcd-endpoint.ts';
import { asJson, badRequest } from './vcd-error.ts';
import { orgReference, rightReference, roleReference, urnOfSession, userReference } from './vcd-names.ts';

export const postSession = (deps: VcdDeps, who: 'anybody' | 'provider'): Endpoint =>
  vcdEndpoint(asJson, async (request) => {
    const begun = await signInBy(deps, request, who);
    // The identity it was made from has the session's id.
    return 'code' in begun ? begun : { ...shown(deps, begun.identity), headers: sessionHeaders(begun) };
  });

export const getSession = (deps: VcdDeps): Endpoint =>
  currentSessionEndpoint(deps, asJson, ({ identity }) => shown(deps, identity));

/** What the session may do: its scopes, under the vendor's names where it has one. */
export const listRights = (deps: VcdDeps): Endpoint =>
  currentSessionEndpoint(deps, asJson, ({ identity }, request) => {
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

const shown = ({ settings }: VcdDeps, identity: Identity): Answer => {
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
