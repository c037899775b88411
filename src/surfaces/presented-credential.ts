// The credential a surface request is made with, as opposed to one it is about: found in the same places, and held to
// the same grammar, as on the proxied path.

import { bareCredentialHeaders, type Credential, readCredential } from '../decision/credential.ts';
import type { Denial } from '../decision/outcome.ts';
import type { Settings } from '../settings/settings.ts';
import type { SurfaceRequest } from './answer.ts';

/** Undefined: none; `credential_malformed`, `credential_conflict`. */
export const presentedCredential = (
  request: SurfaceRequest,
  bounds: Settings['credential'],
): Credential | Denial | undefined =>
  readCredential(
    {
      authorization: request.authorization,
      bare: [...bareCredentialHeaders, ...bounds.headers].flatMap((name) => request.headerLines(name)),
      cookies: undefined,
      cookieName: undefined,
      query: '',
      queryParameter: undefined,
    },
    bounds,
  );
