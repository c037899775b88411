// A client that knows nothing but the API's URL, as those of MCP do: 401, the resource's metadata, the server's, a token, 200.

import { mkdtempSync, rmSync } from 'node:fs';
import * as oauth from 'openid-client';
import t from 'tap';
import { startEchoApi } from '../support/echo-api.ts';
import { type GateProcess, startGate } from '../support/gate-process.ts';
import { openOperator } from '../support/operator.ts';

t.setTimeout(120_000);

const origin = 'http://api.test';
const resource = `${origin}/mcp`;
let gate: GateProcess;
let apiToken = '';

t.before(async () => {
  const directory = mkdtempSync('/tmp/tg-');
  t.teardown(() => rmSync(directory, { recursive: true, force: true }));
  const api = await startEchoApi(t);
  gate = await startGate(t, {
    directory,
    settings: {
      issuer: origin,
      audience: resource,
      upstream: { url: api.url, resource },
      upstreams: { plain: { url: api.url } },
      routes: [
        { name: 'admin', path: '/mcp/admin', scopes: ['things:read', 'tools:admin'] },
        { name: 'vendor', path: '/mcp/vendor', scopes: ['things:read'], errors: 'vcd' },
        { name: 'plain', path: '/plain', scopes: ['tools:admin'], upstream: 'plain' },
        { name: 'tenant', path: '/mcp/{org}', scopes: ['things:read'] },
        { name: 'mcp', path: '/mcp', scopes: ['things:read'] },
      ],
    },
  });
  const operator = await openOperator(t, gate.settingsFile);
  await operator.furnish();
  apiToken = (await operator.token()).secret;
  await gate.whenReady();
});

/** The gate stands for api.test. */
const atGate: oauth.CustomFetch = (url, { body, headers, method, signal }) =>
  fetch(url.replace(origin, gate.url), {
    headers,
    method,
    ...(signal && { signal }),
    ...(body !== undefined && body !== null && { body }),
  });
const send = (url: string, token?: string): Promise<Response> =>
  fetch(
    url.replace(origin, gate.url),
    token === undefined ? {} : { headers: { authorization: `Bearer ${token}` } },
  );
const challengeOf = (response: Response): string => response.headers.get('www-authenticate') ?? '';
const metadataUrlIn = (challenge: string): string =>
  /resource_metadata="([^"]+)"/.exec(challenge)?.[1] ?? `none in ${challenge}`;

t.test('a client finds its way from 401 to 200 by what it is told', async (t) => {
  const refused = await send(resource);
  t.equal(refused.status, 401);
  const metadataUrl = metadataUrlIn(challengeOf(refused));
  t.equal(metadataUrl, `${origin}/.well-known/oauth-protected-resource/mcp`);
  const metadata = (await (await send(metadataUrl)).json()) as Record<string, unknown>;
  t.equal(metadata['resource'], resource, 'RFC 9728 section 3.3: what the client asked for');
  t.strictSame(metadata['scopes_supported'], ['things:read', 'tools:admin']);
  const [server] = metadata['authorization_servers'] as readonly string[];
  const config = await oauth.discovery(new URL(server ?? ''), 'a-client', undefined, oauth.None(), {
    algorithm: 'oauth2',
    execute: [oauth.allowInsecureRequests],
    [oauth.customFetch]: atGate,
  });
  t.ok(config.serverMetadata().protected_resources);
  const { access_token: token } = await oauth.refreshTokenGrant(config, apiToken, { resource });
  const answer = await send(resource, token);
  t.equal(answer.status, 200, await answer.text());
});

t.test('a token that is not good is told where to get another, in every dialect of errors', async (t) => {
  for (const path of ['/mcp', '/mcp/vendor', '/mcp/acme']) {
    const refused = await send(origin + path, apiToken.replace(/...$/, 'xxx'));
    t.equal(refused.status, 401, path);
    const challenge = challengeOf(refused);
    if (challenge.startsWith('Bearer')) t.match(challenge, `resource_metadata="${origin}`, path);
    t.notMatch(challenge, /scope=/, 'and not what the route asks for');
  }
});

t.test('a token that lacks a scope is told which ones the route asks for (RFC 6750 section 3)', async (t) => {
  const refused = await send(`${resource}/admin`, apiToken);
  t.equal(refused.status, 403);
  t.equal(
    challengeOf(refused),
    'Bearer realm="tollgate", error="insufficient_scope", error_description="The token may not do that",' +
      ` scope="things:read tools:admin", resource_metadata="${origin}/.well-known/oauth-protected-resource/mcp"`,
  );
  const foreign = await send(`${resource}/globex`, apiToken);
  t.equal(foreign.status, 403);
  t.notMatch(challengeOf(foreign), /scope="/, 'nothing of scopes where another org is what is wrong');
});

t.test('routes of an upstream without a resource say what they always said', async (t) => {
  t.equal(challengeOf(await send(`${origin}/plain`)), 'Bearer realm="tollgate"');
  t.equal(
    challengeOf(await send(`${origin}/plain`, apiToken)),
    'Bearer realm="tollgate", error="insufficient_scope", error_description="The token may not do that"',
  );
  t.equal((await send(`${origin}/.well-known/oauth-protected-resource`)).status, 403, 'and have no metadata');
});
