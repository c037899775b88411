// The directory of a Cluster: asks every node it knows, those of the settings and those other nodes have named, and
// believes the newest epoch. It never depends on one node being alive, nor on the settings naming the ones that are.

import type { RedisSettings } from '../../settings/settings.ts';
import { type ClusterView, ownersOf, readClusterView, readEpochs, viewsOfCluster } from './cluster-slots.ts';
import { questionOptions } from './connection-options.ts';
import { type Address, type Directory, OwnerTable, nameOf } from './directory.ts';
import { type RedisFault, faultOf } from './fault.ts';
import { allShards } from './key-space.ts';
import type { LinkOptions } from './link.ts';
import { firstAnswers, sharedRounds } from './rounds.ts';
import { TimedRedis } from './timed-redis.ts';

const tags = allShards.map(String);
/** Finds nodes that joined, so that they are known when the others die. */
const refreshEveryMs = 10_000;

export class ClusterDirectory implements Directory {
  readonly #settings: RedisSettings;
  readonly #options: Pick<LinkOptions, 'log' | 'secrets'>;
  readonly #owners = new OwnerTable();
  /** The nodes that others named in the last round. */
  #named: readonly Address[] = [];
  #ids: ReadonlySet<string> = new Set();
  /** Nodes the log has called silent. */
  readonly #silent = new Set<string>();
  #timer: NodeJS.Timeout | undefined;
  #isClosed = false;
  #fault: RedisFault | undefined;

  readonly refresh = sharedRounds(() => this.#ask());

  constructor(settings: RedisSettings, options: Pick<LinkOptions, 'log' | 'secrets'>) {
    this.#settings = settings;
    this.#options = options;
  }

  async open(): Promise<void> {
    this.#timer ??= setInterval(() => void this.refresh(), refreshEveryMs).unref();
    await this.refresh();
  }

  close(): void {
    this.#isClosed = true;
    clearInterval(this.#timer);
  }

  get fault(): RedisFault | undefined {
    return this.#fault;
  }

  ownerOf(tag: string): Address | undefined {
    return this.#owners.get(tag);
  }

  owners(): readonly Address[] {
    return this.#owners.all();
  }

  moved(tag: string, to: Address): void {
    if (!this.#named.some((node) => nameOf(node) === nameOf(to))) this.#named = [...this.#named, to];
    this.#owners.set(tag, to);
  }

  onChange(subscriber: () => void): () => void {
    return this.#owners.onChange(subscriber);
  }

  async #ask(): Promise<void> {
    if (this.#isClosed) return;
    const known = [...this.#settings.nodes, ...this.#named];
    const nodes = [...new Map(known.map((node) => [nameOf(node), node])).values()];
    const answers = await firstAnswers(nodes.map((node) => this.#viewOf(node)));
    const views = viewsOfCluster(answers, this.#ids);
    const owners = ownersOf(views, tags);
    if (this.#isClosed || owners.size === 0) return;
    this.#fault = undefined;
    this.#named = views.flatMap((view) => view.nodes);
    this.#ids = new Set(views.flatMap((view) => [...view.ids]));
    this.#owners.replace(owners);
  }

  async #viewOf(node: Address): Promise<ClusterView> {
    const client = new TimedRedis(questionOptions(this.#settings, node));
    let reason: unknown;
    client.on('error', (error: unknown) => {
      reason = error;
    });
    try {
      await client.connect();
      const [slots, nodes] = await Promise.all([
        client.cluster('SLOTS'),
        // Whoever may not ask for the epochs goes by what most nodes say.
        client.cluster('NODES').catch(() => undefined),
      ]);
      this.#silent.delete(nameOf(node));
      return readClusterView(slots, readEpochs(nodes), tags, node.host);
    } catch (error) {
      this.#fault = this.#failed(node, reason ?? error);
      throw this.#fault;
    } finally {
      client.disconnect();
    }
  }

  /** Says once that a node is silent, until it answers again. */
  #failed(node: Address, error: unknown): RedisFault {
    const fault = faultOf(error, this.#options.secrets);
    const { code, message, advice } = fault;
    if (!this.#isClosed && !this.#silent.has(nameOf(node)))
      this.#options.log.warn('a Cluster node does not answer', {
        node: nameOf(node),
        code,
        error: message,
        ...(advice === undefined ? {} : { advice }),
      });
    this.#silent.add(nameOf(node));
    return fault;
  }
}
