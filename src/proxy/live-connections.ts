// The connections that outlive the decision that let them in: upgraded sockets and long streaming responses. Each is
// known by its identity, so that a revocation, an expiry or the shutdown ends it. It ends them; it never decides who
// may connect.

import type { Identity, Standing } from '../decision/identity.ts';
import { type Denial, denial, type Outage, outage } from '../decision/outcome.ts';

/** Ends one connection; called at most once, with the reason for the log. */
export type EndConnection = (reason: Denial | Outage) => void;

export interface LiveConnections {
  /** Registers a connection (`identity` undefined: a public route, ended only by `endAll`); returns its removal. */
  add(identity: Identity | undefined, end: EndConnection): () => void;
  /** Ends every connection whose identity has expired or no longer stands; returns how many. */
  sweep(standing: (identity: Identity) => Standing, nowMs: number): number;
  /** Ends them all: the process is shutting down. */
  endAll(): void;
  readonly size: number;
}

interface Entry {
  readonly identity: Identity | undefined;
  readonly end: EndConnection;
}

export const createLiveConnections = (): LiveConnections => {
  const entries = new Set<Entry>();
  const end = (entry: Entry, reason: Denial | Outage): void => {
    entries.delete(entry);
    entry.end(reason);
  };
  return {
    add: (identity, endConnection) => {
      const entry = { identity, end: endConnection };
      entries.add(entry);
      return () => void entries.delete(entry);
    },
    sweep: (standing, nowMs) => {
      let ended = 0;
      for (const entry of entries) {
        const reason = entry.identity === undefined ? undefined : fallOf(entry.identity, standing, nowMs);
        if (reason === undefined) continue;
        end(entry, reason);
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
 * Why a connection may not go on; undefined when it may. `outdated` ends it: the user's state or roles have changed since
 * it was let in, and only a new request is judged again. `unknown` does not: a silent feed says nothing against it.
 */
const fallOf = (
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
