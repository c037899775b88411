// The directory behind Sentinel: asks the sentinels several times a second which server is the master, and at once when
// one of them announces another. A server that they do not name is not believed, even if it calls itself a master.

import type { RedisSettings } from '../../settings/settings.ts';
import { sentinelOptions } from './connection-options.ts';
import { Directory, firstAnswers, nameOf, newestClaim, type ServerAddress } from './directory.ts';
import { type FaultLog, RedisFault, faultOf } from './fault.ts';
import { type NamedSentinel, SentinelLink, type SentinelView } from './sentinel-link.ts';

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
