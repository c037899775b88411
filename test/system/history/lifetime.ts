// When a credential may have died, and by when it must have: from the commands that were given, whatever their outcome.
// A command of unknown outcome may kill, and proves nothing. Pure: no I/O, no clock.

import type { Credential, History, Operation } from './history.ts';

export interface Lifetime {
  /** Before this moment nothing can have killed it; Infinity: nothing can have at all. */
  readonly mayDieFromMs: number;
  /** From this moment on it is dead for certain: an acknowledged command has killed it; Infinity: none has. */
  readonly deadByMs: number;
  readonly killedBy: Operation | undefined;
}

/** What one command means to one credential. */
interface Threat {
  readonly fromMs: number;
  /** Infinity where it may not have happened. */
  readonly byMs: number;
}

const none = undefined;

export const lifetimeOf = (history: History, credential: Credential): Lifetime => {
  let [mayDieFromMs, deadByMs, killedBy] = [Infinity, Infinity, undefined as Operation | undefined];
  const unsureRegenerations: number[] = [];
  for (const operation of history.operations) {
    const threat = threatOf(history, operation, credential);
    if (threat === none) continue;
    mayDieFromMs = Math.min(mayDieFromMs, threat.fromMs);
    if (threat.byMs < deadByMs) [deadByMs, killedBy] = [threat.byMs, operation];
    if (operation.kind === 'regenerate' && operation.outcome.kind !== 'ok')
      unsureRegenerations.push(operation.invokedMs);
  }
  // Two new secrets later the overlap of the first is over.
  const second = unsureRegenerations.sort((a, b) => a - b)[1];
  if (second !== undefined) mayDieFromMs = Math.min(mayDieFromMs, second);
  for (const { losesRecords, beganMs, healedMs } of history.faults)
    if (losesRecords && credential.bornFromMs <= healedMs) mayDieFromMs = Math.min(mayDieFromMs, beganMs);
  return { mayDieFromMs, deadByMs, killedBy };
};

/** The latest moment at which an operation can have taken effect: one of unknown outcome while its fault lasts, and longer. */
export const effectEndMs = ({ faults, bounds }: History, operation: Operation): number => {
  const { invokedMs, completedMs, outcome } = operation;
  if (outcome.kind === 'ok') return completedMs;
  let endMs = completedMs;
  for (const { beganMs, healedMs } of faults)
    if (beganMs <= completedMs && healedMs >= invokedMs) endMs = Math.max(endMs, healedMs);
  return endMs + bounds.settleMs;
};

/** The secret that a credential is or rests on; undefined: a session that a password began. */
export const secretOf = (history: History, credential: Credential) => {
  if (credential.kind === 'secret') return credential;
  const parent = credential.parent === undefined ? undefined : history.credentials.get(credential.parent);
  return parent?.kind === 'secret' ? parent : undefined;
};

const threatOf = (history: History, operation: Operation, credential: Credential): Threat | undefined => {
  const { outcome, invokedMs, completedMs } = operation;
  if (outcome.kind === 'refused') return none;
  const secret = secretOf(history, credential);
  const byMs = outcome.kind === 'ok' ? completedMs : Infinity;
  const certain: Threat = { fromMs: invokedMs, byMs };
  const possible: Threat = { fromMs: invokedMs, byMs: Infinity };
  switch (operation.kind) {
    case 'revoke-token':
      return secret?.token === operation.token ? certain : none;
    case 'revoke-credential': {
      if (operation.credential === credential.id || operation.credential === secret?.id) return certain;
      // By a secret that was good the whole token is revoked; by one that was not, nothing more.
      const given = history.credentials.get(operation.credential);
      return given?.kind === 'secret' && given.token === secret?.token ? possible : none;
    }
    case 'regenerate':
      return secret?.token === operation.token ? replacement(history, operation, secret) : none;
    case 'revoke-all': {
      const [org, user] = credential.account.split('/');
      if (operation.org !== org || (operation.user !== undefined && operation.user !== user)) return none;
      const born = tokenBirth(history, credential);
      if (born.fromMs > effectEndMs(history, operation)) return none;
      return born.byMs < invokedMs ? certain : possible;
    }
    case 'set-roles':
    case 'set-state': {
      // API tokens go on with the new roles, or wait; sessions made before end, where the command changes anything.
      if (credential.kind === 'secret' || operation.account !== credential.account) return none;
      // A replica that has not heard of it yet makes a session of the state before.
      const unheardMs = effectEndMs(history, operation) + history.bounds.cutOffMs;
      if (credential.bornFromMs > unheardMs) return none;
      const isEnd = operation.kind === 'set-state' && operation.state === 'disabled';
      return isEnd && credential.bornByMs < invokedMs ? certain : possible;
    }
    case 'create':
    case 'exchange':
    case 'sign-in':
    case 'use':
      return none;
  }
};

/** What a regeneration means to an older secret of the token, and to what rests on it. */
const replacement = (
  history: History,
  operation: Extract<Operation, { kind: 'regenerate' }>,
  secret: Extract<Credential, { kind: 'secret' }>,
): Threat | undefined => {
  const { invokedMs, completedMs, made } = operation;
  const { clockMs } = history.bounds;
  const overlap = { fromMs: Math.max(0, operation.overlapMs - clockMs), byMs: operation.overlapMs + clockMs };
  const next = made === undefined ? undefined : history.credentials.get(made);
  if (next?.kind !== 'secret')
    return secret.bornFromMs <= effectEndMs(history, operation)
      ? { fromMs: invokedMs + overlap.fromMs, byMs: Infinity }
      : none;
  if (secret.number >= next.number) return none;
  const hasOverlap = operation.overlapMs > 0 && secret.number === next.number - 1;
  return hasOverlap
    ? { fromMs: invokedMs + overlap.fromMs, byMs: completedMs + overlap.byMs }
    : { fromMs: invokedMs, byMs: completedMs };
};

/** When the token behind a credential was made; of a session that a password began, the session itself. */
const tokenBirth = (history: History, credential: Credential): { fromMs: number; byMs: number } => {
  const secret = secretOf(history, credential);
  let birth = { fromMs: credential.bornFromMs, byMs: credential.bornByMs };
  if (secret === undefined) return birth;
  for (const other of history.credentials.values())
    if (other.kind === 'secret' && other.token === secret.token && other.bornFromMs < birth.fromMs)
      birth = { fromMs: other.bornFromMs, byMs: other.bornByMs };
  return birth;
};
