// What is kept of a finished request: numbers and, where the settings ask for it, one line of JSON, written by hand for its
// speed. It never holds a query string, a header, a credential, or anything that could start a second line.

import { describeError, escapeControls, maskSecrets, summarizeError } from './describe-error.ts';
import { holdsSecret } from '../decision/secret-shapes.ts';
import type { Refusal } from '../decision/outcome.ts';
import type { Log } from './log.ts';
import type { Metrics } from './metrics.ts';
import type { RecordOutcome, RequestOutcome } from './request-outcome.ts';

/** `access`: which requests get a line. A bug is always logged, with its cause. */
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
      const { requestId, route, status, cause: err } = outcome;
      log.error('a bug broke a request', { requestId, route, status, err });
    }
    if (logsAll || (logsErrors && isError(outcome))) log.line(accessLine(outcome, Date.now()));
  };
};

/** Refused, failed, or cut off; a permit whose upstream answered 5xx too, and what only shadow mode let through. */
const isError = (outcome: RequestOutcome): boolean =>
  outcome.result !== 'permit' ||
  outcome.reason !== undefined ||
  outcome.status >= 500 ||
  (outcome.shadow !== undefined && outcome.shadow !== 'permit');

const pathLengthMax = 1024;

/** The line without its line feed. `nowMs`: milliseconds since the epoch. */
export const accessLine = (outcome: RequestOutcome, nowMs: number): string => {
  const { identity } = outcome;
  let line =
    `{"level":"${outcome.result === 'outage' ? 'warn' : 'info'}","time":"${isoTime(nowMs)}","msg":"request"` +
    `,"requestId":${quoted(outcome.requestId)},"route":${quoted(outcome.route)}` +
    `,"method":${quoted(outcome.method)},"path":${quoted(pathOf(outcome.path))}` +
    `,"status":${outcome.status},"result":"${outcome.result}"`;
  if (outcome.reason !== undefined) line += `,"reason":"${outcome.reason}"`;
  if (outcome.shadow !== undefined) line += shadowFields(outcome.shadow);
  if (outcome.evidence !== undefined) line += `,"evidence":${quoted(hidden(maskSecrets(outcome.evidence)))}`;
  if (outcome.cause !== undefined) line += `,"cause":${quoted(causeOf(outcome.cause))}`;
  if (outcome.credentialKind !== undefined) line += `,"credential":"${outcome.credentialKind}"`;
  if (identity !== undefined) {
    line += `,"authenticator":"${identity.authenticator.name}"`;
    line += `,"org":${quoted(identity.org.id)},"user":${quoted(identity.user.id)}`;
    if (identity.tokenId !== undefined) line += `,"tokenId":${quoted(identity.tokenId)}`;
    if (identity.sessionId !== undefined) line += `,"sessionId":${quoted(identity.sessionId)}`;
  }
  line += `,"client":${quoted(outcome.clientAddress)},"durationMs":${rounded(outcome.durationMs)}`;
  if (outcome.upstreamMs !== undefined) line += `,"upstreamMs":${rounded(outcome.upstreamMs)}`;
  return `${line}}`;
};

/** What a route in shadow mode let through all the same. */
const shadowFields = (shadow: Refusal | 'permit'): string => {
  if (shadow === 'permit') return ',"shadow":"permit"';
  const fields = `,"shadow":"${shadow.kind}","shadowReason":"${shadow.reason}"`;
  if (shadow.kind === 'outage')
    return shadow.cause === undefined ? fields : `${fields},"shadowCause":${quoted(causeOf(shadow.cause))}`;
  return shadow.evidence === undefined
    ? fields
    : `${fields},"shadowEvidence":${quoted(hidden(maskSecrets(shadow.evidence)))}`;
};

/** Printable ASCII without `"` and `\`: what needs no escaping at all. */
const plain = /^[\x20\x21\x23-\x5b\x5d-\x7e]*$/;

const quoted = (text: string): string =>
  plain.test(text) ? `"${text}"` : JSON.stringify(escapeControls(text).replaceAll('\n', '\\n'));

/** The path is the caller's text: no query, no credential-shaped piece, bounded. */
const pathOf = (path: string): string => {
  const query = path.indexOf('?');
  const bare = query === -1 ? path : path.slice(0, query);
  return bare.length < secretLengthMin ? bare : maskPath(bare.slice(0, pathLengthMax));
};

/** The shortest text that `holdsSecret`. */
const secretLengthMin = 11;

const hidden = (text: string): string => (holdsSecret(text) ? '[redacted]' : text);

/** A whole API token, the shortest shape that `maskSecrets` knows in a path. */
const shapeLengthMin = 30;

/** What is no secret by its shape may hold one in a spelling of its own: then the whole segment is hidden. */
const maskPath = (path: string): string => {
  const masked = path.length < shapeLengthMin ? path : maskSecrets(path);
  if (!holdsSecret(masked)) return masked;
  return hidden(masked.split('/').map(hidden).join('/'));
};

const causeOf = (cause: unknown): string => {
  const fields = describeError(cause, false);
  if (fields === undefined) return '';
  const message = cause instanceof Error ? summarizeError(cause) : fields.message;
  return fields.code === undefined ? message : `${fields.code}: ${message}`;
};

const rounded = (ms: number): number => Math.round(ms * 1000) / 1000;

let lastMs = 0;
let lastText = '';

/** Many requests end in the same millisecond; one text serves them. */
const isoTime = (nowMs: number): string => {
  if (nowMs !== lastMs) {
    lastMs = nowMs;
    lastText = new Date(nowMs).toISOString();
  }
  return lastText;
};
