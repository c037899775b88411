// The surface below a prefix, for a gate that serves other things at the root.

import t from 'tap';
import { noSurfaces } from '../surface-server.ts';
import { bearer, password, signInLine, startVcd } from './vcd-server.ts';

t.test('below a prefix every path and every link has it, and none lies at the root', async (t) => {
  const vcd = { ...noSurfaces.vcd, enabled: true, prefix: '/vcd', providerOrg: 'umbrella' };
  const server = await startVcd(t, { surfaces: { ...noSurfaces, vcd } });
  t.ok(
    server.surfaces.ownedPaths
      .filter(({ written }) => written.includes('cloudapi'))
      .every(({ written }) => written.startsWith('/vcd/')),
  );
  await server.setPassword('umbrella', 'eve', password);
  const begun = await server.send('POST /vcd/cloudapi/1.0.0/sessions/provider', [
    signInLine('eve@UMBRELLA', password),
  ]);
  t.equal(begun.status, 200, 'and the provider’s org is the one of the settings');
  const session = bearer(begun.header('x-vmware-vcloud-access-token') ?? '');
  const { secret } = await server.apiToken('umbrella', 'eve');
  await server.apiToken('umbrella', 'eve');
  const form = `grant_type=refresh_token&refresh_token=${secret}`;
  t.match(await server.postForm('/vcd/oauth/provider/token', form), { status: 200 });
  const page = await server.send('GET /vcd/cloudapi/1.0.0/tokens?pageSize=1', [session]);
  t.match(
    page.header('link'),
    /^<https:\/\/id\.example\/vcd\/cloudapi\/1\.0\.0\/tokens\?page=2&pageSize=1&cursor=[\w.-]+>;rel="nextPage"$/,
  );
  const rights = await server.send('GET /vcd/cloudapi/1.0.0/sessions/current/rights?pageSize=1', [session]);
  t.match(rights.header('link'), '<https://id.example/vcd/cloudapi/1.0.0/sessions/current/rights?page=2');
  t.match(
    (await server.send('GET /vcd/api/session', [session])).body,
    'href="https://id.example/vcd/api/session"',
  );
  for (const path of ['/oauth/provider/token', '/cloudapi/1.0.0/sessions', '/api/session'])
    t.notOk(server.surfaces.owns(path), path);
});
