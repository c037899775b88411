import t from 'tap';
import { addressRuleOf } from '../../src/decision/address-rule.ts';
import { denial, outage } from '../../src/decision/outcome.ts';
import type { RouteRule } from '../../src/decision/route-rule.ts';
import type { LimitVerdict } from '../../src/limits/limiter.ts';
import { createHeaderClassifier } from '../../src/proxy/header-class.ts';
import { decide, type Pipeline } from '../../src/proxy/pipeline.ts';
import type { RequestHead } from '../../src/proxy/request-decision.ts';
import { createRouter } from '../../src/proxy/routing/router.ts';
import { type Answer, createFixedIdentifier } from '../support/fixed-identifier.ts';
import { anIdentity } from '../support/identity.ts';
import { aRule } from '../support/route-rule.ts';

const alice = anIdentity({});
const identityHeaders = { 'X-Identity': 'jwt', 'X-Identity-User': 'user.id' } as const;

/** Counts how often the standing is asked for by itself. */
const aPipeline = (
  answers: Readonly<Record<string, Answer>> = { good: alice },
  routes: readonly RouteRule[] = [
    aRule({ scopes: ['things:read'] }),
    aRule({ name: 'open', path: '/open', public: true }),
  ],
  cookie?: string,
) => {
  const identifier = createFixedIdentifier(answers, identityHeaders);
  const asked = { standing: 0 };
  const pipeline: Pipeline = {
    settings: {
      credential: {
        headers: [],
        cookie,
        cookieOrigins: ['https://app.example.com'],
        basic: false,
        webSocketProtocol: undefined,
        apiTokenBytesMax: 512,
        accessTokenBytesMax: 8_192,
      },
      feed: { maxStalenessMs: 10_000, whenStale: 'refuse' },
      limits: { headersMax: 100, targetBytesMax: 8_192 },
      proxyAddresses: addressRuleOf(['10.0.0.1']),
    },
    classify: createHeaderClassifier({
      credential: { headers: [], cookie },
      identity: { headers: {}, strip: ['X-Account'], keep: [] },
    }),
    pseudonym: undefined,
    trusts: (address) => address === '10.0.0.1',
    router: createRouter(routes),
    unroutedRule: undefined,
    answersPreflights: true,
    ownerOf: (path) => (path === '/oauth2/token' ? 'oauth' : undefined),
    identifier: {
      ...identifier,
      standing: (...of) => {
        asked.standing += 1;
        return identifier.standing(...of);
      },
    },
    now: () => 1_000,
  };
  return { pipeline, identifier, asked };
};

const aHead = (
  target: string,
  lines: readonly string[] = [],
  change: Partial<RequestHead> = {},
): RequestHead => ({
  method: 'GET',
  target,
  rawHeaders: ['Host: api', ...lines].flatMap((line) => line.split(/: (.*)/s).slice(0, 2)),
  httpVersion: '1.1',
  peer: { address: '198.51.100.7', isTrusted: false, proto: 'http', forwardedFor: '198.51.100.7' },
  isUpgrade: false,
  ...change,
});
const good = 'Authorization: Bearer good';

t.test('a cached identity is judged at once, by the standing it was found with', async (t) => {
  const { pipeline, identifier, asked } = aPipeline();
  const decision = decide(aHead('/things/1?a=1', [good]), pipeline);
  t.notOk(decision instanceof Promise);
  t.match(decision, {
    kind: 'forward',
    permit: { target: '/things/1?a=1', identity: alice },
    identityPairs: ['X-Identity', 'signed.identity.jwt', 'X-Identity-User', 'alice'],
    known: { route: 'things', credentialKind: 'api_token', clientAddress: '198.51.100.7' },
    framing: 'none',
  });
  t.equal(asked.standing, 0);
  for (const [standing, reason] of [
    ['unknown', 'feed_stale'],
    ['unread', 'feed_stale'],
  ] as const) {
    identifier.setStanding(standing);
    t.match(decide(aHead('/things/1', [good]), pipeline), { kind: 'refused', refusal: { reason } }, standing);
  }
});

t.test('an identity that is looked up is judged by its standing after the look-up', async (t) => {
  const looked = Promise.withResolvers<typeof alice>();
  const { pipeline, identifier, asked } = aPipeline({ slow: () => looked.promise });
  const pending = decide(aHead('/things/1', ['Authorization: Bearer slow']), pipeline);
  t.ok(pending instanceof Promise);
  t.match(
    pending.known,
    { route: 'things', credentialKind: 'api_token', clientAddress: '198.51.100.7', identity: undefined },
    'a request that breaks off meanwhile is recorded with what is known',
  );
  identifier.setStanding('revoked');
  looked.resolve(alice);
  t.match(await pending, {
    kind: 'refused',
    refusal: { reason: 'token_revoked' },
    known: { route: 'things', identity: alice },
  });
  t.equal(asked.standing, 1);
});

t.test('every decision tells what is known of the request', async (t) => {
  const { pipeline } = aPipeline({
    good: alice,
    out: outage('store_unavailable'),
    bad: denial('token_unknown'),
  });
  for (const [sentence, head, expected] of [
    [
      'a header section that is refused',
      aHead('/things/1', ['Host: b']),
      {
        kind: 'refused',
        refusal: { reason: 'request_malformed' },
        known: { route: '(invalid)', facts: undefined },
      },
    ],
    [
      'a target that is refused',
      aHead('/a/../b'),
      {
        kind: 'refused',
        refusal: { reason: 'path_ambiguous' },
        known: { route: '(invalid)', rule: undefined },
      },
    ],
    [
      'a path without a route',
      aHead('/elsewhere', [good]),
      {
        kind: 'refused',
        refusal: { reason: 'route_unknown' },
        known: { route: '(none)', credentialKind: undefined },
      },
    ],
    [
      'a path that Tollgate answers itself',
      aHead('/oauth2/token'),
      { kind: 'owned', owner: 'oauth', known: { route: '(none)' } },
    ],
    [
      'no credential',
      aHead('/things/1'),
      { kind: 'refused', refusal: { reason: 'credential_missing' }, known: { route: 'things' } },
    ],
    [
      'a credential of nobody',
      aHead('/things/1', ['Authorization: Bearer bad']),
      { kind: 'refused', refusal: { reason: 'token_unknown' }, known: { credentialKind: 'api_token' } },
    ],
    [
      'a public route with such a credential',
      aHead('/open', ['Authorization: Bearer bad']),
      {
        kind: 'forward',
        permit: { identity: undefined },
        identityPairs: [],
        known: { credentialKind: 'api_token' },
      },
    ],
    [
      'a public route while the store is out',
      aHead('/open', ['Authorization: Bearer out']),
      { kind: 'refused', refusal: { reason: 'store_unavailable' }, known: { route: 'open' } },
    ],
    [
      'a caller behind a trusted proxy',
      aHead('/things/1', [good, 'X-Forwarded-For: 203.0.113.9'], {
        peer: { address: '10.0.0.1', isTrusted: true, proto: 'http', forwardedFor: '10.0.0.1' },
      }),
      { kind: 'forward', known: { clientAddress: '203.0.113.9' } },
    ],
    [
      'a body in chunks',
      aHead('/things/1', [good, 'Transfer-Encoding: chunked'], { method: 'POST' }),
      { kind: 'forward', framing: 'chunked' },
    ],
    [
      'an upgrade where the route knows none',
      aHead('/things/1', [good, 'Upgrade: websocket'], { isUpgrade: true }),
      { kind: 'refused', refusal: { reason: 'upgrade_refused' }, known: { identity: alice } },
    ],
  ] as const)
    t.match(decide(head, pipeline), expected, sentence);
});

t.test('in shadow mode a request whose identity cannot be told to the API goes on without it', async (t) => {
  const { pipeline } = aPipeline(undefined, [aRule({ mode: 'shadow' })]);
  const unsigned = { ...pipeline.identifier, headersFor: () => outage('keys_unavailable') };
  t.match(decide(aHead('/things/1', [good]), { ...pipeline, identifier: unsigned }), {
    kind: 'forward',
    permit: { kind: 'shadow', refusal: { reason: 'keys_unavailable' } },
    identityPairs: [],
    passed: { keepsCredential: true },
    known: { identity: alice, shadow: { reason: 'keys_unavailable' } },
  });
});

t.test('14: a route for some networks refuses others before it looks at their credential', async (t) => {
  const { pipeline, identifier } = aPipeline({ good: alice }, [
    aRule({ allowFrom: addressRuleOf(['198.51.100.0/24', '10.0.0.0/8']), scopes: ['things:read'] }),
    aRule({ name: 'open', path: '/open', public: true, allowFrom: addressRuleOf(['198.51.100.0/24']) }),
    aRule({ name: 'tried', path: '/tried', mode: 'shadow', allowFrom: addressRuleOf(['192.0.2.0/24']) }),
  ]);
  const peerAt = (address: string, isTrusted = false): Partial<RequestHead> => ({
    peer: { address, isTrusted, proto: 'http', forwardedFor: address },
  });
  t.match(decide(aHead('/things/1', [good]), pipeline), { kind: 'forward' });
  const asked = identifier.asked.length;
  for (const target of ['/things/1', '/open'])
    t.match(decide(aHead(target, [good], peerAt('203.0.113.9')), pipeline), {
      kind: 'refused',
      refusal: { reason: 'address_refused' },
      known: { identity: undefined, clientAddress: '203.0.113.9' },
    });
  t.equal(identifier.asked.length, asked, 'nobody was looked up');
  t.match(decide(aHead('/open', [], peerAt('198.51.100.1')), pipeline), { kind: 'forward' });
  // What the proxy 10.0.0.1 says, or hides (RFC 7239 section 6.2 and 6.3).
  for (const [forwardedFor, kind] of [
    ['198.51.100.2', 'forward'],
    ['203.0.113.9', 'refused'],
    ['198.51.100.2, 203.0.113.9', 'refused'],
    ['unknown', 'refused'],
    ['_hidden', 'refused'],
    ['10.0.0.1', 'refused'],
    ['', 'refused'],
  ] as const)
    t.match(
      decide(
        aHead('/things/1', [good, `X-Forwarded-For: ${forwardedFor}`], peerAt('10.0.0.1', true)),
        pipeline,
      ),
      { kind },
      forwardedFor,
    );
  t.match(decide(aHead('/things/1', [good], peerAt('10.0.0.1', true)), pipeline), { kind: 'refused' });
  t.match(
    decide(aHead('/things/1', [good], peerAt('unknown')), pipeline),
    { kind: 'refused' },
    'a unix socket',
  );
  const spoof = aHead('/things/1', [good, 'X-Forwarded-For: 198.51.100.2'], peerAt('203.0.113.9'));
  t.match(decide(spoof, pipeline), { kind: 'refused' }, 'nobody believes a caller about its address');
  t.match(
    decide(aHead('/tried', [good]), pipeline),
    { kind: 'forward', permit: { refusal: { reason: 'address_refused' } } },
    'in shadow mode it is counted, and goes on',
  );
});

t.test('14: a public route takes a token from elsewhere for none', async (t) => {
  const bound = anIdentity({ allowFrom: addressRuleOf(['192.0.2.0/24']) });
  const { pipeline } = aPipeline({ good: bound });
  t.match(decide(aHead('/open', [good]), pipeline), { kind: 'forward', permit: { identity: undefined } });
  t.match(decide(aHead('/things/1', [good]), pipeline), { refusal: { reason: 'address_refused' } });
});

t.test(
  'a request that waited for a limit is judged once more: its caller may have been revoked',
  async (t) => {
    const { pipeline, identifier } = aPipeline();
    const answer = Promise.withResolvers<LimitVerdict>();
    const limiter = { judge: () => answer.promise };
    const pending = decide(aHead('/things/1', [good]), { ...pipeline, limiter });
    t.ok(pending instanceof Promise);
    t.equal('known' in pending && pending.known.identity, alice, 'what is known meanwhile');
    identifier.setStanding('revoked');
    answer.resolve({ refusal: undefined, pairs: ['RateLimit', '"all";r=1;t=1'] });
    t.match(await pending, {
      kind: 'refused',
      refusal: { reason: 'token_revoked' },
      known: { answerPairs: [] },
    });
  },
);

t.test(
  'what is refused before counts in no limit, and a limit refuses for a reason of its own',
  async (t) => {
    const { pipeline } = aPipeline();
    let counted = 0;
    const pairs = ['RateLimit', '"all";r=0;t=7', 'Retry-After', '7'];
    const limiter = {
      judge: () => {
        counted += 1;
        return { refusal: denial('limit_exceeded', 'all'), pairs };
      },
    };
    const limited = { ...pipeline, limiter };
    await decide(aHead('/things/1', ['Authorization: Bearer bad']), limited);
    await decide(aHead('/nowhere', [good]), limited);
    await decide(aHead('/oauth2/token', [good]), limited);
    await decide(aHead('/things/1', [good, 'Content-Length: 99999999']), limited);
    t.equal(counted, 0);
    const refused = await decide(aHead('/things/1', [good]), limited);
    t.match(refused, {
      kind: 'refused',
      refusal: { reason: 'limit_exceeded' },
      known: { answerPairs: pairs },
    });
    const open = await decide(aHead('/open'), limited);
    t.match(open, { kind: 'refused', refusal: { reason: 'limit_exceeded' } });
    t.equal(counted, 2);
  },
);
