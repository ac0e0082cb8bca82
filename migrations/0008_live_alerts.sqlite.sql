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

-- Streams as they were announced, or heard of (src/features/alerts). Class T.
CREATE TABLE live_alerts (
  discord_server_id INTEGER NOT NULL REFERENCES servers,
  platform          TEXT    NOT NULL,
  platform_user_id  TEXT    NOT NULL,
  started_at        INTEGER NOT NULL,
  -- When it was restarted last.
  latest_start      INTEGER NOT NULL,
  -- When it was last heard to be live.
  heard_at          INTEGER NOT NULL,
  ended_at          INTEGER,
  streamer          TEXT    NOT NULL,
  channel           TEXT    NOT NULL,
  title             TEXT    NOT NULL,
  category          TEXT    NOT NULL,
  PRIMARY KEY (discord_server_id, platform, platform_user_id, started_at)
) STRICT, WITHOUT ROWID;
