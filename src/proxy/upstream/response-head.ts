// The head of a response, and the trailers of one, from bytes to values. Strict: what two readers could understand differently
// is a fault, said in words. Pure: no I/O, no clock, no state.

import { isBlank, token, withoutBlanks } from '../../decision/http-text.ts';
import { ResponseHeaders } from './response-headers.ts';

export interface ResponseHead {
  readonly status: number;
  readonly reason: string;
  /** It is HTTP/1.0: the connection goes on only if it says so. */
  readonly isHttp10: boolean;
  readonly headers: ResponseHeaders;
}

/** Takes header fields, each in its spelling, in their order. */
interface FieldSink {
  add(name: string, value: string): void;
}

export type LineEnd = '\r\n' | '\n';

/**
 * `text`: Latin-1, up to and with the end of the last line before the blank one. `lineEnd`: how the status line ends. Legacy
 * servers end all lines by a bare LF (RFC 9112 section 2.2); in a head whose status line ends by CRLF, one is part of what
 * somebody has made the API say.
 */
export const readHead = (text: string, lineEnd: LineEnd): ResponseHead | string => {
  if (!startsLikeHead(text)) return 'no HTTP/1.1 or HTTP/1.0 response';
  if ((lineEnd === '\n' ? unsafeWithLf : unsafeWithCrlf).test(text)) return 'a control character in its head';
  const end = text.indexOf(lineEnd);
  const statusLine = statusLineSyntax.exec(text.slice(0, end));
  if (statusLine === null) return 'a status line that is none';
  const [, minor, status, reason = ''] = statusLine;
  const headers = new ResponseHeaders(Number(status));
  const fault = readFields(text, end + lineEnd.length, lineEnd, headers);
  if (fault !== undefined) return fault;
  headers.finish();
  return { status: Number(status), reason, isHttp10: minor === '0', headers };
};

/** As above; only lines that end by CRLF. Names and values in turn, or a fault. */
export const readTrailerSection = (text: string): string[] | string => {
  if (unsafeWithCrlf.test(text)) return 'a control character in its trailers';
  const pairs: string[] = [];
  return readFields(text, 0, '\r\n', { add: (name, value) => void pairs.push(name, value) }) ?? pairs;
};

/** Whether it may still become a head: what is no HTTP at all need not be waited for. */
export const startsLikeHead = (text: string): boolean =>
  text.startsWith('HTTP/1.') || 'HTTP/1.'.startsWith(text);

/** RFC 9112 section 4; the blank before an empty reason is often left out. */
const statusLineSyntax = /^HTTP\/1\.([01]) (\d{3})(?: (.*))?$/;

/** A control character other than a tab, a bare CR, a bare LF (RFC 9110 section 5.5, RFC 9112 section 2.2). */
const unsafeWithCrlf = /[\0-\x08\x0b\x0c\x0e-\x1f\x7f]|\r[^\n]|[^\r]\n/;
const unsafeWithLf = /[\0-\x08\x0b-\x1f\x7f]/;

/** As many as Node's own client takes. */
const fieldsMax = 2_000;

/** Returns what is wrong. A folded line becomes one blank (RFC 9112 section 5.2). */
const readFields = (text: string, from: number, lineEnd: LineEnd, sink: FieldSink): string | undefined => {
  let count = 0;
  for (let at = from; at < text.length;) {
    let end = text.indexOf(lineEnd, at);
    const colon = text.indexOf(':', at);
    if (colon < 0 || colon > end) return 'a header line without a colon';
    const name = text.slice(at, colon);
    // With a blank before the colon it is none (RFC 9112 section 5.1).
    if (!token.test(name)) return 'a header name that is none';
    let value = withoutBlanks(text, colon + 1, end);
    while (isBlank(text.charCodeAt(end + lineEnd.length))) {
      const next = end + lineEnd.length;
      end = text.indexOf(lineEnd, next);
      const more = withoutBlanks(text, next, end);
      value = value === '' || more === '' ? value + more : `${value} ${more}`;
    }
    count += 1;
    if (count > fieldsMax) return `more than ${fieldsMax} header lines`;
    sink.add(name, value);
    at = end + lineEnd.length;
  }
  return undefined;
};
