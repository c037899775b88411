// Serves the routes of the surfaces on the gate's one listener, with node:http alone: finds the endpoint of a path, reads
// the body within bounds, and turns every answer, fault and bug into one response and one outcome record. Never listens,
// and never sees the proxied path.

import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Denial } from '../decision/outcome.ts';
import { pathOf } from '../decision/path.ts';
import type { PathPattern } from '../decision/path-pattern.ts';
import { namedParameters, type PathParameters, PathTree } from '../decision/path-tree.ts';
import type { RecordOutcome } from '../observe/request-outcome.ts';
import { patternsOf } from '../settings/surface-paths.ts';
import {
  type Answer,
  broken,
  type Caller,
  type Endpoint,
  type Fault,
  type Note,
  type RequestHead,
  type Route,
} from './answer.ts';
import { bodyBytesMax } from './body.ts';
import {
  bodyFault,
  bodyTooLarge,
  brokenBody,
  faultOf,
  methodFault,
  methodsOf,
  shutdownFault,
  withinTime,
} from './faults.ts';
import { readBytes, readHead, withBody } from './read-request.ts';

export interface Surfaces {
  /** Whether a path (without query) belongs to a surface, whatever the method. */
  owns(path: string): boolean;
  /** The patterns of those paths. */
  readonly ownedPaths: readonly PathPattern[];
  /** Answers a request whose path is owned. */
  handle(req: IncomingMessage, res: ServerResponse, caller: Caller): void;
  /**
   * Answers a request whose body cannot be read to its end, and lets its connection close. False: it has been answered
   * already, so only the connection can tell.
   */
  refuseBody(req: IncomingMessage, reason: Denial): boolean;
  /** New requests are refused with 503 from here on. */
  close(): void;
}

export interface ServeDeps {
  readonly record: RecordOutcome;
}

/**
 * An endpoint that takes longer than this, once it has the body, is answered 503: above every time-out of the store.
 * The listener limits how long the body may take.
 */
const endpointTimeoutMs = 10_000;

export const serveRoutes = (routes: readonly Route[], { record }: ServeDeps): Surfaces => {
  const entries = routes.flatMap((route) =>
    patternsOf(route.path).map((pattern) => [pattern, route] as const),
  );
  const table = new PathTree(entries);
  const contexts = new WeakMap<IncomingMessage, Context>();
  let isClosing = false;

  const answerTo = async (context: Context): Promise<Answer> => {
    const { req, res, route, parameters, head } = context;
    const endpoint = endpointOf(route, head.method);
    if (endpoint === undefined) return refuseMethod(route, head);
    const bytes = isBodyRead(head.method) ? await readBytes(req, res, bodyBytesMax) : noBytes;
    if (bytes === 'too_large') return refuseAndClose(context, bodyTooLarge);
    if (bytes === 'broken') return refuseAndClose(context, brokenBody);
    if (isClosing) return route.onFault(shutdownFault, head);
    return withinTime(endpoint(withBody(head, parameters, bytes)), endpointTimeoutMs);
  };

  return {
    owns: (path) => table.has(path),
    ownedPaths: entries.map(([pattern]) => pattern),
    handle: (req, res, caller) => {
      const path = pathOf(req.url ?? '');
      const found = table.find(path);
      if (found === undefined) throw new Error(`no surface owns ${path}`);
      const route = found.value;
      const parameters = namedParameters(found);
      const context: Context = { req, res, route, parameters, head: readHead(req, caller), note: undefined };
      contexts.set(req, context);
      recordAtEnd(record, path, context);
      answerTo(context)
        .then((answer) => send(context, answer))
        .catch((error: unknown) => send(context, route.onFault(faultOf(error), context.head)))
        .catch((bug: unknown) => {
          context.note = broken(bug);
          res.destroy();
        });
    },
    refuseBody: (req, reason) => {
      const context = contexts.get(req);
      if (context === undefined || !isOpen(context.res)) return false;
      send(context, refuseAndClose(context, bodyFault(reason)));
      return true;
    },
    close: () => void (isClosing = true),
  };
};

/** What is known of a request from its arrival to its outcome record. */
interface Context {
  readonly req: IncomingMessage;
  readonly res: ServerResponse;
  readonly route: Route;
  readonly parameters: PathParameters;
  readonly head: RequestHead;
  note: Note | undefined;
}

/** `GET` answers HEAD too. */
const endpointOf = ({ endpoints }: Route, method: string): Endpoint | undefined =>
  Object.entries(endpoints).find(([name]) => name === (method === 'HEAD' ? 'GET' : method))?.[1];

const noBytes = Buffer.alloc(0);

/** RFC 9110 §9.3.1: a body of GET or HEAD means nothing. Node reads past it. */
const isBodyRead = (method: string): boolean => method !== 'GET' && method !== 'HEAD';

/** RFC 9110 §15.5.6. The body is not read. */
const refuseMethod = (route: Route, head: RequestHead): Answer => {
  const refused = route.onFault(methodFault(route, head.method), head);
  return { ...refused, headers: { ...refused.headers, allow: methodsOf(route).join(', ') } };
};

/** The last answer of its connection: what follows on it may still be of the refused body. */
const refuseAndClose = ({ route, head }: Context, fault: Fault): Answer => {
  const refused = route.onFault(fault, head);
  return { ...refused, headers: { ...refused.headers, connection: 'close' } };
};

/** Whether an answer can still be sent: none has been, and the caller is there. */
const isOpen = (res: ServerResponse): boolean => !res.headersSent && !res.destroyed;

const send = (context: Context, { status, headers, cookies, body, mediaType, note }: Answer): void => {
  const { res } = context;
  if (!isOpen(res)) return;
  context.note = note;
  const head: Record<string, string> = {
    'x-content-type-options': 'nosniff',
    'x-request-id': context.head.requestId,
    ...headers,
    ...context.route.headersOf?.(context.head),
  };
  if (cookies !== undefined) res.setHeader('set-cookie', cookies);
  if (body === undefined) {
    // RFC 9110 §8.6: none with 204; and with 304 and HEAD it would be the length of what GET answers.
    if (status !== 204 && status !== 304 && context.head.method !== 'HEAD') head['content-length'] = '0';
    res.writeHead(status, head).end();
    return;
  }
  const sent = typeof body === 'string' || Buffer.isBuffer(body) ? body : JSON.stringify(body);
  head['content-type'] = mediaType ?? 'application/json; charset=utf-8';
  head['content-length'] = String(Buffer.byteLength(sent));
  res.writeHead(status, head).end(sent);
};

/** One record a request, when its connection is done with it, whichever way. */
const recordAtEnd = (record: RecordOutcome, path: string, context: Context): void => {
  const startMs = performance.now();
  const { res, head, route } = context;
  res.once('close', () => {
    const { note } = context;
    record({
      route: route.name,
      method: head.method,
      path,
      status: res.headersSent ? res.statusCode : 0,
      result: note?.result ?? 'denial',
      reason: res.writableFinished ? note?.reason : 'client_gone',
      evidence: note?.evidence,
      cause: note?.cause,
      credentialKind: note?.identity?.authenticator.credentialKind,
      identity: note?.identity,
      durationMs: performance.now() - startMs,
      clientAddress: head.clientAddress,
      requestId: head.requestId,
    });
  });
};
