// A token sent as a parameter: which kind it is, and whether it is one at all, before anything looks it up.

import type { Credential } from '../../decision/credential.ts';
import { type Denial, denial } from '../../decision/outcome.ts';
import type { Settings } from '../../settings/settings.ts';

/** Two dots make a JWT; anything else is an API token. Bounded and visible ASCII, as on the proxied path. */
export const credentialOf = (
  token: string,
  limits: Pick<Settings['credential'], 'apiTokenBytesMax' | 'accessTokenBytesMax'>,
): Credential | Denial => {
  const kind = token.split('.', 4).length === 3 ? 'access_token' : 'api_token';
  const bytesMax = kind === 'access_token' ? limits.accessTokenBytesMax : limits.apiTokenBytesMax;
  if (token.length > bytesMax) return denial('credential_malformed', `${kind} of ${token.length} characters`);
  if (!/^[\x21-\x7E]+$/.test(token)) return denial('credential_malformed', 'characters no token has');
  return { kind, value: token };
};
