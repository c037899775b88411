// Every request until its answer has gone, and what outlives the decision that let it in: upgraded sockets and long streaming
// responses. A revocation ends either, an expiry or the shutdown a live connection.

import type { Permit } from '../../decision/authorize.ts';
import type { Identity, Standing } from '../../decision/identity.ts';
import { type Denial, denial, type Outage, outage } from '../../decision/outcome.ts';

/** It uploads, waits for its answer, or the answer comes without a pause; later perhaps it is a live connection. */
export interface RequestUnderWay {
  readonly permit: Pick<Permit, 'kind' | 'identity'>;
  /** Its index among the requests that are watched; -1: not watched. Changed by LiveConnections alone. */
  index: number;
  /** An upgraded socket, or a response that is slow or long: it ends with its token too. Changed by LiveConnections alone. */
  isLive: boolean;
  /** Called at most once, with the reason for the log. */
  end(reason: Denial | Outage): void;
}

/**
 * The requests are an array, each knowing its index. A `Set` replaces its table every few dozen requests, and the tables that
 * had grown old kept what they once held: a quarter of all a request allocates then survived its first collection.
 */
export class LiveConnections {
  readonly #requests: RequestUnderWay[] = [];

  /** On every request, until `unwatch`. */
  watch(request: RequestUnderWay): void {
    if (boundIdentity(request) !== undefined) this.#add(request);
  }

  /** It is a live connection from now on. One without an identity, on a public route, is ended by `endAll` alone. */
  watchLive(request: RequestUnderWay): void {
    request.isLive = true;
    this.#add(request);
  }

  unwatch(request: RequestUnderWay): void {
    const { index } = request;
    if (index < 0) return;
    request.index = -1;
    const last = this.#requests.pop();
    if (last === undefined || last === request) return;
    this.#requests[index] = last;
    last.index = index;
  }

  /** Ends what was revoked, and the live connections whose identity has expired; returns how many. */
  sweep(standing: (identity: Identity) => Standing, nowMs: number): number {
    return this.#endAllFor((request) => {
      const identity = boundIdentity(request);
      return identity && reasonToEnd(identity, standing(identity), request.isLive, nowMs);
    });
  }

  /** Ends all live connections: the process is shutting down. */
  endAll(): void {
    this.#endAllFor(({ isLive }) => (isLive ? outage('shutting_down') : undefined));
  }

  /** Live connections, without requests under way. */
  get size(): number {
    return this.#requests.filter(({ isLive }) => isLive).length;
  }

  #add(request: RequestUnderWay): void {
    if (request.index >= 0) return;
    request.index = this.#requests.length;
    this.#requests.push(request);
  }

  #endAllFor(reasonFor: (request: RequestUnderWay) => Denial | Outage | undefined): number {
    let ended = 0;
    // A copy: whatever ends may take others out.
    for (const request of this.#requests.slice()) {
      const reason = request.index < 0 ? undefined : reasonFor(request);
      if (reason === undefined) continue;
      this.unwatch(request);
      request.end(reason);
      ended += 1;
    }
    return ended;
  }
}

/** The identity whose revocation or expiry ends what a permit let in; undefined: none, as in shadow mode. */
const boundIdentity = ({ permit }: RequestUnderWay): Identity | undefined =>
  permit.kind === 'shadow' ? undefined : permit.identity;

/** Undefined when it may go on. `unknown` ends nothing: a silent feed says nothing against anybody. */
const reasonToEnd = (
  identity: Identity,
  standing: Standing,
  isLive: boolean,
  nowMs: number,
): Denial | Outage | undefined => {
  if (isLive && nowMs >= identity.expiresAtMs) return denial('token_expired');
  switch (standing) {
    case 'revoked':
      return denial('token_revoked', identity.tokenId);
    case 'ended':
      return denial('session_ended', identity.sessionId);
    case 'outdated':
      // The user's state or roles have changed, and only a new request is judged again. That may be no fault of the caller's
      // (a role was added): where it can still be answered, it is asked to send the request again.
      return isLive
        ? denial('session_ended', identity.sessionId)
        : outage('store_unavailable', new Error('the account was changed while the request was under way'));
    case 'live':
    case 'unknown':
    case 'unread':
      return undefined;
  }
};
