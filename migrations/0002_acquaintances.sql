-- Who wrote to whom outside: a keyed digest for each pair of sender and recipient, and the day of the last mail, in days
-- since 1970, UTC. No address can be read out of it, and none can be tried without the store's key.

CREATE TABLE acquaintances (
    pair     INTEGER PRIMARY KEY NOT NULL,
    last_day INTEGER NOT NULL
) STRICT;

CREATE INDEX acquaintances_by_day ON acquaintances (last_day);

-- Since when they are noted: one row.
CREATE TABLE acquaintances_since (day INTEGER NOT NULL) STRICT;

INSERT INTO acquaintances_since VALUES (CAST(strftime('%s', 'now') AS INTEGER) / 86400);
