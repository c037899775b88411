// What one finished request adds to the numbers: a few array increments, no allocation, no label hashing.
// Every label comes from a closed list (routes from settings, reasons from decision/outcome.ts), so the number of
// series stays the same whatever callers send.

import { denialReasons, outageReasons, type Refusal } from '../decision/outcome.ts';
import {
  boundOfShare,
  type Distribution,
  emptyDistribution,
  isObserved,
  observe,
  type LiveSeries,
} from './live-series.ts';
import type { RequestOutcome } from './request-outcome.ts';

/** Routes that are no rule: nothing matched, refused before routing, and a name the settings do not know. */
const extraRoutes = ['(none)', '(invalid)', '(other)'] as const;

const methodClasses = ['read', 'write', 'other'] as const;

/** Status codes worth their own series; others are counted by class. */
const exactStatuses = [
  101, 200, 201, 202, 204, 206, 301, 302, 303, 304, 307, 308, 400, 401, 403, 404, 405, 408, 409, 410, 412,
  413, 414, 415, 416, 417, 422, 426, 429, 431, 500, 501, 502, 503, 504,
];
const statusLabels = ['none', '1xx', '2xx', '3xx', '4xx', '5xx', ...exactStatuses.map(String)];

const results = ['permit', 'denial', 'outage', 'bug'] as const;
const reasons: readonly string[] = ['none', 'client_gone', ...denialReasons, ...outageReasons];
const credentialKinds = ['none', 'api_token', 'access_token'] as const;

interface RouteNumbers {
  readonly route: string;
  /** By method class, then status. */
  readonly requests: Float64Array;
  readonly duration: Distribution;
  readonly upstream: UpstreamNumbers | undefined;
  /** What would have been decided in shadow mode: `<result> <reason>`. */
  readonly shadow: Map<string, number>;
}

interface UpstreamNumbers {
  readonly response: Distribution;
  /** By reason. */
  readonly errors: Float64Array;
}

export interface RequestMetricsSettings {
  readonly routes: readonly { readonly name: string; readonly upstream: string }[];
  /** More route names the recorder may be given, e.g. those of the token endpoints. */
  readonly extraRoutes: readonly string[];
  /** Names of those who can vouch for a credential. */
  readonly authenticators: readonly string[];
}

export interface RequestMetrics {
  /** Counts one finished request. On the request path: increments only. */
  record(outcome: RequestOutcome): void;
  /** Counts one decision of a route in shadow mode when it is made, because a tunnel ends when it likes. */
  shadow(route: string, verdict: Refusal | 'permit'): void;
  /** What has been counted since the start, for a person. */
  totals(): RequestTotals;
  /** Names the routes anew. Those that were named until now stay once more, for what is under way on them. */
  setRoutes(routes: RequestMetricsSettings['routes']): void;
}

export interface RequestTotals {
  readonly forwarded: number;
  readonly refused: number;
  /** For an outage or a bug. */
  readonly failed: number;
  /** Why requests were refused or failed, the most frequent first. */
  readonly refusals: readonly { readonly reason: string; readonly count: number }[];
  /** In ms, rounded up to a bound of the histogram; undefined: no request yet, or above every bound. */
  readonly p50Ms: number | undefined;
  readonly p99Ms: number | undefined;
}

const totalsOf = (decisions: Float64Array, durations: readonly Distribution[]): RequestTotals => {
  const counts = { permit: 0, denial: 0, outage: 0, bug: 0 };
  const byReason = new Map<string, number>();
  let index = 0;
  for (const result of results)
    for (const reason of reasons) {
      const kinds = decisions.subarray(index, (index += credentialKinds.length));
      const count = kinds.reduce((sum, each) => sum + each, 0);
      counts[result] += count;
      if (count > 0 && (result === 'denial' || result === 'outage'))
        byReason.set(reason, (byReason.get(reason) ?? 0) + count);
    }
  return {
    forwarded: counts.permit,
    refused: counts.denial,
    failed: counts.outage + counts.bug,
    refusals: [...byReason]
      .map(([reason, count]) => ({ reason, count }))
      .sort((one, other) => other.count - one.count || (one.reason < other.reason ? -1 : 1)),
    p50Ms: boundOfShare(durations, 0.5),
    p99Ms: boundOfShare(durations, 0.99),
  };
};

/** Registers the request metrics. */
export const createRequestMetrics = (
  settings: RequestMetricsSettings,
  series: LiveSeries,
): RequestMetrics => {
  const upstreams = new Map<string, UpstreamNumbers>();
  const routes = new Map<string, RouteNumbers>();
  const others = [...settings.extraRoutes, ...extraRoutes].map((name) => ({ name, upstream: undefined }));
  let named: ReadonlySet<string> = new Set();

  const setRoutes = (rules: RequestMetricsSettings['routes']): void => {
    const wanted = [...rules, ...others];
    const names = new Set(wanted.map(({ name }) => name));
    for (const route of routes.keys()) if (!names.has(route) && !named.has(route)) routes.delete(route);
    for (const { name, upstream } of wanted) {
      const known = routes.get(name);
      const of = upstream === undefined ? undefined : numbersOf(upstreams, upstream);
      routes.set(name, known === undefined ? emptyNumbers(name, of) : { ...known, upstream: of });
    }
    const used = new Set(Array.from(routes.values(), ({ upstream }) => upstream));
    for (const [name, numbers] of upstreams) if (!used.has(numbers)) upstreams.delete(name);
    named = names;
  };
  setRoutes(settings.routes);
  const other = routes.get('(other)') ?? emptyNumbers('(other)', undefined);
  /** By result, reason and kind of credential. */
  const decisions = new Float64Array(results.length * reasons.length * credentialKinds.length);
  const identified = new Map(settings.authenticators.map((name) => [name, new Float64Array(results.length)]));
  publishRoutes(series, routes);
  publishDecisions(series, decisions, identified);
  publishUpstreams(series, upstreams);

  const record = (outcome: RequestOutcome): void => {
    const numbers = routes.get(outcome.route) ?? other;
    add(
      numbers.requests,
      methodClassOf(outcome.method) * statusLabels.length + statusIndexOf(outcome.status),
    );
    // An upgraded connection ends when it likes; its life is not a response time.
    if (outcome.status !== 101) observe(numbers.duration, outcome.durationMs);
    const reason = reasonIndex.get(outcome.reason ?? 'none') ?? 0;
    const kind = outcome.credentialKind === undefined ? 0 : outcome.credentialKind === 'api_token' ? 1 : 2;
    const result = results.indexOf(outcome.result);
    add(decisions, (result * reasons.length + reason) * credentialKinds.length + kind);
    const counts = outcome.identity && identified.get(outcome.identity.authenticator.name);
    if (counts !== undefined) add(counts, result);
    if (numbers.upstream === undefined) return;
    if (outcome.upstreamMs !== undefined) observe(numbers.upstream.response, outcome.upstreamMs);
    if (isUpstreamReason[reason] === 1) add(numbers.upstream.errors, reason);
  };
  const shadow: RequestMetrics['shadow'] = (route, verdict) => {
    const counts = (routes.get(route) ?? other).shadow;
    const key = verdict === 'permit' ? 'permit none' : `${verdict.kind} ${verdict.reason}`;
    counts.set(key, (counts.get(key) ?? 0) + 1);
  };
  const totals = (): RequestTotals =>
    totalsOf(
      decisions,
      Array.from(routes.values(), ({ duration }) => duration),
    );
  return { record, shadow, setRoutes, totals };
};

const emptyNumbers = (route: string, upstream: UpstreamNumbers | undefined): RouteNumbers => ({
  route,
  requests: new Float64Array(methodClasses.length * statusLabels.length),
  duration: emptyDistribution({ route }),
  upstream,
  shadow: new Map(),
});

/** Of an upstream, made when it is named first. */
const numbersOf = (upstreams: Map<string, UpstreamNumbers>, upstream: string): UpstreamNumbers => {
  const numbers = upstreams.get(upstream) ?? {
    response: emptyDistribution({ upstream }),
    errors: new Float64Array(reasons.length),
  };
  upstreams.set(upstream, numbers);
  return numbers;
};

const add = (counts: Float64Array, index: number): void => {
  counts[index] = (counts[index] ?? 0) + 1;
};

const reasonIndex: ReadonlyMap<string, number> = new Map(reasons.map((reason, index) => [reason, index]));
const isUpstreamReason = Uint8Array.from(reasons, (reason) => (reason.startsWith('upstream_') ? 1 : 0));

const methodClassOf = (method: string): number => {
  switch (method) {
    case 'GET':
    case 'HEAD':
    case 'OPTIONS':
      return 0;
    case 'POST':
    case 'PUT':
    case 'PATCH':
    case 'DELETE':
      return 1;
    default:
      return 2;
  }
};

const statusIndex = Uint8Array.from({ length: 600 }, (_, status) => {
  const exact = exactStatuses.indexOf(status);
  return exact === -1 ? Math.floor(status / 100) : 6 + exact;
});

const statusIndexOf = (status: number): number => statusIndex[status] ?? 0;

const publishRoutes = (series: LiveSeries, routes: ReadonlyMap<string, RouteNumbers>): void => {
  series.counter(
    'tollgate_requests_total',
    'Requests that ended, by route, method class and status sent (none: the connection ended first).',
    function* () {
      for (const { route, requests } of routes.values()) {
        let index = 0;
        for (const method of methodClasses)
          for (const status of statusLabels) {
            const value = requests[index++] ?? 0;
            if (value > 0) yield { labels: { route, method, status }, value };
          }
      }
    },
  );
  series.histogram(
    'tollgate_request_duration_seconds',
    'From the request line to the end of the response; upgraded connections are not counted.',
    () => Array.from(routes.values(), ({ duration }) => duration).filter(isObserved),
  );
  series.counter(
    'tollgate_shadow_decisions_total',
    'What routes in shadow mode would have decided, by route, result and reason; every request went on.',
    function* () {
      for (const { route, shadow } of routes.values())
        for (const [key, value] of shadow) {
          const [result = '', reason = ''] = key.split(' ');
          yield { labels: { route, result, reason }, value };
        }
    },
  );
};

const publishDecisions = (
  series: LiveSeries,
  decisions: Float64Array,
  identified: ReadonlyMap<string, Float64Array>,
): void => {
  series.counter(
    'tollgate_decisions_total',
    'How requests were judged, by result, reason and kind of credential.',
    function* () {
      let index = 0;
      for (const result of results)
        for (const reason of reasons)
          for (const credential_kind of credentialKinds) {
            const value = decisions[index++] ?? 0;
            if (value > 0 || (credential_kind === 'none' && isShownFromZero(result, reason)))
              yield { labels: { result, reason, credential_kind }, value };
          }
    },
  );
  series.counter(
    'tollgate_identified_requests_total',
    'Requests whose caller was identified, by who vouched for the credential, and by result.',
    function* () {
      for (const [authenticator, counts] of identified)
        for (const [index, result] of results.entries())
          yield { labels: { authenticator, result }, value: counts[index] ?? 0 };
    },
  );
};

const outages: ReadonlySet<string> = new Set(outageReasons);

/** Outages and bugs, so that `increase()` sees the first one. */
const isShownFromZero = (result: RequestOutcome['result'], reason: string): boolean =>
  result === 'outage' ? outages.has(reason) : result === 'bug' && reason === 'none';

const publishUpstreams = (series: LiveSeries, upstreams: ReadonlyMap<string, UpstreamNumbers>): void => {
  series.histogram(
    'tollgate_upstream_response_seconds',
    'From forwarding a request to the response headers of the upstream.',
    () => Array.from(upstreams.values(), ({ response }) => response),
  );
  series.counter('tollgate_upstream_errors_total', 'Requests the upstream failed, by reason.', function* () {
    for (const [upstream, { errors }] of upstreams)
      for (const [index, reason] of reasons.entries())
        if (isUpstreamReason[index] === 1) yield { labels: { upstream, reason }, value: errors[index] ?? 0 };
  });
};
