// The tables of the embedded store and how a file gets them. Versions only go up; a newer file is refused, not guessed at.

import type { DatabaseSync } from 'node:sqlite';

/** "TLGT": tells our files from other programs' SQLite files. */
const applicationId = 0x544c_4754;

/** One script a version: the file at version n has run the first n. Never edit one that was released; add another. */
const migrations: readonly string[] = [
  `
  CREATE TABLE meta (name TEXT PRIMARY KEY, value INTEGER NOT NULL) STRICT, WITHOUT ROWID;
  -- Lines of the change feed up to this one have been pruned.
  INSERT INTO meta VALUES ('pruned_seq', 0);

  CREATE TABLE orgs (
    id TEXT PRIMARY KEY,
    name TEXT NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('active', 'disabled')),
    roles TEXT NOT NULL,
    token_lifetime_ms_max INTEGER,
    generation INTEGER NOT NULL,
    token_generation_min INTEGER NOT NULL,
    created_at_ms INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID;

  CREATE TABLE users (
    org_id TEXT NOT NULL REFERENCES orgs (id),
    id TEXT NOT NULL,
    name TEXT NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('active', 'disabled')),
    roles TEXT NOT NULL,
    generation INTEGER NOT NULL,
    token_generation_min INTEGER NOT NULL,
    created_at_ms INTEGER NOT NULL,
    PRIMARY KEY (org_id, id)
  ) STRICT, WITHOUT ROWID;

  CREATE TABLE tokens (
    id TEXT PRIMARY KEY,
    digest TEXT NOT NULL UNIQUE,
    org_id TEXT NOT NULL,
    user_id TEXT NOT NULL,
    name TEXT NOT NULL,
    scopes TEXT, -- NULL: all
    origin TEXT NOT NULL CHECK (origin IN ('created', 'imported')),
    state TEXT NOT NULL CHECK (state IN ('active', 'revoked')),
    created_at_ms INTEGER NOT NULL,
    expires_at_ms INTEGER,
    revoked_at_ms INTEGER,
    generation_org INTEGER NOT NULL,
    generation_user INTEGER NOT NULL,
    FOREIGN KEY (org_id, user_id) REFERENCES users (org_id, id)
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX tokens_of_user ON tokens (org_id, user_id, id);
  CREATE INDEX tokens_imported ON tokens (origin) WHERE origin = 'imported';
  CREATE INDEX tokens_expiring ON tokens (expires_at_ms) WHERE expires_at_ms IS NOT NULL;
  CREATE INDEX tokens_revoked ON tokens (revoked_at_ms) WHERE revoked_at_ms IS NOT NULL;
  -- A revoked token stays revoked, whatever a later version of this program does.
  CREATE TRIGGER tokens_stay_revoked BEFORE UPDATE OF state ON tokens
    WHEN OLD.state = 'revoked' AND NEW.state <> 'revoked'
    BEGIN SELECT RAISE(ABORT, 'a revoked token stays revoked'); END;

  CREATE TABLE keys (
    kid TEXT PRIMARY KEY,
    algorithm TEXT NOT NULL CHECK (algorithm IN ('ES256', 'RS256', 'EdDSA')),
    public_jwk TEXT NOT NULL,
    sealed_private_key TEXT NOT NULL,
    created_at_ms INTEGER NOT NULL,
    active_from_ms INTEGER NOT NULL,
    retire_at_ms INTEGER
  ) STRICT, WITHOUT ROWID;

  CREATE TABLE changes (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    kind TEXT NOT NULL CHECK (kind IN ('token', 'session', 'user', 'org', 'keys')),
    org_id TEXT NOT NULL,
    subject TEXT NOT NULL,
    generation INTEGER,
    token_generation_min INTEGER,
    state TEXT,
    at_ms INTEGER NOT NULL
  ) STRICT;
  CREATE INDEX changes_of_subject ON changes (kind, org_id, subject, generation);
  `,
  `
  ALTER TABLE users ADD COLUMN password_hash TEXT;

  ALTER TABLE tokens ADD COLUMN secret_number INTEGER NOT NULL DEFAULT 0;
  ALTER TABLE tokens ADD COLUMN previous_digest TEXT;
  ALTER TABLE tokens ADD COLUMN previous_secret_expires_at_ms INTEGER;
  ALTER TABLE tokens ADD COLUMN last_used_at_ms INTEGER;
  ALTER TABLE tokens ADD COLUMN openid INTEGER NOT NULL DEFAULT 0;
  ALTER TABLE tokens ADD COLUMN notify_before_expiry_ms INTEGER;
  ALTER TABLE tokens ADD COLUMN labels TEXT NOT NULL DEFAULT '[]';
  CREATE UNIQUE INDEX tokens_by_previous_digest ON tokens (previous_digest) WHERE previous_digest IS NOT NULL;
  -- A secret that was replaced stays replaced.
  CREATE TRIGGER secrets_stay_replaced BEFORE UPDATE OF secret_number ON tokens
    WHEN NEW.secret_number < OLD.secret_number
    BEGIN SELECT RAISE(ABORT, 'a replaced secret stays replaced'); END;

  -- A table's checks cannot be changed: it is made again, with the lines and the numbering of the old one. Kinds are
  -- checked where lines are read, so that the next one needs no new table.
  ALTER TABLE changes RENAME TO changes_before;
  CREATE TABLE changes (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    kind TEXT NOT NULL,
    org_id TEXT NOT NULL,
    subject TEXT NOT NULL,
    generation INTEGER, -- of a secret: its number
    token_generation_min INTEGER,
    state TEXT,
    digest TEXT,
    until_ms INTEGER,
    at_ms INTEGER NOT NULL
  ) STRICT;
  INSERT INTO changes (seq, kind, org_id, subject, generation, token_generation_min, state, at_ms)
    SELECT seq, kind, org_id, subject, generation, token_generation_min, state, at_ms FROM changes_before;
  DELETE FROM sqlite_sequence WHERE name = 'changes';
  INSERT INTO sqlite_sequence (name, seq)
    SELECT 'changes', seq FROM sqlite_sequence WHERE name = 'changes_before';
  DROP TABLE changes_before;
  CREATE INDEX changes_of_subject ON changes (kind, org_id, subject, generation);

  CREATE TABLE audit (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    actor_org TEXT,
    subject_org TEXT,
    entry TEXT NOT NULL
  ) STRICT;
  `,
  `
  -- Each org has logs of its own, numbered from 1: audit-logs.ts says which entry goes where.
  CREATE TABLE audit_log (
    log TEXT NOT NULL,
    seq INTEGER NOT NULL,
    id TEXT NOT NULL,
    entry TEXT NOT NULL,
    PRIMARY KEY (log, seq)
  ) STRICT, WITHOUT ROWID;
  INSERT INTO audit_log (log, seq, id, entry)
    SELECT log, row_number() OVER (PARTITION BY log ORDER BY seq), id, entry FROM (
      SELECT iif(actor_org IS NULL AND entry ->> '$.clientAddress' = 'cli', 'operator', entry ->> '$.result') AS log,
        seq, id, entry FROM audit
      UNION ALL
      SELECT (entry ->> '$.result') || ' ' || actor_org, seq, id, entry FROM audit WHERE actor_org IS NOT NULL
      UNION ALL
      SELECT (entry ->> '$.result') || ' ' || subject_org, seq, id, entry FROM audit
        WHERE subject_org IS NOT NULL AND subject_org IS NOT actor_org
          AND (actor_org IS NULL OR entry ->> '$.result' = 'done')
    );
  CREATE UNIQUE INDEX audit_log_by_id ON audit_log (log, id);
  DROP TABLE audit;
  `,
  `
  -- A listing reads an index from where its last page ended. What never expires comes last.
  ALTER TABLE tokens ADD COLUMN ends_at_ms INTEGER
    GENERATED ALWAYS AS (ifnull(expires_at_ms, 9007199254740991)) VIRTUAL;
  CREATE INDEX tokens_of_user_by_created ON tokens (org_id, user_id, state, created_at_ms, id);
  CREATE INDEX tokens_of_user_by_name ON tokens (org_id, user_id, state, name, id);
  CREATE INDEX tokens_of_user_by_end ON tokens (org_id, user_id, state, ends_at_ms, id);
  CREATE INDEX tokens_of_org_by_created ON tokens (org_id, state, created_at_ms, id);
  CREATE INDEX tokens_of_org_by_name ON tokens (org_id, state, name, id);
  CREATE INDEX tokens_of_org_by_end ON tokens (org_id, state, ends_at_ms, id);
  `,
  `
  -- When its generation began; NULL: not since it was made. Says which of two changes is the later one.
  ALTER TABLE orgs ADD COLUMN changed_at_ms INTEGER;
  ALTER TABLE users ADD COLUMN changed_at_ms INTEGER;
  `,
  `
  ALTER TABLE users ADD COLUMN email TEXT;
  ALTER TABLE orgs ADD COLUMN reminder_thresholds_ms TEXT;
  -- What is deleted leaves its row, emptied, as long as API tokens refer to it: an account made later with the same id begins
  -- above its generation.
  ALTER TABLE orgs ADD COLUMN deleted_at_ms INTEGER;
  ALTER TABLE users ADD COLUMN deleted_at_ms INTEGER;
  CREATE INDEX orgs_deleted ON orgs (deleted_at_ms) WHERE deleted_at_ms IS NOT NULL;
  CREATE INDEX users_deleted ON users (deleted_at_ms) WHERE deleted_at_ms IS NOT NULL;
  `,
  `
  -- When a token is looked at next for a reminder; 0: at once. NULL: never again.
  ALTER TABLE tokens ADD COLUMN remind_at_ms INTEGER DEFAULT 0;
  CREATE INDEX tokens_to_remind ON tokens (remind_at_ms, id)
    WHERE state = 'active' AND expires_at_ms IS NOT NULL AND remind_at_ms IS NOT NULL;
  CREATE TABLE reminders (
    token_id TEXT NOT NULL,
    threshold_ms INTEGER NOT NULL,
    channel TEXT NOT NULL,
    state TEXT NOT NULL,
    attempts INTEGER NOT NULL,
    at_ms INTEGER NOT NULL,
    holder TEXT NOT NULL,
    keep_until_ms INTEGER NOT NULL,
    PRIMARY KEY (token_id, threshold_ms, channel)
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX reminders_by_end ON reminders (keep_until_ms);
  CREATE TABLE leases (name TEXT PRIMARY KEY, holder TEXT NOT NULL, until_ms INTEGER NOT NULL) STRICT, WITHOUT ROWID;
  `,
  `
  -- How API tokens are used. subject: token ID, user ORG/USER or org ORG.
  CREATE TABLE usage_sums (
    subject TEXT NOT NULL,
    day TEXT NOT NULL,
    requests INTEGER NOT NULL,
    refused INTEGER NOT NULL,
    bytes_in INTEGER NOT NULL,
    bytes_out INTEGER NOT NULL,
    keep_until TEXT NOT NULL,
    PRIMARY KEY (subject, day)
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX usage_by_end ON usage_sums (keep_until);
  -- Which batch of a process was added last.
  CREATE TABLE usage_writers (
    writer TEXT PRIMARY KEY,
    number INTEGER NOT NULL,
    keep_until TEXT NOT NULL
  ) STRICT, WITHOUT ROWID;
  `,
  `
  -- From where a token may be used, as JSON; NULL: from anywhere.
  ALTER TABLE tokens ADD COLUMN allow_from TEXT;
  `,
  `
  -- What limits count, by what and whom; of a rate, when its bucket is full. Of no use after its time.
  CREATE TABLE counts (name TEXT PRIMARY KEY, value REAL NOT NULL, until_ms INTEGER NOT NULL) STRICT, WITHOUT ROWID;
  CREATE INDEX counts_by_end ON counts (until_ms);
  `,
  `
  -- When a token was given its expiry; NULL: when it was made. And the expiry that goes with a new secret.
  ALTER TABLE tokens ADD COLUMN renewed_at_ms INTEGER;
  ALTER TABLE changes ADD COLUMN ends_at_ms INTEGER;
  `,
];

/** Brings an open database to the newest version, in one transaction; several processes may try at once. */
export const migrate = (database: DatabaseSync): void => {
  if (versionOf(database) === migrations.length) return;
  database.exec('BEGIN IMMEDIATE');
  try {
    const version = versionOf(database);
    if (version > migrations.length)
      throw new Error(`it was made by a newer version of Tollgate (schema ${version}); run that version`);
    if (version === 0 && !isEmpty(database))
      throw new Error('it is a database of another program; name another file');
    for (const script of migrations.slice(version)) database.exec(script);
    database.exec(`PRAGMA application_id = ${applicationId}; PRAGMA user_version = ${migrations.length}`);
    database.exec('COMMIT');
  } catch (error) {
    if (database.isTransaction) database.exec('ROLLBACK');
    throw error;
  }
};

const versionOf = (database: DatabaseSync): number => {
  const id = database.prepare('PRAGMA application_id').get()?.['application_id'];
  const version = database.prepare('PRAGMA user_version').get()?.['user_version'];
  if (version !== 0 && id !== applicationId)
    throw new Error('it is a database of another program; name another file');
  return Number(version);
};

const isEmpty = (database: DatabaseSync): boolean =>
  database.prepare('SELECT 1 FROM sqlite_schema LIMIT 1').get() === undefined;
