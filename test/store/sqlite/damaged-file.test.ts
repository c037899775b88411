// A damaged database is never taken for a new one: the gate ends with a sentence that says what to do, and leaves the
// file as it is for whoever repairs it.

import { execFileSync } from 'node:child_process';
import {
  cpSync,
  existsSync,
  mkdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import t from 'tap';
import { run, runProcess } from '../../cli/run.ts';

const database = (directory: string): string => join(directory, 'tollgate.db');

/** A folder with a database that holds an org, its sealing key, and, as after a crash, a write-ahead log. */
const sound = t.testdir();
t.before(async () => {
  const file = database(sound);
  for (let n = 0; n < 30; n++) await run(['org', 'create', `org-${n}`, '--store', `sqlite:${file}`]);
  writeFileSync(join(sound, 'tollgate.key'), `${Buffer.alloc(32, 7).toString('base64')}\n`);
});

/** What a second process finds while the first has not yet written its log back. */
const leaveLog = (directory: string): void => {
  const file = database(directory);
  const writer = new DatabaseSync(file);
  writer.exec("PRAGMA wal_autocheckpoint = 0; UPDATE orgs SET name = 'changed'");
  cpSync(`${file}-wal`, `${file}-kept`);
  writer.close();
  cpSync(`${file}-kept`, `${file}-wal`);
  rmSync(`${file}-kept`);
};

const damages: Record<string, readonly [damage: (directory: string) => void, said: RegExp]> = {
  'a file emptied beside its write-ahead log': [
    (directory) => {
      leaveLog(directory);
      truncateSync(database(directory), 0);
    },
    /is empty, but its write-ahead log .*tollgate.db-wal is there: put the database or a backup/,
  ],
  'a file that is gone beside its write-ahead log': [
    (directory) => {
      leaveLog(directory);
      rmSync(database(directory));
    },
    /is missing, but its write-ahead log/,
  ],
  'a file emptied beside its sealing key': [
    (directory) => truncateSync(database(directory), 0),
    /holds no tables, but tollgate.key beside it says that it did/,
  ],
  'a database without tables beside its sealing key': [
    (directory) => {
      rmSync(database(directory));
      const other = new DatabaseSync(database(directory));
      other.exec('CREATE TABLE t (a); DROP TABLE t');
      other.close();
    },
    /holds no tables, but tollgate.key/,
  ],
  'a file cut off in its header': [
    (directory) => truncateSync(database(directory), 60),
    /is damaged.*restore a backup/,
  ],
  'a file cut off after its first page': [
    (directory) => truncateSync(database(directory), 4_096),
    /is damaged.*restore a backup/,
  ],
  'a file cut off in the middle': [
    (directory) => truncateSync(database(directory), statSync(database(directory)).size - 6_000),
    /is damaged.*restore a backup/,
  ],
  'a header of garbage': [
    (directory) => overwrite(directory, 0, 100),
    /is not an SQLite database; name another file or restore a backup/,
  ],
  'a damaged page': [(directory) => overwrite(directory, 3 * 4_096, 4_096), /is damaged.*restore a backup/],
  'the database of another program': [
    (directory) => pragma(directory, 'application_id = 7'),
    /is a database of another program/,
  ],
  'a database of a newer version': [
    (directory) => pragma(directory, 'user_version = 99'),
    /newer version of Tollgate \(schema 99\)/,
  ],
  'a folder': [
    (directory) => {
      rmSync(database(directory));
      mkdirSync(database(directory));
    },
    /is a folder; name a file/,
  ],
  'a pipe': [
    (directory) => {
      rmSync(database(directory));
      execFileSync('mkfifo', [database(directory)]);
    },
    /is neither a file nor a folder/,
  ],
};

const overwrite = (directory: string, from: number, length: number): void => {
  const bytes = readFileSync(database(directory));
  bytes.fill(0xa5, from, from + length);
  writeFileSync(database(directory), bytes);
};

const pragma = (directory: string, what: string): void => {
  const other = new DatabaseSync(database(directory));
  other.exec(`PRAGMA ${what}`);
  other.close();
};

for (const [what, [damage, said]] of Object.entries(damages))
  t.test(`${what} is refused at the start, and left as it is`, async (t) => {
    const directory = t.testdir();
    cpSync(sound, directory, { recursive: true });
    damage(directory);
    const file = database(directory);
    const isFile = existsSync(file) && statSync(file).isFile();
    const before = isFile ? readFileSync(file) : undefined;
    const log = existsSync(`${file}-wal`) ? readFileSync(`${file}-wal`) : undefined;
    const ended = await runProcess(
      ['serve', '--store', `sqlite:${file}`, '--upstream', 'http://127.0.0.1:9', '--listen', '127.0.0.1:0'],
      { cwd: directory, env: { TOLLGATE_OPS: '127.0.0.1:0' } },
    );
    t.equal(ended.code, 69);
    t.match(ended.stderr, said);
    t.notMatch(ended.stderr, /^\s+at /m, 'no stack');
    if (before !== undefined) t.ok(readFileSync(file).equals(before), 'the file is as it was');
    if (log !== undefined) t.ok(readFileSync(`${file}-wal`).equals(log), 'so is its write-ahead log');
  });
