// One surface request as endpoints see it, from Node's request: header lines as they came, the query as text, the body
// read by its media type. Decides nothing and throws on nothing a caller sent.

import type { IncomingMessage } from 'node:http';
import type { PathParameters } from '../decision/path-pattern.ts';
import type { RequestHead, SurfaceRequest } from './answer.ts';
import { parseBody, readMediaType } from './body.ts';

/** Who is calling, as the proxied path sees it. */
export interface Caller {
  readonly clientAddress: string;
  readonly requestId: string;
}

/** Path (without query) of a target that the gate has found to be in origin form. */
export const pathOf = (req: IncomingMessage): string => (req.url ?? '').split('?', 1)[0] ?? '';

export const readHead = (req: IncomingMessage, caller: Caller): RequestHead => {
  const target = req.url ?? '';
  const mark = target.indexOf('?');
  return {
    method: req.method ?? '',
    query: mark < 0 ? '' : target.slice(mark + 1),
    headerLines: (name) => linesOf(req.rawHeaders, name),
    requestId: caller.requestId,
    clientAddress: caller.clientAddress,
  };
};

export const withBody = (
  head: RequestHead,
  parameters: PathParameters,
  bytes: Buffer | undefined,
): SurfaceRequest => ({
  ...head,
  parameters,
  authorization: head.headerLines('authorization')[0],
  body:
    bytes === undefined
      ? { kind: 'none' }
      : parseBody(readMediaType(head.headerLines('content-type')[0]), bytes),
  bytes: bytes ?? Buffer.alloc(0),
});

const linesOf = (rawHeaders: readonly string[], name: string): readonly string[] => {
  const wanted = name.toLowerCase();
  const lines: string[] = [];
  for (let index = 0; index + 1 < rawHeaders.length; index += 2)
    if (rawHeaders[index]?.toLowerCase() === wanted) lines.push(rawHeaders[index + 1] ?? '');
  return lines;
};
