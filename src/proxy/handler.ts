// The proxy's door: takes requests from the listener, has them judged (pipeline.ts), and does what the decision says:
// forward, refuse, or hand over to the token endpoints. Every request ends in one outcome. It judges nothing.

import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import type { Permit } from '../decision/authorize.ts';
import { denial, detailOf, type Refusal } from '../decision/outcome.ts';
import { classifyRefusal } from '../decision/refusal-class.ts';
import { addressBlockOf } from '../identity/address-block.ts';
import { hostFor } from './admission.ts';
import { type CallerConnection, Connections } from './connections/connections.ts';
import { asksForWebSocket, type HeaderFacts } from './hygiene.ts';
import { endOnFault, isLeaving, refuseBroken } from './invalid-request.ts';
import type { Handler, Serve } from './listener.ts';
import { decide } from './pipeline.ts';
import { noContent, respond, respondWith } from './reply.ts';
import { type Connection, type ReplyChannel, RequestContext } from './request-context.ts';
import type { Decision, Forward } from './request-decision.ts';
import { type AnswerMap, answerMapOf } from '../decision/response-mapping.ts';
import type { Running } from './running.ts';
import type { ForwardEnd } from './upstream/exchange.ts';
import type { PipelinedRequest } from './connections/waiting-line.ts';

export interface HandlerDeps {
  /** By what a request that begins now is judged and served. */
  readonly running: () => Running;
  readonly isShuttingDown: () => boolean;
}

export const createHandler = (deps: HandlerDeps): Handler => {
  const handler = new GateHandler(deps);
  const enter =
    (expectsContinue: boolean, refusal?: Refusal): Serve =>
    (request, response) =>
      handler.enter(request, { kind: 'response', response, expectsContinue }, refusal);
  return {
    connection: (socket) => handler.connections.meet(socket),
    request: enter(false),
    checkContinue: enter(true),
    checkExpectation: enter(true, denial('request_malformed', 'an expectation other than 100-continue')),
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

class GateHandler {
  readonly connections: Connections;
  readonly #deps: HandlerDeps;

  constructor(deps: HandlerDeps) {
    this.#deps = deps;
    this.connections = new Connections((pipelined) =>
      this.#begin(this.#connectionOf(pipelined.request.socket), pipelined),
    );
  }

  #connectionOf(socket: Socket): CallerConnection {
    return this.connections.of(socket, this.#deps.running().pipeline.trusts);
  }

  /** `refusal`: of a request that is refused whatever it says. */
  enter(request: IncomingMessage, reply: ReplyChannel, refusal?: Refusal): void {
    const connection = this.#connectionOf(request.socket);
    if (connection.isClosing) return;
    const pipelined = { request, reply, refusal };
    if (connection.isFree) {
      connection.takeTurn();
      this.#begin(connection, pipelined);
    } else if (reply.kind === 'response') connection.hold(pipelined);
    // A tunnel takes its connection at once, whatever is still to be sent on it.
    else reply.socket.destroy();
  }

  #begin(connection: Connection, { request, reply, refusal }: PipelinedRequest): void {
    const running = this.#deps.running();
    const context = new RequestContext(request, reply, connection, running);
    if (refusal !== undefined) return this.#refuse(context, refusal);
    try {
      const decision = decide(context.head, running.pipeline);
      context.known = decision.known;
      if (decision instanceof Promise) this.#await(context, decision);
      else this.#act(context, decision);
    } catch (bug) {
      this.#fail(context, bug);
    }
  }

  #await(context: RequestContext, pending: Promise<Decision>): void {
    const act = (decision: Decision): void => {
      if (context.isOver) return;
      context.known = decision.known;
      if (!context.hasLeft) this.#act(context, decision);
      else if (decision.kind === 'refused') context.endRefused(decision.refusal, 0);
      else context.endPermitted(0, 'client_gone');
    };
    pending.then(act).catch((bug: unknown) => this.#fail(context, bug));
  }

  #act(context: RequestContext, decision: Decision): void {
    switch (decision.kind) {
      case 'forward':
        return this.#forward(context, decision);
      case 'refused':
        return this.#refuse(context, decision.refusal);
      case 'owned':
        return this.#handOver(context);
      case 'preflight':
        return this.#answerPreflight(context);
    }
  }

  #forward(context: RequestContext, { permit, facts, framing, passed, identityPairs, known }: Forward): void {
    const { request, reply, head, running, requestId } = context;
    const { settings, forwarder, upgrader } = running;
    if (known.shadow !== undefined) running.countShadow(known.route, known.shadow);
    const headers = running.buildHeaders({
      rawHeaders: head.rawHeaders,
      httpVersion: head.httpVersion,
      facts,
      peer: head.peer,
      host: hostFor(settings.upstreams, permit.rule, facts),
      requestId,
      identityPairs,
      keepsCredential: passed.keepsCredential,
      accessToken: passed.accessToken,
    });
    const permitted = {
      permit,
      request,
      headers,
      requestId,
      answerPairs: known.answerPairs,
      answerMap: permit.rule.mapResponses === true ? this.#answerMapOf(context, permit, facts) : undefined,
      via: running.via.toCaller,
      addressBlock: addressBlockOf(known.clientAddress),
    };
    const onEnd = (end: ForwardEnd): void => this.#finish(context, end);
    if (reply.kind === 'socket') {
      const { socket, head: early } = reply;
      upgrader.upgrade({ ...permitted, socket, head: early }, onEnd);
      return;
    }
    const { response } = reply;
    this.#announceShutdown(reply);
    forwarder.forward({ ...permitted, response, framing, expectsContinue: reply.expectsContinue }, onEnd);
  }

  #answerMapOf({ head, running }: RequestContext, { rule, target }: Permit, facts: HeaderFacts): AnswerMap {
    const origin = running.settings.upstreams[rule.upstream]?.origin ?? '';
    return answerMapOf(rule, head.target, target, origin, facts.host);
  }

  #finish(context: RequestContext, end: ForwardEnd): void {
    if (context.isOver) return;
    const { status, failure, responded } = end;
    context.upstreamMs = end.upstreamMs;
    context.bytesIn = end.bytesIn;
    context.bytesOut = end.bytesOut;
    if (failure === undefined || failure === 'client_gone') context.endPermitted(status, failure);
    else if (responded) context.endRefused(failure, status);
    else if (failure.reason === 'request_timeout') refuseBroken(context, failure);
    else this.#refuse(context, failure);
  }

  #refuse(context: RequestContext, refusal: Refusal): void {
    this.#announceShutdown(context.reply);
    context.endRefused(refusal, respond(context, classifyRefusal(refusal), false, detailOf(refusal)));
  }

  #answerPreflight(context: RequestContext): void {
    this.#announceShutdown(context.reply);
    context.endPermitted(respondWith(context, noContent, false), undefined);
  }

  #handOver(context: RequestContext): void {
    const { reply, request, clientAddress, requestId } = context;
    if (reply.kind === 'socket') return this.#refuse(context, denial('upgrade_refused', 'a token endpoint'));
    context.handOver();
    this.#announceShutdown(reply);
    context.running.surfaces.handle(request, reply.response, { clientAddress, requestId });
  }

  #fail(context: RequestContext, bug: unknown): void {
    if (context.isOver) throw bug;
    context.endBroken(bug, respond(context, 'internal', true));
  }

  /** The response of a gate that shuts down is the last of its connection. */
  #announceShutdown(reply: ReplyChannel): void {
    if (reply.kind === 'response' && this.#deps.isShuttingDown()) reply.response.shouldKeepAlive = false;
  }

  shouldUpgrade(request: IncomingMessage): boolean {
    if (!asksForWebSocket({ upgrade: request.headers.upgrade })) return false;
    // Behind a response that is still to come, the socket is not free to become something else.
    return this.#connectionOf(request.socket).isFree;
  }

  clientError(error: Error, socket: Socket): void {
    const connection = this.#connectionOf(socket);
    if (isLeaving(error)) return void socket.destroy();
    // Heard again with every further piece of what cannot be read.
    if (connection.isClosing) return;
    connection.isClosing = true;
    connection.afterWaiting(() => endOnFault(connection, error, socket, this.#deps.running().record));
  }
}
