// The first org, roles, users and API token of a store, so that a fresh clone has something to call with, and somebody who may
// sign in at the console. Each start makes a new token for the user that an earlier start has made; the administrator gets a
// password once. Nothing is made in a store with other accounts.

import { randomBytes } from 'node:crypto';
import { isOutage, type Outage } from '../../src/decision/outcome.ts';
import { rights } from '../../src/decision/rights.ts';
import { feedRetentionMs } from '../../src/gate/retention.ts';
import { createSignInLimit } from '../../src/identity/sign-in-limit.ts';
import { Accounts } from '../../src/lifecycle/accounts.ts';
import { ApiTokens } from '../../src/lifecycle/api-tokens.ts';
import { isCommandError, isFailure, type CommandError } from '../../src/lifecycle/command-error.ts';
import type { Settings } from '../../src/settings/settings.ts';
import { createPasswordHashes } from '../../src/lifecycle/password-hash.ts';
import { createPasswords } from '../../src/lifecycle/passwords.ts';
import { openStore } from '../../src/store/open-store.ts';
import type { TokenStore } from '../../src/store/token-store.ts';

export interface FirstToken {
  readonly secret: string;
  readonly org: string;
  readonly user: string;
  /** Undefined: it has been made before, and nobody knows it any more. */
  readonly administrator: FirstAdministrator | undefined;
}

export interface FirstAdministrator {
  readonly user: string;
  readonly password: string;
}

const org = 'acme';
const user = 'ada';
/** Tells the user that `npm start` has made from one of the same id that somebody else has made. */
const userName = 'Ada (made by npm start)';
const roles = { reader: ['things:read'], writer: ['things:read', 'things:write'] };
const administrator = 'admin';
/** Everything there is: nobody can give away what they do not have. */
const administratorRole = {
  name: 'administrator',
  scopes: [...new Set([...roles.writer, ...Object.values(rights)])],
};

/** What the token may at most, in front of an API of one's own. */
export const scopesOfFirst: readonly string[] = roles.writer;

/** The token, or a sentence that says why there is none. */
export const makeFirstToken = async (
  settings: Settings,
  isExample: boolean,
): Promise<FirstToken | string> => {
  const store = await openStore(settings.store, { retentionMs: feedRetentionMs(settings) });
  try {
    const accounts = new Accounts({ store, now: Date.now });
    const tokens = new ApiTokens({ store, settings, now: Date.now });
    const known = await accounts.listOrgs({ limit: 1, cursor: undefined });
    const fault = faultOf(known);
    if (fault !== undefined) return fault;
    const isFirst = 'items' in known && known.items.length === 0;
    const found = isFirst ? undefined : await store.findUser(org, user);
    if (isOutage(found)) return faultOf(found) ?? '';
    if (!isFirst && !isExample && found?.name !== userName)
      return 'The store has other accounts already. Make a token with: npx tollgate token create ORG/USER --name NAME';
    const made = [
      await accounts.createOrg({ id: org, name: 'Acme', roles, tokenLifetimeMsMax: undefined }),
      await accounts.createUser({ orgId: org, id: user, name: userName, roles: ['reader', 'writer'] }),
    ];
    for (const step of made)
      if (isOutage(step) || (isCommandError(step) && !step.code.endsWith('_exists')))
        return faultOf(step) ?? '';
    const first = await makeAdministrator(accounts, store);
    if (typeof first === 'object' && 'kind' in first) return faultOf(first) ?? '';
    const created = await tokens.createApiToken({
      orgId: org,
      userId: user,
      name: 'first',
      scopes: isExample ? ['things:read'] : 'all',
      lifetimeMs: undefined,
      length: 65,
    });
    if (isCommandError(created) || isOutage(created)) return faultOf(created) ?? '';
    return { secret: created.secret, org, user, administrator: first };
  } finally {
    await store.close();
  }
};

/** Only where there is none: a password is shown once, and one that a person has changed since stays. */
const makeAdministrator = async (
  accounts: Accounts,
  store: TokenStore,
): Promise<FirstAdministrator | undefined | CommandError | Outage> => {
  const found = await store.findUser(org, administrator);
  if (found !== undefined) return isOutage(found) ? found : undefined;
  const password = randomBytes(15).toString('base64url');
  const limit = createSignInLimit({ signInFailuresPerAccount: 0, signInFailuresPerAddress: 0 });
  const passwords = createPasswords({ store, passwords: createPasswordHashes(), limit, now: Date.now });
  const { name, scopes } = administratorRole;
  const role = await accounts.defineRole(org, name, scopes);
  if (isFailure(role)) return role;
  const made = await accounts.createUser({
    orgId: org,
    id: administrator,
    name: 'Administrator (made by npm start)',
    roles: [name],
  });
  if (isFailure(made)) return made;
  const set = await passwords.setPassword(org, administrator, password);
  return isFailure(set) ? set : { user: administrator, password };
};

const faultOf = (value: object | CommandError | Outage): string | undefined => {
  if (isCommandError(value)) return `No first token: ${value.message}`;
  return isOutage(value) ? 'No first token: the store does not answer. Is it up?' : undefined;
};
