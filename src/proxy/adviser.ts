// Warnings about what others do wrong, at most one a minute of each text: a flood must not fill the log.

import type { Log } from '../observe/log.ts';

export type Advise = (what: string, fields?: Readonly<Record<string, unknown>>) => void;

const adviseEveryMs = 60_000;

/** @param about begins each text. There are few texts. */
export const createAdviser = (log: Pick<Log, 'warn'>, about: string): Advise => {
  const lastMs = new Map<string, number>();
  return (what, fields = {}) => {
    const nowMs = performance.now();
    if (nowMs - (lastMs.get(what) ?? -adviseEveryMs) < adviseEveryMs) return;
    lastMs.set(what, nowMs);
    log.warn(`${about}: ${what}`, fields);
  };
};
