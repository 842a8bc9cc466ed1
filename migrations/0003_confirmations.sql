-- What senders and approvers may confirm by mail; letters, which belong to no message; answers put off for a summary.

-- What the sender may do about a message that is held or returned.
ALTER TABLE messages ADD COLUMN may_override TEXT NOT NULL DEFAULT 'never'
    CHECK (may_override IN ('never', 'justify', 'request'));

-- SQLite changes no constraint of a table: the outbox is made anew, and what refers to it with it.
CREATE TABLE outbox_new (
    id              INTEGER PRIMARY KEY,
    kind            TEXT NOT NULL CHECK (kind IN ('release', 'answer', 'letter')),
    -- Of a release or an answer, the message; of a letter, its own name.
    reference       TEXT NOT NULL,
    -- Postponed answers wait for a summary; summarised ones were told in it.
    state           TEXT NOT NULL CHECK (state IN ('waiting', 'sent', 'failed', 'postponed', 'summarised')),
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

CREATE TABLE outbox_recipients_new (
    outbox   INTEGER NOT NULL REFERENCES outbox_new (id),
    position INTEGER NOT NULL,
    address  BLOB NOT NULL,
    state    TEXT NOT NULL CHECK (state IN ('waiting', 'sent', 'unconfirmed', 'refused')),
    answer   TEXT,
    -- The pass with which it is under way now, as far as is known.
    pass     BLOB,
    PRIMARY KEY (outbox, position)
) STRICT;

CREATE TABLE passes_new (
    id              BLOB PRIMARY KEY NOT NULL,
    outbox          INTEGER NOT NULL REFERENCES outbox_new (id),
    envelope_digest BLOB NOT NULL,
    body_digest     BLOB NOT NULL,
    made_at         INTEGER NOT NULL,
    expires_at      INTEGER NOT NULL,
    used_at         INTEGER,
    withdrawn_at    INTEGER
) STRICT;

INSERT INTO outbox_new SELECT * FROM outbox;
INSERT INTO outbox_recipients_new SELECT * FROM outbox_recipients;
INSERT INTO passes_new SELECT * FROM passes;
DROP TABLE passes;
DROP TABLE outbox_recipients;
DROP TABLE outbox;
-- The references of the other two follow.
ALTER TABLE outbox_new RENAME TO outbox;
ALTER TABLE outbox_recipients_new RENAME TO outbox_recipients;
ALTER TABLE passes_new RENAME TO passes;

CREATE INDEX outbox_due ON outbox (state, next_attempt_at);
CREATE INDEX outbox_reference ON outbox (reference);
CREATE INDEX outbox_queued ON outbox (kind, queued_at);
CREATE UNIQUE INDEX outbox_waiting_once ON outbox (reference, kind) WHERE state = 'waiting';
CREATE INDEX passes_outbox ON passes (outbox);

-- Codes that let a sender or an approver decide by mail, each once.
CREATE TABLE confirmations (
    id         BLOB PRIMARY KEY NOT NULL,
    reference  TEXT NOT NULL REFERENCES messages (reference),
    asks       TEXT NOT NULL CHECK (asks IN ('justify', 'request', 'approve')),
    -- Who may use it: addresses in lower case, a line each.
    holders    TEXT NOT NULL,
    -- The login with which the message was sent, where there was one.
    login      TEXT,
    made_at    INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    used_at    INTEGER,
    used_by    TEXT,
    outcome    TEXT CHECK (outcome IN ('released', 'asked', 'approved', 'declined')),
    why        TEXT
) STRICT;

CREATE INDEX confirmations_reference ON confirmations (reference);
-- What was confirmed stays as it is on the record.
CREATE TRIGGER confirmations_stay BEFORE UPDATE ON confirmations WHEN OLD.used_at IS NOT NULL
    BEGIN SELECT RAISE(ABORT, 'a confirmation is used once'); END;
CREATE TRIGGER confirmations_last BEFORE DELETE ON confirmations
    BEGIN SELECT RAISE(ABORT, 'confirmations are only added'); END;
