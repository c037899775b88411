// Via (RFC 9110 section 7.6.3): each server that passes a message on adds its name. A request that carries ours already has been
// here before, and would come again: 508, as RFC 5842 section 7.2 calls a loop.

import { randomBytes } from 'node:crypto';
import type { Settings } from '../settings/settings.ts';

/** What Via says of this process; undefined where it says nothing. */
export interface ViaNames {
  /** The pseudonym, in requests. */
  readonly toApi: string | undefined;
  /** The whole value, in answers of the API. */
  readonly toCaller: string | undefined;
}

/** Each process has its own: replicas may pass requests on to each other, one by one. */
const processPseudonym = `tollgate-${randomBytes(6).toString('hex')}`;

export const viaNames = ({ to, pseudonym = processPseudonym }: Settings['via']): ViaNames => ({
  toApi: to === 'api' || to === 'both' ? pseudonym : undefined,
  toCaller: to === 'caller' || to === 'both' ? `1.1 ${pseudonym}` : undefined,
});

/**
 * Whether a pseudonym stands in Via, in any case and also in a comment: one that a caller leaves open would otherwise hide all
 * that is added behind it. A port belongs to the name before it.
 */
export const namesPseudonym = (via: string, pseudonym: string): boolean =>
  via
    .toLowerCase()
    .split(/[\s,()]+/)
    .some((word) => word.replace(/:\d*$/, '') === pseudonym.toLowerCase());
