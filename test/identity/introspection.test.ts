// Tokens that are asked about at their issuer (RFC 7662), against a real endpoint whose answer each test writes: whatever it
// answers, nobody is let in by it who should not be, and no fault of it looks like a bad token.

import type { IncomingMessage, ServerResponse } from 'node:http';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import t, { type Test } from 'tap';
import { createRevoke } from '../../src/lifecycle/revoke.ts';
import type { IssuerSettings } from '../../src/settings/settings.ts';
import { digestOf } from '../../src/tokens/api-token.ts';
import { answerJson, type JwksServer, startJwksServer } from '../tokens/jwks-server.ts';
import { exampleToken } from '../contract/examples.ts';
import { openHarness, scopesOf, subjectOf, ttlMs } from './harness.ts';

const theirs = 'https://login.example';
const token = 'opaque-token-of-the-issuer-0001';
const cacheTtlMs = 10_000;
const negativeTtlMs = 5_000;
const from = (clientAddress: string) => ({ clientAddress, requestId: '' });

const issuerAt = (
  url: string,
  change: Partial<IssuerSettings> = {},
  how: Partial<NonNullable<IssuerSettings['introspection']>> = {},
): IssuerSettings => ({
  issuer: theirs,
  jwksUrl: undefined,
  ca: undefined,
  audiences: ['api'],
  audienceClaim: 'aud',
  advertised: true,
  algorithms: [],
  type: undefined,
  tokenAgeMsMax: 86_400_000,
  staleKeysMsMax: 0,
  claims: { org: 'tenant', user: 'sub', userName: 'name', scope: 'scope' },
  fixedOrg: undefined,
  orgs: undefined,
  sessions: undefined,
  scopePrefix: '',
  introspection: {
    url,
    method: 'basic',
    clientId: 'tollgate',
    clientSecret: 'a secret+',
    key: undefined,
    keyId: undefined,
    tokenPrefix: undefined,
    cacheTtlMs,
    negativeTtlMs,
    timeoutMs: 1_000,
    concurrencyMax: 64,
    newTokensPerSecond: 1_000,
    ...how,
  },
  ...change,
});

const nowSeconds = Math.floor(Date.now() / 1000);

const setUp = async (
  t: Test,
  change: Partial<IssuerSettings> = {},
  how: Partial<NonNullable<IssuerSettings['introspection']>> = {},
) => {
  const server = await startJwksServer(t, []);
  const harness = await openHarness(t, {}, { issuers: [issuerAt(server.url, change, how)] });
  const active = {
    active: true,
    iss: theirs,
    aud: 'api',
    sub: 'guest-7',
    tenant: harness.org.id,
    scope: 'things:read',
    token_type: 'Bearer',
    iat: nowSeconds - 10,
    exp: nowSeconds + 3_600,
  };
  server.answer = answerJson(active);
  return { ...harness, server, active };
};

/** Answers as given, and keeps what was asked. */
const listening = (server: JwksServer, body: unknown) => {
  const asked: { authorization: string | undefined; form: URLSearchParams }[] = [];
  server.answer = (request: IncomingMessage, response: ServerResponse): void => {
    void text(request).then((form) => {
      asked.push({ authorization: request.headers.authorization, form: new URLSearchParams(form) });
      answerJson(body)(request, response);
    });
  };
  return asked;
};

t.test(
  'an active token becomes the identity its response names, by the claims of the settings',
  async (t) => {
    const { ask, server, active, org } = await setUp(t, { scopePrefix: 'external/' });
    const asked = listening(server, { ...active, username: null, jti: 'T-1' });
    t.match(subjectOf(await ask(token)).identity, {
      authenticator: { name: 'introspection', credentialKind: 'access_token' },
      sessionKind: 'api_token',
      issuer: theirs,
      org: { id: org.id },
      user: { id: 'guest-7' },
      tokenId: undefined,
      generation: undefined,
      sessionId: `${theirs} T-1`,
    });
    t.same(scopesOf(await ask(token)), ['external/things:read']);
    t.equal(asked.length, 1, 'asked once');
    t.same(Object.fromEntries(asked[0]!.form), { token, token_type_hint: 'access_token' });
    const basic = asked[0]!.authorization?.replace('Basic ', '') ?? '';
    t.equal(Buffer.from(basic, 'base64').toString(), 'tollgate:a+secret%2B', 'RFC 6749 section 2.3.1');
  },
);

t.test('1,000 requests with one token at once ask its issuer once', async (t) => {
  const { ask, server } = await setUp(t);
  const answers = await Promise.all(Array.from({ length: 1_000 }, () => ask(token)));
  t.ok(answers.every((answer) => typeof answer === 'object'));
  t.equal(server.requests, 1);
});

t.test('a token that is revoked at its issuer is refused after the cache time at most', async (t) => {
  const { ask, server, clock } = await setUp(t);
  t.type(await ask(token), 'object');
  server.answer = answerJson({ active: false });
  clock.nowMs += cacheTtlMs - 1;
  t.type(await ask(token), 'object', 'within it');
  t.equal(server.requests, 1);
  clock.nowMs += 1;
  t.equal(await ask(token), 'token_unknown');
  t.equal(server.requests, 2);
});

t.test('it is remembered no longer than it lives', async (t) => {
  const { ask, server, active, clock } = await setUp(t, {}, { cacheTtlMs: 60_000 });
  const nowMs = nowSeconds * 1000;
  server.answer = answerJson({ ...active, exp: nowSeconds - 28 });
  t.type(await ask(token, nowMs), 'object', 'within the leeway of 30 s');
  clock.nowMs += 1_999;
  await ask(token, nowMs);
  t.equal(server.requests, 1);
  clock.nowMs += 1;
  await ask(token, nowMs);
  t.equal(server.requests, 2);
});

t.test('a token that is not active is refused without asking again, for its time', async (t) => {
  const { ask, server, active, clock } = await setUp(t);
  server.answer = answerJson({ active: false });
  for (let times = 0; times < 3; times++) t.equal(await ask(token), 'token_unknown');
  t.equal(server.requests, 1);
  server.answer = answerJson(active);
  clock.nowMs += negativeTtlMs;
  t.type(await ask(token), 'object');
});

// -- an endpoint that fails: an outage, bounded, and never a bad token

const unanswered: Readonly<Record<string, (request: IncomingMessage, response: ServerResponse) => void>> = {
  'introspection that answers garbage is an outage': (_request, response) => void response.end('}{'),
  'introspection that answers nothing is an outage': (_request, response) => void response.end(),
  'introspection that answers 200 with HTML is an outage': (_request, response) =>
    void response.setHeader('content-type', 'text/html').end('<html><body>Sign in</body></html>'),
  'introspection that answers null is an outage': answerJson(null),
  'introspection that answers a list is an outage': answerJson([{ active: true }]),
  'introspection that lacks active is an outage': answerJson({ sub: 'guest-7', scope: 'things:read' }),
  'introspection whose active is text is an outage': answerJson({ active: 'true', sub: 'guest-7' }),
  'introspection whose active is a number is an outage': answerJson({ active: 1, sub: 'guest-7' }),
  'introspection whose active is null is an outage': answerJson({ active: null }),
  'introspection that says active twice is an outage': (_request, response) =>
    void response.end('{"active":false,"active":true}'),
  'introspection nested deeply is an outage': (_request, response) =>
    void response.end(`{"active":true,"a":${'['.repeat(50_000)}${']'.repeat(50_000)}}`),
  'introspection that redirects is an outage': (_request, response) =>
    void response.writeHead(302, { location: 'https://login.example/' }).end(),
  'introspection that refuses our client with 401 is an outage, never 401 for the caller': (
    _request,
    response,
  ) => void response.writeHead(401).end('{"error":"invalid_client"}'),
  'introspection that answers 500 is an outage': (_request, response) => void response.writeHead(500).end(),
  'introspection that hangs up is an outage': (request) => void request.socket.destroy(),
  'introspection that hangs up amid its answer is an outage': (request, response) => {
    response.writeHead(200, { 'content-length': 100 });
    response.write('{"active":true', () => void request.socket.destroy());
  },
};

for (const [sentence, answer] of Object.entries(unanswered))
  t.test(sentence, async (t) => {
    const { ask, server, active } = await setUp(t);
    server.answer = answer;
    t.equal(await ask(token), 'issuer_unavailable');
    server.answer = answerJson(active);
    t.type(await ask(token), 'object', 'nothing of it is remembered');
  });

t.test('introspection of 10 MB is an outage, and is not read to its end', async (t) => {
  const { ask, server } = await setUp(t);
  let written = 0;
  let closed: Promise<unknown> | undefined;
  server.answer = (_request, response): void => {
    closed = once(response, 'close');
    response.writeHead(200, { 'content-type': 'application/json' });
    const piece = ' '.repeat(64 * 1024);
    const more = (): void => {
      while (written < 160 && !response.destroyed) {
        written += 1;
        if (!response.write(piece)) return void response.once('drain', more);
      }
      response.end('{"active":true}');
    };
    more();
  };
  t.equal(await ask(token), 'issuer_unavailable');
  await closed;
  t.ok(written < 160, `${written} of 160 pieces were written`);
});

t.test('introspection that sends a byte now and then is an outage once its time is over', async (t) => {
  const { ask, server } = await setUp(t, {}, { timeoutMs: 200 });
  server.answer = (_request, response): void => {
    response.writeHead(200, { 'content-type': 'application/json' });
    const timer = setInterval(() => response.write(' '), 20);
    response.once('close', () => clearInterval(timer));
  };
  t.equal(await ask(token), 'issuer_unavailable');
});

t.test('a cached token is not served while its issuer cannot be asked, past its cache time', async (t) => {
  const { ask, server, clock } = await setUp(t);
  t.type(await ask(token), 'object');
  await server.stop();
  t.type(await ask(token), 'object', 'within it');
  clock.nowMs += cacheTtlMs;
  t.equal(await ask(token), 'issuer_unavailable');
  await server.start();
  t.type(await ask(token), 'object');
});

t.test('an issuer that comes and goes is told of once a minute, and once when it is back', async (t) => {
  const { ask, server, active, clock, faults } = await setUp(t);
  const comesAndGoes = async (from: number): Promise<void> => {
    for (let index = from; index < from + 3; index++) {
      server.answer = answerJson({});
      for (const each of ['a', 'b']) t.equal(await ask(`${token}-${index}-${each}`), 'issuer_unavailable');
      server.answer = answerJson(active);
      t.type(await ask(`${token}-${index}`), 'object');
    }
  };
  await comesAndGoes(0);
  t.same(faults, [theirs, `${theirs} again`]);
  clock.nowMs += 60_000;
  await comesAndGoes(10);
  t.same(faults, [theirs, `${theirs} again`, theirs, `${theirs} again`]);
});

// -- an answer that is about something else: a denial

const denied: Readonly<Record<string, readonly [change: object, reason: string]>> = {
  'a token of another issuer is denied': [{ iss: 'https://other.example' }, 'token_invalid'],
  'an issuer with a final slash is another one': [{ iss: `${theirs}/` }, 'token_invalid'],
  'a token for another API is denied': [{ aud: 'other' }, 'token_invalid'],
  'a token for no API is denied': [{ aud: null }, 'token_invalid'],
  'an audience that is an object is denied': [{ aud: { api: true } }, 'token_invalid'],
  'a token for several other APIs is denied': [{ aud: ['a', 'b', ['api']] }, 'token_invalid'],
  'a token that has expired is denied': [{ exp: nowSeconds - 3_600 }, 'token_expired'],
  'a token whose exp is text is denied': [{ exp: '2099' }, 'token_invalid'],
  'a token of the future is denied': [{ iat: nowSeconds + 3_600 }, 'token_invalid'],
  'a token that is not good yet is denied': [{ nbf: nowSeconds + 3_600 }, 'token_invalid'],
  'a token without iat is denied: no revocation could be told to be later': [{ iat: null }, 'token_invalid'],
  'a token older than the settings allow is denied': [{ iat: nowSeconds - 90_000 }, 'token_expired'],
  'a token without a user is denied': [{ sub: null }, 'token_invalid'],
  'a user that is an object is denied': [{ sub: { id: 'admin' } }, 'token_invalid'],
  'an org with a slash is denied': [{ tenant: 'acme/ann' }, 'token_invalid'],
  'an org that is not ours is denied': [{ tenant: 'nowhere' }, 'token_invalid'],
  'a token bound to a key is denied: nobody asks for the proof': [{ cnf: { jkt: 'x' } }, 'token_invalid'],
  'a refresh token is denied, though its issuer calls it active': [
    { token_type: 'refresh_token' },
    'token_invalid',
  ],
  'a token of Keycloak that is for refreshing is denied': [{ typ: 'Refresh' }, 'token_invalid'],
  'a DPoP token is denied': [{ token_type: 'DPoP' }, 'token_invalid'],
};

for (const [sentence, [change, reason]] of Object.entries(denied))
  t.test(sentence, async (t) => {
    const { ask, server, active } = await setUp(t);
    server.answer = answerJson({ ...active, ...change });
    t.equal(await ask(token), reason);
    t.equal(await ask(token), reason);
    t.equal(server.requests, 1, 'remembered');
  });

t.test('an audience may be a list, and a token may have no exp, no iss and no type', async (t) => {
  const { ask, server, active } = await setUp(t, { tokenAgeMsMax: 60_000 });
  server.answer = answerJson({
    ...active,
    aud: ['x', 'api'],
    exp: undefined,
    iss: undefined,
    token_type: undefined,
  });
  const { identity } = subjectOf(await ask(token));
  t.equal(identity.expiresAtMs, (nowSeconds - 10) * 1000 + 60_000 + 30_000, 'it ends by its age');
});

t.test('scopes of Tollgate itself are never taken from an issuer', async (t) => {
  const { ask, server, active } = await setUp(t);
  server.answer = answerJson({ ...active, scope: 'things:read tollgate:introspect' });
  t.same(scopesOf(await ask(token)), ['things:read']);
});

t.test('a revocation here ends it too: of its session, and of all of its user', async (t) => {
  const { ask, feedState, server, active, org, store, user } = await setUp(t);
  server.answer = answerJson({ ...active, jti: 'T-1', sub: user.id });
  t.type(await ask(token), 'object');
  feedState.changes([{ kind: 'session', sessionId: `${theirs} T-1`, atMs: 1 }]);
  t.equal(await ask(token), 'session_ended');
  server.answer = answerJson({ ...active, jti: 'T-2', sub: user.id });
  const other = `${token}-other`;
  t.type(await ask(other), 'object');
  await store.changeUser(org.id, user.id, { state: 'disabled' }, Date.now());
  t.equal(await ask(other), 'session_ended');
});

// -- who is asked

t.test('an API token of ours is never shown to an issuer, good or not', async (t) => {
  const { ask, server, made, user } = await setUp(t);
  t.type(await ask(made.secret), 'object');
  t.equal(await ask(exampleToken(user).secret), 'token_unknown');
  t.equal(await ask('short'), 'token_unknown');
  t.equal(server.requests, 0);
});

t.test('the prefix decides which issuer is asked; without one it is the other', async (t) => {
  const [one, two] = [await startJwksServer(t, []), await startJwksServer(t, [])];
  for (const server of [one, two]) server.answer = answerJson({ active: false });
  const { ask, askAs } = await openHarness(
    t,
    {},
    {
      issuers: [
        issuerAt(one.url, {}, { tokenPrefix: 'one_' }),
        issuerAt(two.url, { issuer: 'https://two.example' }),
      ],
    },
  );
  await ask(`one_${token}`);
  t.same([one.requests, two.requests], [1, 0]);
  await ask(token);
  t.same([one.requests, two.requests], [1, 1]);
  await askAs('anything', 'https://two.example');
  t.same([one.requests, two.requests], [1, 2], 'a JWT names its issuer');
  t.equal(await askAs('anything', 'https://three.example'), 'token_invalid');
});

t.test('an imported token is found before an issuer is asked', async (t) => {
  const { ask, server, store, user } = await setUp(t);
  const imported = 'imported-token-of-another-system';
  const { token: record } = exampleToken(user, { origin: 'imported' });
  await store.createToken(record, digestOf(imported));
  t.match(subjectOf(await ask(imported)).identity.authenticator, { name: 'imported_token' });
  t.equal(server.requests, 0);
  t.match(subjectOf(await ask(token)).identity.authenticator, { name: 'introspection' });
});

// -- a flood

t.test('an address that guesses tokens is held back before its issuer is asked', async (t) => {
  const { ask, server } = await setUp(t);
  server.answer = answerJson({ active: false });
  for (let times = 0; times < 3; times++)
    t.equal(await ask(`${token}-${times}`, Date.now(), '192.0.2.7'), 'token_unknown');
  t.equal(await ask(`${token}-more`, Date.now(), '192.0.2.7'), 'rate_limited');
  t.equal(server.requests, 3);
});

t.test('revoking a token that may be good later is never answered as done', async (t) => {
  const iss = 'https://asked.example';
  const { identifier, store, server, active: other, org } = await setUp(t, { issuer: iss });
  const active = { ...other, iss };
  const revoke = createRevoke({ identifier, store, now: Date.now });
  const jwt = [{ alg: 'ES256' }, { iss }, {}]
    .map((part) => Buffer.from(JSON.stringify(part)).toString('base64url'))
    .join('.');
  const isRefused = async (why: string): Promise<void> => {
    identifier.drop();
    // Each from an address of its own, or the limit on unknown tokens would answer.
    for (const credential of [
      { form: 'opaque', value: token } as const,
      { form: 'jwt', value: jwt } as const,
    ])
      t.match(await revoke(credential, from(why)), { code: 'token_unknown' }, `${credential.form}: ${why}`);
  };
  server.answer = answerJson({ ...active, nbf: nowSeconds + 3_600 });
  await isRefused('its time is to come');
  server.answer = answerJson({ ...active, tenant: 'unknown' });
  await isRefused('its org may come');
  server.answer = answerJson(active);
  await store.changeOrg(org.id, { state: 'disabled' }, Date.now());
  await isRefused('its org may be enabled');
});

t.test('revoking invented tokens does not flood its issuer', async (t) => {
  const { identifier, store, server, active } = await setUp(t);
  const revoke = createRevoke({ identifier, store, now: Date.now });
  const revokeText = (value: string) => revoke({ form: 'opaque', value }, from('192.0.2.7'));
  server.answer = answerJson({ active: false });
  for (let times = 0; times < 3; times++) t.equal(await revokeText(`${token}-${times}`), 'nothing');
  t.match(await revokeText(`${token}-more`), { reason: 'rate_limited' });
  t.equal(server.requests, 3);
  server.answer = answerJson(active);
  t.match(await revokeText(token), { reason: 'rate_limited' }, 'never done when it is not');
  t.equal(await revoke({ form: 'opaque', value: token }, from('192.0.2.8')), 'revoked');
});

t.test('a flood of invented tokens keeps no leaked API token of ours alive', async (t) => {
  const { identifier, store, server, made } = await setUp(t);
  const revoke = createRevoke({ identifier, store, now: Date.now });
  server.answer = answerJson({ active: false });
  for (let times = 0; times < 4; times++)
    await revoke({ form: 'opaque', value: `${token}-${times}` }, from('192.0.2.7'));
  t.equal(await revoke({ form: 'opaque', value: made.secret }, from('192.0.2.7')), 'revoked');
});

t.test(
  'strangers take at most half of the questions at a time; a token that was good is asked about',
  async (t) => {
    const { ask, server, active, clock } = await setUp(t, {}, { concurrencyMax: 4 });
    t.type(await ask(token), 'object');
    clock.nowMs += ttlMs;
    const held: ServerResponse[] = [];
    const { promise: bothHeld, resolve } = Promise.withResolvers<void>();
    server.answer = (request, response) =>
      void text(request).then((form) => {
        if (new URLSearchParams(form).get('token') === token) return answerJson(active)(request, response);
        if (held.push(response) === 2) resolve();
      });
    const strangers = Array.from({ length: 10 }, (_, index) => ask(`${token}-${index}`));
    await bothHeld;
    t.type(await ask(token), 'object');
    for (const response of held) response.end('{"active":false}');
    const answers = await Promise.all(strangers);
    t.equal(answers.filter((answer) => answer === 'token_unknown').length, 2);
    t.equal(answers.filter((answer) => answer === 'issuer_unavailable').length, 8);
    t.equal(server.requests, 4);
  },
);

t.test('an issuer is asked about so many new tokens a second, however many there are', async (t) => {
  const { ask, server, clock } = await setUp(t, {}, { newTokensPerSecond: 5 });
  server.answer = answerJson({ active: false });
  const flood = async (from: number): Promise<number> => {
    const answers: unknown[] = [];
    for (let index = from; index < from + 20; index++) answers.push(await ask(`${token}-${index}`));
    return answers.filter((answer) => answer === 'token_unknown').length;
  };
  t.equal(await flood(0), 5);
  t.equal(server.requests, 5);
  clock.nowMs += 1_000;
  t.equal(await flood(100), 5, 'in the next second again');
});
