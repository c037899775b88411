// /api/sessions and /api/session: the same sessions in the vendor's older XML, or in JSON for clients that accept nothing
// else. The session is where those clients find everything: they follow its links and know no other address.

import type { Identity } from '../../decision/identity.ts';
import { isDenial } from '../../decision/outcome.ts';
import { prefersJson } from '../../dialects/vcd-error.ts';
import { element, inner, xmlMediaType } from '../../dialects/xml.ts';
import { uuidOfOrg } from '../../identity/vendor-ids.ts';
import { type Answer, type Endpoint, type RequestHead, success } from '../answer.ts';
import type { EndpointDeps } from '../endpoint-deps.ts';
import { endpoint } from '../endpoint.ts';
import { presentedCredential } from '../read-actor.ts';
import { currentSessionEndpoint, sessionHeaders, signInBy } from './sessions.ts';
import { urlOf } from './vcd-endpoint.ts';
import { olderDialect } from './vcd-error.ts';
import { userReference } from './vcd-names.ts';

/** Clients that know no newer header read the access token from this one, and send it in it. */
const olderHeader = 'x-vcloud-authorization';

/** Where the vendor's older API begins. */
const apiPath = '/api';

export const postLegacySession = (deps: EndpointDeps): Endpoint =>
  endpoint(olderDialect, async (request) => {
    const begun = await signInBy(deps, request, 'anybody');
    if (!('accessToken' in begun)) return begun;
    const headers = { ...sessionHeaders(begun), [olderHeader]: begun.accessToken };
    return { ...shown(deps, begun.identity, request), headers };
  });

/** Answers with the token it was asked with: clients that resume a session take it from the answer. */
export const getLegacySession = (deps: EndpointDeps): Endpoint =>
  currentSessionEndpoint(deps, olderDialect, ({ identity }, request) => {
    const presented = presentedCredential(request, deps.settings.credential);
    const session = shown(deps, identity, request);
    return presented === undefined || isDenial(presented)
      ? session
      : { ...session, headers: { ...session.headers, [olderHeader]: presented.value } };
  });

interface SessionLink {
  readonly rel: string;
  readonly href: string;
  readonly type?: string;
  readonly name?: string;
}

/** What clients look for in a session, by `rel` and `type`. The API behind the gate answers those addresses. */
const linksOf = (apiUrl: string, orgId: string, isProvider: boolean): readonly SessionLink[] => {
  const link = (rel: string, path: string, kind: string): SessionLink => ({
    rel,
    href: apiUrl + path,
    type: `application/vnd.vmware.${kind}+xml`,
  });
  return [
    link('down', '/org/', 'vcloud.orgList'),
    { rel: 'remove', href: `${apiUrl}/session` },
    link('down', '/admin/', 'admin.vcloud'),
    ...(isProvider ? [link('down', '/admin/extension', 'admin.vmwExtension')] : []),
    { ...link('down', `/org/${uuidOfOrg(orgId)}`, 'vcloud.org'), name: orgId },
    link('down', '/query', 'vcloud.query.queryList'),
    link('entityResolver', '/entity/', 'vcloud.entity'),
    link('down:extensibility', '/extensibility', 'vcloud.apiextensibility'),
  ];
};

const shown = (deps: EndpointDeps, identity: Identity, request: RequestHead): Answer => {
  const { org, user } = identity;
  const { providerOrg } = deps.settings.surfaces.vcd;
  const apiUrl = urlOf(deps, apiPath);
  const facts = {
    org: org.id,
    roles: user.roles.join(','),
    user: user.id,
    userId: userReference(org.id, user.id).id,
    href: `${apiUrl}/session`,
  };
  const links = linksOf(apiUrl, org.id, org.id === providerOrg);
  if (prefersJson(request.headerLines('accept'))) {
    const body = { ...facts, type: jsonTypeOf(sessionType), link: links.map(jsonLink) };
    return { ...success(200, body, identity), mediaType: `${jsonTypeOf(sessionType)};charset=utf-8` };
  }
  const inside = links.map((link) => inner('Link', { ...link }));
  const document = element('Session', { ...facts, type: sessionType }, inside);
  return { ...success(200, document, identity), mediaType: xmlMediaType('session') };
};

const sessionType = 'application/vnd.vmware.vcloud.session+xml';

const jsonTypeOf = (xmlType: string): string => xmlType.replace(/\+xml$/, '+json');

const jsonLink = ({ type, ...link }: SessionLink): SessionLink =>
  type === undefined ? link : { ...link, type: jsonTypeOf(type) };
