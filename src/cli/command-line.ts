// The command line: every command, its help, and the exit code. Commands do their work in their own files; here they are
// put together, and usage errors and bugs become exit codes. Ends no process.

import { Command, CommanderError } from 'commander';
import { auditCommand } from './audit-command.ts';
import type { CommandContext, World } from './command.ts';
import { type ExitCode, exitCode } from './exit-code.ts';
import { explainCommand } from './explain.ts';
import { keyCommands } from './key-commands.ts';
import { orgCommands } from './org-commands.ts';
import { collectSettings } from './parameters.ts';
import { reminderCommand } from './reminder-command.ts';
import { roleCommands } from './role-commands.ts';
import { invocationOf } from './global-options.ts';
import { schemaCommand, serveCommand, validateCommand } from './settings-commands.ts';
import { tokenCommands } from './token-commands.ts';
import { usageCommand } from './usage-command.ts';
import { userCommands } from './user-commands.ts';
import { readVersion } from './version.ts';

const commands = [
  serveCommand,
  validateCommand,
  explainCommand,
  schemaCommand,
  orgCommands,
  roleCommands,
  userCommands,
  tokenCommands,
  usageCommand,
  keyCommands,
  reminderCommand,
  auditCommand,
];

/** Runs one command. `args`: without the interpreter and the script. */
export const runCommandLine = async (args: readonly string[], world: World = process): Promise<ExitCode> => {
  ignoreClosedPipe(world.stdout);
  let code: ExitCode = exitCode.ok;
  const program = programOf(world, {
    invocationOf: (command) => invocationOf(command, world),
    onEnd: (ended) => void (code = ended),
  });
  try {
    await program.parseAsync([...args], { from: 'user' });
    return code;
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    return error.exitCode === 0 ? exitCode.ok : exitCode.usage;
  }
};

const programOf = (world: World, context: CommandContext): Command => {
  const program = new Command('tollgate')
    .description('A reverse-proxy authentication sidecar: an API token goes in, an identity goes out.')
    .option('-c, --config <FILE>', 'settings; else TOLLGATE_CONFIG, else ./tollgate.yaml where it exists')
    .option(
      '--store <URL>',
      'the token store, e.g. redis://127.0.0.1:6379; its password belongs into TOLLGATE_STORE_PASSWORD',
    )
    .option('--set <SETTING=VALUE>', 'any setting, e.g. log.level=debug; repeatable', collectSettings)
    .option('--json', 'JSON on standard output, for scripts')
    .version(readVersion(), '-V, --version', 'the version')
    .helpOption('-h, --help', 'what can be done, with examples')
    .configureHelp({ showGlobalOptions: true })
    .configureOutput({
      writeOut: (text) => void world.stdout.write(text),
      writeErr: (text) => void world.stderr.write(text),
    })
    .exitOverride()
    .addHelpText('after', firstSteps);
  for (const add of commands) add(program, context);
  return program;
};

const firstSteps = `
First steps:
  tollgate org create acme --role "reader=things:read"
  tollgate user create acme/ann --role reader
  TOKEN=$(tollgate token create acme/ann --name ci)
  tollgate explain GET /things/1 --scopes things:read
  tollgate serve

Settings: defaults < file < TOLLGATE_* environment < options. Names: tollgate schema --variables
Exit codes: 0 done, 1 refused or not found, 2 usage or settings, 69 the store is unavailable, 70 a bug.`;

/** `tollgate ... | head` closes the pipe early: that is no fault. */
const ignoreClosedPipe = (stream: World['stdout']): void => {
  if (!('on' in stream) || typeof stream.on !== 'function') return;
  stream.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error;
  });
};
