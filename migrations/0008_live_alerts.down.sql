-- Takes away alerts, posts and buttons, on both databases. Whose turn it was in the outbox goes out empty, and is
-- refused.
DROP TABLE live_alerts;
DROP TABLE posts;
ALTER TABLE outbox DROP COLUMN post;
ALTER TABLE outbox DROP COLUMN buttons;
