// Sign-in through an OpenID provider: the browser goes there with what only it and this deployment know, sealed in a cookie of
// ten minutes, and comes back with a code. A failure leads back to the page for signing in, with a known word for it.

import { z } from 'zod';
import { isDenial, isOutage, type Outage, isRefusal, type Denial } from '../../decision/outcome.ts';
import { addressBlockOf } from '../../identity/address-block.ts';
import type { Origin } from '../../lifecycle/actor.ts';
import { isCommandError } from '../../lifecycle/command-error.ts';
import { findActiveOwner } from '../../lifecycle/owner.ts';
import { createBeginVouchedSession } from '../../lifecycle/vouched-session.ts';
import { createOpenidProvider, newFlow, type OpenidProvider } from '../../tokens/openid-provider.ts';
import { type Answer, denied, type Endpoint, type Note, permitted, refusedNote, success } from '../answer.ts';
import { endpoint } from '../endpoint.ts';
import { malformed, type ProblemFacts } from '../management/management-problem.ts';
import type { BegunSession } from './console-sessions.ts';
import { bodyOf, type SessionEndpointsDeps } from './session-endpoints.ts';
import { type OpenidAccounts, openidAccounts } from './openid-accounts.ts';
import { createSealedCookie } from './sealed-cookie.ts';

const flowMs = 10 * 60_000;
/** The cookie holds it, and browsers keep no long one. */
const originLengthMax = 300;

const flowContent = z.strictObject({
  provider: z.string(),
  state: z.string(),
  nonce: z.string(),
  verifier: z.string(),
  redirectUri: z.string(),
  returnTo: z.string(),
  endsAtMs: z.number(),
});

/** Below the prefix, and nothing that a browser could read as another place. */
const startBody = z.strictObject({
  returnTo: z
    .string()
    .max(512)
    .regex(/^\/(?![/\\])[\w\-.~%/]*(?:\?[\w\-.~%/=&+]*)?$/, 'Write a path below the console, such as /tokens')
    // Browsers take `%2e` for a dot (WHATWG URL, "double-dot URL path segment").
    .refine((path) => !/\/(?:\.|%2e){1,2}(?:[/?]|$)/i.test(path), 'Write a path without . and ..')
    .default('/'),
});

/** What the page for signing in is told. */
type Failed =
  | 'openid_refused'
  | 'openid_expired'
  | 'account_unknown'
  | 'provider_unavailable'
  | 'too_many'
  | 'unavailable';

export const openidEndpoints = (deps: SessionEndpointsDeps) => {
  const { settings, now } = deps.surface;
  const { prefix, providers } = settings.surfaces.console;
  const cookie = createSealedCookie(settings, {
    name: '__Host-tollgate-console-openid',
    label: 'console openid v1',
    // The browser comes back from another site.
    sameSite: 'Lax',
    parse: (value) => flowContent.safeParse(value).data,
  });
  const known = new Map(providers.map((provider) => [provider.name, openProvider(settings, provider)]));

  const start = endpoint(deps.dialect, async (request): Promise<Answer | ProblemFacts | Outage> => {
    const name = request.parameters['provider'] ?? '';
    const provider = known.get(name);
    if (provider === undefined) return { code: 'path_unknown', note: denied('route_unknown', undefined) };
    const body = bodyOf(request, startBody);
    if ('code' in body) return body;
    // It has been compared with where the console is.
    const origin = request.headerLines('origin')[0] ?? '';
    if (origin.length > originLengthMax)
      return malformed('The host has too long a name.', undefined, undefined);
    const flow = newFlow(`${origin}${prefix}/session/openid/${name}/callback`);
    const location = await provider.client.begin(flow);
    if (isOutage(location)) return location;
    const content = { ...flow, provider: name, returnTo: body.returnTo, endsAtMs: now() + flowMs };
    const line = await cookie.write(content, flowMs);
    if (isOutage(line)) return line;
    return { ...success(200, { location: location.href }, undefined), cookies: [line] };
  });

  const callback: Endpoint = async (request) => {
    const back = (error: Failed, note: Note): Answer =>
      redirect(`${prefix}/sign-in?error=${error}`, [cookie.erasure], note);
    const flow = await cookie.read(request);
    if (isOutage(flow)) return back('unavailable', refusedNote(flow));
    const name = request.parameters['provider'] ?? '';
    const provider = known.get(name);
    // Each provider leads back to an address of its own: no other one's code is ever sent to it (RFC 9700 section 4.4.2).
    const isOfIt = flow?.provider === name && now() < flow.endsAtMs;
    if (flow === undefined || provider === undefined || !isOfIt)
      return back('openid_expired', denied('credential_missing', 'no sign-in under way'));
    const { clientAddress, requestId } = request;
    const limit = deps.surface.signInLimit;
    const tries = `(openid) ${addressBlockOf(clientAddress)}`;
    if (!limit.begin(clientAddress, tries)) return back('too_many', denied('rate_limited', tries));
    const accounts = await provider.finish(flow, request.query);
    if (isOutage(accounts)) {
      limit.cancel(clientAddress, tries);
      return back('provider_unavailable', refusedNote(accounts));
    }
    const origin: Origin = { clientAddress, requestId, via: 'console' };
    if (isDenial(accounts)) {
      const attempt = { action: 'session.begin', identity: undefined, origin, subject: {} } as const;
      deps.surface.audit?.record({ ...attempt, outcome: accounts });
      return back('openid_refused', refusedNote(accounts));
    }
    limit.succeed(clientAddress, tries);
    const begun = await beginIn(deps, accounts, origin);
    if (begun === 'unknown') return back('account_unknown', denied('token_invalid', 'no such active user'));
    if (isOutage(begun)) return back('unavailable', refusedNote(begun));
    return redirect(
      `${prefix}${flow.returnTo}`,
      [begun.cookie, cookie.erasure],
      permitted(begun.session.identity),
    );
  };
  const shown = providers.map(({ name, title }) => ({ id: name, name: title ?? name }));
  return { start, callback, shown };
};

type Settings = SessionEndpointsDeps['surface']['settings'];

interface SignInProvider {
  readonly client: OpenidProvider;
  /** Whose accounts the person may use. */
  finish(...back: Parameters<OpenidProvider['finish']>): Promise<OpenidAccounts | Denial | Outage>;
}

const openProvider = (
  { issuers, tokens }: Pick<Settings, 'issuers' | 'tokens'>,
  provider: Settings['surfaces']['console']['providers'][number],
): SignInProvider => {
  const issuer = issuers.find((each) => each.issuer === provider.issuer);
  if (issuer === undefined) throw new Error(`${provider.issuer} is not among the issuers`);
  const { clockLeewayMs } = tokens;
  const client = createOpenidProvider({ ...provider, ca: issuer.ca, clockLeewayMs });
  return {
    client,
    finish: async (flow, query) => {
      const claims = await client.finish(flow, query);
      return isRefusal(claims) ? claims : openidAccounts(claims, issuer);
    },
  };
};

/** In the first of the orgs in which the user is there and active. */
const beginIn = async (
  { surface, sessions }: SessionEndpointsDeps,
  { userId, orgIds }: OpenidAccounts,
  origin: Origin,
): Promise<BegunSession | 'unknown' | Outage> => {
  let chosen = orgIds[0] ?? '';
  for (const orgId of orgIds) {
    const owner = await findActiveOwner(surface.store, orgId, userId);
    if (isOutage(owner)) return owner;
    if (isCommandError(owner)) continue;
    chosen = orgId;
    break;
  }
  const identity = await createBeginVouchedSession(surface)({ orgId: chosen, userId, origin });
  if (isOutage(identity)) return identity;
  return isCommandError(identity) ? 'unknown' : sessions.begin(identity, { orgs: orgIds });
};

/** RFC 9110 section 15.4.4. The code in the address that this answers is good no more, and stands in no history. */
const redirect = (location: string, cookies: readonly string[], note: Note): Answer => ({
  status: 303,
  headers: { location, 'cache-control': 'no-store' },
  cookies,
  body: undefined,
  note,
});
