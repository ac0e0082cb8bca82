-- What was taken over from an old bot's database (src/import). Class T.

-- By the key that it had there, what of it has been booked here so far: a run books the difference to what
-- the old database says, in the transaction that changes this row.
CREATE TABLE import_carried (
  discord_server_id INTEGER NOT NULL REFERENCES servers,
  source            TEXT    NOT NULL,
  item              TEXT    NOT NULL,
  old_key           TEXT    NOT NULL,
  credited          INTEGER NOT NULL,
  debited           INTEGER NOT NULL,
  value             TEXT    NOT NULL,
  -- How often something was booked: no two bookings have one operation id.
  times             INTEGER NOT NULL,
  carried_at        INTEGER NOT NULL,
  PRIMARY KEY (discord_server_id, source, item, old_key)
) STRICT, WITHOUT ROWID;

-- Names and numbers that a transaction asks for all at once; empty between transactions.
CREATE TABLE identity_lookups (
  discord_server_id INTEGER NOT NULL REFERENCES servers,
  wanted            TEXT    NOT NULL,
  PRIMARY KEY (discord_server_id, wanted)
) STRICT, WITHOUT ROWID;
