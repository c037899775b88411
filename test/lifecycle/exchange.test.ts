import * as fc from 'fast-check';
import { decodeJwt, decodeProtectedHeader } from 'jose';
import t from 'tap';
import { createSessionLimit } from '../../src/identity/session-limit.ts';
import { createExchange, type ExchangeCommand } from '../../src/lifecycle/exchange.ts';
import type { Issued } from '../../src/lifecycle/issue.ts';
import { anywhere, createWorld, minuteMs, type World } from './world.ts';

const order = {
  scopes: undefined,
  audiences: [],
  validityMs: undefined,
  clientId: undefined,
  origin: anywhere,
} as const;

const exchanged = async (
  world: World,
  value: string,
  change: Partial<ExchangeCommand> = {},
): Promise<Issued> => {
  const form = value.split('.').length === 3 ? 'jwt' : 'opaque';
  const result = await world.exchange({ credential: { form, value }, ...order, ...change });
  if (!('accessToken' in result)) throw new Error(`no access token: ${JSON.stringify(result)}`);
  return result;
};

const refusalOf = async (
  world: World,
  value: string,
  change: Partial<ExchangeCommand> = {},
): Promise<unknown> => {
  const form = value.split('.').length === 3 ? 'jwt' : 'opaque';
  const result = await world.exchange({ credential: { form, value }, ...order, ...change });
  if ('accessToken' in result) return 'accepted';
  return result.kind === 'command_error' ? result.code : result.reason;
};

t.test('an API token is exchanged for an access token of a new session', async (t) => {
  const world = await createWorld(t);
  const { secret, record } = await world.token();
  const [one, two] = [await exchanged(world, secret), await exchanged(world, secret)];
  const claims = decodeJwt(one.accessToken);
  t.match(decodeProtectedHeader(one.accessToken), { alg: 'ES256', typ: 'at+jwt' });
  t.match(claims, {
    iss: 'https://id.example',
    aud: 'https://api.example',
    sub: 'ann',
    org: 'acme',
    scope: 'reports:read things:read things:write tollgate:introspect',
    tid: record.id,
    gen: `${record.generation.org}.${record.generation.user}`,
    amr: ['api_token'],
  });
  t.equal(claims.exp! - claims.iat!, 30 * 60, 'it lives as long as the settings say');
  t.not(claims['sid'], decodeJwt(two.accessToken)['sid'], 'each exchange begins a session of its own');
  t.not(claims.jti, decodeJwt(two.accessToken).jti);
  t.match(
    await world.identifier.identify({ form: 'jwt', value: one.accessToken }, world.now()),
    { identity: { user: { id: 'ann' }, sessionId: claims['sid'] } },
    'and the gate accepts it',
  );
});

t.test('an access token never outlives the API token it was made from', async (t) => {
  const world = await createWorld(t);
  // Within a second: an API token that ends with one loses nothing.
  world.clock.nowMs += 500 - (world.clock.nowMs % 1000);
  const { secret, record } = await world.token('all', 5 * minuteMs);
  const result = await exchanged(world, secret);
  t.ok(result.expiresAtMs <= record.expiresAtMs!);
  t.ok(result.expiresAtMs > record.expiresAtMs! - 1000, 'and loses at most the part of a second');
  world.clock.nowMs += 5 * minuteMs - 1;
  t.equal(await refusalOf(world, secret), 'token_expired', 'less than a second is left');
});

t.test('a shorter life can be asked for, a longer one is cut', async (t) => {
  const world = await createWorld(t);
  const { secret } = await world.token();
  const lifeMs = async (validityMs: number): Promise<number> => {
    const { issuedAtMs, expiresAtMs } = await exchanged(world, secret, { validityMs });
    return expiresAtMs - issuedAtMs;
  };
  t.equal(await lifeMs(60_000), 60_000);
  t.equal(await lifeMs(24 * 60 * minuteMs), 30 * minuteMs);
});

t.test('one API token is exchanged so many times in a minute, its sessions counted in', async (t) => {
  const world = await createWorld(t);
  const exchange = createExchange({ ...world, sessionLimit: createSessionLimit(2) });
  const limited = { ...world, exchange };
  const [one, other] = [await world.token(), await world.token()];
  const { accessToken } = await exchanged(limited, one.secret);
  await exchanged(limited, accessToken, { scopes: ['things:read'] });
  t.equal(await refusalOf(limited, one.secret), 'rate_limited');
  t.equal(await refusalOf(limited, accessToken), 'rate_limited');
  t.equal(await refusalOf(limited, other.secret), 'accepted', 'another token of the same user');
});

t.test('a narrower access token tells no role: the API must not grant by it what was given up', async (t) => {
  const world = await createWorld(t);
  const { secret } = await world.token();
  const wide = await exchanged(world, secret);
  const rolesOf = (token: string): unknown => decodeJwt(token)['roles'];
  t.not((rolesOf(wide.accessToken) as string[]).length, 0);
  const same = await exchanged(world, wide.accessToken, { scopes: [...wide.scopes] });
  t.same(rolesOf(same.accessToken), rolesOf(wide.accessToken), 'with all its scopes it is as it was');
  const narrow = await exchanged(world, wide.accessToken, { scopes: ['things:read'] });
  t.same(rolesOf(narrow.accessToken), []);
  const narrower = await exchanged(world, narrow.accessToken, { scopes: undefined });
  t.same(rolesOf(narrower.accessToken), [], 'and never again');
});

t.test('an access token is exchanged for a narrower one of the same session', async (t) => {
  const world = await createWorld(t);
  const { secret, record } = await world.token();
  const wide = await exchanged(world, secret, { validityMs: 10 * minuteMs });
  world.clock.nowMs += minuteMs;
  const narrow = await exchanged(world, wide.accessToken, { scopes: ['things:read'] });
  const [before, after] = [decodeJwt(wide.accessToken), decodeJwt(narrow.accessToken)];
  t.equal(after['scope'], 'things:read');
  for (const claim of ['sid', 'tid', 'gen', 'sub', 'org'])
    t.equal(after[claim], before[claim], `${claim} stays`);
  t.equal(after['tid'], record.id);
  t.equal(after.exp, before.exp, 'and it ends when the wide one would have');
  t.not(after.jti, before.jti);
  t.equal(
    await refusalOf(world, narrow.accessToken, { scopes: ['things:write'] }),
    'scope_too_wide',
    'what was given away does not come back',
  );
});

t.test('the scopes of an exchanged token are never wider than either side', async (t) => {
  const world = await createWorld(t);
  const held = ['things:read', 'things:write', 'reports:read', 'tollgate:introspect'];
  const any = fc.constantFrom(...held, 'org:owner', 'things:delete');
  const subset = fc.subarray(held);
  await fc.assert(
    fc.asyncProperty(subset, fc.option(fc.uniqueArray(any)), subset, async (token, asked, roles) => {
      await world.accounts.setRoles('acme', 'ann', ['reader', 'admin']);
      const { secret } = await world.token(token);
      // The user's roles shrink after the token was made.
      await world.accounts.defineRole('acme', 'now', roles);
      await world.accounts.setRoles('acme', 'ann', ['now']);
      const result = await world.exchange({
        credential: { form: 'opaque', value: secret },
        ...order,
        scopes: asked ?? undefined,
      });
      const effective = token.filter((scope) => roles.includes(scope));
      if (!('accessToken' in result))
        return result.kind === 'command_error' && (asked ?? []).some((scope) => !effective.includes(scope));
      const found = await world.identifier.identify({ form: 'jwt', value: result.accessToken }, world.now());
      if (!('identity' in found)) return false;
      const got = [...found.identity.scopes];
      return (
        got.every((scope) => token.includes(scope) && roles.includes(scope)) &&
        got.length === (asked ?? effective).length &&
        (asked === null || got.every((scope) => asked.includes(scope)))
      );
    }),
    { numRuns: 40 },
  );
});

t.test('a token is issued for our own audience, or not at all', async (t) => {
  const world = await createWorld(t);
  const { secret } = await world.token();
  t.equal((await exchanged(world, secret, { audiences: ['https://api.example'] })).scopes.length, 4);
  t.equal(await refusalOf(world, secret, { audiences: ['https://other.example'] }), 'audience_unknown');
  t.equal(
    await refusalOf(world, secret, { audiences: ['https://api.example', 'https://other.example'] }),
    'audience_unknown',
  );
});

t.test('a credential that is no good is refused for what it is', async (t) => {
  const world = await createWorld(t);
  const { secret, record } = await world.token();
  const access = await exchanged(world, secret);
  const [header = '', payload = ''] = access.accessToken.split('.');
  const other = `${secret.slice(0, -1)}${secret.endsWith('0') ? '1' : '0'}`;
  t.equal(await refusalOf(world, other), 'token_unknown');
  t.equal(await refusalOf(world, `${header}.${payload}.${'A'.repeat(86)}`), 'token_invalid');
  await world.apiTokens.revokeApiToken(record.id);
  t.equal(await refusalOf(world, secret), 'token_revoked');
  t.equal(await refusalOf(world, access.accessToken), 'token_revoked', 'and so are its access tokens');
});

t.test('a session ends when the roles of its user change; the API token begins a new one', async (t) => {
  const world = await createWorld(t);
  const { secret } = await world.token();
  const access = await exchanged(world, secret);
  await world.accounts.setRoles('acme', 'ann', ['reader']);
  t.equal(await refusalOf(world, access.accessToken), 'session_ended');
  const again = await exchanged(world, secret);
  t.same(again.scopes, ['reports:read', 'things:read']);
  const { nowMs } = world.clock;
  t.equal(decodeJwt(again.accessToken)['gen'], `${nowMs}.${nowMs + 1}`);
});

t.test('without a key to sign with it is an outage, not a refusal', async (t) => {
  const world = await createWorld(t);
  const { secret } = await world.token();
  world.keys.replace([]);
  t.equal(await refusalOf(world, secret), 'keys_unavailable');
});

t.test('an access token that requests could not carry is not issued', async (t) => {
  const world = await createWorld(t);
  const scopes = Array.from({ length: 300 }, (_, index) => `things:a-rather-long-scope-${index}`);
  await world.accounts.defineRole('acme', 'many', scopes);
  await world.accounts.setRoles('acme', 'ann', ['many']);
  const { secret } = await world.token();
  t.equal(await refusalOf(world, secret), 'access_token_too_large');
  t.same((await exchanged(world, secret, { scopes: scopes.slice(0, 2) })).scopes.length, 2);
});

t.test('exchanges are written down: whose token, from where, and why one was refused', async (t) => {
  const world = await createWorld(t);
  const events: object[] = [];
  const audit = { record: (event: object) => void events.push(event), close: async () => undefined };
  const exchange = createExchange({ ...world, audit });
  const origin = { clientAddress: '192.0.2.1', requestId: 'request-1' };
  const asked = { ...order, origin };
  const { secret, record } = await world.token();
  await exchange({ ...asked, credential: { value: secret, form: 'opaque' } });
  await exchange({ ...asked, scopes: ['no:such'], credential: { value: secret, form: 'opaque' } });
  await exchange({ ...asked, credential: { value: `${secret}x`, form: 'opaque' } });
  const subject = { org: 'acme', user: 'ann', tokenId: record.id };
  t.match(events, [
    { action: 'token.exchange', origin, subject, outcome: { accessToken: String } },
    { action: 'token.exchange', origin, subject, outcome: { code: 'scope_too_wide' } },
    { action: 'token.exchange', origin, identity: undefined, outcome: { reason: 'token_unknown' } },
  ]);
});
