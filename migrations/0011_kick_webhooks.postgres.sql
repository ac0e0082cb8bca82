-- Under which id events of one kind of a channel are posted to us, by the platform's last word. Class G.
CREATE TABLE channel_subscriptions (
  platform         TEXT COLLATE "C" NOT NULL,
  subscription_id  TEXT COLLATE "C" NOT NULL,
  platform_user_id TEXT COLLATE "C" NOT NULL,
  event            TEXT COLLATE "C" NOT NULL,
  PRIMARY KEY (platform, subscription_id)
);
