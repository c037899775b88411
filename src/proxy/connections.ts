// What is remembered of each caller's connection: who is at its other end, the request under way on it, and those that
// wait behind it. Forgotten with the connection.

import type { Socket } from 'node:net';
import type { Connection, Passage } from './passage.ts';
import { describePeer, type Peer, type TrustsAddress } from './peer.ts';
import { type Arrival, WaitingLine, type WaitingRoom } from './waiting-line.ts';

export class CallerConnection implements Connection {
  readonly peer: Peer;
  passage: Passage | undefined;
  isClosing = false;
  isBusy = false;
  readonly #socket: Socket;
  readonly #room: WaitingRoom;
  /** Few callers ever need one. */
  #line: WaitingLine | undefined;

  constructor(socket: Socket, peer: Peer, room: WaitingRoom) {
    this.#socket = socket;
    this.peer = peer;
    this.#room = room;
  }

  get hasWaiting(): boolean {
    return this.#line !== undefined && !this.#line.isEmpty;
  }

  passOn(): void {
    this.isBusy = false;
    this.#line?.next();
  }

  /** Lets it wait until those before it are over. */
  hold(arrival: Arrival): void {
    this.#line ??= new WaitingLine(this.#socket, this.#room);
    this.#line.add(arrival);
  }

  /** Runs `act` once no request waits any more; never, if they go with their caller. */
  afterWaiting(act: () => void): void {
    if (this.hasWaiting) this.#line?.afterLast(act);
    else act();
  }
}

export class Connections {
  readonly #trusts: TrustsAddress;
  readonly #room: WaitingRoom;
  readonly #bySocket = new WeakMap<Socket, CallerConnection>();

  /** @param begin begins a request whose turn has come. */
  constructor(trusts: TrustsAddress, begin: (arrival: Arrival) => void) {
    this.#trusts = trusts;
    this.#room = { waiting: 0, begin };
  }

  of(socket: Socket): CallerConnection {
    const known = this.#bySocket.get(socket);
    if (known !== undefined) return known;
    const connection = new CallerConnection(socket, describePeer(socket, this.#trusts), this.#room);
    this.#bySocket.set(socket, connection);
    return connection;
  }
}
