// The door for proxies that forward requests themselves: one asks whether a request may pass, and is answered with the
// headers to set on it, or with the refusal that its caller should get. Nothing is forwarded from here. Peers that are not
// trusted are refused, whatever they ask. Each request judged is recorded like one that is forwarded.

import type { IncomingMessage, ServerResponse } from 'node:http';
import { type Denial, denial, type Refusal } from '../../decision/outcome.ts';
import type { Wire } from '../../decision/refusal.ts';
import { classifyRefusal, type RefusalClass } from '../../decision/refusal-class.ts';
import { refusalResponse } from '../../dialects/refusal-response.ts';
import { vcdClientRequestIdHeader } from '../../dialects/vcd-error.ts';
import type { Log } from '../../observe/log.ts';
import type { RequestOutcome } from '../../observe/request-outcome.ts';
import { requestIdOf } from '../correlation.ts';
import { createTrust, plainAddress, type TrustsAddress } from '../peer.ts';
import { decide } from '../pipeline.ts';
import type { Decision, Forward, Known, RequestHead } from '../request-decision.ts';
import type { Running } from '../running.ts';
import { passHeaders, refusalHeaders, removedNames } from './auth-response.ts';
import { createOriginalReader } from './original-request.ts';

export interface ForwardAuthDeps {
  readonly running: () => Running;
  readonly isShuttingDown: () => boolean;
  readonly log: Pick<Log, 'warn'>;
}

export type AnswerProxy = (request: IncomingMessage, response: ServerResponse) => void;

/** One request that a proxy asks about, until it is answered. */
interface Asked {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly running: Running;
  readonly head: RequestHead;
  readonly startMs: number;
}

export const createForwardAuth = ({ running, isShuttingDown, log }: ForwardAuthDeps): AnswerProxy => {
  let rules = rulesOf(running().settings.forwardAuth);
  /** Those in force: made once for each settings. */
  const rulesNow = ({ settings: { forwardAuth } }: Running): AskingRules =>
    rules.settings === forwardAuth ? rules : (rules = rulesOf(forwardAuth));
  const advise = createAdviser(log);

  const send = ({ request, response }: Asked, status: number, headers: string[], body: string): void => {
    // The body that the head announces is still with the proxy: what comes next on the connection may be read as it.
    if (isShuttingDown() || announcesBody(request)) response.shouldKeepAlive = false;
    response.writeHead(status, headers);
    response.end(body);
  };

  const refuse = (asked: Asked, known: Known, refusal: Refusal, wire?: Wire): void => {
    const requestId = requestIdOf(known.facts?.requestId);
    const sent = wire ?? responseTo(asked, known, classifyRefusal(refusal), requestId);
    send(asked, sent.status, refusalHeaders(sent, requestId, isForNginx(asked)), sent.body);
    const end =
      refusal.kind === 'denial'
        ? { result: refusal.kind, evidence: refusal.evidence, cause: undefined }
        : { result: refusal.kind, evidence: undefined, cause: refusal.cause };
    record(asked, known, requestId, { ...end, reason: refusal.reason, status: sent.status });
  };

  const pass = (asked: Asked, decision: Forward): void => {
    const { pipeline, settings } = asked.running;
    const { known, permit } = decision;
    if (permit.target !== asked.head.target) return refuse(asked, known, credentialInQuery);
    const names = removedNames(asked.head.rawHeaders, pipeline.classify, decision.passed);
    if (names.spoofed.length > 0 && settings.forwardAuth.spoofedHeaders === 'refuse')
      return refuse(asked, known, denial('request_malformed', `spoofed: ${names.spoofed.join(' ')}`));
    if (known.shadow !== undefined) asked.running.countShadow(known.route, known.shadow);
    const requestId = requestIdOf(known.facts?.requestId);
    send(asked, 200, passHeaders(decision, names.removed, requestId), '');
    record(asked, known, requestId, { ...passed, status: 200 });
  };

  const act = (asked: Asked, decision: Decision): void => {
    switch (decision.kind) {
      case 'forward':
        return pass(asked, decision);
      case 'refused':
        return refuse(asked, decision.known, decision.refusal);
      case 'owned':
        advise(`the path belongs to ${decision.owner} of Tollgate: send it to \`listen\` without asking`);
        return refuse(asked, decision.known, denial('route_unknown', `a path of ${decision.owner}`));
    }
  };

  const fail = (asked: Asked, bug: unknown): void => {
    const known = unread(asked.head);
    const requestId = requestIdOf(undefined);
    const wire = responseTo(asked, known, 'internal', requestId);
    if (asked.response.headersSent) asked.response.destroy();
    else send(asked, wire.status, refusalHeaders(wire, requestId, isForNginx(asked)), wire.body);
    record(asked, known, requestId, { ...passed, result: 'bug', cause: bug, status: wire.status });
  };

  return (request, response) => {
    const inForce = running();
    const { path, trusts, readOriginal } = rulesNow(inForce);
    const peerAddress = plainAddress(request.socket.remoteAddress);
    const asking = {
      method: request.method ?? '',
      target: (request.url ?? '').slice(path.length),
      rawHeaders: request.rawHeaders,
      peerAddress,
    };
    const original = trusts(peerAddress) ? readOriginal(asking) : untrusted;
    const isRead = !('fault' in original);
    const head = isRead ? original : headOf(asking);
    const asked: Asked = { request, response, running: inForce, head, startMs: performance.now() };
    try {
      if (!isRead) {
        advise(original.fault, { peer: peerAddress });
        if (original === untrusted) {
          response.shouldKeepAlive = false;
          return refuse(asked, unread(head), untrustedPeer);
        }
        return refuse(
          asked,
          unread(head),
          denial('request_malformed', original.fault),
          teach(original.fault),
        );
      }
      const decision = decide(head, asked.running.pipeline);
      if (!(decision instanceof Promise)) return act(asked, decision);
      decision.then((late) => act(asked, late)).catch((bug: unknown) => fail(asked, bug));
    } catch (bug) {
      fail(asked, bug);
    }
  };
};

type ForwardAuthSettings = Running['settings']['forwardAuth'];

/** What forward-auth does by its settings. */
interface AskingRules {
  readonly settings: ForwardAuthSettings;
  readonly path: string;
  readonly trusts: TrustsAddress;
  readonly readOriginal: ReturnType<typeof createOriginalReader>;
}

const rulesOf = (settings: ForwardAuthSettings): AskingRules => ({
  settings,
  path: settings.path ?? '',
  trusts: createTrust(settings.trustedPeers),
  readOriginal: createOriginalReader(settings.style),
});

const isForNginx = ({ running }: Asked): boolean => running.settings.forwardAuth.style === 'original';

const untrusted = { fault: 'the peer is not in forwardAuth.trustedPeers, so nothing it says is believed' };
const untrustedPeer: Denial = denial('peer_untrusted');
const credentialInQuery: Denial = denial(
  'request_malformed',
  'a credential in the query, which the proxy would send to the API; forwardCredential: keep allows it',
);
const passed = { result: 'permit', reason: undefined, evidence: undefined, cause: undefined } as const;

/** What is judged of a peer that is not believed. */
const headOf = (asking: { method: string; target: string; peerAddress: string }): RequestHead => ({
  method: asking.method,
  target: asking.target,
  rawHeaders: [],
  httpVersion: '1.1',
  peer: { address: asking.peerAddress, isTrusted: false, proto: 'http', forwardedFor: asking.peerAddress },
  isUpgrade: false,
});

const unread = ({ peer }: RequestHead): Known => ({
  facts: undefined,
  clientAddress: peer.address,
  route: '(invalid)',
  rule: undefined,
  credentialKind: undefined,
  identity: undefined,
  shadow: undefined,
});

const pathOf = ({ target }: RequestHead): string => target.split('?', 1)[0] ?? '';

/** What the API's caller is told, in the dialect of the route. */
const responseTo = (
  { request, running, head }: Asked,
  known: Known,
  kind: RefusalClass,
  requestId: string,
): Wire => {
  const { accept } = request.headers;
  const clientRequestId = request.headers[vcdClientRequestIdHeader.toLowerCase()];
  const refused = {
    path: pathOf(head),
    requestId,
    acceptLines: accept === undefined ? [] : [accept],
    clientRequestId: typeof clientRequestId === 'string' ? clientRequestId : undefined,
  };
  return refusalResponse(known.rule?.errors ?? running.settings.errors, kind, refused, known.rule?.challenge);
};

/** The proxy is set up wrongly: whoever tries it out reads why. */
const teach = (detail: string): Wire => {
  const body = `${JSON.stringify({ type: 'about:blank', title: 'Bad Request', status: 400, detail })}\n`;
  const length = String(Buffer.byteLength(body));
  const headers = ['Content-Type', 'application/problem+json', 'Content-Length', length];
  return { status: 400, headers: [...headers, 'Cache-Control', 'no-store'], body };
};

const announcesBody = ({ rawHeaders }: IncomingMessage): boolean => {
  for (let at = 0; at < rawHeaders.length; at += 2) {
    const name = rawHeaders[at] ?? '';
    if (name.length === 14 && name.toLowerCase() === 'content-length' && rawHeaders[at + 1] !== '0')
      return true;
    if (name.length === 17 && name.toLowerCase() === 'transfer-encoding') return true;
  }
  return false;
};

const record = (
  { running, head, response, startMs }: Asked,
  known: Known,
  requestId: string,
  end: Pick<RequestOutcome, 'result' | 'reason' | 'evidence' | 'cause' | 'status'>,
): void =>
  running.record({
    ...end,
    status: response.destroyed ? 0 : end.status,
    route: known.route,
    method: head.method,
    path: pathOf(head),
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
