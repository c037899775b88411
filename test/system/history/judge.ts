// Judges a history by the promises of the product. Pure: no I/O, no clock. It finds guilty only what no order of events
// within the intervals can explain: an operation of unknown outcome is taken as done and as not done, whichever is milder.

import { Evidence } from './evidence.ts';
import type { Credential, History, Operation } from './history.ts';
import { judgeCommand } from './judge-commands.ts';
import { judgeCredential } from './judge-credentials.ts';
import type { Violation } from './rules.ts';

export const judge = (history: History): readonly Violation[] => {
  const evidence = new Evidence(history);
  const violations: Violation[] = [];
  for (const verdict of evidence.verdicts) {
    const found = judgeCredential(evidence, verdict);
    const { operation, credential } = verdict;
    if (found !== undefined) violations.push({ ...found, operation, credential });
  }
  for (const operation of history.operations) {
    const found = judgeCommand(evidence, operation);
    if (found !== undefined) violations.push({ ...found, operation, credential: undefined });
  }
  return [...violations, ...judgeSweep(history)];
};

/** At the end every replica serves, and all give one answer: what was uncertain is decided, and for everybody. */
const judgeSweep = (history: History): Violation[] => {
  const { operations, credentials, sweepFromMs } = history;
  const violations: Violation[] = [];
  for (const credential of credentials.values()) {
    const last = new Map<string, Operation>();
    for (const operation of operations)
      if (
        operation.kind === 'use' &&
        operation.credential === credential.id &&
        operation.invokedMs >= sweepFromMs
      )
        last.set(operation.replica, operation);
    const answers = new Map<string, Operation>();
    for (const operation of last.values()) {
      const { outcome, replica } = operation;
      if (outcome.kind === 'outage' || outcome.kind === 'unknown')
        violations.push({
          rule: 'acknowledged, but missing',
          detail: `${replica} does not serve though every fault is healed`,
          operation,
          credential,
        });
      else
        answers.set(outcome.kind === 'refused' ? `refused with ${outcome.status}` : outcome.kind, operation);
    }
    if (answers.size < 2 || wasLost(history, credential)) continue;
    const detail = [...answers].map(([answer, { replica }]) => `${replica}: ${answer}`).join(', ');
    const operation = [...answers.values()].at(-1)!;
    violations.push({ rule: 'replicas disagree', detail, operation, credential });
  }
  return violations;
};

/** The store may have lost it, or the key it was signed with, which only replicas that ran at the time still know. */
const wasLost = ({ faults, bounds }: History, { bornFromMs }: Credential): boolean =>
  faults.some(({ losesRecords, healedMs }) => losesRecords && bornFromMs <= healedMs + bounds.settleMs);
