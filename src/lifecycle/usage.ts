// Counts how API tokens are used: sums in memory, written to the store in batches. Noting a use is a map look-up and four
// additions; nobody waits for the store. What the store does not take is kept and sent again as it was, within bounds; beyond
// them uses are counted as lost. A process that dies takes the uses of one interval with it.

import { randomUUID } from 'node:crypto';
import type { Identity } from '../decision/identity.ts';
import { isOutage, type Outage } from '../decision/outcome.ts';
import type { Log } from '../observe/log.ts';
import type { RecordOutcome, RequestOutcome } from '../observe/request-outcome.ts';
import type { Settings } from '../settings/settings.ts';
import type { TokenStore } from '../store/token-store.ts';
import { dayMs, dayOf, noUsage, type TokenUsage, type UsageBatch } from '../store/usage-store.ts';
import { createFlusher } from './flusher.ts';

export interface UsageDeps {
  readonly store: Pick<TokenStore, 'addUsage'>;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
  /** Those in force. */
  readonly settings: () => Settings['usage'];
  readonly log?: Pick<Log, 'info' | 'warn'> | undefined;
}

export type Usage = ReturnType<typeof createUsage>;

export const createUsage = ({ store, now, settings, log }: UsageDeps) => {
  const sums = new UsageSums(
    () => flusher.plan(),
    () => Math.ceil(settings().keepMs / dayMs),
  );
  const write = async (): Promise<'done' | Outage> => {
    for (let batch = sums.waiting[0]; batch !== undefined; batch = sums.waiting[0]) {
      const answer = await store.addUsage(batch);
      if (isOutage(answer)) return answer;
      sums.waiting.shift();
    }
    return 'done';
  };
  const flusher = createFlusher({
    everyMs: () => settings().flushIntervalMs,
    flush: async () => {
      const earlier = await write();
      if (isOutage(earlier)) return earlier;
      sums.complete();
      return write();
    },
    isWaiting: () => !sums.isEmpty,
    what: 'usage',
    log,
  });
  return {
    /** Records an outcome and notes the use that it was. */
    noting:
      (record: RecordOutcome): RecordOutcome =>
      (outcome) => {
        record(outcome);
        sums.note(outcome, now());
      },
    /** Requests of which nothing was counted, because too much waited for the store. */
    uncounted: (): number => sums.uncounted,
    /** Writes what is left. */
    close: flusher.close,
  };
};

/** Few enough that adding them holds nothing up. */
const tokensPerBatchMax = 500;
/** While the store is out; with the batch that is being filled, about 100,000 tokens. */
const batchesMax = 200;

type Growing = { -readonly [Name in keyof TokenUsage]: TokenUsage[Name] };

/** What has been counted and not been written yet. */
class UsageSums {
  /** Complete batches, the oldest first: each is sent as it is until the store has taken it. */
  readonly waiting: UsageBatch[] = [];
  /** Requests that there was no room for. */
  uncounted = 0;
  readonly #onBegun: () => void;
  readonly #keepDays: () => number;
  readonly #writer = randomUUID();
  #number = 0;
  /** Of one day, by token. */
  #sums = new Map<string, Growing>();
  #dayStartMs = 0;

  /** `onBegun`: something waits that did not before. */
  constructor(onBegun: () => void, keepDays: () => number) {
    this.#onBegun = onBegun;
    this.#keepDays = keepDays;
  }

  get isEmpty(): boolean {
    return this.waiting.length === 0 && this.#sums.size === 0;
  }

  /** A request of a caller who has no API token, nor a session that was begun with one, is nobody's use. */
  note({ identity, result, bytesIn = 0, bytesOut = 0 }: RequestOutcome, nowMs: number): void {
    const tokenId = identity?.tokenId;
    if (identity === undefined || tokenId === undefined) return;
    const sum = this.#sumOf(tokenId, identity, nowMs);
    if (sum === undefined) {
      this.uncounted += 1;
      return;
    }
    sum.requests += 1;
    if (result === 'denial') sum.refused += 1;
    sum.bytesIn += bytesIn;
    sum.bytesOut += bytesOut;
  }

  /** Makes a batch of what has been counted so far. */
  complete(): void {
    if (this.#sums.size === 0) return;
    this.#number += 1;
    this.waiting.push({
      writer: this.#writer,
      number: this.#number,
      day: dayOf(this.#dayStartMs),
      keepDays: this.#keepDays(),
      sums: [...this.#sums.values()],
    });
    this.#sums = new Map();
  }

  /** Undefined: there is no room. */
  #sumOf(tokenId: string, { org, user }: Identity, nowMs: number): Growing | undefined {
    const isOtherDay = nowMs - this.#dayStartMs >= dayMs || nowMs < this.#dayStartMs;
    const known = isOtherDay ? undefined : this.#sums.get(tokenId);
    if (known !== undefined) return known;
    if (isOtherDay || this.#sums.size >= tokensPerBatchMax) {
      if (this.#sums.size > 0 && this.waiting.length >= batchesMax) return undefined;
      this.complete();
      this.#dayStartMs = nowMs - (nowMs % dayMs);
    }
    const made = { tokenId, orgId: org.id, userId: user.id, ...noUsage };
    this.#sums.set(tokenId, made);
    this.#onBegun();
    return made;
  }
}
