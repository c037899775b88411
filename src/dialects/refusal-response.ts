// The response to a refused request on the proxied path, in the dialect of its route. The token endpoints of the same
// vendor answer from the same tables. No I/O.

import type { IncomingHttpHeaders } from 'node:http';
import type { ErrorDialect } from '../decision/route-rule.ts';
import type { ResourceChallenge } from '../decision/protected-resource.ts';
import { type Wire, wireOfClass } from '../decision/refusal.ts';
import { type RefusalClass, retryAfterSecondsOf } from '../decision/refusal-class.ts';
import { astra } from './astra-problem.ts';
import { csp } from './csp-error.ts';
import { olderVcd, vcd, vcdRequestId, vcdRequestIdHeader } from './vcd-error.ts';
import { type ErrorReader, errorOfClass, type VendorDialect } from './vendor-error.ts';

/** What of a request decides how a refusal of it reads. */
export interface RefusedRequest {
  /** In normal form, without the query. */
  readonly path: string;
  /** The one in our log. */
  readonly requestId: string;
  readonly headers: IncomingHttpHeaders;
  /** The password of Basic may be a credential: clients ask for one only when they are asked (RFC 7617). */
  readonly takesBasic?: boolean;
}

/** Shared and frozen in the dialect `problem`: copy the headers before adding to them. */
export const refusalResponse = (
  dialect: ErrorDialect,
  kind: RefusalClass,
  request: RefusedRequest,
  challenge?: ResourceChallenge,
  detail?: string,
): Wire => {
  const own = responseIn(dialect, kind, request, detail);
  const wire = challenge === undefined ? own : withResource(own, kind, challenge);
  return request.takesBasic === true ? withBasic(wire) : wire;
};

const basicChallenge = 'Basic realm="tollgate", charset="UTF-8"';

/** A line of its own behind the first: some clients take a list for one challenge. */
const withBasic = (wire: Wire): Wire => {
  const at = wire.headers.indexOf('WWW-Authenticate') + 1;
  if (wire.status !== 401 || at === 0 || wire.headers[at]?.startsWith('Basic') === true) return wire;
  return { ...wire, headers: wire.headers.toSpliced(at + 1, 0, 'WWW-Authenticate', basicChallenge) };
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

const responseIn = (
  dialect: ErrorDialect,
  kind: RefusalClass,
  request: RefusedRequest,
  detail: string | undefined,
): Wire => {
  if (dialect === 'problem') return wireOfClass(kind, detail);
  const { path, requestId, headers } = request;
  const headerLines = (name: string): readonly string[] => [headers[name.toLowerCase()] ?? []].flat();
  const reader = { requestId, headerLines };
  switch (dialect) {
    case 'csp':
      return wireFrom(csp, kind, reader, detail);
    case 'astra':
      return wireFrom(astra, kind, reader, detail);
    case 'vcd': {
      const api = path.split('/').find((segment) => segment === 'api' || segment === 'cloudapi');
      const idHeader = [vcdRequestIdHeader, vcdRequestId(reader)];
      return wireFrom(api === 'api' ? olderVcd : vcd, kind, reader, detail, idHeader);
    }
  }
};

const wireFrom = <Code>(
  dialect: VendorDialect<Code>,
  kind: RefusalClass,
  reader: ErrorReader,
  detail: string | undefined,
  extraHeaders: readonly string[] = [],
): Wire => {
  const general = errorOfClass(dialect, kind);
  const error = detail === undefined ? general : { ...general, message: detail };
  const written = dialect.write(error, reader);
  const body = typeof written.body === 'string' ? written.body : JSON.stringify(written.body);
  const headers = ['Content-Type', written.mediaType, 'Content-Length', String(Buffer.byteLength(body))];
  headers.push('Cache-Control', 'no-store', ...extraHeaders);
  const challenge = error.challenge ?? scopeChallengeOf(kind);
  if (challenge !== undefined) headers.push('WWW-Authenticate', challenge);
  const seconds = retryAfterSecondsOf(kind);
  if (seconds !== undefined) headers.push('Retry-After', String(seconds));
  return { status: error.status, headers, body };
};

/** RFC 6750 section 3: the header says that the token lacks a scope, whatever the dialect's body says. */
const scopeChallengeOf = (kind: RefusalClass): string | undefined =>
  kind === 'scope_missing' || kind === 'tenant_mismatch' || kind === 'session_kind_refused'
    ? 'Bearer realm="tollgate", error="insufficient_scope"'
    : undefined;
