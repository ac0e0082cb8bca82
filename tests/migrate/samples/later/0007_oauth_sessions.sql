CREATE TABLE IF NOT EXISTS "oauth_sessions" (
	"id" varchar PRIMARY KEY DEFAULT gen_random_uuid() NOT NULL,
	"state" text NOT NULL,
	"used" boolean DEFAULT false NOT NULL,
	CONSTRAINT "oauth_sessions_state_check" CHECK (length(state) > 0)
);
