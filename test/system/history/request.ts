// One HTTP request to a replica as an interval and an outcome. Never throws for what a replica or the network does.

import type { Outcome } from './history.ts';
import type { Replica } from './replica.ts';

export interface Request {
  readonly id: string;
  readonly method: string;
  readonly path: string;
  readonly credential: string | undefined;
  readonly form?: Readonly<Record<string, string>>;
  readonly json?: unknown;
  readonly idempotencyKey?: string | undefined;
}

export interface Answered {
  readonly id: string;
  readonly replica: string;
  readonly incarnation: number;
  readonly invokedMs: number;
  readonly completedMs: number;
  readonly outcome: Outcome;
  /** Of an `ok` answer with a JSON body. */
  readonly body: Readonly<Record<string, unknown>>;
}

export const revokePath = '/oauth2/revoke';

/** Longer than any bound of the gate. */
const patienceMs = 8_000;

/** Statuses by which a replica says no. */
const refusals = [401, 403, 404, 409, 422];
const outages = [502, 503, 504];

export const send = async (replica: Replica, request: Request): Promise<Answered> => {
  const { name, incarnation, url } = replica;
  const invokedMs = performance.now();
  const finish = (outcome: Outcome, body: Answered['body'] = {}): Answered => ({
    id: request.id,
    replica: name,
    incarnation,
    invokedMs,
    completedMs: performance.now(),
    outcome,
    body,
  });
  // Its port may be another process's by now.
  if (url === undefined) return finish({ kind: 'outage', status: undefined, reason: 'it is down' });
  try {
    const response = await fetch(`${url}${request.path}`, optionsOf(request));
    const text = await response.text();
    return finish(outcomeOf(request, response.status, text), response.ok ? objectOf(text) : {});
  } catch (error) {
    return finish(failureOf(error));
  }
};

const optionsOf = ({ id, method, credential, form, json, idempotencyKey }: Request): RequestInit => ({
  method,
  redirect: 'manual',
  signal: AbortSignal.timeout(patienceMs),
  headers: {
    'x-request-id': id,
    ...(credential !== undefined && { authorization: `Bearer ${credential}` }),
    ...(idempotencyKey !== undefined && { 'idempotency-key': idempotencyKey }),
    ...(json !== undefined && { 'content-type': 'application/json' }),
  },
  ...(json !== undefined && { body: JSON.stringify(json) }),
  ...(form !== undefined && { body: new URLSearchParams(form) }),
});

const outcomeOf = ({ path, form }: Request, status: number, text: string): Outcome => {
  if (status >= 200 && status < 300) return { kind: 'ok' };
  if (outages.includes(status)) return { kind: 'outage', status, reason: undefined };
  const { code, error } = objectOf(text);
  // The token endpoints refuse a credential with 400: an exchange as `invalid_grant`, a revocation as `invalid_request`.
  const isRefusedForm =
    status === 400 && form !== undefined && (error === 'invalid_grant' || path === revokePath);
  if (refusals.includes(status) || isRefusedForm)
    return { kind: 'refused', status, reason: typeof code === 'string' ? code : undefined };
  return { kind: 'broken', status, text: `${path}: ${text.slice(0, 300)}` };
};

const failureOf = (error: unknown): Outcome => {
  if (!(error instanceof Error)) return { kind: 'unknown', cause: String(error) };
  const cause = error.cause instanceof Error ? error.cause : error;
  const code = 'code' in cause && typeof cause.code === 'string' ? cause.code : cause.name;
  return code === 'ECONNREFUSED'
    ? { kind: 'outage', status: undefined, reason: code }
    : { kind: 'unknown', cause: code };
};

/** Answers that are no JSON object are one without members. */
const objectOf = (text: string): Readonly<Record<string, unknown>> => {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? (value as Readonly<Record<string, unknown>>) : {};
  } catch {
    return {};
  }
};
