// Cross-origin requests of browsers (CORS, Fetch standard section 3.2): which origins a rule is for, and the fields that say so to
// the browser. Says nothing of who may call: an answer that a page may read is still one that the API, or we, decide upon. No I/O.

/** Compiled from settings once. */
export interface CorsRule {
  /** `https://app.example.com`, `https://*.example.com` (one label in place of the `*`), or `*`. */
  readonly origins: readonly string[];
  /** What the answer to a preflight allows, and which fields of an answer a page may read. */
  readonly methods: readonly string[];
  /** `*` stands for whatever is asked for. */
  readonly headers: readonly string[];
  readonly exposedHeaders: readonly string[];
  readonly credentials: boolean;
  readonly maxAgeMs: number;
}

/** Of a request's header section, where it has them. */
export interface CorsRequest {
  readonly origin: string | undefined;
  readonly requestedHeaders: string | undefined;
}

export const anyOrigin = '*';
const wildcard = '://*.';

/** A label of a host name, and the port that must be the pattern's own. */
const label = /^[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?$/;

/** Origins are compared as browsers write them (RFC 6454 section 6.2): lower case, no default port, no slash. */
const isOriginOf = (pattern: string, origin: string): boolean => {
  if (pattern === origin) return true;
  const at = pattern.indexOf(wildcard);
  if (at < 0) return false;
  const scheme = pattern.slice(0, at + 3);
  const rest = pattern.slice(at + wildcard.length - 1);
  if (!origin.startsWith(scheme) || !origin.endsWith(rest)) return false;
  return label.test(origin.slice(scheme.length, origin.length - rest.length));
};

/** `origins`: exact ones, or with a wildcard in place of the first label. */
export const isOriginAmong = (origins: readonly string[], origin: string): boolean =>
  origins.some((pattern) => isOriginOf(pattern, origin));

const isAllowed = ({ origins }: CorsRule, origin: string | undefined): origin is string =>
  origin !== undefined && isOriginAmong(origins, origin);

/** Whether every page may read, so that answers are the same for all. */
const isForAny = ({ origins }: CorsRule): boolean => origins.includes(anyOrigin);

/** Who may read, as raw pairs; none for an origin that the rule is not for. */
const readerPairs = (rule: CorsRule, origin: string | undefined): readonly string[] => {
  if (isForAny(rule)) return ['Access-Control-Allow-Origin', anyOrigin];
  if (!isAllowed(rule, origin)) return [];
  const pairs = ['Access-Control-Allow-Origin', origin];
  return rule.credentials ? [...pairs, 'Access-Control-Allow-Credentials', 'true'] : pairs;
};

/**
 * Raw pairs for any answer but a preflight's. An answer that differs by origin says so to caches, also where this origin is given
 * nothing (Fetch standard section 3.2.5): else one made without an `Origin` would be served to a page.
 */
export const corsPairs = (rule: CorsRule, origin: string | undefined): readonly string[] => {
  const reader = readerPairs(rule, origin);
  const { exposedHeaders } = rule;
  const exposed =
    reader.length > 0 && exposedHeaders.length > 0
      ? ['Access-Control-Expose-Headers', exposedHeaders.join(', ')]
      : [];
  return [...(isForAny(rule) ? [] : ['Vary', 'Origin']), ...reader, ...exposed];
};

/** Raw pairs that answer a preflight (Fetch standard section 3.2.2). Without an `Allow-Origin` the browser refuses. */
export const preflightPairs = (rule: CorsRule, request: CorsRequest): readonly string[] => {
  const vary = ['Vary', 'Origin, Access-Control-Request-Method, Access-Control-Request-Headers'];
  const reader = readerPairs(rule, request.origin);
  if (reader.length === 0) return vary;
  const headers = allowedHeaders(rule, request.requestedHeaders);
  return [
    ...vary,
    ...reader,
    'Access-Control-Allow-Methods',
    rule.methods.join(', '),
    ...(headers === '' ? [] : ['Access-Control-Allow-Headers', headers]),
    'Access-Control-Max-Age',
    String(Math.floor(rule.maxAgeMs / 1000)),
  ];
};

const requestedList = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+(?: ?, ?[!#$%&'*+.^_`|~0-9A-Za-z-]+)*$/;
const requestedLengthMax = 2_048;

/**
 * `*` is said by repeating what is asked for: to browsers it never stands for Authorization, and with credentials it is a name
 * (Fetch standard section 3.2.4).
 */
const allowedHeaders = ({ headers }: CorsRule, requested: string | undefined): string => {
  if (!headers.includes('*')) return headers.join(', ');
  if (requested === undefined || requested.length > requestedLengthMax) return '';
  return requestedList.test(requested) ? requested : '';
};
