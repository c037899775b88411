// The response to a refused request on the proxied path, in the dialect of its route. The token endpoints of the same
// vendor answer from the same tables. No I/O.

import type { IncomingHttpHeaders } from 'node:http';
import type { ErrorDialect } from '../decision/route-rule.ts';
import type { ResourceChallenge } from '../decision/protected-resource.ts';
import { type Wire, wireOfClass } from '../decision/refusal.ts';
import { type RefusalClass, retryAfterSecondsOf } from '../decision/refusal-class.ts';
import { astraProblemBody, astraProblemOf } from './astra-problem.ts';
import { cspErrorBody, cspErrorOf } from './csp-error.ts';
import {
  prefersJson,
  vcdClientRequestIdHeader,
  vcdErrorJson,
  vcdErrorOf,
  vcdErrorXml,
  vcdErrorXmlType,
  vcdRequestId,
  vcdRequestIdHeader,
} from './vcd-error.ts';

/** What of a request decides how a refusal of it reads. */
export interface RefusedRequest {
  /** As received, without the query. */
  readonly path: string;
  /** The one in our log. */
  readonly requestId: string;
  readonly headers: IncomingHttpHeaders;
}

/** Shared and frozen in the dialect `problem`: copy the headers before adding to them. */
export const refusalResponse = (
  dialect: ErrorDialect,
  kind: RefusalClass,
  request: RefusedRequest,
  challenge?: ResourceChallenge,
): Wire => {
  const wire = responseIn(dialect, kind, request);
  return challenge === undefined ? wire : withResource(wire, kind, challenge);
};

/**
 * Adds to a Bearer challenge where the resource's metadata are (RFC 9728 section 5.1), and to a token that lacks a scope
 * which ones the route asks for (RFC 6750 section 3). Not to another caller: who has no token reads `scopes_supported`.
 */
const withResource = (wire: Wire, kind: RefusalClass, { scope, metadataUrl }: ResourceChallenge): Wire => {
  const at = wire.headers.indexOf('WWW-Authenticate') + 1;
  const written = wire.headers[at] ?? '';
  if (at === 0 || !written.startsWith('Bearer')) return wire;
  const asked = kind === 'scope_missing' && scope !== '' ? ` scope="${scope}",` : '';
  const separator = written === 'Bearer' ? '' : ',';
  const value = `${written}${separator}${asked} resource_metadata="${metadataUrl}"`;
  return { ...wire, headers: wire.headers.with(at, value) };
};

const responseIn = (dialect: ErrorDialect, kind: RefusalClass, request: RefusedRequest): Wire => {
  switch (dialect) {
    case 'problem':
      return wireOfClass(kind);
    case 'csp': {
      const error = cspErrorOf(kind);
      return wireFrom(kind, { ...error, mediaType: json, body: cspErrorBody(error, request.requestId) });
    }
    case 'astra': {
      const problem = astraProblemOf(kind);
      const body = astraProblemBody(problem, request.requestId);
      return wireFrom(kind, { ...problem, mediaType: 'application/problem+json', body });
    }
    case 'vcd':
      return vcdResponse(kind, request);
  }
};

const json = 'application/json; charset=utf-8';

/** The older API, all that lies below `/api`, answers XML unless it is asked for JSON; the newer one knows JSON alone. */
const vcdResponse = (kind: RefusalClass, request: RefusedRequest): Wire => {
  const error = vcdErrorOf(kind);
  const { accept = '', [vcdClientRequestIdHeader.toLowerCase()]: given } = request.headers;
  const id = vcdRequestId(typeof given === 'string' ? given : undefined, request.requestId);
  const extraHeaders = [vcdRequestIdHeader, id];
  const api = request.path.split('/').find((segment) => segment === 'api' || segment === 'cloudapi');
  return api === 'api' && !prefersJson([accept])
    ? wireFrom(kind, { ...error, mediaType: vcdErrorXmlType, body: vcdErrorXml(error, id), extraHeaders })
    : wireFrom(kind, { ...error, mediaType: json, body: vcdErrorJson(error, id), extraHeaders });
};

interface Parts {
  readonly status: number;
  readonly challenge?: string | undefined;
  readonly mediaType: string;
  readonly body: unknown;
  readonly extraHeaders?: readonly string[];
}

const wireFrom = (kind: RefusalClass, { status, mediaType, extraHeaders = [], ...parts }: Parts): Wire => {
  const body = typeof parts.body === 'string' ? parts.body : JSON.stringify(parts.body);
  const headers = ['Content-Type', mediaType, 'Content-Length', String(Buffer.byteLength(body))];
  headers.push('Cache-Control', 'no-store', ...extraHeaders);
  const challenge = parts.challenge ?? scopeChallengeOf(kind);
  if (challenge !== undefined) headers.push('WWW-Authenticate', challenge);
  const seconds = retryAfterSecondsOf(kind);
  if (seconds !== undefined) headers.push('Retry-After', String(seconds));
  return { status, headers, body };
};

/** RFC 6750 section 3: the header says that the token lacks a scope, whatever the dialect's body says. */
const scopeChallengeOf = (kind: RefusalClass): string | undefined =>
  kind === 'scope_missing' || kind === 'tenant_mismatch' || kind === 'session_kind_refused'
    ? 'Bearer realm="tollgate", error="insufficient_scope"'
    : undefined;
