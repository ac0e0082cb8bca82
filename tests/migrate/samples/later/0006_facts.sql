CREATE TABLE IF NOT EXISTS "facts" (
  "id" varchar PRIMARY KEY DEFAULT gen_random_uuid() NOT NULL,
  "user_id" varchar NOT NULL,
  "text" text NOT NULL,
  "draft_enabled" boolean DEFAULT false NOT NULL,
  "draft_limit" integer DEFAULT 10 NOT NULL,
  "draft_action" text DEFAULT 'none' NOT NULL,
  "draft_reason" text,
  "draft_changed_at" timestamp,
  "draft_details" jsonb DEFAULT '{}'::jsonb NOT NULL,
  "review_enabled" boolean DEFAULT false NOT NULL,
  "review_limit" integer DEFAULT 10 NOT NULL,
  "review_action" text DEFAULT 'none' NOT NULL,
  "review_reason" text,
  "review_changed_at" timestamp,
  "broadcast_enabled" boolean DEFAULT false NOT NULL,
  "broadcast_limit" integer DEFAULT 10 NOT NULL,
  "broadcast_action" text DEFAULT 'none' NOT NULL,
  "broadcast_reason" text,
  "broadcast_changed_at" timestamp,
  "rating_enabled" boolean DEFAULT false NOT NULL,
  "rating_limit" integer DEFAULT 10 NOT NULL,
  "rating_action" text DEFAULT 'none' NOT NULL,
  "rating_reason" text,
  "rating_changed_at" timestamp,
  "created_at" timestamp DEFAULT now() NOT NULL,
  CONSTRAINT "facts_user_id_users_id_fk" FOREIGN KEY ("user_id")
    REFERENCES "users"("id") ON DELETE CASCADE
);
CREATE INDEX IF NOT EXISTS "facts_user_id_idx" ON "facts" ("user_id");
CREATE INDEX IF NOT EXISTS "facts_created_at_idx" ON "facts" ("created_at");
CREATE INDEX IF NOT EXISTS "facts_draft_changed_at_idx" ON "facts" ("draft_changed_at");

CREATE TABLE IF NOT EXISTS "fact_categories" (
  "id" varchar PRIMARY KEY DEFAULT gen_random_uuid() NOT NULL,
  "user_id" varchar NOT NULL,
  "title" text NOT NULL,
  "picking_enabled" boolean DEFAULT false NOT NULL,
  "picking_limit" integer DEFAULT 10 NOT NULL,
  "picking_action" text DEFAULT 'none' NOT NULL,
  "picking_reason" text,
  "picking_changed_at" timestamp,
  "picking_details" jsonb DEFAULT '{}'::jsonb NOT NULL,
  "rest_enabled" boolean DEFAULT false NOT NULL,
  "rest_limit" integer DEFAULT 10 NOT NULL,
  "rest_action" text DEFAULT 'none' NOT NULL,
  "rest_reason" text,
  "rest_changed_at" timestamp,
  "colour_enabled" boolean DEFAULT false NOT NULL,
  "colour_limit" integer DEFAULT 10 NOT NULL,
  "colour_action" text DEFAULT 'none' NOT NULL,
  "colour_reason" text,
  "colour_changed_at" timestamp,
  "sharing_enabled" boolean DEFAULT false NOT NULL,
  "sharing_limit" integer DEFAULT 10 NOT NULL,
  "sharing_action" text DEFAULT 'none' NOT NULL,
  "sharing_reason" text,
  "sharing_changed_at" timestamp,
  "created_at" timestamp DEFAULT now() NOT NULL,
  CONSTRAINT "fact_categories_user_id_title_unique" UNIQUE ("user_id", "title"),
  CONSTRAINT "fact_categories_user_id_users_id_fk" FOREIGN KEY ("user_id")
    REFERENCES "users"("id") ON DELETE CASCADE
);
CREATE INDEX IF NOT EXISTS "fact_categories_user_id_idx" ON "fact_categories" ("user_id");
CREATE INDEX IF NOT EXISTS "fact_categories_created_at_idx" ON "fact_categories" ("created_at");
CREATE INDEX IF NOT EXISTS "fact_categories_picking_changed_at_idx" ON "fact_categories" ("picking_changed_at");

CREATE TABLE IF NOT EXISTS "fact_votes" (
  "id" varchar PRIMARY KEY DEFAULT gen_random_uuid() NOT NULL,
  "user_id" varchar NOT NULL,
  "fact_id" varchar NOT NULL,
  "vote_enabled" boolean DEFAULT false NOT NULL,
  "vote_limit" integer DEFAULT 10 NOT NULL,
  "vote_action" text DEFAULT 'none' NOT NULL,
  "vote_reason" text,
  "vote_changed_at" timestamp,
  "vote_details" jsonb DEFAULT '{}'::jsonb NOT NULL,
  "appeal_enabled" boolean DEFAULT false NOT NULL,
  "appeal_limit" integer DEFAULT 10 NOT NULL,
  "appeal_action" text DEFAULT 'none' NOT NULL,
  "appeal_reason" text,
  "appeal_changed_at" timestamp,
  "weight_enabled" boolean DEFAULT false NOT NULL,
  "weight_limit" integer DEFAULT 10 NOT NULL,
  "weight_action" text DEFAULT 'none' NOT NULL,
  "weight_reason" text,
  "weight_changed_at" timestamp,
  "origin_enabled" boolean DEFAULT false NOT NULL,
  "origin_limit" integer DEFAULT 10 NOT NULL,
  "origin_action" text DEFAULT 'none' NOT NULL,
  "origin_reason" text,
  "origin_changed_at" timestamp,
  "created_at" timestamp DEFAULT now() NOT NULL,
  CONSTRAINT "fact_votes_user_id_fact_id_unique" UNIQUE ("user_id", "fact_id"),
  CONSTRAINT "fact_votes_user_id_users_id_fk" FOREIGN KEY ("user_id")
    REFERENCES "users"("id") ON DELETE CASCADE,
  CONSTRAINT "fact_votes_fact_id_facts_id_fk" FOREIGN KEY ("fact_id")
    REFERENCES "facts"("id") ON DELETE CASCADE
);
CREATE INDEX IF NOT EXISTS "fact_votes_user_id_idx" ON "fact_votes" ("user_id");
CREATE INDEX IF NOT EXISTS "fact_votes_created_at_idx" ON "fact_votes" ("created_at");
CREATE INDEX IF NOT EXISTS "fact_votes_vote_changed_at_idx" ON "fact_votes" ("vote_changed_at");

CREATE TABLE IF NOT EXISTS "fact_schedules" (
  "id" varchar PRIMARY KEY DEFAULT gen_random_uuid() NOT NULL,
  "user_id" varchar NOT NULL,
  "title" text NOT NULL,
  "morning_enabled" boolean DEFAULT false NOT NULL,
  "morning_limit" integer DEFAULT 10 NOT NULL,
  "morning_action" text DEFAULT 'none' NOT NULL,
  "morning_reason" text,
  "morning_changed_at" timestamp,
  "evening_enabled" boolean DEFAULT false NOT NULL,
  "evening_limit" integer DEFAULT 10 NOT NULL,
  "evening_action" text DEFAULT 'none' NOT NULL,
  "evening_reason" text,
  "stream_enabled" boolean DEFAULT false NOT NULL,
  "stream_limit" integer DEFAULT 10 NOT NULL,
  "stream_action" text DEFAULT 'none' NOT NULL,
  "stream_reason" text,
  "idle_enabled" boolean DEFAULT false NOT NULL,
  "idle_limit" integer DEFAULT 10 NOT NULL,
  "idle_action" text DEFAULT 'none' NOT NULL,
  "idle_reason" text,
  "holiday_enabled" boolean DEFAULT false NOT NULL,
  "holiday_limit" integer DEFAULT 10 NOT NULL,
  "holiday_action" text DEFAULT 'none' NOT NULL,
  "holiday_reason" text,
  "created_at" timestamp DEFAULT now() NOT NULL,
  CONSTRAINT "fact_schedules_user_id_title_unique" UNIQUE ("user_id", "title"),
  CONSTRAINT "fact_schedules_user_id_users_id_fk" FOREIGN KEY ("user_id")
    REFERENCES "users"("id") ON DELETE CASCADE
);
CREATE INDEX IF NOT EXISTS "fact_schedules_user_id_idx" ON "fact_schedules" ("user_id");
CREATE INDEX IF NOT EXISTS "fact_schedules_created_at_idx" ON "fact_schedules" ("created_at");
CREATE INDEX IF NOT EXISTS "fact_schedules_morning_changed_at_idx" ON "fact_schedules" ("morning_changed_at");

GRANT SELECT ON "facts", "fact_categories", "fact_votes", "fact_schedules" TO streambot;
