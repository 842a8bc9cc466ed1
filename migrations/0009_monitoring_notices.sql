-- Who was told that mail is monitored: when, why, and by which text. Rows are never changed.

CREATE TABLE monitoring_notices (
    id       INTEGER PRIMARY KEY,
    -- In lower case.
    address  TEXT NOT NULL,
    told_at  INTEGER NOT NULL,
    occasion TEXT NOT NULL CHECK (occasion IN ('new', 'again', 'refused', 'asked')),
    -- Who asked for it, where somebody did.
    asked_by TEXT,
    -- SHA-256 of the text, its values filled in.
    text     BLOB NOT NULL,
    -- The letter, by which the outbox knows what became of it.
    letter   TEXT NOT NULL
) STRICT;

CREATE INDEX monitoring_notices_address ON monitoring_notices (address, told_at);
CREATE INDEX monitoring_notices_time ON monitoring_notices (told_at);
CREATE TRIGGER monitoring_notices_stay BEFORE UPDATE ON monitoring_notices
    BEGIN SELECT RAISE(ABORT, 'a notice is recorded once'); END;
