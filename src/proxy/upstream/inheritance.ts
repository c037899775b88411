// What lives on when a reload puts other upstreams in place of those before. What is under way goes on either way.

import { isDeepStrictEqual } from 'node:util';
import type { UpstreamSettings } from '../../settings/settings.ts';

export interface Inheritance<T> {
  readonly byUpstream: ReadonlyMap<string, T>;
  /** Of those before: they end by themselves. */
  readonly retired: readonly T[];
}

interface OfUpstream {
  readonly settings: UpstreamSettings;
}

/**
 * Takes over from `before` what was made from the same settings, and makes the rest, of what there is `of` each upstream.
 * `isGone`: nothing is under way on it.
 */
export const inherit = <Of extends OfUpstream, T extends OfUpstream>(
  of: Iterable<readonly [name: string, Of]>,
  before: Inheritance<T> | undefined,
  make: (of: Of) => T,
  isGone: (part: T) => boolean,
): Inheritance<T> => {
  const byUpstream = new Map<string, T>();
  for (const [name, each] of of) {
    const known = before?.byUpstream.get(name);
    const isSame = known !== undefined && isDeepStrictEqual(known.settings, each.settings);
    byUpstream.set(name, isSame ? known : make(each));
  }
  const kept = new Set(byUpstream.values());
  const earlier = [...(before?.retired ?? []), ...(before?.byUpstream.values() ?? [])];
  return { byUpstream, retired: earlier.filter((part) => !kept.has(part) && !isGone(part)) };
};
