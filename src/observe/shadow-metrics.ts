// What routes in shadow mode would have decided: counted when it is decided, because a tunnel ends when it likes.

import type { Refusal } from '../decision/outcome.ts';
import type { LiveSeries } from './live-series.ts';

/** Counts one decision. `route`: a name from the settings, or `(none)`; callers invent none. */
export type CountShadow = (route: string, verdict: Refusal | 'permit') => void;

export const createShadowMetrics = (series: LiveSeries): CountShadow => {
  /** `<route> <result> <reason>`: none of them holds a blank. */
  const counts = new Map<string, number>();
  series.counter(
    'tollgate_shadow_decisions_total',
    'What routes in shadow mode would have decided, by route, result and reason; every request went on.',
    function* () {
      for (const [key, value] of counts) {
        const [route = '', result = '', reason = ''] = key.split(' ');
        yield { labels: { route, result, reason }, value };
      }
    },
  );
  return (route, verdict) => {
    const key = verdict === 'permit' ? `${route} permit none` : `${route} ${verdict.kind} ${verdict.reason}`;
    counts.set(key, (counts.get(key) ?? 0) + 1);
  };
};
