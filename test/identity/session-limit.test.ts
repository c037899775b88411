import t from 'tap';
import { createSessionLimit } from '../../src/identity/session-limit.ts';
import { sessionIdentity } from './harness.ts';

t.test('an API token may begin so many sessions in a minute, and end as many; another one too', async (t) => {
  let nowMs = 1_000;
  const limit = createSessionLimit(2, () => nowMs);
  const holder = sessionIdentity({ tokenId: 'token-1' });
  t.same(
    [1, 2, 3].map(() => limit.mayBegin(holder)),
    [true, true, false],
  );
  t.same(
    [1, 2, 3].map(() => limit.mayEnd(holder)),
    [true, true, false],
  );
  t.ok(limit.mayBegin(sessionIdentity({ tokenId: 'token-2' })));
  nowMs = 60_999;
  t.notOk(
    limit.mayBegin(sessionIdentity({ tokenId: 'token-1', sessionId: 'another' })),
    'whatever the session',
  );
  nowMs = 61_001;
  t.ok(limit.mayBegin(holder), 'a minute after the first');
});

t.test('without an API token the session counts, and without a session the user', async (t) => {
  const limit = createSessionLimit(1);
  const session = (sessionId: string | undefined, userId: string) =>
    sessionIdentity({ tokenId: undefined, sessionId, user: { id: userId, name: '', roles: [] } });
  t.ok(limit.mayBegin(session('one', 'ada')));
  t.notOk(limit.mayBegin(session('one', 'ada')));
  t.ok(limit.mayBegin(session('two', 'ada')));
  t.ok(limit.mayBegin(session(undefined, 'ada')));
  t.notOk(limit.mayBegin(session(undefined, 'ada')));
  t.ok(limit.mayBegin(session(undefined, 'eve')));
});

t.test('0 is no limit', async (t) => {
  const limit = createSessionLimit(0);
  for (let times = 0; times < 100; times++)
    t.ok(limit.mayBegin(sessionIdentity()) && limit.mayEnd(sessionIdentity()));
});
