// Step 4: the credential of a request, from wherever its rule and the settings let it stand; none of a page that may not use it.

import { type Credential, isCredential, readCredential } from '../decision/credential.ts';
import { crossSiteFault } from '../decision/cross-site.ts';
import { methodsAskedFor } from '../decision/method-override.ts';
import { type Denial, denial } from '../decision/outcome.ts';
import type { RouteRule } from '../decision/route-rule.ts';
import { holdsSecret } from '../decision/secret-shapes.ts';
import type { Settings } from '../settings/settings.ts';
import { asksForWebSocket, type HeaderFacts } from './hygiene.ts';
import type { RequestHead } from './request-decision.ts';

export const presentedCredential = (
  head: RequestHead,
  facts: HeaderFacts,
  query: string,
  rule: RouteRule,
  settings: Settings['credential'],
): Credential | Denial | undefined => {
  const credential = readCredential(
    {
      authorization: facts.authorization,
      takesBasic: settings.basic,
      bare: facts.bareCredentials,
      cookies: facts.cookies,
      cookieName: settings.cookie,
      protocols: facts.browser?.webSocketProtocol,
      protocolPrefix: settings.webSocketProtocol,
      query,
      queryParameter: rule.credentialQueryParameter,
    },
    settings,
  );
  if (!isCredential(credential) || credential.isAmbient !== true) return credential;
  return pageDenialOf(head, facts, query, settings.cookieOrigins) ?? credential;
};

/** What is wrong with the page from which a browser has sent a credential by itself. */
const pageDenialOf = (
  { method, isUpgrade, peer }: RequestHead,
  facts: HeaderFacts,
  query: string,
  origins: readonly string[],
): Denial | undefined => {
  const { origin, fetchSite, webSocketKey } = facts.browser ?? {};
  const fault = crossSiteFault(
    {
      method,
      methodsAskedFor: methodsAskedFor(facts.methodOverrides, query),
      // A proxy that asks may have taken Upgrade away.
      isWebSocket: isUpgrade || asksForWebSocket(facts) || webSocketKey !== undefined,
      origin,
      fetchSite,
      host: (peer.isTrusted ? facts.forwardedHost : undefined) ?? facts.host,
    },
    origins,
  );
  return fault && denial('origin_refused', `${fault}: ${shown(fault === 'Origin' ? origin : fetchSite)}`);
};

/** For the record: the value itself only where it can contain neither a secret nor a line break. */
const shown = (value: string | undefined): string =>
  value !== undefined && /^[a-z0-9.:/_-]{1,100}$/.test(value) && !holdsSecret(value)
    ? value
    : 'another value';
