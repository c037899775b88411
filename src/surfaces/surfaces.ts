// The surfaces' side of the gate's one listener: finds the endpoint of a path they own, has the body read within bounds,
// and turns every answer, fault and bug into a response and one outcome record. Never listens, and never sees the
// proxied path. The only file that knows the HTTP framework, which is told neither paths nor media types: both are
// judged here, once.

import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify';
import type { Denial } from '../decision/outcome.ts';
import { type PathParameters, PathTable } from '../decision/path-pattern.ts';
import type { SignInLimit } from '../identity/sign-in-limit.ts';
import type { PasswordHashes } from '../lifecycle/password-hash.ts';
import type { RecordOutcome } from '../observe/request-outcome.ts';
import { managementPaths } from '../settings/surface-paths.ts';
import { astraRouteNames, astraRoutes } from './astra/astra.ts';
import type { Answer, Endpoint, Note, RequestHead, Route } from './answer.ts';
import { bodyBytesMax } from './body.ts';
import { allowed, bodyFault, faultOf, methodFault, shutdownFault, withinTime } from './faults.ts';
import { cspRouteNames, cspRoutes, type CspSurfaceDeps } from './csp/csp.ts';
import { navigatorRouteNames, navigatorRoutes } from './navigator/navigator.ts';
import { oauthRouteNames, oauthRoutes, type OauthSurfaceDeps } from './oauth/oauth.ts';
import { type Caller, pathOf, readHead, withBody } from './read-request.ts';
import type { SignInSurfaceDeps } from './sign-in-surface.ts';
import { vcdRouteNames, vcdRoutes } from './vcd/vcd.ts';

/** Labels of every surface's outcome records. */
export const surfaceRouteNames: readonly string[] = [
  ...oauthRouteNames,
  ...cspRouteNames,
  ...navigatorRouteNames,
  ...vcdRouteNames,
  ...Object.keys(managementPaths('')).map((name) => `management:${name}`),
  ...astraRouteNames,
];

export interface Surfaces {
  /** Whether a path (without query) belongs to a surface, whatever the method. */
  owns(path: string): boolean;
  /** The patterns of those paths. */
  readonly ownedPaths: readonly string[];
  /** Answers a request whose path is owned; never throws. */
  handle(req: IncomingMessage, res: ServerResponse, caller: Caller): void;
  /**
   * Answers a request whose body cannot be read to its end, and lets its connection close. False: it has been answered
   * already, so only the connection can tell.
   */
  refuseBody(req: IncomingMessage, reason: Denial): boolean;
  /** New requests are refused with 503 from here on. */
  close(): Promise<void>;
}

export interface SurfacesDeps extends ServeDeps, OauthSurfaceDeps, CspSurfaceDeps, SignInSurfaceDeps {
  readonly settings: OauthSurfaceDeps['settings'] &
    CspSurfaceDeps['settings'] &
    SignInSurfaceDeps['settings'];
  readonly store: CspSurfaceDeps['store'];
  readonly keys: OauthSurfaceDeps['keys'] & CspSurfaceDeps['keys'];
  /** One for all surfaces where people sign in: what it counts and queues is counted and queued once. */
  readonly passwords: PasswordHashes;
  readonly signInLimit: SignInLimit;
}

export interface ServeDeps {
  readonly record: RecordOutcome;
}

/**
 * An endpoint that takes longer than this, once it has the body, is answered 503: above every time-out of the store.
 * How long the body may take is the listener's to say.
 */
const endpointTimeoutMs = 10_000;

/** Every surface that the settings switch on. */
export const createSurfaces = async (deps: SurfacesDeps): Promise<Surfaces> =>
  serveRoutes(
    [
      ...oauthRoutes(deps),
      ...cspRoutes(deps),
      ...navigatorRoutes(deps),
      ...vcdRoutes(deps),
      ...(await managementRoutesOf(deps)),
      ...astraRoutes(deps),
    ],
    deps,
  );

/** Its schemas cost two megabytes: nobody pays who has it switched off. */
const managementRoutesOf = async (deps: SurfacesDeps): Promise<readonly Route[]> => {
  if (!deps.settings.surfaces.management.enabled) return [];
  const { managementRoutes } = await import('./management/management.ts');
  return managementRoutes(deps);
};

export const serveRoutes = async (routes: readonly Route[], deps: ServeDeps): Promise<Surfaces> => {
  const table = new PathTable(routes.map((route) => [route.path, route]));
  const app = createApp();
  const contexts = new WeakMap<IncomingMessage, Context>();
  const contextOf = (request: FastifyRequest): Context => {
    const context = contexts.get(request.raw);
    if (context === undefined) throw new Error('a surface request came past handle()');
    return context;
  };
  let isClosing = false;

  const answer = async (request: FastifyRequest): Promise<Answer> => {
    const { route, head, parameters } = contextOf(request);
    if (isClosing) return route.onFault(shutdownFault, head);
    const endpoint = endpointOf(route, head.method);
    if (endpoint === undefined) {
      const refused = route.onFault(methodFault(route, head.method), head);
      return { ...refused, headers: { ...refused.headers, allow: allowed(route).join(', ') } };
    }
    const body = Buffer.isBuffer(request.body) ? request.body : undefined;
    return withinTime(endpoint(withBody(head, parameters, body)), endpointTimeoutMs);
  };
  app.all(onlyPath, async (request, reply) => send(contextOf(request), reply, await answer(request)));
  // Methods the framework has never heard of.
  app.setNotFoundHandler(async (request, reply) => send(contextOf(request), reply, await answer(request)));
  app.setErrorHandler((error, request, reply) => {
    const context = contextOf(request);
    return send(context, reply, context.route.onFault(faultOf(error), context.head));
  });
  app.addHook('onRequest', (request, reply, done) => {
    contextOf(request).reply = reply;
    done();
  });
  await app.ready();

  return {
    owns: (path) => table.has(path),
    ownedPaths: routes.map(({ path }) => path),
    handle: (req, res, caller) => {
      const path = pathOf(req);
      const found = table.find(path);
      if (found === undefined) throw new Error(`no surface owns ${path}`);
      const context: Context = {
        route: found.value,
        parameters: found.parameters,
        head: readHead(req, caller),
        note: undefined,
        reply: undefined,
      };
      contexts.set(req, context);
      recordAtEnd(deps.record, res, path, context);
      continueIfExpected(req, res);
      app.routing(req, res);
    },
    refuseBody: (req, reason) => {
      const context = contexts.get(req);
      if (context?.reply === undefined || context.reply.sent) return false;
      void context.reply.header('connection', 'close');
      send(context, context.reply, context.route.onFault(bodyFault(reason), context.head));
      return true;
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
  readonly parameters: PathParameters;
  readonly head: RequestHead;
  note: Note | undefined;
  /** Where the answer goes, from the moment the framework has the request. */
  reply: FastifyReply | undefined;
}

/** The one path the framework knows. */
const onlyPath = '/';

const createApp = (): FastifyInstance => {
  const app: FastifyInstance = fastify({
    // The gate's listener is the only one: this server is never bound.
    serverFactory: () => createServer(),
    // Which endpoint a path belongs to has been decided before: no second opinion.
    rewriteUrl: () => onlyPath,
    bodyLimit: bodyBytesMax,
    // Said in so many words, though the one body parser below replaces fastify's own.
    onProtoPoisoning: 'error',
    onConstructorPoisoning: 'error',
    requestIdHeader: false,
    trustProxy: false,
    return503OnClosing: false,
    logger: false,
  });
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('*', { parseAs: 'buffer', bodyLimit: bodyBytesMax }, (_request, body, done) =>
    done(null, body),
  );
  // The framework answers 415 to media types it cannot parse before any endpoint could: it is told a plain one.
  app.addHook('onRequest', (request, _reply, done) => {
    const { headers } = request.raw;
    if (headers['content-type'] !== undefined) headers['content-type'] = 'application/octet-stream';
    done();
  });
  return app;
};

const endpointOf = ({ endpoints }: Route, method: string): Endpoint | undefined => {
  switch (method) {
    case 'GET':
    case 'HEAD':
      return endpoints.GET;
    case 'POST':
    case 'PUT':
    case 'PATCH':
    case 'DELETE':
      return endpoints[method];
    default:
      return undefined;
  }
};

const send = (context: Context, reply: FastifyReply, answer: Answer): FastifyReply => {
  context.note = answer.note;
  void reply.code(answer.status).headers({ 'x-content-type-options': 'nosniff', ...answer.headers });
  const { body, mediaType = 'application/json; charset=utf-8' } = answer;
  if (body === undefined) return reply.send();
  return reply.type(mediaType).send(typeof body === 'string' ? body : JSON.stringify(body));
};

/** One record a request, when its connection is done with it, whichever way. */
const recordAtEnd = (record: RecordOutcome, res: ServerResponse, path: string, context: Context): void => {
  const startMs = performance.now();
  res.once('close', () => {
    const { note, head, route } = context;
    record({
      route: route.name,
      method: head.method,
      path,
      status: res.headersSent ? res.statusCode : 0,
      result: note?.result ?? 'denial',
      reason: res.writableFinished ? note?.reason : 'client_gone',
      evidence: note?.evidence,
      cause: note?.cause,
      credentialKind: note?.credentialKind,
      identity: note?.identity,
      durationMs: performance.now() - startMs,
      clientAddress: head.clientAddress,
      requestId: head.requestId,
    });
  });
};

/** `Expect: 100-continue` reaches here unanswered when the gate listens to `checkContinue`. */
const continueIfExpected = (req: IncomingMessage, res: ServerResponse): void => {
  const expects = req.headers.expect?.toLowerCase() === '100-continue';
  if (expects && Number(req.headers['content-length'] ?? 0) <= bodyBytesMax) res.writeContinue();
};
