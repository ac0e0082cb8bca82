-- Under which id events of one kind of a channel are posted to us, by the platform's last word. Class G.
CREATE TABLE channel_subscriptions (
  platform         TEXT NOT NULL,
  subscription_id  TEXT NOT NULL,
  platform_user_id TEXT NOT NULL,
  event            TEXT NOT NULL,
  PRIMARY KEY (platform, subscription_id)
) STRICT, WITHOUT ROWID;

-- Until when everything that was posted of a channel has reached us (src/bot/kick_hearing). doubt: why perhaps not since
-- then; empty: it does. Class G.
CREATE TABLE channel_hearing (
  platform         TEXT    NOT NULL,
  platform_user_id TEXT    NOT NULL,
  heard_until      INTEGER NOT NULL,
  doubt            TEXT    NOT NULL CHECK (doubt IN ('', 'unsubscribed', 'silent')),
  PRIMARY KEY (platform, platform_user_id)
) STRICT, WITHOUT ROWID;

-- Times of which something may be missing. Class G.
CREATE TABLE channel_gaps (
  platform         TEXT    NOT NULL,
  platform_user_id TEXT    NOT NULL,
  gap_from         INTEGER NOT NULL,
  gap_until        INTEGER NOT NULL,
  reason           TEXT    NOT NULL CHECK (reason IN ('stopped', 'unsubscribed', 'silent')),
  PRIMARY KEY (platform, platform_user_id, gap_from)
) STRICT, WITHOUT ROWID;
