// How many commands one account may give, said in every dialect that takes commands: 429 with Retry-After.

import t, { type Test } from 'tap';
import { worldSettings } from '../lifecycle/world.ts';
import { ofAnn, order, startAstra } from './astra/astra-server.ts';
import { startManagement } from './management/management-server.ts';
import { startVcd } from './vcd/vcd-server.ts';
import { csp, jsonType, startVendors } from './vendor-server.ts';

const limits = { ...worldSettings.limits, commandsPerMinute: 2 };

interface Reply {
  readonly status: number;
  header(name: string): string | undefined;
}

const isRefusedAtTheThird = async (t: Test, command: () => Promise<Reply>): Promise<void> => {
  const replies: Reply[] = [];
  for (let time = 0; time < 3; time++) replies.push(await command());
  const [first, second, third] = replies;
  for (const reply of [first, second]) t.ok((reply?.status ?? 500) < 300, String(reply?.status));
  t.equal(third?.status, 429);
  t.ok(Number(third?.header('retry-after')) > 0);
};

t.test('management: of tokens, users and the audit together; revoking goes on', async (t) => {
  const server = await startManagement(t, { limits });
  const ann = await server.signIn();
  const token = await server.token();
  await isRefusedAtTheThird(t, () => server.order(ann, 'GET /orgs/acme/users'));
  t.match(await server.order(ann, 'GET /orgs/acme/api-tokens'), {
    status: 429,
    body: { code: 'rate_limited' },
  });
  t.match(await server.order(ann, `DELETE /orgs/acme/api-tokens/${token.record.id}`), { status: 204 });
  t.match(await server.order(await server.signIn('ben'), 'GET /orgs/acme/users/ben/api-tokens'), {
    status: 200,
  });
});

t.test('management: as many revocations, and no more', async (t) => {
  const server = await startManagement(t, { limits });
  const ann = await server.signIn();
  const { record } = await server.token();
  await isRefusedAtTheThird(t, () => server.order(ann, `DELETE /orgs/acme/api-tokens/${record.id}`));
});

t.test('astra', async (t) => {
  const server = await startAstra(t, { limits });
  await isRefusedAtTheThird(t, () => server.postJson(ofAnn, order, [server.session]));
});

t.test('vcd', async (t) => {
  const server = await startVcd(t, { limits });
  const session = `Authorization: Bearer ${await server.session()}`;
  await isRefusedAtTheThird(t, () => server.send('GET /cloudapi/1.0.0/tokens', [session]));
  t.match(await server.send('POST /oauth/tenant/acme/register', [session, jsonType], '{"client_name":"n"}'), {
    status: 429,
  });
});

t.test('csp', async (t) => {
  const server = await startVendors(t, { limits });
  await server.accounts.defineRole('acme', 'admin', ['things:write', 'tollgate:tokens:own']);
  await server.accounts.setRoles('acme', 'ann', ['admin']);
  const session = `csp-auth-token: ${await server.signIn()}`;
  const wanted = { tokenName: 'ci', refreshTokenTTL: 3600, allowedScopes: { generalScopes: ['openid'] } };
  await isRefusedAtTheThird(t, () => server.postJson(`${csp}/loggedin/user/api-tokens`, wanted, [session]));
});
