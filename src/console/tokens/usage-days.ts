// Every day of a period with its requests, also the days without any, of which the server says nothing.

import type { Usage } from '../api/shapes.ts';

const dayMs = 24 * 3600 * 1000;
/** More than the pages ask for: a period that the server answers cannot fill the page. */
const daysMax = 400;

export const daysOf = ({
  from,
  to,
  days,
}: Pick<Usage, 'from' | 'to' | 'days'>): readonly { readonly day: string; readonly requests: number }[] => {
  const requests = new Map(days.map((each) => [each.day, each.requests]));
  const count = Math.min(daysMax, Math.max(0, (Date.parse(to) - Date.parse(from)) / dayMs + 1));
  return Array.from({ length: count }, (_, index) => {
    const day = new Date(Date.parse(from) + index * dayMs).toISOString().slice(0, 10);
    return { day, requests: requests.get(day) ?? 0 };
  });
};
