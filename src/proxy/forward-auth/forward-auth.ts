// The door for proxies that forward requests themselves: one asks whether a request may pass, and is answered with the headers
// to set and to remove, or with the refusal for its caller. Each request judged is recorded like one that is forwarded.

import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { type Denial, denial, detailOf, type Refusal } from '../../decision/outcome.ts';
import type { Wire } from '../../decision/refusal.ts';
import { classifyRefusal } from '../../decision/refusal-class.ts';
import { holdsSecret } from '../../decision/secret-shapes.ts';
import type { Log } from '../../observe/log.ts';
import { type Advise, createAdviser } from '../adviser.ts';
import { JudgedRequest } from '../judged-request.ts';
import type { Serve } from '../listener.ts';
import { addressOf, createTrust, type TrustsAddress } from '../peer.ts';
import { decide, type Pipeline } from '../pipeline.ts';
import type { Decision, Forward } from '../request-decision.ts';
import type { Running } from '../running.ts';
import { passHeaders, refusalHeaders, removedNames, teach } from './auth-response.ts';
import {
  type AskingRequest,
  type OriginalFault,
  type OriginalRequest,
  readOriginal,
} from './original-request.ts';
import { createQuestionNames, type QuestionNames, type Style } from './question-names.ts';

export interface ForwardAuthDeps {
  readonly running: () => Running;
  readonly isShuttingDown: () => boolean;
  readonly log: Pick<Log, 'warn'>;
}

/** One request that a proxy asks about, until it is answered. */
class AskedRequest extends JudgedRequest {
  readonly response: ServerResponse;
  readonly original: OriginalRequest;

  constructor(
    request: IncomingMessage,
    response: ServerResponse,
    original: OriginalRequest,
    running: Running,
  ) {
    super(request, original.head, running);
    this.response = response;
    this.original = original;
  }
}

export const createForwardAuth = (deps: ForwardAuthDeps): Serve => {
  const door = new ForwardAuth(deps);
  return (request, response) => door.answer(request, response);
};

class ForwardAuth {
  readonly #deps: ForwardAuthDeps;
  readonly #advise: Advise;
  #rules: AskingRules;

  constructor(deps: ForwardAuthDeps) {
    this.#deps = deps;
    this.#advise = createAdviser(deps.log, 'forward-auth');
    this.#rules = rulesOf(deps.running());
  }

  answer(request: IncomingMessage, response: ServerResponse): void {
    const { socket, rawHeaders, method = '', url = '' } = request;
    const running = this.#deps.running();
    // Made once for each settings in force.
    if (this.#rules.running !== running) this.#rules = rulesOf(running);
    const rules = this.#rules;
    const peerAddress = addressOf(socket);
    const asking = { method, target: url.slice(rules.path.length), rawHeaders, peerAddress };
    const read = readQuestion(rules, socket, asking);
    const original = 'fault' in read ? unreadable(asking) : read;
    const asked = new AskedRequest(request, response, original, running);
    try {
      if ('fault' in read) return this.#refuseUnread(asked, read);
      const decision = decide(original.head, rules.pipeline);
      if (!(decision instanceof Promise)) return this.#act(asked, decision);
      decision.then((late) => this.#act(asked, late)).catch((bug: unknown) => this.#fail(asked, bug));
    } catch (bug) {
      this.#fail(asked, bug);
    }
  }

  #refuseUnread(asked: AskedRequest, read: OriginalFault): void {
    this.#advise(read.fault, { peer: asked.head.peer.address });
    if (read === untrusted) this.#refuse(asked, untrustedPeer);
    else this.#refuse(asked, denial('request_malformed', read.fault), teach(read.fault));
  }

  #act(asked: AskedRequest, decision: Decision): void {
    asked.known = decision.known;
    switch (decision.kind) {
      case 'forward':
        return this.#pass(asked, decision);
      case 'refused':
        return this.#refuse(asked, decision.refusal);
      case 'preflight':
        throw new Error('a preflight is not answered for a proxy');
      case 'owned': {
        const { owner } = decision;
        this.#advise(`the path belongs to ${owner} of Tollgate: send it to \`listen\` without asking`);
        return this.#refuse(asked, denial('route_unknown', `a path of ${owner}`));
      }
    }
  }

  #pass(asked: AskedRequest, decision: Forward): void {
    const { running, original, response, requestId } = asked;
    const { known, permit } = decision;
    const { rewrite } = permit.rule;
    if (rewrite !== undefined)
      this.#advise(`the route ${known.route} rewrites the path, which a proxy that asks forwards as it came`);
    const sent = permit.target === original.head.target ? spoofOf(asked) : credentialInQuery;
    const refusal = rewrite === undefined ? sent : rewrittenElsewhere;
    if (refusal !== undefined) {
      asked.known = { ...known, shadow: undefined };
      return this.#refuse(asked, refusal);
    }
    if (known.shadow !== undefined) running.countShadow(known.route, known.shadow);
    const { webSocketProtocol } = running.settings.credential;
    const removed = removedNames(original, decision.passed);
    this.#send(asked, 200, passHeaders(decision, removed, requestId, webSocketProtocol), '');
    if (response.destroyed) asked.endPermitted(0, 'client_gone');
    else asked.endPermitted(200, undefined);
  }

  /** `wire`: another response than the one for the refusal. */
  #refuse(
    asked: AskedRequest,
    refusal: Refusal,
    wire = asked.responseTo(classifyRefusal(refusal), detailOf(refusal)),
  ): void {
    const isForNginx = asked.running.settings.forwardAuth.style === 'original';
    this.#send(asked, wire.status, refusalHeaders(wire, asked, isForNginx), wire.body);
    asked.endRefused(refusal, statusSent(asked, wire));
  }

  #fail(asked: AskedRequest, bug: unknown): void {
    asked.known = undefined;
    const wire = asked.responseTo('internal');
    if (asked.response.headersSent) asked.response.destroy();
    else this.#send(asked, wire.status, refusalHeaders(wire, asked, false), wire.body);
    asked.endBroken(bug, statusSent(asked, wire));
  }

  #send({ original, response }: AskedRequest, status: number, headers: string[], body: string): void {
    if (this.#deps.isShuttingDown() || original.announcesBody) response.shouldKeepAlive = false;
    response.writeHead(status, headers);
    response.end(body);
  }
}

/** By the settings in force: who may ask, how a question is read, by what it is judged. */
interface AskingRules {
  readonly running: Running;
  /** `forwardAuth.path`, which is no part of what is asked about. */
  readonly path: string;
  readonly style: Style;
  readonly trusts: TrustsAddress;
  /** Whether the peer of a connection may ask. */
  readonly known: WeakMap<Socket, boolean>;
  readonly names: QuestionNames;
  /** The one of the gate, but for the headers by which a proxy asks. */
  readonly pipeline: Pipeline;
}

const rulesOf = (running: Running): AskingRules => {
  const { path = '', style, trustedPeers } = running.settings.forwardAuth;
  const names = createQuestionNames(
    style,
    running.pipeline.classify,
    running.settings.credential.webSocketProtocol,
  );
  // A proxy takes 2xx for leave to forward, so no preflight can be answered here: each is judged as the OPTIONS it is.
  const pipeline = { ...running.pipeline, classify: names.classify, answersPreflights: false };
  return { running, path, style, trusts: createTrust(trustedPeers), known: new WeakMap(), names, pipeline };
};

const mayAsk = ({ trusts, known }: AskingRules, socket: Socket, address: string): boolean => {
  const found = known.get(socket);
  if (found !== undefined) return found;
  const isTrusted = trusts(address);
  known.set(socket, isTrusted);
  return isTrusted;
};

/**
 * False where a caller sends `/tollgate/auth/../../oauth2/token` through a proxy that reads it as `/oauth2/token` and forwards
 * it as it came. Where the rest of the path is what is asked about (Envoy), it is judged anyway.
 */
const isAskedThere = ({ path, style }: AskingRules, rest: string): boolean =>
  path === '' || style === 'envoy' || plainRest.test(rest);

/** Behind the path: no dot, escape or empty segment, by which a proxy could have read it as another one. */
const plainRest = /^(?:\/[\w-]+)*\/?(?:\?.*)?$/;

const readQuestion = (
  rules: AskingRules,
  socket: Socket,
  asking: AskingRequest,
): OriginalRequest | OriginalFault => {
  if (!mayAsk(rules, socket, asking.peerAddress)) return untrusted;
  return isAskedThere(rules, asking.target) ? readOriginal(rules.style, rules.names, asking) : astray;
};

const statusSent = ({ response }: AskedRequest, { status }: Wire): number =>
  response.destroyed ? 0 : status;

const untrusted = {
  fault:
    'the peer is not in forwardAuth.trustedPeers, so nothing it says is believed; name it there if it is your proxy',
};
const astray = {
  fault:
    'the path of the question is not plain; ask at forwardAuth.path itself, and let no caller reach it through the proxy',
};
const untrustedPeer: Denial = denial('peer_untrusted');
const rewrittenElsewhere: Denial = denial('route_unknown', 'a route that rewrites the path');
const credentialInQuery: Denial = denial(
  'request_malformed',
  'a credential in the query, which the proxy would send to the API; forwardCredential: keep allows it',
);
/** What is recorded of a question that cannot be read, or comes from somebody who may not ask. */
const unreadable = ({ method, target, peerAddress }: AskingRequest): OriginalRequest => ({
  head: {
    method,
    target,
    rawHeaders: [],
    httpVersion: '1.1',
    peer: { address: peerAddress, isTrusted: false, proto: 'http', forwardedFor: peerAddress },
    isUpgrade: false,
  },
  spoofed: [],
  proxyWords: [],
  credentials: [],
  announcesBody: true,
});

/** What the caller sent that only Tollgate may say, where the settings refuse it. */
const spoofOf = ({ running, original: { spoofed } }: AskedRequest): Denial | undefined =>
  spoofed.length > 0 && running.settings.forwardAuth.spoofedHeaders === 'refuse'
    ? denial('request_malformed', evidenceOf(spoofed))
    : undefined;

/** The first of the names, which a caller may have chosen. */
const evidenceOf = ([name = '']: readonly string[]): string =>
  name.length > 64 || holdsSecret(name) ? 'a header that only Tollgate may send' : `from a caller: ${name}`;
