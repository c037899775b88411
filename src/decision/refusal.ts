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
  readonly status: keyof typeof titles;
  /** RFC 9457 `detail`: what the caller can do. */
  readonly detail: string;
  /** Parameters of `WWW-Authenticate: Bearer` after the realm (RFC 6750 section 3); undefined: no such header. */
  readonly challenge?: string;
}

/** RFC 9457 `title`. */
const titles = {
  400: 'Bad Request',
  401: 'Unauthorized',
  403: 'Forbidden',
  404: 'Not Found',
  405: 'Method Not Allowed',
  408: 'Request Timeout',
  413: 'Content Too Large',
  414: 'URI Too Long',
  429: 'Too Many Requests',
  431: 'Request Header Fields Too Large',
  500: 'Internal Server Error',
  502: 'Bad Gateway',
  503: 'Service Unavailable',
  504: 'Gateway Timeout',
  508: 'Loop Detected',
};

const forbidden: Answer = { status: 403, detail: 'No rule lets this request through.' };
const badCredential: Answer = {
  status: 401,
  detail:
    'This token is not valid here. Send one that is, once, as "Authorization: Bearer <token>" with one space; exchange an API token again if your access token has expired.',
  challenge:
    ', error="invalid_token", error_description="The token is malformed, unknown, expired or revoked"',
};
const outOfScope: Answer = {
  status: 403,
  detail:
    'This token may not do that. Use one with the scopes, and of the organization, that this route asks for.',
  challenge: ', error="insufficient_scope", error_description="The token may not do that"',
};

const answers: Readonly<Record<RefusalClass, Answer>> = {
  malformed: {
    status: 400,
    detail:
      'The request can be read in more than one way, or breaks HTTP. Send it again as RFC 9112 writes it.',
  },
  path_ambiguous: {
    status: 400,
    detail:
      'The path can be read in more than one way. Leave out empty and dot segments, ";", "\\" and "#", and percent-encode only what needs it, once.',
  },
  body_too_large: { status: 413, detail: 'The body is larger than this route allows.' },
  too_slow: { status: 408, detail: 'The request did not arrive in time. Send it again.' },
  headers_too_large: { status: 431, detail: 'Send fewer or shorter header fields.' },
  target_too_long: { status: 414, detail: 'Send a shorter target.' },
  method_refused: forbidden,
  method_not_allowed: { status: 405, detail: 'Use one of the methods that Allow names.' },
  route_refused: forbidden,
  hidden: { status: 404, detail: 'There is nothing at this path.' },
  credential_missing: {
    status: 401,
    detail: 'Send an API token or an access token as "Authorization: Bearer <token>".',
    challenge: '',
  },
  credential_invalid: badCredential,
  password_wrong: badCredential,
  session_kind_refused: outOfScope,
  origin_refused: {
    status: 403,
    detail:
      'A page of another site sent this request. Send the token in the Authorization header, or have the origin of the page named in the settings.',
  },
  address_refused: {
    status: 403,
    detail:
      'Requests from this address are not accepted here. Call from a network that this route and your token are for.',
  },
  scope_missing: outOfScope,
  tenant_mismatch: outOfScope,
  rate_limited: {
    status: 429,
    detail: 'Too many unknown tokens from this address. Wait, then send a valid one.',
  },
  over_limit: {
    status: 429,
    detail: 'Too many requests in a short time. Wait as long as Retry-After says, then send this one again.',
  },
  over_quota: {
    status: 429,
    detail:
      'All requests of this day or month are used up. Wait until the next one begins, as Retry-After says, or ask for a larger quota.',
  },
  share_used_up: {
    status: 429,
    detail: 'You have too many requests under way. Wait for their answers, then send this one again.',
  },
  loop: {
    status: 508,
    detail: 'The request came back to this proxy, as Via says: the API that it goes to leads here again.',
  },
  unavailable: {
    status: 503,
    detail:
      'Who you are cannot be checked right now. This says nothing about your token: send the request again.',
  },
  busy: { status: 503, detail: 'This server cannot take the request right now. Send it again.' },
  bad_gateway: {
    status: 502,
    detail: 'The API behind this proxy cannot be reached or did not answer with valid HTTP.',
  },
  gateway_timeout: { status: 504, detail: 'The API behind this proxy did not answer in time.' },
  internal: { status: 500, detail: 'Something is wrong on our side, and it has been written down.' },
};

/** Status, title and advice to a class of refusals: the vendors' dialects too say it, where they have no words of their own. */
export const generalAnswer = (kind: RefusalClass): Answer & { readonly title: string } => ({
  title: titles[answers[kind].status],
  ...answers[kind],
});

const render = (kind: RefusalClass, own?: string): Wire => {
  const { status, title, detail: general, challenge } = generalAnswer(kind);
  const detail = own ?? general;
  const body = `${JSON.stringify({ type: 'about:blank', title, status, detail })}\n`;
  const headers = ['Content-Type', 'application/problem+json', 'Content-Length', String(body.length)];
  headers.push('Cache-Control', 'no-store');
  if (challenge !== undefined) headers.push('WWW-Authenticate', `Bearer realm="tollgate"${challenge}`);
  const retryAfterSeconds = retryAfterSecondsOf(kind);
  if (retryAfterSeconds !== undefined) headers.push('Retry-After', String(retryAfterSeconds));
  return Object.freeze({ status, headers: Object.freeze(headers), body });
};

const rendered = new Map<RefusalClass, Wire>();

/** The answer to a class of refusals, as `wireOf` gives it. `detail`, in ASCII: in place of what the class says. */
export const wireOfClass = (kind: RefusalClass, detail?: string): Wire => {
  if (detail !== undefined) return render(kind, detail);
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
