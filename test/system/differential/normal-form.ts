// What the API and the caller got, in one line that can be compared: `GET /things -> 200 "ok"`. Left of the arrow is what the API
// got, right of it what the caller got. Names that begin with a colon ask for something that is no header.

import type { SeenRequest } from './scripted-api.ts';

/** `:body`, `:framing`, `:version`, `:trailers`, or the name of a header. */
export type Watched = readonly string[];

export const describeRequests = (requests: readonly SeenRequest[], watched: Watched): string =>
  requests.length === 0 ? 'nothing' : requests.map((each) => describeRequest(each, watched)).join(' + ');

const describeRequest = ({ head, framing, body, trailers }: SeenRequest, watched: Watched): string => {
  const [method = '', target = '', version = ''] = head.startLine.split(' ');
  const facts = watched.flatMap((name) => {
    if (name === ':framing') return [framing];
    if (name === ':version') return [version];
    if (name === ':trailers') return trailers === '' ? [] : [`trailers ${trailers}`];
    return head.all(name).map((value) => `${name}: ${value}`);
  });
  return [method, target, ...(facts.length === 0 ? [] : [`(${facts.join('; ')})`]), ...shown(body)].join(' ');
};

const shown = (body: string): readonly string[] => {
  if (body === '') return [];
  return [body.length > 40 ? `${body.length} bytes` : JSON.stringify(body)];
};

/** `how`: what the connection came to; `open`: nothing more was to come, and it was not closed. */
export const describeAnswers = (
  received: string,
  how: 'end' | 'reset' | 'open',
  methods: readonly string[],
  watched: Watched,
): string => {
  const { answers, rest } = answersOf(received, methods);
  const messages = answers.map(([head, body]) => describeAnswer(head, body, watched));
  if (rest !== '') messages.push(`${rest.length} bytes that are no head`);
  if (messages.length === 0) messages.push('nothing');
  if (how !== 'end') messages.push(how);
  return messages.join(' + ');
};

/** Whether each request has its final answer, to its end. */
export const isWhole = (received: string, methods: readonly string[]): boolean => {
  const finals = answersOf(received, methods).answers.filter(([{ status }]) => status >= 200);
  return (
    finals.length >= methods.length &&
    finals.every(([, { isWhole, framing }]) => isWhole && framing !== 'close')
  );
};

const answersOf = (received: string, methods: readonly string[]) => {
  const answers: (readonly [AnswerHead, Body])[] = [];
  let rest = received;
  let answered = 0;
  for (let end = rest.indexOf('\r\n\r\n'); end >= 0; end = rest.indexOf('\r\n\r\n')) {
    const head = headOf(rest.slice(0, end));
    rest = rest.slice(end + 4);
    const isInterim = head.status < 200 && head.status !== 101;
    const body = isInterim ? noBody : bodyOf(head, rest, methods[answered] ?? 'GET');
    rest = rest.slice(body.length);
    answered += isInterim ? 0 : 1;
    answers.push([head, body]);
  }
  return { answers, rest };
};

interface AnswerHead {
  readonly status: number;
  readonly headers: readonly (readonly [name: string, value: string])[];
}

const headOf = (text: string): AnswerHead => {
  const [startLine = '', ...lines] = text.split('\r\n');
  const headers = lines.map((line) => {
    const colon = line.indexOf(':');
    return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()] as const;
  });
  return { status: Number(startLine.split(' ')[1]), headers };
};

interface Body {
  readonly framing: 'none' | 'length' | 'chunked' | 'close';
  readonly text: string;
  readonly trailers: string;
  readonly isWhole: boolean;
  /** On the wire. */
  readonly length: number;
}

const noBody: Body = { framing: 'none', text: '', trailers: '', isWhole: true, length: 0 };

const bodyOf = ({ status, headers }: AnswerHead, rest: string, method: string): Body => {
  const valueOf = (name: string): string | undefined => headers.find(([each]) => each === name)?.[1];
  if (method === 'HEAD' || status === 204 || status === 304) return noBody;
  if (valueOf('transfer-encoding') !== undefined) return chunkedBody(rest);
  const length = valueOf('content-length');
  if (length !== undefined) {
    const text = rest.slice(0, Number(length));
    return {
      ...noBody,
      framing: 'length',
      text,
      isWhole: text.length === Number(length),
      length: text.length,
    };
  }
  return { ...noBody, framing: 'close', text: rest, length: rest.length };
};

const chunkedBody = (rest: string): Body => {
  let [text, at] = ['', 0];
  const of = (trailers: string, isWhole: boolean, length: number): Body => ({
    framing: 'chunked',
    text,
    trailers,
    isWhole,
    length,
  });
  for (;;) {
    const lineEnd = rest.indexOf('\r\n', at);
    const size = lineEnd < 0 ? Number.NaN : Number.parseInt(rest.slice(at, lineEnd), 16);
    if (Number.isNaN(size)) return of('', false, rest.length);
    if (size === 0) {
      const end = rest.indexOf('\r\n\r\n', lineEnd);
      if (end < 0) return of('', false, rest.length);
      return of(rest.slice(lineEnd + 2, end).replaceAll('\r\n', ', '), true, end + 4);
    }
    text += rest.slice(lineEnd + 2, lineEnd + 2 + size);
    at = lineEnd + 2 + size + 2;
  }
};

/** The body of an error is each proxy's own. */
const describeAnswer = ({ status, headers }: AnswerHead, body: Body, watched: Watched): string => {
  const facts = watched.flatMap((name) => {
    if (name === ':framing') return [body.framing];
    if (name === ':trailers') return body.trailers === '' ? [] : [`trailers ${body.trailers}`];
    return headers.filter(([each]) => each === name).map(([, value]) => `${name}: ${value}`);
  });
  return [
    String(status),
    ...(facts.length === 0 ? [] : [`(${facts.join('; ')})`]),
    ...(status < 400 ? shown(body.text) : []),
    ...(body.isWhole ? [] : ['broken']),
  ].join(' ');
};
