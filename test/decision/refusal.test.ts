import t from 'tap';
import { denial, denialReasons, outage, outageReasons } from '../../src/decision/outcome.ts';
import { wireOf, wireOfClass } from '../../src/decision/refusal.ts';

const headerOf = (headers: readonly string[], name: string): string | undefined => {
  const at = headers.findIndex((value, index) => index % 2 === 0 && value === name);
  return at < 0 ? undefined : headers[at + 1];
};

/** What is refused now may be served a moment later. */
const statusesThatPass: ReadonlySet<number> = new Set([429]);

t.test('the fault of the caller is a 4xx, and never asks to retry, except for rates', async (t) => {
  for (const reason of denialReasons) {
    const { status, headers } = wireOf(denial(reason));
    // RFC 5842 section 7.2 has no 4xx for a loop.
    if (reason === 'loop_detected') t.equal(status, 508);
    else t.ok(status >= 400 && status < 500, `${reason}: ${status}`);
    // Limits say for each request how long it is to wait.
    const hasOwnSeconds = reason === 'limit_exceeded' || reason === 'quota_exceeded';
    const isAsked = statusesThatPass.has(status) && !hasOwnSeconds;
    t.equal(headerOf(headers, 'Retry-After') !== undefined, isAsked, reason);
  }
});

t.test('an outage is 502, 503 or 504 with Retry-After, never 401 and never a challenge', async (t) => {
  for (const reason of outageReasons) {
    const { status, headers } = wireOf(outage(reason));
    t.ok([502, 503, 504].includes(status), `${reason}: ${status}`);
    t.match(headerOf(headers, 'Retry-After'), /^\d+$/, reason);
    t.equal(headerOf(headers, 'WWW-Authenticate'), undefined, reason);
  }
});

t.test('what is hidden is 404 for the same reason, and says nothing of scopes', async (t) => {
  const { status, headers } = wireOf({ ...denial('tenant_mismatch'), isHidden: true });
  t.equal(status, 404);
  t.equal(headerOf(headers, 'WWW-Authenticate'), undefined);
});

t.test('the status rule', async (t) => {
  for (const [reason, status] of [
    ['request_malformed', 400],
    ['path_ambiguous', 400],
    ['request_timeout', 408],
    ['request_too_large', 413],
    ['target_too_long', 414],
    ['headers_too_large', 431],
    ['credential_missing', 401],
    ['credential_malformed', 401],
    ['credential_conflict', 401],
    ['token_unknown', 401],
    ['token_revoked', 401],
    ['session_ended', 401],
    ['user_disabled', 401],
    ['scope_missing', 403],
    ['tenant_mismatch', 403],
    ['route_unknown', 403],
    ['method_refused', 403],
    ['method_not_allowed', 405],
    ['loop_detected', 508],
    ['upgrade_refused', 403],
    ['rate_limited', 429],
    ['limit_exceeded', 429],
    ['quota_exceeded', 429],
    ['share_used_up', 429],
    ['peer_untrusted', 403],
    ['origin_refused', 403],
  ] as const)
    t.equal(wireOf(denial(reason)).status, status, reason);
  t.equal(wireOf(outage('store_unavailable')).status, 503);
  t.equal(wireOf(outage('upstream_unreachable')).status, 502);
  t.equal(wireOf(outage('upstream_timeout')).status, 504);
  t.equal(wireOfClass('internal').status, 500);
});

t.test('RFC 6750: a 401 names the scheme, and the error only when a token was sent', async (t) => {
  const challenge = (reason: (typeof denialReasons)[number]): string | undefined =>
    headerOf(wireOf(denial(reason)).headers, 'WWW-Authenticate');
  t.equal(challenge('credential_missing'), 'Bearer realm="tollgate"');
  t.match(
    challenge('token_expired'),
    /^Bearer realm="tollgate", error="invalid_token", error_description="[^"]+"$/,
  );
  t.match(challenge('scope_missing'), /error="insufficient_scope"/);
  t.equal(challenge('route_unknown'), undefined);
});

t.test('the body is an RFC 9457 problem that says what to do and not what was found', async (t) => {
  const secret = 'tgSecretEvidence';
  const bodies = [
    ...denialReasons.map((reason) => wireOf(denial(reason, secret))),
    ...outageReasons.map((reason) => wireOf(outage(reason, new Error(secret)))),
    wireOfClass('internal'),
  ];
  for (const { status, headers, body } of bodies) {
    const problem = JSON.parse(body);
    t.match(problem, { type: 'about:blank', title: String, status, detail: String });
    t.equal(headerOf(headers, 'Content-Type'), 'application/problem+json');
    t.equal(headerOf(headers, 'Content-Length'), String(Buffer.byteLength(body)));
    t.equal(headerOf(headers, 'Cache-Control'), 'no-store');
    t.notMatch(body + headers.join(), secret);
  }
});

t.test('a caller cannot tell an unknown token from a revoked, expired or disabled one', async (t) => {
  const one = wireOf(denial('token_unknown'));
  for (const reason of [
    'token_revoked',
    'token_expired',
    'session_ended',
    'user_disabled',
    'org_disabled',
  ] as const)
    t.equal(wireOf(denial(reason)), one, reason);
});
