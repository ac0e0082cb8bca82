CREATE TABLE IF NOT EXISTS "enhanced_moderation_settings" (
	"id" varchar PRIMARY KEY DEFAULT gen_random_uuid() NOT NULL,
	"user_id" varchar NOT NULL,
	"level" integer DEFAULT 1 NOT NULL
);
GRANT SELECT ON "enhanced_moderation_settings" TO streambot;
