// What a refused caller of the API sees, as a problem of RFC 9457; the vendors' dialects are in src/dialects/. The body
// teaches what to do and says nothing of what was found: evidence and causes are for the log. No I/O.

import type { Refusal } from './outcome.ts';
import { classifyRefusal, type RefusalClass, retryAfterSecondsOf } from './refusal-class.ts';

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
};
const tooManyAtOnce = {
  status: 429,
  title: 'Too Many Requests',
  detail: 'You have too many requests under way. Wait for their answers, then send this one again.',
};
const unavailable = {
  status: 503,
  title: 'Service Unavailable',
  detail:
    'Who you are cannot be checked right now. This says nothing about your token: send the request again.',
};
const busy = {
  status: 503,
  title: 'Service Unavailable',
  detail: 'This server cannot take the request right now. Send it again.',
};
const badGateway = {
  status: 502,
  title: 'Bad Gateway',
  detail: 'The API behind this proxy cannot be reached or did not answer with valid HTTP.',
};
const gatewayTimeout = {
  status: 504,
  title: 'Gateway Timeout',
  detail: 'The API behind this proxy did not answer in time.',
};
const internal = {
  status: 500,
  title: 'Internal Server Error',
  detail: 'Something is wrong on our side, and it has been written down.',
};

const answers: Readonly<Record<RefusalClass, Answer>> = {
  malformed,
  path_ambiguous: ambiguous,
  body_too_large: tooLarge,
  too_slow: tooSlow,
  headers_too_large: headersTooLarge,
  target_too_long: targetTooLong,
  method_refused: forbidden,
  route_refused: forbidden,
  hidden: notFound,
  credential_missing: noCredential,
  credential_invalid: badCredential,
  password_wrong: badCredential,
  session_kind_refused: outOfScope,
  scope_missing: outOfScope,
  tenant_mismatch: outOfScope,
  rate_limited: tooMany,
  share_used_up: tooManyAtOnce,
  unavailable,
  busy,
  bad_gateway: badGateway,
  gateway_timeout: gatewayTimeout,
  internal,
};

/** Status and advice to a class of refusals: what the vendors' dialects say too, where they have no words of their own. */
export const generalAnswer = (kind: RefusalClass): Pick<Answer, 'status' | 'detail'> => answers[kind];

const render = (kind: RefusalClass): Wire => {
  const { status, title, detail, challenge } = answers[kind];
  const body = `${JSON.stringify({ type: 'about:blank', title, status, detail })}\n`;
  const headers = ['Content-Type', 'application/problem+json', 'Content-Length', String(body.length)];
  headers.push('Cache-Control', 'no-store');
  if (challenge !== undefined) headers.push('WWW-Authenticate', `Bearer realm="tollgate"${challenge}`);
  const retryAfterSeconds = retryAfterSecondsOf(kind);
  if (retryAfterSeconds !== undefined) headers.push('Retry-After', String(retryAfterSeconds));
  return Object.freeze({ status, headers: Object.freeze(headers), body });
};

const rendered = new Map<RefusalClass, Wire>();

/** The answer to a class of refusals, as `wireOf` gives it. */
export const wireOfClass = (kind: RefusalClass): Wire => {
  const known = rendered.get(kind);
  if (known !== undefined) return known;
  const wire = render(kind);
  rendered.set(kind, wire);
  return wire;
};

/**
 * The answer to a refused request: RFC 9457 problem, RFC 6750 challenge on 401 and `insufficient_scope`,
 * `Retry-After` on outages and 429. Shared and frozen: copy the headers before adding to them.
 */
export const wireOf = (refusal: Refusal): Wire => wireOfClass(classifyRefusal(refusal));
