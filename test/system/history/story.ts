// A violation told as a story: every operation and fault that bears on its credential, in the order of time.

import type { Credential, Fault, History, Operation } from './history.ts';
import { secretOf } from './lifetime.ts';
import type { Violation } from './rules.ts';

/** Everything that bears on a violation, in the order of time; milliseconds since the run began. */
export const storyOf = (history: History, { rule, detail, operation, credential }: Violation): string => {
  const startMs = Math.min(...history.operations.map(({ invokedMs }) => invokedMs));
  const at = (ms: number): string => (ms - startMs).toFixed(0).padStart(6);
  const token = credential && (secretOf(history, credential)?.token ?? credential.id);
  const lines = history.operations
    .filter(
      (other) => other === operation || (credential !== undefined && bearsOn(history, other, credential)),
    )
    .map((other) => ({ ms: other.invokedMs, text: describe(other, at) }));
  const faults = history.faults.map((fault) => ({ ms: fault.beganMs, text: describeFault(fault, at) }));
  const story = [...lines, ...faults].sort((a, b) => a.ms - b.ms).map(({ text }) => text);
  return [
    `${rule}: ${detail}`,
    `  ${credential?.id ?? ''} of ${token ?? '-'}, in operation ${operation.id}`,
    ...story,
  ].join('\n');
};

const bearsOn = (history: History, operation: Operation, credential: Credential): boolean => {
  const secret = secretOf(history, credential);
  const [org, user] = credential.account.split('/');
  if (operation.actor === credential.id || ('made' in operation && operation.made === credential.id))
    return true;
  switch (operation.kind) {
    case 'use':
    case 'exchange':
    case 'revoke-credential':
      return operation.credential === credential.id || operation.credential === secret?.id;
    case 'revoke-token':
    case 'regenerate':
      return operation.token === secret?.token;
    case 'revoke-all':
      return operation.org === org && (operation.user === undefined || operation.user === user);
    case 'set-roles':
    case 'set-state':
      return operation.account === credential.account;
    case 'create':
    case 'sign-in':
      return secret !== undefined && operation.made === secret.id;
  }
};

const describe = (operation: Operation, at: (ms: number) => string): string => {
  const { id, replica, incarnation, invokedMs, completedMs, outcome, actor: _, kind, ...facts } = operation;
  const said =
    outcome.kind === 'refused' || outcome.kind === 'outage'
      ? `${outcome.kind} ${outcome.status ?? ''} ${outcome.reason ?? ''}`
      : outcome.kind;
  const details = Object.values(facts)
    .filter((fact) => fact !== undefined)
    .join(' ');
  return `  ${at(invokedMs)} -${at(completedMs)}  ${replica}${incarnation}  ${kind} ${details}: ${said}  (${id})`;
};

const describeFault = (fault: Fault, at: (ms: number) => string): string =>
  `  ${at(fault.beganMs)} -${at(fault.healedMs)}  ** ${fault.kind} (${fault.replicas.join(' ')})`;
