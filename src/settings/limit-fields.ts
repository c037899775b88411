// The fields of rate limits and quotas, as a person writes them.

import { field, group } from './field.ts';
import { duration } from './quantity.ts';
import { count, listOf, oneOf, refined, right, wrong } from './reader.ts';
import { name } from './route-fields.ts';

/** Replicas hold what they were granted at least this long: a bucket that holds less would overflow meanwhile. */
export const leaseMsMin = 50;

const seconds = refined(duration('1s', '1h'), (ms) =>
  ms % 1_000 === 0 ? right(ms) : wrong('is no whole number of seconds; write 1s, 10s, 1m or the like'),
);

const requestsMax = 1_000_000_000;

const per = field(
  oneOf('token', 'user', 'org', 'route', 'address'),
  'Who has a count of their own: each API token (a session without one by itself), user, org, route, or address of callers (IPv6: a /64). The first three count no callers without an identity.',
);

const routes = field(listOf(name, 1), 'Names of the routes it is for. Default: all.').optional();

const limitName = field(name, 'Names it in answers, metrics and logs; unique among limits and quotas.');

export const rateLimitFields = group({
  name: limitName,
  per,
  routes,
  requests: field(count(1, requestsMax), 'How many requests may pass in each `window`, over time.'),
  windowMs: field(seconds, 'In which time.').prefault('1s'),
  burst: field(count(1, requestsMax), 'How many may pass at once. Default: `requests`.').optional(),
});

export const quotaFields = group({
  name: limitName,
  per,
  routes,
  requests: field(count(1, requestsMax), 'How many requests may pass in each `period`.'),
  period: field(oneOf('day', 'month'), 'Days and months of the calendar, in UTC.'),
});
