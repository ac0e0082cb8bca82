-- Under which id events of one kind of a channel are posted to us, by the platform's last word. Class G.
CREATE TABLE channel_subscriptions (
  platform         TEXT COLLATE "C" NOT NULL,
  subscription_id  TEXT COLLATE "C" NOT NULL,
  platform_user_id TEXT COLLATE "C" NOT NULL,
  event            TEXT COLLATE "C" NOT NULL,
  PRIMARY KEY (platform, subscription_id)
);

-- Until when everything that was posted of a channel has reached us (src/bot/kick_hearing). doubt: why perhaps not since
-- then; empty: it does. Class G.
CREATE TABLE channel_hearing (
  platform         TEXT COLLATE "C" NOT NULL,
  platform_user_id TEXT COLLATE "C" NOT NULL,
  heard_until      BIGINT NOT NULL,
  doubt            TEXT COLLATE "C" NOT NULL CHECK (doubt IN ('', 'unsubscribed', 'silent')),
  PRIMARY KEY (platform, platform_user_id)
);

-- Times of which something may be missing. Class G.
CREATE TABLE channel_gaps (
  platform         TEXT COLLATE "C" NOT NULL,
  platform_user_id TEXT COLLATE "C" NOT NULL,
  gap_from         BIGINT NOT NULL,
  gap_until        BIGINT NOT NULL,
  reason           TEXT COLLATE "C" NOT NULL CHECK (reason IN ('stopped', 'unsubscribed', 'silent')),
  PRIMARY KEY (platform, platform_user_id, gap_from)
);
