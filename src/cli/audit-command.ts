// `tollgate audit`: who did what, newest first.

import type { Command } from 'commander';
import type { AuditEntry, AuditParty } from '../store/records.ts';
import type { AddCommands } from './command-line.ts';
import { exitCode } from './exit-code.ts';
import { readCount } from './option-readers.ts';
import { listing, time } from './output.ts';
import { isRefusal, refuse, withStore } from './session.ts';

interface AuditOptions {
  readonly org?: string;
  readonly limit: number;
}

const pageLimit = 500;

export const addAuditCommand: AddCommands = (program, world, run) => {
  program
    .command('audit')
    .description('who did what, to whom, from where; newest first')
    .option('--org <ORG>', 'only what an org did, and what was done to it')
    .option('--limit <COUNT>', 'how many entries', readCount, 100)
    .addHelpText('after', '\nExample:\n  tollgate audit --org acme --limit 20')
    .action(
      run((options: AuditOptions, command: Command) =>
        withStore(command, world, async (store, _, output) => {
          const entries: AuditEntry[] = [];
          let cursor: string | undefined;
          do {
            const limit = Math.min(pageLimit, options.limit - entries.length);
            const page = await store.readAudit(options.org, { limit, cursor });
            if (isRefusal(page)) return refuse(output, page);
            entries.push(...page.items);
            cursor = page.nextCursor;
          } while (cursor !== undefined && entries.length < options.limit);
          if (output.isJson) output.json(entries);
          else
            listing(
              output,
              ['TIME', 'WHO', 'ACTION', 'WHOM', 'RESULT', 'FROM', 'REQUEST'],
              entries.map((entry) => [
                time(entry.atMs),
                named(entry.actor, entry.clientAddress === 'cli' ? 'the operator' : 'unknown'),
                entry.action,
                named(entry.subject, '-'),
                entry.reason ?? entry.result,
                entry.clientAddress,
                entry.requestId,
              ]),
              'Nothing has been written down yet.',
            );
          return exitCode.ok;
        }),
      ),
    );
};

/** `acme/ann 3f0a6f0e-...`: as much of it as is known. */
const named = ({ org, user, tokenId }: AuditParty, whenNobody: string): string => {
  const account = org === undefined ? [] : [user === undefined ? org : `${org}/${user}`];
  const words = [...account, ...(tokenId === undefined ? [] : [tokenId])];
  return words.length === 0 ? whenNobody : words.join(' ');
};
