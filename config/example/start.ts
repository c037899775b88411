// `npm start`: the main job on the embedded store, in front of the example API, with a first org, user and API token.
// `npm start -- --upstream URL [--store URL]` stands in front of a real API instead; `--config FILE` reads your settings.

import { once } from 'node:events';
import type { Server } from 'node:http';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { serve } from '../../src/cli/serve.ts';
import { loadSealingKey } from '../../src/lifecycle/sealing-key.ts';
import { loadSettings, type LoadResult } from '../../src/settings/load-settings.ts';
import { issueLine } from '../../src/settings/settings-issue.ts';
import { isKeyFault } from '../../src/tokens/signing-key.ts';
import { buildConsole } from './build-console.ts';
import { createExampleApi } from './api.ts';
import { printWelcome } from './welcome.ts';
import { type FirstToken, makeFirstToken } from './first-token.ts';

const readOptions = () =>
  parseArgs({
    options: {
      upstream: { type: 'string' },
      store: { type: 'string' },
      config: { type: 'string' },
      listen: { type: 'string' },
      ops: { type: 'string' },
      help: { type: 'boolean', short: 'h' },
    },
  }).values;
type Options = ReturnType<typeof readOptions>;

class UsageError extends Error {}

const help = `npm start -- [OPTIONS]      without options: a gate in front of an example API, with curl lines to try

  --upstream URL    your API instead, e.g. http://127.0.0.1:3000; every path asks for a credential
  --config FILE     settings of your own, e.g. config/vendors/csp.yaml
  --store URL       the token store: sqlite:FILE or redis://HOST:6379; ./tollgate.db unless given
  --listen ADDRESS  where callers connect, 127.0.0.1:8080 unless given
  --ops ADDRESS     where /metrics, /livez and /readyz are, 127.0.0.1:9464 unless given
  -h, --help        this
`;

/** The example API listens on a free port of this machine. */
const listen = async (api: Server): Promise<string> => {
  api.listen(0, '127.0.0.1');
  await once(api, 'listening');
  const address = api.address();
  if (address === null || typeof address === 'string') throw new Error('the example API has no port');
  return `http://127.0.0.1:${address.port}`;
};

/** With Redis, the key that seals the signing keys is shared by replicas; for a first try one is made here. */
const sealingKeyFile = async (): Promise<string> => {
  const key = await loadSealingKey({ encryptionKey: undefined, encryptionKeyFile: 'tollgate.key' }, true);
  if (isKeyFault(key)) throw new Error(key.message);
  process.stdout.write(
    'Signing keys are sealed under tollgate.key. Every replica on this store needs a copy of it.\n',
  );
  return 'tollgate.key';
};

/** Reads the settings: at the start, and again on SIGHUP or when the file changes. */
const loaderOf = async (
  options: Options,
  file: string,
  upstream: string | undefined,
): Promise<(isReload?: boolean) => LoadResult> => {
  const needsKey =
    options.store?.startsWith('redis') === true &&
    options.config === undefined &&
    process.env['TOLLGATE_KEYS_ENCRYPTION_KEY'] === undefined &&
    process.env['TOLLGATE_KEYS_ENCRYPTION_KEY_FILE'] === undefined;
  const flags = {
    upstream,
    store: options.store,
    listen: options.listen,
    ops: options.ops,
    ...(needsKey && { 'keys.encryptionKeyFile': await sealingKeyFile() }),
  };
  return (isReload = false) => loadSettings({ file, env: process.env, flags, isReload });
};

/** Serves until a signal ends it; gives the exit code. */
const start = async (options: Options): Promise<number> => {
  const isExample = options.upstream === undefined && options.config === undefined;
  const file = options.config ?? join(import.meta.dirname, isExample ? 'tollgate.yaml' : 'any-api.yaml');
  const api = isExample ? createExampleApi() : undefined;
  try {
    const load = await loaderOf(options, file, api === undefined ? options.upstream : await listen(api));
    const loaded = load();
    if (!loaded.ok) {
      for (const problem of loaded.problems) process.stderr.write(`${issueLine(problem)}\n`);
      return 2;
    }
    const { settings } = loaded;
    if (settings.surfaces.console.enabled) await buildConsole();
    const first: FirstToken | string = await makeFirstToken(settings, isExample);
    await serve({ ...loaded, load: () => load(true) }, ({ address, console: consoleAddress }) =>
      printWelcome({ address, consoleAddress, settings, first, isExample, file }),
    );
    return 0;
  } finally {
    api?.close();
    api?.closeAllConnections();
  }
};

/** `npm start --upstream URL`: npm takes the option for one of its own, and hands it over as a variable. */
const optionTakenByNpm = (): string | undefined =>
  ['upstream', 'store', 'listen', 'ops'].find((name) => process.env[`npm_config_${name}`] !== undefined);

/** Whose fault it is: a wrong option (2), or something in the way (1). Either is one line. */
const tell = (error: unknown): number => {
  if (!(error instanceof Error)) throw error;
  const isTaken = error.cause instanceof Error && 'code' in error.cause && error.cause.code === 'EADDRINUSE';
  const advice = isTaken ? ' Free ports: npm start -- --listen 127.0.0.1:0 --ops 127.0.0.1:0' : '';
  process.stderr.write(`npm start: ${error.message}${advice}\n`);
  const isUsage =
    error instanceof UsageError || ('code' in error && String(error.code).startsWith('ERR_PARSE_ARGS'));
  return isUsage ? 2 : 1;
};

try {
  const taken = optionTakenByNpm();
  if (taken !== undefined)
    throw new UsageError(
      `npm took --${taken} for an option of its own; write two dashes before it: npm start -- --${taken} VALUE`,
    );
  const options = readOptions();
  if (options.help === true) process.stdout.write(help);
  else process.exitCode = await start(options);
} catch (error) {
  process.exitCode = tell(error);
}
