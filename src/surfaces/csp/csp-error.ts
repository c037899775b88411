// What can go wrong on the csp surface, in that vendor's shape. Also navigator's. Of a token, an answer shows the last five
// characters alone.

import { denial, type Refusal } from '../../decision/outcome.ts';
import { csp, type CspErrorWord } from '../../dialects/csp-error.ts';
import { denied } from '../answer.ts';
import { basicChallenge, type ClientFault } from '../client-authentication.ts';
import { badRequest, createDialect, refusedAs, type VendorFault } from '../failures.ts';

export type CspFault = VendorFault<CspErrorWord>;

export const cspDialect = createDialect(csp, {
  account_unknown: { status: 403 },
  account_disabled: { status: 403 },
  too_wide: { status: 400, code: 'invalid_scope' },
  too_many: { status: 409 },
});

/** A refusal of the API token in the request. */
export const refusedToken = (refusal: Refusal, token: string): CspFault | Refusal =>
  refusedAs(refusal, {
    status: 400,
    code: 'invalid_grant',
    message: `Invalid refresh token: ${masked(token)}`,
  });

export const refusedClient = ({
  fault,
  message,
}: Pick<ClientFault, 'fault' | 'message'>): CspFault | Refusal => {
  if (fault === 'ambiguous') return badRequest(message);
  if (fault === 'limited') return denial('rate_limited', message);
  return {
    status: 401,
    code: 'invalid_client',
    message: 'The client is not authenticated: check client_id and client_secret.',
    challenge: basicChallenge,
    note: denied('client_unknown', message),
  };
};

/** `xxxx...` and the last five characters; of a short token none, or too much of it would be shown. */
export const masked = (token: string): string =>
  `xxxx...${token.length < 20 ? '' : token.slice(-5).replaceAll(/[^\w+/=.-]/g, '?')}`;
