// Who the OAuth client is: a configured confidential client by Basic or form (RFC 6749 §2.3.1), or a public one.
// Secrets are compared by digest in constant time, and an unknown client costs as much as a known one.

import { hash, timingSafeEqual } from 'node:crypto';
import type { OauthClientSettings } from '../../settings/settings.ts';
import { type Answer, denied, type SurfaceRequest } from '../answer.ts';
import { decode } from '../body.ts';
import { badRequest, oauthError } from './oauth-error.ts';
import type { Parameters } from './parameters.ts';

export type OauthClient =
  | { readonly kind: 'public' }
  | { readonly kind: 'confidential'; readonly id: string };

/**
 * Authenticates the client if it presents credentials. `public` when it presents none, unless it names a configured
 * client, which must authenticate (RFC 6749 §3.2.1). An empty secret counts as none (§2.3.1).
 */
export const authenticateClient = (
  clients: readonly OauthClientSettings[],
  request: SurfaceRequest,
  parameters: Parameters,
): OauthClient | Answer => {
  const basic = readBasic(request.authorization);
  if (basic === 'malformed') return invalidClient('basic', 'the Basic credentials cannot be read');
  const formId = parameters.one('client_id');
  const formSecret = parameters.one('client_secret');
  if (basic !== undefined && formSecret !== undefined)
    return badRequest(
      'invalid_request',
      'Authenticate the client in one way only: Basic or the form (RFC 6749 section 2.3).',
    );
  if (basic !== undefined && formId !== undefined && formId !== basic.id)
    return badRequest('invalid_request', 'client_id is not the client of the Authorization header.');
  const id = basic?.id ?? formId;
  const secrets = (basic?.secrets ?? [formSecret ?? '']).filter((secret) => secret !== '');
  if (secrets.length === 0) {
    const isConfidential = clients.some((client) => client.id === id);
    return isConfidential ? invalidClient(basic && 'basic', 'the client sent no secret') : { kind: 'public' };
  }
  if (id === undefined || !secrets.some((secret) => secretMatches(clients, id, secret)))
    return invalidClient(basic && 'basic', 'the client is unknown or its secret is wrong');
  return { kind: 'confidential', id };
};

/** RFC 6749 §5.2: 401; with WWW-Authenticate when the client used the Authorization header. */
export const invalidClient = (scheme: 'basic' | undefined, evidence: string): Answer =>
  oauthError({
    status: 401,
    error: 'invalid_client',
    description: 'The client is not authenticated: check client_id and client_secret.',
    ...(scheme === 'basic' ? { headers: { 'www-authenticate': basicChallenge } } : {}),
    note: denied('client_unknown', evidence),
  });

export const basicChallenge = 'Basic realm="tollgate", charset="UTF-8"';

const readBasic = (
  authorization: string | undefined,
): { readonly id: string; readonly secrets: readonly string[] } | 'malformed' | undefined => {
  const match = /^basic +(.*)$/i.exec(authorization ?? '');
  if (match === null) return undefined;
  const encoded = (match[1] ?? '').trim();
  if (!/^[A-Za-z0-9+/]+={0,2}$/.test(encoded)) return 'malformed';
  const text = Buffer.from(encoded, 'base64').toString('utf8');
  const colon = text.indexOf(':');
  if (colon < 1) return 'malformed';
  // RFC 6749 §2.3.1 encodes both as form values first; curl and others do not, so the bare secret counts too.
  const bare = text.slice(colon + 1);
  return { id: decode(text.slice(0, colon)) ?? text.slice(0, colon), secrets: [decode(bare) ?? bare, bare] };
};

const secretMatches = (clients: readonly OauthClientSettings[], id: string, secret: string): boolean => {
  const presented = hash('sha256', secret, 'buffer');
  let isMatch = false;
  for (const client of clients) {
    const isSecret = timingSafeEqual(presented, hash('sha256', client.secret, 'buffer'));
    if (client.id === id && isSecret) isMatch = true;
  }
  return isMatch;
};
