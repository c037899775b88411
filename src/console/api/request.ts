// One request to the console's own server: same origin, JSON, the session in its cookie. Answers a value or a problem, and
// never throws but when it was aborted.

import { type Problem, readProblem, unexpected, unreachable } from './problem.ts';
import { prefix } from './prefix.ts';
import { type Reader, UnexpectedAnswer } from './reader.ts';

export interface Request<T> {
  readonly method?: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  /** Below the prefix, e.g. `session` or `api/orgs`. */
  readonly path: string;
  readonly query?: Readonly<Record<string, string | undefined>>;
  readonly body?: unknown;
  readonly read: Reader<T>;
  /** A retry with the same key is carried out once. */
  readonly idempotencyKey?: string | undefined;
  /** A timer sent it, so it does not keep the session alive. */
  readonly isBackground?: boolean | undefined;
  readonly signal?: AbortSignal | undefined;
}

export type Outcome<T> = T | Problem;

const timeoutMs = 30_000;

export const send = async <T>(request: Request<T>): Promise<Outcome<T>> => {
  const late = AbortSignal.timeout(timeoutMs);
  const signal = request.signal === undefined ? late : AbortSignal.any([request.signal, late]);
  try {
    const response = await fetch(addressOf(request), {
      method: request.method ?? 'GET',
      headers: headersOf(request),
      body: request.body === undefined ? null : JSON.stringify(request.body),
      credentials: 'same-origin',
      cache: 'no-store',
      redirect: 'error',
      referrerPolicy: 'no-referrer',
      signal,
    });
    const body = await readBody(response);
    if (!response.ok) return readProblem(response.status, body, response.headers.get('retry-after'));
    return readAnswer(request, response.status, body);
  } catch (error) {
    if (request.signal?.aborted === true) throw error;
    return unreachable;
  }
};

const readAnswer = <T>({ read }: Request<T>, status: number, body: unknown): Outcome<T> => {
  try {
    return read(body);
  } catch (error) {
    if (error instanceof UnexpectedAnswer) return unexpected(status);
    throw error;
  }
};

const addressOf = ({ path, query = {} }: Request<unknown>): string => {
  const parameters = new URLSearchParams();
  for (const [name, value] of Object.entries(query))
    if (value !== undefined && value !== '') parameters.set(name, value);
  return `${prefix}${path}${parameters.size === 0 ? '' : `?${parameters.toString()}`}`;
};

const headersOf = ({
  body,
  idempotencyKey,
  isBackground = false,
}: Request<unknown>): Record<string, string> => ({
  accept: 'application/json, application/problem+json',
  ...(body !== undefined && { 'content-type': 'application/json' }),
  ...(idempotencyKey !== undefined && { 'idempotency-key': idempotencyKey }),
  ...(isBackground && { 'tollgate-background': '?1' }),
});

const readBody = async (response: Response): Promise<unknown> => {
  const body = await response.text();
  if (body === '') return undefined;
  try {
    return JSON.parse(body);
  } catch {
    return undefined;
  }
};
