// Sends what is due, one after the other: holds the lease, claims each reminder before it is sent and says after how that
// ended. Looks at each token once more at that moment: it may have been revoked while others were sent.

import { setTimeout as delay } from 'node:timers/promises';
import { isOutage, type Outage } from '../decision/outcome.ts';
import type { ReminderChannel, ReminderKey } from '../store/reminder-store.ts';
import type { TokenStore } from '../store/token-store.ts';
import type { AttemptsMax, Channel, DeliveryFailure } from './channel.ts';
import { type DueReminder, type FindingDeps, findDue, lookAt } from './find-due.ts';
import type { Reminder } from './reminder.ts';

export type ReminderResult = 'sent' | 'failed' | 'given_up';

export interface SendingReport {
  readonly channel: ReminderChannel;
  readonly reminder: Reminder;
  readonly result: ReminderResult;
  /** Another process began it before and did not say how that ended: it may have been sent twice. */
  readonly isRepeat: boolean;
  /** Why it was not sent. */
  readonly why?: string;
}

export interface SendingDeps extends Omit<FindingDeps, 'channels' | 'store'> {
  readonly store: FindingDeps['store'] &
    Pick<TokenStore, 'leaseReminders' | 'claimReminder' | 'settleReminder'>;
  readonly channels: readonly Channel[];
  readonly attemptsMax: AttemptsMax;
  /** How long the lease lasts: longer than a sending and the wait for the next one. */
  readonly leaseMs: number;
  /** Names this process; no other has it. */
  readonly holder: string;
  /** Waits until the next may be sent. False: stop. */
  readonly pace: () => Promise<boolean>;
  readonly report: (report: SendingReport) => void;
}

/** `taken`: another process sends. `done`: nothing more is due; `more`: there may be. */
export type RoundEnd = 'taken' | 'done' | 'more' | Outage;

/** How soon what could not be tried is looked at again. */
const againMs = 60_000;
const failuresMax = 3;
const settlingsMax = 4;
const settleAgainMs = 1_000;

/** One round: finds at most `dueMax` reminders and sends them, if no other process does. */
export const sendRound = async (deps: SendingDeps, dueMax: number): Promise<RoundEnd> => {
  const lease = await takeLease(deps);
  if (lease !== 'held') return lease;
  try {
    const finding = { ...deps, channels: deps.channels.map(({ name }) => name) };
    const found = await findDue(finding, dueMax);
    if (isOutage(found)) return found;
    const sending = new Sending(deps, finding);
    for (const due of found.due) {
      const end = await sending.send(due);
      if (end !== 'done') return end;
    }
    return found.isMore && !sending.isServerOut() ? 'more' : 'done';
  } finally {
    await deps.store.leaseReminders(deps.holder, deps.now(), 0);
  }
};

const takeLease = ({ store, holder, now, leaseMs }: SendingDeps): Promise<'held' | 'taken' | Outage> =>
  store.leaseReminders(holder, now(), leaseMs);

class Sending {
  readonly #deps: SendingDeps;
  readonly #finding: FindingDeps;
  /** Failures of a channel's server in a row: after a few the rest waits for the next round. */
  readonly #failures = new Map<ReminderChannel, number>();

  constructor(deps: SendingDeps, finding: FindingDeps) {
    this.#deps = deps;
    this.#finding = finding;
  }

  /** Whether the rest of a channel waits for the next round. */
  isServerOut(): boolean {
    return [...this.#failures.values()].some((failures) => failures >= failuresMax);
  }

  async send({ reminder, channels }: DueReminder): Promise<RoundEnd> {
    const { id: tokenId } = reminder.token;
    for (const name of channels) {
      const channel = this.#deps.channels.find((each) => each.name === name);
      if (channel === undefined || (this.#failures.get(name) ?? 0) >= failuresMax) continue;
      const end = await this.#sendBy(channel, tokenId);
      if (end !== 'done') return end;
    }
    const look = await lookAt(this.#finding, tokenId);
    if (isOutage(look)) return look;
    const atMs = look.due === undefined ? look.nextAtMs : this.#deps.now() + againMs;
    const planned = await this.#deps.store.planReminderLooks([{ tokenId, atMs }]);
    return isOutage(planned) ? planned : 'done';
  }

  async #sendBy(channel: Channel, tokenId: string): Promise<RoundEnd> {
    const { store, pace, holder, now, staleMs } = this.#deps;
    if (!(await pace())) return 'more';
    const lease = await takeLease(this.#deps);
    if (lease !== 'held') return lease;
    const look = await lookAt(this.#finding, tokenId);
    if (isOutage(look)) return look;
    if (look.due?.channels.includes(channel.name) !== true) return 'done';
    const { reminder } = look.due;
    const key = { tokenId, thresholdMs: reminder.thresholdMs, channel: channel.name };
    const { expiresAtMs: keepUntilMs, renewedAtMs: sinceMs } = reminder.token;
    const claim = await store.claimReminder(key, { holder, nowMs: now(), staleMs, keepUntilMs, sinceMs });
    if (isOutage(claim)) return claim;
    if (claim === 'busy' || claim === 'settled') return 'done';
    const sent = await channel.send(reminder);
    return this.#settle(key, reminder, { sent, isRepeat: claim === 'repeated' });
  }

  async #settle(
    key: ReminderKey,
    reminder: Reminder,
    { sent, isRepeat }: { readonly sent: 'sent' | DeliveryFailure; readonly isRepeat: boolean },
  ): Promise<RoundEnd> {
    const { store, holder, now, report } = this.#deps;
    const { channel } = key;
    const isOut = sent !== 'sent' && sent.isServerOut;
    this.#failures.set(channel, isOut ? (this.#failures.get(channel) ?? 0) + 1 : 0);
    const state = sent === 'sent' ? 'sent' : await this.#stateAfter(key, sent);
    const why = sent === 'sent' ? {} : { why: sent.why };
    report({ channel, reminder, result: state, isRepeat, ...why });
    let settled = await store.settleReminder(key, { holder, state, atMs: now() });
    // What is not written down is sent twice, so a store that is out for a moment is waited for.
    for (let tries = 1; isOutage(settled) && tries < settlingsMax; tries++) {
      await delay(settleAgainMs);
      settled = await store.settleReminder(key, { holder, state, atMs: now() });
    }
    return isOutage(settled) ? settled : 'done';
  }

  async #stateAfter(key: ReminderKey, { isFinal }: DeliveryFailure): Promise<'failed' | 'given_up'> {
    const attemptsMax = this.#deps.attemptsMax[key.channel];
    if (isFinal) return 'given_up';
    if (attemptsMax === undefined) return 'failed';
    const records = await this.#deps.store.findReminders(key.tokenId);
    if (isOutage(records)) return 'failed';
    const isThis = (each: Omit<ReminderKey, 'tokenId'>): boolean =>
      each.channel === key.channel && each.thresholdMs === key.thresholdMs;
    return (records.find(isThis)?.attempts ?? 0) >= attemptsMax ? 'given_up' : 'failed';
  }
}
