// The connections to one upstream: a bounded number, each with one exchange at a time, the most recently used first. Who gets one,
// who waits, and which of them are worth keeping. It moves no bytes.

import { isOutage, type Outage, outage } from '../../decision/outcome.ts';
import type { UpstreamReading } from '../../observe/metric-sources.ts';
import type { UpstreamSettings } from '../../settings/settings.ts';
import { CallerShares, type Claimant, type ShareClaim } from './caller-shares.ts';
import type { Connected, Preference } from './addresses/connect-attempt.ts';
import { FairLine, type LineMember } from './fair-line.ts';
import { IdleTrust } from './idle-trust.ts';
import type { UpstreamAddress } from './addresses/upstream-address.ts';
import type { UpstreamAddresses } from './addresses/upstream-addresses.ts';
import { type ConnectionOwner, tickMs, UpstreamConnection } from './upstream-connection.ts';

/** An exchange that needs a connection; exactly one of the two is called, `onConnection` perhaps at once. */
export interface ConnectionSeeker extends LineMember {
  readonly exchange: Claimant;
  /** It may be sent again when its connection turns out to be stale. */
  readonly isRepeatable: boolean;
  onConnection(connection: UpstreamConnection): void;
}

/** A connection that is being opened; for nobody, when its seeker has left. */
interface Opening {
  seeker: ConnectionSeeker | undefined;
  readonly claim: ShareClaim;
  giveUp: () => void;
}

export class UpstreamConnections implements ConnectionOwner {
  readonly settings: UpstreamSettings;
  /** The upstream answers by HTTP/1.0: it does not know `Expect` (RFC 9110 section 10.1.1). */
  isHttp10 = false;
  readonly #addresses: UpstreamAddresses;
  readonly #all = new Set<UpstreamConnection>();
  readonly #openings = new Set<Opening>();
  /** Idle; the last one was used last. */
  readonly #idle: UpstreamConnection[] = [];
  readonly #shares: CallerShares;
  readonly #line: FairLine<ConnectionSeeker>;
  readonly #idleTrust = new IdleTrust();
  #ticker: NodeJS.Timeout | undefined;
  #isClosed = false;
  #isRetired = false;

  constructor(addresses: UpstreamAddresses) {
    const { settings } = addresses;
    this.settings = settings;
    this.#addresses = addresses;
    addresses.onChange(() => this.#closeUnlisted());
    this.#shares = new CallerShares(settings);
    this.#line = new FairLine(settings.connectionsMax, settings.connectTimeoutMs);
  }

  /** Gives the seeker a connection now or as soon as its turn comes; refuses when too many wait, or it waits too long. */
  seek(seeker: ConnectionSeeker): void {
    if (this.#isClosed) return seeker.onRefused(outage('shutting_down'));
    const claim = this.#shares.claimOf(seeker.exchange);
    if (claim.isAtShare || !this.#hasRoom) return this.#line.add(seeker, claim);
    claim.take();
    this.#provide(seeker, claim);
  }

  /**
   * Whether a connection may be taken for a body that is still to come: while less than half of them are in use, and less than half
   * of the caller's share. So callers that announce bodies and send none keep at most half of the API's connections.
   */
  arePlentifulFor(seeker: ConnectionSeeker): boolean {
    return (
      this.#busy < Math.floor(this.settings.connectionsMax / 2) &&
      this.#shares.claimOf(seeker.exchange).isBelowHalf
    );
  }

  /** For the gauges; costs nothing between two readings. */
  reading(): UpstreamReading {
    return {
      busy: this.#busy,
      idle: this.#idle.length,
      waiting: this.#line.length,
      callersAtShare: this.#shares.countAtShare(),
    };
  }

  /** The seeker no longer wants a connection. */
  forget(seeker: ConnectionSeeker): void {
    if (this.#line.remove(seeker)) return;
    for (const opening of this.#openings) {
      if (opening.seeker !== seeker) continue;
      opening.seeker = undefined;
      opening.claim.giveBack();
    }
  }

  /** The connection was found closed: the seeker keeps its turn, and gets a fresh one, at another address if one is up. */
  renew(connection: UpstreamConnection, seeker: ConnectionSeeker): void {
    const { claim } = connection;
    if (claim === undefined) throw new Error('the connection was lent to nobody');
    connection.claim = undefined;
    if (!this.#isClosed) {
      this.#addresses.retries += 1;
      return this.#dial(seeker, claim, { avoid: connection.address });
    }
    claim.giveBack();
    seeker.onRefused(outage('shutting_down'));
  }

  /** The connection was found closed when a request was written on it at `usedAtMs`. */
  noteStale(connection: UpstreamConnection, usedAtMs: number): void {
    this.#idleTrust.learn(usedAtMs - connection.idleSinceMs, performance.now());
  }

  /** The head of its response came. */
  answered({ address }: UpstreamConnection, status: number): void {
    this.#addresses.answered(address, status);
  }

  /** Requests that begin now use others: each connection is closed as soon as nothing is under way on it. */
  retire(): void {
    this.#isRetired = true;
    this.#closeIdle();
  }

  /** Retired, and every connection is closed. */
  get isGone(): boolean {
    return this.#isRetired && this.#all.size + this.#openings.size === 0;
  }

  /** Refuses those who wait, aborts what is under way and closes every socket. */
  async close(): Promise<void> {
    this.#isClosed = true;
    const reason = outage('shutting_down');
    this.#line.disperse(reason);
    for (const { seeker, claim, giveUp } of this.#openings) {
      giveUp();
      if (seeker === undefined) continue;
      claim.giveBack();
      seeker.onRefused(reason);
    }
    this.#openings.clear();
    await Promise.all([...this.#all].map((connection) => connection.end(reason)));
  }

  // -- called by connections

  onIdle(connection: UpstreamConnection): void {
    this.#takeBack(connection);
    const nowMs = performance.now();
    if (!this.#isWorthKeeping(connection, nowMs)) return connection.close();
    connection.idleSinceMs = nowMs;
    this.#idle.push(connection);
    connection.rest(Math.min(this.settings.keepAliveTimeoutMs, connection.endsAtMs - nowMs));
    if (this.#isRetired && this.#line.length === 0) this.#closeIdle();
    this.#planLine();
  }

  onClosed(connection: UpstreamConnection, wasIdle: boolean): void {
    this.#takeBack(connection);
    connection.address.open -= 1;
    this.#all.delete(connection);
    if (this.#all.size === 0) clearInterval(this.#ticker);
    const at = this.#idle.lastIndexOf(connection);
    if (at >= 0) this.#idle.splice(at, 1);
    if (wasIdle) this.noteStale(connection, performance.now());
    this.#planLine();
  }

  /** Those that carry something, or are being opened. */
  get #busy(): number {
    return this.#all.size - this.#idle.length + this.#openings.size;
  }

  get #hasRoom(): boolean {
    return this.#idle.length > 0 || this.#mayOpen;
  }

  get #mayOpen(): boolean {
    return this.#all.size + this.#openings.size < this.settings.connectionsMax;
  }

  /** The claim is taken, and there is room. */
  #provide(seeker: ConnectionSeeker, claim: ShareClaim): void {
    const first = this.#addresses.areSeveral ? this.#addresses.choose(performance.now()) : undefined;
    const connection = first === undefined ? this.#idle.pop() : this.#takeIdleAt(first);
    if (connection === undefined) return this.#dial(seeker, claim, { first });
    // One that is likely to be closed by the upstream now is not used for what cannot be sent twice.
    if (!seeker.isRepeatable && !this.#isTrusted(connection)) {
      this.#dial(seeker, claim, { first });
      return connection.close();
    }
    connection.isLent = true;
    connection.address.busy += 1;
    connection.claim = claim;
    seeker.onConnection(connection);
  }

  /** An idle connection to this address; else any, where there is no room for a new one, or that could not be opened. */
  #takeIdleAt(address: UpstreamAddress): UpstreamConnection | undefined {
    const at = this.#idle.findLastIndex((connection) => connection.address === address);
    if (at >= 0) return this.#idle.splice(at, 1)[0];
    return !this.#mayOpen || address.health.state(performance.now()) === 'unreachable'
      ? this.#idle.pop()
      : undefined;
  }

  #takeBack(connection: UpstreamConnection): void {
    connection.claim?.giveBack();
    connection.claim = undefined;
    if (connection.isLent) connection.address.busy -= 1;
    connection.isLent = false;
  }

  #isWorthKeeping({ served, endsAtMs, address }: UpstreamConnection, nowMs: number): boolean {
    const { keepAlive, requestsPerConnectionMax } = this.settings;
    if (!keepAlive || nowMs >= endsAtMs || !address.isListed) return false;
    return requestsPerConnectionMax === 0 || served < requestsPerConnectionMax;
  }

  #isTrusted(connection: UpstreamConnection): boolean {
    const nowMs = performance.now();
    return this.#idleTrust.trusts(nowMs - connection.idleSinceMs, nowMs);
  }

  #dial(seeker: ConnectionSeeker, claim: ShareClaim, where: Preference): void {
    const opening: Opening = { seeker, claim, giveUp: () => undefined };
    this.#openings.add(opening);
    // Perhaps it is answered at once.
    opening.giveUp = this.#addresses.connect((opened) => this.#onOpened(opening, opened), where);
  }

  #onOpened(opening: Opening, opened: Connected | Outage): void {
    this.#openings.delete(opening);
    const { seeker, claim } = opening;
    if (isOutage(opened)) {
      if (seeker !== undefined) {
        claim.giveBack();
        seeker.onRefused(opened);
      }
      return this.#planLine();
    }
    const { socket, address } = opened;
    const connection = new UpstreamConnection(socket, address, this, this.settings);
    connection.endsAtMs = performance.now() + agedMs(this.settings.connectionAgeMsMax);
    connection.isLent = true;
    if (this.#all.size === 0) this.#beginTicks();
    this.#all.add(connection);
    if (seeker === undefined) return this.onIdle(connection);
    connection.claim = claim;
    seeker.onConnection(connection);
  }

  #beginTicks(): void {
    let tickedAtMs = performance.now();
    this.#ticker = setInterval(() => {
      const nowMs = performance.now();
      const elapsedMs = nowMs - tickedAtMs;
      tickedAtMs = nowMs;
      for (const connection of this.#all) connection.tick(elapsedMs);
    }, tickMs);
  }

  #closeIdle(): void {
    for (const connection of this.#idle.splice(0)) connection.close();
  }

  /** To addresses that the name has no more. */
  #closeUnlisted(): void {
    for (const connection of this.#idle.filter(({ address }) => !address.isListed)) connection.close();
  }

  /** Afterwards: whatever ends exchanges now may be about to end those that wait, too. */
  #planLine(): void {
    if (this.#line.length > 0) queueMicrotask(() => this.#serveLine());
  }

  #serveLine(): void {
    while (this.#line.length > 0 && this.#hasRoom) {
      const turn = this.#line.next();
      if (turn === undefined) return;
      turn.claim.take();
      this.#provide(turn.member, turn.claim);
    }
  }
}

/** Up to a fifth less, so that connections that were opened together are not closed together. */
export const agedMs = (ageMsMax: number): number => ageMsMax * (1 - Math.random() / 5);
