PRAGMA foreign_keys=OFF;
BEGIN TRANSACTION;
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
INSERT INTO migration_journal VALUES(1,'0001_core','up','applied','6f1f8b86ad713eda133ad650c65bbead1e9197e0a515f71857607a3d14ec00d9',NULL,NULL,NULL,NULL,NULL,1795793841129143,1795793841129143,2,'uid 0 on vm, process 16502','0.1.0',NULL,NULL,NULL,NULL,NULL,NULL,NULL);
INSERT INTO migration_journal VALUES(2,'0002_watchtime','up','applied','f6c05864e636f8fb94dc41fd368054a2a853c16651c553847692f5419989069e',NULL,NULL,NULL,NULL,NULL,1795793841129143,1795793841129143,8,'uid 0 on vm, process 16502','0.1.0',NULL,NULL,NULL,NULL,NULL,NULL,NULL);
INSERT INTO migration_journal VALUES(3,'0003_points','up','applied','5a0cc6bfbba309e854ede014e68af9ed92db13f7541f926eeaca97ee7cac393d',NULL,NULL,NULL,NULL,NULL,1795793841129143,1795793841129143,0,'uid 0 on vm, process 16502','0.1.0',NULL,NULL,NULL,NULL,NULL,NULL,NULL);
CREATE TABLE servers (
  discord_server_id INTEGER PRIMARY KEY NOT NULL CHECK (discord_server_id <> 0),
  name              TEXT    NOT NULL,
  state             TEXT    NOT NULL CHECK (state IN ('active', 'inactive')),
  joined_at         INTEGER NOT NULL,
  left_at           INTEGER,
  -- Grows with every change made beside the bot's own loops (the command line), so that they notice.
  revision          INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
INSERT INTO servers VALUES(763742587306794177,'Lantern Harbor','active',1795793928332163,NULL,6);
INSERT INTO servers VALUES(763742591404955342,'Moss and Pixels','active',1795793928334623,NULL,2);
INSERT INTO servers VALUES(763742595502411757,'The Quiet Arcade','active',1795793928336063,NULL,2);
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
INSERT INTO jobs VALUES(763742587306794177,'minute',1795795318531503,0,0,1795795258531503,NULL);
INSERT INTO jobs VALUES(763742591404955342,'minute',1795795318531503,0,0,1795795258531503,NULL);
INSERT INTO jobs VALUES(763742595502411757,'minute',1795795318531503,0,0,1795795258531503,NULL);
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
INSERT INTO channels VALUES('kick','122478','lantern-live','Lantern_Live','live',1795793954000000,X'016b310080aed16401c5bce6a3c377634cf4161e2ec6f9e3231799d31ad278ca8af7189d3786590262f4ffe63271b317fc57e2b82c892f1cfde7e1aa8aeda91fc0732bf973de76da005bda3373c31191b50ec1ee7ee67b4e68398535c319c3d9627cc10d56d8684ca53f6b1ddf263b60c545f1b94d460f5de1d3d097f08bd7ee6d5fc260ac9c2911f17021d8829afcd1b1c48941ed1896ff3e29d3a70eb46a5b56551db93b324feb869225ecc3540f97feb303ffb9157364d8158cde4a081f635f967d746d7c0e43703eb3e24f7a9e197208dcc266639f91f003409aa62f0c06b52bad16c58bbc312d1da02e5392ba5a453b17e91a534921b30c94509e4a1864896f4bacd1698f89808ea2ca29c2011b257344c879a3c7eed228d08c6d6ff45169bd6f7bb1282d3607a8fe9253e8c1947c02a297baafc17e3111a77fb5300214e88a9f9f283d166196a30a0add7c51707f341ddb7e99566ac42bf9f59b852889edade619955c86b0aa2d30654aa49d6f2d6a509f9671656b425a8b904569d2e27d9a46aef09157fa107a70a37965903c7f46e52fdea6c005bbaeba488075acaec2d6f6bb049ce5b402f3effe4dfba6e4aae405daacd1b08d936718bdc5f997b610610ba91043187bb1a7f0d0bea9078ab589d866edf62f3ca1e78d',X'016b3100117d9d9bb31686463aa4ea285caccfc9cdbef0b20521d7483f1ce090580bdb06bbeb7af20510ccdee8bd9262fafe634bc4010868195aeb297a72afbb4726fbb5d3d28b5a719953379a8a629ef19f1d29966208b36daba5cb849fa24296415a583e0642504171a7159ddf3f0645561aa757e90ebe554a1c91e49854433f270a07483054e5a56a280642f2759fbaca0789afa55628e4e4e1397717c6a8fedf920adc658755f95e06e3ad0ba2ccdc90eb2190e7b19d8b1f00128f3d8526e990c09af2613b6e98341583f89db88dca54317e5befb82c3f37e0334860ead60d8058aa66bdb53c519f51b669a1a4edf180b869fc9a9a07ec589352c77aef3b62cee9521bb78c0e16bad735c06752d1b18c6f1235d5e9b93acd2ee6c4f4e09f30dc7135e18654d4f670198c892960c95e8d14c7d2a153e55233e33d42440d4ebf764a15c0a1a3b4d81ec8c863d3dd22a0eafcf51d9f7f90503d613e970c954f286b3eee3a680ca44cffd356bbd30507dfaa327aed448bf16ba86a535a82338b7abda9f6cfa097c2f37ba84dea242e4f5cd74d636e435c7ecfebdb78458eeaf3c86aa3ce178a2e432ccd3a8e38999d5fa1cbb65013e5b30edd25b7a16a8669f25b4d26c4b0f0148abb3daf10fbdb9136e39461ee5a59cddc07797c',1795801150545483,'connected',1795793955705303);
INSERT INTO channels VALUES('kick','122816','pixelmoss','PixelMoss','live',1795795178000000,X'016b31001bc512152eb3be780ba2075c4bd710354a9b3373899bcb32a701622266b9bdab0be6cd70ea214db294ad1ac4cf85ffb27bc131adc68740df00d66f075476e3d86869f9479e6c3cc41789667dfc2caa97ced411833a5d938eb7e7ab4a1d1a6401f29339899d2ad96e19b55d88d17ac7ae1bd4903638c7d473d926b9b82c613e5d555db0480269a13f76edb112c1715f7c19f2c2c7bd88b201d882a8f39ecd87652ffcf58f4caacb5cac39708fdf52697e498cd08c1378396639a7b6d80403326ec279cdd840bd316115acfb9c5b26dd518bc1591e56b5ede1b6a8595c857d27476aaab13b6bf3361176d923c9d30ec3d7989e0cb54c0d059036ca434a1c675ec4b1d0acf05f3f7757b34eb048658e45683a11ba3bc96fa8fb2132a7c1e2f1706d823b89d3f62b9ce4bca70d8b20875cc130e3678e5c09cce4f71d8cbfec6baaadcbfa753504924f3a2cd13867fc94584161b264488a551da924b9873ac640ff620e02ac14ef4592eb1a3d3aec38b0d70cfa9d71af13eb39d9f0da38d93292be4a5f3deb368a9787abec36d557c02c03cad77716e6e6ea431716a5a32bf7b53c0e6be31f9582d0fedb1998acc80878e6c5800ed999b6a38b9479ff89294558b200ffe17b9f71b2c0d8e444d5cb41faba319e7a3c916a9690',X'016b31008587900df396b24ee3fd20bf3dbf6e23de1d65b7fb3009cb46042c70f91758b1cac8ff15f56ad0dda7bebab3ad2f6e9cc2e3ce8c6d127404d4af8ae660c3c173d0dbdb2c9152b4175a50405200245a9c082f056388035a40e0907532e3ec98c38fca9b77d831dbcabf684e86b391ffd373d2506e22a11e76cb9ceed0fb9fc4ce1ed122fffa8262b1d6bf84a92e177c97e31db9317d61e14019278738ce238de48bf1f14f9f1e767be99b065788f97edbfd6c2be6bc5580255982d3e9d5caa8849e6a39fdd0b2e4d103b26a3749a0b01230c244bddec05dd37576b11ff84a13197d55197da77f5834a6bb67f2d11fee6f2e4c48ec040b9d373e8cf170bb966879cd7e60d0bece5047635919850725819343ec2ef53c42aab8c661594317ce2e3f46bcd2e98999546fd72c2bb99c37b67a41ed0bd4c1fe659205e08313fcc3438e69065a0e1275e1889ce11162ef4ee63d9b960edeb82f874db9b7ed832b25d38d3c046b3394875b916ed1babc09ef0121cea0657c9d043c1b6f93e968348b21e5b34dc9064bec3575825098acaf456c3d2ec229f35126ae9b9936f2a252a8aca45da630d073179953e5460476e6d5c5ba3bcc0e904087f329739dca4c8999e455763b20205c12fd6f624c3b925a63bedbea0ff55f78cc55',1795801154427783,'connected',1795795178718423);
CREATE TABLE channel_bindings (
  platform          TEXT    NOT NULL,
  platform_user_id  TEXT    NOT NULL,
  bound_server_id   INTEGER NOT NULL REFERENCES servers,
  PRIMARY KEY (platform, platform_user_id, bound_server_id),
  FOREIGN KEY (platform, platform_user_id) REFERENCES channels (platform, platform_user_id)
) STRICT, WITHOUT ROWID;
INSERT INTO channel_bindings VALUES('kick','122478',763742587306794177);
INSERT INTO channel_bindings VALUES('kick','122478',763742591404955342);
INSERT INTO channel_bindings VALUES('kick','122816',763742595502411757);
CREATE TABLE sessions (
  session_hash TEXT    PRIMARY KEY,
  principal    TEXT    NOT NULL,
  csrf_token   TEXT    NOT NULL,
  created_at   INTEGER NOT NULL,
  seen_at      INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
INSERT INTO sessions VALUES('c330bd7a8e67a455a9b9c60c81fd20766bcf6779b3b0a893c78b8959cec2c33c','operator','iLZblDw0-XCpJb7X56f4rAhJ7-JzsclCNmkh7-FOots',1795793817109562,1795793817109562);
CREATE TABLE login_codes (
  code_hash  TEXT    PRIMARY KEY,
  created_at INTEGER NOT NULL,
  used_at    INTEGER
) STRICT, WITHOUT ROWID;
INSERT INTO login_codes VALUES('1a96b8880a8e550f1f8c02f14f085e06269dea580c5ea3b034a08ae5f9cc9c2c',1795793817224055,NULL);
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
INSERT INTO process_state VALUES('discord.gateway','{"session":{"id":"NDpS2eVvsal0wsR2kH3zOZBGqNHCKkGZ","resume_url":"ws://127.0.0.1:32899","sequence":51,"intents":33283,"guilds":["763742595502411757","763742591404955342","763742587306794177"]},"budget":{"total":1000,"left":999,"resets_at":1795880216135949}}');
INSERT INTO process_state VALUES('web.url','http://127.0.0.1:18099');
CREATE TABLE operator_log (
  entry_id INTEGER PRIMARY KEY,
  at       INTEGER NOT NULL,
  actor    TEXT    NOT NULL,
  action   TEXT    NOT NULL,
  subject  TEXT    NOT NULL,
  before   TEXT,
  after    TEXT
) STRICT;
INSERT INTO operator_log VALUES(1,1795793817107438,'operator','login_code.made','dashboard',NULL,NULL);
INSERT INTO operator_log VALUES(2,1795793817109562,'operator','login_code.used','dashboard',NULL,NULL);
INSERT INTO operator_log VALUES(3,1795793817224055,'operator','login_code.made','dashboard',NULL,NULL);
CREATE TABLE cross_server_log (
  day     TEXT    NOT NULL,
  purpose TEXT    NOT NULL,
  runs    INTEGER NOT NULL,
  last_at INTEGER NOT NULL,
  PRIMARY KEY (day, purpose)
) STRICT, WITHOUT ROWID;
INSERT INTO cross_server_log VALUES('2026-11-27','outbox.sweep',22,1795795271549643);
INSERT INTO cross_server_log VALUES('2026-11-27','tick.claim',225,1795795313492463);
INSERT INTO cross_server_log VALUES('2026-11-27','tick.done',22,1795795258531503);
INSERT INTO cross_server_log VALUES('2026-11-27','tick.minute',22,1795795258531503);
CREATE TABLE presence (
  discord_server_id INTEGER NOT NULL,
  person_id         INTEGER NOT NULL,
  at                INTEGER NOT NULL,
  subscriber        INTEGER NOT NULL CHECK (subscriber IN (0, 1)),
  PRIMARY KEY (discord_server_id, person_id, at),
  FOREIGN KEY (discord_server_id, person_id) REFERENCES persons (discord_server_id, person_id)
) STRICT, WITHOUT ROWID;
CREATE TABLE watch_conditions (
  discord_server_id INTEGER NOT NULL REFERENCES servers,
  kind              TEXT    NOT NULL CHECK (kind IN ('live', 'chat', 'tracking', 'forced')),
  from_us           INTEGER NOT NULL,
  until_us          INTEGER,
  PRIMARY KEY (discord_server_id, kind, from_us),
  CHECK (until_us IS NULL OR until_us >= from_us)
) STRICT, WITHOUT ROWID;
CREATE TABLE watch_spans (
  discord_server_id INTEGER NOT NULL REFERENCES servers,
  from_us           INTEGER NOT NULL,
  until_us          INTEGER NOT NULL,
  PRIMARY KEY (discord_server_id, from_us),
  CHECK (until_us > from_us)
) STRICT, WITHOUT ROWID;
CREATE TABLE watch_settlements (
  discord_server_id INTEGER NOT NULL REFERENCES servers,
  settled_until     INTEGER NOT NULL,
  PRIMARY KEY (discord_server_id)
) STRICT, WITHOUT ROWID;
CREATE TABLE point_conversions (
  discord_server_id INTEGER NOT NULL,
  person_id         INTEGER NOT NULL,
  plain_us          INTEGER NOT NULL,
  subscribed_us     INTEGER NOT NULL,
  PRIMARY KEY (discord_server_id, person_id),
  FOREIGN KEY (discord_server_id, person_id) REFERENCES persons (discord_server_id, person_id)
) STRICT, WITHOUT ROWID;
CREATE TABLE server_files (server INTEGER PRIMARY KEY NOT NULL, joined_at INTEGER NOT NULL) STRICT;
INSERT INTO server_files VALUES(763742587306794177,1795793928332163);
INSERT INTO server_files VALUES(763742591404955342,1795793928334623);
INSERT INTO server_files VALUES(763742595502411757,1795793928336063);
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
