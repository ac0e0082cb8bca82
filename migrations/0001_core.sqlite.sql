-- The tables that every feature stands on.
--
-- Classes (src/tenancy/table.h): R the registry of servers; T a server's rows, tenant column first in
-- every key; C children of a T row; G tables that belong to no server.
-- Times are UTC microseconds. No triggers, no defaults on the tenant column, no NULL in it.

-- R ------------------------------------------------------------------------------------------------
CREATE TABLE servers (
  discord_server_id INTEGER PRIMARY KEY NOT NULL CHECK (discord_server_id <> 0),
  name              TEXT    NOT NULL,
  state             TEXT    NOT NULL CHECK (state IN ('active', 'inactive')),
  joined_at         INTEGER NOT NULL,
  left_at           INTEGER,
  -- Grows with every change made beside the bot's own loops (the command line), so that they notice.
  revision          INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- T: people ----------------------------------------------------------------------------------------
-- The last number given out, per server and kind of thing: what one server does never shows in
-- another's numbers.
CREATE TABLE counters (
  discord_server_id INTEGER NOT NULL REFERENCES servers,
  kind              TEXT    NOT NULL,
  last              INTEGER NOT NULL,
  PRIMARY KEY (discord_server_id, kind)
) STRICT, WITHOUT ROWID;

CREATE TABLE persons (
  discord_server_id INTEGER NOT NULL REFERENCES servers,
  person_id         INTEGER NOT NULL,
  display_name      TEXT    NOT NULL,
  created_at        INTEGER NOT NULL,
  PRIMARY KEY (discord_server_id, person_id)
) STRICT, WITHOUT ROWID;

-- Who a platform's user is here. home_person_id is the person that the identity was born with; while
-- the two differ, the identity is linked. A platform_user_id 'name:FOLDED' is provisional: known by
-- name only, until the platform tells the number.
CREATE TABLE identities (
  discord_server_id INTEGER NOT NULL,
  platform          TEXT    NOT NULL CHECK (platform IN ('discord', 'kick')),
  platform_user_id  TEXT    NOT NULL,
  person_id         INTEGER NOT NULL,
  home_person_id    INTEGER NOT NULL,
  name              TEXT    NOT NULL,
  folded_name       TEXT    NOT NULL,
  first_seen_at     INTEGER NOT NULL,
  PRIMARY KEY (discord_server_id, platform, platform_user_id),
  FOREIGN KEY (discord_server_id, person_id) REFERENCES persons (discord_server_id, person_id),
  FOREIGN KEY (discord_server_id, home_person_id) REFERENCES persons (discord_server_id, person_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX identities_person ON identities (discord_server_id, person_id);
CREATE INDEX identities_name ON identities (discord_server_id, platform, folded_name);

-- A link and what it moved from the viewer's own person to the member's, so that it can be undone.
CREATE TABLE links (
  discord_server_id INTEGER NOT NULL,
  link_id           INTEGER NOT NULL,
  platform          TEXT    NOT NULL,
  from_person_id    INTEGER NOT NULL,
  to_person_id      INTEGER NOT NULL,
  moved_points        INTEGER NOT NULL,
  moved_watched_us    INTEGER NOT NULL,
  moved_subscribed_us INTEGER NOT NULL,
  made_at           INTEGER NOT NULL,
  made_by           TEXT    NOT NULL,
  undone_at         INTEGER,
  undone_by         TEXT,
  PRIMARY KEY (discord_server_id, link_id),
  FOREIGN KEY (discord_server_id, from_person_id) REFERENCES persons (discord_server_id, person_id),
  FOREIGN KEY (discord_server_id, to_person_id) REFERENCES persons (discord_server_id, person_id)
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX links_open ON links (discord_server_id, from_person_id) WHERE undone_at IS NULL;

-- T: money-like values -----------------------------------------------------------------------------
-- One row per holder and unit. entries counts the ledger's rows of the holder.
CREATE TABLE balances (
  discord_server_id INTEGER NOT NULL REFERENCES servers,
  unit              TEXT    NOT NULL,
  holder_id         INTEGER NOT NULL,
  balance           INTEGER NOT NULL CHECK (balance >= 0),
  total_credited    INTEGER NOT NULL CHECK (total_credited >= 0),
  total_debited     INTEGER NOT NULL CHECK (total_debited >= 0),
  entries           INTEGER NOT NULL,
  updated_at        INTEGER NOT NULL,
  PRIMARY KEY (discord_server_id, unit, holder_id),
  CHECK (balance = total_credited - total_debited)
) STRICT, WITHOUT ROWID;
CREATE INDEX balances_ranking ON balances (discord_server_id, unit, balance DESC, holder_id);

CREATE TABLE ledger (
  discord_server_id INTEGER NOT NULL,
  unit              TEXT    NOT NULL,
  holder_id         INTEGER NOT NULL,
  entry_no          INTEGER NOT NULL,
  amount            INTEGER NOT NULL CHECK (amount <> 0),
  balance_after     INTEGER NOT NULL CHECK (balance_after >= 0),
  kind              TEXT    NOT NULL,
  operation_id      TEXT    NOT NULL,
  line              INTEGER NOT NULL,
  reason            TEXT    NOT NULL,
  actor             TEXT    NOT NULL,
  created_at        INTEGER NOT NULL,
  PRIMARY KEY (discord_server_id, unit, holder_id, entry_no),
  FOREIGN KEY (discord_server_id, unit, holder_id) REFERENCES balances (discord_server_id, unit, holder_id)
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX ledger_operation ON ledger (discord_server_id, operation_id, line);
CREATE INDEX ledger_time ON ledger (discord_server_id, unit, created_at);

-- Entries on their way into the ledger within one transaction; empty between transactions.
CREATE TABLE ledger_postings (
  discord_server_id INTEGER NOT NULL REFERENCES servers,
  unit              TEXT    NOT NULL,
  holder_id         INTEGER NOT NULL,
  amount            INTEGER NOT NULL CHECK (amount > 0),
  kind              TEXT    NOT NULL,
  operation_id      TEXT    NOT NULL,
  reason            TEXT    NOT NULL,
  PRIMARY KEY (discord_server_id, unit, holder_id)
) STRICT, WITHOUT ROWID;

-- T: minutes ---------------------------------------------------------------------------------------
-- Settled watch time. subscribed_us is the part of watched_us that was watched as a subscriber.
CREATE TABLE watchtime (
  discord_server_id INTEGER NOT NULL,
  person_id         INTEGER NOT NULL,
  watched_us        INTEGER NOT NULL CHECK (watched_us >= 0),
  subscribed_us     INTEGER NOT NULL CHECK (subscribed_us >= 0 AND subscribed_us <= watched_us),
  last_active_at    INTEGER NOT NULL,
  updated_at        INTEGER NOT NULL,
  PRIMARY KEY (discord_server_id, person_id),
  FOREIGN KEY (discord_server_id, person_id) REFERENCES persons (discord_server_id, person_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX watchtime_ranking ON watchtime (discord_server_id, watched_us DESC, person_id);
CREATE INDEX watchtime_updated ON watchtime (discord_server_id, updated_at);

-- T: settings, jobs, messages to the outside, traces of what people did ------------------------------
CREATE TABLE settings (
  discord_server_id INTEGER NOT NULL REFERENCES servers,
  key               TEXT    NOT NULL,
  value             TEXT    NOT NULL,
  updated_at        INTEGER NOT NULL,
  PRIMARY KEY (discord_server_id, key)
) STRICT, WITHOUT ROWID;

CREATE TABLE jobs (
  discord_server_id INTEGER NOT NULL REFERENCES servers,
  kind              TEXT    NOT NULL,
  due_at            INTEGER NOT NULL,
  lease_until       INTEGER NOT NULL,
  attempts          INTEGER NOT NULL,
  last_success_at   INTEGER,
  last_error        TEXT,
  PRIMARY KEY (discord_server_id, kind)
) STRICT, WITHOUT ROWID;
CREATE INDEX jobs_due ON jobs (discord_server_id, due_at);

CREATE TABLE outbox (
  discord_server_id INTEGER NOT NULL REFERENCES servers,
  destination       TEXT    NOT NULL,
  sequence          INTEGER NOT NULL,
  body              TEXT    NOT NULL,
  nonce             TEXT    NOT NULL,
  created_at        INTEGER NOT NULL,
  expires_at        INTEGER NOT NULL,
  lease_until       INTEGER NOT NULL,
  attempts          INTEGER NOT NULL,
  PRIMARY KEY (discord_server_id, destination, sequence)
) STRICT, WITHOUT ROWID;

CREATE TABLE audit_log (
  discord_server_id INTEGER NOT NULL REFERENCES servers,
  entry_id          INTEGER NOT NULL,
  at                INTEGER NOT NULL,
  actor             TEXT    NOT NULL,
  door              TEXT    NOT NULL,
  action            TEXT    NOT NULL,
  subject           TEXT    NOT NULL,
  before            TEXT,
  after             TEXT,
  PRIMARY KEY (discord_server_id, entry_id)
) STRICT, WITHOUT ROWID;

-- What happened lately, for the dashboard. An event that comes twice is noted once.
CREATE TABLE activity (
  discord_server_id INTEGER NOT NULL REFERENCES servers,
  activity_id       INTEGER NOT NULL,
  at                INTEGER NOT NULL,
  kind              TEXT    NOT NULL,
  name              TEXT    NOT NULL,
  amount            INTEGER,
  operation_id      TEXT    NOT NULL,
  PRIMARY KEY (discord_server_id, activity_id)
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX activity_operation ON activity (discord_server_id, operation_id);

-- G ------------------------------------------------------------------------------------------------
CREATE TABLE setting_defaults (
  key        TEXT    PRIMARY KEY,
  value      TEXT    NOT NULL,
  updated_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- A streamer's own channel, whatever servers listen to it. Tokens are sealed (src/base/secrets.h).
CREATE TABLE channels (
  platform          TEXT    NOT NULL CHECK (platform IN ('kick')),
  platform_user_id  TEXT    NOT NULL,
  slug              TEXT    NOT NULL,
  name              TEXT    NOT NULL,
  live              TEXT    NOT NULL CHECK (live IN ('unknown', 'live', 'offline')),
  live_since        INTEGER,
  access_token      BLOB,
  refresh_token     BLOB,
  token_expires_at  INTEGER,
  token_state       TEXT    NOT NULL CHECK (token_state IN ('none', 'connected', 'needs_reauth')),
  updated_at        INTEGER NOT NULL,
  PRIMARY KEY (platform, platform_user_id)
) STRICT, WITHOUT ROWID;

-- Which servers a channel feeds: the routing directory.
CREATE TABLE channel_bindings (
  platform          TEXT    NOT NULL,
  platform_user_id  TEXT    NOT NULL,
  bound_server_id   INTEGER NOT NULL REFERENCES servers,
  PRIMARY KEY (platform, platform_user_id, bound_server_id),
  FOREIGN KEY (platform, platform_user_id) REFERENCES channels (platform, platform_user_id)
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX channel_bindings_server ON channel_bindings (bound_server_id, platform);

CREATE TABLE sessions (
  session_hash TEXT    PRIMARY KEY,
  principal    TEXT    NOT NULL,
  csrf_token   TEXT    NOT NULL,
  created_at   INTEGER NOT NULL,
  seen_at      INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE login_codes (
  code_hash  TEXT    PRIMARY KEY,
  created_at INTEGER NOT NULL,
  used_at    INTEGER
) STRICT, WITHOUT ROWID;

CREATE TABLE oauth_states (
  state_hash   TEXT    PRIMARY KEY,
  session_hash TEXT    NOT NULL,
  verifier     TEXT    NOT NULL,
  server_id    INTEGER NOT NULL,
  created_at   INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- What the process must remember between starts: gateway session, identify budget, command hash.
CREATE TABLE process_state (
  key   TEXT PRIMARY KEY,
  value TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- What the operator did that concerns no single server.
CREATE TABLE operator_log (
  entry_id INTEGER PRIMARY KEY,
  at       INTEGER NOT NULL,
  actor    TEXT    NOT NULL,
  action   TEXT    NOT NULL,
  subject  TEXT    NOT NULL,
  before   TEXT,
  after    TEXT
) STRICT;

-- Every opening of the cross-server door, summed per day and purpose.
CREATE TABLE cross_server_log (
  day     TEXT    NOT NULL,
  purpose TEXT    NOT NULL,
  runs    INTEGER NOT NULL,
  last_at INTEGER NOT NULL,
  PRIMARY KEY (day, purpose)
) STRICT, WITHOUT ROWID;
