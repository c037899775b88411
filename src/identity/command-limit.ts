// How many commands about tokens and users one account may give in a minute: each costs writes that every replica sees, and
// an entry of the audit. Revocations are counted apart: an account that has used up everything else can still revoke.

import type { Identity } from '../decision/identity.ts';
import { minuteMs } from './fixed-window.ts';
import { type Tallies, windowFor } from './shared-window.ts';

export type CommandKind = 'revocation' | 'other';

/** Counts one command of an account; false: there were too many. Synchronous. */
export type CommandLimit = (account: Pick<Identity, 'org' | 'user'>, kind: CommandKind) => boolean;

/** `perMinute`: of each kind, for each account; 0: any number. With `tallies` those of all replicas count. */
export const createCommandLimit = (
  perMinute: number,
  monotonicMs?: () => number,
  tallies?: Tallies,
): CommandLimit => {
  const window = { windowMs: minuteMs, monotonicMs };
  const given = {
    revocation: windowFor(tallies, 'revocations', window, perMinute),
    other: windowFor(tallies, 'commands', window, perMinute),
  };
  return ({ org, user }, kind) => perMinute === 0 || given[kind].add(`${org.id}/${user.id}`) <= perMinute;
};
