-- A message may have buttons that open an address (a JSON list; empty: none), or be a named post's turn.
ALTER TABLE outbox ADD COLUMN buttons TEXT NOT NULL DEFAULT '';
ALTER TABLE outbox ADD COLUMN post TEXT NOT NULL DEFAULT '';

-- Messages in Discord that are changed where they stand (src/bot/posts). Class T.
CREATE TABLE posts (
  discord_server_id INTEGER NOT NULL REFERENCES servers,
  name              TEXT    NOT NULL,
  channel_id        TEXT    NOT NULL,
  text              TEXT    NOT NULL,
  buttons           TEXT    NOT NULL,
  -- Counts what was put; what was sent is compared with it.
  version           INTEGER NOT NULL,
  -- Discord's; empty: not sent yet.
  message_id        TEXT    NOT NULL,
  PRIMARY KEY (discord_server_id, name)
) STRICT, WITHOUT ROWID;
