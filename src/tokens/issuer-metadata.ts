// Where an issuer's keys are: as the settings say, or as the issuer itself publishes (OpenID Connect Discovery 1.0 section 4,
// RFC 8414 section 3). The document is believed only if it names the issuer exactly as the settings do.

import { isOutage, type Outage, outage } from '../decision/outcome.ts';
import { isJsonObject } from '../decision/strict-json.ts';
import { answeredStatus, fetchJson, shownUrl } from './fetch-json.ts';

export interface KeysLocation {
  /** Exactly as its tokens' `iss` has it. */
  readonly issuer: string;
  /** Undefined: discovered. */
  readonly jwksUrl: string | undefined;
  /** PEM of a private CA; undefined: the system's. */
  readonly ca: string | undefined;
  /** How long what was found may serve while the issuer is down. */
  readonly staleKeysMsMax: number;
}

const freshMs = 3_600_000;

export const createKeysLocator = (location: KeysLocation) => {
  const { jwksUrl, staleKeysMsMax } = location;
  let known: { readonly url: string; readonly foundAtMs: number } | undefined;
  let isInDoubt = false;
  return {
    /** The URL of the JWK Set. Asks the issuer when nothing is known, or what is known is an hour old or in doubt. */
    find: async (nowMs: number): Promise<string | Outage> => {
      if (jwksUrl !== undefined) return jwksUrl;
      if (known !== undefined && !isInDoubt && nowMs - known.foundAtMs < freshMs) return known.url;
      const url = await discover(location);
      if (!isOutage(url)) {
        known = { url, foundAtMs: nowMs };
        isInDoubt = false;
        return url;
      }
      return known !== undefined && nowMs - known.foundAtMs < staleKeysMsMax ? known.url : url;
    },
    /** The keys could not be had there: perhaps they have moved. */
    doubt: (): void => {
      isInDoubt = true;
    },
  };
};

/** Asks by the name of OpenID first; an issuer that answers, but has no such document, by the name of RFC 8414. */
const discover = async ({ issuer, ca }: KeysLocation): Promise<string | Outage> => {
  const { origin, pathname } = new URL(issuer);
  const path = pathname.replace(/\/$/, '');
  let url = `${origin}${path}/.well-known/openid-configuration`;
  let document = await fetchJson({ url, ca });
  if (isOutage(document) && answeredStatus(document) !== undefined) {
    const other = `${origin}/.well-known/oauth-authorization-server${path}`;
    const second = await fetchJson({ url: other, ca });
    if (!isOutage(second)) [url, document] = [other, second];
  }
  return isOutage(document) ? document : readMetadata(document, issuer, url);
};

const readMetadata = (document: unknown, issuer: string, url: string): string | Outage => {
  const failed = (what: string): Outage =>
    outage('issuer_unavailable', new Error(`${shownUrl(url)} ${what}`));
  if (!isJsonObject(document)) return failed('did not answer a JSON object');
  const { issuer: named, jwks_uri: jwksUrl } = document;
  if (named !== issuer)
    return failed(
      typeof named === 'string'
        ? `is of the issuer ${JSON.stringify(named.slice(0, 200))}; write \`issuer\` exactly so, final slash and all`
        : 'names no issuer',
    );
  const parsed = typeof jwksUrl === 'string' ? URL.parse(jwksUrl) : null;
  if (typeof jwksUrl !== 'string' || parsed === null) return failed('names no jwks_uri; write `jwks`');
  const { protocol, username, password } = parsed;
  const isSecure = protocol === 'https:' || (protocol === 'http:' && issuer.startsWith('http:'));
  return isSecure && username === '' && password === ''
    ? jwksUrl
    : failed('names a jwks_uri that is not https, or has a password in it; write `jwks`');
};
