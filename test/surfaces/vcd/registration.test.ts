// POST /oauth/{tenant/{org}|provider}/register, and the API token it leads to with grant_type=jwt-bearer.

import { decodeJwt } from 'jose';
import t from 'tap';
import { outage } from '../../../src/decision/outcome.ts';
import { dayMs } from '../../lifecycle/world.ts';
import { exchangeRaw } from '../../support/raw-client.ts';
import { noSurfaces } from '../surface-server.ts';
import { formType, jsonType, type VendorReply } from '../vendor-server.ts';
import { bearer, requestId, startFailing, startVcd, type VcdServer } from './vcd-server.ts';

const register = '/oauth/tenant/acme/register';
const token = '/oauth/tenant/acme/token';
const jwtBearer = 'urn:ietf:params:oauth:grant-type:jwt-bearer';
const uuid = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;
const fiveKeys = ['access_token', 'token_type', 'expires_in', 'refresh_token', 'scope'];

const registered = async (server: VcdServer, session: string, name = 'ci'): Promise<string> => {
  const reply = await server.postJson(register, { client_name: name }, [bearer(session)]);
  if (reply.status !== 201) throw new Error(`not registered: ${reply.body}`);
  return String(reply.json['client_id']);
};

const grant = (server: VcdServer, clientId: string, assertion: string, path = token): Promise<VendorReply> =>
  server.postForm(
    path,
    new URLSearchParams({ grant_type: jwtBearer, client_id: clientId, assertion }).toString(),
  );

t.test('POST register answers 201 with the client’s id, which is the uuid of the token’s', async (t) => {
  const server = await startVcd(t);
  const session = await server.session();
  for (const [what, headers] of [
    [
      'Accept: application/json;version= with an empty version',
      [jsonType, 'Accept: application/json;version='],
    ],
    ['a version in the content type', ['Content-Type: application/json;version=36.1']],
    ['the vendor’s */*+json', ['Content-Type: application/*+json']],
    ['no content type', []],
    [
      'the same JWT three times over',
      [jsonType, `X-Vmware-Vcloud-Access-Token: ${session}`, 'X-Vmware-Vcloud-Token-Type: Bearer'],
    ],
  ] as const) {
    const reply = await server.send(
      `POST ${register}`,
      [...headers, `authorization: bearer ${session}`],
      '{"client_name":"probe"}',
    );
    t.equal(reply.status, 201, what);
    t.same(Object.keys(reply.json), [
      'client_name',
      'client_id',
      'grant_types',
      'token_endpoint_auth_method',
    ]);
    t.match(reply.json, {
      client_name: 'probe',
      client_id: uuid,
      grant_types: [jwtBearer, 'refresh_token'],
      token_endpoint_auth_method: 'none',
    });
    const urn = `urn:vcloud:token:${String(reply.json['client_id'])}`;
    const shown = await server.send(`GET /cloudapi/1.0.0/tokens/${urn}`, [bearer(session)]);
    t.match(shown, { status: 200, json: { id: urn, name: 'probe', token: null, type: 'REFRESH' } });
  }
});

t.test('jwt-bearer gives the API token of 32 characters once: a second call fails', async (t) => {
  const server = await startVcd(t);
  const session = await server.session();
  const clientId = await registered(server, session);
  const reply = await grant(server, clientId, session);
  t.equal(reply.status, 200);
  t.same(Object.keys(reply.json), fiveKeys);
  t.match(reply.json, { token_type: 'Bearer', refresh_token: /^tg[0-9A-Za-z]{30}$/, scope: null });
  t.ok(Number(reply.json['expires_in']) > 0);
  t.match(decodeJwt(String(reply.json['access_token'])), { tid: clientId, amr: ['api_token'] });
  const secret = String(reply.json['refresh_token']);
  t.match(await server.postForm(token, `grant_type=refresh_token&refresh_token=${secret}`), { status: 200 });
  const again = await grant(server, clientId, session);
  t.match(again, { status: 400, json: { minorErrorCode: 'invalid_grant', stackTrace: null } });
  t.match(
    await server.postForm(token, `grant_type=refresh_token&refresh_token=${secret}`),
    { status: 200 },
    'the token is as good as before',
  );
  t.notOk(JSON.stringify(server.outcomes).includes(secret));
});

t.test('of many calls at once one gets the API token', async (t) => {
  const server = await startVcd(t);
  const session = await server.session();
  const clientId = await registered(server, session);
  const replies = await Promise.all(Array.from({ length: 8 }, () => grant(server, clientId, session)));
  t.same(
    replies.map(({ status }) => status).toSorted((one, other) => one - other),
    [200, 400, 400, 400, 400, 400, 400, 400],
  );
});

t.test('nobody else gets the API token of a client: not an administrator, not another org', async (t) => {
  const server = await startVcd(t);
  const session = await server.session();
  const clientId = await registered(server, session);
  const adam = await server.session('adam@acme');
  const eve = await server.session('eve@umbrella');
  const { secret } = await server.apiToken('acme', 'ann');
  const exchanged = await server.postForm(token, `grant_type=refresh_token&refresh_token=${secret}`);
  for (const [what, assertion, path] of [
    ['an administrator of the org', adam, token],
    ['another org', eve, '/oauth/tenant/umbrella/token'],
    ['another org at this one’s path', eve, token],
    ['the owner at another org’s path', session, '/oauth/tenant/umbrella/token'],
    ['the owner at the provider’s', session, '/oauth/provider/token'],
    ['a session made from an API token', String(exchanged.json['access_token']), token],
    ['an API token', secret, token],
    ['garbage', 'a.b.c', token],
  ] as const)
    t.match(
      await grant(server, clientId, assertion, path),
      { status: 400, json: { minorErrorCode: 'invalid_grant' } },
      what,
    );
  for (const other of [
    '00000000-0000-4000-8000-000000000000',
    'x',
    (await server.apiToken('acme', 'ann')).id,
  ])
    t.match(
      await grant(server, other, session),
      { status: 400, json: { minorErrorCode: 'invalid_grant' } },
      other,
    );
  t.match(await server.postForm(token, `grant_type=${jwtBearer}&client_id=${clientId}`), {
    status: 400,
    json: { minorErrorCode: 'invalid_request' },
  });
  t.match(await grant(server, clientId.toUpperCase(), session), { status: 200 }, 'the owner still does');
});

t.test('a client whose token was revoked, or whose user lost everything, gets none', async (t) => {
  const server = await startVcd(t);
  const session = await server.session();
  const one = await registered(server, session);
  await server.send(`DELETE /cloudapi/1.0.0/tokens/urn:vcloud:token:${one}`, [bearer(session)]);
  t.match(await grant(server, one, session), { status: 400 });
  const other = await registered(server, session);
  await server.apiTokens.revokeAll('acme', 'ann');
  t.match(await grant(server, other, await server.session()), { status: 400 });
});

t.test('sessions made from an API token cannot create API tokens', async (t) => {
  const server = await startVcd(t);
  const { secret } = await server.apiToken('acme', 'ann');
  const { json } = await server.postForm(token, `grant_type=refresh_token&refresh_token=${secret}`);
  const reply = await server.postJson(register, { client_name: 'n' }, [bearer(String(json['access_token']))]);
  t.match(reply, { status: 403, json: { minorErrorCode: 'ACCESS_TO_RESOURCE_IS_FORBIDDEN' } });
});

t.test(
  'the right "Manage user’s own API token" is asked for, and the session’s org is the path’s',
  async (t) => {
    const server = await startVcd(t);
    const forbidden = {
      status: 403,
      json: { minorErrorCode: 'ACCESS_TO_RESOURCE_IS_FORBIDDEN', stackTrace: null },
    };
    const ask = (path: string, session: string) =>
      server.postJson(path, { client_name: 'n' }, [bearer(session)]);
    t.match(await ask(register, await server.session('bob@acme')), forbidden);
    t.match(await ask(register, await server.session('eve@umbrella')), forbidden);
    t.match(await ask('/oauth/provider/register', await server.session()), forbidden);
    t.match(await ask('/oauth/provider/register', await server.session('root@System')), { status: 201 });
    t.match(await server.postJson(register, { client_name: 'n' }), {
      status: 401,
      json: { minorErrorCode: 'NOT_AUTHENTICATED' },
    });
  },
);

t.test(
  'API tokens do not expire by default; the provider may say otherwise, and the org sets a maximum',
  async (t) => {
    const server = await startVcd(t);
    const lifeOf = async (server: VcdServer): Promise<number | undefined> => {
      const found = await server.apiTokens.findApiToken(await registered(server, await server.session()));
      if (!('createdAtMs' in found)) throw new Error(JSON.stringify(found));
      return found.expiresAtMs === undefined ? undefined : found.expiresAtMs - found.createdAtMs;
    };
    t.equal(await lifeOf(server), undefined);
    await server.store.changeOrg('acme', { tokenLifetimeMsMax: 30 * dayMs }, server.now());
    t.equal(await lifeOf(server), 30 * dayMs);
    const vcd = { ...noSurfaces.vcd, enabled: true, tokenLifetimeMs: 7 * dayMs };
    t.equal(await lifeOf(await startVcd(t, { surfaces: { ...noSurfaces, vcd } })), 7 * dayMs);
  },
);

t.test('what is no registration is 400, and changes nothing', async (t) => {
  const server = await startVcd(t);
  const session = await server.session();
  for (const body of [
    '',
    '{}',
    '[]',
    'null',
    '"n"',
    '{"client_name":7}',
    '{"client_name":""}',
    '{"client_name":" n"}',
    `{"client_name":"${'x'.repeat(129)}"}`,
    '{"client_name":"n","__proto__":{}}',
    `{"client_name":${'['.repeat(40)}`,
    'client_name=n',
  ]) {
    const reply = await server.send(`POST ${register}`, [jsonType, bearer(session), requestId], body);
    t.equal(reply.status, 400, body);
    t.same(Object.keys(reply.json), ['minorErrorCode', 'message', 'stackTrace']);
    t.match(reply.json, { minorErrorCode: 'BAD_REQUEST', message: /^\[ client-7 \] / });
  }
  t.match(await server.send('GET /cloudapi/1.0.0/tokens', [bearer(session)]), { json: { resultTotal: 0 } });
});

t.test('two clients may have one name; one more than tokens.perUserMax is refused', async (t) => {
  const { tokens } = (await startVcd(t)).settings;
  const server = await startVcd(t, { tokens: { ...tokens, perUserMax: 2 } });
  const session = await server.session();
  t.not(await registered(server, session, 'ci'), await registered(server, session, 'ci'));
  t.match(await server.postJson(register, { client_name: 'third' }, [bearer(session)]), {
    status: 400,
    json: { minorErrorCode: 'BAD_REQUEST', stackTrace: null },
  });
});

t.test('the API token is given, though no session can be made of it at that moment', async (t) => {
  const server = await startVcd(t);
  const session = await server.session();
  const clientId = await registered(server, session);
  const port = await startFailing(t, server, (credential, ...asked) =>
    credential.form === 'opaque'
      ? outage('store_unavailable')
      : server.identifier.identify(credential, ...asked),
  );
  const body = new URLSearchParams({
    grant_type: jwtBearer,
    client_id: clientId,
    assertion: session,
  }).toString();
  const request = [`POST ${token} HTTP/1.1`, 'Host: x', formType, `Content-Length: ${body.length}`, '', body];
  const reply = await exchangeRaw(port, request.join('\r\n'));
  t.equal(reply.status, 200);
  const given = JSON.parse(reply.body) as Record<string, unknown>;
  t.same(Object.keys(given), fiveKeys);
  t.equal(given['access_token'], session, 'the session that asked goes on meanwhile');
  t.ok(Number(given['expires_in']) > 0);
  const form = `grant_type=refresh_token&refresh_token=${String(given['refresh_token'])}`;
  t.match(await server.postForm(token, form), { status: 200 }, 'and it is good later');
});
