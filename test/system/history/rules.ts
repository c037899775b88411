// The promises a history is judged by, and the shape of what breaks one.

import type { Evidence } from './evidence.ts';
import type { Credential, Operation } from './history.ts';

export type Rule =
  | 'accepted after its revocation'
  | 'acknowledged, but missing'
  | 'wider than the roles'
  | 'refused although good, in an outage'
  | 'revived'
  | 'replicas disagree'
  | 'unexpected answer';

export interface Violation {
  readonly rule: Rule;
  readonly detail: string;
  readonly operation: Operation;
  /** Undefined where the operation is about none. */
  readonly credential: Credential | undefined;
}

export type Found = Pick<Violation, 'rule' | 'detail'> | undefined;

/** Something acknowledged was refused: in an outage the answer should have been 503; without one it is lost. */
export const missing = (evidence: Evidence, operation: Operation, detail: string): Found => ({
  rule: evidence.isInOutage(operation) ? 'refused although good, in an outage' : 'acknowledged, but missing',
  detail,
});
