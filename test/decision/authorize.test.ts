import t from 'tap';
import { addressRuleOf } from '../../src/decision/address-rule.ts';
import {
  authorize,
  authorizePublic,
  authorizeShadow,
  type Claim,
  doubtOf,
  idLengthMax,
  isPermit,
} from '../../src/decision/authorize.ts';
import { denial } from '../../src/decision/outcome.ts';
import { anIdentity } from '../support/identity.ts';
import { aRule } from '../support/route-rule.ts';

const claim = (change: Partial<Claim>): Claim => ({
  rule: aRule({ scopes: ['things:read'] }),
  target: '/things/7?a=1',
  tenant: undefined,
  identity: anIdentity({}),
  standing: 'live',
  clientAddress: '198.51.100.7',
  proxies: addressRuleOf([]),
  nowMs: 1_000,
  serveWhenUnknown: false,
  ...change,
});

t.test('a live identity with the scopes gets a permit for exactly this target and rule', async (t) => {
  const given = claim({});
  const permit = authorize(given);
  if (!isPermit(permit)) throw new Error('not a permit');
  t.equal(permit.target, given.target);
  t.equal(permit.rule, given.rule);
  t.equal(permit.identity, given.identity);
});

t.test('14: a token is judged by the address that uses it, on every request', async (t) => {
  const identity = anIdentity({ tokenId: 'T1', allowFrom: addressRuleOf(['198.51.100.0/24', '10.0.0.0/8']) });
  const proxies = addressRuleOf(['10.0.0.1/32']);
  const from = (clientAddress: string | undefined) => authorize(claim({ identity, clientAddress, proxies }));
  for (const address of ['198.51.100.7', '10.0.0.2', undefined])
    t.equal(isPermit(from(address)), true, String(address));
  for (const address of ['203.0.113.9', '10.0.0.1', 'unknown', 'unclear', '2001:db8::1'])
    t.match(from(address), { reason: 'address_refused', evidence: `the API token T1 is not for ${address}` });
  const revoked = claim({ identity, clientAddress: '203.0.113.9', standing: 'revoked' });
  t.match(authorize(revoked), { reason: 'token_revoked' }, 'what has ended is refused as that');
});

t.test('an identity is refused', async (t) => {
  for (const [sentence, change, refusal] of [
    ['when its token was revoked', { standing: 'revoked' }, { kind: 'denial', reason: 'token_revoked' }],
    ['when its session ended', { standing: 'ended' }, { kind: 'denial', reason: 'session_ended' }],
    [
      'when it was read before a change',
      { standing: 'outdated' },
      { kind: 'outage', reason: 'store_unavailable' },
    ],
    ['when the feed is silent', { standing: 'unknown' }, { kind: 'outage', reason: 'feed_stale' }],
    [
      'before the feed has been read, though the settings say serve',
      { standing: 'unread', serveWhenUnknown: true },
      { kind: 'outage', reason: 'feed_stale' },
    ],
    [
      'the millisecond it expires',
      { identity: anIdentity({ expiresAtMs: 1_000 }) },
      { reason: 'token_expired' },
    ],
    [
      'without a scope',
      { rule: aRule({ scopes: ['things:read', 'admin'] }) },
      { reason: 'scope_missing', evidence: 'admin' },
    ],
    [
      'in another tenant',
      { rule: aRule({ tenantParameter: 'org' }), tenant: 'other' },
      { reason: 'tenant_mismatch' },
    ],
    [
      'in another tenant that is to be hidden',
      { rule: aRule({ tenantParameter: 'org', foreignTenant: 'not-found' }), tenant: 'other' },
      { reason: 'tenant_mismatch', isHidden: true },
    ],
    ['in no tenant', { rule: aRule({ tenantParameter: 'org' }) }, { reason: 'tenant_mismatch' }],
    [
      'in a tenant of another case',
      { rule: aRule({ tenantParameter: 'org' }), tenant: 'ACME' },
      { reason: 'tenant_mismatch' },
    ],
    [
      'by API token where a person must sign in',
      { rule: aRule({ sessions: 'interactive' }) },
      { reason: 'session_kind_refused' },
    ],
    [
      'with an empty user id',
      { identity: anIdentity({ user: { id: '', name: '', roles: [] } }) },
      { reason: 'token_invalid' },
    ],
    [
      'with an empty org id',
      { identity: anIdentity({ org: { id: '', name: '' } }) },
      { reason: 'token_invalid' },
    ],
    [
      'with an id that no header could carry',
      { identity: anIdentity({ user: { id: 'x'.repeat(idLengthMax + 1), name: '', roles: [] } }) },
      { reason: 'token_invalid' },
    ],
  ] as const)
    t.match(authorize(claim(change)), refusal, sentence);
});

t.test('an identity is let through', async (t) => {
  for (const [sentence, change] of [
    ['in its own tenant', { rule: aRule({ tenantParameter: 'org' }), tenant: 'acme' }],
    [
      'while the feed is silent, when the settings say serve',
      { standing: 'unknown', serveWhenUnknown: true },
    ],
    ['a millisecond before it expires', { identity: anIdentity({ expiresAtMs: 1_001 }) }],
    ['on a rule that asks for no scope', { rule: aRule({ scopes: [] }) }],
    [
      'of a person on an interactive rule',
      { rule: aRule({ sessions: 'interactive' }), identity: anIdentity({ sessionKind: 'interactive' }) },
    ],
  ] as const)
    t.ok(isPermit(authorize(claim(change))), sentence);
});

t.test('a revoked token is revoked before anything else is said of it', async (t) => {
  const wrongScope = claim({ standing: 'revoked', rule: aRule({ scopes: ['admin'] }) });
  t.match(authorize(wrongScope), { reason: 'token_revoked' });
  t.match(doubtOf({ ...wrongScope, standing: 'live' }), undefined, 'scopes are not a doubt');
});

t.test('a public rule lets anyone through, with or without an identity; no other rule does', async (t) => {
  const permit = authorizePublic(aRule({ public: true }), '/health', undefined);
  t.ok(isPermit(permit));
  t.match(permit, { identity: undefined, target: '/health' });
  t.match(authorizePublic(aRule({ public: true }), '/health', anIdentity({})), {
    identity: { user: { id: 'alice' } },
  });
  t.match(authorizePublic(aRule({}), '/things', undefined), { reason: 'credential_missing' });
});

t.test('an object that only looks like a permit is none', async (t) => {
  t.notOk(isPermit({ rule: aRule({}), identity: anIdentity({}), target: '/things' }));
  t.notOk(isPermit(Object.create(authorizePublic(aRule({ public: true }), '/', undefined))));
});

t.test(
  'a shadow permit is made on a rule in shadow mode alone, and says what would have come of it',
  async (t) => {
    const given = claim({});
    const verdict = authorize(given);
    const rule = aRule({ mode: 'shadow' });
    t.match(authorizeShadow(rule, '/things/7', verdict), {
      kind: 'shadow',
      rule,
      target: '/things/7',
      identity: given.identity,
      refusal: undefined,
    });
    const refusal = denial('token_revoked');
    const permit = authorizeShadow(rule, '/things/7', refusal);
    t.match(permit, { kind: 'shadow', identity: undefined, refusal });
    t.ok(isPermit(permit));
    t.throws(() => authorizeShadow(given.rule, '/things/7', verdict), /things is enforced/);
    t.throws(() => authorizeShadow(given.rule, '/things/7', refusal), /things is enforced/);
  },
);

t.test('a permit says whether it proves an identity', async (t) => {
  const open = aRule({ public: true });
  t.match(authorize(claim({})), { kind: 'identified' });
  t.match(authorizePublic(open, '/', anIdentity({})), { kind: 'identified' });
  t.match(authorizePublic(open, '/', undefined), { kind: 'public' });
});
