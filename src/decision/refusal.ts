// Reason -> wire: the one place that says what a refused caller sees. The body teaches what to do and tells nothing
// of what was found: evidence and causes are for the log. No I/O.

import type { DenialReason, OutageReason, Refusal } from './outcome.ts';

/** A whole answer. `headers` are raw pairs `[name, value, ...]`, Content-Length included. */
export interface Wire {
  readonly status: number;
  readonly headers: readonly string[];
  readonly body: string;
}

interface Answer {
  readonly status: number;
  /** RFC 9457 `title`. */
  readonly title: string;
  /** RFC 9457 `detail`: what the caller can do. */
  readonly detail: string;
  /** Parameters of `WWW-Authenticate: Bearer` after the realm (RFC 6750 section 3); undefined: no such header. */
  readonly challenge?: string;
  readonly retryAfterSeconds?: number;
}

const malformed = {
  status: 400,
  title: 'Bad Request',
  detail:
    'The request can be read in more than one way, or breaks HTTP. Send it again as RFC 9112 writes it.',
};
const ambiguous = {
  status: 400,
  title: 'Bad Request',
  detail:
    'The path can be read in more than one way. Leave out empty and dot segments, ";", "\\" and "#", and percent-encode only what needs it, once.',
};
const tooLarge = {
  status: 413,
  title: 'Content Too Large',
  detail: 'The body is larger than this route allows.',
};
const tooSlow = {
  status: 408,
  title: 'Request Timeout',
  detail: 'The request did not arrive in time. Send it again.',
};
const headersTooLarge = {
  status: 431,
  title: 'Request Header Fields Too Large',
  detail: 'Send fewer or shorter header fields.',
};
const targetTooLong = { status: 414, title: 'URI Too Long', detail: 'Send a shorter target.' };
const noCredential = {
  status: 401,
  title: 'Unauthorized',
  detail: 'Send an API token or an access token as "Authorization: Bearer <token>".',
  challenge: '',
};
const badCredential = {
  status: 401,
  title: 'Unauthorized',
  detail:
    'This token is not valid here. Send one that is, once, as "Authorization: Bearer <token>" with one space; exchange an API token again if your access token has expired.',
  challenge:
    ', error="invalid_token", error_description="The token is malformed, unknown, expired or revoked"',
};
const forbidden = { status: 403, title: 'Forbidden', detail: 'No rule lets this request through.' };
const notFound = { status: 404, title: 'Not Found', detail: 'There is nothing at this path.' };
const outOfScope = {
  status: 403,
  title: 'Forbidden',
  detail:
    'This token may not do that. Use one with the scopes, and of the organization, that this route asks for.',
  challenge: ', error="insufficient_scope", error_description="The token may not do that"',
};
const tooMany = {
  status: 429,
  title: 'Too Many Requests',
  detail: 'Too many unknown tokens from this address. Wait, then send a valid one.',
  retryAfterSeconds: 60,
};
const tooManyAtOnce = {
  status: 429,
  title: 'Too Many Requests',
  detail: 'You have too many requests under way. Wait for their answers, then send this one again.',
  retryAfterSeconds: 1,
};
const unavailable = {
  status: 503,
  title: 'Service Unavailable',
  detail:
    'Who you are cannot be checked right now. This says nothing about your token: send the request again.',
  retryAfterSeconds: 1,
};
const busy = {
  status: 503,
  title: 'Service Unavailable',
  detail: 'This server cannot take the request right now. Send it again.',
  retryAfterSeconds: 1,
};
const badGateway = {
  status: 502,
  title: 'Bad Gateway',
  detail: 'The API behind this proxy cannot be reached or did not answer with valid HTTP.',
  retryAfterSeconds: 1,
};
const gatewayTimeout = {
  status: 504,
  title: 'Gateway Timeout',
  detail: 'The API behind this proxy did not answer in time.',
  retryAfterSeconds: 1,
};
const internal = {
  status: 500,
  title: 'Internal Server Error',
  detail: 'Something is wrong on our side, and it has been written down.',
};

const answerOf = (reason: DenialReason | OutageReason): Answer => {
  switch (reason) {
    case 'request_malformed':
      return malformed;
    case 'path_ambiguous':
      return ambiguous;
    case 'request_too_large':
      return tooLarge;
    case 'request_timeout':
      return tooSlow;
    case 'headers_too_large':
      return headersTooLarge;
    case 'target_too_long':
      return targetTooLong;
    case 'method_refused':
    case 'route_unknown':
    case 'upgrade_refused':
      return forbidden;
    case 'credential_missing':
      return noCredential;
    case 'credential_malformed':
    case 'credential_conflict':
    case 'client_unknown':
    case 'password_wrong':
    case 'token_unknown':
    case 'token_invalid':
    case 'token_expired':
    case 'token_revoked':
    case 'session_ended':
    case 'user_disabled':
    case 'org_disabled':
      return badCredential;
    case 'scope_missing':
    case 'tenant_mismatch':
    case 'session_kind_refused':
      return outOfScope;
    case 'rate_limited':
      return tooMany;
    case 'share_used_up':
      return tooManyAtOnce;
    case 'store_unavailable':
    case 'store_not_replicated':
    case 'feed_stale':
    case 'issuer_unavailable':
    case 'keys_unavailable':
      return unavailable;
    case 'overloaded':
    case 'shutting_down':
      return busy;
    case 'upstream_unreachable':
    case 'upstream_invalid':
      return badGateway;
    case 'upstream_timeout':
      return gatewayTimeout;
  }
};

const render = (answer: Answer): Wire => {
  const { status, title, detail } = answer;
  const body = `${JSON.stringify({ type: 'about:blank', title, status, detail })}\n`;
  const headers = ['Content-Type', 'application/problem+json', 'Content-Length', String(body.length)];
  headers.push('Cache-Control', 'no-store');
  if (answer.challenge !== undefined)
    headers.push('WWW-Authenticate', `Bearer realm="tollgate"${answer.challenge}`);
  if (answer.retryAfterSeconds !== undefined) headers.push('Retry-After', String(answer.retryAfterSeconds));
  return Object.freeze({ status, headers: Object.freeze(headers), body });
};

const rendered = new Map<Answer, Wire>();
const wireOfAnswer = (answer: Answer): Wire => {
  const known = rendered.get(answer);
  if (known !== undefined) return known;
  const wire = render(answer);
  rendered.set(answer, wire);
  return wire;
};

/**
 * The answer to a refused request: RFC 9457 problem, RFC 6750 challenge on 401 and `insufficient_scope`,
 * `Retry-After` on outages and 429. Shared and frozen: copy the headers before adding to them.
 */
export const wireOf = (refusal: Refusal): Wire =>
  wireOfAnswer(refusal.kind === 'denial' && refusal.isHidden === true ? notFound : answerOf(refusal.reason));

/** The answer to a request on which our own code failed. */
export const wireOfBug: Wire = render(internal);
