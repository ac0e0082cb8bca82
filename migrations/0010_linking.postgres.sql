-- Members link their stream accounts themselves (src/features/linking): what they were given an address for, who tried
-- to link what is another's, and accounts that are to move from one member to another. All of class T.

-- A direct message has a channel where its member is mentioned if he takes none; whom such a mention pings.
ALTER TABLE outbox ADD COLUMN fallback TEXT COLLATE "C" NOT NULL DEFAULT '';
ALTER TABLE outbox ADD COLUMN pings TEXT COLLATE "C" NOT NULL DEFAULT '';

-- The newest of each member: the one before is of no use any more.
CREATE TABLE link_requests (
  discord_server_id BIGINT NOT NULL REFERENCES servers,
  platform          TEXT COLLATE "C" NOT NULL,
  member_id         TEXT COLLATE "C" NOT NULL,
  -- As people see him, which he may choose, and by what Discord tells him from everybody else.
  member_name       TEXT COLLATE "C" NOT NULL,
  member_handle     TEXT COLLATE "C" NOT NULL,
  -- Where he asked for it: Discord's channel.
  place_id          TEXT COLLATE "C" NOT NULL,
  key_hash          TEXT COLLATE "C" NOT NULL,
  made_at           BIGINT NOT NULL,
  -- Of the browser that opened it first; empty: none did.
  browser_hash      TEXT COLLATE "C" NOT NULL,
  -- What he has proved to be his, and when.
  account_id        TEXT COLLATE "C" NOT NULL,
  account_name      TEXT COLLATE "C" NOT NULL,
  proved_at         BIGINT,
  -- What it came to (features/linking/linking.h); empty: nothing yet.
  step              TEXT COLLATE "C" NOT NULL,
  step_until        BIGINT,
  PRIMARY KEY (discord_server_id, platform, member_id)
);

CREATE TABLE link_attempts (
  discord_server_id BIGINT NOT NULL REFERENCES servers,
  platform          TEXT COLLATE "C" NOT NULL,
  account_hash      TEXT COLLATE "C" NOT NULL,
  attempted_at      BIGINT NOT NULL,
  member_id         TEXT COLLATE "C" NOT NULL,
  PRIMARY KEY (discord_server_id, platform, account_hash, attempted_at, member_id)
);

CREATE TABLE link_moves (
  discord_server_id BIGINT NOT NULL REFERENCES servers,
  move_id           BIGINT NOT NULL,
  platform          TEXT COLLATE "C" NOT NULL,
  account_id        TEXT COLLATE "C" NOT NULL,
  account_name      TEXT COLLATE "C" NOT NULL,
  -- From whom and to whom; Discord's users.
  holder_id         TEXT COLLATE "C" NOT NULL,
  wanted_by         TEXT COLLATE "C" NOT NULL,
  wanted_by_name    TEXT COLLATE "C" NOT NULL,
  place_id          TEXT COLLATE "C" NOT NULL,
  asked_at          BIGINT NOT NULL,
  due_at            BIGINT NOT NULL,
  state             TEXT COLLATE "C" NOT NULL CHECK (state IN ('open', 'moved', 'objected', 'ended')),
  ended_at          BIGINT,
  PRIMARY KEY (discord_server_id, move_id)
);
CREATE UNIQUE INDEX link_moves_open ON link_moves (discord_server_id, platform, account_id) WHERE state = 'open';
CREATE INDEX link_moves_due ON link_moves (discord_server_id, due_at) WHERE state = 'open';
CREATE INDEX link_moves_account ON link_moves (discord_server_id, platform, account_id, ended_at);

-- What somebody was linked to before.
CREATE INDEX links_member ON links (discord_server_id, to_person_id);
