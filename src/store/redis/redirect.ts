// A Cluster's redirections: `MOVED 866 10.0.0.1:6379` (the slot lives there now), `ASK ...` (only this once).

import type { Address } from './directory.ts';

export interface Redirect {
  readonly to: Address;
  readonly isAsking: boolean;
}

/** Undefined when the error is none. An empty host means the one that answered. */
export const parseRedirect = (error: unknown, answeredBy: string | undefined): Redirect | undefined => {
  if (!(error instanceof Error)) return undefined;
  const match = /^(MOVED|ASK) \d{1,5} (.*):(\d{1,5})$/.exec(error.message);
  if (match === null) return undefined;
  const host = match[2] || answeredBy;
  if (host === undefined) return undefined;
  return { to: { host, port: Number(match[3]) }, isAsking: match[1] === 'ASK' };
};
