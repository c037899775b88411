// The OAuth client of a csp request. Where one is asked for, it authenticates by Basic; a public one with an empty secret.

import type { OauthClientSettings } from '../../settings/settings.ts';
import type { Answer, SurfaceRequest } from '../answer.ts';
import { findClient, isClientFault, type OauthClient } from '../client-authentication.ts';
import { refusedClient } from './csp-error.ts';
import type { CspParameters } from './csp-parameters.ts';

export const readClient = (
  clients: readonly OauthClientSettings[],
  request: SurfaceRequest,
  parameters: CspParameters,
): OauthClient | Answer => {
  const client = findClient(clients, {
    authorization: request.authorization,
    formId: parameters.one('client_id'),
    formSecret: parameters.one('client_secret'),
  });
  if (isClientFault(client)) return refusedClient(client, request);
  return client.kind === 'public' && client.id === undefined
    ? refusedClient(
        { kind: 'client_fault', fault: 'refused', isBasic: true, message: 'the request names no client' },
        request,
      )
    : client;
};
