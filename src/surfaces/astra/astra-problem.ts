// What can go wrong on the astra surface, in that vendor's shape.

import type { Identity } from '../../decision/identity.ts';
import { astra, type AstraCode, astraProblemType, type InvalidParam } from '../../dialects/astra-problem.ts';
import { errorOfClass, type VendorDialect } from '../../dialects/vendor-error.ts';
import type { AstraSettings } from '../../settings/settings.ts';
import { denied } from '../answer.ts';
import { createDialect, type SurfaceDialect, type VendorFault } from '../failures.ts';

export type AstraFault = VendorFault<AstraCode>;

const nothingHere = errorOfClass(astra, 'hidden');

/** `foreignAccount`: how a request for another org's account is answered. */
export const createAstraDialect = ({
  foreignAccount,
}: Pick<AstraSettings, 'foreignAccount'>): SurfaceDialect<AstraCode> => {
  const here: VendorDialect<AstraCode> = {
    ...astra,
    answers: {
      ...astra.answers,
      session_kind_refused: {
        message: 'An API token cannot manage API tokens. Sign in, and send the access token of that session.',
      },
      scope_missing: { message: 'You may not manage these API tokens.' },
      ...(foreignAccount === 'not-found' && { tenant_mismatch: nothingHere }),
    },
  };
  return createDialect(here, {
    token_gone: 'hidden',
    account_unknown: 'hidden',
    account_disabled: { status: 403 },
    too_wide: { status: 403 },
    too_many: { status: 409 },
  });
};

/** 400, problems/5: what of the query cannot be followed. */
export const invalidQuery = (invalidParams: readonly InvalidParam[], identity: Identity): AstraFault => ({
  status: 400,
  code: { type: astraProblemType(5), title: 'Invalid query parameters', invalidParams },
  message: 'The supplied query parameters are invalid.',
  note: denied('request_malformed', invalidParams[0]?.reason, identity),
});

/** 404: the token, or whatever the path leads through. */
export const notFound = (evidence: string, identity?: Identity): AstraFault => ({
  ...nothingHere,
  note: denied('request_malformed', evidence, identity),
});
