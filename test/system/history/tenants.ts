// Who is in the store of a run: two organizations with two users each, whose tokens are made and revoked, and an
// administrator each, who gives the commands.

import { createSignInLimit } from '../../../src/identity/sign-in-limit.ts';
import { createPasswordHashes } from '../../../src/lifecycle/password-hash.ts';
import { createPasswords } from '../../../src/lifecycle/passwords.ts';
import { isCommandError } from '../../../src/lifecycle/command-error.ts';
import { done, type Operator } from '../../support/operator.ts';
import type { AccountName, RoleSet } from './history.ts';

export const orgs = ['acme', 'globex'];
export const accounts: readonly AccountName[] = ['acme/ann', 'acme/bob', 'globex/eve', 'globex/dan'];

export const orgOf = (account: AccountName): string => account.split('/')[0] ?? '';
export const userOf = (account: AccountName): string => account.split('/')[1] ?? '';
export const administratorOf = (org: string): AccountName => `${org}/root`;
export const passwordOf = (account: AccountName): string => `the password of ${account}`;

export const roleSets: Readonly<Record<RoleSet, readonly string[]>> = {
  wide: ['reader', 'writer'],
  narrow: ['reader'],
};

const roles = {
  reader: ['things:read'],
  writer: ['things:write'],
  administrator: ['org:owner', 'tollgate:tokens:all'],
};

/** Makes everybody who is missing. */
export const furnish = async (operator: Operator): Promise<void> => {
  const { accounts: directory, store } = operator;
  const limit = createSignInLimit({ signInFailuresPerAccount: 0, signInFailuresPerAddress: 0 });
  // Not the strong hash of the product: what is proved here is not how long it takes.
  const passwords = createPasswords({
    store,
    limit,
    passwords: createPasswordHashes({ ln: 10 }),
    now: Date.now,
  });
  const make = async (account: AccountName, names: readonly string[]): Promise<void> => {
    const [orgId, id] = [orgOf(account), userOf(account)];
    unlessThere(await directory.createUser({ orgId, id, name: undefined, roles: names }));
  };
  for (const id of orgs) {
    unlessThere(await directory.createOrg({ id, name: id, roles, tokenLifetimeMsMax: undefined }));
    const administrator = administratorOf(id);
    await make(administrator, [...roleSets.wide, 'administrator']);
    done(await passwords.setPassword(id, userOf(administrator), passwordOf(administrator)));
  }
  for (const account of accounts) await make(account, roleSets.wide);
};

const unlessThere = (answer: Parameters<typeof done>[0]): void => {
  if (isCommandError(answer) && (answer.code === 'org_exists' || answer.code === 'user_exists')) return;
  done(answer);
};
