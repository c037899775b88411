import t from 'tap';
import { createDates } from '../../src/console/words/dates.ts';
import { amountMs, amountOf, durationOf, parseDuration } from '../../src/console/words/duration.ts';

const now = Date.parse('2026-11-27T20:15:00Z');
const at = (ms: number): string => new Date(now + ms).toISOString();
const minute = 60_000;
const hour = 60 * minute;
const day = 24 * hour;
const blanks = (text: string): string => text.replaceAll(/\s/g, ' ');

t.test('a time is written in the person’s zone and language', async (t) => {
  const paris = createDates('fr', 'Europe/Paris');
  t.match(paris.dateTime('2026-11-27T23:30:00Z'), /28 nov\. 2026/);
  t.match(paris.exact('2026-11-27T23:30:15Z'), /samedi 28 novembre 2026.*00:30:15/);
  const tokyo = createDates('en', 'Asia/Tokyo');
  t.match(tokyo.exact('2026-11-27T23:30:15Z'), /Saturday, November 28, 2026.*8:30:15/);
});

t.test('a day of UTC is the same day in every zone', async (t) => {
  for (const zone of ['Pacific/Honolulu', 'Asia/Tokyo'])
    t.equal(createDates('en', zone).day('2026-11-27'), 'Nov 27, 2026', zone);
});

t.test('how soon and how long ago', async (t) => {
  const { relative } = createDates('en', 'UTC');
  t.equal(relative(at(3 * day), now), 'in 3 days');
  t.equal(relative(at(3 * day - minute), now), 'in 3 days', 'a moment after it was made');
  t.equal(relative(at(2.5 * day), now), 'in 2 days', 'not more than is left');
  t.equal(relative(at(180 * day - minute), now), 'in 6 months');
  t.equal(relative(at(-90 * minute), now), '90 minutes ago');
  t.equal(relative(at(-5 * hour), now), '5 hours ago');
  t.equal(relative(at(20_000), now), 'in 20 seconds');
  t.equal(relative(at(3 * 365 * day), now), 'in 3 years');
  t.match(createDates('ru', 'UTC').relative(at(5 * day), now), /через 5 дней/);
});

t.test('durations in words', async (t) => {
  const { duration } = createDates('en', 'UTC');
  t.equal(duration(14 * day), '14 days');
  t.equal(duration(hour), '1 hour');
  t.equal(duration(90 * minute), '90 minutes');
  t.equal(duration(0), '0 seconds');
  t.equal(blanks(createDates('es', 'UTC').duration(day)), '1 día');
});

t.test('durations of the API are read and written', async (t) => {
  t.equal(parseDuration('P14D'), 14 * day);
  t.equal(parseDuration('P2W'), 14 * day);
  t.equal(parseDuration('P1DT2H3M4S'), day + 2 * hour + 3 * minute + 4000);
  t.equal(parseDuration('PT0S'), 0);
  for (const bad of ['', 'P', 'PT', '14D', 'P1M', 'P-1D', 'never'])
    t.equal(parseDuration(bad), undefined, bad);
  t.equal(durationOf(180 * day), 'P180D');
  t.equal(durationOf(90 * minute), 'PT90M');
});

t.test('an amount and its unit', async (t) => {
  t.equal(amountMs({ amount: ' 2 ', unit: 'weeks' }), 14 * day);
  for (const bad of ['', '0', '-1', '1.5', 'x', '1e3', '1234567'])
    t.equal(amountMs({ amount: bad, unit: 'days' }), undefined, bad);
  t.same(amountOf(180 * day), { amount: '6', unit: 'months' });
  t.same(amountOf(365 * day), { amount: '365', unit: 'days' });
  t.same(amountOf(90 * minute), { amount: '90', unit: 'minutes' });
});
