// `tollgate serve`, `validate` and `schema`: the settings, used, checked and described.

import type { Command } from 'commander';
import { settingsJsonSchemaText } from '../settings/json-schema.ts';
import { dotted, type SettingsIssue } from '../settings/settings-issue.ts';
import { settingNames } from '../settings/setting-names.ts';
import { StoreUnusable } from '../store/open-store.ts';
import type { AddCommands } from './command-line.ts';
import { exitCode } from './exit-code.ts';
import { loadFor, outputFor, printProblems, settingsFile, withSettings } from './session.ts';
import { table } from './output.ts';

interface ServeOptions {
  readonly listen?: string;
  readonly ops?: string;
  readonly upstream?: string;
  readonly issuer?: string;
}

export const addServeCommand: AddCommands = (program, world, run) => {
  program
    .command('serve', { isDefault: false })
    .description('stand in front of the API, until SIGTERM or SIGINT')
    .option('--listen <ADDRESS>', 'where callers connect: HOST:PORT or unix:/path')
    .option('--ops <ADDRESS>', 'where /metrics, /livez and /readyz are')
    .option('--upstream <URL>', 'the API: http://, https:// or unix:/path')
    .option('--issuer <URL>', "Tollgate's own URL as callers see it")
    .addHelpText(
      'after',
      '\nExamples:\n  tollgate serve --config tollgate.yaml\n' +
        '  TOLLGATE_STORE_PASSWORD_FILE=/run/secrets/redis tollgate serve --store rediss://redis.internal:6379',
    )
    .action(
      run((options: ServeOptions, command: Command) => {
        const { listen, ops, upstream, issuer } = options;
        return withSettings(command, world, { listen, ops, upstream, issuer }, async (settings, output) => {
          const { serve } = await import('./serve.ts');
          try {
            await serve(settings);
            return exitCode.ok;
          } catch (error) {
            if (!(error instanceof Error) || error instanceof TypeError) throw error;
            output.note(`tollgate: cannot serve: ${error.message}`);
            return error instanceof StoreUnusable ? exitCode.unavailable : exitCode.refused;
          }
        });
      }),
    );
};

export const addValidateCommand: AddCommands = (program, world, run) => {
  program
    .command('validate')
    .description('check settings, with every problem at once; starts nothing')
    .argument('[FILE]', 'the file; else as --config says')
    .addHelpText('after', '\nExits 0 when they are good, 2 when not. Warnings alone are good.')
    .action(
      run(async (named: string | undefined, _: unknown, command: Command) => {
        const output = outputFor(command, world);
        const file = named ?? settingsFile(command, world);
        const loaded = loadFor(command, world, file, {});
        if (output.isJson)
          output.json({
            ok: loaded.ok,
            file,
            problems: loaded.ok ? [] : loaded.problems.map(issueJson),
            warnings: loaded.warnings.map(issueJson),
          });
        else {
          printProblems(output, loaded);
          if (loaded.ok) {
            const { routes } = loaded.settings;
            output.line(
              `${file ?? 'The defaults'}: good. ${routes.length} ${routes.length === 1 ? 'route' : 'routes'}` +
                `${routes.length === 0 ? ': every request is refused until there is one' : ''}.`,
            );
          }
        }
        return loaded.ok ? exitCode.ok : exitCode.usage;
      }),
    );
};

const issueJson = ({ path, file, line, column, source, message }: SettingsIssue): object => ({
  path,
  file,
  line,
  column,
  source,
  message,
});

export const addSchemaCommand: AddCommands = (program, world, run) => {
  program
    .command('schema')
    .description('the JSON Schema of the settings file, for editors')
    .option('--variables', 'the environment variables instead')
    .action(
      run(async (options: { readonly variables?: boolean }, command: Command) => {
        const output = outputFor(command, world);
        const names = settingNames.map(({ variable, path, secret }) => ({
          variable,
          setting: dotted(path),
          secret,
        }));
        if (options.variables !== true) output.line(settingsJsonSchemaText().trimEnd());
        else if (output.isJson) output.json(names);
        else
          output.line(
            table(
              ['VARIABLE', 'SETTING'],
              names.map(({ variable, setting }) => [variable, setting]),
            ),
          );
        return exitCode.ok;
      }),
    );
};
