// The oauth surface as a client library sees it that nobody here wrote: openid-client, unmodified. It finds the endpoints
// by the metadata, exchanges an API token, calls the API, introspects and revokes.

import * as oauth from 'openid-client';
import type { Test } from 'tap';
import type { GateProcess } from '../support/gate-process.ts';
import { becomes, client, type Replicas } from '../support/replicas.ts';
import { makeToken } from './scenario-commands.ts';

/** As the gates' settings have it; the ports of a test are others. */
const issuer = 'http://127.0.0.1:8080';

const configure = (gate: GateProcess, algorithm: 'oauth2' | 'oidc'): Promise<oauth.Configuration> =>
  oauth.discovery(new URL(issuer), client.id, client.secret, oauth.ClientSecretBasic(client.secret), {
    algorithm,
    // Loopback without TLS, at the port that the system chose.
    execute: [oauth.allowInsecureRequests],
    [oauth.customFetch]: (url, options) =>
      fetch(url.replace(issuer, gate.url), { ...options, body: options.body as RequestInit['body'] & {} }),
  });

export const openidClientFlow = async (t: Test, { a, b, signIn }: Replicas): Promise<void> => {
  const { secret } = await makeToken(a, await signIn('acme', 'ann'));
  for (const algorithm of ['oauth2', 'oidc'] as const) {
    const configuration = await configure(b, algorithm);
    t.equal(configuration.serverMetadata().issuer, issuer, algorithm);
    const tokens = await oauth.refreshTokenGrant(configuration, secret, { scope: 'things:read' });
    t.match(tokens, { token_type: 'bearer', scope: 'things:read' });
    t.ok((tokens.expiresIn() ?? 0) > 60);
    const url = new URL(`${issuer}/accounts/acme/things`);
    const answer = await oauth.fetchProtectedResource(configuration, tokens.access_token, url, 'GET');
    t.equal(answer.status, 200);
    const told = await oauth.tokenIntrospection(configuration, tokens.access_token);
    t.match(told, { active: true, sub: 'ann', scope: 'things:read', iss: issuer });
    const narrower = await oauth.genericGrantRequest(
      configuration,
      'urn:ietf:params:oauth:grant-type:token-exchange',
      {
        subject_token: secret,
        subject_token_type: 'urn:ietf:params:oauth:token-type:refresh_token',
        scope: 'things:read',
      },
    );
    t.match(narrower, { issued_token_type: 'urn:ietf:params:oauth:token-type:access_token' });
    await oauth.tokenRevocation(configuration, tokens.access_token);
    await becomes(a, '/things', tokens.access_token, 401);
    t.match(await oauth.tokenIntrospection(configuration, tokens.access_token), { active: false });
  }
  const configuration = await configure(a, 'oauth2');
  const faultOf = (scope: string): Promise<unknown> =>
    oauth.refreshTokenGrant(configuration, secret, { scope }).catch((error: unknown) => error);
  t.match(await faultOf('everything'), { error: 'invalid_scope', status: 400 }, 'errors as of RFC 6749');
  await oauth.tokenRevocation(configuration, secret);
  t.match(await faultOf('things:read'), { error: 'invalid_grant' });
  await becomes(b, '/things', secret, 401);
};
