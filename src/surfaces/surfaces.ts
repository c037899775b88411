// The surfaces' side of the gate's one listener: routes what they own to their endpoints, reads bodies within bounds,
// and turns every answer, fault and bug into a response and one outcome record. Never listens, and never sees the
// proxied path. The only file that knows the HTTP framework.

import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify';
import type { RecordOutcome } from '../observe/request-outcome.ts';
import type { Answer, Note, Route } from './answer.ts';
import { bodyBytesMax, parseBody, readMediaType, type SurfaceBody } from './body.ts';
import { oauthRouteNames, oauthRoutes, type OauthSurfaceDeps } from './oauth/oauth.ts';

/** Labels of every surface's outcome records. */
export const surfaceRouteNames: readonly string[] = [...oauthRouteNames];

export interface Surfaces {
  /** Whether a path (without query) belongs to a surface; exact, so nothing of the API is shadowed by accident. */
  owns(path: string): boolean;
  readonly ownedPaths: readonly string[];
  /** Answers a request whose path is owned; never throws. */
  handle(req: IncomingMessage, res: ServerResponse): void;
  /** New requests are refused with 503 from here on. */
  close(): Promise<void>;
}

export interface SurfacesDeps extends OauthSurfaceDeps {
  readonly record: RecordOutcome;
  /** Who is calling, as the proxied path sees it: past trusted proxies. Asked once a request. */
  readonly caller: (req: IncomingMessage) => { readonly clientAddress: string; readonly requestId: string };
}

/** An endpoint that takes longer than this is answered 503: above every time-out of the store. */
const handlerTimeoutMs = 10_000;

export const createSurfaces = async (deps: SurfacesDeps): Promise<Surfaces> => {
  const routes = oauthRoutes(deps);
  const byPath = new Map(routes.map((route) => [route.path, route]));
  const app = createApp();
  const contexts = new WeakMap<IncomingMessage, Context>();
  const contextOf = (request: FastifyRequest): Context => {
    const context = contexts.get(request.raw);
    if (context === undefined) throw new Error('a surface request came past handle()');
    return context;
  };

  for (const route of routes)
    app.route({
      method: route.method,
      url: route.path,
      exposeHeadRoute: route.method === 'GET',
      handler: async (request, reply) =>
        send(contextOf(request), reply, await route.endpoint(surfaceRequest(request, contextOf(request)))),
    });
  app.setNotFoundHandler((request, reply) => {
    const context = contextOf(request);
    void reply.header('allow', context.route.method === 'GET' ? 'GET, HEAD' : 'POST');
    return send(context, reply, context.route.onFault(methodFault(context.route, request.method)));
  });
  app.setErrorHandler((error, request, reply) => {
    const context = contextOf(request);
    return send(context, reply, context.route.onFault(faultOf(error)));
  });
  await app.ready();
  let isClosing = false;

  return {
    owns: (path) => byPath.has(path),
    ownedPaths: [...byPath.keys()],
    handle: (req, res) => {
      const path = (req.url ?? '').split('?', 1)[0] ?? '';
      const route = byPath.get(path);
      if (route === undefined) throw new Error(`no surface owns ${path}`);
      const context: Context = { route, ...deps.caller(req), note: isClosing ? shuttingDown : undefined };
      contexts.set(req, context);
      recordAtEnd(deps.record, req, res, path, context);
      continueIfExpected(req, res);
      app.routing(req, res);
    },
    close: async () => {
      isClosing = true;
      await app.close();
    },
  };
};

/** What is known of a request from its arrival to its outcome record. */
interface Context {
  readonly route: Route;
  readonly clientAddress: string;
  readonly requestId: string;
  note: Note | undefined;
}

const createApp = (): FastifyInstance => {
  const app: FastifyInstance = fastify({
    // The gate's listener is the only one: this server is never bound.
    serverFactory: () => createServer(),
    bodyLimit: bodyBytesMax,
    handlerTimeout: handlerTimeoutMs,
    // Said in so many words, though the one body parser below replaces fastify's own.
    onProtoPoisoning: 'error',
    onConstructorPoisoning: 'error',
    requestIdHeader: false,
    trustProxy: false,
    return503OnClosing: true,
    logger: false,
    routerOptions: {
      ignoreTrailingSlash: false,
      ignoreDuplicateSlashes: false,
      caseSensitive: true,
      // The query is read by the endpoints, as text.
      querystringParser: () => ({}),
    },
  });
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('*', { parseAs: 'buffer', bodyLimit: bodyBytesMax }, (_request, body, done) =>
    done(null, body),
  );
  // The framework answers 415 to media types it cannot parse before any endpoint could: it is told a plain one.
  app.addHook('onRequest', (request, _reply, done) => {
    const { headers } = request.raw;
    if (headers['content-type'] !== undefined)
      headers['content-type'] = readMediaType(headers['content-type']) ?? 'application/octet-stream';
    done();
  });
  return app;
};

const surfaceRequest = (request: FastifyRequest, context: Context): Parameters<Route['endpoint']>[0] => ({
  method: request.method,
  query: (request.raw.url ?? '').split('?').slice(1).join('?'),
  authorization: request.headers.authorization,
  body: bodyOf(request),
  clientAddress: context.clientAddress,
});

const bodyOf = (request: FastifyRequest): SurfaceBody =>
  Buffer.isBuffer(request.body)
    ? parseBody(readMediaType(request.headers['content-type']), request.body)
    : { kind: 'none' };

const send = (context: Context, reply: FastifyReply, answer: Answer): FastifyReply => {
  context.note = answer.note;
  void reply.code(answer.status).headers({ 'x-content-type-options': 'nosniff', ...answer.headers });
  if (answer.body === undefined) return reply.send();
  return reply.type('application/json; charset=utf-8').send(JSON.stringify(answer.body));
};

const methodFault = (route: Route, method: string): Parameters<Route['onFault']>[0] => ({
  status: 405,
  description: `Use ${route.method} here.`,
  note: deniedNote('method_refused', method),
});

/** Errors of the framework carry a 4xx status; whatever else is thrown is a bug. */
const faultOf = (error: unknown): Parameters<Route['onFault']>[0] => {
  const status = statusOf(error);
  if (status === 413)
    return {
      status,
      description: `The body is larger than ${bodyBytesMax} bytes.`,
      note: deniedNote('request_too_large', undefined),
    };
  if (status >= 400 && status < 500)
    return {
      status: 400,
      description: 'The request cannot be read.',
      note: deniedNote('request_malformed', error instanceof Error ? error.message : undefined),
    };
  if (status === 503)
    return {
      status,
      description: 'The request took too long. Try again in a moment.',
      note: {
        ...deniedNote('request_malformed', undefined),
        result: 'outage',
        reason: 'overloaded',
        cause: error,
      },
    };
  return {
    status: 500,
    description: 'Something is wrong in this server; it has been logged.',
    note: { ...deniedNote('request_malformed', undefined), result: 'bug', reason: undefined, cause: error },
  };
};

const statusOf = (error: unknown): number =>
  error instanceof Error && 'statusCode' in error && typeof error.statusCode === 'number'
    ? error.statusCode
    : 500;

const deniedNote = (reason: Exclude<Note['reason'], undefined>, evidence: string | undefined): Note => ({
  result: 'denial',
  reason,
  evidence,
  cause: undefined,
  credentialKind: undefined,
  identity: undefined,
});

/** The framework itself answers 503 once it is closing. */
const shuttingDown: Note = {
  ...deniedNote('request_malformed', undefined),
  result: 'outage',
  reason: 'shutting_down',
};

/** One record a request, when its connection is done with it, whichever way. */
const recordAtEnd = (
  record: RecordOutcome,
  req: IncomingMessage,
  res: ServerResponse,
  path: string,
  context: Context,
): void => {
  const startMs = performance.now();
  res.once('close', () => {
    const { note } = context;
    record({
      route: context.route.name,
      method: req.method ?? '',
      path,
      status: res.headersSent ? res.statusCode : 0,
      result: note?.result ?? 'denial',
      reason: res.writableFinished ? note?.reason : 'client_gone',
      evidence: note?.evidence,
      cause: note?.cause,
      credentialKind: note?.credentialKind,
      identity: note?.identity,
      durationMs: performance.now() - startMs,
      clientAddress: context.clientAddress,
      requestId: context.requestId,
    });
  });
};

/** `Expect: 100-continue` reaches here unanswered when the gate listens to `checkContinue`. */
const continueIfExpected = (req: IncomingMessage, res: ServerResponse): void => {
  const expects = req.headers.expect?.toLowerCase() === '100-continue';
  if (expects && Number(req.headers['content-length'] ?? 0) <= bodyBytesMax) res.writeContinue();
};
