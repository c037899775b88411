// The directory behind Sentinel: asks the sentinels several times a second which server is the master, and at once when
// one of them announces another. A server that they do not name is not believed, even if it calls itself a master.

import type { RedisSettings } from '../../settings/settings.ts';
import { type NodeOptions, sentinelOptions } from './connection-options.ts';
import {
  Directory,
  firstAnswers,
  nameOf,
  newestClaim,
  type OwnerClaim,
  type ServerAddress,
} from './directory.ts';
import { type FaultLog, faultOf, RedisFault } from './fault.ts';
import { TimedRedis } from './timed-redis.ts';

const refreshEveryMs = 250;
const sentinelsMax = 16;
/** There is one owner of all tags. */
const everything = '*';

export class SentinelDirectory extends Directory {
  readonly #masterName: string;
  readonly #sentinels = new Map<string, SentinelLink>();
  /** The sentinels that others named in the last round. */
  #named: readonly NamedSentinel[] = [];
  /** Of the master believed now. */
  #epoch = 0;
  #isSilent = false;

  constructor(settings: RedisSettings, report: FaultLog) {
    super(settings, report, refreshEveryMs);
    if (settings.sentinelName === undefined) throw new Error('the Redis settings name no sentinel master');
    this.#masterName = settings.sentinelName;
  }

  override close(): void {
    super.close();
    for (const sentinel of this.#sentinels.values()) sentinel.close();
  }

  override ownerOf(): ServerAddress | undefined {
    return super.ownerOf(everything);
  }

  /** A master behind Sentinel sends nobody elsewhere. */
  moved(): void {}

  protected async ask(): Promise<void> {
    this.#openLinks();
    const views = await firstAnswers([...this.#sentinels.values()].map((sentinel) => this.#viewOf(sentinel)));
    if (this.isClosed) return;
    const claim = newestClaim(views.map((view) => view.claim));
    if (claim === undefined) return this.#nobodyAnswered();
    this.#answered();
    // Whoever still holds an older epoch was cut off from the failover, unless most of all sentinels say so: then
    // the operator has begun anew (SENTINEL RESET, MONITOR).
    if (claim.epoch < this.#epoch && views.length * 2 <= this.#sentinels.size) return;
    this.#named = views.flatMap((view) => view.sentinels);
    const before = this.ownerOf();
    this.#epoch = claim.epoch;
    this.setOwner(everything, claim.owner);
    if (before !== undefined && nameOf(before) !== nameOf(claim.owner))
      this.report.log.warn('the sentinels name another master', {
        master: nameOf(claim.owner),
        before: nameOf(before),
      });
  }

  async #viewOf(sentinel: SentinelLink): Promise<SentinelView> {
    try {
      return await sentinel.ask();
    } catch (error) {
      const { code, message } = faultOf(error, this.report.secrets);
      this.fault = new RedisFault('NO_SENTINEL', `no sentinel names a master (${code}: ${message})`);
      throw this.fault;
    }
  }

  #openLinks(): void {
    const configured = new Map(this.settings.nodes.map((node) => [nameOf(node), node]));
    const others = this.#named.filter((sentinel) => !configured.has(nameOf(sentinel)));
    const known = new Map<string, readonly [address: ServerAddress, named: NamedSentinel | undefined]>([
      ...[...configured].map(([name, node]) => [name, [node, undefined]] as const),
      ...others.map((one) => [`${nameOf(one)} ${one.runId}`, [one, one]] as const),
    ]);
    const wanted = new Map([...known].slice(0, sentinelsMax));
    for (const [key, sentinel] of this.#sentinels)
      if (!wanted.has(key)) {
        sentinel.close();
        this.#sentinels.delete(key);
      }
    for (const [key, [address, named]] of wanted)
      if (!this.#sentinels.has(key)) {
        const options = sentinelOptions(this.settings, address);
        const switched = (): void => void this.refresh();
        this.#sentinels.set(key, new SentinelLink(options, this.#masterName, named, switched));
      }
  }

  #nobodyAnswered(): void {
    if (this.#isSilent) return;
    this.#isSilent = true;
    const present = this.ownerOf();
    this.report.log.error(
      present === undefined
        ? 'no sentinel names a master'
        : 'no sentinel names a master; staying with the present one',
      { ...(present && { master: nameOf(present) }), ...this.fault?.facts },
    );
  }

  #answered(): void {
    if (this.#isSilent) this.report.log.info('the sentinels name a master again', {});
    this.#isSilent = false;
    this.fault = undefined;
  }
}

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
