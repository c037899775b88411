// Who gives a command, as far as rights and the audit ask.

import type { Identity } from '../decision/identity.ts';
import type { AuditVia } from '../store/records.ts';

/** A caller of a surface, whose identity has been found live, or ended where it only signs out. */
export interface Actor {
  readonly identity: Identity;
  /** The session has ended already: it may be ended once more, and nothing else. */
  readonly hasEnded?: true;
  /** Past trusted proxies. */
  readonly clientAddress: string;
  readonly requestId: string;
  /** For the audit: the door they came through, where that is not an API. */
  readonly via?: AuditVia | undefined;
}

/** Where a command came from, when nobody is known to have given it yet. */
export type Origin = Pick<Actor, 'clientAddress' | 'requestId' | 'via'>;
