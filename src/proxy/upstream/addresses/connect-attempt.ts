// One request's way to an open connection: the address whose turn it is, and others when that cannot be connected to, within the
// time-out. Nothing of the request has been sent meanwhile, so any method may be tried again.

import type { Socket } from 'node:net';
import { type Outage, outage } from '../../../decision/outcome.ts';
import type { UpstreamSettings } from '../../../settings/settings.ts';
import type { AddressBook } from './address-book.ts';
import { isOurFault } from './dial.ts';
import { outageOf } from '../forward-failure.ts';
import type { UpstreamAddress } from './upstream-address.ts';

/** Where connections are opened (upstream-addresses.ts). */
export interface Reachable {
  readonly settings: UpstreamSettings;
  readonly book: AddressBook;
  choose(nowMs: number, tried: readonly UpstreamAddress[]): UpstreamAddress | undefined;
  dial(address: UpstreamAddress, timeoutMs: number, onDone: (result: Socket | Error) => void): () => void;
  faults(): string;
}

export interface Connected {
  readonly socket: Socket;
  /** Counted busy and open there; the holder of the socket counts it out again. */
  readonly address: UpstreamAddress;
}

/** `first`: to be tried first; `avoid`: only when no other is up. */
export interface Preference {
  readonly first?: UpstreamAddress | undefined;
  readonly avoid?: UpstreamAddress | undefined;
}

/** Addresses that one request tries. */
const attemptsMax = 3;

export class ConnectAttempt {
  readonly #of: Reachable;
  readonly #onDone: (result: Connected | Outage) => void;
  readonly #where: Preference;
  readonly #tried: UpstreamAddress[] = [];
  readonly #faults: string[] = [];
  #deadlineMs = 0;
  #cancel: () => void = () => undefined;

  /** `onDone` is called once, perhaps at once. */
  constructor(of: Reachable, onDone: (result: Connected | Outage) => void, where: Preference) {
    this.#of = of;
    this.#onDone = onDone;
    this.#where = where;
  }

  start(): void {
    const { book, settings } = this.#of;
    const lookup = book.refreshed(performance.now());
    if (lookup === undefined) return this.#next(undefined);
    let isOver = false;
    const goOn = (): void => {
      if (isOver) return;
      isOver = true;
      clearTimeout(timer);
      this.#next(undefined);
    };
    const timer = setTimeout(() => {
      book.postpone(performance.now());
      goOn();
    }, settings.connectTimeoutMs);
    this.#cancel = () => {
      isOver = true;
      clearTimeout(timer);
    };
    void lookup.then(goOn);
  }

  /** Nothing is called any more. */
  giveUp(): void {
    this.#cancel();
  }

  /** `before`: why there is none yet. */
  #next(before: Outage | undefined): void {
    const nowMs = performance.now();
    // What a look-up took does not count.
    if (before === undefined) this.#deadlineMs = nowMs + this.#of.settings.connectTimeoutMs;
    const leftMs = this.#deadlineMs - nowMs;
    const attemptsLeft = Math.min(attemptsMax, this.#of.book.addresses.length) - this.#tried.length;
    const address = attemptsLeft <= 0 || leftMs <= 0 ? undefined : this.#choose(nowMs);
    if (address === undefined) return this.#onDone(before ?? this.#noneLeft());
    this.#tried.push(address);
    this.#cancel = this.#of.dial(address, leftMs / attemptsLeft, (result) => {
      if (!(result instanceof Error)) return this.#onDone({ socket: result, address });
      this.#faults.push(result.message);
      const failure = outage(outageOf(result, false).reason, this.#causeOf(result));
      if (isOurFault(result)) this.#onDone(failure);
      else this.#next(failure);
    });
  }

  #choose(nowMs: number): UpstreamAddress | undefined {
    const { first, avoid } = this.#where;
    if (first !== undefined && this.#tried.length === 0 && !isTrialOfOthers(first, nowMs)) return first;
    if (avoid !== undefined && !this.#tried.includes(avoid)) {
      const other = this.#of.choose(nowMs, [...this.#tried, avoid]);
      if (other !== undefined && other.health.state(nowMs) !== 'unreachable') return other;
    }
    return this.#of.choose(nowMs, this.#tried);
  }

  /** Nobody waits for what others are trying already. */
  #noneLeft(): Outage {
    const { book, settings } = this.#of;
    if (book.addresses.length > 0)
      return outage(
        'upstream_unreachable',
        new Error(`no address of upstream ${settings.name} can be connected to: ${this.#of.faults()}`),
      );
    return (
      book.fault ??
      outage(
        'upstream_timeout',
        new Error(
          `the name in the URL of upstream ${settings.name} was not resolved within ${settings.connectTimeoutMs} ms`,
        ),
      )
    );
  }

  #causeOf(last: Error): Error {
    return this.#faults.length === 1 ? last : new Error(this.#faults.join('; '), { cause: last });
  }
}

/** Somebody else finds out whether it is up again. */
const isTrialOfOthers = ({ health }: UpstreamAddress, nowMs: number): boolean =>
  health.isBeingTried && health.state(nowMs) === 'unreachable';
