import * as fc from 'fast-check';
import t from 'tap';
import { checkNewOrgId, checkNewUserId } from '../../src/lifecycle/names.ts';
import { meansOrg, uuidOfOrg, uuidOfUser } from '../../src/identity/vendor-ids.ts';

const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;

t.test('an id that is a UUID stays; any other gets one, always the same', async (t) => {
  const own = '5f3b1c9e-0a7d-4f5e-9c1b-2d3e4f5a6b7c';
  t.equal(uuidOfOrg(own), own);
  t.equal(uuidOfUser('acme', own), own);
  t.match(uuidOfOrg('acme'), uuid);
  t.match(uuidOfUser('acme', 'ann'), uuid);
  t.equal(uuidOfOrg('acme'), '822b33ad-87c1-88a0-a20a-5ba7cd5ebcaa', 'it was told to clients: never changes');
  t.equal(uuidOfUser('acme', 'ann'), 'ed29f8c7-8cea-86f1-af87-bc0efa20af4f');
  t.not(uuidOfUser('acme', 'ann'), uuidOfUser('other', 'ann'));
});

t.test('an org is meant by its id, or by the UUID it was told', async (t) => {
  t.ok(meansOrg('acme', 'acme'));
  t.ok(meansOrg('acme', uuidOfOrg('acme').toUpperCase()));
  t.notOk(meansOrg('acme', 'ACME'));
  t.notOk(meansOrg('acme', ''));
  t.notOk(meansOrg('acme', uuidOfOrg('other')));
  const own = '5f3b1c9e-0a7d-4f5e-9c1b-2d3e4f5a6b7c';
  t.ok(meansOrg(own, own));
  t.notOk(meansOrg(own, own.toUpperCase()), 'an id is compared to the letter: another org may have that one');
});

t.test('an org is meant by the URN of its UUID too, as Cloud Director writes it', async (t) => {
  const own = '5f3b1c9e-0a7d-4f5e-9c1b-2d3e4f5a6b7c';
  const urn = (uuid: string) => `urn:vcloud:org:${uuid}`;
  t.ok(meansOrg('acme', urn(uuidOfOrg('acme'))));
  t.ok(meansOrg(own, urn(own)));
  for (const text of [urn('acme'), urn(uuidOfOrg('other')), urn(urn(uuidOfOrg('acme'))), urn('')])
    t.notOk(meansOrg('acme', text), text);
  t.notOk(meansOrg(own, urn(own.toUpperCase())));
  t.notOk(meansOrg(own, urn(uuidOfOrg('acme'))));
});

t.test('no text means two orgs that can be made', async (t) => {
  const ids = [
    'acme',
    'ACME',
    'other',
    '5f3b1c9e-0a7d-4f5e-9c1b-2d3e4f5a6b7c',
    '5F3B1C9E-0A7D-4F5E-9C1B-2D3E4F5A6B7C',
  ];
  fc.assert(
    fc.property(
      fc.uniqueArray(fc.oneof(fc.constantFrom(...ids), fc.string(), fc.uuid()), { minLength: 2 }),
      (all) => {
        const orgs = all.filter((id) => checkNewOrgId(id) === undefined);
        const texts = all.flatMap((id) => [
          `urn:vcloud:org:${uuidOfOrg(id)}`,
          id,
          uuidOfOrg(id),
          uuidOfOrg(id).toUpperCase(),
          id.toLowerCase(),
        ]);
        return texts.every((text) => orgs.filter((orgId) => meansOrg(orgId, text)).length <= 1);
      },
    ),
  );
  for (const id of ids) t.equal(checkNewOrgId(id), undefined, id);
  for (const check of [checkNewOrgId, checkNewUserId])
    for (const id of [uuidOfOrg('acme'), uuidOfOrg('acme').toUpperCase(), uuidOfUser('acme', 'ann')])
      t.match(check(id), { code: 'id_malformed', message: /UUIDs of version 8/ }, id);
});

t.test('ten thousand orgs and more are told apart, each digest made once', async (t) => {
  for (let index = 0; index < 10_050; index++) {
    const id = `org-${index}`;
    if (!meansOrg(id, uuidOfOrg(id))) t.fail(id);
  }
  t.ok(meansOrg('org-1', uuidOfOrg('org-1')), 'and found again after the memory was emptied');
  t.notOk(meansOrg('org-1', uuidOfOrg('org-2')));
});
