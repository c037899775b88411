// The OAuth client of a csp request. Where one is asked for, it authenticates by Basic; a public one with an empty secret.

import type { Answer, SurfaceRequest } from '../answer.ts';
import { isClientFault, type OauthClient, type OauthClients } from '../client-authentication.ts';
import { refusedClient } from './csp-error.ts';
import type { VendorParameters } from '../vendor-parameters.ts';

export const readClient = (
  clients: OauthClients,
  request: SurfaceRequest,
  parameters: VendorParameters,
): OauthClient | Answer => {
  const presented = {
    authorization: request.authorization,
    formId: parameters.one('client_id'),
    formSecret: parameters.one('client_secret'),
  };
  const client = clients.find(presented, request.clientAddress);
  if (isClientFault(client)) return refusedClient(client, request);
  return client.kind === 'public' && client.id === undefined
    ? refusedClient(
        { kind: 'client_fault', fault: 'refused', isBasic: true, message: 'the request names no client' },
        request,
      )
    : client;
};
