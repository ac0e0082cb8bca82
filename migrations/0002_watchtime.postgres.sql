-- Watch time before it is settled (src/features/watchtime). All class T.

-- The moments at which a person showed presence (wrote in chat). A message delivered twice is the
-- same moment. Rows are kept until the time that they stand for is settled.
CREATE TABLE presence (
  discord_server_id BIGINT NOT NULL,
  person_id         BIGINT NOT NULL,
  at                BIGINT NOT NULL,
  subscriber        BIGINT NOT NULL CHECK (subscriber IN (0, 1)),
  PRIMARY KEY (discord_server_id, person_id, at),
  FOREIGN KEY (discord_server_id, person_id) REFERENCES persons (discord_server_id, person_id)
);
CREATE INDEX presence_time ON presence (discord_server_id, at);

-- Since when and until when (NULL: still) a condition of counting held: the stream was live by the
-- platform's word, the chat looked live, tracking was on, the live check was overridden.
CREATE TABLE watch_conditions (
  discord_server_id BIGINT NOT NULL REFERENCES servers,
  kind              TEXT COLLATE "C" NOT NULL CHECK (kind IN ('live', 'chat', 'tracking', 'forced')),
  from_us           BIGINT NOT NULL,
  until_us          BIGINT,
  PRIMARY KEY (discord_server_id, kind, from_us),
  CHECK (until_us IS NULL OR until_us >= from_us)
);

-- The conditions taken together: disjoint spans in which presence counts.
CREATE TABLE watch_spans (
  discord_server_id BIGINT NOT NULL REFERENCES servers,
  from_us           BIGINT NOT NULL,
  until_us          BIGINT NOT NULL,
  PRIMARY KEY (discord_server_id, from_us),
  CHECK (until_us > from_us)
);

-- Up to which moment a server's presence has been turned into watch time.
CREATE TABLE watch_settlements (
  discord_server_id BIGINT NOT NULL REFERENCES servers,
  settled_until     BIGINT NOT NULL,
  PRIMARY KEY (discord_server_id)
);
