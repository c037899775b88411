// The bench says what its rounds say, and nothing where they disagree.

import t from 'tap';
import { ratios, report, roundsMin, verdictOn } from './report.ts';

t.test('a verdict needs rounds that agree', async (t) => {
  for (const [sentence, values, verdict] of [
    ['all within', [1.1, 1.12, 1.15, 1.1, 1.2], 'met'],
    ['all beyond', [1.4, 1.41, 1.39, 1.45, 1.5], 'NOT met'],
    ['one outlier of five', [1.1, 1.12, 1.15, 1.1, 3], 'met'],
    ['on both sides of it', [1.2, 1.3, 1.2, 1.3, 1.24], 'too noisy'],
    ['far apart, though all within', [0.4, 0.6, 0.9, 1.2, 0.5], 'too noisy'],
    ['a reading of memory', [1.2], 'met'],
    ['nothing', [], 'not measured'],
    ['half of a pair is missing', [Number.NaN, 1], 'not measured'],
  ] as const)
    t.equal(verdictOn(values, 1.25), verdict, sentence);
});

t.test('two subjects are compared round by round', async (t) => {
  t.same(ratios([100, 200, 300], [50, 100, 150]), [2, 2, 2], 'a machine that slows down slows both');
  const noisy = [1, 3, 1, 3, 1];
  const text = report({
    cpu: new Map([
      ['bare undici', noisy.map((factor) => 100 * factor)],
      ['tollgate, cached API token', noisy.map((factor) => 110 * factor)],
      ['tollgate, cached access token', noisy.map((factor) => 120 * factor)],
    ]),
    p50: new Map(),
    idleMb: 100,
    fullMb: 0,
    identities: 0,
  });
  t.match(text, /cached \/ bare undici +1\.20 +1\.25 {2}met/);
  t.match(text, /cached \/ bare http-proxy +NaN +0\.45 {2}not measured/);
  t.ok(roundsMin >= 5);
});
