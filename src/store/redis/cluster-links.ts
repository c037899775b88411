// The connections to a Cluster: one per master that holds a shard of ours. Each fails as fast as a single server's.
// The map of owners is learned from any node, corrected by MOVED, and learned again when an owner is gone.

import { setTimeout as delay } from 'node:timers/promises';
import { Redis } from 'ioredis';
import type { RedisSettings } from '../../settings/settings.ts';
import { type Address, ownersOf, tagOfKey } from './cluster-slots.ts';
import { type Purpose, clusterNodeOptions, reconnectDelayMs } from './connection-options.ts';
import type { Connections, Work } from './connections.ts';
import { RedisFault, faultOf } from './fault.ts';
import { allShards } from './key-space.ts';
import { type LinkOptions, RedisLink, notConnected } from './link.ts';
import { parseRedirect } from './redirect.ts';

const hopsMax = 5;
const scoutPauseMs = 100;
const tags = allShards.map(String);

export class ClusterLinks implements Connections {
  readonly #settings: RedisSettings;
  readonly #purpose: Purpose;
  readonly #options: LinkOptions;
  /** Hash tag -> who holds it. */
  #owners: ReadonlyMap<string, Address> = new Map();
  readonly #links = new Map<string, RedisLink>();
  /** Nodes the operator has been told about. */
  readonly #silent = new Set<string>();
  readonly #stop = new AbortController();
  #isScouting = false;
  /** Why the node asked last did not name the owners. */
  #fault: RedisFault | undefined;

  constructor(settings: RedisSettings, purpose: Purpose, options: LinkOptions) {
    this.#settings = settings;
    this.#purpose = purpose;
    this.#options = options;
  }

  async open(): Promise<void> {
    const isFound = await this.#scout();
    if (!isFound) this.#scoutSoon();
    await Promise.all([...this.#links.values()].map((link) => link.open()));
  }

  close(): void {
    this.#stop.abort();
    for (const link of this.#links.values()) link.close();
  }

  async on<T>(key: string, work: Work<T>): Promise<T> {
    const tag = tagOfKey(key);
    let owner = this.#owners.get(tag);
    let isAsking = false;
    for (let hops = 1; ; hops++) {
      if (owner === undefined || this.#stop.signal.aborted) {
        this.#scoutSoon();
        throw notConnected(this.#fault);
      }
      try {
        return await this.#onServer(owner, key, isAsking, work);
      } catch (error) {
        const redirect = parseRedirect(error, owner.host);
        if (redirect === undefined) {
          if (isLost(error)) this.#scoutSoon();
          throw error;
        }
        if (hops === hopsMax) throw new RedisFault('REDIRECTIONS', 'the Cluster redirects in circles');
        owner = { host: redirect.host, port: redirect.port };
        ({ isAsking } = redirect);
        if (!isAsking) this.#owners = new Map(this.#owners).set(tag, owner);
      }
    }
  }

  async #onServer<T>(server: Address, key: string, isAsking: boolean, work: Work<T>): Promise<T> {
    const link = this.#linkTo(server);
    if (!link.isUsable) await link.open();
    return link.on(key, (client) => {
      // Sent with the command that follows, on the same connection.
      if (isAsking) client.asking().catch(() => undefined);
      return work(client, isAsking);
    });
  }

  recheck(): void {
    for (const link of this.#links.values()) link.recheck();
  }

  /** A Cluster's replicas send every command to their master, and its masters change without our doing. */
  renew(): void {}

  #linkTo(server: Address): RedisLink {
    const name = nameOf(server);
    const known = this.#links.get(name);
    if (known !== undefined) return known;
    const link = new RedisLink(clusterNodeOptions(this.#settings, this.#purpose, server), this.#options);
    this.#links.set(name, link);
    void link.open();
    return link;
  }

  /** Learns the owners again, in the background, not more often than every tenth of a second, until it succeeds. */
  #scoutSoon(): void {
    if (this.#isScouting || this.#stop.signal.aborted) return;
    this.#isScouting = true;
    void this.#scoutUntilFound();
  }

  async #scoutUntilFound(): Promise<void> {
    const { signal } = this.#stop;
    for (let attempt = 1; !signal.aborted; attempt++) {
      const isFound = await this.#scout();
      const pauseMs = isFound ? scoutPauseMs : reconnectDelayMs(attempt);
      await delay(pauseMs, undefined, { signal, ref: false }).catch(() => undefined);
      if (isFound) break;
    }
    this.#isScouting = false;
  }

  /** Asks the nodes that answer now, then those of the settings, then the others known, one after the other. */
  async #scout(): Promise<boolean> {
    const owners = [...this.#owners.values()];
    const usable = owners.filter((owner) => this.#links.get(nameOf(owner))?.isUsable === true);
    const places = [...usable, ...this.#settings.nodes, ...owners];
    const asked = new Set<string>();
    for (const place of places) {
      if (this.#stop.signal.aborted) return false;
      if (asked.has(nameOf(place))) continue;
      asked.add(nameOf(place));
      const found = await this.#askForOwners(place);
      if (found.size === 0) continue;
      this.#owners = found;
      this.#fault = undefined;
      this.#keepLinksTo(found);
      return true;
    }
    return false;
  }

  async #askForOwners(place: Address): Promise<ReadonlyMap<string, Address>> {
    const client = new Redis({
      ...clusterNodeOptions(this.#settings, this.#purpose, place),
      retryStrategy: null,
    });
    let fault: unknown;
    client.on('error', (error: unknown) => {
      fault = error;
    });
    try {
      await client.connect();
      this.#silent.delete(nameOf(place));
      return ownersOf(await client.cluster('SLOTS'), tags, place.host);
    } catch (error) {
      const node = nameOf(place);
      this.#fault = faultOf(fault ?? error, this.#options.secrets);
      const { code, message, advice } = this.#fault;
      if (!this.#silent.has(node))
        this.#options.log.warn('a Cluster node does not answer', { node, code, error: message, advice });
      this.#silent.add(node);
      return new Map();
    } finally {
      client.disconnect();
    }
  }

  #keepLinksTo(owners: ReadonlyMap<string, Address>): void {
    if (this.#stop.signal.aborted) return;
    const names = new Set([...owners.values()].map(nameOf));
    for (const [name, link] of this.#links)
      if (!names.has(name)) {
        link.close();
        this.#links.delete(name);
      }
    for (const owner of owners.values()) this.#linkTo(owner);
  }
}

const nameOf = ({ host, port }: Address): string => `${host}:${port}`;

/** Whether an error says that a server may be gone, rather than that a command failed. */
const isLost = (error: unknown): boolean =>
  !(error instanceof Error) || error.name !== 'ReplyError' || error.message.startsWith('CLUSTERDOWN');
