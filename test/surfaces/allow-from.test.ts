// Number 14 of issue 9: an API token that is for some networks is exchanged from these alone, and what is made from it is bound to
// them too. The test's caller comes from 192.0.2.7.

import { decodeJwt } from 'jose';
import t from 'tap';
import { isFailure } from '../../src/lifecycle/command-error.ts';
import { resourceServer, startSurfaces, type SurfaceServer, testCaller } from './surface-server.ts';
import { csp, navigator, startVendors } from './vendor-server.ts';

const tokenFor = async ({ apiTokens }: SurfaceServer, allowFrom: readonly string[]): Promise<string> => {
  const made = await apiTokens.createApiToken({
    orgId: 'acme',
    userId: 'ann',
    name: 'ci',
    scopes: 'all',
    lifetimeMs: undefined,
    length: 65,
    allowFrom,
  });
  if (isFailure(made)) throw new Error(JSON.stringify(made));
  return made.secret;
};

const here = ['192.0.2.0/24', '2001:db8::/32'];
const elsewhere = ['198.51.100.0/24'];
const exchangeGrant = 'urn:ietf:params:oauth:grant-type:token-exchange';
const accessTokenType = 'urn:ietf:params:oauth:token-type:access_token';

t.test('14: an access token carries the networks of its API token, and so does a narrower one', async (t) => {
  const server = await startSurfaces(t);
  const accessToken = await server.accessToken(await tokenFor(server, here));
  t.same(decodeJwt(accessToken)['allow_from'], here);
  const narrower = await server.post('/oauth2/token', {
    grant_type: exchangeGrant,
    subject_token: accessToken,
    subject_token_type: accessTokenType,
    scope: 'things:read',
  });
  t.same(decodeJwt(String(narrower.body['access_token']))['allow_from'], here);
  const found = await server.identifier.identify({ form: 'jwt', value: accessToken }, server.now());
  t.match(found, { identity: { allowFrom: { entries: here } } });
  t.notOk(
    'allow_from' in decodeJwt(await server.accessToken((await server.token()).secret)),
    'others have none',
  );
});

t.test('14: from elsewhere neither the token nor its access token is exchanged', async (t) => {
  const server = await startSurfaces(t);
  const secret = await tokenFor(server, elsewhere);
  const exchange = (form: Record<string, string>) => server.post('/oauth2/token', form);
  t.match(await exchange({ grant_type: 'refresh_token', refresh_token: secret }), {
    status: 400,
    body: { error: 'invalid_grant' },
  });
  const issued = await server.exchange({
    credential: { form: 'opaque', value: secret },
    origin: { ...testCaller, clientAddress: '198.51.100.9' },
  });
  if (!('accessToken' in issued)) throw new Error('not issued');
  const { accessToken } = issued;
  t.match(
    await exchange({
      grant_type: exchangeGrant,
      subject_token: accessToken,
      subject_token_type: accessTokenType,
    }),
    { status: 400, body: { error: 'invalid_request' } },
  );
  t.match(server.outcomes, [{ reason: 'address_refused' }, { reason: 'address_refused' }]);
});

t.test('14: nor at the vendors’ endpoints', async (t) => {
  const server = await startVendors(t);
  const [good, bad] = [await tokenFor(server, here), await tokenFor(server, elsewhere)];
  const exchange = (path: string, secret: string) => server.postJson(path, { refresh_token: secret });
  t.equal((await exchange(`${csp}/auth/api-tokens/authorize`, good)).status, 200);
  t.not((await exchange(`${csp}/auth/api-tokens/authorize`, bad)).status, 200);
  t.match(server.outcomes.at(-1), { reason: 'address_refused' });
  t.not((await server.postJson(`${navigator}/authn/accesstoken`, { refreshToken: bad })).status, 201);
});

t.test('14: introspection is not use: it tells the networks to whoever may ask', async (t) => {
  const server = await startSurfaces(t);
  const secret = await tokenFor(server, elsewhere);
  const reply = await server.post('/oauth2/introspect', { token: secret }, resourceServer);
  t.match(reply.body, { active: true, allow_from: elsewhere });
});
