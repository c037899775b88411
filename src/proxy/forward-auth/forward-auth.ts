// The door for proxies that forward requests themselves: one asks whether a request may pass, and is answered with the headers
// to set and to remove, or with the refusal for its caller. Each request judged is recorded like one that is forwarded.

import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { type Denial, denial, type Refusal } from '../../decision/outcome.ts';
import { pathOf } from '../../decision/path.ts';
import type { Wire } from '../../decision/refusal.ts';
import { classifyRefusal, type RefusalClass } from '../../decision/refusal-class.ts';
import { holdsSecret } from '../../decision/secret-shapes.ts';
import { refusalResponse } from '../../dialects/refusal-response.ts';
import type { Log } from '../../observe/log.ts';
import type { RequestOutcome } from '../../observe/request-outcome.ts';
import { unrouted } from '../conclude.ts';
import { requestIdOf } from '../correlation.ts';
import type { Serve } from '../listener.ts';
import { plainAddress } from '../peer.ts';
import { decide } from '../pipeline.ts';
import type { Decision, Forward, Known, RequestHead } from '../request-decision.ts';
import type { Running } from '../running.ts';
import { type AskingRules, isAskedThere, mayAsk, rulesOf } from './asking-rules.ts';
import { passHeaders, refusalHeaders, removedNames, teach } from './auth-response.ts';
import {
  type AskingRequest,
  type OriginalFault,
  type OriginalRequest,
  readOriginal,
} from './original-request.ts';

export interface ForwardAuthDeps {
  readonly running: () => Running;
  readonly isShuttingDown: () => boolean;
  readonly log: Pick<Log, 'warn'>;
}

/** One request that a proxy asks about, until it is answered. */
interface Asked {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly running: Running;
  readonly original: OriginalRequest;
  readonly startMs: number;
}

export const createForwardAuth = (deps: ForwardAuthDeps): Serve => {
  const door = new ForwardAuth(deps);
  return (request, response) => door.answer(request, response);
};

class ForwardAuth {
  readonly #deps: ForwardAuthDeps;
  readonly #advise: ReturnType<typeof createAdviser>;
  #rules: AskingRules;

  constructor(deps: ForwardAuthDeps) {
    this.#deps = deps;
    this.#advise = createAdviser(deps.log);
    this.#rules = rulesOf(deps.running());
  }

  answer(request: IncomingMessage, response: ServerResponse): void {
    const { socket, rawHeaders, method = '', url = '' } = request;
    const running = this.#deps.running();
    // Made once for each settings in force.
    if (this.#rules.running !== running) this.#rules = rulesOf(running);
    const rules = this.#rules;
    const peerAddress = plainAddress(socket.remoteAddress);
    const asking = { method, target: url.slice(rules.path.length), rawHeaders, peerAddress };
    const read = readQuestion(rules, socket, asking);
    const original = 'fault' in read ? unreadable(asking) : read;
    const asked: Asked = { request, response, running, original, startMs: performance.now() };
    try {
      if ('fault' in read) return this.#refuseUnread(asked, read);
      const decision = decide(original.head, rules.pipeline);
      if (!(decision instanceof Promise)) return this.#act(asked, decision);
      decision.then((late) => this.#act(asked, late)).catch((bug: unknown) => this.#fail(asked, bug));
    } catch (bug) {
      this.#fail(asked, bug);
    }
  }

  #refuseUnread(asked: Asked, read: OriginalFault): void {
    const { head } = asked.original;
    const known = unread(head);
    this.#advise(read.fault, { peer: head.peer.address });
    if (read === untrusted) this.#refuse(asked, known, untrustedPeer);
    else this.#refuse(asked, known, denial('request_malformed', read.fault), teach(read.fault));
  }

  #act(asked: Asked, decision: Decision): void {
    switch (decision.kind) {
      case 'forward':
        return this.#pass(asked, decision);
      case 'refused':
        return this.#refuse(asked, decision.known, decision.refusal);
      case 'owned': {
        const { owner, known } = decision;
        this.#advise(`the path belongs to ${owner} of Tollgate: send it to \`listen\` without asking`);
        return this.#refuse(asked, known, denial('route_unknown', `a path of ${owner}`));
      }
    }
  }

  #pass(asked: Asked, decision: Forward): void {
    const { running, original } = asked;
    const { known, permit } = decision;
    if (permit.target !== original.head.target) return this.#refuse(asked, known, credentialInQuery);
    const { spoofed } = original;
    if (spoofed.length > 0 && running.settings.forwardAuth.spoofedHeaders === 'refuse')
      return this.#refuse(asked, known, denial('request_malformed', evidenceOf(spoofed)));
    if (known.shadow !== undefined) running.countShadow(known.route, known.shadow);
    const requestId = requestIdOf(known.facts?.requestId);
    this.#send(asked, 200, passHeaders(decision, removedNames(original, decision.passed), requestId), '');
    record(asked, known, requestId, passed);
  }

  /** `wire`: another response than the one for the refusal. */
  #refuse(asked: Asked, known: Known, refusal: Refusal, wire?: Wire): void {
    const requestId = requestIdOf(known.facts?.requestId);
    const sent = wire ?? this.#responseTo(asked, known, classifyRefusal(refusal), requestId);
    this.#send(asked, sent.status, refusalHeaders(sent, requestId, isForNginx(asked)), sent.body);
    const isDenial = refusal.kind === 'denial';
    record(asked, known, requestId, {
      result: refusal.kind,
      reason: refusal.reason,
      evidence: isDenial ? refusal.evidence : undefined,
      cause: isDenial ? undefined : refusal.cause,
      status: sent.status,
    });
  }

  #fail(asked: Asked, bug: unknown): void {
    const known = unread(asked.original.head);
    const requestId = requestIdOf(undefined);
    const wire = this.#responseTo(asked, known, 'internal', requestId);
    if (asked.response.headersSent) asked.response.destroy();
    else this.#send(asked, wire.status, refusalHeaders(wire, requestId, false), wire.body);
    record(asked, known, requestId, { ...passed, result: 'bug', cause: bug, status: wire.status });
  }

  /** What the API's caller is told, in the dialect of the route. */
  #responseTo(
    { request, running, original }: Asked,
    known: Known,
    kind: RefusalClass,
    requestId: string,
  ): Wire {
    const dialect = known.rule?.errors ?? running.settings.errors;
    const { challenge } = known.rule ?? {};
    const { headers } = request;
    return refusalResponse(
      dialect,
      kind,
      { path: pathOf(original.head.target), requestId, headers },
      challenge,
    );
  }

  #send({ original, response }: Asked, status: number, headers: string[], body: string): void {
    if (this.#deps.isShuttingDown() || original.announcesBody) response.shouldKeepAlive = false;
    response.writeHead(status, headers);
    response.end(body);
  }
}

const readQuestion = (
  rules: AskingRules,
  socket: Socket,
  asking: AskingRequest,
): OriginalRequest | OriginalFault => {
  if (!mayAsk(rules, socket, asking.peerAddress)) return untrusted;
  return isAskedThere(rules, asking.target) ? readOriginal(rules.style, rules.names, asking) : astray;
};

const isForNginx = ({ running }: Asked): boolean => running.settings.forwardAuth.style === 'original';

const untrusted = {
  fault:
    'the peer is not in forwardAuth.trustedPeers, so nothing it says is believed; name it there if it is your proxy',
};
const astray = {
  fault:
    'the path of the question is not plain; ask at forwardAuth.path itself, and let no caller reach it through the proxy',
};
const untrustedPeer: Denial = denial('peer_untrusted');
const credentialInQuery: Denial = denial(
  'request_malformed',
  'a credential in the query, which the proxy would send to the API; forwardCredential: keep allows it',
);
const passed = {
  result: 'permit',
  reason: undefined,
  evidence: undefined,
  cause: undefined,
  status: 200,
} as const;

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

const unread = ({ peer }: RequestHead): Known => unrouted(undefined, peer.address, '(invalid)');

/** The first of the names, which a caller may have chosen. */
const evidenceOf = ([name = '']: readonly string[]): string =>
  name.length > 64 || holdsSecret(name) ? 'a header that only Tollgate may send' : `from a caller: ${name}`;

const record = (
  { running, original: { head }, response, startMs }: Asked,
  known: Known,
  requestId: string,
  end: Pick<RequestOutcome, 'result' | 'reason' | 'evidence' | 'cause' | 'status'>,
): void =>
  running.record({
    result: end.result,
    reason: end.result === 'permit' && response.destroyed ? 'client_gone' : end.reason,
    evidence: end.evidence,
    cause: end.cause,
    status: response.destroyed ? 0 : end.status,
    route: known.route,
    method: head.method,
    path: pathOf(head.target),
    credentialKind: known.credentialKind,
    identity: known.identity,
    shadow: end.result === 'permit' ? known.shadow : undefined,
    durationMs: performance.now() - startMs,
    clientAddress: known.clientAddress,
    requestId,
  });

const adviseEveryMs = 60_000;

/** Logs what is wrong with a proxy, each text once a minute. There are few texts. */
const createAdviser = (log: Pick<Log, 'warn'>) => {
  const lastMs = new Map<string, number>();
  return (what: string, fields: Readonly<Record<string, unknown>> = {}): void => {
    const nowMs = performance.now();
    if (nowMs - (lastMs.get(what) ?? -adviseEveryMs) < adviseEveryMs) return;
    lastMs.set(what, nowMs);
    log.warn(`forward-auth: ${what}`, fields);
  };
};
