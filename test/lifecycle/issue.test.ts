import { createLocalJWKSet, decodeJwt, decodeProtectedHeader, jwtVerify } from 'jose';
import t from 'tap';
import type { Identity } from '../../src/decision/identity.ts';
import { createIssue, type Issued, type TokenForm } from '../../src/lifecycle/issue.ts';
import { createWorld, minuteMs, type World } from './world.ts';

const identityOf = async (world: World, change: Partial<Identity> = {}): Promise<Identity> => {
  const { secret } = await world.token();
  const subject = await world.identifier.identify({ form: 'opaque', value: secret }, world.now());
  if (!('identity' in subject)) throw new Error('no identity');
  return { ...subject.identity, ...change };
};

const issueOf = (world: World, identity: Identity, form?: TokenForm): Issued => {
  const issue = createIssue({ ...world, form });
  const result = issue({
    identity,
    scopes: undefined,
    audiences: [],
    validityMs: undefined,
    clientId: undefined,
    methods: ['api_token'],
  });
  if (!('accessToken' in result)) throw new Error(JSON.stringify(result));
  return result;
};

const form = (change: Partial<TokenForm> = {}): TokenForm => ({
  algorithm: 'ES256',
  subject: ({ user }) => `example:${user.id}`,
  profile: () => ({ acct: 'ann@example' }),
  claims: () => ({ perms: ['one'] }),
  ...change,
});

t.test('a dialect adds claims and its own subject; the gate still reads ours', async (t) => {
  const world = await createWorld(t);
  const { accessToken, idToken } = issueOf(world, await identityOf(world), form());
  t.equal(idToken, undefined);
  t.match(decodeJwt(accessToken), { sub: 'example:ann', uid: 'ann', acct: 'ann@example', perms: ['one'] });
  const found = await world.identifier.identify({ form: 'jwt', value: accessToken }, world.now());
  t.match(found, { identity: { user: { id: 'ann', name: 'Ann' }, org: { id: 'acme' } } });
});

t.test('a dialect replaces none of our claims', async (t) => {
  const world = await createWorld(t);
  const identity = await identityOf(world);
  const theirs = {
    iss: 'https://evil.example',
    aud: 'other',
    exp: 9_999_999_999,
    iat: 1,
    jti: 'x',
    uid: 'root',
    org: 'other',
    scope: 'everything',
    tid: 'x',
    sid: 'x',
    gen: '99.99',
    amr: ['pwd'],
    roles: ['owner'],
  };
  const plain = decodeJwt(issueOf(world, identity).accessToken);
  const { accessToken } = issueOf(world, identity, form({ claims: () => theirs, profile: () => theirs }));
  const { jti, sid, sub, uid, iat, exp, ...rest } = decodeJwt(accessToken);
  t.match(plain, rest);
  t.match({ uid, sub }, { uid: 'ann', sub: 'example:ann' });
  t.not(jti, 'x');
  t.not(sid, 'x');
  t.equal(Number(exp) - Number(iat), 30 * 60);
});

t.test('an ID token comes along when the API token asks for one, and is no access token', async (t) => {
  const world = await createWorld(t);
  const identity = await identityOf(world, { openid: true });
  for (const wanted of [undefined, form()]) {
    const { accessToken, idToken = '' } = issueOf(world, identity, wanted);
    const keys = createLocalJWKSet(world.keys.jwks(world.now()) as never);
    const { payload } = await jwtVerify(idToken, keys, { issuer: 'https://id.example' });
    const access = decodeJwt(accessToken);
    t.match(payload, { sub: access.sub, sid: access['sid'], exp: access.exp, name: 'Ann', org: 'acme' });
    t.not(payload.aud, access.aud);
    t.notMatch(payload, { scope: String });
    t.equal(decodeProtectedHeader(idToken).typ, 'JWT');
    const credential = { form: 'jwt', value: idToken } as const;
    t.match(await world.identifier.identify(credential, world.now()), { reason: 'token_invalid' });
  }
});

t.test('a session of client credentials is never one of a person', async (t) => {
  const world = await createWorld(t);
  const identity = await identityOf(world);
  const issue = createIssue(world);
  const order = { identity, scopes: undefined, audiences: [], validityMs: minuteMs, clientId: 'app' };
  for (const [methods, sessionKind] of [
    [['client_credentials'], 'api_token'],
    [['api_token'], 'api_token'],
    [['pwd', 'client_credentials'], 'api_token'],
    [['pwd'], 'interactive'],
  ] as const) {
    const result = issue({ ...order, methods });
    if (!('accessToken' in result)) throw new Error('no token');
    const value = result.accessToken;
    t.match(await world.identifier.identify({ form: 'jwt', value }, world.now()), {
      identity: { sessionKind },
    });
  }
});

t.test('without a key of the dialect’s algorithm it is an outage', async (t) => {
  const world = await createWorld(t);
  const issue = createIssue({ ...world, form: form({ algorithm: 'RS256' }) });
  const identity = await identityOf(world);
  const order = { scopes: undefined, audiences: [], validityMs: undefined, clientId: undefined };
  t.match(issue({ ...order, identity, methods: ['api_token'] }), {
    kind: 'outage',
    reason: 'keys_unavailable',
  });
});
