-- In every table of records, "doc" is the source of truth; the other columns are derived from it,
-- for queries and for people. Times are seconds since 1970, but "lease_until" is in seconds since
-- the start of the machine that "lease_boot_id" names.

-- One row: a process that finds another database, or fewer changes than it knows of, stops.
CREATE TABLE history (
    database TEXT NOT NULL,
    changes  INTEGER NOT NULL
);
INSERT INTO history VALUES (lower(hex(randomblob(16))), 0);

CREATE TABLE user_clones (
    id              TEXT PRIMARY KEY,
    user_id         TEXT NOT NULL,
    training_status TEXT NOT NULL DEFAULT 'pending',
    avatar_ready    INTEGER NOT NULL DEFAULT 0,
    created_at      REAL NOT NULL
);
CREATE INDEX user_clones_of_user ON user_clones (user_id);

CREATE TABLE avatar_training (
    id                 TEXT PRIMARY KEY,
    user_id            TEXT NOT NULL,
    clone_id           TEXT NOT NULL,
    stack              TEXT NOT NULL,
    idempotency_key    TEXT,
    status             TEXT NOT NULL,
    progress           INTEGER NOT NULL,
    waits_for          TEXT NOT NULL,
    voice_provider     TEXT,
    provider_voice_id  TEXT,
    avatar_provider    TEXT,
    provider_avatar_id TEXT,
    avatar_video_url   TEXT,
    avatar_thumbnail_url TEXT,
    sample_video_url   TEXT,
    error_message      TEXT,
    error_type         TEXT,
    created_at         REAL NOT NULL,
    updated_at         REAL NOT NULL,
    training_started_at REAL,
    training_completed_at REAL,
    next_at            REAL,
    deleted            INTEGER NOT NULL,
    version            INTEGER NOT NULL,
    fence              INTEGER NOT NULL DEFAULT 0,
    lease_owner        TEXT,
    lease_until        REAL,
    lease_boot_id      TEXT,
    doc                TEXT NOT NULL
);
CREATE INDEX avatar_training_due ON avatar_training (next_at, id) WHERE next_at IS NOT NULL;
CREATE INDEX avatar_training_leased ON avatar_training (lease_owner) WHERE lease_until IS NOT NULL;
CREATE INDEX avatar_training_newest ON avatar_training (created_at, id) WHERE deleted = 0;
CREATE INDEX avatar_training_by_status ON avatar_training (status, created_at, id) WHERE deleted = 0;
CREATE INDEX avatar_training_of_user ON avatar_training (user_id, created_at, id) WHERE deleted = 0;
CREATE INDEX avatar_training_of_clone ON avatar_training (clone_id, created_at, id)
    WHERE deleted = 0;

CREATE TABLE avatar_videos (
    id                 TEXT PRIMARY KEY,
    user_id            TEXT NOT NULL,
    clone_id           TEXT NOT NULL,
    training_id        TEXT,
    stack              TEXT NOT NULL,
    idempotency_key    TEXT,
    status             TEXT NOT NULL,
    progress           INTEGER NOT NULL,
    waits_for          TEXT NOT NULL,
    voice_provider     TEXT,
    provider_voice_id  TEXT,
    avatar_provider    TEXT,
    provider_avatar_id TEXT,
    video_url          TEXT,
    thumbnail_url      TEXT,
    error_message      TEXT,
    error_type         TEXT,
    created_at         REAL NOT NULL,
    updated_at         REAL NOT NULL,
    started_at         REAL,
    completed_at       REAL,
    next_at            REAL,
    deleted            INTEGER NOT NULL,
    version            INTEGER NOT NULL,
    fence              INTEGER NOT NULL DEFAULT 0,
    lease_owner        TEXT,
    lease_until        REAL,
    lease_boot_id      TEXT,
    doc                TEXT NOT NULL
);
CREATE INDEX avatar_videos_due ON avatar_videos (next_at, id) WHERE next_at IS NOT NULL;
CREATE INDEX avatar_videos_leased ON avatar_videos (lease_owner) WHERE lease_until IS NOT NULL;
CREATE INDEX avatar_videos_newest ON avatar_videos (created_at, id) WHERE deleted = 0;
CREATE INDEX avatar_videos_by_status ON avatar_videos (status, created_at, id) WHERE deleted = 0;
CREATE INDEX avatar_videos_of_user ON avatar_videos (user_id, created_at, id) WHERE deleted = 0;
CREATE INDEX avatar_videos_of_clone ON avatar_videos (clone_id, created_at, id) WHERE deleted = 0;
CREATE INDEX avatar_videos_of_training ON avatar_videos (training_id, created_at, id)
    WHERE deleted = 0;

-- Number of records with a due time per provider: counting a million of them takes too long.
CREATE TABLE waiting (
    waits_for TEXT PRIMARY KEY,
    records   INTEGER NOT NULL
) WITHOUT ROWID;

CREATE TRIGGER avatar_training_waits AFTER INSERT ON avatar_training WHEN new.next_at IS NOT NULL BEGIN
    INSERT INTO waiting VALUES (new.waits_for, 1)
        ON CONFLICT (waits_for) DO UPDATE SET records = records + 1;
END;
CREATE TRIGGER avatar_training_moves AFTER UPDATE OF waits_for, next_at ON avatar_training
WHEN old.waits_for <> new.waits_for OR (old.next_at IS NULL) <> (new.next_at IS NULL) BEGIN
    UPDATE waiting SET records = records - 1
        WHERE waits_for = old.waits_for AND old.next_at IS NOT NULL;
    INSERT INTO waiting SELECT new.waits_for, 1 WHERE new.next_at IS NOT NULL
        ON CONFLICT (waits_for) DO UPDATE SET records = records + 1;
END;
CREATE TRIGGER avatar_training_leaves AFTER DELETE ON avatar_training WHEN old.next_at IS NOT NULL BEGIN
    UPDATE waiting SET records = records - 1 WHERE waits_for = old.waits_for;
END;

CREATE TRIGGER avatar_videos_waits AFTER INSERT ON avatar_videos WHEN new.next_at IS NOT NULL BEGIN
    INSERT INTO waiting VALUES (new.waits_for, 1)
        ON CONFLICT (waits_for) DO UPDATE SET records = records + 1;
END;
CREATE TRIGGER avatar_videos_moves AFTER UPDATE OF waits_for, next_at ON avatar_videos
WHEN old.waits_for <> new.waits_for OR (old.next_at IS NULL) <> (new.next_at IS NULL) BEGIN
    UPDATE waiting SET records = records - 1
        WHERE waits_for = old.waits_for AND old.next_at IS NOT NULL;
    INSERT INTO waiting SELECT new.waits_for, 1 WHERE new.next_at IS NOT NULL
        ON CONFLICT (waits_for) DO UPDATE SET records = records + 1;
END;
CREATE TRIGGER avatar_videos_leaves AFTER DELETE ON avatar_videos WHEN old.next_at IS NOT NULL BEGIN
    UPDATE waiting SET records = records - 1 WHERE waits_for = old.waits_for;
END;

-- Jobs of the records; several records may use one adopted avatar.
CREATE TABLE jobs (
    provider  TEXT NOT NULL,
    operation TEXT NOT NULL,
    job_id    TEXT NOT NULL,
    record_id TEXT NOT NULL,
    PRIMARY KEY (provider, operation, job_id, record_id)
) WITHOUT ROWID;
CREATE INDEX jobs_of_record ON jobs (record_id);

-- Rate limit and taken slots of each vendor account, for all processes together.
CREATE TABLE accounts (
    account TEXT PRIMARY KEY,
    paced   REAL
) WITHOUT ROWID;

CREATE TABLE places (
    account TEXT NOT NULL,
    holder  TEXT NOT NULL,
    until   REAL NOT NULL,
    PRIMARY KEY (account, holder)
) WITHOUT ROWID;

CREATE TABLE voice_samples (
    id           TEXT PRIMARY KEY,
    user_id      TEXT NOT NULL,
    clone_id     TEXT NOT NULL REFERENCES user_clones (id),
    file_path    TEXT NOT NULL,
    content_type TEXT NOT NULL,
    size_bytes   INTEGER NOT NULL,
    sha256       TEXT NOT NULL,
    created_at   REAL NOT NULL,
    doc          TEXT NOT NULL,
    UNIQUE (clone_id, sha256)
);

CREATE TABLE video_samples (
    id           TEXT PRIMARY KEY,
    user_id      TEXT NOT NULL,
    clone_id     TEXT NOT NULL REFERENCES user_clones (id),
    file_path    TEXT NOT NULL,
    content_type TEXT NOT NULL,
    size_bytes   INTEGER NOT NULL,
    sha256       TEXT NOT NULL,
    created_at   REAL NOT NULL,
    doc          TEXT NOT NULL,
    UNIQUE (clone_id, sha256)
);

CREATE TABLE consents (
    id          TEXT PRIMARY KEY,
    user_id     TEXT NOT NULL,
    subject     TEXT,
    real_person INTEGER NOT NULL,
    given_at    REAL,
    doc         TEXT NOT NULL
);
CREATE INDEX consents_of_user ON consents (user_id);

CREATE TABLE avatar_webhooks (
    provider    TEXT NOT NULL,
    event_id    TEXT NOT NULL,
    event_type  TEXT NOT NULL,
    payload     BLOB NOT NULL,
    received_at REAL NOT NULL,
    record_id   TEXT,
    outcome     TEXT NOT NULL,
    doc         TEXT NOT NULL,
    PRIMARY KEY (provider, event_id)
);
CREATE INDEX avatar_webhooks_by_time ON avatar_webhooks (received_at);
CREATE INDEX avatar_webhooks_of_record ON avatar_webhooks (record_id) WHERE record_id IS NOT NULL;
CREATE INDEX avatar_webhooks_pending ON avatar_webhooks (received_at)
    WHERE outcome IN ('received', 'unmatched');

CREATE TABLE ledger (
    id        TEXT PRIMARY KEY,
    record_id TEXT NOT NULL,
    operation TEXT NOT NULL,
    provider  TEXT NOT NULL,
    account   TEXT NOT NULL,
    attempt   INTEGER NOT NULL,
    job_id    TEXT NOT NULL,
    cost      TEXT,
    at        REAL NOT NULL,
    quoted    INTEGER  -- price expected when it was ordered, in micro-dollars
);
CREATE INDEX ledger_of_record ON ledger (record_id);

-- Budget reservations of the records, in micro-dollars. A row outlives its record and names no user:
-- "whose" is a digest of the user's id.
CREATE TABLE reservations (
    record_id TEXT PRIMARY KEY,
    whose     TEXT NOT NULL,
    at        REAL NOT NULL,     -- creation of the record: the month whose budget it counts for
    reserved  INTEGER NOT NULL,  -- not sent yet, or with an unknown outcome
    spent     INTEGER NOT NULL   -- accepted by vendors
) WITHOUT ROWID;
CREATE INDEX reservations_by_time ON reservations (at);
CREATE INDEX reservations_of_user ON reservations (whose, at);
