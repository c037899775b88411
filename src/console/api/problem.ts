// What went wrong with a request, as RFC 9457 says it or as the browser does. The pages show their own sentence for each
// `code` they know, and the server's `detail` for the others.

import { isObject } from './reader.ts';

export interface Problem {
  readonly kind: 'problem';
  /** The server's stable code; or `unreachable`, `unexpected`. */
  readonly code: string;
  readonly status: number;
  /** The server's sentence, in English. */
  readonly detail: string;
  readonly retryAfterSeconds: number | undefined;
}

const problem = (code: string, status: number, more: Partial<Problem> = {}): Problem => ({
  kind: 'problem',
  code,
  status,
  detail: '',
  retryAfterSeconds: undefined,
  ...more,
});

/** No answer came. */
export const unreachable = problem('unreachable', 0);
/** An answer came that these pages cannot read. */
export const unexpected = (status: number): Problem => problem('unexpected', status);

export const isProblem = (outcome: unknown): outcome is Problem =>
  isObject(outcome) && outcome['kind'] === 'problem';

/** Nobody's fault here, and likely over soon: the store is down, or the server or the network. */
export const isOutage = ({ code, status }: Problem): boolean => code === 'unreachable' || status >= 502;

/** The session has ended. */
export const isSessionLost = ({ status }: Problem): boolean => status === 401;

export const readProblem = (status: number, body: unknown, retryAfter: string | null): Problem => {
  const facts = isObject(body) ? body : {};
  const { code, detail } = facts;
  const wait = Number(retryAfter);
  return problem(typeof code === 'string' ? code : status >= 502 ? 'unavailable' : 'unexpected', status, {
    detail: [typeof detail === 'string' ? detail : '', ...differencesOf(facts['errors'])].join(' ').trim(),
    retryAfterSeconds: retryAfter !== null && Number.isFinite(wait) && wait > 0 ? wait : undefined,
  });
};

/** What differs from what the operation asks for, each as a sentence. */
const differencesOf = (errors: unknown): readonly string[] =>
  (Array.isArray(errors) ? errors : []).flatMap((each: unknown) => {
    if (!isObject(each) || typeof each['detail'] !== 'string') return [];
    const where = [each['pointer'], each['parameter'], each['header']].find((at) => typeof at === 'string');
    return [where === undefined || where === '' ? each['detail'] : `${where}: ${each['detail']}`];
  });
