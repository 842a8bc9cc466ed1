-- Passwords and documents that our own people sent outside within the last day, each by itself: of a document only what a
-- password can be tried on. Sealed with a key that is made of the store's key, the sender and the recipient, so that
-- nothing can be read of it without all three. Times are milliseconds since 1970, UTC.

CREATE TABLE sent_apart (
    -- A keyed digest of sender and recipient.
    pair    INTEGER NOT NULL,
    -- A keyed digest of what is sealed: the same again to the same recipient is kept once.
    item    INTEGER NOT NULL,
    what    TEXT NOT NULL CHECK (what IN ('document', 'password')),
    sealed  BLOB NOT NULL,
    sent_at INTEGER NOT NULL,
    PRIMARY KEY (pair, item)
) STRICT;

CREATE INDEX sent_apart_by_time ON sent_apart (sent_at);
