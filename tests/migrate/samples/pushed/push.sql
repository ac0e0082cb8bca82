CREATE TABLE "clip_requests" (
	"id" varchar PRIMARY KEY DEFAULT gen_random_uuid() NOT NULL,
	"user_id" varchar NOT NULL,
	"title" text NOT NULL,
	"details" jsonb DEFAULT '{}'::jsonb NOT NULL,
	"created_at" timestamp DEFAULT now() NOT NULL
);
CREATE TABLE "clip_highlights" (
	"id" varchar PRIMARY KEY DEFAULT gen_random_uuid() NOT NULL,
	"user_id" varchar NOT NULL,
	"title" text NOT NULL,
	"details" jsonb DEFAULT '{}'::jsonb NOT NULL,
	"created_at" timestamp DEFAULT now() NOT NULL
);
CREATE TABLE "intelligence_reports" (
	"id" varchar PRIMARY KEY DEFAULT gen_random_uuid() NOT NULL,
	"user_id" varchar NOT NULL,
	"title" text NOT NULL,
	"details" jsonb DEFAULT '{}'::jsonb NOT NULL,
	"created_at" timestamp DEFAULT now() NOT NULL
);
CREATE TABLE "intelligence_sources" (
	"id" varchar PRIMARY KEY DEFAULT gen_random_uuid() NOT NULL,
	"user_id" varchar NOT NULL,
	"title" text NOT NULL,
	"details" jsonb DEFAULT '{}'::jsonb NOT NULL,
	"created_at" timestamp DEFAULT now() NOT NULL
);
CREATE TABLE "multistream_targets" (
	"id" varchar PRIMARY KEY DEFAULT gen_random_uuid() NOT NULL,
	"user_id" varchar NOT NULL,
	"title" text NOT NULL,
	"details" jsonb DEFAULT '{}'::jsonb NOT NULL,
	"created_at" timestamp DEFAULT now() NOT NULL
);
CREATE TABLE "multistream_sessions" (
	"id" varchar PRIMARY KEY DEFAULT gen_random_uuid() NOT NULL,
	"user_id" varchar NOT NULL,
	"title" text NOT NULL,
	"details" jsonb DEFAULT '{}'::jsonb NOT NULL,
	"created_at" timestamp DEFAULT now() NOT NULL
);
CREATE TABLE "quick_actions" (
	"id" varchar PRIMARY KEY DEFAULT gen_random_uuid() NOT NULL,
	"user_id" varchar NOT NULL,
	"title" text NOT NULL,
	"details" jsonb DEFAULT '{}'::jsonb NOT NULL,
	"created_at" timestamp DEFAULT now() NOT NULL
);
CREATE TABLE "quick_action_runs" (
	"id" varchar PRIMARY KEY DEFAULT gen_random_uuid() NOT NULL,
	"user_id" varchar NOT NULL,
	"title" text NOT NULL,
	"details" jsonb DEFAULT '{}'::jsonb NOT NULL,
	"created_at" timestamp DEFAULT now() NOT NULL
);
CREATE TABLE "sponsor_slots" (
	"id" varchar PRIMARY KEY DEFAULT gen_random_uuid() NOT NULL,
	"user_id" varchar NOT NULL,
	"title" text NOT NULL,
	"details" jsonb DEFAULT '{}'::jsonb NOT NULL,
	"created_at" timestamp DEFAULT now() NOT NULL
);
CREATE TABLE "sponsor_reads" (
	"id" varchar PRIMARY KEY DEFAULT gen_random_uuid() NOT NULL,
	"user_id" varchar NOT NULL,
	"title" text NOT NULL,
	"details" jsonb DEFAULT '{}'::jsonb NOT NULL,
	"created_at" timestamp DEFAULT now() NOT NULL
);
CREATE TABLE "viewer_streaks" (
	"id" varchar PRIMARY KEY DEFAULT gen_random_uuid() NOT NULL,
	"user_id" varchar NOT NULL,
	"title" text NOT NULL,
	"details" jsonb DEFAULT '{}'::jsonb NOT NULL,
	"created_at" timestamp DEFAULT now() NOT NULL
);
ALTER TABLE "users" ADD COLUMN "time_zone" text DEFAULT 'UTC' NOT NULL;
ALTER TABLE "users" ADD COLUMN "last_seen_at" timestamp;
ALTER TABLE "bot_configs" ADD COLUMN "ai_temperature" double precision DEFAULT 0.7 NOT NULL;
ALTER TABLE "giveaways" ADD COLUMN "winner_message" text;
ALTER TABLE "user_balances" ADD COLUMN "frozen_until" timestamp;
ALTER TABLE "facts" ADD COLUMN "language" text DEFAULT 'en' NOT NULL;
ALTER TABLE "clip_requests" ADD CONSTRAINT "clip_requests_user_id_users_id_fk" FOREIGN KEY ("user_id") REFERENCES "public"."users"("id") ON DELETE cascade ON UPDATE no action;
ALTER TABLE "clip_highlights" ADD CONSTRAINT "clip_highlights_user_id_users_id_fk" FOREIGN KEY ("user_id") REFERENCES "public"."users"("id") ON DELETE cascade ON UPDATE no action;
ALTER TABLE "intelligence_reports" ADD CONSTRAINT "intelligence_reports_user_id_users_id_fk" FOREIGN KEY ("user_id") REFERENCES "public"."users"("id") ON DELETE cascade ON UPDATE no action;
ALTER TABLE "intelligence_sources" ADD CONSTRAINT "intelligence_sources_user_id_users_id_fk" FOREIGN KEY ("user_id") REFERENCES "public"."users"("id") ON DELETE cascade ON UPDATE no action;
ALTER TABLE "multistream_targets" ADD CONSTRAINT "multistream_targets_user_id_users_id_fk" FOREIGN KEY ("user_id") REFERENCES "public"."users"("id") ON DELETE cascade ON UPDATE no action;
ALTER TABLE "multistream_sessions" ADD CONSTRAINT "multistream_sessions_user_id_users_id_fk" FOREIGN KEY ("user_id") REFERENCES "public"."users"("id") ON DELETE cascade ON UPDATE no action;
ALTER TABLE "quick_actions" ADD CONSTRAINT "quick_actions_user_id_users_id_fk" FOREIGN KEY ("user_id") REFERENCES "public"."users"("id") ON DELETE cascade ON UPDATE no action;
ALTER TABLE "quick_action_runs" ADD CONSTRAINT "quick_action_runs_user_id_users_id_fk" FOREIGN KEY ("user_id") REFERENCES "public"."users"("id") ON DELETE cascade ON UPDATE no action;
ALTER TABLE "sponsor_slots" ADD CONSTRAINT "sponsor_slots_user_id_users_id_fk" FOREIGN KEY ("user_id") REFERENCES "public"."users"("id") ON DELETE cascade ON UPDATE no action;
ALTER TABLE "sponsor_reads" ADD CONSTRAINT "sponsor_reads_user_id_users_id_fk" FOREIGN KEY ("user_id") REFERENCES "public"."users"("id") ON DELETE cascade ON UPDATE no action;
ALTER TABLE "viewer_streaks" ADD CONSTRAINT "viewer_streaks_user_id_users_id_fk" FOREIGN KEY ("user_id") REFERENCES "public"."users"("id") ON DELETE cascade ON UPDATE no action;
CREATE INDEX "clip_requests_user_id_created_at_idx" ON "clip_requests" USING btree ("user_id","created_at");
CREATE INDEX "clip_highlights_user_id_created_at_idx" ON "clip_highlights" USING btree ("user_id","created_at");
CREATE INDEX "intelligence_reports_user_id_created_at_idx" ON "intelligence_reports" USING btree ("user_id","created_at");
CREATE INDEX "intelligence_sources_user_id_created_at_idx" ON "intelligence_sources" USING btree ("user_id","created_at");
CREATE INDEX "multistream_targets_user_id_created_at_idx" ON "multistream_targets" USING btree ("user_id","created_at");
CREATE INDEX "multistream_sessions_user_id_created_at_idx" ON "multistream_sessions" USING btree ("user_id","created_at");
CREATE INDEX "quick_actions_user_id_created_at_idx" ON "quick_actions" USING btree ("user_id","created_at");
CREATE INDEX "quick_action_runs_user_id_created_at_idx" ON "quick_action_runs" USING btree ("user_id","created_at");
CREATE INDEX "sponsor_slots_user_id_created_at_idx" ON "sponsor_slots" USING btree ("user_id","created_at");
CREATE INDEX "sponsor_reads_user_id_created_at_idx" ON "sponsor_reads" USING btree ("user_id","created_at");
CREATE INDEX "viewer_streaks_user_id_created_at_idx" ON "viewer_streaks" USING btree ("user_id","created_at");
