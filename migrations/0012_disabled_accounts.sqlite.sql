-- Whom the operator lets into the dashboard no more, whichever way he comes. Class G.
CREATE TABLE disabled_accounts (
  principal   TEXT    NOT NULL PRIMARY KEY,
  disabled_at INTEGER NOT NULL,
  disabled_by TEXT    NOT NULL,
  reason      TEXT    NOT NULL
) STRICT, WITHOUT ROWID;
