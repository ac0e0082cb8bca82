-- Watch time before it is settled (src/features/watchtime). All class T.

-- The moments at which a person showed presence (wrote in chat). A message delivered twice is the
-- same moment. Rows are kept until the time that they stand for is settled.
CREATE TABLE presence (
  discord_server_id INTEGER NOT NULL,
  person_id         INTEGER NOT NULL,
  at                INTEGER NOT NULL,
  subscriber        INTEGER NOT NULL CHECK (subscriber IN (0, 1)),
  PRIMARY KEY (discord_server_id, person_id, at),
  FOREIGN KEY (discord_server_id, person_id) REFERENCES persons (discord_server_id, person_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX presence_time ON presence (discord_server_id, at);

-- Since when and until when (NULL: still) a condition of counting held: the stream was live by the
-- platform's word, the chat looked live, tracking was on, the live check was overridden.
CREATE TABLE watch_conditions (
  discord_server_id INTEGER NOT NULL REFERENCES servers,
  kind              TEXT    NOT NULL CHECK (kind IN ('live', 'chat', 'tracking', 'forced')),
  from_us           INTEGER NOT NULL,
  until_us          INTEGER,
  PRIMARY KEY (discord_server_id, kind, from_us),
  CHECK (until_us IS NULL OR until_us >= from_us)
) STRICT, WITHOUT ROWID;

-- The conditions taken together: disjoint spans in which presence counts.
CREATE TABLE watch_spans (
  discord_server_id INTEGER NOT NULL REFERENCES servers,
  from_us           INTEGER NOT NULL,
  until_us          INTEGER NOT NULL,
  PRIMARY KEY (discord_server_id, from_us),
  CHECK (until_us > from_us)
) STRICT, WITHOUT ROWID;

-- Up to which moment a server's presence has been turned into watch time.
CREATE TABLE watch_settlements (
  discord_server_id INTEGER NOT NULL REFERENCES servers,
  settled_until     INTEGER NOT NULL,
  PRIMARY KEY (discord_server_id)
) STRICT, WITHOUT ROWID;
