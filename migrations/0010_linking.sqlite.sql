-- Members link their stream accounts themselves (src/features/linking): what they were given an address for, who tried
-- to link what is another's, and accounts that are to move from one member to another. All of class T.

-- A direct message has a channel where its member is mentioned if he takes none; whom such a mention pings.
ALTER TABLE outbox ADD COLUMN fallback TEXT NOT NULL DEFAULT '';
ALTER TABLE outbox ADD COLUMN pings TEXT NOT NULL DEFAULT '';

-- The newest of each member: the one before is of no use any more.
CREATE TABLE link_requests (
  discord_server_id INTEGER NOT NULL REFERENCES servers,
  platform          TEXT    NOT NULL,
  member_id         TEXT    NOT NULL,
  -- As people see him, which he may choose, and by what Discord tells him from everybody else.
  member_name       TEXT    NOT NULL,
  member_handle     TEXT    NOT NULL,
  -- Where he asked for it: Discord's channel.
  place_id          TEXT    NOT NULL,
  key_hash          TEXT    NOT NULL,
  made_at           INTEGER NOT NULL,
  -- Of the browser that opened it first; empty: none did.
  browser_hash      TEXT    NOT NULL,
  -- What he has proved to be his, and when.
  account_id        TEXT    NOT NULL,
  account_name      TEXT    NOT NULL,
  proved_at         INTEGER,
  -- What it came to (features/linking/linking.h); empty: nothing yet.
  step              TEXT    NOT NULL,
  step_until        INTEGER,
  PRIMARY KEY (discord_server_id, platform, member_id)
) STRICT, WITHOUT ROWID;

CREATE TABLE link_attempts (
  discord_server_id INTEGER NOT NULL REFERENCES servers,
  platform          TEXT    NOT NULL,
  account_hash      TEXT    NOT NULL,
  attempted_at      INTEGER NOT NULL,
  member_id         TEXT    NOT NULL,
  PRIMARY KEY (discord_server_id, platform, account_hash, attempted_at, member_id)
) STRICT, WITHOUT ROWID;

CREATE TABLE link_moves (
  discord_server_id INTEGER NOT NULL REFERENCES servers,
  move_id           INTEGER NOT NULL,
  platform          TEXT    NOT NULL,
  account_id        TEXT    NOT NULL,
  account_name      TEXT    NOT NULL,
  -- From whom and to whom; Discord's users.
  holder_id         TEXT    NOT NULL,
  wanted_by         TEXT    NOT NULL,
  wanted_by_name    TEXT    NOT NULL,
  place_id          TEXT    NOT NULL,
  asked_at          INTEGER NOT NULL,
  due_at            INTEGER NOT NULL,
  state             TEXT    NOT NULL CHECK (state IN ('open', 'moved', 'objected', 'ended')),
  ended_at          INTEGER,
  PRIMARY KEY (discord_server_id, move_id)
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX link_moves_open ON link_moves (discord_server_id, platform, account_id) WHERE state = 'open';
CREATE INDEX link_moves_due ON link_moves (discord_server_id, due_at) WHERE state = 'open';
CREATE INDEX link_moves_account ON link_moves (discord_server_id, platform, account_id, ended_at);

-- What somebody was linked to before.
CREATE INDEX links_member ON links (discord_server_id, to_person_id);
