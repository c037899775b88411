// Turns the record of a finished request into numbers and, where the settings ask for it, one access line.
// The line never holds a query string, a header, a credential or anything that could start a second line.

import { describeError, escapeControls, maskSecrets } from './describe-error.ts';
import type { Log, LogLevel } from './log.ts';
import type { Metrics } from './metrics.ts';
import type { RecordOutcome, RequestOutcome } from './request-outcome.ts';

const pathLengthMax = 1024;

/** `access`: which requests get a line; bugs are always logged, with their cause. */
export const createRecorder = (
  metrics: Pick<Metrics, 'record'>,
  log: Log,
  access: 'off' | 'errors' | 'all',
): RecordOutcome => {
  const logsAll = access === 'all';
  const logsErrors = access !== 'off';
  return (outcome) => {
    metrics.record(outcome);
    if (outcome.result === 'bug') {
      log.error('a bug broke a request', { ...lineOf(outcome), err: outcome.cause });
      return;
    }
    if (logsAll || (logsErrors && isError(outcome))) log.access(lineOf(outcome), levelOf(outcome));
  };
};

/** Refused, failed, or cut off; a permit whose upstream answered 5xx too. */
const isError = (outcome: RequestOutcome): boolean =>
  outcome.result !== 'permit' || outcome.reason !== undefined || outcome.status >= 500;

const levelOf = (outcome: RequestOutcome): LogLevel => (outcome.result === 'outage' ? 'warn' : 'info');

const lineOf = (outcome: RequestOutcome): Record<string, string | number | undefined> => {
  const { identity } = outcome;
  return {
    requestId: printable(outcome.requestId),
    route: outcome.route,
    method: printable(outcome.method),
    path: pathOf(outcome.path),
    status: outcome.status,
    result: outcome.result,
    reason: outcome.reason,
    evidence: outcome.evidence === undefined ? undefined : maskSecrets(outcome.evidence),
    cause: causeOf(outcome.cause),
    credential: outcome.credentialKind,
    org: identity && printable(identity.org.id),
    user: identity && printable(identity.user.id),
    tokenId: identity?.tokenId,
    sessionId: identity?.sessionId === undefined ? undefined : printable(identity.sessionId),
    client: outcome.clientAddress,
    durationMs: rounded(outcome.durationMs),
    upstreamMs: outcome.upstreamMs === undefined ? undefined : rounded(outcome.upstreamMs),
  };
};

/** The path is the caller's text: no query, no credential-shaped piece, no control character, bounded. */
const pathOf = (path: string): string => {
  const query = path.indexOf('?');
  const bare = query === -1 ? path : path.slice(0, query);
  return bare.length < 30
    ? printable(bare)
    : maskSecrets(bare.slice(0, pathLengthMax)).replaceAll('\n', '\\n');
};

const printable = (text: string): string => escapeControls(text).replaceAll('\n', '\\n');

const causeOf = (cause: unknown): string | undefined => {
  if (cause === undefined) return undefined;
  const fields = describeError(cause);
  return fields && (fields.code === undefined ? fields.message : `${fields.code}: ${fields.message}`);
};

const rounded = (ms: number): number => Math.round(ms * 1000) / 1000;
