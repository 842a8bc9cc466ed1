-- What senders were told beside answers to what was stopped: trials, and advice about what was delivered, so that neither floods nor nags.
-- Rows go when they no longer count.
CREATE TABLE told (
    -- In lower case.
    recipient TEXT NOT NULL,
    about     TEXT NOT NULL CHECK (about IN ('trial', 'advice')),
    -- Of advice, the rule; a letter about several rules has a row for each.
    rule      TEXT NOT NULL DEFAULT '',
    letter    TEXT NOT NULL,
    told_at   INTEGER NOT NULL
) STRICT;

CREATE INDEX told_recipient ON told (recipient, told_at);
CREATE INDEX told_at ON told (told_at);
