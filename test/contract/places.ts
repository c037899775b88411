// Where the contract of the port is tried out: a new place for each test, and what every test asks there.

import type { Test } from 'tap';
import { isOutage } from '../../src/decision/outcome.ts';
import { isTokenDead, secretEndMs } from '../../src/store/api-token-state.ts';
import type { UserRecord } from '../../src/store/records.ts';
import type { ApiTokenFound, Page, TokenStore } from '../../src/store/token-store.ts';
import { exampleOrg, exampleToken, exampleUser, startMs } from './examples.ts';

/** Makes an empty place to store things, gone with the test; returns how to open one more store on it. */
export type MakePlace = (t: Test) => Promise<OpenStore>;
export interface OpenStore {
  /** An open store; the caller closes it. */
  (): Promise<TokenStore>;
  /** Takes every line out of the feed, as an operator or an accident would, and leaves the records. */
  loseLines(): Promise<void>;
}

/** Opens stores on one new place; they are closed with the test. */
export const openStores = async (
  t: Test,
  makePlace: MakePlace,
): Promise<[TokenStore, () => Promise<TokenStore>]> => {
  const open = await makePlace(t);
  const another = async (): Promise<TokenStore> => {
    const store = await open();
    t.teardown(() => store.close());
    return store;
  };
  return [await another(), another];
};

/** A store with one org, one user and one API token in it. */
export const openFurnished = async (t: Test, makePlace: MakePlace) => {
  const [store, another] = await openStores(t, makePlace);
  const org = exampleOrg();
  const user = exampleUser(org.id);
  const made = exampleToken(user);
  t.equal(await store.createOrg(org), 'created');
  t.equal(await store.createUser(user), 'created');
  t.equal(await store.createToken(made.token, made.digest), 'created');
  return { store, another, org, user, made };
};

/** Narrows an answer that must not be an outage. */
export const sure = <T>(answer: T): Exclude<T, { kind: 'outage' }> => {
  if (isOutage(answer)) throw new Error('an outage where none was caused', { cause: answer.cause });
  return answer as Exclude<T, { kind: 'outage' }>;
};

/** Walks all pages. */
export const collect = async <T>(
  list: (cursor: string | undefined) => Promise<Page<T> | { kind: 'outage' }>,
): Promise<T[]> => {
  const items: T[] = [];
  let cursor: string | undefined;
  do {
    const page: Page<T> = sure(await list(cursor)) as Page<T>;
    items.push(...page.items);
    cursor = page.nextCursor;
  } while (cursor !== undefined);
  return items;
};

/** Whether a secret opens anything: what an identity look-up asks of what the store finds. */
export const isAlive = async (store: TokenStore, digest: string, nowMs = startMs): Promise<boolean> => {
  const found = sure(await store.findApiToken(digest));
  if (found === undefined) return false;
  const org = sure(await store.findOrg(found.token.orgId));
  return org !== undefined && !isTokenDead(found.token, found.user, org) && nowMs < secretEndMs(found);
};

/** A user as a look-up of a secret shows them. */
export const ownerOf = (user: UserRecord): ApiTokenFound['user'] => {
  const { passwordHash: _, email: __, ...owner } = user;
  return owner;
};
