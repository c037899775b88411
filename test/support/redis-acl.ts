// A Redis user for the store who may do what the product says it needs, and no more.

import type { Redis } from 'ioredis';
import { aclRules } from '../../src/store/redis/acl.ts';

/** As settings of the store. */
export const storeUser = { username: 'tollgate', password: 'the-store-password' } as const;

/** Makes the user, or lets it use one more prefix. `extra`: more rules, such as `-info`. */
export const allowStoreUser = async (
  operator: Redis,
  prefix = 'tollgate',
  ...extra: readonly string[]
): Promise<void> => {
  const rules = ['on', `>${storeUser.password}`, ...aclRules(prefix), ...extra];
  await operator.acl('SETUSER', storeUser.username, ...rules);
};

/** What users were refused so far: `command: hget`, `key: other:1`, and where (`toplevel`, `lua`). */
export const refusedByAcl = async (operator: Redis): Promise<readonly string[]> => {
  const entries = await operator.call('ACL', 'LOG', '128');
  if (!Array.isArray(entries)) throw new Error('ACL LOG answered something else');
  return entries.map((entry: unknown) => {
    const words = Array.isArray(entry) ? entry.map(String) : [];
    const of = (name: string): string | undefined => words[words.indexOf(name) + 1];
    return `${of('reason')}: ${of('object')} (${of('context')})`;
  });
};
