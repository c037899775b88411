// The connections to one sentinel: one to ask it, one that hears of failovers. Asked several times a second, so the
// connection stays; after a failure the next question makes it again.

import type { NodeOptions } from './connection-options.ts';
import type { ServerAddress, OwnerClaim } from './directory.ts';
import { RedisFault } from './fault.ts';
import { TimedRedis } from './timed-redis.ts';

/** A sentinel that another one has named. */
export interface NamedSentinel extends ServerAddress {
  readonly runId: string;
}

/** How one sentinel sees the master and the other sentinels. */
export interface SentinelView {
  readonly claim: OwnerClaim;
  readonly sentinels: readonly NamedSentinel[];
}

const channel = '+switch-master';
/** A connection that hears nothing by itself says nothing when it is cut: it is only quicker than the questions. */
const listenAgainMs = 1000;

export class SentinelLink {
  readonly #client: TimedRedis;
  readonly #listener: TimedRedis;
  readonly #masterName: string;
  readonly #named: NamedSentinel | undefined;
  #asking: Promise<SentinelView> | undefined;

  /**
   * `named`: as another sentinel named it: only the view of that one counts; undefined: of whichever listens there.
   * `switched` is called when it says that the master of this name is another one now.
   */
  constructor(
    options: NodeOptions,
    masterName: string,
    named: NamedSentinel | undefined,
    switched: () => void,
  ) {
    this.#masterName = masterName;
    this.#named = named;
    this.#client = new TimedRedis(options);
    this.#listener = new TimedRedis({ ...options, retryStrategy: () => listenAgainMs });
    this.#listener.on('ready', () => void this.#listener.subscribe(channel).catch(() => undefined));
    this.#listener.on('message', (_channel: string, message: string) => {
      if (message.startsWith(`${masterName} `)) switched();
    });
    this.#listener.connect().catch(() => undefined);
  }

  /** Rejects in bounded time with the reason. */
  ask(): Promise<SentinelView> {
    this.#asking ??= this.#ask().finally(() => {
      this.#asking = undefined;
    });
    return this.#asking;
  }

  close(): void {
    this.#client.disconnect();
    this.#listener.disconnect();
  }

  async #ask(): Promise<SentinelView> {
    try {
      if (this.#client.status !== 'ready') await this.#client.connect();
      const ask = (command: string): Promise<unknown> =>
        this.#client.call('SENTINEL', command, this.#masterName);
      const [address, master, sentinels, runId] = await Promise.all([
        ask('GET-MASTER-ADDR-BY-NAME'),
        ask('MASTER'),
        ask('SENTINELS'),
        this.#named === undefined ? undefined : this.#client.call('SENTINEL', 'MYID'),
      ]);
      // Masters of many deployments have the same name.
      if (runId !== this.#named?.runId)
        throw new RedisFault('NO_SENTINEL', 'another sentinel listens where the one that was named did');
      const view = readSentinelView(address, master, sentinels);
      // None names itself, and the only one that answers must not be forgotten.
      return this.#named === undefined ? view : { ...view, sentinels: [...view.sentinels, this.#named] };
    } catch (error) {
      throw this.#client.reasonOf(error);
    }
  }
}

/**
 * Reads the replies of SENTINEL GET-MASTER-ADDR-BY-NAME ([host, port]), MASTER and SENTINELS (names and values in turn).
 * The address is that of the first: during a failover it changes together with the epoch, the one in MASTER later.
 */
export const readSentinelView = (address: unknown, master: unknown, sentinels: unknown): SentinelView => {
  const [host, port] = Array.isArray(address) ? (address as readonly unknown[]) : [];
  const owner = addressOf(host, port);
  if (owner === undefined) throw new RedisFault('NO_SENTINEL', 'the sentinel knows no master of this name');
  const others = Array.isArray(sentinels) ? sentinels.map(fieldsOf) : [];
  return {
    claim: { owner, epoch: Number(fieldsOf(master).get('config-epoch')) || 0 },
    sentinels: others.flatMap((fields) => {
      const other = addressOf(fields.get('ip'), fields.get('port'));
      const runId = fields.get('runid');
      return other === undefined || typeof runId !== 'string' || runId === '' ? [] : { ...other, runId };
    }),
  };
};

const addressOf = (host: unknown, port: unknown): ServerAddress | undefined =>
  typeof host === 'string' && host !== '' && typeof port === 'string' && /^\d{1,5}$/.test(port)
    ? { host, port: Number(port) }
    : undefined;

const fieldsOf = (reply: unknown): ReadonlyMap<unknown, unknown> => {
  const fields = new Map<unknown, unknown>();
  if (!Array.isArray(reply)) return fields;
  for (let index = 0; index + 1 < reply.length; index += 2) fields.set(reply[index], reply[index + 1]);
  return fields;
};
