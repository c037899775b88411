import t from 'tap';
import {
  isOutage,
  isProblem,
  isSessionLost,
  readProblem,
  unreachable,
} from '../../src/console/api/problem.ts';
import { count, either, list, nullable, object, oneOf, text } from '../../src/console/api/reader.ts';
import { forgetDrafts, createDraft } from '../../src/console/session/drafts.ts';
import { forgetSecret, shownSecret, showSecret } from '../../src/console/session/shown-secret.ts';

t.test('an answer of another shape is not believed', async (t) => {
  const read = object({
    id: text,
    state: oneOf('active', 'revoked'),
    note: nullable(text),
    tags: list(text),
  });
  t.same(read({ id: 'a', state: 'active', tags: ['x'], more: 1 }), {
    id: 'a',
    state: 'active',
    note: null,
    tags: ['x'],
  });
  for (const bad of [
    null,
    'text',
    {},
    { id: 1, state: 'active', tags: [] },
    { id: 'a', state: 'other', tags: [] },
    { id: 'a', state: 'active', tags: [1] },
    { id: 'a', state: 'active', tags: 'x' },
  ])
    t.throws(() => read(bad), { message: /^The answer has no / }, JSON.stringify(bad));
  t.equal(either(oneOf('all'), count)(3), 3);
});

t.test('a problem is read from what the server says, or from the status alone', async (t) => {
  const full = readProblem(
    400,
    { code: 'request_malformed', detail: 'No.', errors: [{ pointer: '/name', detail: 'Give a string.' }, 7] },
    null,
  );
  t.match(full, { code: 'request_malformed', detail: 'No. /name: Give a string.' });
  t.match(readProblem(503, undefined, '7'), { code: 'unavailable', retryAfterSeconds: 7 });
  t.match(readProblem(418, 'tea', 'soon'), { code: 'unexpected', retryAfterSeconds: undefined });
  t.ok(isOutage(readProblem(504, undefined, null)));
  t.ok(isOutage(unreachable));
  t.notOk(isOutage(readProblem(500, { code: 'internal' }, null)));
  t.ok(isSessionLost(readProblem(401, { code: 'credential_invalid' }, null)));
  t.ok(isProblem(unreachable));
  t.notOk(isProblem({ id: 'a' }));
  t.notOk(isProblem(undefined));
});

t.test('the secret is shown for its token, and once it is forgotten for none', async (t) => {
  const token = {
    id: 'one',
    org: 'acme',
    user: 'ann',
    name: 'build',
    scopes: 'all',
    state: 'active',
    origin: 'created',
    openid: false,
    remindBefore: null,
    allowFrom: null,
    createdAt: '',
    expiresAt: null,
    revokedAt: null,
    lastUsedAt: null,
    secretNumber: 0,
    previousSecretExpiresAt: null,
    secret: 's',
  } as const;
  showSecret(token);
  t.equal(shownSecret('two'), undefined);
  t.equal(shownSecret('one'), token);
  forgetSecret();
  t.equal(shownSecret('one'), undefined);
});

t.test('drafts are forgotten all at once', async (t) => {
  const draft = createDraft<{ name: string }>();
  draft.value = { name: 'typed' };
  forgetDrafts();
  t.equal(draft.value, undefined);
});
