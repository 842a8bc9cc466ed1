-- What rules found that reviewers are to see, who is told of it, and who looked. Times are milliseconds since 1970, UTC. No column
-- holds content of a message: neither its subject nor any word of it.

CREATE TABLE notices (
    reference  TEXT PRIMARY KEY NOT NULL,
    -- SHA-256 over content, envelope and school: the same again is the same message, which the MTA offers once more.
    identity   BLOB NOT NULL,
    found_at   INTEGER NOT NULL,
    -- The id of the school whose reviewers it concerns; NULL is none of them.
    school     TEXT,
    queue_id   TEXT,
    message_id TEXT,
    -- NULL is the null sender.
    sender     TEXT,
    login      TEXT,
    -- The rules that matched, with category, severity, mode and action; JSON.
    rules      TEXT NOT NULL,
    -- For whom they matched, and what became of the message there; JSON.
    recipients TEXT NOT NULL,
    -- Addresses of reviewers whom the message itself concerns, so that they are not told; JSON.
    left_out   TEXT NOT NULL
) STRICT;

CREATE INDEX notices_identity ON notices (identity, found_at);
CREATE INDEX notices_found ON notices (found_at);

-- Who is told: a row for each reviewer.
CREATE TABLE notice_reviewers (
    id        INTEGER PRIMARY KEY,
    notice    TEXT NOT NULL REFERENCES notices (reference),
    reviewer  TEXT NOT NULL,
    -- A line each.
    addresses TEXT NOT NULL,
    urgency   TEXT NOT NULL CHECK (urgency IN ('at-once', 'digest')),
    due_at    INTEGER NOT NULL,
    state     TEXT NOT NULL CHECK (state IN ('waiting', 'told')),
    -- The letter that tells of it, as the outbox names it.
    letter    TEXT,
    told_at   INTEGER
) STRICT;

CREATE INDEX notice_reviewers_notice ON notice_reviewers (notice);
CREATE INDEX notice_reviewers_due ON notice_reviewers (state, due_at);
CREATE INDEX notice_reviewers_told ON notice_reviewers (reviewer, addresses, told_at);

-- Who looked, when and why. Rows are only ever added.
CREATE TABLE notice_readings (
    id      INTEGER PRIMARY KEY,
    notice  TEXT NOT NULL REFERENCES notices (reference),
    read_by TEXT NOT NULL,
    why     TEXT NOT NULL,
    read_at INTEGER NOT NULL
) STRICT;

CREATE INDEX notice_readings_notice ON notice_readings (notice);
CREATE TRIGGER notice_readings_stay BEFORE UPDATE ON notice_readings
    BEGIN SELECT RAISE(ABORT, 'readings are only added'); END;
CREATE TRIGGER notice_readings_last BEFORE DELETE ON notice_readings
    BEGIN SELECT RAISE(ABORT, 'readings are only added'); END;

-- Who settled it, when and how: once.
CREATE TABLE notice_endings (
    notice   TEXT PRIMARY KEY NOT NULL REFERENCES notices (reference),
    ended_by TEXT NOT NULL,
    why      TEXT NOT NULL,
    ended_at INTEGER NOT NULL
) STRICT;

CREATE TRIGGER notice_endings_stay BEFORE UPDATE ON notice_endings
    BEGIN SELECT RAISE(ABORT, 'what was settled stays'); END;
CREATE TRIGGER notice_endings_last BEFORE DELETE ON notice_endings
    BEGIN SELECT RAISE(ABORT, 'what was settled stays'); END;
