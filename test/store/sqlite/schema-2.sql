-- The tables of version 2, as it made them.
PRAGMA application_id = 1414285140;
PRAGMA user_version = 2;
CREATE TABLE meta (name TEXT PRIMARY KEY, value INTEGER NOT NULL) STRICT, WITHOUT ROWID;
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
    created_at_ms INTEGER NOT NULL, password_hash TEXT,
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
    generation_user INTEGER NOT NULL, secret_number INTEGER NOT NULL DEFAULT 0, previous_digest TEXT, previous_secret_expires_at_ms INTEGER, last_used_at_ms INTEGER, openid INTEGER NOT NULL DEFAULT 0, notify_before_expiry_ms INTEGER, labels TEXT NOT NULL DEFAULT '[]',
    FOREIGN KEY (org_id, user_id) REFERENCES users (org_id, id)
  ) STRICT, WITHOUT ROWID;
CREATE INDEX tokens_of_user ON tokens (org_id, user_id, id);
CREATE INDEX tokens_imported ON tokens (origin) WHERE origin = 'imported';
CREATE INDEX tokens_expiring ON tokens (expires_at_ms) WHERE expires_at_ms IS NOT NULL;
CREATE INDEX tokens_revoked ON tokens (revoked_at_ms) WHERE revoked_at_ms IS NOT NULL;
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
CREATE UNIQUE INDEX tokens_by_previous_digest ON tokens (previous_digest) WHERE previous_digest IS NOT NULL;
CREATE TRIGGER secrets_stay_replaced BEFORE UPDATE OF secret_number ON tokens
    WHEN NEW.secret_number < OLD.secret_number
    BEGIN SELECT RAISE(ABORT, 'a replaced secret stays replaced'); END;
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
CREATE INDEX changes_of_subject ON changes (kind, org_id, subject, generation);
CREATE TABLE audit (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    actor_org TEXT,
    subject_org TEXT,
    entry TEXT NOT NULL
  ) STRICT;
INSERT INTO meta VALUES ('pruned_seq', 0);
