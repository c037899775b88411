// Commands about what is in the store: the store is opened and closed, the command is carried out and written into the
// audit, and its result or its failure is printed. Only what is special to a command is in its row.

import { randomUUID } from 'node:crypto';
import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { isOutage, type Outage } from '../decision/outcome.ts';
import { feedRetentionMs } from '../gate/retention.ts';
import { createStoreClock, readStoreClock } from '../gate/store-clock.ts';
import { Accounts } from '../lifecycle/accounts.ts';
import { ApiTokens } from '../lifecycle/api-tokens.ts';
import { type AuditAction, createAudit } from '../lifecycle/audit.ts';
import { type CommandError, isCommandError, isFailure } from '../lifecycle/command-error.ts';
import type { Settings } from '../settings/settings.ts';
import { openStore } from '../store/open-store.ts';
import type { AuditParty } from '../store/records.ts';
import type { Page, PageRequest, TokenStore } from '../store/token-store.ts';
import {
  type AddCommand,
  command,
  type CommandFacts,
  type Given,
  type Invocation,
  type NamedParameters,
} from './command.ts';
import { type ExitCode, exitCode } from './exit-code.ts';
import { fail, messageOf, refuse } from './failure.ts';
import { withSettings } from './global-options.ts';

export interface Session extends Invocation {
  readonly store: TokenStore;
  readonly settings: Settings;
  readonly accounts: Accounts;
  readonly apiTokens: ApiTokens;
  /** Milliseconds since the epoch, by the store's clock: what is written now is judged by it. */
  readonly now: () => number;
}

interface StoreCommandFacts<Takes extends NamedParameters, Result> extends CommandFacts<Takes> {
  /** A new store may begin with this command. */
  readonly beginsStore?: boolean;
  /** Why these values do not go together; undefined: they do. */
  readonly usageError?: (given: Given<Takes>, invocation: Invocation) => string | undefined;
  readonly run: (given: Given<Takes>, session: Session) => Promise<Result | CommandError | Outage>;
  readonly json: (result: Result, session: Session, given: Given<Takes>) => unknown;
  readonly print: (result: Result, session: Session, given: Given<Takes>) => void;
}

export const storeCommand = <Takes extends NamedParameters, Result>(
  facts: StoreCommandFacts<Takes, Result>,
): AddCommand =>
  command({
    ...facts,
    run: async (given, invocation) => {
      const { output } = invocation;
      const usageError = facts.usageError?.(given, invocation);
      if (usageError !== undefined) {
        output.note(`tollgate: ${usageError}`);
        return exitCode.usage;
      }
      return withStore(
        invocation,
        async (session) => {
          const result = await facts.run(given, session);
          if (isOutage(result) || isCommandError(result)) return refuse(output, result);
          if (output.isJson) output.json(facts.json(result, session, given));
          else facts.print(result, session, given);
          return exitCode.ok;
        },
        facts.beginsStore,
      );
    },
  });

/**
 * Runs with an open store, and closes it. A SQLite file that is not there is a mistake (another folder, another
 * `--config`), unless the command is one that begins a store: `mayCreate`.
 */
export const withStore = (
  invocation: Invocation,
  work: (session: Session) => Promise<ExitCode>,
  mayCreate = false,
): Promise<ExitCode> =>
  withSettings(invocation, async (settings) => {
    const { output } = invocation;
    const missing = missingFile(settings.store);
    if (missing !== undefined && !mayCreate)
      return fail(
        output,
        'store_missing',
        `There is no store at ${missing}. Run the command in the folder of tollgate.yaml, or say where: --config FILE or ` +
          '--store URL. To begin a new store there: tollgate org create ID.',
        exitCode.unavailable,
      );
    let store: TokenStore;
    try {
      store = await openStore(settings.store, { retentionMs: feedRetentionMs(settings) });
    } catch (error) {
      return fail(output, 'store_unavailable', messageOf(error), exitCode.unavailable);
    }
    if (missing !== undefined && !output.isJson) output.note(`Made a new store: ${missing}`);
    try {
      const deps = { store, settings, now: await readClock(store) };
      const made = { accounts: new Accounts(deps), apiTokens: new ApiTokens(deps) };
      return await work({ ...invocation, ...deps, ...made });
    } finally {
      await store.close();
    }
  });

/** The absolute path of a SQLite file that does not exist. */
export const missingFile = (store: Settings['store']): string | undefined =>
  store.kind === 'sqlite' && !existsSync(store.file) ? resolve(store.file) : undefined;

/** The store's clock; where the store does not say, this machine's: a revocation must not fail for want of the time. */
const readClock = async (store: TokenStore): Promise<() => number> => {
  const clock = createStoreClock();
  const reading = await readStoreClock(() => store.probe());
  if (reading !== undefined && !isOutage(reading)) clock.correct(reading);
  return clock.now;
};

/**
 * Carries out a command of the operator, who acts without an identity, and writes it into the store's audit before the
 * process ends. `subject`: whom or what it is about; a function where that is known only afterwards.
 */
export const withAudit = async <T>(
  { store, now }: Pick<Session, 'store' | 'now'>,
  action: AuditAction,
  subject: Partial<AuditParty> | ((outcome: T) => Partial<AuditParty>),
  work: () => Promise<T>,
): Promise<T> => {
  const audit = createAudit({ store, now, log: undefined, exchangeSampling: 1 });
  const outcome = await work();
  audit.record({
    action,
    identity: undefined,
    origin: { clientAddress: 'cli', requestId: randomUUID() },
    subject: typeof subject === 'function' ? subject(outcome) : subject,
    outcome,
  });
  await audit.close();
  return outcome;
};

const pageLimit = 500;

/** Every item of a listing, page after page. */
export const readAll = async <T>(
  read: (page: PageRequest) => Promise<Page<T> | CommandError | Outage>,
): Promise<readonly T[] | CommandError | Outage> => {
  const items: T[] = [];
  let cursor: string | undefined;
  do {
    const page = await read({ limit: pageLimit, cursor });
    if (isFailure(page)) return page;
    items.push(...page.items);
    cursor = page.nextCursor;
  } while (cursor !== undefined);
  return items;
};
