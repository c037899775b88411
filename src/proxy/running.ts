// All that requests are judged and served by: one immutable value, made from settings. A reload makes another one and puts
// it in its place; a request that has begun goes on with the one it began with.

import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Denial } from '../decision/outcome.ts';
import type { RecordOutcome } from '../observe/request-outcome.ts';
import type { RequestMetrics } from '../observe/request-metrics.ts';
import type { Settings } from '../settings/settings.ts';
import { surfaceCookies } from '../settings/surface-paths.ts';
import { createPipeline, type Pipeline } from './pipeline.ts';
import { createRequestHeaders } from './request-headers.ts';
import type { Forwarder } from './upstream/forward.ts';
import type { Upgrader } from './upstream/upgrade.ts';
import { type ViaNames, viaNames } from './via.ts';

/** Who is calling, before any credential is looked at: for records and limits, it authenticates nobody. */
export interface Caller {
  /** Past trusted proxies. */
  readonly clientAddress: string;
  readonly requestId: string;
}

/** Token endpoints on the same listener: they own whole paths, answer and record for themselves. */
export interface TokenEndpoints {
  handle(request: IncomingMessage, response: ServerResponse, caller: Caller): void;
  /** Answers a request of theirs whose body cannot be read on; false when it has been answered. */
  refuseBody(request: IncomingMessage, reason: Denial): boolean;
}

export interface RunningParts {
  readonly identifier: Pipeline['identifier'];
  readonly forwarder: Forwarder;
  readonly upgrader: Upgrader;
  readonly surfaces: TokenEndpoints;
  /** Undefined where nothing is limited. */
  readonly limiter?: Pipeline['limiter'];
  readonly record: RecordOutcome;
  /** Of a request that goes on in shadow mode. */
  readonly countShadow: RequestMetrics['shadow'];
}

export interface Running extends RunningParts {
  readonly settings: RunningSettings;
  readonly pipeline: Pipeline;
  readonly via: ViaNames;
  readonly buildHeaders: ReturnType<typeof createRequestHeaders>;
}

type RunningSettings = Parameters<typeof createPipeline>[0] &
  Pick<Settings, 'errors' | 'forwardAuth' | 'upstreams'>;

export const createRunning = (settings: RunningSettings, parts: RunningParts, now: () => number): Running => {
  const pipeline = createPipeline(settings, parts.identifier, now, parts.limiter);
  const buildHeaders = createRequestHeaders(pipeline.classify, {
    cookieName: settings.credential.cookie,
    protocolPrefix: settings.credential.webSocketProtocol,
    pseudonym: pipeline.pseudonym,
    ownCookies: surfaceCookies(settings),
  });
  return { ...parts, settings, pipeline, via: viaNames(settings.via), buildHeaders };
};
