// What lives on when a reload puts other upstreams in place of those before. What is under way goes on either way.

import { isDeepStrictEqual } from 'node:util';
import type { UpstreamSettings } from '../../settings/settings.ts';

export interface Inheritance<T> {
  readonly byUpstream: ReadonlyMap<string, T>;
  /** Of those before: they end by themselves. */
  readonly retired: readonly T[];
}

/** Takes over from `before` what was made from the same settings, and makes the rest. `isGone`: nothing is under way on it. */
export const inherit = <T extends { readonly settings: UpstreamSettings }>(
  upstreams: Readonly<Record<string, UpstreamSettings>>,
  before: Inheritance<T> | undefined,
  make: (settings: UpstreamSettings) => T,
  isGone: (part: T) => boolean,
): Inheritance<T> => {
  const byUpstream = new Map<string, T>();
  for (const [name, settings] of Object.entries(upstreams)) {
    const known = before?.byUpstream.get(name);
    const isSame = known !== undefined && isDeepStrictEqual(known.settings, settings);
    byUpstream.set(name, isSame ? known : make(settings));
  }
  const kept = new Set(byUpstream.values());
  const earlier = [...(before?.retired ?? []), ...(before?.byUpstream.values() ?? [])];
  return { byUpstream, retired: earlier.filter((part) => !kept.has(part) && !isGone(part)) };
};
