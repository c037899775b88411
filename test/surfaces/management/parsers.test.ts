// What the management surface reads, for any input: durations, cursors, bodies, the memory of idempotency keys.

import * as fc from 'fast-check';
import t from 'tap';
import { durationMs, durationOf, durationPattern } from '../../../src/surfaces/management/duration.ts';
import { createSentBefore } from '../../../src/surfaces/management/sent-before.ts';
import { startManagement } from './management-server.ts';

t.test('a duration is read as it was written', async (t) => {
  for (const [text, ms] of [
    ['PT0S', 0],
    ['PT1S', 1_000],
    ['PT90M', 5_400_000],
    ['P1D', 86_400_000],
    ['P2W', 1_209_600_000],
    ['P1DT2H3M4S', 93_784_000],
  ] as const) {
    t.match(text, durationPattern);
    t.equal(durationMs(text), ms, text);
  }
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 4_000_000_000 }), (seconds) => {
      const text = durationOf(seconds * 1000);
      return durationPattern.test(text) && durationMs(text) === seconds * 1000;
    }),
  );
});

t.test('no text is a duration unless it says how long', async (t) => {
  const pieces = fc.constantFrom('P', 'T', '1', '12', 'W', 'D', 'H', 'M', 'S', 'Y', '.', '-', ' ', '\n');
  fc.assert(
    fc.property(fc.array(pieces, { maxLength: 9 }), (words) => {
      const text = words.join('');
      if (!durationPattern.test(text)) return true;
      return /\d/.test(text) && Number.isFinite(durationMs(text)) && !/[Y.\- \n]/.test(text);
    }),
    { numRuns: 2_000 },
  );
  t.notMatch(`P${'9'.repeat(100_000)}`, durationPattern, 'nor does a long one take long');
});

t.test('a key is remembered with its order, for as many as there is room', async (t) => {
  const before = createSentBefore();
  const place = ['acme', 'ann', 'token', 'key'];
  t.equal(before.isAnother(place, { overlapMs: 1 }), false);
  before.note(place, { overlapMs: 1 });
  t.equal(before.isAnother(place, { overlapMs: 1 }), false);
  t.equal(before.isAnother(place, { overlapMs: 2 }), true);
  t.equal(before.isAnother(['acme', 'ben', 'token', 'key'], { overlapMs: 2 }), false);
  for (let index = 0; index < 10_000; index++) before.note([String(index)], {});
  t.equal(before.isAnother(place, { overlapMs: 2 }), false, 'what was sent longest ago is forgotten');
});

t.test(
  'whatever JSON is sent, the answer is a problem or the deed, never a fault of the server',
  async (t) => {
    const server = await startManagement(t);
    const ann = await server.signIn();
    const member = fc.constantFrom(
      'name',
      'scopes',
      'lifetime',
      'openid',
      'remindBefore',
      'overlap',
      'state',
      'x',
    );
    const likely = fc.oneof(fc.constantFrom('all', 'never', 'P1D', 'things:read', '', 'x'), fc.jsonValue());
    const { record } = await server.token();
    const operations = [
      'POST /orgs/acme/users/ann/api-tokens',
      `POST /orgs/acme/api-tokens/${record.id}/regenerate`,
      'PATCH /orgs/acme/users/ben',
      'PUT /orgs/acme/users/ann/password',
      'POST /sessions',
      'POST /api-tokens/details',
    ];
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom(...operations),
        fc.oneof(fc.dictionary(member, likely, { maxKeys: 5 }), fc.jsonValue()),
        async (operation, body) => {
          const reply = await server.order(ann, operation, body);
          if (reply.status < 300) return true;
          return reply.status < 500 && typeof reply.body['code'] === 'string';
        },
      ),
      { numRuns: 150 },
    );
    t.notOk(server.outcomes.some(({ result }) => result === 'bug' || result === 'outage'));
  },
);
