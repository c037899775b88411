// Problems of the console: those of the management surface, whose operations it serves, in the words of a browser's session.

import type { Answer, RequestHead } from '../answer.ts';
import { denied } from '../answer.ts';
import type { Dialect } from '../endpoint.ts';
import { createManagementDialect, type ProblemFacts } from '../management/management-problem.ts';
import type { GuardFault } from './request-guard.ts';

/** `apiPrefix`: where the pages of the problems lie. */
export const createConsoleDialect = (apiPrefix: string): Dialect<ProblemFacts> => {
  const { errorOf, respond } = createManagementDialect(apiPrefix);
  return {
    respond,
    errorOf: (failure, identity) => {
      const { headers: { 'www-authenticate': _, ...headers } = {}, ...facts } = errorOf(failure, identity);
      return { ...facts, detail: details[facts.code] ?? facts.detail, headers };
    },
  };
};

/** A cookie is no bearer's credential: no challenge fits, and these words of management do not either. */
const details: Readonly<Partial<Record<string, string>>> = {
  credential_missing: 'Nobody is signed in here.',
  credential_invalid: 'The session has ended. Sign in again.',
};

export const guardProblem = (
  { respond }: Dialect<ProblemFacts>,
  { code, detail, evidence }: GuardFault,
  request: RequestHead,
): Answer => {
  const reason = code === 'origin_refused' ? code : 'request_malformed';
  return respond({ code, detail, note: denied(reason, evidence) }, request);
};
