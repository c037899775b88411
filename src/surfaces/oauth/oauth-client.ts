// What the endpoints of the oauth surface are made with, and the OAuth client of a request, with its refusals in the shape of
// RFC 6749 §5.2.

import { denial } from '../../decision/outcome.ts';
import type { Exchange } from '../../lifecycle/exchange.ts';
import type { IdentifyLive, Introspect } from '../../lifecycle/identify-live.ts';
import type { Revoke } from '../../lifecycle/revoke.ts';
import type { Settings } from '../../settings/settings.ts';
import { type Answer, denied, type SurfaceRequest } from '../answer.ts';
import {
  basicChallenge,
  isClientFault,
  type OauthClient,
  type OauthClients,
} from '../client-authentication.ts';
import { badRequest, oauthError, refusedForNow } from './oauth-error.ts';
import type { Parameters } from './parameters.ts';

export interface OauthDeps {
  readonly settings: Pick<Settings, 'credential' | 'audience'>;
  readonly clients: OauthClients;
  readonly exchange: Exchange;
  readonly introspect: Introspect;
  readonly revoke: Revoke;
  /** For callers of introspection who authenticate with a token of their own. */
  readonly identifyLive: IdentifyLive;
}

export const authenticateClient = (
  clients: OauthClients,
  request: SurfaceRequest,
  parameters: Parameters,
): OauthClient | Answer => {
  const [id, secret] = [parameters.one('client_id'), parameters.one('client_secret')];
  const client = clients.find(request, { id, secret });
  if (!isClientFault(client)) return client;
  if (client.fault === 'limited') return refusedForNow(denial('rate_limited', client.message));
  return client.fault === 'ambiguous'
    ? badRequest('invalid_request', client.message)
    : invalidClient(client.isBasic ? 'basic' : undefined, client.message);
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
