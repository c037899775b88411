// Gates on one SQLite file, and what befalls files: a full disk, a limit on their size, a lock held by somebody else, and
// permissions taken away.

import { chmodSync, chownSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import type { Test } from 'tap';
import { startEchoApi } from '../../support/echo-api.ts';
import { until } from '../../support/gate-process.ts';
import { openOperator } from '../../support/operator.ts';
import { startProcess } from '../../support/process.ts';
import { gateSettings } from './gate-settings.ts';
import { pause } from './pause.ts';
import { freezeReplica, killReplica, pickReplica } from './replica-faults.ts';
import { type Replica, startReplica } from './replica.ts';
import type { Deployment, Inject } from './run-plan.ts';
import { mountSmallDisk, type SmallDisk } from './small-disk.ts';
import { makeDirectory } from '../../support/temporary-directory.ts';
import { furnish } from './tenants.ts';

/** `count`: how many gate processes share the file. */
export const deploySqlite = async (t: Test, count: number): Promise<Deployment> => {
  const directory = makeDirectory(t);
  const disk = await mountSmallDisk(t, directory);
  // Permissions do not bind root: then the gates run as nobody.
  const uid = process.getuid?.() === 0 ? nobody : undefined;
  if (uid !== undefined) for (const path of [directory, disk?.path ?? directory]) chownSync(path, uid, -1);
  const file = join(disk?.path ?? directory, 'tollgate.db');
  const api = await startEchoApi(t);
  const settings = gateSettings(api.url, { url: `sqlite:${file}` });
  const names = ['a', 'b', 'c'].slice(0, count);
  const replicas: Replica[] = [];
  for (const name of names) replicas.push(await startReplica(t, { directory, name, settings, uid }));
  const operator = await openOperator(t, replicas[0]!.gate.settingsFile);
  await furnish(operator);
  await Promise.all(replicas.map(({ gate }) => gate.whenReady()));
  return {
    replicas,
    faults: {
      'kill a gate': killReplica(replicas),
      'freeze a gate': freezeReplica(replicas),
      'lock the file': lockFile(replicas, file),
      'limit the size of files': limitFiles(replicas, uid),
      'fill the disk': fillDisk(disk, replicas, uid),
      'make the file read-only': makeReadOnly(replicas, file),
    },
  };
};

const nobody = 65_534;

const outcome = (replicas: readonly Replica[]) => ({
  replicas: replicas.map(({ name }) => name),
  losesRecords: false,
});

const lockFile =
  (replicas: readonly Replica[], file: string): Inject =>
  async ({ lastsMs }) => {
    const database = new DatabaseSync(file, { timeout: 5_000 });
    database.exec('BEGIN IMMEDIATE');
    await pause(lastsMs);
    database.exec('ROLLBACK');
    database.close();
    return outcome(replicas);
  };

/** No file may grow beyond a page (setrlimit(2), RLIMIT_FSIZE): every commit of one gate fails. */
const limitFiles =
  (replicas: readonly Replica[], uid: number | undefined): Inject =>
  async (intent) => {
    const replica = pickReplica(replicas, intent);
    const limit = async (size: string): Promise<void> => {
      const args = ['--pid', `${replica.gate.pid}`, `--fsize=${size}:unlimited`];
      // The limits of another user's process not even root may always set.
      const running = await startProcess('prlimit', args, uid === undefined ? {} : { uid });
      if ((await running.ended).code !== 0) throw new Error(`prlimit: ${running.output()}`);
    };
    await limit('4096');
    await pause(intent.lastsMs);
    await limit('unlimited');
    return outcome([replica]);
  };

const fillDisk =
  (disk: SmallDisk | undefined, replicas: readonly Replica[], uid: number | undefined): Inject =>
  async (intent) => {
    // Where nothing may be mounted, the other way to keep a file from growing.
    if (disk === undefined) return limitFiles(replicas, uid)(intent);
    disk.fill();
    await pause(intent.lastsMs);
    disk.free();
    return outcome(replicas);
  };

/** A gate that starts while it may only read the file, and again when it may write. */
const makeReadOnly =
  (replicas: readonly Replica[], file: string): Inject =>
  async (intent) => {
    const replica = pickReplica(replicas, intent);
    const folder = join(file, '..');
    const setModes = (ofFolder: number, ofFiles: number): void => {
      chmodSync(folder, ofFolder);
      for (const name of readdirSync(folder))
        if (name.startsWith('tollgate.db')) chmodSync(join(folder, name), ofFiles);
    };
    await replica.kill();
    setModes(0o555, 0o444);
    // It may refuse to start, or start and answer with outages; never anything else.
    await replica.start().catch(() => undefined);
    await pause(intent.lastsMs);
    setModes(0o755, 0o600);
    await replica.kill();
    await replica.start();
    await until(async () => (await replica.gate.readiness()).ready, 60_000);
    return outcome([replica]);
  };
