// The rules about one credential: never accepted once it is dead, never wider than the roles, never refused while it is
// good. Pure: no I/O, no clock.

import type { Evidence, Verdict } from './evidence.ts';
import type { Credential, History, Operation } from './history.ts';
import { type Found, missing } from './rules.ts';

export const judgeCredential = (evidence: Evidence, verdict: Verdict): Found =>
  verdict.refused === undefined
    ? (acceptedThoughDead(evidence, verdict) ?? widerThanRoles(evidence, verdict))
    : refusedThoughGood(evidence, verdict);

const acceptedThoughDead = (evidence: Evidence, verdict: Verdict): Found => {
  const { operation, credential } = verdict;
  const { invokedMs, replica, incarnation } = operation;
  const { deadByMs, killedBy } = evidence.lifetime(credential);
  const burials = evidence.burials(verdict);
  const lateMs = invokedMs - deadByMs;
  if (lateMs > evidence.boundMs(replica, deadByMs, invokedMs)) {
    const wasBuried = burials.some((other) => other.operation.invokedMs > deadByMs);
    const detail = `${Math.round(lateMs)} ms after ${killedBy?.kind} ${killedBy?.id} was acknowledged`;
    return { rule: wasBuried ? 'revived' : 'accepted after its revocation', detail };
  }
  const earlier = burials.find(
    (other) => other.operation.replica === replica && other.operation.incarnation === incarnation,
  );
  if (earlier !== undefined)
    return {
      rule: 'revived',
      detail: `${earlier.operation.id}: ${earlier.refused?.reason} at this very process`,
    };
  return evidence.states(credential.account, operation).has('active')
    ? undefined
    : { rule: 'accepted after its revocation', detail: `${credential.account} is disabled` };
};

const widerThanRoles = (evidence: Evidence, { operation, credential, needs }: Verdict): Found => {
  const { history } = evidence;
  if (operation.actor !== undefined || !(needs === 'write' || makesWriter(history, operation)))
    return undefined;
  const rule = 'wider than the roles';
  if (!credential.canWrite) return { rule, detail: 'its own scopes do not include things:write' };
  if (!evidence.roles(credential.account, operation).has('wide'))
    return { rule, detail: `${credential.account} has only the narrow roles` };
  const narrowing = credential.kind === 'session' && narrowingAfter(evidence, operation, credential);
  return narrowing ? { rule, detail: `the session is older than the narrowing ${narrowing.id}` } : undefined;
};

/** Whether an exchange handed out a session that may write. */
const makesWriter = ({ credentials }: History, operation: Operation): boolean =>
  operation.kind === 'exchange' && credentials.get(operation.made ?? '')?.canWrite === true;

/** Roles taken away after a session was made: it never writes again, whatever roles come later. */
const narrowingAfter = (
  evidence: Evidence,
  { invokedMs, replica }: Operation,
  session: Credential,
): Operation | undefined =>
  evidence.history.operations.find(
    (other) =>
      other.kind === 'set-roles' &&
      other.roles === 'narrow' &&
      other.account === session.account &&
      other.outcome.kind === 'ok' &&
      session.bornByMs < other.invokedMs &&
      invokedMs > other.completedMs + evidence.boundMs(replica, other.completedMs, invokedMs),
  );

const refusedThoughGood = (evidence: Evidence, { operation, credential, needs, refused }: Verdict): Found => {
  if (refused === undefined || !evidence.isGoodForCertain(credential, operation)) return undefined;
  const { status, reason } = refused;
  const mayLackScope =
    needs === 'write' &&
    (!credential.canWrite || evidence.roles(credential.account, operation).has('narrow'));
  if (status === 403 && mayLackScope) return undefined;
  return missing(evidence, operation, `${status} ${reason ?? ''} for a good ${credential.kind}`);
};
