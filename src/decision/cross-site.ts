// Whether a request that a browser has sent with a credential by itself (a cookie, a remembered password) may come from the page
// it comes from. The order is that of Go's CrossOriginProtection and OWASP's advice on Fetch Metadata: what the browser says of
// the page counts before names are compared. No I/O.

import { isOriginAmong } from './cors.ts';

export interface AmbientRequest {
  readonly method: string;
  /** Methods that headers or the query ask the API to use instead. */
  readonly methodsAskedFor: readonly string[];
  readonly isWebSocket: boolean;
  readonly origin: string | undefined;
  /** Sec-Fetch-Site. */
  readonly fetchSite: string | undefined;
  /** As the browser knows this server; undefined where no header says. */
  readonly host: string | undefined;
}

/** RFC 9110 section 9.2.1: these only read. */
const safeMethods: ReadonlySet<string> = new Set(['GET', 'HEAD', 'OPTIONS', 'TRACE']);

const isSafe = ({ method, methodsAskedFor: others, isWebSocket }: AmbientRequest): boolean =>
  !isWebSocket && safeMethods.has(method) && others.every((other) => safeMethods.has(other.toUpperCase()));

/**
 * Why not; undefined where it may. `origins`: of pages that may, beside the server's own. A request without `Origin` and
 * `Sec-Fetch-Site` comes from no browser: all of them send an `Origin` with what is not safe, and with WebSockets (Fetch
 * standard section 3.1, RFC 6455 section 4.1). `null` is the origin of pages that nobody can tell apart.
 */
export const crossSiteFault = (
  request: AmbientRequest,
  origins: readonly string[],
): 'Origin' | 'Sec-Fetch-Site' | undefined => {
  if (isSafe(request)) return undefined;
  const { origin, fetchSite } = request;
  if (origin !== undefined && isOriginAmong(origins, origin)) return undefined;
  if (fetchSite !== undefined)
    return fetchSite === 'same-origin' || fetchSite === 'none' ? undefined : 'Sec-Fetch-Site';
  return origin === undefined || isOwn(origin, request.host) ? undefined : 'Origin';
};

/** Scheme aside, which a proxy before us may have changed. A browser leaves the usual port out of both. */
const isOwn = (origin: string, host: string | undefined): boolean => {
  const [, usual, named] = /^(?:https:\/\/(.+)|http:\/\/(.+))$/.exec(origin) ?? [];
  const own = host?.toLowerCase();
  if (own === undefined) return false;
  if (usual !== undefined) return usual === own || `${usual}:443` === own;
  return named !== undefined && (named === own || `${named}:80` === own);
};
