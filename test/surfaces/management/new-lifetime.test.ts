// The management surface: a new lifetime with a new secret.

import t from 'tap';
import { sure } from '../../contract/places.ts';
import { createSurfaces } from '../../../src/surfaces/surfaces.ts';
import { exchangeRaw } from '../../support/raw-client.ts';
import { itemsOf, prefix, startBeside, startManagement } from './management-server.ts';

const dayMs = 86_400_000;

t.test('a token is given a new lifetime, checked as that of a new one', async (t) => {
  const server = await startManagement(t);
  const ann = await server.signIn();
  const { record } = await server.token('all', dayMs);
  const path = `POST /orgs/acme/api-tokens/${record.id}/regenerate`;
  const iso = (ms: number): string => new Date(ms).toISOString();
  const given = await server.order(ann, path, { lifetime: 'P90D', overlap: 'P1D' });
  const expiresAt = iso(server.now() + 90 * dayMs);
  const previousSecretExpiresAt = iso(server.now() + dayMs);
  t.match(given, { status: 200, body: { secretNumber: 1, expiresAt, previousSecretExpiresAt } });
  t.match((await server.order(ann, path, {})).body, { expiresAt }, 'without one it keeps its expiry');
  const short = await server.order(ann, path, { lifetime: 'PT1H', overlap: 'P1D' });
  const soon = iso(server.now() + 3_600_000);
  t.match(short.body, { expiresAt: soon, previousSecretExpiresAt: soon });
  t.match((await server.order(ann, path, { lifetime: 'never' })).body, { expiresAt: null });
  for (const lifetime of ['90d', 7, null, '', 'P1Y', 'NEVER'])
    t.match(await server.order(ann, path, { lifetime }), {
      status: 400,
      body: { errors: [{ pointer: '/lifetime' }] },
    });
  t.match(await server.order(ann, path, { lifetime: 'PT1S' }), {
    status: 400,
    body: { code: 'lifetime_malformed' },
  });
  sure(await server.store.changeOrg('acme', { tokenLifetimeMsMax: 30 * dayMs }, server.now()));
  for (const lifetime of ['P31D', 'never'])
    t.match((await server.order(ann, path, { lifetime })).body, { code: 'lifetime_too_long' });
  t.match((await server.order(ann, path, { lifetime: 'P30D' })).status, 200);
});

t.test('the list by expiry has it where it belongs, and the audit says so', async (t) => {
  const server = await startManagement(t);
  const ann = await server.signIn();
  const [one, two] = [await server.token('all', dayMs), await server.token('all', 2 * dayMs)];
  const path = `POST /orgs/acme/api-tokens/${one.record.id}/regenerate`;
  const made = await server.order(ann, path, { lifetime: 'P9D' });
  const list = await server.order(ann, 'GET /orgs/acme/users/ann/api-tokens?sort=expiresAt');
  t.same(
    itemsOf(list).map(({ id }) => id),
    [two.record.id, one.record.id],
  );
  const entries = async () =>
    itemsOf(await server.order(ann, 'GET /orgs/acme/audit?action=token.regenerate')).map(
      ({ expires }) => expires,
    );
  while ((await entries()).length === 0);
  t.same(await entries(), [made.body['expiresAt']]);
});

t.test('the same key with another lifetime, or without one, is refused here and elsewhere', async (t) => {
  const server = await startManagement(t);
  const ann = await server.signIn();
  const { record } = await server.token('all', dayMs);
  const path = `POST /orgs/acme/api-tokens/${record.id}/regenerate`;
  const key = ['Idempotency-Key: one'];
  const body = { lifetime: 'P3D', overlap: 'P7D' };
  const first = await server.order(ann, path, body, key);
  server.clock.nowMs += 5_000;
  t.same((await server.order(ann, path, { ...body, lifetime: 'PT72H' }, key)).body, first.body);
  const conflict = { status: 422, body: { code: 'idempotency_conflict' } };
  for (const lifetime of ['P4D', 'never', undefined])
    t.match(await server.order(ann, path, { ...body, lifetime }, key), conflict, String(lifetime));

  const replica = await createSurfaces({ ...server, record: () => undefined });
  t.teardown(() => replica.close());
  const port = await startBeside(t, replica);
  const there = async (lifetime: string) => {
    const text = JSON.stringify({ ...body, lifetime });
    const head = [
      `${path.replace('/', `${prefix}/`)} HTTP/1.1`,
      'Host: x',
      ...key,
      `Authorization: Bearer ${ann}`,
    ];
    const lines = [...head, 'Content-Type: application/json', `Content-Length: ${text.length}`];
    return (await exchangeRaw(port, `${lines.join('\r\n')}\r\n\r\n${text}`)).status;
  };
  t.same(await Promise.all(['P3D', 'P4D', 'never'].map(there)), [200, 422, 422]);
});
