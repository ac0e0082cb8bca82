CREATE TABLE IF NOT EXISTS "enhanced_moderation_settings" (
  "id" varchar PRIMARY KEY DEFAULT gen_random_uuid() NOT NULL,
  "user_id" varchar NOT NULL,
  "caps_enabled" boolean DEFAULT false NOT NULL,
  "caps_limit" integer DEFAULT 10 NOT NULL,
  "caps_action" text DEFAULT 'none' NOT NULL,
  "links_enabled" boolean DEFAULT false NOT NULL,
  "links_limit" integer DEFAULT 10 NOT NULL,
  "links_action" text DEFAULT 'none' NOT NULL,
  "emotes_enabled" boolean DEFAULT false NOT NULL,
  "emotes_limit" integer DEFAULT 10 NOT NULL,
  "emotes_action" text DEFAULT 'none' NOT NULL,
  "symbols_enabled" boolean DEFAULT false NOT NULL,
  "symbols_limit" integer DEFAULT 10 NOT NULL,
  "symbols_action" text DEFAULT 'none' NOT NULL,
  "repeats_enabled" boolean DEFAULT false NOT NULL,
  "repeats_limit" integer DEFAULT 10 NOT NULL,
  "repeats_action" text DEFAULT 'none' NOT NULL,
  "length_enabled" boolean DEFAULT false NOT NULL,
  "length_limit" integer DEFAULT 10 NOT NULL,
  "length_action" text DEFAULT 'none' NOT NULL,
  "zalgo_enabled" boolean DEFAULT false NOT NULL,
  "zalgo_limit" integer DEFAULT 10 NOT NULL,
  "zalgo_action" text DEFAULT 'none' NOT NULL,
  "created_at" timestamp DEFAULT now() NOT NULL,
  CONSTRAINT "enhanced_moderation_settings_user_id_unique" UNIQUE ("user_id"),
  CONSTRAINT "enhanced_moderation_settings_user_id_users_id_fk" FOREIGN KEY ("user_id")
    REFERENCES "users"("id") ON DELETE CASCADE
);
CREATE INDEX IF NOT EXISTS "enhanced_moderation_settings_user_id_idx" ON "enhanced_moderation_settings" ("user_id");
CREATE INDEX IF NOT EXISTS "enhanced_moderation_settings_created_at_idx" ON "enhanced_moderation_settings" ("created_at");
CREATE INDEX IF NOT EXISTS "enhanced_moderation_settings_user_id_caps_action_idx" ON "enhanced_moderation_settings" ("user_id", "caps_action");

CREATE TABLE IF NOT EXISTS "moderation_word_lists" (
  "id" varchar PRIMARY KEY DEFAULT gen_random_uuid() NOT NULL,
  "user_id" varchar NOT NULL,
  "title" text NOT NULL,
  "match_enabled" boolean DEFAULT false NOT NULL,
  "match_limit" integer DEFAULT 10 NOT NULL,
  "match_action" text DEFAULT 'none' NOT NULL,
  "match_reason" text,
  "match_changed_at" timestamp,
  "match_details" jsonb DEFAULT '{}'::jsonb NOT NULL,
  "escalation_enabled" boolean DEFAULT false NOT NULL,
  "escalation_limit" integer DEFAULT 10 NOT NULL,
  "escalation_action" text DEFAULT 'none' NOT NULL,
  "escalation_reason" text,
  "escalation_changed_at" timestamp,
  "expiry_enabled" boolean DEFAULT false NOT NULL,
  "expiry_limit" integer DEFAULT 10 NOT NULL,
  "expiry_action" text DEFAULT 'none' NOT NULL,
  "expiry_reason" text,
  "expiry_changed_at" timestamp,
  "scope_enabled" boolean DEFAULT false NOT NULL,
  "scope_limit" integer DEFAULT 10 NOT NULL,
  "scope_action" text DEFAULT 'none' NOT NULL,
  "scope_reason" text,
  "scope_changed_at" timestamp,
  "created_at" timestamp DEFAULT now() NOT NULL,
  CONSTRAINT "moderation_word_lists_user_id_title_unique" UNIQUE ("user_id", "title"),
  CONSTRAINT "moderation_word_lists_user_id_users_id_fk" FOREIGN KEY ("user_id")
    REFERENCES "users"("id") ON DELETE CASCADE
);
CREATE INDEX IF NOT EXISTS "moderation_word_lists_user_id_idx" ON "moderation_word_lists" ("user_id");
CREATE INDEX IF NOT EXISTS "moderation_word_lists_created_at_idx" ON "moderation_word_lists" ("created_at");
CREATE INDEX IF NOT EXISTS "moderation_word_lists_match_changed_at_idx" ON "moderation_word_lists" ("match_changed_at");

CREATE TABLE IF NOT EXISTS "moderation_appeals" (
  "id" varchar PRIMARY KEY DEFAULT gen_random_uuid() NOT NULL,
  "user_id" varchar NOT NULL,
  "request_enabled" boolean DEFAULT false NOT NULL,
  "request_limit" integer DEFAULT 10 NOT NULL,
  "request_action" text DEFAULT 'none' NOT NULL,
  "request_reason" text,
  "request_changed_at" timestamp,
  "request_details" jsonb DEFAULT '{}'::jsonb NOT NULL,
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
  "escalation_enabled" boolean DEFAULT false NOT NULL,
  "escalation_limit" integer DEFAULT 10 NOT NULL,
  "escalation_action" text DEFAULT 'none' NOT NULL,
  "escalation_reason" text,
  "escalation_changed_at" timestamp,
  "created_at" timestamp DEFAULT now() NOT NULL,
  CONSTRAINT "moderation_appeals_user_id_users_id_fk" FOREIGN KEY ("user_id")
    REFERENCES "users"("id") ON DELETE CASCADE
);
CREATE INDEX IF NOT EXISTS "moderation_appeals_user_id_idx" ON "moderation_appeals" ("user_id");
CREATE INDEX IF NOT EXISTS "moderation_appeals_created_at_idx" ON "moderation_appeals" ("created_at");
CREATE INDEX IF NOT EXISTS "moderation_appeals_request_changed_at_idx" ON "moderation_appeals" ("request_changed_at");

CREATE TABLE IF NOT EXISTS "raid_shields" (
  "id" varchar PRIMARY KEY DEFAULT gen_random_uuid() NOT NULL,
  "user_id" varchar NOT NULL,
  "follower_enabled" boolean DEFAULT false NOT NULL,
  "follower_limit" integer DEFAULT 10 NOT NULL,
  "follower_action" text DEFAULT 'none' NOT NULL,
  "follower_reason" text,
  "follower_changed_at" timestamp,
  "account_enabled" boolean DEFAULT false NOT NULL,
  "account_limit" integer DEFAULT 10 NOT NULL,
  "account_action" text DEFAULT 'none' NOT NULL,
  "account_reason" text,
  "chat_enabled" boolean DEFAULT false NOT NULL,
  "chat_limit" integer DEFAULT 10 NOT NULL,
  "chat_action" text DEFAULT 'none' NOT NULL,
  "chat_reason" text,
  "lockdown_enabled" boolean DEFAULT false NOT NULL,
  "lockdown_limit" integer DEFAULT 10 NOT NULL,
  "lockdown_action" text DEFAULT 'none' NOT NULL,
  "lockdown_reason" text,
  "welcome_enabled" boolean DEFAULT false NOT NULL,
  "welcome_limit" integer DEFAULT 10 NOT NULL,
  "welcome_action" text DEFAULT 'none' NOT NULL,
  "welcome_reason" text,
  "created_at" timestamp DEFAULT now() NOT NULL,
  CONSTRAINT "raid_shields_user_id_unique" UNIQUE ("user_id"),
  CONSTRAINT "raid_shields_user_id_users_id_fk" FOREIGN KEY ("user_id")
    REFERENCES "users"("id") ON DELETE CASCADE
);
CREATE INDEX IF NOT EXISTS "raid_shields_user_id_idx" ON "raid_shields" ("user_id");
CREATE INDEX IF NOT EXISTS "raid_shields_created_at_idx" ON "raid_shields" ("created_at");
CREATE INDEX IF NOT EXISTS "raid_shields_follower_changed_at_idx" ON "raid_shields" ("follower_changed_at");

CREATE TABLE IF NOT EXISTS "slow_modes" (
  "id" varchar PRIMARY KEY DEFAULT gen_random_uuid() NOT NULL,
  "user_id" varchar NOT NULL,
  "platform" text NOT NULL,
  "viewer_enabled" boolean DEFAULT false NOT NULL,
  "viewer_limit" integer DEFAULT 10 NOT NULL,
  "viewer_action" text DEFAULT 'none' NOT NULL,
  "viewer_reason" text,
  "viewer_changed_at" timestamp,
  "viewer_details" jsonb DEFAULT '{}'::jsonb NOT NULL,
  "subscriber_enabled" boolean DEFAULT false NOT NULL,
  "subscriber_limit" integer DEFAULT 10 NOT NULL,
  "subscriber_action" text DEFAULT 'none' NOT NULL,
  "subscriber_reason" text,
  "subscriber_changed_at" timestamp,
  "raid_enabled" boolean DEFAULT false NOT NULL,
  "raid_limit" integer DEFAULT 10 NOT NULL,
  "raid_action" text DEFAULT 'none' NOT NULL,
  "raid_reason" text,
  "raid_changed_at" timestamp,
  "quiet_enabled" boolean DEFAULT false NOT NULL,
  "quiet_limit" integer DEFAULT 10 NOT NULL,
  "quiet_action" text DEFAULT 'none' NOT NULL,
  "quiet_reason" text,
  "quiet_changed_at" timestamp,
  "created_at" timestamp DEFAULT now() NOT NULL,
  CONSTRAINT "slow_modes_user_id_platform_unique" UNIQUE ("user_id", "platform"),
  CONSTRAINT "slow_modes_user_id_users_id_fk" FOREIGN KEY ("user_id")
    REFERENCES "users"("id") ON DELETE CASCADE
);
CREATE INDEX IF NOT EXISTS "slow_modes_user_id_idx" ON "slow_modes" ("user_id");
CREATE INDEX IF NOT EXISTS "slow_modes_created_at_idx" ON "slow_modes" ("created_at");
CREATE INDEX IF NOT EXISTS "slow_modes_viewer_changed_at_idx" ON "slow_modes" ("viewer_changed_at");

GRANT SELECT ON "enhanced_moderation_settings", "moderation_word_lists", "moderation_appeals", "raid_shields", "slow_modes" TO streambot;
