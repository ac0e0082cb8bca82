-- Takes away what is known of subscriptions and of gaps, on both databases. The platform keeps its subscriptions, and is
-- asked again.
DROP TABLE channel_gaps;
DROP TABLE channel_hearing;
DROP TABLE channel_subscriptions;
