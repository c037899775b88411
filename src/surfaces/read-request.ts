// One surface request as endpoints see it, from Node's request: header lines as they came, the query as text, the body
// collected within bounds and read by its media type. Decides nothing and throws on nothing a caller sent.

import type { IncomingMessage, ServerResponse } from 'node:http';
import type { PathParameters } from '../decision/path-tree.ts';
import type { Caller, RequestHead, SurfaceRequest } from './answer.ts';
import { parseBody, readMediaType } from './body.ts';

export const readHead = (req: IncomingMessage, caller: Caller): RequestHead => {
  const target = req.url ?? '';
  const mark = target.indexOf('?');
  return {
    method: req.method ?? '',
    path: mark < 0 ? target : target.slice(0, mark),
    query: mark < 0 ? '' : target.slice(mark + 1),
    headerLines: (name) => linesOf(req.rawHeaders, name),
    ...caller,
  };
};

/**
 * The whole body, once it has come; the listener limits how long that may take. `too_large`: by its Content-Length, or
 * as it came. `broken`: the connection ended first. A caller that waits for `100 Continue` is sent one, unless the body is too large.
 */
export const readBytes = (
  req: IncomingMessage,
  res: ServerResponse,
  bytesMax: number,
): Promise<Buffer | 'too_large' | 'broken'> =>
  new Promise((resolve) => {
    if (Number(req.headers['content-length'] ?? 0) > bytesMax) return resolve('too_large');
    // RFC 9110 §10.1.1: a client of HTTP/1.0 would not understand it.
    if (req.httpVersion !== '1.0' && req.headers.expect?.toLowerCase() === '100-continue')
      res.writeContinue();
    const chunks: Buffer[] = [];
    let length = 0;
    req.on('data', (chunk: Buffer) => {
      length += chunk.length;
      if (length > bytesMax) resolve('too_large');
      else chunks.push(chunk);
    });
    req.once('end', () => resolve(Buffer.concat(chunks)));
    req.once('close', () => resolve('broken'));
  });

/** `bytes`: empty where there is no body. */
export const withBody = (head: RequestHead, parameters: PathParameters, bytes: Buffer): SurfaceRequest => ({
  ...head,
  parameters,
  authorization: head.headerLines('authorization')[0],
  body: parseBody(readMediaType(head.headerLines('content-type')[0]), bytes),
  bytes,
});

const linesOf = (rawHeaders: readonly string[], name: string): readonly string[] => {
  const wanted = name.toLowerCase();
  const lines: string[] = [];
  for (let index = 0; index + 1 < rawHeaders.length; index += 2)
    if (rawHeaders[index]?.toLowerCase() === wanted) lines.push(rawHeaders[index + 1] ?? '');
  return lines;
};
