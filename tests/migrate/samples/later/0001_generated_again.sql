CREATE TABLE "enhanced_moderation_settings" (
	"id" varchar PRIMARY KEY DEFAULT gen_random_uuid() NOT NULL,
	"user_id" varchar NOT NULL,
	"level" integer DEFAULT 1 NOT NULL
);--> statement-breakpoint
CREATE TABLE "facts" (
	"id" varchar PRIMARY KEY DEFAULT gen_random_uuid() NOT NULL,
	"text" text NOT NULL,
	"source" text
);--> statement-breakpoint
CREATE TABLE "oauth_sessions" (
	"id" varchar PRIMARY KEY DEFAULT gen_random_uuid() NOT NULL,
	"state" text NOT NULL,
	"used" boolean
);--> statement-breakpoint
CREATE TABLE "obs_connections" (
	"id" varchar PRIMARY KEY DEFAULT gen_random_uuid() NOT NULL,
	"user_id" varchar NOT NULL
);--> statement-breakpoint
CREATE TABLE "obs_automations" (
	"id" varchar PRIMARY KEY DEFAULT gen_random_uuid() NOT NULL,
	"connection_id" varchar NOT NULL
);--> statement-breakpoint
ALTER TABLE "obs_automations" ADD CONSTRAINT "obs_automations_connection_id_obs_connections_id_which_is_longer_than_a_name_may_be_fk" FOREIGN KEY ("connection_id") REFERENCES "public"."obs_connections"("id") ON DELETE cascade ON UPDATE no action;