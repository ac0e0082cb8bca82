-- Takes away what is known of subscriptions, on both databases. The platform keeps them, and is asked again.
DROP TABLE channel_subscriptions;
