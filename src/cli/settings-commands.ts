// `tollgate serve`, `validate` and `schema`: the settings, used, checked and described.

import { settingsJsonSchemaText } from '../settings/json-schema.ts';
import { settingNames } from '../settings/setting-names.ts';
import { dotted } from '../settings/settings-issue.ts';
import { StoreUnusable } from '../store/open-store.ts';
import { command } from './command.ts';
import { exitCode } from './exit-code.ts';
import { table } from './output.ts';
import { flag, option, optionalArgument } from './parameters.ts';
import { loadFor, printProblems, settingsFile } from './global-options.ts';

export const serveCommand = command({
  name: 'serve',
  description: 'stand in front of the API, until SIGTERM or SIGINT',
  takes: {
    listen: option('--listen <ADDRESS>', 'where callers connect: HOST:PORT or unix:/path'),
    ops: option('--ops <ADDRESS>', 'where /metrics, /livez and /readyz are'),
    upstream: option('--upstream <URL>', 'the API: http://, https:// or unix:/path'),
    issuer: option('--issuer <URL>', "Tollgate's own URL as callers see it"),
    shadow: flag('--shadow', 'decide, count and log, but let every request go on: all routes in shadow mode'),
  },
  help:
    '\nExamples:\n  tollgate serve --config tollgate.yaml\n' +
    '  TOLLGATE_STORE_PASSWORD_FILE=/run/secrets/redis tollgate serve --store rediss://redis.internal:6379',
  run: async ({ shadow, ...given }, invocation) => {
    const flags = { ...given, mode: shadow ? 'shadow' : undefined };
    const file = settingsFile(invocation);
    const loaded = loadFor(invocation, file, flags);
    printProblems(invocation.output, loaded);
    if (!loaded.ok) return exitCode.usage;
    const { serve } = await import('./serve.ts');
    try {
      await serve({ ...loaded, load: () => loadFor(invocation, file, flags, true) });
      return exitCode.ok;
    } catch (error) {
      if (!(error instanceof Error) || error instanceof TypeError) throw error;
      invocation.output.note(`tollgate: cannot serve: ${error.message}`);
      return error instanceof StoreUnusable ? exitCode.unavailable : exitCode.refused;
    }
  },
});

export const validateCommand = command({
  name: 'validate',
  description: 'check settings, with every problem at once; starts nothing',
  takes: { named: optionalArgument('[FILE]', 'the file; else as --config says') },
  help: '\nExits 0 when they are good, 2 when not. Warnings alone are good.',
  run: async ({ named }, invocation) => {
    const { output } = invocation;
    const file = named ?? settingsFile(invocation);
    const loaded = loadFor(invocation, file);
    if (output.isJson)
      output.json({
        ok: loaded.ok,
        file,
        problems: loaded.ok ? [] : loaded.problems,
        warnings: loaded.warnings,
      });
    else printProblems(output, loaded);
    if (loaded.ok && !output.isJson) {
      const count = loaded.settings.routes.length;
      output.line(
        `${file ?? 'The defaults'}: good. ${count} ${count === 1 ? 'route' : 'routes'}` +
          `${count === 0 ? ': every request is refused until there is one' : ''}.`,
      );
    }
    return loaded.ok ? exitCode.ok : exitCode.usage;
  },
});

export const schemaCommand = command({
  name: 'schema',
  description: 'the JSON Schema of the settings file, for editors',
  takes: { isOfVariables: flag('--variables', 'the environment variables instead') },
  run: async ({ isOfVariables }, { output }) => {
    const names = settingNames.map(({ variable, path, secret }) => ({
      variable,
      setting: dotted(path),
      secret,
    }));
    const rows = names.map(({ variable, setting }) => [variable, setting]);
    if (!isOfVariables) output.line(settingsJsonSchemaText().trimEnd());
    else if (output.isJson) output.json(names);
    else output.line(table(['VARIABLE', 'SETTING'], rows));
    return exitCode.ok;
  },
});
