CREATE TABLE "enhanced_moderation_settings" (
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
	CONSTRAINT "enhanced_moderation_settings_user_id_unique" UNIQUE("user_id")
);--> statement-breakpoint
CREATE TABLE "api_clients" (
	"id" varchar PRIMARY KEY DEFAULT gen_random_uuid() NOT NULL,
	"user_id" varchar NOT NULL,
	"client_key" text NOT NULL,
	"read_enabled" boolean DEFAULT false NOT NULL,
	"read_limit" integer DEFAULT 10 NOT NULL,
	"read_action" text DEFAULT 'none' NOT NULL,
	"read_reason" text,
	"read_changed_at" timestamp,
	"write_enabled" boolean DEFAULT false NOT NULL,
	"write_limit" integer DEFAULT 10 NOT NULL,
	"write_action" text DEFAULT 'none' NOT NULL,
	"write_reason" text,
	"write_changed_at" timestamp,
	"webhook_enabled" boolean DEFAULT false NOT NULL,
	"webhook_limit" integer DEFAULT 10 NOT NULL,
	"webhook_action" text DEFAULT 'none' NOT NULL,
	"webhook_reason" text,
	"webhook_changed_at" timestamp,
	"quota_enabled" boolean DEFAULT false NOT NULL,
	"quota_limit" integer DEFAULT 10 NOT NULL,
	"quota_action" text DEFAULT 'none' NOT NULL,
	"quota_reason" text,
	"quota_changed_at" timestamp,
	"created_at" timestamp DEFAULT now() NOT NULL,
	CONSTRAINT "api_clients_client_key_unique" UNIQUE("client_key")
);--> statement-breakpoint
CREATE TABLE "fact_categories" (
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
	CONSTRAINT "fact_categories_user_id_title_unique" UNIQUE("user_id","title")
);--> statement-breakpoint
CREATE TABLE "fact_reports" (
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
	CONSTRAINT "fact_reports_user_id_fact_id_unique" UNIQUE("user_id","fact_id")
);--> statement-breakpoint
CREATE TABLE "fact_schedules" (
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
	CONSTRAINT "fact_schedules_user_id_title_unique" UNIQUE("user_id","title")
);--> statement-breakpoint
CREATE TABLE "fact_sources" (
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
	CONSTRAINT "fact_sources_user_id_title_unique" UNIQUE("user_id","title")
);--> statement-breakpoint
CREATE TABLE "fact_votes" (
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
	CONSTRAINT "fact_votes_user_id_fact_id_unique" UNIQUE("user_id","fact_id")
);--> statement-breakpoint
CREATE TABLE "facts" (
	"id" varchar PRIMARY KEY DEFAULT gen_random_uuid() NOT NULL,
	"user_id" varchar NOT NULL,
	"text" text NOT NULL,
	"source" text,
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
	"created_at" timestamp DEFAULT now() NOT NULL
);--> statement-breakpoint
CREATE TABLE "giveaway_entry_attempts" (
	"id" varchar PRIMARY KEY DEFAULT gen_random_uuid() NOT NULL,
	"user_id" varchar NOT NULL,
	"username" text NOT NULL,
	"platform" text NOT NULL,
	"attempted_at" timestamp DEFAULT now() NOT NULL
);--> statement-breakpoint
CREATE TABLE "loyalty_tiers" (
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
	CONSTRAINT "loyalty_tiers_user_id_title_unique" UNIQUE("user_id","title")
);--> statement-breakpoint
CREATE TABLE "moderation_appeals" (
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
	"created_at" timestamp DEFAULT now() NOT NULL
);--> statement-breakpoint
CREATE TABLE "moderation_word_lists" (
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
	CONSTRAINT "moderation_word_lists_user_id_title_unique" UNIQUE("user_id","title")
);--> statement-breakpoint
CREATE TABLE "oauth_sessions" (
	"id" varchar PRIMARY KEY DEFAULT gen_random_uuid() NOT NULL,
	"user_id" varchar NOT NULL,
	"state" text NOT NULL,
	"used" boolean,
	"expires_at" timestamp NOT NULL,
	"consent_enabled" boolean DEFAULT false NOT NULL,
	"consent_limit" integer DEFAULT 10 NOT NULL,
	"consent_action" text DEFAULT 'none' NOT NULL,
	"consent_reason" text,
	"consent_changed_at" timestamp,
	"consent_details" jsonb DEFAULT '{}'::jsonb NOT NULL,
	"refresh_enabled" boolean DEFAULT false NOT NULL,
	"refresh_limit" integer DEFAULT 10 NOT NULL,
	"refresh_action" text DEFAULT 'none' NOT NULL,
	"refresh_reason" text,
	"refresh_changed_at" timestamp,
	"callback_enabled" boolean DEFAULT false NOT NULL,
	"callback_limit" integer DEFAULT 10 NOT NULL,
	"callback_action" text DEFAULT 'none' NOT NULL,
	"callback_reason" text,
	"callback_changed_at" timestamp,
	"scope_enabled" boolean DEFAULT false NOT NULL,
	"scope_limit" integer DEFAULT 10 NOT NULL,
	"scope_action" text DEFAULT 'none' NOT NULL,
	"scope_reason" text,
	"scope_changed_at" timestamp,
	"created_at" timestamp DEFAULT now() NOT NULL
);--> statement-breakpoint
CREATE TABLE "obs_automations" (
	"id" varchar PRIMARY KEY DEFAULT gen_random_uuid() NOT NULL,
	"connection_id" varchar NOT NULL,
	"title" text NOT NULL,
	"trigger_kind" text NOT NULL,
	"trigger_details" jsonb DEFAULT '{}'::jsonb NOT NULL,
	"action_kind" text NOT NULL,
	"action_details" jsonb DEFAULT '{}'::jsonb NOT NULL,
	"is_enabled" boolean DEFAULT true NOT NULL,
	"last_run_at" timestamp,
	"created_at" timestamp DEFAULT now() NOT NULL
);--> statement-breakpoint
CREATE TABLE "obs_connections" (
	"id" varchar PRIMARY KEY DEFAULT gen_random_uuid() NOT NULL,
	"user_id" varchar NOT NULL,
	"host" text DEFAULT 'localhost' NOT NULL,
	"port" integer DEFAULT 4455 NOT NULL,
	"password_secret" text,
	"is_enabled" boolean DEFAULT false NOT NULL,
	"last_connected_at" timestamp,
	"last_error" text,
	"created_at" timestamp DEFAULT now() NOT NULL
);--> statement-breakpoint
CREATE TABLE "overlay_widgets" (
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
	CONSTRAINT "overlay_widgets_user_id_title_unique" UNIQUE("user_id","title")
);--> statement-breakpoint
CREATE TABLE "raid_shields" (
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
	CONSTRAINT "raid_shields_user_id_unique" UNIQUE("user_id")
);--> statement-breakpoint
CREATE TABLE "session_devices" (
	"id" varchar PRIMARY KEY DEFAULT gen_random_uuid() NOT NULL,
	"user_id" varchar NOT NULL,
	"title" text NOT NULL,
	"login_enabled" boolean DEFAULT false NOT NULL,
	"login_limit" integer DEFAULT 10 NOT NULL,
	"login_action" text DEFAULT 'none' NOT NULL,
	"login_reason" text,
	"login_changed_at" timestamp,
	"trust_enabled" boolean DEFAULT false NOT NULL,
	"trust_limit" integer DEFAULT 10 NOT NULL,
	"trust_action" text DEFAULT 'none' NOT NULL,
	"trust_reason" text,
	"trust_changed_at" timestamp,
	"alert_enabled" boolean DEFAULT false NOT NULL,
	"alert_limit" integer DEFAULT 10 NOT NULL,
	"alert_action" text DEFAULT 'none' NOT NULL,
	"alert_reason" text,
	"alert_changed_at" timestamp,
	"expiry_enabled" boolean DEFAULT false NOT NULL,
	"expiry_limit" integer DEFAULT 10 NOT NULL,
	"expiry_action" text DEFAULT 'none' NOT NULL,
	"expiry_reason" text,
	"expiry_changed_at" timestamp,
	"created_at" timestamp DEFAULT now() NOT NULL,
	CONSTRAINT "session_devices_user_id_title_unique" UNIQUE("user_id","title")
);--> statement-breakpoint
CREATE TABLE "slow_modes" (
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
	CONSTRAINT "slow_modes_user_id_platform_unique" UNIQUE("user_id","platform")
);--> statement-breakpoint
CREATE TABLE "stream_goals" (
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
	CONSTRAINT "stream_goals_user_id_title_unique" UNIQUE("user_id","title")
);--> statement-breakpoint
CREATE TABLE "token_refreshes" (
	"id" varchar PRIMARY KEY DEFAULT gen_random_uuid() NOT NULL,
	"user_id" varchar NOT NULL,
	"platform" text NOT NULL,
	"attempt_enabled" boolean DEFAULT false NOT NULL,
	"attempt_limit" integer DEFAULT 10 NOT NULL,
	"attempt_action" text DEFAULT 'none' NOT NULL,
	"attempt_reason" text,
	"attempt_changed_at" timestamp,
	"backoff_enabled" boolean DEFAULT false NOT NULL,
	"backoff_limit" integer DEFAULT 10 NOT NULL,
	"backoff_action" text DEFAULT 'none' NOT NULL,
	"backoff_reason" text,
	"backoff_changed_at" timestamp,
	"alert_enabled" boolean DEFAULT false NOT NULL,
	"alert_limit" integer DEFAULT 10 NOT NULL,
	"alert_action" text DEFAULT 'none' NOT NULL,
	"alert_reason" text,
	"alert_changed_at" timestamp,
	"rotation_enabled" boolean DEFAULT false NOT NULL,
	"rotation_limit" integer DEFAULT 10 NOT NULL,
	"rotation_action" text DEFAULT 'none' NOT NULL,
	"rotation_reason" text,
	"rotation_changed_at" timestamp,
	"created_at" timestamp DEFAULT now() NOT NULL,
	CONSTRAINT "token_refreshes_user_id_platform_unique" UNIQUE("user_id","platform")
);--> statement-breakpoint
CREATE TABLE "viewer_notes" (
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
	CONSTRAINT "viewer_notes_user_id_title_unique" UNIQUE("user_id","title")
);--> statement-breakpoint
ALTER TABLE "giveaways" ADD COLUMN "entry_count" integer DEFAULT 0 NOT NULL;--> statement-breakpoint
ALTER TABLE "enhanced_moderation_settings" ADD CONSTRAINT "enhanced_moderation_settings_user_id_users_id_fk" FOREIGN KEY ("user_id") REFERENCES "public"."users"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "api_clients" ADD CONSTRAINT "api_clients_user_id_users_id_fk" FOREIGN KEY ("user_id") REFERENCES "public"."users"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "fact_categories" ADD CONSTRAINT "fact_categories_user_id_users_id_fk" FOREIGN KEY ("user_id") REFERENCES "public"."users"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "fact_reports" ADD CONSTRAINT "fact_reports_user_id_users_id_fk" FOREIGN KEY ("user_id") REFERENCES "public"."users"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "fact_reports" ADD CONSTRAINT "fact_reports_fact_id_facts_id_fk" FOREIGN KEY ("fact_id") REFERENCES "public"."facts"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "fact_schedules" ADD CONSTRAINT "fact_schedules_user_id_users_id_fk" FOREIGN KEY ("user_id") REFERENCES "public"."users"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "fact_sources" ADD CONSTRAINT "fact_sources_user_id_users_id_fk" FOREIGN KEY ("user_id") REFERENCES "public"."users"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "fact_votes" ADD CONSTRAINT "fact_votes_user_id_users_id_fk" FOREIGN KEY ("user_id") REFERENCES "public"."users"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "fact_votes" ADD CONSTRAINT "fact_votes_fact_id_facts_id_fk" FOREIGN KEY ("fact_id") REFERENCES "public"."facts"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "facts" ADD CONSTRAINT "facts_user_id_users_id_fk" FOREIGN KEY ("user_id") REFERENCES "public"."users"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "giveaway_entry_attempts" ADD CONSTRAINT "giveaway_entry_attempts_user_id_users_id_fk" FOREIGN KEY ("user_id") REFERENCES "public"."users"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "loyalty_tiers" ADD CONSTRAINT "loyalty_tiers_user_id_users_id_fk" FOREIGN KEY ("user_id") REFERENCES "public"."users"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "moderation_appeals" ADD CONSTRAINT "moderation_appeals_user_id_users_id_fk" FOREIGN KEY ("user_id") REFERENCES "public"."users"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "moderation_word_lists" ADD CONSTRAINT "moderation_word_lists_user_id_users_id_fk" FOREIGN KEY ("user_id") REFERENCES "public"."users"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "oauth_sessions" ADD CONSTRAINT "oauth_sessions_user_id_users_id_fk" FOREIGN KEY ("user_id") REFERENCES "public"."users"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "obs_automations" ADD CONSTRAINT "obs_automations_connection_id_obs_connections_id_which_is_longer_than_a_name_may_be_fk" FOREIGN KEY ("connection_id") REFERENCES "public"."obs_connections"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "obs_connections" ADD CONSTRAINT "obs_connections_user_id_users_id_fk" FOREIGN KEY ("user_id") REFERENCES "public"."users"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "overlay_widgets" ADD CONSTRAINT "overlay_widgets_user_id_users_id_fk" FOREIGN KEY ("user_id") REFERENCES "public"."users"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "raid_shields" ADD CONSTRAINT "raid_shields_user_id_users_id_fk" FOREIGN KEY ("user_id") REFERENCES "public"."users"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "session_devices" ADD CONSTRAINT "session_devices_user_id_users_id_fk" FOREIGN KEY ("user_id") REFERENCES "public"."users"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "slow_modes" ADD CONSTRAINT "slow_modes_user_id_users_id_fk" FOREIGN KEY ("user_id") REFERENCES "public"."users"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "stream_goals" ADD CONSTRAINT "stream_goals_user_id_users_id_fk" FOREIGN KEY ("user_id") REFERENCES "public"."users"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "token_refreshes" ADD CONSTRAINT "token_refreshes_user_id_users_id_fk" FOREIGN KEY ("user_id") REFERENCES "public"."users"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "viewer_notes" ADD CONSTRAINT "viewer_notes_user_id_users_id_fk" FOREIGN KEY ("user_id") REFERENCES "public"."users"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
CREATE INDEX "enhanced_moderation_settings_user_id_idx" ON "enhanced_moderation_settings" USING btree ("user_id");--> statement-breakpoint
CREATE INDEX "enhanced_moderation_settings_created_at_idx" ON "enhanced_moderation_settings" USING btree ("created_at");--> statement-breakpoint
CREATE INDEX "enhanced_moderation_settings_user_id_caps_action_idx" ON "enhanced_moderation_settings" USING btree ("user_id","caps_action");--> statement-breakpoint
CREATE INDEX "api_clients_user_id_idx" ON "api_clients" USING btree ("user_id");--> statement-breakpoint
CREATE INDEX "api_clients_created_at_idx" ON "api_clients" USING btree ("created_at");--> statement-breakpoint
CREATE INDEX "api_clients_read_changed_at_idx" ON "api_clients" USING btree ("read_changed_at");--> statement-breakpoint
CREATE INDEX "fact_categories_user_id_idx" ON "fact_categories" USING btree ("user_id");--> statement-breakpoint
CREATE INDEX "fact_categories_created_at_idx" ON "fact_categories" USING btree ("created_at");--> statement-breakpoint
CREATE INDEX "fact_categories_picking_changed_at_idx" ON "fact_categories" USING btree ("picking_changed_at");--> statement-breakpoint
CREATE INDEX "fact_reports_user_id_idx" ON "fact_reports" USING btree ("user_id");--> statement-breakpoint
CREATE INDEX "fact_reports_created_at_idx" ON "fact_reports" USING btree ("created_at");--> statement-breakpoint
CREATE INDEX "fact_schedules_user_id_idx" ON "fact_schedules" USING btree ("user_id");--> statement-breakpoint
CREATE INDEX "fact_schedules_created_at_idx" ON "fact_schedules" USING btree ("created_at");--> statement-breakpoint
CREATE INDEX "fact_schedules_morning_changed_at_idx" ON "fact_schedules" USING btree ("morning_changed_at");--> statement-breakpoint
CREATE INDEX "fact_sources_user_id_idx" ON "fact_sources" USING btree ("user_id");--> statement-breakpoint
CREATE INDEX "fact_sources_created_at_idx" ON "fact_sources" USING btree ("created_at");--> statement-breakpoint
CREATE INDEX "fact_votes_user_id_idx" ON "fact_votes" USING btree ("user_id");--> statement-breakpoint
CREATE INDEX "fact_votes_created_at_idx" ON "fact_votes" USING btree ("created_at");--> statement-breakpoint
CREATE INDEX "fact_votes_vote_changed_at_idx" ON "fact_votes" USING btree ("vote_changed_at");--> statement-breakpoint
CREATE INDEX "facts_user_id_idx" ON "facts" USING btree ("user_id");--> statement-breakpoint
CREATE INDEX "facts_created_at_idx" ON "facts" USING btree ("created_at");--> statement-breakpoint
CREATE INDEX "facts_draft_changed_at_idx" ON "facts" USING btree ("draft_changed_at");--> statement-breakpoint
CREATE INDEX "idx_giveaway_entry_attempts_user_time" ON "giveaway_entry_attempts" USING btree ("user_id","platform","attempted_at");--> statement-breakpoint
CREATE INDEX "idx_giveaway_entry_attempts_time" ON "giveaway_entry_attempts" USING btree ("attempted_at");--> statement-breakpoint
CREATE INDEX "loyalty_tiers_user_id_idx" ON "loyalty_tiers" USING btree ("user_id");--> statement-breakpoint
CREATE INDEX "loyalty_tiers_created_at_idx" ON "loyalty_tiers" USING btree ("created_at");--> statement-breakpoint
CREATE INDEX "moderation_appeals_user_id_idx" ON "moderation_appeals" USING btree ("user_id");--> statement-breakpoint
CREATE INDEX "moderation_appeals_created_at_idx" ON "moderation_appeals" USING btree ("created_at");--> statement-breakpoint
CREATE INDEX "moderation_appeals_request_changed_at_idx" ON "moderation_appeals" USING btree ("request_changed_at");--> statement-breakpoint
CREATE INDEX "moderation_word_lists_user_id_idx" ON "moderation_word_lists" USING btree ("user_id");--> statement-breakpoint
CREATE INDEX "moderation_word_lists_created_at_idx" ON "moderation_word_lists" USING btree ("created_at");--> statement-breakpoint
CREATE INDEX "moderation_word_lists_match_changed_at_idx" ON "moderation_word_lists" USING btree ("match_changed_at");--> statement-breakpoint
CREATE INDEX "oauth_sessions_user_id_idx" ON "oauth_sessions" USING btree ("user_id");--> statement-breakpoint
CREATE INDEX "oauth_sessions_created_at_idx" ON "oauth_sessions" USING btree ("created_at");--> statement-breakpoint
CREATE INDEX "oauth_sessions_consent_changed_at_idx" ON "oauth_sessions" USING btree ("consent_changed_at");--> statement-breakpoint
CREATE UNIQUE INDEX "oauth_sessions_state_unique" ON "oauth_sessions" USING btree ("state");--> statement-breakpoint
CREATE INDEX "obs_automations_connection_id_idx" ON "obs_automations" USING btree ("connection_id");--> statement-breakpoint
CREATE INDEX "obs_automations_trigger_kind_idx" ON "obs_automations" USING btree ("trigger_kind");--> statement-breakpoint
CREATE INDEX "obs_connections_user_id_idx" ON "obs_connections" USING btree ("user_id");--> statement-breakpoint
CREATE INDEX "obs_connections_last_connected_at_idx" ON "obs_connections" USING btree ("last_connected_at");--> statement-breakpoint
CREATE INDEX "overlay_widgets_user_id_idx" ON "overlay_widgets" USING btree ("user_id");--> statement-breakpoint
CREATE INDEX "overlay_widgets_created_at_idx" ON "overlay_widgets" USING btree ("created_at");--> statement-breakpoint
CREATE INDEX "raid_shields_user_id_idx" ON "raid_shields" USING btree ("user_id");--> statement-breakpoint
CREATE INDEX "raid_shields_created_at_idx" ON "raid_shields" USING btree ("created_at");--> statement-breakpoint
CREATE INDEX "raid_shields_follower_changed_at_idx" ON "raid_shields" USING btree ("follower_changed_at");--> statement-breakpoint
CREATE INDEX "session_devices_user_id_idx" ON "session_devices" USING btree ("user_id");--> statement-breakpoint
CREATE INDEX "session_devices_created_at_idx" ON "session_devices" USING btree ("created_at");--> statement-breakpoint
CREATE INDEX "session_devices_login_changed_at_idx" ON "session_devices" USING btree ("login_changed_at");--> statement-breakpoint
CREATE INDEX "slow_modes_user_id_idx" ON "slow_modes" USING btree ("user_id");--> statement-breakpoint
CREATE INDEX "slow_modes_created_at_idx" ON "slow_modes" USING btree ("created_at");--> statement-breakpoint
CREATE INDEX "slow_modes_viewer_changed_at_idx" ON "slow_modes" USING btree ("viewer_changed_at");--> statement-breakpoint
CREATE INDEX "stream_goals_user_id_idx" ON "stream_goals" USING btree ("user_id");--> statement-breakpoint
CREATE INDEX "stream_goals_created_at_idx" ON "stream_goals" USING btree ("created_at");--> statement-breakpoint
CREATE INDEX "token_refreshes_user_id_idx" ON "token_refreshes" USING btree ("user_id");--> statement-breakpoint
CREATE INDEX "token_refreshes_created_at_idx" ON "token_refreshes" USING btree ("created_at");--> statement-breakpoint
CREATE INDEX "token_refreshes_attempt_changed_at_idx" ON "token_refreshes" USING btree ("attempt_changed_at");--> statement-breakpoint
CREATE INDEX "viewer_notes_user_id_idx" ON "viewer_notes" USING btree ("user_id");--> statement-breakpoint
CREATE INDEX "viewer_notes_created_at_idx" ON "viewer_notes" USING btree ("created_at");--> statement-breakpoint
CREATE UNIQUE INDEX "platform_connections_platform_platform_user_id_unique" ON "platform_connections" USING btree ("platform","platform_user_id");