// `tollgate token import`: takes over another system's API tokens from JSON lines or CSV. Secrets in them are never
// repeated.

import { createReadStream } from 'node:fs';
import { importApiTokens, type ImportProgress, type ImportReport } from '../lifecycle/import-api-tokens.ts';
import { command, type Given } from './command.ts';
import { CsvUnusable, readCsv } from './csv.ts';
import { type ExitCode, exitCode } from './exit-code.ts';
import { refuse } from './failure.ts';
import { type LinePosition, readJsonLines } from './input.ts';
import type { Output } from './output.ts';
import { argument, flag } from './parameters.ts';
import { type Session, withAudit, withStore } from './store-command.ts';

const takes = {
  file: argument('<FILE>', 'JSON objects, one a line, or CSV; - is standard input'),
  isCsv: flag('--csv', 'the file is CSV whatever its name; its first line has the headings'),
};

type ImportFile = Given<typeof takes>;

export const tokenImport = command({
  name: 'import',
  description: 'take over API tokens of another system, so that their callers change nothing',
  takes,
  help:
    '\nOne line, with sha256 (64 hex digits) or the secret itself; the user must exist:\n' +
    '  {"org":"acme","user":"ann","name":"ci","scopes":["things:read"],"expires":"2027-01-31T00:00:00Z","sha256":"..."}\n' +
    '\nThe same as CSV, in a file that ends in .csv; scopes are separated by blanks, no expires means never:\n' +
    '  org,user,name,scopes,expires,sha256\n' +
    '\nA member or column allowFrom, which may be empty, has the networks that alone may use the token, with blanks between.' +
    "\nA member or column email, which may be empty, is the user's address where the store has none." +
    '\nscopes may be "all"; expires may be null. Running it again changes nothing and revives nothing, so one that\n' +
    'was interrupted is simply run again.',
  run: ({ file, isCsv }, invocation) =>
    withStore(invocation, async (session) => {
      const source = { file, isCsv: isCsv || file.toLowerCase().endsWith('.csv') };
      try {
        return printReport(await importFrom(source, session), source, session.output);
      } catch (error) {
        session.output.note(`tollgate: cannot read ${file}${readFault(error)}`);
        return exitCode.usage;
      }
    }),
});

const importFrom = ({ file, isCsv }: ImportFile, session: Session): Promise<ImportReport> => {
  const bytes = file === '-' ? session.world.stdin : createReadStream(file);
  const position: LinePosition = { line: 0 };
  const entries = isCsv ? readCsv(bytes, position) : readJsonLines(bytes, position);
  return withAudit(session, 'token.import', {}, () =>
    importApiTokens(session, entries, {
      onProgress: noteSometimes(session.output),
      lineNow: () => position.line,
      concurrency: undefined,
    }),
  );
};

/** Milliseconds between two lines about how far it is. */
const noteEveryMs = 1_000;

/** One line a second on standard error, and none for what is quickly done. */
const noteSometimes = (output: Output): ((progress: ImportProgress) => void) => {
  let notedMs = performance.now();
  return ({ read, imported, refused }) => {
    const nowMs = performance.now();
    if (nowMs - notedMs < noteEveryMs) return;
    notedMs = nowMs;
    output.note(`${read} read, ${imported} imported, ${refused} refused so far`);
  };
};

const printReport = (
  { read, imported, refused, outage, problems }: ImportReport,
  { file, isCsv }: ImportFile,
  output: Output,
): ExitCode => {
  for (const { entry, line, problem } of problems)
    output.note(`${file}, entry ${entry} (line ${line}): ${problem.message}`);
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
};

/** Why a file cannot be read, and what to do. Throws what is a bug. */
const readFault = (error: unknown): string => {
  if (error instanceof CsvUnusable) return `: ${error.message}`;
  if (!(error instanceof Error && 'code' in error)) throw error;
  return ` (${String(error.code)}); name a file of JSON lines or CSV, or - for standard input`;
};
