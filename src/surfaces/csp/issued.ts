// The 200 of every csp endpoint that gives an access token: exactly six keys, because strict parsers refuse a seventh.

import type { Issued } from '../../lifecycle/issue.ts';
import { type Answer, neverStored, permitted } from '../answer.ts';
import { permissionsOf } from './csp-token-form.ts';
import { allPermissionsScope, customerNumberScope, openIdScope } from './csp-words.ts';

/** `apiToken`: given back as the refresh token; undefined where there is none. */
export const issued = (result: Issued, apiToken: string | undefined): Answer => ({
  status: 200,
  headers: neverStored,
  body: {
    id_token: result.idToken ?? null,
    token_type: 'bearer',
    expires_in: secondsLeft(result),
    scope: scopeOf(result),
    access_token: result.accessToken,
    refresh_token: apiToken ?? null,
  },
  note: permitted(result.identity),
});

/** The vendor's says 1799 of half an hour: what is left when the answer arrives. */
const secondsLeft = ({ issuedAtMs, expiresAtMs }: Issued): number =>
  Math.max(1, Math.floor((expiresAtMs - issuedAtMs) / 1000) - 1);

const scopeOf = ({ identity }: Issued): string =>
  [
    ...(identity.allScopes === true ? [allPermissionsScope] : permissionsOf(identity.scopes)),
    customerNumberScope,
    openIdScope,
  ].join(' ');
