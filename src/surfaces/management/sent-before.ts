// Which orders this replica was given with which idempotency keys, where the store cannot tell: an order with a key that
// was used for another one is refused. Bounded: what was sent longest ago is forgotten. Holds digests alone.

import { hash } from 'node:crypto';

export interface SentBefore {
  /** Whether the key was used for another order in the same place. */
  isAnother(place: readonly string[], order: object): boolean;
  /** The order was carried out. */
  note(place: readonly string[], order: object): void;
}

const keysMax = 10_000;

/** `place`: who sent the key, and where to. */
export const createSentBefore = (): SentBefore => {
  const orders = new Map<string, string>();
  return {
    isAnother: (place, order) => {
      const known = orders.get(digestOf(place));
      return known !== undefined && known !== digestOf(order);
    },
    note: (place, order) => {
      const key = digestOf(place);
      orders.delete(key);
      orders.set(key, digestOf(order));
      const [oldest] = orders.keys();
      if (orders.size > keysMax && oldest !== undefined) orders.delete(oldest);
    },
  };
};

const digestOf = (value: object): string => hash('sha256', JSON.stringify(value), 'base64url');
