#include "tests/support/old_kick_parts.h"

namespace guildhall::test {

// Columns that the bot made come first, those of the dashboard after them, as they were added.
const std::string_view kOldKickTables = R"sql(
[dashboard]CREATE TABLE servers (
[dashboard]  discord_server_id bigint PRIMARY KEY,
[dashboard]  server_name text,
[dashboard]  slug text,
[dashboard]  subdomain text,
[dashboard]  owner_discord_id bigint,
[dashboard]  created_at timestamp DEFAULT CURRENT_TIMESTAMP
[dashboard]);
CREATE TABLE bot_settings (
  key text NOT NULL,
  value text NOT NULL,
[settings_by_server]  discord_server_id bigint NOT NULL,
  updated_at timestamp DEFAULT CURRENT_TIMESTAMP,
[settings_by_server]  PRIMARY KEY (key, discord_server_id)
[settings_by_key]  PRIMARY KEY (key)
);
CREATE TABLE point_settings (
  key text PRIMARY KEY,
  value text NOT NULL,
  updated_at timestamp DEFAULT CURRENT_TIMESTAMP
[dashboard]  , discord_server_id bigint
);
CREATE TABLE feature_settings (
  feature_name text PRIMARY KEY,
  enabled boolean NOT NULL DEFAULT true,
  updated_at timestamp DEFAULT CURRENT_TIMESTAMP
);
CREATE TABLE links (
  discord_id bigint NOT NULL,
  kick_name text,
  discord_server_id bigint NOT NULL,
  linked_at timestamp DEFAULT CURRENT_TIMESTAMP
[made]  , PRIMARY KEY (discord_id, discord_server_id)
[made]  , UNIQUE (kick_name, discord_server_id)
[hand_made]  , CONSTRAINT one_link_per_member PRIMARY KEY (discord_id, discord_server_id)
);
[hand_made]CREATE UNIQUE INDEX links_name_once ON links (kick_name, discord_server_id);
CREATE TABLE pending_links (
  discord_id bigint PRIMARY KEY,
  kick_name text,
  code text,
  "timestamp" text
);
CREATE TABLE oauth_notifications (
  id serial PRIMARY KEY,
  discord_id bigint NOT NULL,
  kick_username text NOT NULL,
  channel_id bigint,
  message_id bigint,
  created_at timestamp DEFAULT CURRENT_TIMESTAMP,
  processed boolean DEFAULT false
);
CREATE TABLE oauth_states (
  state text PRIMARY KEY,
  discord_id bigint NOT NULL,
  code_verifier text NOT NULL,
  created_at timestamp DEFAULT CURRENT_TIMESTAMP,
  guild_id bigint DEFAULT 0
);
[dashboard]CREATE TABLE kick_oauth_tokens (
[dashboard]  user_id bigint PRIMARY KEY,
[dashboard]  kick_username text,
[dashboard]  access_token text NOT NULL,
[dashboard]  refresh_token text,
[dashboard]  scopes text,
[dashboard]  expires_at timestamp,
[dashboard]  created_at timestamp DEFAULT CURRENT_TIMESTAMP,
[dashboard]  updated_at timestamp DEFAULT CURRENT_TIMESTAMP
[dashboard]);
CREATE TABLE bot_tokens (
  bot_username text PRIMARY KEY,
  access_token text NOT NULL,
  refresh_token text,
  expires_at timestamp,
  created_at timestamp DEFAULT CURRENT_TIMESTAMP
);
CREATE TABLE link_panels (
  id serial PRIMARY KEY,
  guild_id bigint NOT NULL,
  channel_id bigint NOT NULL,
  message_id bigint NOT NULL,
  emoji text NOT NULL,
  created_at timestamp DEFAULT CURRENT_TIMESTAMP,
  UNIQUE (guild_id, channel_id, message_id)
);
CREATE TABLE link_logs_config (
  guild_id bigint PRIMARY KEY,
  channel_id bigint NOT NULL,
  enabled boolean DEFAULT true,
  created_at timestamp DEFAULT CURRENT_TIMESTAMP,
  updated_at timestamp DEFAULT CURRENT_TIMESTAMP
);
CREATE TABLE watchtime (
[made]  username text PRIMARY KEY,
[hand_made]  username text NOT NULL,
  minutes integer DEFAULT 0,
  last_active timestamp
);
[hand_made]CREATE UNIQUE INDEX watchtime_name_once ON watchtime (username);
CREATE TABLE watchtime_roles (
  id serial PRIMARY KEY,
  role_name text NOT NULL,
  minutes_required integer NOT NULL,
  display_order integer NOT NULL,
  enabled boolean DEFAULT true,
  created_at timestamp DEFAULT CURRENT_TIMESTAMP,
  updated_at timestamp DEFAULT CURRENT_TIMESTAMP
);
CREATE TABLE user_points (
  id serial PRIMARY KEY,
[made]  kick_username text NOT NULL UNIQUE,
[hand_made]  kick_username text NOT NULL,
  discord_id bigint,
  points integer DEFAULT 0,
  total_earned integer DEFAULT 0,
  total_spent integer DEFAULT 0,
  last_updated timestamp DEFAULT CURRENT_TIMESTAMP
);
[hand_made]CREATE UNIQUE INDEX user_points_name_once ON user_points (kick_username);
CREATE TABLE points_watchtime_converted (
[made]  id serial PRIMARY KEY,
[hand_made]  id serial CONSTRAINT conversions_key PRIMARY KEY,
  kick_username text NOT NULL,
  minutes_converted integer NOT NULL,
  points_awarded integer NOT NULL,
  converted_at timestamp DEFAULT CURRENT_TIMESTAMP
);
CREATE TABLE point_shop_items (
  id serial PRIMARY KEY,
  name text NOT NULL,
  description text,
  price integer NOT NULL,
  stock integer DEFAULT -1,
  image_url text,
  is_active boolean DEFAULT true,
  created_at timestamp DEFAULT CURRENT_TIMESTAMP,
  updated_at timestamp DEFAULT CURRENT_TIMESTAMP
[dashboard]  , discord_server_id bigint
[dashboard]  , requirement_title text
[dashboard]  , requirement_footer text
);
CREATE TABLE point_sales (
  id serial PRIMARY KEY,
  item_id integer,
  kick_username text NOT NULL,
  discord_id bigint,
  item_name text NOT NULL,
  price_paid integer NOT NULL,
  quantity integer DEFAULT 1,
  status text DEFAULT 'pending',
  notes text,
  purchased_at timestamp DEFAULT CURRENT_TIMESTAMP
[dashboard]  , requirement_input text
);
CREATE TABLE raffle_periods (
  id serial PRIMARY KEY,
  discord_server_id bigint NOT NULL,
  start_date timestamp NOT NULL,
  end_date timestamp NOT NULL,
  status varchar(20) DEFAULT 'active',
  total_tickets integer DEFAULT 0,
  created_at timestamp DEFAULT CURRENT_TIMESTAMP
);
CREATE INDEX idx_raffle_periods_status ON raffle_periods (status);
CREATE TABLE raffle_tickets (
  id serial PRIMARY KEY,
  period_id integer,
  discord_server_id bigint NOT NULL,
  discord_id bigint NOT NULL,
  kick_name text NOT NULL,
  watchtime_tickets integer DEFAULT 0,
  gifted_sub_tickets integer DEFAULT 0,
  shuffle_wager_tickets integer DEFAULT 0,
  bonus_tickets integer DEFAULT 0,
  total_tickets integer DEFAULT 0,
  last_updated timestamp DEFAULT CURRENT_TIMESTAMP
[made]  , UNIQUE (period_id, discord_id)
);
[hand_made]CREATE UNIQUE INDEX one_row_per_member ON raffle_tickets (period_id, discord_id);
CREATE INDEX idx_raffle_tickets_period ON raffle_tickets (period_id);
CREATE INDEX idx_raffle_tickets_discord ON raffle_tickets (discord_id);
CREATE INDEX idx_raffle_tickets_total ON raffle_tickets (total_tickets DESC);
CREATE TABLE raffle_watchtime_converted (
  id serial PRIMARY KEY,
  period_id integer,
  kick_name text NOT NULL,
  minutes_converted integer NOT NULL,
  tickets_awarded integer NOT NULL,
  converted_at timestamp DEFAULT CURRENT_TIMESTAMP,
  UNIQUE (period_id, kick_name)
);
CREATE TABLE raffle_gifted_subs (
  id serial PRIMARY KEY,
  period_id integer,
  gifter_kick_name text NOT NULL,
  gifter_discord_id bigint,
  recipient_kick_name text,
  sub_count integer DEFAULT 1,
  tickets_awarded integer NOT NULL,
  gifted_at timestamp DEFAULT CURRENT_TIMESTAMP,
  kick_event_id text UNIQUE
);
CREATE INDEX idx_raffle_gifted_subs_period ON raffle_gifted_subs (period_id);
CREATE INDEX idx_raffle_gifted_subs_discord ON raffle_gifted_subs (gifter_discord_id);
CREATE TABLE raffle_shuffle_wagers (
  id serial PRIMARY KEY,
  period_id integer,
  shuffle_username text NOT NULL,
  kick_name text,
  discord_id bigint,
  total_wager_usd numeric(15,2) DEFAULT 0,
  last_known_wager numeric(15,2) DEFAULT 0,
  tickets_awarded integer DEFAULT 0,
  created_at timestamp DEFAULT CURRENT_TIMESTAMP,
  last_checked timestamp DEFAULT CURRENT_TIMESTAMP,
  last_updated timestamp DEFAULT CURRENT_TIMESTAMP,
  platform varchar(50) DEFAULT 'shuffle',
  UNIQUE (period_id, shuffle_username)
);
CREATE INDEX idx_raffle_shuffle_period ON raffle_shuffle_wagers (period_id);
CREATE INDEX idx_raffle_shuffle_discord ON raffle_shuffle_wagers (discord_id);
CREATE TABLE raffle_shuffle_links (
  id serial PRIMARY KEY,
  shuffle_username text NOT NULL UNIQUE,
  kick_name text NOT NULL,
  discord_id bigint NOT NULL UNIQUE,
  linked_at timestamp DEFAULT CURRENT_TIMESTAMP,
  verified boolean DEFAULT false,
  verified_by_discord_id bigint,
  verified_at timestamp,
  platform varchar(50) DEFAULT 'shuffle'
);
CREATE TABLE raffle_ticket_log (
  id serial PRIMARY KEY,
  period_id integer,
  discord_id bigint NOT NULL,
  kick_name text NOT NULL,
  ticket_change integer NOT NULL,
  source varchar(50) NOT NULL,
  description text,
  created_at timestamp DEFAULT CURRENT_TIMESTAMP
);
CREATE INDEX idx_raffle_ticket_log_period ON raffle_ticket_log (period_id);
CREATE INDEX idx_raffle_ticket_log_discord ON raffle_ticket_log (discord_id);
CREATE TABLE raffle_draws (
  id serial PRIMARY KEY,
  period_id integer,
  discord_server_id bigint NOT NULL,
  total_tickets integer NOT NULL,
  total_participants integer NOT NULL,
  winner_discord_id bigint NOT NULL,
  winner_kick_name text NOT NULL,
  winner_shuffle_name text,
  winning_ticket integer NOT NULL,
  prize_description text,
  drawn_at timestamp DEFAULT CURRENT_TIMESTAMP,
  drawn_by_discord_id bigint,
  server_seed text,
  client_seed text,
  nonce text,
  proof_hash text
);
CREATE INDEX idx_raffle_draws_server ON raffle_draws (discord_server_id);
[dashboard]CREATE TABLE raffle_exclusions (
[dashboard]  id serial PRIMARY KEY,
[dashboard]  discord_server_id bigint NOT NULL,
[dashboard]  kick_username text,
[dashboard]  discord_id text,
[dashboard]  reason text,
[dashboard]  created_at timestamp DEFAULT CURRENT_TIMESTAMP
[dashboard]);
CREATE TABLE slot_requests (
  id serial PRIMARY KEY,
  kick_username text NOT NULL,
  slot_call text NOT NULL,
  requested_at timestamp DEFAULT CURRENT_TIMESTAMP,
  picked boolean DEFAULT false,
  picked_at timestamp
[dashboard]  , discord_server_id bigint
[dashboard]  , added_to_hunt boolean DEFAULT false
);
CREATE INDEX idx_slot_requests_requested_at ON slot_requests (requested_at DESC);
CREATE TABLE slot_call_blacklist (
  kick_username text PRIMARY KEY,
  reason text,
  blacklisted_by bigint,
  created_at timestamp DEFAULT CURRENT_TIMESTAMP
);
[dashboard]CREATE TABLE shuffle_slots (
[dashboard]  id serial PRIMARY KEY,
[dashboard]  name text NOT NULL,
[dashboard]  slug text,
[dashboard]  provider text,
[dashboard]  banned boolean DEFAULT false,
[dashboard]  is_active boolean DEFAULT true,
[dashboard]  discord_server_id bigint
[dashboard]);
CREATE TABLE gtb_sessions (
  id serial PRIMARY KEY,
  opened_by text NOT NULL,
  opened_at timestamp DEFAULT CURRENT_TIMESTAMP,
  closed_at timestamp,
  result_amount numeric(12,2),
[made]  status text DEFAULT 'open' CHECK (status IN ('open', 'closed', 'completed')),
[hand_made]  status text DEFAULT 'open',
  created_at timestamp DEFAULT CURRENT_TIMESTAMP
[dashboard]  , discord_server_id bigint
);
CREATE TABLE gtb_guesses (
  id serial PRIMARY KEY,
  session_id integer NOT NULL,
  kick_username text NOT NULL,
  guess_amount numeric(12,2) NOT NULL,
  guessed_at timestamp DEFAULT CURRENT_TIMESTAMP,
[dashboard]  discord_server_id bigint,
  UNIQUE (session_id, kick_username)
);
CREATE TABLE gtb_winners (
  id serial PRIMARY KEY,
  session_id integer NOT NULL,
  kick_username text NOT NULL,
  rank integer NOT NULL CHECK (rank IN (1, 2, 3)),
  guess_amount numeric(12,2) NOT NULL,
  result_amount numeric(12,2) NOT NULL,
  difference numeric(12,2) NOT NULL,
  created_at timestamp DEFAULT CURRENT_TIMESTAMP
);
[dashboard]CREATE TABLE custom_commands (
[dashboard]  id serial PRIMARY KEY,
[dashboard]  command text NOT NULL,
[dashboard]  response text NOT NULL,
[dashboard]  cooldown integer DEFAULT 5,
[dashboard]  enabled boolean DEFAULT true,
[dashboard]  use_count integer DEFAULT 0,
[dashboard]  discord_server_id bigint,
[dashboard]  created_at timestamp DEFAULT CURRENT_TIMESTAMP,
[dashboard]  updated_at timestamp DEFAULT CURRENT_TIMESTAMP,
[dashboard]  UNIQUE (command, discord_server_id)
[dashboard]);
CREATE TABLE timed_messages (
  id serial PRIMARY KEY,
  message text NOT NULL,
  interval_minutes integer NOT NULL,
  enabled boolean DEFAULT true,
  last_sent timestamp,
  created_at timestamp DEFAULT CURRENT_TIMESTAMP,
  created_by bigint,
  updated_at timestamp DEFAULT CURRENT_TIMESTAMP
[dashboard]  , discord_server_id bigint
);
CREATE TABLE timer_panels (
  id serial PRIMARY KEY,
  guild_id bigint NOT NULL,
  channel_id bigint NOT NULL,
  message_id bigint NOT NULL,
  created_at timestamp DEFAULT CURRENT_TIMESTAMP,
  UNIQUE (guild_id, channel_id, message_id)
);
CREATE TABLE clips (
  id serial PRIMARY KEY,
  kick_username text NOT NULL,
  clip_duration integer NOT NULL,
  clip_url text,
  created_at timestamp DEFAULT CURRENT_TIMESTAMP
[dashboard]  , filename text
[dashboard]  , file_size bigint
);
)sql";

// After the rows: one check of a whole table is quicker than one of each row.
const std::string_view kOldKickKeys = R"sql(
[made]ALTER TABLE point_sales ADD FOREIGN KEY (item_id) REFERENCES point_shop_items (id);
ALTER TABLE raffle_tickets ADD FOREIGN KEY (period_id) REFERENCES raffle_periods (id) ON DELETE CASCADE;
ALTER TABLE raffle_watchtime_converted ADD FOREIGN KEY (period_id) REFERENCES raffle_periods (id) ON DELETE CASCADE;
ALTER TABLE raffle_gifted_subs ADD FOREIGN KEY (period_id) REFERENCES raffle_periods (id) ON DELETE CASCADE;
ALTER TABLE raffle_shuffle_wagers ADD FOREIGN KEY (period_id) REFERENCES raffle_periods (id) ON DELETE CASCADE;
ALTER TABLE raffle_ticket_log ADD FOREIGN KEY (period_id) REFERENCES raffle_periods (id) ON DELETE CASCADE;
[made]ALTER TABLE raffle_draws ADD FOREIGN KEY (period_id) REFERENCES raffle_periods (id);
[made]ALTER TABLE gtb_guesses ADD FOREIGN KEY (session_id) REFERENCES gtb_sessions (id) ON DELETE CASCADE;
ALTER TABLE gtb_winners ADD FOREIGN KEY (session_id) REFERENCES gtb_sessions (id) ON DELETE CASCADE;
CREATE VIEW raffle_leaderboard AS
  SELECT t.period_id, t.discord_id, t.kick_name, t.watchtime_tickets, t.gifted_sub_tickets,
         t.shuffle_wager_tickets, t.bonus_tickets, t.total_tickets,
         rank() OVER (PARTITION BY t.period_id ORDER BY t.total_tickets DESC) AS rank
    FROM raffle_tickets t WHERE t.total_tickets > 0;
CREATE VIEW raffle_current_stats AS
  SELECT p.id AS period_id, p.start_date, p.end_date, p.status, count(t.id) AS participants,
         coalesce(sum(t.total_tickets), 0) AS total_tickets
    FROM raffle_periods p LEFT JOIN raffle_tickets t ON t.period_id = p.id
[nasty]   WHERE p.status = 'active' GROUP BY p.id;
[tame]   WHERE p.status = 'active' GROUP BY p.id, p.start_date, p.end_date, p.status;
)sql";

}  // namespace guildhall::test
