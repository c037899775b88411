// Cursors of listings of API tokens, for any place and any text.

import * as fc from 'fast-check';
import t from 'tap';
import { tokenOrders } from '../../src/store/token-listing.ts';
import { cursorOf, readCursor } from '../../src/surfaces/token-cursor.ts';

const orders = fc.record({ by: fc.constantFrom(...tokenOrders), isDescending: fc.boolean() });

t.test('a cursor leads back to the place it was made of, in the order it was made in', async (t) => {
  fc.assert(
    fc.property(fc.string(), fc.maxSafeNat(), fc.uuid(), orders, orders, (name, ms, id, order, other) => {
      const place = { value: order.by === 'name' ? name : ms, id };
      const cursor = cursorOf(place, order);
      const isSameOrder = other.by === order.by && other.isDescending === order.isDescending;
      return (
        JSON.stringify(readCursor(cursor, order)) === JSON.stringify(place) &&
        /^[\w-]+$/.test(cursor) &&
        (isSameOrder || readCursor(cursor, other) === 'malformed')
      );
    }),
  );
  t.pass();
});

t.test('any other text is no cursor, and nothing is thrown', async (t) => {
  const forged = fc.json().map((json) => Buffer.from(json).toString('base64url'));
  const near = fc
    .tuple(fc.constantFrom(...tokenOrders), fc.boolean(), fc.anything(), fc.anything())
    .map((parts) => Buffer.from(JSON.stringify(parts) ?? '').toString('base64url'));
  fc.assert(
    fc.property(fc.oneof(fc.string(), forged, near), orders, (text, order) => {
      const place = readCursor(text, order);
      return place === 'malformed' || (typeof place.value === 'string') === (order.by === 'name');
    }),
    { numRuns: 500 },
  );
  t.pass();
});
