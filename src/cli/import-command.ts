// `tollgate token import`: takes over another system's API tokens from JSON lines or CSV. Secrets in them are never
// repeated.

import { createReadStream } from 'node:fs';
import type { Command } from 'commander';
import { importApiTokens, type ImportProgress } from '../lifecycle/import-api-tokens.ts';
import type { AddCommands } from './command-line.ts';
import { CsvUnusable, readCsv } from './csv.ts';
import { type ExitCode, exitCode } from './exit-code.ts';
import { type Place, readJsonLines } from './json-lines.ts';
import { withAudit } from './operator.ts';
import type { Output } from './output.ts';
import { refuse, withStore } from './session.ts';

/** How often a person is told how far it is. */
const tellEveryMs = 1_000;

/** `token`: the group of commands it belongs to. */
export const addImportCommand: AddCommands = (token, world, run) => {
  token
    .command('import')
    .description('take over API tokens of another system, so that their callers change nothing')
    .argument('<FILE>', 'JSON objects, one a line, or CSV; - is standard input')
    .option('--csv', 'the file is CSV whatever its name; its first line has the headings')
    .addHelpText(
      'after',
      '\nOne line, with sha256 (64 hex digits) or the secret itself; the user must exist:\n' +
        '  {"org":"acme","user":"ann","name":"ci","scopes":["things:read"],"expires":"2027-01-31T00:00:00Z","sha256":"..."}\n' +
        '\nThe same as CSV, in a file that ends in .csv; scopes are separated by blanks, no expires means never:\n' +
        '  org,user,name,scopes,expires,sha256\n' +
        '\nscopes may be "all"; expires may be null. Running it again changes nothing and revives nothing, so one that\n' +
        'was interrupted is simply run again.',
    )
    .action(
      run((file: string, options: { readonly csv?: boolean }, command: Command) =>
        withStore(command, world, async ({ store, settings, output, now }) => {
          const source = file === '-' ? world.stdin : createReadStream(file);
          const isCsv = options.csv ?? file.toLowerCase().endsWith('.csv');
          const place: Place = { line: 0 };
          const entries = isCsv ? readCsv(source, place) : readJsonLines(source, place);
          return importFrom({ file, isCsv }, output, () =>
            withAudit({ store, now }, 'token.import', {}, () =>
              importApiTokens({ store, settings, now }, entries, {
                onProgress: tellSometimes(output),
                lineNow: () => place.line,
                concurrency: undefined,
              }),
            ),
          );
        }),
      ),
    );
};

/** One line a second on standard error, and none for what is quickly done. */
const tellSometimes = (output: Output): ((progress: ImportProgress) => void) => {
  let toldMs = performance.now();
  return ({ read, imported, refused }) => {
    const nowMs = performance.now();
    if (nowMs - toldMs < tellEveryMs) return;
    toldMs = nowMs;
    output.note(`${read} read, ${imported} imported, ${refused} refused so far`);
  };
};

const importFrom = async (
  { file, isCsv }: { readonly file: string; readonly isCsv: boolean },
  output: Output,
  work: () => ReturnType<typeof importApiTokens>,
): Promise<ExitCode> => {
  try {
    const report = await work();
    for (const { entry, line, problem } of report.problems)
      output.note(`${file}, entry ${entry} (line ${line}): ${problem.message}`);
    const { read, imported, refused, outage, problems } = report;
    if (!isCsv && refused === read && problems[0]?.problem.code === 'entry_malformed')
      output.note(`Where ${file} is CSV and no JSON, say so: --csv`);
    if (output.isJson) output.json({ read, imported, refused });
    else output.line(`${read} read, ${imported} imported, ${refused} refused.`);
    if (outage !== undefined) return refuse(output, outage);
    if (read === 0) {
      output.note(`tollgate: there was nothing to import in ${file}${isCsv ? ', below its headings' : ''}`);
      return exitCode.usage;
    }
    return refused > 0 ? exitCode.refused : exitCode.ok;
  } catch (error) {
    if (error instanceof CsvUnusable) {
      output.note(`tollgate: cannot read ${file}: ${error.message}`);
      return exitCode.usage;
    }
    if (!(error instanceof Error && 'code' in error)) throw error;
    output.note(
      `tollgate: cannot read ${file} (${String(error.code)}); name a file of JSON lines or CSV, or - for standard input`,
    );
    return exitCode.usage;
  }
};
