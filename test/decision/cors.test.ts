// Number 11 of issue 9: CORS. The right values are those of the Fetch standard, section 3.2 (HTTP CORS protocol).

import t from 'tap';
import { corsPairs, type CorsRule, preflightPairs } from '../../src/decision/cors.ts';

const rule = (change: Partial<CorsRule> = {}): CorsRule => ({
  origins: ['https://app.example.com', 'https://*.example.com:8443'],
  methods: ['GET', 'POST'],
  headers: ['Authorization', 'Content-Type'],
  exposedHeaders: [],
  credentials: false,
  maxAgeMs: 600_900,
  ...change,
});
const origin = 'https://app.example.com';

const lines = (pairs: readonly string[]): readonly string[] =>
  pairs.flatMap((name, at) => (at % 2 === 0 ? [`${name}: ${pairs[at + 1]}`] : []));

t.test('11: an origin is compared whole, or by one label in place of the wildcard', async (t) => {
  const reads = (origins: readonly string[], page: string): boolean =>
    corsPairs(rule({ origins }), page).includes(page);
  for (const [page, isRead] of [
    ['https://a.example.com', true],
    ['https://a-b.example.com', true],
    ['https://xn--bcher-kva.example.com', true],
    ['https://example.com', false],
    ['https://a.b.example.com', false],
    ['https://.example.com', false],
    ['http://a.example.com', false],
    ['https://a.example.com:8443', false],
    ['https://a.example.com.evil.example', false],
    ['https://evil.example/.example.com', false],
    ['https://evil.example#.example.com', false],
    ['https://user@.example.com', false],
    ['https://evilexample.com', false],
    ['HTTPS://A.EXAMPLE.COM', false],
    ['null', false],
    ['', false],
    // Two lines, joined.
    ['https://a.example.com, https://b.example.com', false],
  ] as const)
    t.equal(reads(['https://*.example.com'], page), isRead, page);
  t.equal(reads(['https://*.example.com:8443'], 'https://a.example.com:8443'), true);
  t.equal(reads([origin], `${origin}/`), false);
  t.equal(reads([origin], `${origin}.evil.example`), false);
});

t.test(
  '11: an answer names the one origin that may read it, and says to caches that it differs by origin',
  async (t) => {
    t.strictSame(corsPairs(rule(), origin), ['Vary', 'Origin', 'Access-Control-Allow-Origin', origin]);
    t.strictSame(lines(corsPairs(rule({ credentials: true, exposedHeaders: ['X-A', 'X-B'] }), origin)), [
      'Vary: Origin',
      `Access-Control-Allow-Origin: ${origin}`,
      'Access-Control-Allow-Credentials: true',
      'Access-Control-Expose-Headers: X-A, X-B',
    ]);
    for (const other of [undefined, 'https://evil.example', 'null'])
      t.strictSame(corsPairs(rule({ credentials: true, exposedHeaders: ['X-A'] }), other), [
        'Vary',
        'Origin',
      ]);
    t.strictSame(
      corsPairs(rule({ origins: ['*'] }), 'https://evil.example'),
      ['Access-Control-Allow-Origin', '*'],
      'the same for all, and so nothing varies',
    );
  },
);

t.test('11: a preflight is told methods, headers and how long to remember them', async (t) => {
  const vary = 'Vary: Origin, Access-Control-Request-Method, Access-Control-Request-Headers';
  const told = (change: Partial<CorsRule>, page: string) =>
    lines(preflightPairs(rule(change), { origin: page, requestedHeaders: 'x-other' }));
  t.strictSame(told({ credentials: true }, origin), [
    vary,
    `Access-Control-Allow-Origin: ${origin}`,
    'Access-Control-Allow-Credentials: true',
    'Access-Control-Allow-Methods: GET, POST',
    'Access-Control-Allow-Headers: Authorization, Content-Type',
    'Access-Control-Max-Age: 600',
  ]);
  t.strictSame(told({}, 'https://evil.example'), [vary]);
});

t.test(
  '11: any header is allowed by its name, since `*` stands for Authorization in no browser',
  async (t) => {
    const allowed = (requestedHeaders: string | undefined): string | undefined => {
      const pairs = preflightPairs(rule({ headers: ['*'] }), { origin, requestedHeaders });
      const at = pairs.indexOf('Access-Control-Allow-Headers');
      return at < 0 ? undefined : pairs[at + 1];
    };
    t.equal(allowed('authorization,x-request-id'), 'authorization,x-request-id');
    t.equal(allowed('authorization, x-request-id'), 'authorization, x-request-id');
    for (const odd of [undefined, '', 'a b', 'a\r\nSet-Cookie: x', 'a,,b', '"a"', 'a'.repeat(2_049)])
      t.equal(allowed(odd), undefined, String(odd));
  },
);
