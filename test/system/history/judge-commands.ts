// The rules about commands: none is refused although what it is about exists and is as it should be, and no answer is one
// that nobody should see. Pure: no I/O, no clock.

import type { Evidence } from './evidence.ts';
import type { Operation } from './history.ts';
import { type Found, missing } from './rules.ts';

export const judgeCommand = (evidence: Evidence, operation: Operation): Found => {
  const { outcome } = operation;
  if (outcome.kind === 'broken')
    return { rule: 'unexpected answer', detail: `${outcome.status} ${outcome.text}` };
  if (outcome.kind !== 'refused' || evidence.wasEmptied(operation)) return undefined;
  const { status, reason = '' } = outcome;
  if (operation.kind === 'sign-in')
    return missing(evidence, operation, `${status} ${reason} for the right password`);
  if (operation.kind === 'revoke-credential') {
    const credential = evidence.history.credentials.get(operation.credential);
    return credential !== undefined && evidence.isGoodForCertain(credential, operation)
      ? missing(evidence, operation, `${status} ${reason} for the revocation of a good ${credential.kind}`)
      : undefined;
  }
  // Whether the session it was given in is good is asked elsewhere.
  if (operation.actor === undefined || status === 401 || status === 403) return undefined;
  switch (reason) {
    case 'user_disabled':
      return wasActive(evidence, operation)
        ? missing(evidence, operation, 'refused as disabled, but the user is active')
        : undefined;
    case 'token_revoked':
      return operation.kind === 'regenerate' && hasGoodSecret(evidence, operation, operation.token)
        ? missing(evidence, operation, 'refused as revoked, but the token is good')
        : undefined;
    // Somebody else gave the token another secret between the two tries.
    case 'idempotency_conflict':
      return undefined;
    default:
      return missing(evidence, operation, `${status} ${reason}`);
  }
};

const wasActive = (evidence: Evidence, operation: Operation): boolean => {
  const { credentials } = evidence.history;
  const token = operation.kind === 'regenerate' ? operation.token : undefined;
  const owner = [...credentials.values()].find(
    (credential) => credential.kind === 'secret' && credential.token === token,
  )?.account;
  const account = 'account' in operation ? operation.account : owner;
  return account !== undefined && !evidence.states(account, operation).has('disabled');
};

const hasGoodSecret = (evidence: Evidence, operation: Operation, token: string): boolean =>
  [...evidence.history.credentials.values()].some(
    (credential) =>
      credential.kind === 'secret' &&
      credential.token === token &&
      evidence.isGoodForCertain(credential, operation),
  );
