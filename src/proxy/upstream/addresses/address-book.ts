// The addresses of one upstream: those in the settings, or those of its name, which is looked up again while it is used. A look-up
// never delays a request that has a connection, and one that fails leaves the addresses as they are.

import { ADDRCONFIG } from 'node:dns';
import { lookup as systemLookup } from 'node:dns/promises';
import { isIP } from 'node:net';
import { type Outage, outage } from '../../../decision/outcome.ts';
import type { UpstreamSettings } from '../../../settings/settings.ts';
import { type Endpoint, hostOf, shownOf, UpstreamAddress } from './upstream-address.ts';

/** All addresses of a name; rejects as `node:dns` does. */
export type Lookup = (name: string) => Promise<readonly { readonly address: string }[]>;

/** A and AAAA, /etc/hosts and whatever else the system asks; only of the families that this machine has an address of. */
export const lookupBySystem: Lookup = (name) => systemLookup(name, { all: true, hints: ADDRCONFIG });

/** What the log reports. */
export interface BookEvents {
  onChanged(addresses: readonly UpstreamAddress[], before: readonly UpstreamAddress[]): void;
  /** The name has no address, or it cannot be looked up; reported again only after the next success. */
  onUnknown(fault: Outage): void;
}

/** Further ones of a name are not used. */
const addressesMax = 256;
/** A name without addresses is not asked for again before. */
const retryMs = 1_000;

export class AddressBook {
  readonly #settings: UpstreamSettings;
  readonly #lookup: Lookup;
  readonly #events: BookEvents;
  /** To be looked up; undefined: the addresses are in the settings. */
  readonly #name: string | undefined;
  readonly #port: number;
  #addresses: readonly UpstreamAddress[] = [];
  #fault: Outage | undefined;
  #askAgainAtMs = 0;
  #lookingUp: Promise<void> | undefined;

  constructor(settings: UpstreamSettings, lookup: Lookup, events: BookEvents) {
    this.#settings = settings;
    this.#lookup = lookup;
    this.#events = events;
    const { port, protocol } = new URL(settings.origin);
    const host = hostOf(settings);
    this.#port = port === '' ? (protocol === 'https:' ? 443 : 80) : Number(port);
    const fixed = fixedEndpoints(settings, host, this.#port);
    this.#name = fixed === undefined ? host : undefined;
    if (fixed !== undefined) this.#addresses = fixed.map((each) => new UpstreamAddress(each, settings));
  }

  /** Those known now; empty before the first look-up, and where there are none. */
  get addresses(): readonly UpstreamAddress[] {
    return this.#addresses;
  }

  /** Why there are none, or none new. */
  get fault(): Outage | undefined {
    return this.#fault;
  }

  get hasName(): boolean {
    return this.#name !== undefined;
  }

  /** Undefined when they are fresh; else resolves when they have been looked up, or cannot be. Never rejects. */
  refreshed(nowMs: number): Promise<void> | undefined {
    return this.#name === undefined || nowMs < this.#askAgainAtMs ? undefined : this.refresh();
  }

  /** A look-up takes too long: where there are addresses, nobody waits for it again for a while. */
  postpone(nowMs: number): void {
    if (this.#addresses.length > 0) this.#askAgainAtMs = nowMs + this.#settings.lookupIntervalMs;
  }

  /** Looks the name up; calls while it is looked up share that. */
  refresh(): Promise<void> {
    const name = this.#name;
    if (name === undefined) return Promise.resolve();
    this.#lookingUp ??= this.#lookup(name)
      .then(
        (found) => this.#take(name, found),
        (cause: unknown) => this.#fail(name, cause),
      )
      .finally(() => {
        this.#lookingUp = undefined;
      });
    return this.#lookingUp;
  }

  #take(name: string, found: readonly { readonly address: string }[]): void {
    const hosts = [...new Set(found.map(({ address }) => address))].slice(0, addressesMax);
    if (hosts.length === 0) return this.#fail(name, new Error('the answer is empty'));
    this.#fault = undefined;
    // Twice: under steady use `refresh` comes first, and no connection waits for a look-up.
    this.#askAgainAtMs = performance.now() + 2 * this.#settings.lookupIntervalMs;
    const known = new Map(this.#addresses.map((each) => [each.shown, each]));
    const next = hosts.map((host) => {
      const endpoint = { host, port: this.#port };
      return known.get(shownOf(endpoint)) ?? new UpstreamAddress(endpoint, this.#settings);
    });
    const kept = new Set(next);
    const gone = this.#addresses.filter((each) => !kept.has(each));
    for (const each of gone) each.isListed = false;
    const isChanged = gone.length > 0 || next.some(({ shown }) => !known.has(shown));
    const before = this.#addresses;
    this.#addresses = next;
    if (isChanged) this.#events.onChanged(next, before);
  }

  #fail(name: string, cause: unknown): void {
    const why = cause instanceof Error ? cause.message : String(cause);
    const fault = outage(
      'upstream_unreachable',
      new Error(`the name ${name} of upstream ${this.#settings.name} has no address: ${why}`, { cause }),
    );
    const isNew = this.#fault === undefined;
    this.#fault = fault;
    this.#askAgainAtMs = performance.now() + retryMs;
    if (isNew) this.#events.onUnknown(fault);
  }
}

/** Undefined where a name has to be looked up. */
const fixedEndpoints = (
  { socketPath, addresses }: UpstreamSettings,
  host: string,
  port: number,
): readonly Endpoint[] | undefined => {
  if (socketPath !== undefined) return [{ path: socketPath }];
  return addresses ?? (isIP(host) === 0 ? undefined : [{ host, port }]);
};
