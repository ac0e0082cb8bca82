-- What happened lately at a server (src/features/activity). Class T.
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
