// The store on one SQLite file keeps the contract of the port.

import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import t, { type Test } from 'tap';
import { createSqliteStore } from '../../src/store/sqlite/sqlite-store.ts';
import { neverRevived } from './never-revived.ts';
import { tokenStoreContract } from './token-store.ts';

const makePlace = async (t: Test) => {
  const file = join(t.testdir(), 'tollgate.db');
  const open = async () => {
    const store = createSqliteStore({ kind: 'sqlite', file }, { retentionMs: 3_600_000 });
    await store.open();
    return store;
  };
  return Object.assign(open, {
    loseLines: async () => {
      const database = new DatabaseSync(file);
      database.exec('DELETE FROM changes');
      database.close();
    },
  });
};

tokenStoreContract(t, makePlace);
neverRevived(t, makePlace, 60);
