// Which values an account's roles and state may have had within a stretch of time: a register that several clients
// write, some of them without learning the outcome. Pure: no I/O, no clock.

import type { AccountName, AccountState, History, RoleSet } from './history.ts';
import { effectEndMs } from './lifetime.ts';

interface Write<T> {
  readonly value: T;
  readonly fromMs: number;
  readonly endMs: number;
  readonly isCertain: boolean;
}

/** Every value a reader may have met from `fromMs` to `toMs`. */
export type PossibleValues<T> = (account: AccountName, fromMs: number, toMs: number) => ReadonlySet<T>;

export const possibleRoles = (history: History): PossibleValues<RoleSet> =>
  possibleValues(history, 'wide', ['wide', 'narrow'], (operation) =>
    operation.kind === 'set-roles' ? operation.roles : undefined,
  );

export const possibleStates = (history: History): PossibleValues<AccountState> =>
  possibleValues(history, 'active', ['active', 'disabled'], (operation) =>
    operation.kind === 'set-state' ? operation.state : undefined,
  );

const possibleValues = <T>(
  history: History,
  initial: T,
  all: readonly T[],
  valueOf: (operation: History['operations'][number]) => T | undefined,
): PossibleValues<T> => {
  const writes = new Map<AccountName, Write<T>[]>();
  for (const operation of history.operations) {
    const value = valueOf(operation);
    if (value === undefined || !('account' in operation) || operation.outcome.kind === 'refused') continue;
    const known = writes.get(operation.account) ?? [];
    const isCertain = operation.outcome.kind === 'ok';
    known.push({ value, fromMs: operation.invokedMs, endMs: effectEndMs(history, operation), isCertain });
    writes.set(operation.account, known);
  }
  // A store that lost everything was filled again: with what, only later writes tell.
  const losses = history.faults
    .filter(({ losesRecords }) => losesRecords)
    .flatMap(({ beganMs, healedMs }) =>
      all.map((value) => ({
        value,
        fromMs: beganMs,
        endMs: healedMs + history.bounds.settleMs,
        isCertain: false,
      })),
    );
  const first: Write<T> = { value: initial, fromMs: -Infinity, endMs: -Infinity, isCertain: true };
  return (account, fromMs, toMs) => {
    const candidates = [first, ...losses, ...(writes.get(account) ?? [])].filter(
      (write) => write.fromMs <= toMs,
    );
    const isOverwritten = (write: Write<T>): boolean =>
      candidates.some((other) => other.isCertain && other.fromMs > write.endMs && other.endMs < fromMs);
    return new Set(candidates.filter((write) => !isOverwritten(write)).map(({ value }) => value));
  };
};
