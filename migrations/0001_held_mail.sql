-- Held and returned mail. Times are milliseconds since 1970, UTC. No column holds content of a message: that lies in
-- the folder `content`, one file a message.

CREATE TABLE messages (
    reference      TEXT PRIMARY KEY NOT NULL,
    state          TEXT NOT NULL CHECK (state IN ('held', 'releasing', 'released', 'deleted', 'returned')),
    -- SHA-256 over action, content, sender and the set of recipients: the same again is the same message.
    identity       BLOB NOT NULL,
    content_digest BLOB NOT NULL,
    body_digest    BLOB NOT NULL,
    size           INTEGER NOT NULL,
    eight_bit      INTEGER NOT NULL,
    -- The reverse path as it came; NULL is the null sender.
    sender         BLOB,
    sender_shown   TEXT NOT NULL,
    queue_id       TEXT,
    client_address TEXT,
    client_name    TEXT,
    authenticated  TEXT,
    rules          TEXT NOT NULL,
    verdict        TEXT NOT NULL,
    received_at    INTEGER NOT NULL,
    -- An earlier message with the same identity, decided on before this one came.
    same_as        TEXT,
    -- What the last release came to, where it did not succeed.
    note           TEXT
) STRICT;

CREATE INDEX messages_identity ON messages (identity, received_at);
CREATE INDEX messages_state ON messages (state, received_at);
-- The database itself refuses a second row for what is still held.
CREATE UNIQUE INDEX messages_held_once ON messages (identity) WHERE state IN ('held', 'releasing');

CREATE TABLE recipients (
    reference TEXT NOT NULL REFERENCES messages (reference),
    position  INTEGER NOT NULL,
    address   BLOB NOT NULL,
    shown     TEXT NOT NULL,
    state     TEXT NOT NULL CHECK (state IN ('waiting', 'sent', 'unconfirmed', 'refused')),
    answer    TEXT,
    PRIMARY KEY (reference, position)
) STRICT;

-- Who decided what, when and why. Rows are only ever added.
CREATE TABLE decisions (
    id         INTEGER PRIMARY KEY,
    reference  TEXT NOT NULL REFERENCES messages (reference),
    decision   TEXT NOT NULL CHECK (decision IN ('release', 'delete')),
    decided_by TEXT NOT NULL,
    why        TEXT NOT NULL,
    decided_at INTEGER NOT NULL
) STRICT;

CREATE INDEX decisions_reference ON decisions (reference);
CREATE TRIGGER decisions_stay BEFORE UPDATE ON decisions BEGIN SELECT RAISE(ABORT, 'decisions are only added'); END;
CREATE TRIGGER decisions_last BEFORE DELETE ON decisions BEGIN SELECT RAISE(ABORT, 'decisions are only added'); END;

-- Who read which message's content, when and why. Rows are only ever added.
CREATE TABLE readings (
    id        INTEGER PRIMARY KEY,
    reference TEXT NOT NULL REFERENCES messages (reference),
    read_by   TEXT NOT NULL,
    why       TEXT NOT NULL,
    read_at   INTEGER NOT NULL
) STRICT;

CREATE INDEX readings_reference ON readings (reference);
CREATE TRIGGER readings_stay BEFORE UPDATE ON readings BEGIN SELECT RAISE(ABORT, 'readings are only added'); END;
CREATE TRIGGER readings_last BEFORE DELETE ON readings BEGIN SELECT RAISE(ABORT, 'readings are only added'); END;

-- Mail that is to be submitted to the MTA: released messages and answers to senders.
CREATE TABLE outbox (
    id              INTEGER PRIMARY KEY,
    kind            TEXT NOT NULL CHECK (kind IN ('release', 'answer')),
    reference       TEXT NOT NULL REFERENCES messages (reference),
    state           TEXT NOT NULL CHECK (state IN ('waiting', 'sent', 'failed')),
    sender          BLOB,
    size            INTEGER NOT NULL,
    eight_bit       INTEGER NOT NULL,
    content_digest  BLOB NOT NULL,
    body_digest     BLOB NOT NULL,
    attempts        INTEGER NOT NULL DEFAULT 0,
    queued_at       INTEGER NOT NULL,
    next_attempt_at INTEGER NOT NULL,
    last_error      TEXT,
    last_error_at   INTEGER
) STRICT;

CREATE INDEX outbox_due ON outbox (state, next_attempt_at);
CREATE INDEX outbox_reference ON outbox (reference);
CREATE UNIQUE INDEX outbox_waiting_once ON outbox (reference, kind) WHERE state = 'waiting';

CREATE TABLE outbox_recipients (
    outbox   INTEGER NOT NULL REFERENCES outbox (id),
    position INTEGER NOT NULL,
    address  BLOB NOT NULL,
    state    TEXT NOT NULL CHECK (state IN ('waiting', 'sent', 'unconfirmed', 'refused')),
    answer   TEXT,
    -- The pass with which it is under way now, as far as is known.
    pass     BLOB,
    PRIMARY KEY (outbox, position)
) STRICT;

-- Passes: each lets one submission through the gate, once.
CREATE TABLE passes (
    id              BLOB PRIMARY KEY NOT NULL,
    outbox          INTEGER NOT NULL REFERENCES outbox (id),
    envelope_digest BLOB NOT NULL,
    body_digest     BLOB NOT NULL,
    made_at         INTEGER NOT NULL,
    expires_at      INTEGER NOT NULL,
    used_at         INTEGER,
    withdrawn_at    INTEGER
) STRICT;

CREATE INDEX passes_outbox ON passes (outbox);
