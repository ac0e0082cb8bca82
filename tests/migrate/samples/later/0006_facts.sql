CREATE TABLE IF NOT EXISTS "facts" (
	"id" varchar PRIMARY KEY DEFAULT gen_random_uuid() NOT NULL,
	"text" text NOT NULL
);
GRANT SELECT ON "facts" TO streambot;
