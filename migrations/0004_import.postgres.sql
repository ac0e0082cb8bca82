-- What was taken over from an old bot's database (src/import). Class T.

-- By the key that it had there, what of it has been booked here so far: a run books the difference to what
-- the old database says, in the transaction that changes this row.
CREATE TABLE import_carried (
  discord_server_id BIGINT NOT NULL REFERENCES servers,
  source            TEXT COLLATE "C" NOT NULL,
  item              TEXT COLLATE "C" NOT NULL,
  old_key           TEXT COLLATE "C" NOT NULL,
  credited          BIGINT NOT NULL,
  debited           BIGINT NOT NULL,
  value             TEXT COLLATE "C" NOT NULL,
  -- How often something was booked: no two bookings have one operation id.
  times             BIGINT NOT NULL,
  carried_at        BIGINT NOT NULL,
  PRIMARY KEY (discord_server_id, source, item, old_key)
);

-- Names and numbers that a transaction asks for all at once; empty between transactions.
CREATE TABLE identity_lookups (
  discord_server_id BIGINT NOT NULL REFERENCES servers,
  wanted            TEXT COLLATE "C" NOT NULL,
  PRIMARY KEY (discord_server_id, wanted)
);
