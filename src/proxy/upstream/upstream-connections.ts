// The connections to one upstream: a bounded number, each with one exchange at a time, the most recently used first. Who gets one,
// who waits, and which of them are worth keeping. It moves no bytes.

import type { Socket } from 'node:net';
import { type Outage, outage } from '../../decision/outcome.ts';
import type { UpstreamReading } from '../../observe/metric-sources.ts';
import type { UpstreamSettings } from '../../settings/settings.ts';
import { CallerShares, type Claimant, type ShareClaim } from './caller-shares.ts';
import { FairLine, type LineMember } from './fair-line.ts';
import { IdleTrust } from './idle-trust.ts';
import { socketOpenerOf } from './open-socket.ts';
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
  readonly giveUp: () => void;
}

export class UpstreamConnections implements ConnectionOwner {
  readonly settings: UpstreamSettings;
  /** The upstream answers by HTTP/1.0: it does not know `Expect` (RFC 9110 section 10.1.1). */
  isHttp10 = false;
  readonly #open: (onOpen: (opened: Socket | Outage) => void) => () => void;
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

  constructor(settings: UpstreamSettings) {
    this.settings = settings;
    this.#open = socketOpenerOf(settings);
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

  /** The connection was found closed: the seeker keeps its turn, and gets a fresh one. */
  renew(connection: UpstreamConnection, seeker: ConnectionSeeker): void {
    const { claim } = connection;
    if (claim === undefined) throw new Error('the connection was lent to nobody');
    connection.claim = undefined;
    if (!this.#isClosed) return this.#dial(seeker, claim);
    claim.giveBack();
    seeker.onRefused(outage('shutting_down'));
  }

  /** The connection was found closed when a request was written on it at `usedAtMs`. */
  noteStale(connection: UpstreamConnection, usedAtMs: number): void {
    this.#idleTrust.learn(usedAtMs - connection.idleSinceMs, performance.now());
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
    connection.claim?.giveBack();
    connection.claim = undefined;
    this.#keep(connection);
    this.#planLine();
  }

  onClosed(connection: UpstreamConnection, wasIdle: boolean): void {
    connection.claim?.giveBack();
    connection.claim = undefined;
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
    return this.#idle.length > 0 || this.#all.size + this.#openings.size < this.settings.connectionsMax;
  }

  /** The claim is taken, and there is room. */
  #provide(seeker: ConnectionSeeker, claim: ShareClaim): void {
    const connection = this.#idle.pop();
    if (connection === undefined) return this.#dial(seeker, claim);
    // One that is likely to be closed by the upstream now is not used for what cannot be sent twice.
    if (!seeker.isRepeatable && !this.#isTrusted(connection)) {
      this.#dial(seeker, claim);
      return connection.close();
    }
    connection.claim = claim;
    seeker.onConnection(connection);
  }

  #isTrusted(connection: UpstreamConnection): boolean {
    const nowMs = performance.now();
    return this.#idleTrust.trusts(nowMs - connection.idleSinceMs, nowMs);
  }

  #dial(seeker: ConnectionSeeker, claim: ShareClaim): void {
    const opening: Opening = {
      seeker,
      claim,
      giveUp: this.#open((opened) => this.#onOpened(opening, opened)),
    };
    this.#openings.add(opening);
  }

  #onOpened(opening: Opening, opened: Socket | Outage): void {
    this.#openings.delete(opening);
    const { seeker, claim } = opening;
    if ('kind' in opened) {
      if (seeker !== undefined) {
        claim.giveBack();
        seeker.onRefused(opened);
      }
      return this.#planLine();
    }
    const connection = new UpstreamConnection(opened, this, this.settings);
    if (this.#all.size === 0) this.#ticker = setInterval(() => this.#tick(), tickMs);
    this.#all.add(connection);
    if (seeker === undefined) return this.onIdle(connection);
    connection.claim = claim;
    seeker.onConnection(connection);
  }

  #tick(): void {
    for (const connection of this.#all) connection.tick();
  }

  #keep(connection: UpstreamConnection): void {
    connection.idleSinceMs = performance.now();
    this.#idle.push(connection);
    connection.rest(this.settings.keepAliveTimeoutMs);
    if (this.#isRetired && this.#line.length === 0) this.#closeIdle();
  }

  #closeIdle(): void {
    for (const connection of this.#idle.splice(0)) connection.close();
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
