-- A message may have buttons that open an address (a JSON list; empty: none), or be a named post's turn.
ALTER TABLE outbox ADD COLUMN buttons TEXT COLLATE "C" NOT NULL DEFAULT '';
ALTER TABLE outbox ADD COLUMN post TEXT COLLATE "C" NOT NULL DEFAULT '';

-- Messages in Discord that are changed where they stand (src/bot/posts). Class T.
CREATE TABLE posts (
  discord_server_id BIGINT NOT NULL REFERENCES servers,
  name              TEXT COLLATE "C" NOT NULL,
  channel_id        TEXT COLLATE "C" NOT NULL,
  text              TEXT COLLATE "C" NOT NULL,
  buttons           TEXT COLLATE "C" NOT NULL,
  -- Counts what was put; what was sent is compared with it.
  version           BIGINT NOT NULL,
  -- Discord's; empty: not sent yet.
  message_id        TEXT COLLATE "C" NOT NULL,
  PRIMARY KEY (discord_server_id, name)
);
