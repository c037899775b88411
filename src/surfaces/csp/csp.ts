// The csp surface: the endpoints of its paths. Constructs the lifecycle commands that the endpoints give. Wire shapes are
// contracted: see the tests, which are named for them.

import { createBeginClientSession } from '../../lifecycle/client-session.ts';
import { createFindDetails } from '../../lifecycle/details.ts';
import { createExchange } from '../../lifecycle/exchange.ts';
import { createIdentifyLive } from '../../lifecycle/identify-live.ts';
import { createRevoke } from '../../lifecycle/revoke.ts';
import { createTokenCommands } from '../../lifecycle/token-commands.ts';
import { csp } from '../../settings/surfaces/csp.ts';
import { createOauthClients } from '../client-authentication.ts';
import { defineSurface } from '../surface.ts';
import { createCreateEndpoint } from './create-endpoint.ts';
import { onFault } from './csp-error.ts';
import { cspTokenForm } from './csp-token-form.ts';
import { createDeactivateEndpoint } from './deactivate-endpoint.ts';
import { createDetailsEndpoint } from './details-endpoint.ts';
import { createMetadataEndpoint, createPublicKeyEndpoint } from './discovery.ts';
import { createExchangeEndpoint } from './exchange-endpoint.ts';
import {
  createIntrospectEndpoint,
  createLogoutEndpoint,
  createRevokeEndpoint,
} from './held-token-endpoints.ts';
import { createTokenEndpoint } from './token-endpoint.ts';

export const surface = defineSurface(csp, (deps, paths) => {
  const { settings, store } = deps;
  const { domain, tokensPerUserMax } = settings.surfaces.csp;
  const clients = createOauthClients(settings.oauth.clients, deps.clientSecretLimit);
  const form = cspTokenForm(domain);
  const exchange = createExchange({ ...deps, form });
  const beginClientSession = createBeginClientSession({ ...deps, form });
  const held = { findDetails: createFindDetails(deps), revoke: createRevoke(deps), clients, settings };
  const token = { POST: createTokenEndpoint({ exchange, beginClientSession, clients, settings }) };
  const caller = {
    identifyLive: createIdentifyLive(deps),
    store,
    settings,
    commands: createTokenCommands(deps),
  };
  const deactivate = { POST: createDeactivateEndpoint(caller) };
  const metadata = { GET: createMetadataEndpoint({ settings, paths }) };
  return {
    onFault,
    endpoints: {
      exchange: { POST: createExchangeEndpoint({ exchange, settings }) },
      details: { POST: createDetailsEndpoint(held) },
      authorize: token,
      token,
      publicKey: { GET: createPublicKeyEndpoint(deps) },
      metadata,
      metadataOlder: metadata,
      introspect: { POST: createIntrospectEndpoint(held) },
      revoke: { POST: createRevokeEndpoint(held) },
      logout: { POST: createLogoutEndpoint(held) },
      create: { POST: createCreateEndpoint({ ...caller, tokensPerUserMax }) },
      deactivate,
      deactivateOlder: deactivate,
    },
  };
});
