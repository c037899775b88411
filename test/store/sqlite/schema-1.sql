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

-- What a store of that version may hold. The feed has been pruned before: its numbering is ahead of its lines.
PRAGMA journal_mode = WAL;
PRAGMA application_id = 0x544c4754;
PRAGMA user_version = 1;
INSERT INTO orgs VALUES ('acme', 'Acme', 'active', '{"reader":["things:read"]}', NULL, 2, 0, 1);
INSERT INTO users VALUES ('acme', 'ann', 'Ann', 'active', '["reader"]', 4, 0, 1);
INSERT INTO tokens VALUES ('00000000-0000-4000-8000-000000000001',
  'abababababababababababababababababababababababababababababababab', 'acme', 'ann', 'ci', '["things:read"]',
  'created', 'active', 1, NULL, NULL, 0, 0);
INSERT INTO tokens VALUES ('00000000-0000-4000-8000-000000000002',
  'cdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcd', 'acme', 'ann', 'old', NULL,
  'imported', 'revoked', 1, NULL, 7, 0, 0);
INSERT INTO changes VALUES (40, 'token', '', '00000000-0000-4000-8000-000000000002', NULL, NULL, NULL, 7);
INSERT INTO changes VALUES (41, 'user', 'acme', 'ann', 4, 0, 'active', 8);
INSERT INTO changes VALUES (42, 'session', '', 'pruned-soon', NULL, NULL, NULL, 9);
DELETE FROM changes WHERE seq = 42;
