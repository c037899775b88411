// /cloudapi/1.0.0/sessions: sessions in JSON.

import type { Identity } from '../../decision/identity.ts';
import type { Settings } from '../../settings/settings.ts';
import { type Answer, type Endpoint, neverStored, permitted } from '../answer.ts';
import { uuidOfName, uuidOfOrg } from '../../identity/vendor-ids.ts';
import { matches } from './fiql.ts';
import { listPage, readListQuery } from './listing.ts';
import {
  createCurrentEndpoint,
  createEndEndpoint,
  sessionHeaders,
  type SessionsDeps,
  signInBy,
} from './sessions.ts';
import { asJson, badRequest } from './vcd-error.ts';
import { orgReference, rightReference, roleReference, urnOfSession, userReference } from './vcd-names.ts';

export interface SessionEndpointsDeps extends SessionsDeps {
  readonly settings: SessionsDeps['settings'] & Pick<Settings, 'issuer' | 'tokens'>;
  /** Where the listing of rights lies. */
  readonly rightsUrl: string;
}

export const createSignInEndpoint =
  (deps: SessionEndpointsDeps, who: 'anybody' | 'provider'): Endpoint =>
  async (request) => {
    const begun = await signInBy(deps, request, who);
    if ('code' in begun) return asJson(begun, request);
    // The identity it was made from has the session's id.
    return { ...told(deps, begun.identity), headers: sessionHeaders(begun) };
  };

export const createCurrentSessionEndpoint = (deps: SessionEndpointsDeps): Endpoint =>
  createCurrentEndpoint(deps, asJson, ({ identity }) => told(deps, identity));

export const createEndCurrentEndpoint = (deps: SessionEndpointsDeps): Endpoint =>
  createEndEndpoint(deps, asJson);

/** What the session may do: its scopes, under the vendor's names where it has one. */
export const createRightsEndpoint = (deps: SessionEndpointsDeps): Endpoint =>
  createCurrentEndpoint(deps, asJson, ({ identity }, request) => {
    const query = readListQuery(request, ['id', 'name'], { id: 'id', name: 'name' } as const);
    if (typeof query === 'string') return asJson(badRequest(query, identity), request);
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
    return listPage(request, query, { values, total: found.length, url: deps.rightsUrl }, identity);
  });

const told = ({ settings }: SessionEndpointsDeps, identity: Identity): Answer => {
  const { org, user } = identity;
  const organization = orgReference(org.id);
  const siteId = uuidOfName(`site ${settings.issuer}`);
  return {
    status: 200,
    headers: neverStored,
    body: {
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
    note: permitted(identity),
  };
};
