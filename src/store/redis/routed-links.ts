// The connections to the masters that a directory names, one to each: on a Cluster to the owner of the key, behind
// Sentinel to the master. A server that is no longer named is left at once.

import type { MasterConnections, Work } from './context.ts';
import { parseRedirect, tagOfKey } from './cluster-slots.ts';
import { type ServerAddress, type Directory, nameOf } from './directory.ts';
import { RedisFault } from './fault.ts';
import { type RedisLink, notConnected } from './link.ts';
import { askFirst } from './script.ts';

const hopsMax = 5;

export class RoutedLinks implements MasterConnections {
  readonly #directory: Directory;
  readonly #connect: (master: ServerAddress) => RedisLink;
  readonly #links = new Map<string, RedisLink>();
  readonly #stopWatching: () => void;
  #isClosed = false;

  constructor(directory: Directory, connect: (master: ServerAddress) => RedisLink) {
    this.#directory = directory;
    this.#connect = connect;
    this.#stopWatching = directory.onChange(() => this.#followDirectory());
  }

  async open(): Promise<void> {
    this.#followDirectory();
    await Promise.all([...this.#links.values()].map((link) => link.open()));
  }

  close(): void {
    this.#isClosed = true;
    this.#stopWatching();
    for (const link of this.#links.values()) link.close();
  }

  async on<T>(key: string, work: Work<T>): Promise<T> {
    const tag = tagOfKey(key);
    let server = this.#directory.ownerOf(tag);
    let isAsking = false;
    for (let hops = 1; ; hops++) {
      if (server === undefined || this.#isClosed) {
        void this.#directory.refresh();
        throw notConnected(this.#directory.fault);
      }
      try {
        return await this.#onServer(server, key, isAsking, work);
      } catch (error) {
        const redirect = parseRedirect(error, server.host);
        if (redirect === undefined) {
          if (isLost(error)) void this.#directory.refresh();
          throw error;
        }
        if (hops === hopsMax) {
          void this.#directory.refresh();
          throw new RedisFault('REDIRECTIONS', 'the Cluster redirects in circles');
        }
        server = redirect.to;
        ({ isAsking } = redirect);
        if (!isAsking) this.#directory.moved(tag, server);
      }
    }
  }

  recheck(): void {
    for (const link of this.#links.values()) link.recheck();
  }

  /** The directory, not the feed, finds out who is the master. */
  renew(): void {}

  async #onServer<T>(server: ServerAddress, key: string, isAsking: boolean, work: Work<T>): Promise<T> {
    const link = this.#linkTo(server);
    if (!link.isUsable) await link.open();
    return link.on(key, (client) => {
      askFirst({ client, isAsking });
      return work(client, isAsking);
    });
  }

  #linkTo(server: ServerAddress): RedisLink {
    const known = this.#links.get(nameOf(server));
    if (known !== undefined) return known;
    const link = this.#connect(server);
    this.#links.set(nameOf(server), link);
    void link.open();
    return link;
  }

  #followDirectory(): void {
    if (this.#isClosed) return;
    const owners = this.#directory.owners();
    const names = new Set(owners.map(nameOf));
    for (const [name, link] of this.#links)
      if (!names.has(name)) {
        link.close();
        this.#links.delete(name);
      }
    for (const owner of owners) this.#linkTo(owner);
  }
}

/** Whether an error says that the server may be gone or no master any more, rather than that a command failed. */
const isLost = (error: unknown): boolean =>
  !(error instanceof Error) ||
  error.name !== 'ReplyError' ||
  /^(?:CLUSTERDOWN|READONLY|MASTERDOWN)\b/.test(error.message);
