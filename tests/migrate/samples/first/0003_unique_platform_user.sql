-- Purpose: one account of a platform belongs to one user alone.
-- Risk: fails while two users hold the same account.
CREATE UNIQUE INDEX IF NOT EXISTS "platform_connections_platform_platform_user_id_unique"
  ON "platform_connections" USING btree ("platform", "platform_user_id");

-- Looks at what was made.
SELECT indexname, indexdef FROM pg_indexes WHERE tablename = 'platform_connections';
