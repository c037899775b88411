// Sessions on the vcd surface, whichever shape they are shown in: begun with name and password, seen, ended. The API tokens
// of a user who signs out live on.

import { denial, isRefusal } from '../../decision/outcome.ts';
import { isCommandError } from '../../lifecycle/command-error.ts';
import type { Issued } from '../../lifecycle/issue.ts';
import { denied, type Endpoint, neverStored, success, type SurfaceRequest } from '../answer.ts';
import { readLeavingSession, type RunForSession, sessionEndpoint, type VcdDeps } from './vcd-endpoint.ts';
import { badRequest, forbidden, refusedSignIn, type Respond, type VcdFault } from './vcd-error.ts';
import { orgNamed, urnOfSession } from './vcd-names.ts';

/** `provider`: only people of the provider's org. Nothing else in the request counts, not even a stale session. */
export const signInBy = async (
  { signIn, settings }: VcdDeps,
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
  // Checked like a user who does not exist, so that it takes as long.
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

interface BasicSignIn {
  readonly userId: string;
  readonly orgId: string;
  readonly password: string;
}

/**
 * `Authorization: Basic` of user@org and a password (RFC 7617, in UTF-8). The org stands after the last @, since user names
 * may be e-mail addresses. Undefined when there is none, or none that can be read.
 */
const readBasicSignIn = (authorization: string | undefined): BasicSignIn | undefined => {
  const encoded = /^basic +([A-Za-z0-9+/]+={0,2}) *$/i.exec(authorization ?? '')?.[1];
  if (encoded === undefined) return undefined;
  const text = Buffer.from(encoded, 'base64').toString('utf8');
  const colon = text.indexOf(':');
  const at = text.lastIndexOf('@', colon);
  if (colon < 0 || at < 1 || at + 1 >= colon) return undefined;
  return { userId: text.slice(0, at), orgId: text.slice(at + 1, colon), password: text.slice(colon + 1) };
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
  deps: VcdDeps,
  respond: Respond,
  run: RunForSession,
  read?: typeof readLeavingSession,
): Endpoint =>
  sessionEndpoint(
    respond,
    deps,
    (actor, request) => {
      const { urn } = request.parameters;
      return urn === undefined || urn.toLowerCase() === urnOfSession(actor.identity).toLowerCase()
        ? run(actor, request)
        : forbidden(denied('scope_missing', 'another session', actor.identity));
    },
    read,
  );

/**
 * Ends the session; repeating it is answered the same. Clients disconnect at the path they signed in at.
 */
export const deleteSession = (deps: VcdDeps, respond: Respond): Endpoint =>
  currentSessionEndpoint(
    deps,
    respond,
    async (actor) => {
      const done = await deps.signOut(actor);
      return isRefusal(done) ? done : success(204, undefined, actor.identity);
    },
    readLeavingSession,
  );
