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

-- Streams as they were announced, or heard of (src/features/alerts). Class T.
CREATE TABLE live_alerts (
  discord_server_id BIGINT NOT NULL REFERENCES servers,
  platform          TEXT COLLATE "C" NOT NULL,
  platform_user_id  TEXT COLLATE "C" NOT NULL,
  started_at        BIGINT NOT NULL,
  -- When it was restarted last.
  latest_start      BIGINT NOT NULL,
  -- When it was last heard to be live.
  heard_at          BIGINT NOT NULL,
  ended_at          BIGINT,
  streamer          TEXT COLLATE "C" NOT NULL,
  channel           TEXT COLLATE "C" NOT NULL,
  title             TEXT COLLATE "C" NOT NULL,
  category          TEXT COLLATE "C" NOT NULL,
  PRIMARY KEY (discord_server_id, platform, platform_user_id, started_at)
);
