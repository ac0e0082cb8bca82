CREATE TABLE IF NOT EXISTS "oauth_sessions" (
  "id" varchar PRIMARY KEY DEFAULT gen_random_uuid() NOT NULL,
  "user_id" varchar NOT NULL,
  "state" text NOT NULL,
  "used" boolean DEFAULT false NOT NULL,
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
  "created_at" timestamp DEFAULT now() NOT NULL,
  CONSTRAINT "oauth_sessions_state_unique" UNIQUE ("state"),
  CONSTRAINT "oauth_sessions_state_check" CHECK (length("state") > 0),
  CONSTRAINT "oauth_sessions_expires_at_check" CHECK ("expires_at" > "created_at"),
  CONSTRAINT "oauth_sessions_user_id_users_id_fk" FOREIGN KEY ("user_id")
    REFERENCES "users"("id") ON DELETE CASCADE
);
CREATE INDEX IF NOT EXISTS "oauth_sessions_user_id_idx" ON "oauth_sessions" ("user_id");
CREATE INDEX IF NOT EXISTS "oauth_sessions_created_at_idx" ON "oauth_sessions" ("created_at");
CREATE INDEX IF NOT EXISTS "oauth_sessions_consent_changed_at_idx" ON "oauth_sessions" ("consent_changed_at");

CREATE TABLE IF NOT EXISTS "token_refreshes" (
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
  CONSTRAINT "token_refreshes_user_id_platform_unique" UNIQUE ("user_id", "platform"),
  CONSTRAINT "token_refreshes_user_id_users_id_fk" FOREIGN KEY ("user_id")
    REFERENCES "users"("id") ON DELETE CASCADE
);
CREATE INDEX IF NOT EXISTS "token_refreshes_user_id_idx" ON "token_refreshes" ("user_id");
CREATE INDEX IF NOT EXISTS "token_refreshes_created_at_idx" ON "token_refreshes" ("created_at");
CREATE INDEX IF NOT EXISTS "token_refreshes_attempt_changed_at_idx" ON "token_refreshes" ("attempt_changed_at");

CREATE TABLE IF NOT EXISTS "api_clients" (
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
  CONSTRAINT "api_clients_client_key_unique" UNIQUE ("client_key"),
  CONSTRAINT "api_clients_user_id_users_id_fk" FOREIGN KEY ("user_id")
    REFERENCES "users"("id") ON DELETE CASCADE
);
CREATE INDEX IF NOT EXISTS "api_clients_user_id_idx" ON "api_clients" ("user_id");
CREATE INDEX IF NOT EXISTS "api_clients_created_at_idx" ON "api_clients" ("created_at");
CREATE INDEX IF NOT EXISTS "api_clients_read_changed_at_idx" ON "api_clients" ("read_changed_at");

CREATE TABLE IF NOT EXISTS "session_devices" (
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
  CONSTRAINT "session_devices_user_id_title_unique" UNIQUE ("user_id", "title"),
  CONSTRAINT "session_devices_user_id_users_id_fk" FOREIGN KEY ("user_id")
    REFERENCES "users"("id") ON DELETE CASCADE
);
CREATE INDEX IF NOT EXISTS "session_devices_user_id_idx" ON "session_devices" ("user_id");
CREATE INDEX IF NOT EXISTS "session_devices_created_at_idx" ON "session_devices" ("created_at");
CREATE INDEX IF NOT EXISTS "session_devices_login_changed_at_idx" ON "session_devices" ("login_changed_at");
