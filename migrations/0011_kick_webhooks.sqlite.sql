-- Under which id events of one kind of a channel are posted to us, by the platform's last word. Class G.
CREATE TABLE channel_subscriptions (
  platform         TEXT NOT NULL,
  subscription_id  TEXT NOT NULL,
  platform_user_id TEXT NOT NULL,
  event            TEXT NOT NULL,
  PRIMARY KEY (platform, subscription_id)
) STRICT, WITHOUT ROWID;
