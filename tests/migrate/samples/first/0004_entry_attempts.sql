-- Purpose: entries are counted, attempts are limited, balances stay above zero.
ALTER TABLE "giveaways" ADD COLUMN IF NOT EXISTS "entry_count" integer DEFAULT 0 NOT NULL;

CREATE TABLE IF NOT EXISTS "giveaway_entry_attempts" (
  "id" varchar PRIMARY KEY DEFAULT gen_random_uuid() NOT NULL,
  "user_id" varchar NOT NULL,
  "username" text NOT NULL,
  "platform" text NOT NULL,
  "attempted_at" timestamp DEFAULT now() NOT NULL
);

DO $$
BEGIN
  ALTER TABLE "giveaway_entry_attempts" ADD CONSTRAINT "giveaway_entry_attempts_user_id_users_id_fk"
    FOREIGN KEY ("user_id") REFERENCES "users"("id") ON DELETE CASCADE;
EXCEPTION
  WHEN duplicate_object THEN NULL;
END $$;

DO $$
BEGIN
  ALTER TABLE "user_balances" ADD CONSTRAINT "user_balances_balance_check" CHECK ("balance" >= 0);
EXCEPTION
  WHEN duplicate_object THEN NULL; -- is there already; nothing to do
END $$;

DO $$
BEGIN
  ALTER TABLE "user_balances" ADD CONSTRAINT "user_balances_total_earned_check" CHECK ("total_earned" >= 0);
EXCEPTION
  WHEN duplicate_object THEN NULL; -- is there already; nothing to do
END $$;

DO $$
BEGIN
  ALTER TABLE "user_balances" ADD CONSTRAINT "user_balances_total_spent_check" CHECK ("total_spent" >= 0);
EXCEPTION
  WHEN duplicate_object THEN NULL; -- is there already; nothing to do
END $$;

DO $body$
BEGIN
  IF NOT EXISTS (SELECT 1 FROM pg_constraint WHERE conname = 'giveaway_entries_giveaway_id_giveaways_id_fk') THEN
    ALTER TABLE "giveaway_entries" ADD CONSTRAINT "giveaway_entries_giveaway_id_giveaways_id_fk"
      FOREIGN KEY ("giveaway_id") REFERENCES "giveaways"("id") ON DELETE CASCADE;
  END IF;
END $body$;

CREATE INDEX IF NOT EXISTS "idx_giveaway_entry_attempts_user_time"
  ON "giveaway_entry_attempts" ("user_id", "platform", "attempted_at");
CREATE INDEX IF NOT EXISTS "idx_giveaway_entry_attempts_time" ON "giveaway_entry_attempts" ("attempted_at");

UPDATE "giveaways" SET "entry_count" = (
  SELECT count(*) FROM "giveaway_entries" e WHERE e."giveaway_id" = "giveaways"."id");

COMMENT ON COLUMN "giveaways"."entry_count" IS 'how many entered; counted as they come';
COMMENT ON TABLE "giveaway_entry_attempts" IS 'when who tried, to limit how often';
COMMENT ON CONSTRAINT "user_balances_balance_check" ON "user_balances" IS 'nobody spends what is not there';
