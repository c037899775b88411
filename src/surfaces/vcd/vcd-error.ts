// What can go wrong on the vcd surface, in that vendor's shapes: JSON for most paths, XML for the legacy ones.

import type { Refusal } from '../../decision/outcome.ts';
import { olderVcd, vcd, vcdChallenges, type VcdErrorCode } from '../../dialects/vcd-error.ts';
import { errorOfClass } from '../../dialects/vendor-error.ts';
import type { Note } from '../answer.ts';
import {
  badRequest,
  type CommandAnswers,
  createDialect,
  refusedAs,
  type SurfaceDialect,
  type VendorFault,
} from '../failures.ts';

export type VcdFault = VendorFault<VcdErrorCode>;
export type VcdDialect = SurfaceDialect<VcdErrorCode>;

/** The vendor does not distinguish what is missing from what is forbidden. */
const commandAnswers: CommandAnswers<VcdErrorCode> = {
  token_gone: 'scope_missing',
  account_unknown: 'scope_missing',
  account_disabled: 'scope_missing',
};

export const vcdDialect = createDialect(vcd, commandAnswers);
/** Of the older API. */
export const olderDialect = createDialect(olderVcd, commandAnswers);

/** OAuth's: what the request lacks or contradicts. */
export const invalidRequest = (message: string): VcdFault => ({
  ...badRequest(message),
  code: 'invalid_request',
});

/** A grant that is not valid, or another tenant's. */
export const invalidGrant = (refusal: Refusal, message: string): VcdFault | Refusal =>
  refusedAs(refusal, { status: 400, code: 'invalid_grant', message });

export const forbidden = (note: Note): VcdFault => ({ ...errorOfClass(vcd, 'scope_missing'), note });

/** A wrong name or password; which of the two, nobody learns. */
export const refusedSignIn = (refusal: Refusal): VcdFault | Refusal =>
  refusedAs(refusal, {
    status: 401,
    message: 'This operation is denied. Send user@org and the password as Authorization: Basic.',
    challenge: vcdChallenges,
  });
