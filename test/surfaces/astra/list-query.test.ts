import * as fc from 'fast-check';
import t from 'tap';
import { cursorOf } from '../../../src/surfaces/token-cursor.ts';
import { isInvalid, itemsMax, readListQuery } from '../../../src/surfaces/astra/list-query.ts';

const names = ['include', 'limit', 'filter', 'orderBy', 'skip', 'count', 'continue'];

t.test(
  'whatever the query, it is read or told of, never thrown on; and never asks for more than the most',
  async () => {
    const value = fc.oneof(
      fc.string(),
      fc.constantFrom(
        "name eq 'x'",
        "name eq 'x' and ",
        "'''",
        'id,name',
        'name desc',
        '1',
        '%',
        '%zz',
        '-1',
      ),
    );
    const piece = fc
      .tuple(fc.constantFrom(...names, 'other', '__proto__'), value)
      .map(([name, text]) => `${name}=${text}`);
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 8 }), (pieces) => {
        const query = readListQuery(pieces.join('&'));
        if (isInvalid(query)) return query.invalidParams.every(({ name }) => names.includes(name));
        return query.limit >= 1 && query.limit <= itemsMax && query.skip >= 0;
      }),
    );
  },
);

t.test('a long filter takes no longer than its length', async (t) => {
  for (const hostile of [
    `name eq '${"''".repeat(30_000)}`,
    `${' '.repeat(60_000)}name`,
    `${'a'.repeat(60_000)} `,
    `name${' '.repeat(60_000)}`,
    `name eq ''${' '.repeat(60_000)}x`,
  ])
    t.ok(isInvalid(readListQuery(`filter=${encodeURIComponent(hostile)}`)));
});

t.test('continue says where the next page begins, in the same order, and nothing else is one', async (t) => {
  const place = { value: 5, id: '00000000-0000-4000-8000-000000000000' };
  const cursor = cursorOf(place, { by: 'createdAtMs', isDescending: false });
  t.match(readListQuery(`continue=${cursor}`), { after: place });
  for (const wrong of ['40', `${cursor}&orderBy=name`, `${cursor}&skip=1`, `${cursor}&filter=name eq 'a'`])
    t.ok(isInvalid(readListQuery(`continue=${wrong}`)), wrong);
});
