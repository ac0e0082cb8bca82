-- The tables that every feature stands on.
--
-- Classes (src/tenancy/table.h): R the registry of servers; T a server's rows, tenant column first in
-- every key; C children of a T row; G tables that belong to no server.
-- Times are UTC microseconds, text is compared bytewise. No triggers, no defaults on the tenant column, no NULL in it.

-- R ------------------------------------------------------------------------------------------------
CREATE TABLE servers (
  discord_server_id BIGINT PRIMARY KEY NOT NULL CHECK (discord_server_id <> 0),
  name              TEXT COLLATE "C" NOT NULL,
  state             TEXT COLLATE "C" NOT NULL CHECK (state IN ('active', 'inactive')),
  joined_at         BIGINT NOT NULL,
  left_at           BIGINT,
  -- Grows with every change made beside the bot's own loops (the command line), so that they notice.
  revision          BIGINT NOT NULL
);

-- T: people ----------------------------------------------------------------------------------------
-- The last number given out, per server and kind of thing: what one server does never shows in
-- another's numbers.
CREATE TABLE counters (
  discord_server_id BIGINT NOT NULL REFERENCES servers,
  kind              TEXT COLLATE "C" NOT NULL,
  last              BIGINT NOT NULL,
  PRIMARY KEY (discord_server_id, kind)
);

CREATE TABLE persons (
  discord_server_id BIGINT NOT NULL REFERENCES servers,
  person_id         BIGINT NOT NULL,
  display_name      TEXT COLLATE "C" NOT NULL,
  created_at        BIGINT NOT NULL,
  PRIMARY KEY (discord_server_id, person_id)
);

-- Who a platform's user is here. home_person_id is the person that the identity was born with; while
-- the two differ, the identity is linked. A platform_user_id 'name:FOLDED' is provisional: known by
-- name only, until the platform tells the number.
CREATE TABLE identities (
  discord_server_id BIGINT NOT NULL,
  platform          TEXT COLLATE "C" NOT NULL CHECK (platform IN ('discord', 'kick')),
  platform_user_id  TEXT COLLATE "C" NOT NULL,
  person_id         BIGINT NOT NULL,
  home_person_id    BIGINT NOT NULL,
  name              TEXT COLLATE "C" NOT NULL,
  folded_name       TEXT COLLATE "C" NOT NULL,
  first_seen_at     BIGINT NOT NULL,
  PRIMARY KEY (discord_server_id, platform, platform_user_id),
  FOREIGN KEY (discord_server_id, person_id) REFERENCES persons (discord_server_id, person_id),
  FOREIGN KEY (discord_server_id, home_person_id) REFERENCES persons (discord_server_id, person_id)
);
CREATE INDEX identities_person ON identities (discord_server_id, person_id);
CREATE INDEX identities_name ON identities (discord_server_id, platform, folded_name);

-- A link and what it moved from the viewer's own person to the member's, so that it can be undone.
CREATE TABLE links (
  discord_server_id BIGINT NOT NULL,
  link_id           BIGINT NOT NULL,
  platform          TEXT COLLATE "C" NOT NULL,
  from_person_id    BIGINT NOT NULL,
  to_person_id      BIGINT NOT NULL,
  moved_points        BIGINT NOT NULL,
  moved_watched_us    BIGINT NOT NULL,
  moved_subscribed_us BIGINT NOT NULL,
  made_at           BIGINT NOT NULL,
  made_by           TEXT COLLATE "C" NOT NULL,
  undone_at         BIGINT,
  undone_by         TEXT COLLATE "C",
  PRIMARY KEY (discord_server_id, link_id),
  FOREIGN KEY (discord_server_id, from_person_id) REFERENCES persons (discord_server_id, person_id),
  FOREIGN KEY (discord_server_id, to_person_id) REFERENCES persons (discord_server_id, person_id)
);
CREATE UNIQUE INDEX links_open ON links (discord_server_id, from_person_id) WHERE undone_at IS NULL;

-- T: money-like values -----------------------------------------------------------------------------
-- One row per holder and unit. entries counts the ledger's rows of the holder.
CREATE TABLE balances (
  discord_server_id BIGINT NOT NULL REFERENCES servers,
  unit              TEXT COLLATE "C" NOT NULL,
  holder_id         BIGINT NOT NULL,
  balance           BIGINT NOT NULL CHECK (balance >= 0),
  total_credited    BIGINT NOT NULL CHECK (total_credited >= 0),
  total_debited     BIGINT NOT NULL CHECK (total_debited >= 0),
  entries           BIGINT NOT NULL,
  updated_at        BIGINT NOT NULL,
  PRIMARY KEY (discord_server_id, unit, holder_id),
  CHECK (balance = total_credited - total_debited)
);
CREATE INDEX balances_ranking ON balances (discord_server_id, unit, balance DESC, holder_id);

CREATE TABLE ledger (
  discord_server_id BIGINT NOT NULL,
  unit              TEXT COLLATE "C" NOT NULL,
  holder_id         BIGINT NOT NULL,
  entry_no          BIGINT NOT NULL,
  amount            BIGINT NOT NULL CHECK (amount <> 0),
  balance_after     BIGINT NOT NULL CHECK (balance_after >= 0),
  kind              TEXT COLLATE "C" NOT NULL,
  operation_id      TEXT COLLATE "C" NOT NULL,
  line              BIGINT NOT NULL,
  reason            TEXT COLLATE "C" NOT NULL,
  actor             TEXT COLLATE "C" NOT NULL,
  created_at        BIGINT NOT NULL,
  PRIMARY KEY (discord_server_id, unit, holder_id, entry_no),
  FOREIGN KEY (discord_server_id, unit, holder_id) REFERENCES balances (discord_server_id, unit, holder_id)
);
CREATE UNIQUE INDEX ledger_operation ON ledger (discord_server_id, operation_id, line);
CREATE INDEX ledger_time ON ledger (discord_server_id, unit, created_at);

-- Entries on their way into the ledger within one transaction; empty between transactions.
CREATE TABLE ledger_postings (
  discord_server_id BIGINT NOT NULL REFERENCES servers,
  unit              TEXT COLLATE "C" NOT NULL,
  holder_id         BIGINT NOT NULL,
  amount            BIGINT NOT NULL CHECK (amount > 0),
  kind              TEXT COLLATE "C" NOT NULL,
  operation_id      TEXT COLLATE "C" NOT NULL,
  reason            TEXT COLLATE "C" NOT NULL,
  PRIMARY KEY (discord_server_id, unit, holder_id)
);

-- T: minutes ---------------------------------------------------------------------------------------
-- Settled watch time. subscribed_us is the part of watched_us that was watched as a subscriber.
CREATE TABLE watchtime (
  discord_server_id BIGINT NOT NULL,
  person_id         BIGINT NOT NULL,
  watched_us        BIGINT NOT NULL CHECK (watched_us >= 0),
  subscribed_us     BIGINT NOT NULL CHECK (subscribed_us >= 0 AND subscribed_us <= watched_us),
  last_active_at    BIGINT NOT NULL,
  updated_at        BIGINT NOT NULL,
  PRIMARY KEY (discord_server_id, person_id),
  FOREIGN KEY (discord_server_id, person_id) REFERENCES persons (discord_server_id, person_id)
);
CREATE INDEX watchtime_ranking ON watchtime (discord_server_id, watched_us DESC, person_id);
CREATE INDEX watchtime_updated ON watchtime (discord_server_id, updated_at);

-- T: settings, jobs, messages to the outside, traces of what people did ------------------------------
CREATE TABLE settings (
  discord_server_id BIGINT NOT NULL REFERENCES servers,
  key               TEXT COLLATE "C" NOT NULL,
  value             TEXT COLLATE "C" NOT NULL,
  updated_at        BIGINT NOT NULL,
  PRIMARY KEY (discord_server_id, key)
);

CREATE TABLE jobs (
  discord_server_id BIGINT NOT NULL REFERENCES servers,
  kind              TEXT COLLATE "C" NOT NULL,
  due_at            BIGINT NOT NULL,
  lease_until       BIGINT NOT NULL,
  attempts          BIGINT NOT NULL,
  last_success_at   BIGINT,
  last_error        TEXT COLLATE "C",
  PRIMARY KEY (discord_server_id, kind)
);
CREATE INDEX jobs_due ON jobs (discord_server_id, due_at);

CREATE TABLE outbox (
  discord_server_id BIGINT NOT NULL REFERENCES servers,
  destination       TEXT COLLATE "C" NOT NULL,
  sequence          BIGINT NOT NULL,
  body              TEXT COLLATE "C" NOT NULL,
  nonce             TEXT COLLATE "C" NOT NULL,
  created_at        BIGINT NOT NULL,
  expires_at        BIGINT NOT NULL,
  lease_until       BIGINT NOT NULL,
  attempts          BIGINT NOT NULL,
  PRIMARY KEY (discord_server_id, destination, sequence)
);

CREATE TABLE audit_log (
  discord_server_id BIGINT NOT NULL REFERENCES servers,
  entry_id          BIGINT NOT NULL,
  at                BIGINT NOT NULL,
  actor             TEXT COLLATE "C" NOT NULL,
  door              TEXT COLLATE "C" NOT NULL,
  action            TEXT COLLATE "C" NOT NULL,
  subject           TEXT COLLATE "C" NOT NULL,
  before            TEXT COLLATE "C",
  after             TEXT COLLATE "C",
  PRIMARY KEY (discord_server_id, entry_id)
);

-- What happened lately, for the dashboard. An event that comes twice is noted once.
CREATE TABLE activity (
  discord_server_id BIGINT NOT NULL REFERENCES servers,
  activity_id       BIGINT NOT NULL,
  at                BIGINT NOT NULL,
  kind              TEXT COLLATE "C" NOT NULL,
  name              TEXT COLLATE "C" NOT NULL,
  amount            BIGINT,
  operation_id      TEXT COLLATE "C" NOT NULL,
  PRIMARY KEY (discord_server_id, activity_id)
);
CREATE UNIQUE INDEX activity_operation ON activity (discord_server_id, operation_id);

-- G ------------------------------------------------------------------------------------------------
CREATE TABLE setting_defaults (
  key        TEXT COLLATE "C" PRIMARY KEY,
  value      TEXT COLLATE "C" NOT NULL,
  updated_at BIGINT NOT NULL
);

-- A streamer's own channel, whatever servers listen to it. Tokens are sealed (src/base/secrets.h).
CREATE TABLE channels (
  platform          TEXT COLLATE "C" NOT NULL CHECK (platform IN ('kick')),
  platform_user_id  TEXT COLLATE "C" NOT NULL,
  slug              TEXT COLLATE "C" NOT NULL,
  name              TEXT COLLATE "C" NOT NULL,
  live              TEXT COLLATE "C" NOT NULL CHECK (live IN ('unknown', 'live', 'offline')),
  live_since        BIGINT,
  access_token      BYTEA,
  refresh_token     BYTEA,
  token_expires_at  BIGINT,
  token_state       TEXT COLLATE "C" NOT NULL CHECK (token_state IN ('none', 'connected', 'needs_reauth')),
  updated_at        BIGINT NOT NULL,
  PRIMARY KEY (platform, platform_user_id)
);

-- Which servers a channel feeds: the routing directory.
CREATE TABLE channel_bindings (
  platform          TEXT COLLATE "C" NOT NULL,
  platform_user_id  TEXT COLLATE "C" NOT NULL,
  bound_server_id   BIGINT NOT NULL REFERENCES servers,
  PRIMARY KEY (platform, platform_user_id, bound_server_id),
  FOREIGN KEY (platform, platform_user_id) REFERENCES channels (platform, platform_user_id)
);
CREATE UNIQUE INDEX channel_bindings_server ON channel_bindings (bound_server_id, platform);

CREATE TABLE sessions (
  session_hash TEXT COLLATE "C" PRIMARY KEY,
  principal    TEXT COLLATE "C" NOT NULL,
  csrf_token   TEXT COLLATE "C" NOT NULL,
  created_at   BIGINT NOT NULL,
  seen_at      BIGINT NOT NULL
);

CREATE TABLE login_codes (
  code_hash  TEXT COLLATE "C" PRIMARY KEY,
  created_at BIGINT NOT NULL,
  used_at    BIGINT
);

CREATE TABLE oauth_states (
  state_hash   TEXT COLLATE "C" PRIMARY KEY,
  session_hash TEXT COLLATE "C" NOT NULL,
  verifier     TEXT COLLATE "C" NOT NULL,
  server_id    BIGINT NOT NULL,
  created_at   BIGINT NOT NULL
);

-- What the process must remember between starts: gateway session, identify budget, command hash.
CREATE TABLE process_state (
  key   TEXT COLLATE "C" PRIMARY KEY,
  value TEXT COLLATE "C" NOT NULL
);

-- What the operator did that concerns no single server.
CREATE TABLE operator_log (
  entry_id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  at       BIGINT NOT NULL,
  actor    TEXT COLLATE "C" NOT NULL,
  action   TEXT COLLATE "C" NOT NULL,
  subject  TEXT COLLATE "C" NOT NULL,
  before   TEXT COLLATE "C",
  after    TEXT COLLATE "C"
);

-- Every opening of the cross-server door, summed per day and purpose.
CREATE TABLE cross_server_log (
  day     TEXT COLLATE "C" NOT NULL,
  purpose TEXT COLLATE "C" NOT NULL,
  runs    BIGINT NOT NULL,
  last_at BIGINT NOT NULL,
  PRIMARY KEY (day, purpose)
);
