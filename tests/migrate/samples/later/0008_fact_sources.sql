ALTER TABLE "facts" ADD COLUMN IF NOT EXISTS "source" text;
