import t from 'tap';
import { isOrg, uuidOfOrg, uuidOfUser } from '../../src/surfaces/vendor-ids.ts';

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
  t.ok(isOrg('acme', 'acme'));
  t.ok(isOrg('acme', uuidOfOrg('acme').toUpperCase()));
  t.notOk(isOrg('acme', 'ACME'));
  t.notOk(isOrg('acme', ''));
  t.notOk(isOrg('acme', uuidOfOrg('other')));
});
