// Somebody who gives commands about accounts and tokens, on the same store as the gates under test: what the command line
// does, without starting a process for every command.

import type { Test } from 'tap';
import { isOutage, type Outage } from '../../src/decision/outcome.ts';
import { Accounts } from '../../src/lifecycle/accounts.ts';
import { ApiTokens } from '../../src/lifecycle/api-tokens.ts';
import { type CommandError, isFailure } from '../../src/lifecycle/command-error.ts';
import { loadSettings } from '../../src/settings/load-settings.ts';
import type { StoreSettings } from '../../src/settings/settings.ts';
import { openStore } from '../../src/store/open-store.ts';
import type { TokenStore } from '../../src/store/token-store.ts';
import { until } from './gate-process.ts';

export interface Operator {
  readonly store: TokenStore;
  readonly accounts: Accounts;
  readonly apiTokens: ApiTokens;
  /** Resolves once the store answers again: a client comes back in its own time after its server was away. */
  whenStoreAnswers(): Promise<void>;
  /** Org `acme` with the roles reader (things:read) and writer (things:read things:write); users ada and bob have both. */
  furnish(): Promise<void>;
  /** A new API token; by default of ada of acme, with all her scopes, for ever. */
  token(wanted?: {
    readonly org?: string;
    readonly user?: string;
    readonly name?: string;
    readonly scopes?: readonly string[] | 'all';
    readonly lifetimeMs?: number | null;
  }): Promise<{ readonly secret: string; readonly id: string }>;
}

/** Opens the store that a settings file names; closes it with the test. */
export const openOperator = async (t: Pick<Test, 'teardown'>, settingsFile: string): Promise<Operator> => {
  const loaded = loadSettings({ file: settingsFile, env: {}, flags: {} });
  if (!loaded.ok) throw new Error(loaded.problems.map(({ message }) => message).join('\n'));
  const { settings } = loaded;
  const store = await openStore(patient(settings.store), { retentionMs: 3_600_000 });
  t.teardown(() => store.close());
  const accounts = new Accounts({ store, now: Date.now });
  const apiTokens = new ApiTokens({ store, settings, now: Date.now });
  return {
    store,
    accounts,
    apiTokens,
    // Look-ups and writes have connections of their own, and one may be back before the other.
    whenStoreAnswers: () =>
      until(
        async () =>
          !isOutage(await store.findOrg('acme')) &&
          !isOutage(await store.changeOrg('nobody', {}, Date.now())),
      ),
    furnish: async () => {
      const roles = { reader: ['things:read'], writer: ['things:read', 'things:write'] };
      done(await accounts.createOrg({ id: 'acme', name: 'Acme', roles, tokenLifetimeMsMax: undefined }));
      for (const id of ['ada', 'bob'])
        done(await accounts.createUser({ orgId: 'acme', id, name: undefined, roles: ['reader', 'writer'] }));
    },
    token: async ({ org = 'acme', user = 'ada', name = 'test', scopes = 'all', lifetimeMs = null } = {}) => {
      const order = { orgId: org, userId: user, name, scopes, lifetimeMs, length: 65 } as const;
      const { secret, record } = done(await apiTokens.createApiToken(order));
      return { secret, id: record.id };
    },
  };
};

/** Time limits are the gates' under test: who prepares their data waits for a busy machine. */
const patient = (store: StoreSettings): StoreSettings =>
  store.kind === 'redis' ? { ...store, readTimeoutMs: 30_000, writeTimeoutMs: 30_000 } : store;

/** The answer, unless it says no. */
export const done = <T>(answer: T | CommandError | Outage): T => {
  if (isFailure(answer)) throw new Error(JSON.stringify(answer));
  return answer as T;
};
