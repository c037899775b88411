// The directory of a Cluster: asks every node it knows, those of the settings and those other nodes have named, and
// believes the newest epoch. It never depends on one node being alive, nor on the settings naming the ones that are.

import type { RedisSettings } from '../../settings/settings.ts';
import { type ClusterView, ownersOf, readClusterView, readEpochs, viewsOfCluster } from './cluster-slots.ts';
import { questionOptions } from './connection-options.ts';
import { Directory, distinct, firstAnswers, nameOf, type ServerAddress } from './directory.ts';
import { type FaultLog, type RedisFault, faultOf } from './fault.ts';
import { allShards } from './key-space.ts';
import { TimedRedis } from './timed-redis.ts';

const tags = allShards.map(String);
/** Finds nodes that joined, so that they are known when the others die. */
const refreshEveryMs = 10_000;

export class ClusterDirectory extends Directory {
  /** The nodes that others named in the last round. */
  #named: readonly ServerAddress[] = [];
  #ids: ReadonlySet<string> = new Set();
  /** Nodes the log has called silent. */
  readonly #silent = new Set<string>();

  constructor(settings: RedisSettings, report: FaultLog) {
    super(settings, report, refreshEveryMs);
  }

  moved(tag: string, to: ServerAddress): void {
    this.#named = distinct([...this.#named, to]);
    this.setOwner(tag, to);
  }

  protected async ask(): Promise<void> {
    const nodes = distinct([...this.settings.nodes, ...this.#named]);
    const answers = await firstAnswers(nodes.map((node) => this.#viewOf(node)));
    const views = viewsOfCluster(answers, this.#ids);
    const owners = ownersOf(views, tags);
    if (this.isClosed || owners.size === 0) return;
    this.fault = undefined;
    this.#named = views.flatMap((view) => view.nodes);
    this.#ids = new Set(views.flatMap((view) => [...view.ids]));
    this.setOwners(owners);
  }

  async #viewOf(node: ServerAddress): Promise<ClusterView> {
    const client = new TimedRedis(questionOptions(this.settings, node));
    try {
      await client.connect();
      const [slots, nodes] = await Promise.all([
        client.cluster('SLOTS'),
        // Where the epochs may not be asked for, most nodes decide.
        client.cluster('NODES').catch(() => undefined),
      ]);
      this.#silent.delete(nameOf(node));
      return readClusterView(slots, readEpochs(nodes), tags, node.host);
    } catch (error) {
      this.fault = this.#failed(node, client.reasonOf(error));
      throw this.fault;
    } finally {
      client.disconnect();
    }
  }

  /** Says once that a node is silent, until it answers again. */
  #failed(node: ServerAddress, error: unknown): RedisFault {
    const fault = faultOf(error, this.report.secrets);
    if (!this.isClosed && !this.#silent.has(nameOf(node)))
      this.report.log.warn('a Cluster node does not answer', { node: nameOf(node), ...fault.facts });
    this.#silent.add(nameOf(node));
    return fault;
  }
}
