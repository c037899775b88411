// A route's `{org}` is the caller's org by its own id, or by the UUID that vendors' clients are shown in its place.

import t, { type Test } from 'tap';
import { uuidOfOrg } from '../../src/identity/vendor-ids.ts';
import { startEdge } from '../support/edge.ts';
import { anIdentity } from '../support/identity.ts';
import { exchangeRaw } from '../support/raw-client.ts';
import { startRawUpstream } from '../support/raw-upstream.ts';
import { aRule } from '../support/route-rule.ts';

const setScene = async (t: Test, orgId: string) => {
  const upstream = await startRawUpstream({ answer: 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok' });
  t.teardown(() => upstream.close());
  const edge = await startEdge(upstream, {
    routes: [aRule({ path: '/orgs/:org/*', tenantParameter: 'org' })],
    answers: { good: anIdentity({ org: { id: orgId, name: 'Acme' } }) },
  });
  t.teardown(() => edge.close());
  const statusOf = async (org: string): Promise<number> =>
    (
      await exchangeRaw(
        edge.port,
        `GET /orgs/${org}/things HTTP/1.1\r\nHost: api\r\nAuthorization: Bearer good\r\n\r\n`,
      )
    ).status;
  return { upstream, statusOf };
};

t.test(
  'an org is named by its id or by the UUID made of it, and the path is forwarded as it came',
  async (t) => {
    const { upstream, statusOf } = await setScene(t, 'acme');
    const shown = uuidOfOrg('acme');
    for (const org of ['acme', shown, shown.toUpperCase()]) t.equal(await statusOf(org), 200, org);
    t.same(
      upstream.requests.map(({ startLine }) => startLine),
      ['acme', shown, shown.toUpperCase()].map((org) => `GET /orgs/${org}/things HTTP/1.1`),
    );
    for (const org of ['ACME', 'other', uuidOfOrg('other'), `${shown}0`, 'a%63me '])
      t.not(await statusOf(org), 200, org);
  },
);

t.test('an org whose id is a UUID is named by that alone', async (t) => {
  const own = '5f3b1c9e-0a7d-4f5e-9c1b-2d3e4f5a6b7c';
  const { statusOf } = await setScene(t, own);
  for (const org of [own, `urn:vcloud:org:${own}`, `urn%3Avcloud%3Aorg%3A${own}`])
    t.equal(await statusOf(org), 200, org);
  for (const org of [own.toUpperCase(), uuidOfOrg('acme'), 'acme']) t.equal(await statusOf(org), 403, org);
});
