// Signing in and out through the management surface.

import t from 'tap';
import { example } from '../../../src/surfaces/management/examples.ts';
import { worldSettings } from '../../lifecycle/world.ts';
import { prefix, startManagement } from './management-server.ts';

const right = { org: example.org, user: example.user, password: example.password };

t.test('a password begins a session of a person, which may manage what its roles grant', async (t) => {
  const server = await startManagement(t);
  const reply = await server.order(undefined, 'POST /sessions', right);
  t.equal(reply.status, 201);
  t.equal(reply.header('cache-control'), 'no-store');
  t.equal(reply.header('location'), `${prefix}/sessions/current`);
  const { accessToken, ...shown } = reply.body as { accessToken: string };
  const expiresAt = new Date(Math.floor(server.now() / 1000) * 1000 + 30 * 60_000).toISOString();
  const session = {
    kind: 'interactive',
    org: { id: 'acme', name: 'Acme Inc.' },
    user: { id: 'ann', name: 'Ann', roles: ['owner'] },
    scopes: ['org:owner', 'things:read', 'things:write', 'tollgate:tokens:own'],
    issuer: 'https://id.example',
    apiTokenId: null,
    expiresAt,
  };
  t.same(shown, { tokenType: 'Bearer', expiresAt, session });
  t.same((await server.order(accessToken, 'GET /sessions/current')).body, session);
  t.equal((await server.order(accessToken, 'GET /orgs/acme/users/ann/api-tokens')).status, 200);
  t.match(server.outcomes[0], { route: 'management:sessions', identity: { user: { id: 'ann' } } });
});

t.test('an unknown user, a wrong password, none and a disabled account are one answer', async (t) => {
  const server = await startManagement(t);
  await server.accounts.setUserState('acme', 'ann', 'disabled');
  const answers = new Set<string>();
  for (const body of [
    right,
    { ...right, password: 'wrong' },
    { ...right, user: 'nobody' },
    { ...right, user: 'ben' },
    { ...right, org: 'nowhere' },
    { ...right, user: 'a/b' },
  ]) {
    const reply = await server.order(undefined, 'POST /sessions', body);
    t.match(reply, { status: 401, body: { code: 'sign_in_refused' } });
    t.match(reply.header('www-authenticate'), /^Bearer/);
    answers.add(reply.text);
  }
  t.equal(answers.size, 1);
  t.notMatch(JSON.stringify(server.outcomes), example.password);
});

t.test('too many wrong passwords are 429 with Retry-After, the right one too', async (t) => {
  const limits = { ...worldSettings.limits, signInFailuresPerAccount: 3 };
  const server = await startManagement(t, { limits });
  const attempt = (password: string) => server.order(undefined, 'POST /sessions', { ...right, password });
  for (let index = 0; index < 3; index++) t.equal((await attempt('wrong')).status, 401);
  const limited = await attempt(example.password);
  t.match(limited, { status: 429, body: { code: 'rate_limited' } });
  t.match(limited.header('retry-after'), /^\d+$/);
});

t.test('sign-out ends the session and not the API token behind it', async (t) => {
  const server = await startManagement(t);
  const ann = await server.signIn();
  const { secret } = await server.token();
  const session = await server.accessToken(secret);
  for (const who of [ann, session]) {
    t.same((await server.order(who, 'DELETE /sessions/current')).status, 204);
    t.match((await server.order(who, 'GET /sessions/current')).body, { code: 'credential_invalid' });
  }
  t.match(await server.order(secret, 'GET /sessions/current'), {
    status: 200,
    body: { kind: 'api_token', expiresAt: /^2/ },
  });
  t.match(await server.order(secret, 'DELETE /sessions/current'), {
    status: 409,
    body: { code: 'session_missing' },
  });
  await server.accessToken(secret);
});

t.test('one API token cannot have sessions ended without end', async (t) => {
  const limits = { ...worldSettings.limits, exchangesPerMinute: 4 };
  const server = await startManagement(t, { limits });
  const { secret } = await server.token();
  const statuses: number[] = [];
  const sessions = await Promise.all([1, 2, 3, 4].map(() => server.accessToken(secret)));
  for (const session of [...sessions, sessions[0]!])
    statuses.push((await server.order(session, 'DELETE /sessions/current')).status);
  t.same(statuses, [204, 204, 204, 204, 429]);
});

t.test('whoever is not believed is told once what to send', async (t) => {
  const server = await startManagement(t);
  const ann = await server.signIn();
  const get = (headers: readonly string[]) => server.send(`GET ${prefix}/sessions/current`, headers);
  t.match(await get([]), { status: 401, body: { code: 'credential_missing' } });
  for (const headers of [
    ['Authorization: Bearer nonsense'],
    ['Authorization: Basic YTpi'],
    [`Authorization: Bearer ${ann}x`],
    [`Authorization: Bearer ${ann}`, 'csp-auth-token: another'],
  ]) {
    const reply = await get(headers);
    t.match(reply.status, 401, headers.join());
    t.match(reply.header('www-authenticate'), /^Bearer realm="tollgate"/);
    t.match(reply.header('content-type'), /^application\/problem\+json/);
  }
  for (const headers of [[`authorization: bearer ${ann}`], [`csp-auth-token: ${ann}`]])
    t.equal((await get(headers)).status, 200);
  t.equal(
    (await server.send(`GET ${prefix}/sessions/current?access_token=${ann}`)).status,
    401,
    'never in the URL',
  );
});
