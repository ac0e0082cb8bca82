-- Whom the operator lets into the dashboard no more, whichever way he comes. Class G.
CREATE TABLE disabled_accounts (
  principal   TEXT COLLATE "C" NOT NULL PRIMARY KEY,
  disabled_at BIGINT NOT NULL,
  disabled_by TEXT COLLATE "C" NOT NULL,
  reason      TEXT COLLATE "C" NOT NULL
);
