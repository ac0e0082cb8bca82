PRAGMA foreign_keys=OFF;
BEGIN TRANSACTION;
CREATE TABLE server_marker (discord_server_id INTEGER PRIMARY KEY NOT NULL CHECK (discord_server_id = 763742595502411757)) STRICT;
INSERT INTO server_marker VALUES(763742595502411757);
CREATE TABLE migration_journal (
  seq                INTEGER PRIMARY KEY,
  name               TEXT    NOT NULL,
  direction          TEXT    NOT NULL CHECK (direction IN ('up', 'down', 'baseline', 'repair')),
  state              TEXT    NOT NULL CHECK (state IN ('started', 'applied', 'failed', 'partial', 'skipped')),
  checksum           TEXT    NOT NULL,
  norm_checksum      TEXT,
  down_checksum      TEXT,
  down_source        TEXT,
  statements_total   INTEGER,
  statements_done    INTEGER,
  started_at         INTEGER NOT NULL,
  applied_at         INTEGER,
  duration_ms        INTEGER,
  applied_by         TEXT    NOT NULL,
  tool_version       TEXT    NOT NULL,
  git_revision       TEXT,
  backup_file        TEXT,
  backup_sha256      TEXT,
  fingerprint_before TEXT,
  fingerprint_after  TEXT,
  lock_token         INTEGER,
  error              TEXT
) STRICT;
INSERT INTO migration_journal VALUES(1,'0001_core','up','applied','6f1f8b86ad713eda133ad650c65bbead1e9197e0a515f71857607a3d14ec00d9',NULL,NULL,NULL,NULL,NULL,1795793841369420,1795793841369420,1,'uid 0 on vm, process 16502','0.1.0',NULL,NULL,NULL,NULL,NULL,NULL,NULL);
INSERT INTO migration_journal VALUES(2,'0002_watchtime','up','applied','f6c05864e636f8fb94dc41fd368054a2a853c16651c553847692f5419989069e',NULL,NULL,NULL,NULL,NULL,1795793841369420,1795793841369420,0,'uid 0 on vm, process 16502','0.1.0',NULL,NULL,NULL,NULL,NULL,NULL,NULL);
INSERT INTO migration_journal VALUES(3,'0003_points','up','applied','5a0cc6bfbba309e854ede014e68af9ed92db13f7541f926eeaca97ee7cac393d',NULL,NULL,NULL,NULL,NULL,1795793841369420,1795793841369420,0,'uid 0 on vm, process 16502','0.1.0',NULL,NULL,NULL,NULL,NULL,NULL,NULL);
CREATE TABLE servers (
  discord_server_id INTEGER PRIMARY KEY NOT NULL CHECK (discord_server_id <> 0),
  name              TEXT    NOT NULL,
  state             TEXT    NOT NULL CHECK (state IN ('active', 'inactive')),
  joined_at         INTEGER NOT NULL,
  left_at           INTEGER,
  -- Grows with every change made beside the bot's own loops (the command line), so that they notice.
  revision          INTEGER NOT NULL
, file_server INTEGER GENERATED ALWAYS AS (763742595502411757) VIRTUAL CHECK (discord_server_id = 763742595502411757)) STRICT, WITHOUT ROWID;
INSERT INTO servers VALUES(763742595502411757,'The Quiet Arcade','active',1795793928336063,NULL,2);
CREATE TABLE counters (
  discord_server_id INTEGER NOT NULL REFERENCES servers,
  kind              TEXT    NOT NULL,
  last              INTEGER NOT NULL, file_server INTEGER GENERATED ALWAYS AS (763742595502411757) VIRTUAL CHECK (discord_server_id = 763742595502411757),
  PRIMARY KEY (discord_server_id, kind)
) STRICT, WITHOUT ROWID;
INSERT INTO counters VALUES(763742595502411757,'activity',4);
INSERT INTO counters VALUES(763742595502411757,'audit',1);
INSERT INTO counters VALUES(763742595502411757,'person',5);
CREATE TABLE persons (
  discord_server_id INTEGER NOT NULL REFERENCES servers,
  person_id         INTEGER NOT NULL,
  display_name      TEXT    NOT NULL,
  created_at        INTEGER NOT NULL, file_server INTEGER GENERATED ALWAYS AS (763742595502411757) VIRTUAL CHECK (discord_server_id = 763742595502411757),
  PRIMARY KEY (discord_server_id, person_id)
) STRICT, WITHOUT ROWID;
INSERT INTO persons VALUES(763742595502411757,1,'moss_badger17',1795794010837983);
INSERT INTO persons VALUES(763742595502411757,2,'MANGO_RAVEN52',1795794290669163);
INSERT INTO persons VALUES(763742595502411757,3,'captain 11',1795794756513483);
INSERT INTO persons VALUES(763742595502411757,4,'night_owl3',1795794982620063);
INSERT INTO persons VALUES(763742595502411757,5,'copper_kettle24',1795794987139623);
CREATE TABLE identities (
  discord_server_id INTEGER NOT NULL,
  platform          TEXT    NOT NULL CHECK (platform IN ('discord', 'kick')),
  platform_user_id  TEXT    NOT NULL,
  person_id         INTEGER NOT NULL,
  home_person_id    INTEGER NOT NULL,
  name              TEXT    NOT NULL,
  folded_name       TEXT    NOT NULL,
  first_seen_at     INTEGER NOT NULL, file_server INTEGER GENERATED ALWAYS AS (763742595502411757) VIRTUAL CHECK (discord_server_id = 763742595502411757),
  PRIMARY KEY (discord_server_id, platform, platform_user_id),
  FOREIGN KEY (discord_server_id, person_id) REFERENCES persons (discord_server_id, person_id),
  FOREIGN KEY (discord_server_id, home_person_id) REFERENCES persons (discord_server_id, person_id)
) STRICT, WITHOUT ROWID;
INSERT INTO identities VALUES(763742595502411757,'discord','759212738986794177',4,4,'night_owl3','night_owl3',1795794982620063);
INSERT INTO identities VALUES(763742595502411757,'discord','759212751280376522',5,5,'copper_kettle24','copper_kettle24',1795794987139623);
INSERT INTO identities VALUES(763742595502411757,'discord','759212902900812105',3,3,'captain 11','captain 11',1795794756513483);
INSERT INTO identities VALUES(763742595502411757,'kick','122517',1,1,'moss_badger17','moss_badger17',1795794010837983);
INSERT INTO identities VALUES(763742595502411757,'kick','122868',2,2,'MANGO_RAVEN52','mango_raven52',1795794290669163);
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
  undone_by         TEXT, file_server INTEGER GENERATED ALWAYS AS (763742595502411757) VIRTUAL CHECK (discord_server_id = 763742595502411757),
  PRIMARY KEY (discord_server_id, link_id),
  FOREIGN KEY (discord_server_id, from_person_id) REFERENCES persons (discord_server_id, person_id),
  FOREIGN KEY (discord_server_id, to_person_id) REFERENCES persons (discord_server_id, person_id)
) STRICT, WITHOUT ROWID;
CREATE TABLE balances (
  discord_server_id INTEGER NOT NULL REFERENCES servers,
  unit              TEXT    NOT NULL,
  holder_id         INTEGER NOT NULL,
  balance           INTEGER NOT NULL CHECK (balance >= 0),
  total_credited    INTEGER NOT NULL CHECK (total_credited >= 0),
  total_debited     INTEGER NOT NULL CHECK (total_debited >= 0),
  entries           INTEGER NOT NULL,
  updated_at        INTEGER NOT NULL, file_server INTEGER GENERATED ALWAYS AS (763742595502411757) VIRTUAL CHECK (discord_server_id = 763742595502411757),
  PRIMARY KEY (discord_server_id, unit, holder_id),
  CHECK (balance = total_credited - total_debited)
) STRICT, WITHOUT ROWID;
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
  created_at        INTEGER NOT NULL, file_server INTEGER GENERATED ALWAYS AS (763742595502411757) VIRTUAL CHECK (discord_server_id = 763742595502411757),
  PRIMARY KEY (discord_server_id, unit, holder_id, entry_no),
  FOREIGN KEY (discord_server_id, unit, holder_id) REFERENCES balances (discord_server_id, unit, holder_id)
) STRICT, WITHOUT ROWID;
CREATE TABLE ledger_postings (
  discord_server_id INTEGER NOT NULL REFERENCES servers,
  unit              TEXT    NOT NULL,
  holder_id         INTEGER NOT NULL,
  amount            INTEGER NOT NULL CHECK (amount > 0),
  kind              TEXT    NOT NULL,
  operation_id      TEXT    NOT NULL,
  reason            TEXT    NOT NULL, file_server INTEGER GENERATED ALWAYS AS (763742595502411757) VIRTUAL CHECK (discord_server_id = 763742595502411757),
  PRIMARY KEY (discord_server_id, unit, holder_id)
) STRICT, WITHOUT ROWID;
CREATE TABLE watchtime (
  discord_server_id INTEGER NOT NULL,
  person_id         INTEGER NOT NULL,
  watched_us        INTEGER NOT NULL CHECK (watched_us >= 0),
  subscribed_us     INTEGER NOT NULL CHECK (subscribed_us >= 0 AND subscribed_us <= watched_us),
  last_active_at    INTEGER NOT NULL,
  updated_at        INTEGER NOT NULL, file_server INTEGER GENERATED ALWAYS AS (763742595502411757) VIRTUAL CHECK (discord_server_id = 763742595502411757),
  PRIMARY KEY (discord_server_id, person_id),
  FOREIGN KEY (discord_server_id, person_id) REFERENCES persons (discord_server_id, person_id)
) STRICT, WITHOUT ROWID;
CREATE TABLE settings (
  discord_server_id INTEGER NOT NULL REFERENCES servers,
  key               TEXT    NOT NULL,
  value             TEXT    NOT NULL,
  updated_at        INTEGER NOT NULL, file_server INTEGER GENERATED ALWAYS AS (763742595502411757) VIRTUAL CHECK (discord_server_id = 763742595502411757),
  PRIMARY KEY (discord_server_id, key)
) STRICT, WITHOUT ROWID;
INSERT INTO settings VALUES(763742595502411757,'kick_channel','pixelmoss',1795793933742003);
CREATE TABLE jobs (
  discord_server_id INTEGER NOT NULL REFERENCES servers,
  kind              TEXT    NOT NULL,
  due_at            INTEGER NOT NULL,
  lease_until       INTEGER NOT NULL,
  attempts          INTEGER NOT NULL,
  last_success_at   INTEGER,
  last_error        TEXT, file_server INTEGER GENERATED ALWAYS AS (763742595502411757) VIRTUAL CHECK (discord_server_id = 763742595502411757),
  PRIMARY KEY (discord_server_id, kind)
) STRICT, WITHOUT ROWID;
CREATE TABLE outbox (
  discord_server_id INTEGER NOT NULL REFERENCES servers,
  destination       TEXT    NOT NULL,
  sequence          INTEGER NOT NULL,
  body              TEXT    NOT NULL,
  nonce             TEXT    NOT NULL,
  created_at        INTEGER NOT NULL,
  expires_at        INTEGER NOT NULL,
  lease_until       INTEGER NOT NULL,
  attempts          INTEGER NOT NULL, file_server INTEGER GENERATED ALWAYS AS (763742595502411757) VIRTUAL CHECK (discord_server_id = 763742595502411757),
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
  after             TEXT, file_server INTEGER GENERATED ALWAYS AS (763742595502411757) VIRTUAL CHECK (discord_server_id = 763742595502411757),
  PRIMARY KEY (discord_server_id, entry_id)
) STRICT, WITHOUT ROWID;
INSERT INTO audit_log VALUES(763742595502411757,1,1795793933742003,'operator','command_line','settings.set','kick_channel',NULL,'pixelmoss');
CREATE TABLE activity (
  discord_server_id INTEGER NOT NULL REFERENCES servers,
  activity_id       INTEGER NOT NULL,
  at                INTEGER NOT NULL,
  kind              TEXT    NOT NULL,
  name              TEXT    NOT NULL,
  amount            INTEGER,
  operation_id      TEXT    NOT NULL, file_server INTEGER GENERATED ALWAYS AS (763742595502411757) VIRTUAL CHECK (discord_server_id = 763742595502411757),
  PRIMARY KEY (discord_server_id, activity_id)
) STRICT, WITHOUT ROWID;
INSERT INTO activity VALUES(763742595502411757,1,1795794300000000,'member_left','moss_badger17 (2)',NULL,'leave:759212747182411757:1795794300000000');
INSERT INTO activity VALUES(763742595502411757,2,1795794720000000,'member_left','pixel_moth10 (1)',NULL,'leave:759212743084955342:1795794720000000');
INSERT INTO activity VALUES(763742595502411757,3,1795794975093003,'member_joined','moss_badger17 (2)',NULL,'join:759212747182411757:1795794975093003');
INSERT INTO activity VALUES(763742595502411757,4,1795795178000000,'stream_live','PixelMoss',NULL,'live:122816:1795795178000000');
CREATE TABLE setting_defaults (
  key        TEXT    PRIMARY KEY,
  value      TEXT    NOT NULL,
  updated_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
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
CREATE TABLE channel_bindings (
  platform          TEXT    NOT NULL,
  platform_user_id  TEXT    NOT NULL,
  bound_server_id   INTEGER NOT NULL REFERENCES servers,
  PRIMARY KEY (platform, platform_user_id, bound_server_id),
  FOREIGN KEY (platform, platform_user_id) REFERENCES channels (platform, platform_user_id)
) STRICT, WITHOUT ROWID;
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
CREATE TABLE process_state (
  key   TEXT PRIMARY KEY,
  value TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE operator_log (
  entry_id INTEGER PRIMARY KEY,
  at       INTEGER NOT NULL,
  actor    TEXT    NOT NULL,
  action   TEXT    NOT NULL,
  subject  TEXT    NOT NULL,
  before   TEXT,
  after    TEXT
) STRICT;
CREATE TABLE cross_server_log (
  day     TEXT    NOT NULL,
  purpose TEXT    NOT NULL,
  runs    INTEGER NOT NULL,
  last_at INTEGER NOT NULL,
  PRIMARY KEY (day, purpose)
) STRICT, WITHOUT ROWID;
CREATE TABLE presence (
  discord_server_id INTEGER NOT NULL,
  person_id         INTEGER NOT NULL,
  at                INTEGER NOT NULL,
  subscriber        INTEGER NOT NULL CHECK (subscriber IN (0, 1)), file_server INTEGER GENERATED ALWAYS AS (763742595502411757) VIRTUAL CHECK (discord_server_id = 763742595502411757),
  PRIMARY KEY (discord_server_id, person_id, at),
  FOREIGN KEY (discord_server_id, person_id) REFERENCES persons (discord_server_id, person_id)
) STRICT, WITHOUT ROWID;
CREATE TABLE watch_conditions (
  discord_server_id INTEGER NOT NULL REFERENCES servers,
  kind              TEXT    NOT NULL CHECK (kind IN ('live', 'chat', 'tracking', 'forced')),
  from_us           INTEGER NOT NULL,
  until_us          INTEGER, file_server INTEGER GENERATED ALWAYS AS (763742595502411757) VIRTUAL CHECK (discord_server_id = 763742595502411757),
  PRIMARY KEY (discord_server_id, kind, from_us),
  CHECK (until_us IS NULL OR until_us >= from_us)
) STRICT, WITHOUT ROWID;
INSERT INTO watch_conditions VALUES(763742595502411757,'live',1795795178000000,NULL);
INSERT INTO watch_conditions VALUES(763742595502411757,'tracking',1795793930489703,NULL);
CREATE TABLE watch_spans (
  discord_server_id INTEGER NOT NULL REFERENCES servers,
  from_us           INTEGER NOT NULL,
  until_us          INTEGER NOT NULL, file_server INTEGER GENERATED ALWAYS AS (763742595502411757) VIRTUAL CHECK (discord_server_id = 763742595502411757),
  PRIMARY KEY (discord_server_id, from_us),
  CHECK (until_us > from_us)
) STRICT, WITHOUT ROWID;
INSERT INTO watch_spans VALUES(763742595502411757,1795795178000000,253402300799000000);
CREATE TABLE watch_settlements (
  discord_server_id INTEGER NOT NULL REFERENCES servers,
  settled_until     INTEGER NOT NULL, file_server INTEGER GENERATED ALWAYS AS (763742595502411757) VIRTUAL CHECK (discord_server_id = 763742595502411757),
  PRIMARY KEY (discord_server_id)
) STRICT, WITHOUT ROWID;
INSERT INTO watch_settlements VALUES(763742595502411757,1795795138531503);
CREATE TABLE point_conversions (
  discord_server_id INTEGER NOT NULL,
  person_id         INTEGER NOT NULL,
  plain_us          INTEGER NOT NULL,
  subscribed_us     INTEGER NOT NULL, file_server INTEGER GENERATED ALWAYS AS (763742595502411757) VIRTUAL CHECK (discord_server_id = 763742595502411757),
  PRIMARY KEY (discord_server_id, person_id),
  FOREIGN KEY (discord_server_id, person_id) REFERENCES persons (discord_server_id, person_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX identities_person ON identities (discord_server_id, person_id);
CREATE INDEX identities_name ON identities (discord_server_id, platform, folded_name);
CREATE UNIQUE INDEX links_open ON links (discord_server_id, from_person_id) WHERE undone_at IS NULL;
CREATE INDEX balances_ranking ON balances (discord_server_id, unit, balance DESC, holder_id);
CREATE UNIQUE INDEX ledger_operation ON ledger (discord_server_id, operation_id, line);
CREATE INDEX ledger_time ON ledger (discord_server_id, unit, created_at);
CREATE INDEX watchtime_ranking ON watchtime (discord_server_id, watched_us DESC, person_id);
CREATE INDEX watchtime_updated ON watchtime (discord_server_id, updated_at);
CREATE INDEX jobs_due ON jobs (discord_server_id, due_at);
CREATE UNIQUE INDEX activity_operation ON activity (discord_server_id, operation_id);
CREATE UNIQUE INDEX channel_bindings_server ON channel_bindings (bound_server_id, platform);
CREATE INDEX presence_time ON presence (discord_server_id, at);
COMMIT;
