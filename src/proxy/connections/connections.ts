// What is remembered of each caller's connection: who is at its other end, the request under way on it, and those that
// wait behind it. Forgotten with the connection.

import type { Socket } from 'node:net';
import { addressBlockOf } from '../../identity/address-block.ts';
import { Pipeliners } from './input-pieces.ts';
import { addressOf, describePeer, type Peer, type TrustsAddress } from '../peer.ts';
import type { Connection, RequestContext } from '../request-context.ts';
import { type PipelinedRequest, WaitingLine, type WaitingRoom } from './waiting-line.ts';

/** What all connections have in common. */
interface Shared {
  readonly room: WaitingRoom;
  readonly turns: Turns;
  readonly pipeliners: Pipeliners;
}

/** Beyond so many requests waiting a caller is read in small pieces. */
const readAheadMax = 64;

export class CallerConnection implements Connection {
  peer: Peer;
  context: RequestContext | undefined;
  isClosing = false;
  isBusy = false;
  /** The turn in which it last began a request by itself. */
  lastTurn = 0;
  refusals = 0;
  #trusts: TrustsAddress;
  readonly #socket: Socket;
  readonly #shared: Shared;
  /** Few callers ever need one. */
  #line: WaitingLine | undefined;

  constructor(socket: Socket, trusts: TrustsAddress, shared: Shared) {
    this.#socket = socket;
    this.#trusts = trusts;
    this.peer = describePeer(socket, trusts);
    this.#shared = shared;
  }

  /** Who is believed may change while the connection lasts. */
  judgeBy(trusts: TrustsAddress): void {
    if (this.#trusts === trusts) return;
    this.#trusts = trusts;
    this.peer = describePeer(this.#socket, trusts);
  }

  /** Whether a request that comes now begins now. */
  get isFree(): boolean {
    return !this.isBusy && !this.hasWaiting && this.#shared.turns.isFree(this);
  }

  /** A request begins as soon as it is read. */
  takeTurn(): void {
    this.#shared.turns.take(this);
  }

  get hasWaiting(): boolean {
    return this.#line !== undefined && this.#line.length > 0;
  }

  passOn(): void {
    this.isBusy = false;
    if (this.hasWaiting) this.#shared.turns.wait(this);
  }

  /** Begins one request. */
  onTurn(): void {
    if (!this.isBusy) this.#line?.next();
  }

  countRefusal(isRefused: boolean): void {
    this.refusals = isRefused ? this.refusals + 1 : 0;
  }

  /** Lets it wait until those before it are over. */
  hold(request: PipelinedRequest): void {
    this.#line ??= new WaitingLine(this.#socket, this.#shared.room);
    this.#line.add(request);
    if (this.#line.length === readAheadMax)
      this.#shared.pipeliners.note(addressBlockOf(this.peer.address), this.#socket);
    if (!this.isBusy) this.#shared.turns.wait(this);
  }

  /** Runs `act` once no request waits any more; never, if they go with their caller. */
  afterWaiting(act: () => void): void {
    if (this.hasWaiting) this.#line?.afterLast(act);
    else act();
  }
}

export class Connections {
  readonly #shared: Shared;
  readonly #bySocket = new WeakMap<Socket, CallerConnection>();

  /** @param begin begins a request whose turn has come. */
  constructor(begin: (request: PipelinedRequest) => void) {
    const room = { waiting: 0, begin };
    this.#shared = { room, turns: new Turns(), pipeliners: new Pipeliners() };
  }

  /** A new connection, before anything of it is read. */
  meet(socket: Socket): void {
    const { pipeliners } = this.#shared;
    if (pipeliners.size > 0) pipeliners.meet(addressBlockOf(addressOf(socket)), socket);
  }

  /** It becomes a tunnel: its bytes are no requests any more. */
  release(socket: Socket): void {
    this.#shared.pipeliners.release(socket);
  }

  of(socket: Socket, trusts: TrustsAddress): CallerConnection {
    const known = this.#bySocket.get(socket);
    if (known !== undefined) {
      known.judgeBy(trusts);
      return known;
    }
    const connection = new CallerConnection(socket, trusts, this.#shared);
    this.#bySocket.set(socket, connection);
    return connection;
  }
}

/** Requests of those that wait begun in one turn, of all connections together: about a millisecond of refusals. */
const perTurnMax = 16;

/** Turns of the event loop. Node's parser hands on a whole piece of input: a connection begins one request of it in a turn. */
class Turns {
  #turn = 1;
  #isArmed = false;
  /** The first has waited longest. */
  readonly #waiting = new Set<CallerConnection>();

  /** Whether the connection has begun no request in this turn. */
  isFree(connection: CallerConnection): boolean {
    return connection.lastTurn !== this.#turn;
  }

  /** Uses the connection's turn. */
  take(connection: CallerConnection): void {
    connection.lastTurn = this.#turn;
    this.#arm();
  }

  /** Calls `onTurn` once, in a later turn, after those that wait already. */
  wait(connection: CallerConnection): void {
    this.#waiting.add(connection);
    this.#arm();
  }

  #arm(): void {
    if (this.#isArmed) return;
    this.#isArmed = true;
    setImmediate(this.#onTurn);
  }

  /** Between two times that input is read: what begins here belongs to the turn that ends. */
  readonly #onTurn = (): void => {
    let left = Math.min(perTurnMax, this.#waiting.size);
    try {
      for (const connection of this.#waiting) {
        if (left === 0) break;
        left -= 1;
        this.#waiting.delete(connection);
        connection.onTurn();
      }
    } finally {
      this.#turn += 1;
      this.#isArmed = false;
      if (this.#waiting.size > 0) this.#arm();
    }
  };
}
