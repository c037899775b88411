// /api/sessions and /api/session: the same sessions in the vendor's older XML.

import type { Identity } from '../../decision/identity.ts';
import { type Answer, type Endpoint, neverStored, permitted } from '../answer.ts';
import {
  createCurrentEndpoint,
  createEndEndpoint,
  sessionHeaders,
  type SessionsDeps,
  signInBy,
} from './sessions.ts';
import { asXml } from './vcd-error.ts';
import { userReference } from './vcd-names.ts';
import { element, inner, xmlMediaType } from './xml.ts';

export interface LegacySessionDeps extends SessionsDeps {
  /** Where the vendor's older API begins for clients: the issuer, the prefix, `/api`. */
  readonly apiUrl: string;
}

/** The older header names the same access token, for clients that know no other. */
export const createLegacySignInEndpoint =
  (deps: LegacySessionDeps): Endpoint =>
  async (request) => {
    const begun = await signInBy(deps, request, 'anybody');
    if ('code' in begun) return asXml(begun, request);
    const headers = { ...sessionHeaders(begun), 'x-vcloud-authorization': begun.accessToken };
    return { ...told(deps, begun.identity), headers };
  };

export const createLegacyCurrentEndpoint = (deps: LegacySessionDeps): Endpoint =>
  createCurrentEndpoint(deps, asXml, ({ identity }) => told(deps, identity));

export const createLegacyEndEndpoint = (deps: LegacySessionDeps): Endpoint => createEndEndpoint(deps, asXml);

const told = ({ apiUrl }: LegacySessionDeps, identity: Identity): Answer => {
  const { org, user } = identity;
  const session = `${apiUrl}/session`;
  const userUrn = userReference(org.id, user.id).id;
  return {
    status: 200,
    headers: neverStored,
    body: element(
      'Session',
      {
        org: org.id,
        roles: user.roles.join(','),
        user: user.id,
        userId: userUrn,
        href: session,
        type: 'application/vnd.vmware.vcloud.session+xml',
      },
      [
        inner('Link', {
          rel: 'down',
          href: `${apiUrl}/org`,
          type: 'application/vnd.vmware.vcloud.orgList+xml',
        }),
        inner('Link', { rel: 'remove', href: session }),
      ],
    ),
    mediaType: xmlMediaType('session'),
    note: permitted(identity),
  };
};
