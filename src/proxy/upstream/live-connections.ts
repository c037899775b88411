// What outlives the decision that let it in: upgraded sockets and long streaming responses, and every request until its
// answer has gone. Each is known by its identity, so that a revocation ends it, and an expiry or the shutdown a live
// connection. It ends them; it never decides who may connect.

import type { Permit } from '../../decision/authorize.ts';
import type { Identity, Standing } from '../../decision/identity.ts';
import { type Denial, denial, type Outage, outage } from '../../decision/outcome.ts';

/** Ends one connection; called at most once, with the reason for the log. */
export type EndConnection = (reason: Denial | Outage) => void;

/** A request under way: it uploads, waits for its answer, or the answer comes without a pause. */
export interface RequestUnderWay {
  readonly identity: Identity | undefined;
  /** Its index among the requests that are watched; -1: not watched. Changed by LiveConnections alone. */
  index: number;
  /** Called at most once. It was let in before its token expired, so the expiry does not end it. */
  onRevoked(reason: Denial | Outage): void;
}

export interface LiveConnections {
  /** On every request: one entry in an array. Until `unwatch`, or until `add` takes over. */
  watch(request: RequestUnderWay): void;
  unwatch(request: RequestUnderWay): void;
  /** Registers a connection (`identity` undefined: a public route, ended only by `endAll`); returns its removal. */
  add(identity: Identity | undefined, end: EndConnection): () => void;
  /**
   * Ends every connection whose identity has expired or was revoked, and every request under way whose identity was
   * revoked; returns how many.
   */
  sweep(standing: (identity: Identity) => Standing, nowMs: number): number;
  /** Ends all connections: the process is shutting down. */
  endAll(): void;
  /** Live connections, without requests under way. */
  readonly size: number;
}

/** The identity whose revocation or expiry ends what a permit let in; undefined: none, as in shadow mode. */
export const boundIdentity = ({ kind, identity }: Permit): Identity | undefined =>
  kind === 'shadow' ? undefined : identity;

interface Entry {
  readonly identity: Identity | undefined;
  readonly end: EndConnection;
}

export const createLiveConnections = (): LiveConnections => {
  const entries = new Set<Entry>();
  const underWay = new UnderWay();
  const end = (entry: Entry, reason: Denial | Outage): void => {
    entries.delete(entry);
    entry.end(reason);
  };
  return {
    watch: (request) => {
      if (request.identity !== undefined) underWay.add(request);
    },
    unwatch: (request) => underWay.delete(request),
    add: (identity, endConnection) => {
      const entry = { identity, end: endConnection };
      entries.add(entry);
      return () => void entries.delete(entry);
    },
    sweep: (standing, nowMs) => {
      let ended = 0;
      for (const entry of entries) {
        const reason =
          entry.identity === undefined ? undefined : reasonToEnd(entry.identity, standing, nowMs);
        if (reason === undefined) continue;
        end(entry, reason);
        ended += 1;
      }
      for (const request of underWay.all()) {
        if (request.index < 0) continue;
        const reason =
          request.identity === undefined ? undefined : reasonToEndRequest(request.identity, standing);
        if (reason === undefined) continue;
        underWay.delete(request);
        request.onRevoked(reason);
        ended += 1;
      }
      return ended;
    },
    endAll: () => {
      for (const entry of entries) end(entry, outage('shutting_down'));
    },
    get size() {
      return entries.size;
    },
  };
};

/**
 * A set as an array, each member knowing its index. A `Set` replaces its table every few dozen requests, and the tables
 * that had grown old kept what they once held: a quarter of all a request allocates then survived its first collection.
 */
class UnderWay {
  readonly #requests: RequestUnderWay[] = [];

  add(request: RequestUnderWay): void {
    if (request.index >= 0) return;
    request.index = this.#requests.length;
    this.#requests.push(request);
  }

  delete(request: RequestUnderWay): void {
    const { index } = request;
    if (index < 0) return;
    request.index = -1;
    const last = this.#requests.pop();
    if (last === undefined || last === request) return;
    this.#requests[index] = last;
    last.index = index;
  }

  /** As they are now, whatever becomes of them meanwhile. */
  all(): readonly RequestUnderWay[] {
    return [...this.#requests];
  }
}

/**
 * Why a connection may not go on; undefined when it may. `outdated` ends it: the user's state or roles have changed since
 * it was let in, and only a new request is judged again. `unknown` does not: a silent feed says nothing against it.
 */
const reasonToEnd = (
  identity: Identity,
  standing: (identity: Identity) => Standing,
  nowMs: number,
): Denial | undefined => {
  if (nowMs >= identity.expiresAtMs) return denial('token_expired');
  switch (standing(identity)) {
    case 'revoked':
      return denial('token_revoked', identity.tokenId);
    case 'ended':
    case 'outdated':
      return denial('session_ended', identity.sessionId);
    case 'live':
    case 'unknown':
    case 'unread':
      return undefined;
  }
};

/**
 * As `reasonToEnd`, for a request that can still be answered. `outdated` may be no fault of the caller's (a role was added):
 * it is asked to send the request again, and then it is judged anew.
 */
const reasonToEndRequest = (
  identity: Identity,
  standing: (identity: Identity) => Standing,
): Denial | Outage | undefined => {
  const found = standing(identity);
  return found === 'outdated'
    ? outage('store_unavailable', new Error('the account was changed while the request was under way'))
    : reasonToEnd(identity, () => found, -Infinity);
};
