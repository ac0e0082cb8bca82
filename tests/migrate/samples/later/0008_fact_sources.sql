ALTER TABLE "facts" ADD COLUMN IF NOT EXISTS "source" text;

CREATE TABLE IF NOT EXISTS "fact_sources" (
  "id" varchar PRIMARY KEY DEFAULT gen_random_uuid() NOT NULL,
  "user_id" varchar NOT NULL,
  "title" text NOT NULL,
  "fetch_enabled" boolean DEFAULT false NOT NULL,
  "fetch_limit" integer DEFAULT 10 NOT NULL,
  "fetch_action" text DEFAULT 'none' NOT NULL,
  "fetch_reason" text,
  "fetch_changed_at" timestamp,
  "trust_enabled" boolean DEFAULT false NOT NULL,
  "trust_limit" integer DEFAULT 10 NOT NULL,
  "trust_action" text DEFAULT 'none' NOT NULL,
  "trust_reason" text,
  "trust_changed_at" timestamp,
  "licence_enabled" boolean DEFAULT false NOT NULL,
  "licence_limit" integer DEFAULT 10 NOT NULL,
  "licence_action" text DEFAULT 'none' NOT NULL,
  "licence_reason" text,
  "licence_changed_at" timestamp,
  "cache_enabled" boolean DEFAULT false NOT NULL,
  "cache_limit" integer DEFAULT 10 NOT NULL,
  "cache_action" text DEFAULT 'none' NOT NULL,
  "cache_reason" text,
  "cache_changed_at" timestamp,
  "created_at" timestamp DEFAULT now() NOT NULL,
  CONSTRAINT "fact_sources_user_id_title_unique" UNIQUE ("user_id", "title"),
  CONSTRAINT "fact_sources_user_id_users_id_fk" FOREIGN KEY ("user_id")
    REFERENCES "users"("id") ON DELETE CASCADE
);
CREATE INDEX IF NOT EXISTS "fact_sources_user_id_idx" ON "fact_sources" ("user_id");
CREATE INDEX IF NOT EXISTS "fact_sources_created_at_idx" ON "fact_sources" ("created_at");

CREATE TABLE IF NOT EXISTS "fact_reports" (
  "id" varchar PRIMARY KEY DEFAULT gen_random_uuid() NOT NULL,
  "user_id" varchar NOT NULL,
  "fact_id" varchar NOT NULL,
  "report_enabled" boolean DEFAULT false NOT NULL,
  "report_limit" integer DEFAULT 10 NOT NULL,
  "report_action" text DEFAULT 'none' NOT NULL,
  "report_reason" text,
  "report_changed_at" timestamp,
  "review_enabled" boolean DEFAULT false NOT NULL,
  "review_limit" integer DEFAULT 10 NOT NULL,
  "review_action" text DEFAULT 'none' NOT NULL,
  "review_reason" text,
  "review_changed_at" timestamp,
  "answer_enabled" boolean DEFAULT false NOT NULL,
  "answer_limit" integer DEFAULT 10 NOT NULL,
  "answer_action" text DEFAULT 'none' NOT NULL,
  "answer_reason" text,
  "answer_changed_at" timestamp,
  "repeat_enabled" boolean DEFAULT false NOT NULL,
  "repeat_limit" integer DEFAULT 10 NOT NULL,
  "repeat_action" text DEFAULT 'none' NOT NULL,
  "repeat_reason" text,
  "repeat_changed_at" timestamp,
  "created_at" timestamp DEFAULT now() NOT NULL,
  CONSTRAINT "fact_reports_user_id_fact_id_unique" UNIQUE ("user_id", "fact_id"),
  CONSTRAINT "fact_reports_user_id_users_id_fk" FOREIGN KEY ("user_id")
    REFERENCES "users"("id") ON DELETE CASCADE,
  CONSTRAINT "fact_reports_fact_id_facts_id_fk" FOREIGN KEY ("fact_id")
    REFERENCES "facts"("id") ON DELETE CASCADE
);
CREATE INDEX IF NOT EXISTS "fact_reports_user_id_idx" ON "fact_reports" ("user_id");
CREATE INDEX IF NOT EXISTS "fact_reports_created_at_idx" ON "fact_reports" ("created_at");

CREATE TABLE IF NOT EXISTS "overlay_widgets" (
  "id" varchar PRIMARY KEY DEFAULT gen_random_uuid() NOT NULL,
  "user_id" varchar NOT NULL,
  "title" text NOT NULL,
  "entrance_enabled" boolean DEFAULT false NOT NULL,
  "entrance_limit" integer DEFAULT 10 NOT NULL,
  "entrance_action" text DEFAULT 'none' NOT NULL,
  "entrance_reason" text,
  "exit_enabled" boolean DEFAULT false NOT NULL,
  "exit_limit" integer DEFAULT 10 NOT NULL,
  "exit_action" text DEFAULT 'none' NOT NULL,
  "exit_reason" text,
  "sound_enabled" boolean DEFAULT false NOT NULL,
  "sound_limit" integer DEFAULT 10 NOT NULL,
  "sound_action" text DEFAULT 'none' NOT NULL,
  "sound_reason" text,
  "layout_enabled" boolean DEFAULT false NOT NULL,
  "layout_limit" integer DEFAULT 10 NOT NULL,
  "layout_action" text DEFAULT 'none' NOT NULL,
  "layout_reason" text,
  "refresh_enabled" boolean DEFAULT false NOT NULL,
  "refresh_limit" integer DEFAULT 10 NOT NULL,
  "refresh_action" text DEFAULT 'none' NOT NULL,
  "refresh_reason" text,
  "created_at" timestamp DEFAULT now() NOT NULL,
  CONSTRAINT "overlay_widgets_user_id_title_unique" UNIQUE ("user_id", "title"),
  CONSTRAINT "overlay_widgets_user_id_users_id_fk" FOREIGN KEY ("user_id")
    REFERENCES "users"("id") ON DELETE CASCADE
);
CREATE INDEX IF NOT EXISTS "overlay_widgets_user_id_idx" ON "overlay_widgets" ("user_id");
CREATE INDEX IF NOT EXISTS "overlay_widgets_created_at_idx" ON "overlay_widgets" ("created_at");

CREATE TABLE IF NOT EXISTS "viewer_notes" (
  "id" varchar PRIMARY KEY DEFAULT gen_random_uuid() NOT NULL,
  "user_id" varchar NOT NULL,
  "title" text NOT NULL,
  "sharing_enabled" boolean DEFAULT false NOT NULL,
  "sharing_limit" integer DEFAULT 10 NOT NULL,
  "sharing_action" text DEFAULT 'none' NOT NULL,
  "sharing_reason" text,
  "sharing_changed_at" timestamp,
  "reminder_enabled" boolean DEFAULT false NOT NULL,
  "reminder_limit" integer DEFAULT 10 NOT NULL,
  "reminder_action" text DEFAULT 'none' NOT NULL,
  "reminder_reason" text,
  "reminder_changed_at" timestamp,
  "review_enabled" boolean DEFAULT false NOT NULL,
  "review_limit" integer DEFAULT 10 NOT NULL,
  "review_action" text DEFAULT 'none' NOT NULL,
  "review_reason" text,
  "review_changed_at" timestamp,
  "colour_enabled" boolean DEFAULT false NOT NULL,
  "colour_limit" integer DEFAULT 10 NOT NULL,
  "colour_action" text DEFAULT 'none' NOT NULL,
  "colour_reason" text,
  "colour_changed_at" timestamp,
  "created_at" timestamp DEFAULT now() NOT NULL,
  CONSTRAINT "viewer_notes_user_id_title_unique" UNIQUE ("user_id", "title"),
  CONSTRAINT "viewer_notes_user_id_users_id_fk" FOREIGN KEY ("user_id")
    REFERENCES "users"("id") ON DELETE CASCADE
);
CREATE INDEX IF NOT EXISTS "viewer_notes_user_id_idx" ON "viewer_notes" ("user_id");
CREATE INDEX IF NOT EXISTS "viewer_notes_created_at_idx" ON "viewer_notes" ("created_at");

CREATE TABLE IF NOT EXISTS "stream_goals" (
  "id" varchar PRIMARY KEY DEFAULT gen_random_uuid() NOT NULL,
  "user_id" varchar NOT NULL,
  "title" text NOT NULL,
  "follower_enabled" boolean DEFAULT false NOT NULL,
  "follower_limit" integer DEFAULT 10 NOT NULL,
  "follower_action" text DEFAULT 'none' NOT NULL,
  "follower_reason" text,
  "subscriber_enabled" boolean DEFAULT false NOT NULL,
  "subscriber_limit" integer DEFAULT 10 NOT NULL,
  "subscriber_action" text DEFAULT 'none' NOT NULL,
  "subscriber_reason" text,
  "tip_enabled" boolean DEFAULT false NOT NULL,
  "tip_limit" integer DEFAULT 10 NOT NULL,
  "tip_action" text DEFAULT 'none' NOT NULL,
  "tip_reason" text,
  "watch_enabled" boolean DEFAULT false NOT NULL,
  "watch_limit" integer DEFAULT 10 NOT NULL,
  "watch_action" text DEFAULT 'none' NOT NULL,
  "watch_reason" text,
  "alert_enabled" boolean DEFAULT false NOT NULL,
  "alert_limit" integer DEFAULT 10 NOT NULL,
  "alert_action" text DEFAULT 'none' NOT NULL,
  "alert_reason" text,
  "created_at" timestamp DEFAULT now() NOT NULL,
  CONSTRAINT "stream_goals_user_id_title_unique" UNIQUE ("user_id", "title"),
  CONSTRAINT "stream_goals_user_id_users_id_fk" FOREIGN KEY ("user_id")
    REFERENCES "users"("id") ON DELETE CASCADE
);
CREATE INDEX IF NOT EXISTS "stream_goals_user_id_idx" ON "stream_goals" ("user_id");
CREATE INDEX IF NOT EXISTS "stream_goals_created_at_idx" ON "stream_goals" ("created_at");

CREATE TABLE IF NOT EXISTS "loyalty_tiers" (
  "id" varchar PRIMARY KEY DEFAULT gen_random_uuid() NOT NULL,
  "user_id" varchar NOT NULL,
  "title" text NOT NULL,
  "entry_enabled" boolean DEFAULT false NOT NULL,
  "entry_limit" integer DEFAULT 10 NOT NULL,
  "entry_action" text DEFAULT 'none' NOT NULL,
  "entry_reason" text,
  "bonus_enabled" boolean DEFAULT false NOT NULL,
  "bonus_limit" integer DEFAULT 10 NOT NULL,
  "bonus_action" text DEFAULT 'none' NOT NULL,
  "bonus_reason" text,
  "decay_enabled" boolean DEFAULT false NOT NULL,
  "decay_limit" integer DEFAULT 10 NOT NULL,
  "decay_action" text DEFAULT 'none' NOT NULL,
  "decay_reason" text,
  "badge_enabled" boolean DEFAULT false NOT NULL,
  "badge_limit" integer DEFAULT 10 NOT NULL,
  "badge_action" text DEFAULT 'none' NOT NULL,
  "badge_reason" text,
  "promotion_enabled" boolean DEFAULT false NOT NULL,
  "promotion_limit" integer DEFAULT 10 NOT NULL,
  "promotion_action" text DEFAULT 'none' NOT NULL,
  "promotion_reason" text,
  "created_at" timestamp DEFAULT now() NOT NULL,
  CONSTRAINT "loyalty_tiers_user_id_title_unique" UNIQUE ("user_id", "title"),
  CONSTRAINT "loyalty_tiers_user_id_users_id_fk" FOREIGN KEY ("user_id")
    REFERENCES "users"("id") ON DELETE CASCADE
);
CREATE INDEX IF NOT EXISTS "loyalty_tiers_user_id_idx" ON "loyalty_tiers" ("user_id");
CREATE INDEX IF NOT EXISTS "loyalty_tiers_created_at_idx" ON "loyalty_tiers" ("created_at");
