-- Whom the filter answered because they wrote out of hours, when, and on which message: so that nobody is answered twice in
-- a set time, and no message twice. Rows go when they are no longer needed for that.

CREATE TABLE out_of_hours (
    -- SHA-256 over the message, its sender and the set of recipients.
    message     BLOB PRIMARY KEY NOT NULL,
    -- The address in lower case.
    sender      TEXT NOT NULL,
    answered_at INTEGER NOT NULL
) STRICT;

CREATE INDEX out_of_hours_sender ON out_of_hours (sender, answered_at);
