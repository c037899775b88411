// The life of a proxied request, step by step: hygiene, path, route, credential, identity, authorize, headers, forward,
// outcome. It only calls the steps in order; each refuses by a value, and every request ends in one outcome.
// Nothing here waits when the identifier answers at once.

import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import { isPermit } from '../decision/authorize.ts';
import { type Credential, isCredential, likelyKind, readCredential } from '../decision/credential.ts';
import { denial, isDenial, isOutage, type Refusal } from '../decision/outcome.ts';
import { methodsAskedFor } from '../decision/method-override.ts';
import { parseTarget } from '../decision/path.ts';
import { classifyRefusal } from '../decision/refusal-class.ts';
import type { Identifier, Subject } from '../identity/identifier.ts';
import type { RecordOutcome } from '../observe/request-outcome.ts';
import type { Settings } from '../settings/settings.ts';
import { forwardedTarget, hasLeft, hostFor, isSubject, judge, unfitOf } from './admission.ts';
import { Connections } from './connections.ts';
import type { ForwardEnd } from './upstream/exchange.ts';
import type { Forwarder } from './upstream/forward.ts';
import { type ClassifyHeader, createHeaderClassifier, headerNamesOf } from './header-class.ts';
import { asksForWebSocket, framingOf, type HeaderFacts, inspectHeaders } from './hygiene.ts';
import { endOnFault, isLeaving, refuseBroken } from './invalid-request.ts';
import type { Handler } from './listener.ts';
import { type Connection, type Exit, Passage, type TokenEndpoints } from './passage.ts';
import { passedCredential } from './passed-credential.ts';
import { callerAddress, createTrust, type TrustsAddress } from './peer.ts';
import { answer } from './reply.ts';
import { createRequestHeaders } from './request-headers.ts';
import type { RouteMatch, Router } from './router.ts';
import type { Upgrader } from './upstream/upgrade.ts';
import type { Arrival } from './waiting-line.ts';

export interface HandlerDependencies {
  readonly settings: Pick<
    Settings,
    'credential' | 'errors' | 'feed' | 'identity' | 'limits' | 'trustedProxies' | 'upstreams'
  >;
  readonly router: Router;
  readonly identifier: Identifier;
  readonly forwarder: Forwarder;
  readonly upgrader: Upgrader;
  readonly record: RecordOutcome;
  readonly surfaces: TokenEndpoints;
  readonly isShuttingDown: () => boolean;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
}

export const createHandler = (deps: HandlerDependencies): Handler => {
  const handler = new GateHandler(deps);
  return {
    connection: (socket) => handler.connections.meet(socket),
    request: (request, response) =>
      handler.enter(request, { kind: 'response', response, expectsContinue: false }),
    checkContinue: (request, response) =>
      handler.enter(request, { kind: 'response', response, expectsContinue: true }),
    checkExpectation: (request, response) =>
      handler.enter(
        request,
        { kind: 'response', response, expectsContinue: true },
        denial('request_malformed', 'an expectation other than 100-continue'),
      ),
    upgrade: (request, socket, head) => {
      socket.on('error', ignore);
      handler.connections.release(request.socket);
      handler.enter(request, { kind: 'socket', socket, head });
    },
    connect: (request, socket) => {
      socket.on('error', ignore);
      handler.enter(request, { kind: 'socket', socket, head: noBytes }, denial('method_refused', 'CONNECT'));
    },
    shouldUpgrade: (request) => handler.shouldUpgrade(request),
    clientError: (error, socket) => handler.clientError(error, socket),
  };
};

const ignore = (): void => undefined;
const noBytes = Buffer.alloc(0);

/** What is known once a rule has been found. */
interface Request {
  readonly facts: HeaderFacts;
  readonly match: RouteMatch;
  /** Path and query as the API will see them. */
  readonly target: string;
  readonly credential: Credential | undefined;
}

class GateHandler {
  readonly connections: Connections;
  readonly #deps: HandlerDependencies;
  readonly #classify: ClassifyHeader;
  readonly #buildHeaders: ReturnType<typeof createRequestHeaders>;
  readonly #trusts: TrustsAddress;

  constructor(deps: HandlerDependencies) {
    const { credential, trustedProxies } = deps.settings;
    this.#deps = deps;
    this.#classify = createHeaderClassifier(headerNamesOf(deps.settings));
    this.#buildHeaders = createRequestHeaders(this.#classify, credential.cookie);
    this.#trusts = createTrust(trustedProxies);
    const { refusalsPerConnectionMax } = deps.settings.limits;
    this.connections = new Connections(this.#trusts, refusalsPerConnectionMax, (arrival) =>
      this.#begin(this.connections.of(arrival.request.socket), arrival),
    );
  }

  /** `refusal`: of a request that is refused whatever it says. */
  enter(request: IncomingMessage, exit: Exit, refusal?: Refusal): void {
    const connection = this.connections.of(request.socket);
    if (connection.isClosing) return;
    const arrival = { request, exit, refusal };
    if (connection.isFree) {
      connection.takeTurn();
      this.#begin(connection, arrival);
    } else if (exit.kind === 'response') connection.hold(arrival);
    // A tunnel takes its connection at once, whatever is still to be answered on it.
    else exit.socket.destroy();
  }

  #begin(connection: Connection, { request, exit, refusal }: Arrival): void {
    const { record, settings } = this.#deps;
    const passage = new Passage(request, exit, connection, record, settings.errors);
    if (refusal !== undefined) return this.#refuse(passage, refusal);
    try {
      this.#identify(passage);
    } catch (bug) {
      this.#fail(passage, bug);
    }
  }

  /** Steps 1 to 5: who asks for what. */
  #identify(passage: Passage): void {
    const { settings, router, identifier, surfaces } = this.#deps;
    const { request, method } = passage;

    // 1 hygiene
    const facts = inspectHeaders(
      request.rawHeaders,
      request.httpVersion,
      settings.limits.headersMax,
      this.#classify,
    );
    if (isDenial(facts)) return this.#refuse(passage, facts);
    passage.facts = facts;
    passage.clientAddress = callerAddress(passage.peer, facts.forwardedFor, this.#trusts);

    // 2 path
    const raw = request.url ?? '';
    const parsed = parseTarget(raw, settings.limits.targetBytesMax);
    if (isDenial(parsed)) return this.#refuse(passage, parsed);
    const { path, query } = parsed;
    passage.nameRoute('(none)');
    if (surfaces.owns(path)) return this.#handOver(passage);

    // 3 route
    const match = router.match(method, path);
    if (match === undefined) return this.#refuse(passage, router.refusalOf(method, path));
    const { rule } = match;
    passage.enterRoute(rule);
    for (const other of methodsAskedFor(facts.methodOverrides, query))
      if (router.match(other.toUpperCase(), path)?.rule !== rule)
        return this.#refuse(passage, denial('method_refused', 'an override to a method of another rule'));

    // 4 credential
    const credential = readCredential(
      {
        authorization: facts.authorization,
        bare: facts.bareCredentials,
        cookies: facts.cookies,
        cookieName: settings.credential.cookie,
        query,
        queryParameter: rule.credentialQueryParameter,
      },
      settings.credential,
    );
    const target = forwardedTarget(rule, raw, parsed);
    const asked: Request = {
      facts,
      match,
      target,
      credential: isCredential(credential) ? credential : undefined,
    };
    if (!isCredential(credential)) {
      if (rule.public) return this.#admit(passage, asked, undefined);
      return this.#refuse(passage, credential ?? denial('credential_missing'));
    }
    passage.credentialKind = likelyKind(credential);

    // 5 identity
    const found = identifier.identify(credential, this.#deps.now(), passage.clientAddress);
    if (found instanceof Promise) this.#awaitIdentity(passage, asked, found);
    else this.#admit(passage, asked, found);
  }

  #awaitIdentity(passage: Passage, asked: Request, found: Promise<Subject | Refusal>): void {
    const admit = (late: Subject | Refusal): void => {
      if (passage.isOver) return;
      if (!hasLeft(passage)) this.#admit(passage, asked, late);
      else if (isSubject(late)) passage.endPermitted(0, 'client_gone');
      else passage.endRefused(late, 0);
    };
    found.then(admit).catch((bug: unknown) => this.#fail(passage, bug));
  }

  /** Steps 6 to 8: may they, and on its way. `found` is undefined for a caller without a credential. */
  #admit(passage: Passage, asked: Request, found: Subject | Refusal | undefined): void {
    const { settings, identifier, forwarder, upgrader, isShuttingDown } = this.#deps;
    const { request, exit, addressBlock } = passage;
    const { facts } = asked;
    const { rule } = asked.match;

    // 6 authorize
    const nowMs = this.#deps.now();
    if (isSubject(found)) passage.identity = found.identity;
    const permit = judge({
      ...asked.match,
      target: asked.target,
      found,
      standing: isSubject(found) ? identifier.standing(found.identity, nowMs) : 'live',
      nowMs,
      serveWhenUnknown: settings.feed.whenStale === 'serve',
    });
    if (!isPermit(permit)) return this.#refuse(passage, permit);
    passage.identity = permit.identity;
    const unfit = unfitOf(passage, facts, rule);
    if (unfit !== undefined) return this.#refuse(passage, unfit);

    // 7 headers
    const subject = isSubject(found) && permit.identity !== undefined ? found : undefined;
    const identityPairs = subject === undefined ? [] : identifier.headersFor(subject, rule.upstream, nowMs);
    if (isOutage(identityPairs)) return this.#refuse(passage, identityPairs);
    const passed = passedCredential(rule, subject, asked.credential, identifier, nowMs);
    if (isOutage(passed)) return this.#refuse(passage, passed);
    const headers = this.#buildHeaders({
      rawHeaders: request.rawHeaders,
      facts,
      peer: passage.peer,
      host: hostFor(settings.upstreams, rule, facts),
      requestId: passage.requestId,
      identityPairs,
      keepsCredential: passed.keepsCredential,
      accessToken: passed.accessToken,
    });

    // 8 forward
    const onEnd = (end: ForwardEnd): void => this.#finish(passage, end);
    if (exit.kind === 'socket') {
      const { socket, head } = exit;
      upgrader.upgrade({ permit, request, socket, head, headers, addressBlock }, onEnd);
      return;
    }
    const { response } = exit;
    if (isShuttingDown()) response.shouldKeepAlive = false;
    if (exit.expectsContinue) response.writeContinue();
    const framing = framingOf(facts);
    forwarder.forward({ permit, request, response, headers, framing, addressBlock }, onEnd);
  }

  /** Step 9: the outcome of what was forwarded. */
  #finish(passage: Passage, { status, failure, responded, upstreamMs }: ForwardEnd): void {
    if (passage.isOver) return;
    passage.upstreamMs = upstreamMs;
    if (failure === undefined || failure === 'client_gone') passage.endPermitted(status, failure);
    else if (responded) passage.endRefused(failure, status);
    else if (failure.reason === 'request_timeout') refuseBroken(passage, failure);
    else this.#refuse(passage, failure);
  }

  // -- the other ways a request can go

  shouldUpgrade(request: IncomingMessage): boolean {
    if (!asksForWebSocket({ upgrade: request.headers.upgrade })) return false;
    // Behind a response that is still to come, the socket is not free to become something else.
    return this.connections.of(request.socket).isFree;
  }

  clientError(error: Error, socket: Socket): void {
    const connection = this.connections.of(socket);
    if (isLeaving(error)) return void socket.destroy();
    // Heard again with every further piece of what cannot be read.
    if (connection.isClosing) return;
    connection.isClosing = true;
    connection.afterWaiting(() => endOnFault(connection, error, socket, this.#deps));
  }

  #refuse(passage: Passage, refusal: Refusal): void {
    if (passage.exit.kind === 'response' && this.#deps.isShuttingDown())
      passage.exit.response.shouldKeepAlive = false;
    passage.endRefused(refusal, answer(passage, classifyRefusal(refusal), false));
  }

  #fail(passage: Passage, bug: unknown): void {
    if (passage.isOver) throw bug;
    passage.endBroken(bug, answer(passage, 'internal', true));
  }

  #handOver(passage: Passage): void {
    const { exit, request, clientAddress, requestId } = passage;
    if (exit.kind === 'socket') return this.#refuse(passage, denial('upgrade_refused', 'a token endpoint'));
    passage.handOver();
    if (this.#deps.isShuttingDown()) exit.response.shouldKeepAlive = false;
    this.#deps.surfaces.handle(request, exit.response, { clientAddress, requestId });
  }
}
