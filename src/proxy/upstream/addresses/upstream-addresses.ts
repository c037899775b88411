// Where one upstream is: its addresses, which of them are up, and connections to them. Requests and tunnels share it, so that
// what one finds out the other knows.

import type { Socket } from 'node:net';
import type { Outage } from '../../../decision/outcome.ts';
import type { Log } from '../../../observe/log.ts';
import type { AddressReading, AddressesReading } from '../../../observe/metric-sources.ts';
import { certificateExpiryMs } from '../../../settings/pem.ts';
import type { UpstreamSettings } from '../../../settings/settings.ts';
import { AddressBook, type Lookup, lookupBySystem } from './address-book.ts';
import { chooseAddress } from './address-choice.ts';
import { ConnectAttempt, type Connected, type Preference } from './connect-attempt.ts';
import { createDial, type Dial, isOurFault } from './dial.ts';
import { inherit, type Inheritance } from '../inheritance.ts';
import { probe } from './probe.ts';
import type { UpstreamAddress } from './upstream-address.ts';

export interface AddressesOptions {
  readonly log: Pick<Log, 'info' | 'warn'>;
  /** How names are looked up; else as the system does. */
  readonly lookup?: Lookup;
}

/** Addresses that a sentence names. */
const namedMax = 5;

const noAddresses: readonly UpstreamAddress[] = [];

export class UpstreamAddresses {
  readonly settings: UpstreamSettings;
  readonly book: AddressBook;
  readonly #log: AddressesOptions['log'];
  readonly #dial: Dial;
  /** Called when the name has other addresses. */
  readonly #listeners = new Set<() => void>();
  readonly #timers: NodeJS.Timeout[] = [];
  readonly #beingProbed = new Set<UpstreamAddress>();
  readonly #certificateExpiryMs: number | undefined;
  isClosed = false;
  /** Index of the address whose turn it is. */
  #turn = 0;
  #wasUp: boolean;
  #connectFailures = 0;
  /** Requests sent once more, on another connection. */
  retries = 0;

  /** `wasUp`: it was up with the settings before a reload; it counts as up until something fails. */
  constructor(settings: UpstreamSettings, { log, lookup = lookupBySystem }: AddressesOptions, wasUp = false) {
    this.settings = settings;
    this.#wasUp = wasUp;
    this.#certificateExpiryMs =
      settings.clientCertificate && certificateExpiryMs(settings.clientCertificate.cert);
    this.#log = log;
    this.#dial = createDial(settings);
    const upstream = settings.name;
    this.book = new AddressBook(settings, lookup, {
      onChanged: (addresses, before) => {
        const shown = addresses.map((each) => each.shown).join(' ');
        if (before.length > 0)
          log.info('the name of an upstream has other addresses', { upstream, addresses: shown });
        for (const listener of this.#listeners) listener();
        this.#probeAll();
      },
      onUnknown: ({ cause }) => log.warn('the name of an upstream has no address', { upstream, err: cause }),
    });
  }

  /** Looks the name up again while it is used, tries what is down, and probes; until `close`. */
  start(): void {
    if (this.#timers.length > 0 || this.isClosed) return;
    const { health, lookupIntervalMs } = this.settings;
    const every = (ms: number, act: () => void): void => void this.#timers.push(setInterval(act, ms).unref());
    if (this.book.hasName)
      every(lookupIntervalMs, () => {
        if (health.probe !== undefined || this.book.addresses.some(({ open }) => open > 0))
          void this.book.refresh();
      });
    // So that one which nobody asks is not shown as down for ever.
    every(health.pauseMs, () => this.#tryDue(performance.now()));
    if (health.probe === undefined) return;
    every(health.probe.intervalMs, () => this.#probeAll());
    void this.book.refresh().then(() => this.#probeAll());
  }

  close(): void {
    this.isClosed = true;
    for (const timer of this.#timers) clearInterval(timer);
  }

  onChange(listener: () => void): void {
    this.#listeners.add(listener);
  }

  /** Several: which one a request gets has to be chosen. */
  get areSeveral(): boolean {
    return this.book.addresses.length > 1;
  }

  /** The one whose turn it is; undefined when others are trying all that is left. Tries again, by itself, what was down. */
  choose(nowMs: number, tried: readonly UpstreamAddress[] = noAddresses): UpstreamAddress | undefined {
    const { addresses } = this.book;
    const chosen = chooseAddress(addresses, nowMs, this.#turn, tried);
    if (chosen === undefined || addresses.length === 1) return chosen;
    this.#turn = addresses.indexOf(chosen) + 1;
    if (chosen.health.state(nowMs) !== 'unreachable') this.#tryDue(nowMs);
    return chosen;
  }

  /**
   * Opens a connection at one of the addresses, and counts it there. `onDone` is called once, perhaps before this returns; not
   * after what is returned has been called, which gives up.
   */
  connect(onDone: (result: Connected | Outage) => void, where: Preference = {}): () => void {
    const attempt = new ConnectAttempt(this, onDone, where);
    attempt.start();
    return () => attempt.giveUp();
  }

  /** Opens one at just this address. The caller counts it out again when it is over. Returns how to give up. */
  dial(address: UpstreamAddress, timeoutMs: number, onDone: (result: Socket | Error) => void): () => void {
    const { health } = address;
    const isTrial = health.state(performance.now()) === 'unreachable';
    if (isTrial) health.isBeingTried = true;
    address.busy += 1;
    const giveUp = this.#dial(address.endpoint, timeoutMs, (result) => {
      if (isTrial) health.isBeingTried = false;
      if (result instanceof Error) {
        address.busy -= 1;
        if (!isOurFault(result)) {
          this.#connectFailures += 1;
          this.#note(address, (nowMs) => health.connectFailed(result.message, nowMs));
        }
      } else {
        address.open += 1;
        this.#note(address, () => health.connected());
      }
      onDone(result);
    });
    return () => {
      if (isTrial) health.isBeingTried = false;
      address.busy -= 1;
      giveUp();
    };
  }

  /** The head of a response came. Costs nothing where no status counts. */
  answered(address: UpstreamAddress, status: number): void {
    const { failureStatuses } = this.settings.health;
    if (failureStatuses.length === 0) return;
    if (failureStatuses.includes(status))
      this.#note(address, (nowMs) => address.health.answeredBadly(status, nowMs));
    else if (address.health.answeredWell()) this.#sayUp(address);
  }

  /** `unknown`: nothing has failed, and nothing has been asked of it yet. */
  health(): 'up' | 'down' | 'unknown' {
    const nowMs = performance.now();
    let health: 'up' | 'down' | 'unknown' =
      this.book.addresses.length === 0 && this.book.fault === undefined ? 'unknown' : 'down';
    for (const { health: one } of this.book.addresses) {
      if (one.state(nowMs) !== 'up') continue;
      // One that is new is believed in where others were up before it.
      if (one.isProven || this.#wasUp) {
        this.#wasUp = true;
        return 'up';
      }
      health = 'unknown';
    }
    return health;
  }

  /** Why its addresses are down, one after the other. */
  faults(): string {
    const { addresses } = this.book;
    const named = addresses
      .slice(0, namedMax)
      .map(({ shown, health }) => `${shown} (${health.fault ?? 'not tried yet'})`);
    if (addresses.length > namedMax) named.push(`and ${addresses.length - namedMax} more`);
    const { cause } = this.book.fault ?? {};
    return named.length > 0 ? named.join(', ') : cause instanceof Error ? cause.message : 'not looked up yet';
  }

  reading(): AddressesReading {
    const nowMs = performance.now();
    const addresses = this.book.addresses.map(({ shown, health, busy, open }): AddressReading => ({
      address: shown,
      state: knownState(health, nowMs),
      fault: health.fault,
      busy,
      open,
    }));
    const { cause } = this.book.fault ?? {};
    const lookupFault = cause instanceof Error ? cause.message : undefined;
    return {
      addresses,
      lookupFault,
      certificateExpiryMs: this.#certificateExpiryMs,
      connectFailures: this.#connectFailures,
      retries: this.retries,
    };
  }

  /** Finds out whether those that were left alone for long enough are up again. */
  #tryDue(nowMs: number): void {
    for (const address of this.book.addresses)
      if (address.health.isDue(nowMs)) this.dial(address, this.settings.connectTimeoutMs, forget(address));
  }

  #probeAll(): void {
    const settings = this.settings.health.probe;
    if (settings === undefined) return;
    for (const address of this.book.addresses) {
      if (this.#beingProbed.has(address)) continue;
      this.#beingProbed.add(address);
      probe(address.endpoint, this.#dial, this.settings.origin, settings, (result) => {
        this.#beingProbed.delete(address);
        this.#note(address, (nowMs) => {
          if (result.is === 'good') address.health.probeSucceeded();
          else if (result.is === 'bad') address.health.probeFailed(result.why);
          else if (result.is === 'unreachable') address.health.connectFailed(result.why, nowMs);
        });
      });
    }
  }

  /** Says when an address goes down or is up again. */
  #note(address: UpstreamAddress, change: (nowMs: number) => void): void {
    const { health, shown } = address;
    const nowMs = performance.now();
    const before = health.state(nowMs);
    change(nowMs);
    const after = health.state(nowMs);
    if ((before === 'up') === (after === 'up')) return;
    if (after === 'up') return this.#sayUp(address);
    const upstream = this.settings.name;
    this.#log.warn('an address of an upstream is down', { upstream, address: shown, cause: health.fault });
  }

  #sayUp({ shown }: UpstreamAddress): void {
    const upstream = this.settings.name;
    this.#log.info('an address of an upstream is up again', { upstream, address: shown });
  }
}

const knownState = (health: UpstreamAddress['health'], nowMs: number): AddressReading['state'] => {
  const state = health.state(nowMs);
  return state === 'up' && !health.isProven ? 'unknown' : state;
};

/** A connection that was only opened to see whether it can be. */
const forget =
  (address: UpstreamAddress) =>
  (result: Socket | Error): void => {
    if (result instanceof Error) return;
    address.busy -= 1;
    address.open -= 1;
    result.on('error', () => undefined).destroy();
  };

/** Upstream's name -> its addresses now. */
export const addressReadings = ({
  byUpstream,
}: Inheritance<UpstreamAddresses>): Readonly<Record<string, AddressesReading>> =>
  Object.fromEntries([...byUpstream].map(([name, addresses]) => [name, addresses.reading()]));

/** Takes over from `before` what is known of upstreams whose settings are the same. */
export const createUpstreamAddresses = (
  upstreams: Readonly<Record<string, UpstreamSettings>>,
  options: AddressesOptions,
  before?: Inheritance<UpstreamAddresses>,
): Inheritance<UpstreamAddresses> =>
  inherit(
    Object.entries(upstreams).map(([name, settings]) => [name, { settings }] as const),
    before,
    ({ settings }) =>
      new UpstreamAddresses(settings, options, before?.byUpstream.get(settings.name)?.health() === 'up'),
    ({ isClosed }) => isClosed,
  );
