// Whether a request comes from the console's own pages. The browser sends the cookie for other pages of the same
// site too, so each change must say where it comes from, in a shape that no form can send. Pure; reads headers alone.

import { readMediaType } from '../body.ts';
import type { SurfaceRequest } from '../answer.ts';

/** Why a request is refused; the sentence is for its sender. */
export interface GuardFault {
  readonly code: 'origin_refused' | 'media_type_refused' | 'request_malformed';
  readonly detail: string | undefined;
  /** For the log. */
  readonly evidence: string;
}

/** `ownOrigin`: how browsers see the console; undefined: as the Host header of the request says, with either scheme. */
export const guardRequest = (
  request: SurfaceRequest,
  ownOrigin: string | undefined,
): GuardFault | undefined => {
  if (request.authorization !== undefined)
    return {
      code: 'request_malformed',
      detail: 'The console takes its own cookie and no Authorization header.',
      evidence: 'an Authorization header',
    };
  const site = request.headerLines('sec-fetch-site')[0];
  if (request.method === 'GET' || request.method === 'HEAD')
    return site === undefined || site === 'same-origin' || site === 'none'
      ? undefined
      : foreign(`Sec-Fetch-Site: ${site}`);
  if (site !== undefined && site !== 'same-origin') return foreign(`Sec-Fetch-Site: ${site}`);
  const origins = request.headerLines('origin');
  const [origin] = origins;
  if (origin === undefined || origins.length > 1) return foreign(`${origins.length} Origin headers`);
  if (!isOwn(origin, request.headerLines('host')[0], ownOrigin)) return foreign(`Origin: ${origin}`);
  if (
    request.bytes.length > 0 &&
    readMediaType(request.headerLines('content-type')[0]) !== 'application/json'
  )
    return { code: 'media_type_refused', detail: undefined, evidence: 'a body of another type than JSON' };
  return undefined;
};

const evidenceLengthMax = 200;

const foreign = (evidence: string): GuardFault => ({
  code: 'origin_refused',
  detail: undefined,
  evidence: evidence.slice(0, evidenceLengthMax),
});

const isOwn = (origin: string, host: string | undefined, ownOrigin: string | undefined): boolean => {
  if (ownOrigin !== undefined) return origin === ownOrigin;
  const url = URL.parse(origin);
  // `null`, and whatever else a browser writes for a page without a host, names no host.
  return url !== null && url.origin === origin && host !== undefined && url.host === hostOf(url, host);
};

/** The Host header as a URL with the scheme of `url` has it: in lower case, without the port that goes without saying. */
const hostOf = ({ protocol }: URL, host: string): string | undefined =>
  URL.parse(`${protocol}//${host}`)?.host;
