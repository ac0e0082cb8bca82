#include "tests/support/old_kick_parts.h"

namespace guildhall::test {

// {all}: the viewers, as "v"; {name}, {id}, {time}: of viewer v; {base}: when it all began.
const std::string_view kOldKickRows = R"sql(
INSERT INTO watchtime (username, minutes, last_active) SELECT {name}, v * 37 % 5000, {time} FROM {all};
INSERT INTO user_points (kick_username, discord_id, points, total_earned, total_spent, last_updated)
  SELECT {name}, CASE WHEN v % 3 <> 0 THEN {id} END, v * 13 % 10000, v * 13 % 10000 + v * 7 % 900, v * 7 % 900,
         {time} FROM {all};
INSERT INTO points_watchtime_converted (kick_username, minutes_converted, points_awarded, converted_at)
  SELECT {name}, v * 37 % 5000 / 5 * 5, v * 37 % 5000 / 5, {time} FROM {all};
INSERT INTO links (discord_id, kick_name, discord_server_id, linked_at)
  SELECT {id}, {name}, {home}, {time} FROM {all} WHERE v % 3 <> 0;
INSERT INTO pending_links (discord_id, kick_name, code, "timestamp")
  SELECT {id}, {name}, lpad((v * 91 % 1000000)::text, 6, '0'),
         to_char({time}, 'YYYY-MM-DD"T"HH24:MI:SS.US"+00:00"') FROM {all} WHERE v % 50 = 3;
INSERT INTO oauth_notifications (discord_id, kick_username, channel_id, message_id, created_at, processed)
  SELECT {id}, {name}, 910000000000000001, 920000000000000000 + v, {time}, v % 20 = 0 FROM {all} WHERE v % 10 = 0;
INSERT INTO point_shop_items (name, description, price, stock, created_at, updated_at)
  SELECT 'Item ' || i, 'The item of number ' || i, i * 100, CASE WHEN i = 1 THEN -1 ELSE i * 10 END, {base}, {base}
    FROM generate_series(1, 5) i;
INSERT INTO point_sales (item_id, kick_username, discord_id, item_name, price_paid, quantity, status, notes,
                         purchased_at)
  SELECT 1 + v % 5, {name}, CASE WHEN v % 3 <> 0 THEN {id} END, 'Item ' || 1 + v % 5, (1 + v % 5) * 100, 1,
         (ARRAY['pending', 'completed', 'cancelled'])[1 + v % 3], CASE WHEN v % 7 = 0 THEN 'soon, please' END, {time}
    FROM {all};
INSERT INTO watchtime_roles (role_name, minutes_required, display_order, created_at, updated_at)
  VALUES ('Tier 1', 120, 1, {base}, {base}), ('Tier 2', 600, 2, {base}, {base}), ('Tier 3', 2000, 3, {base}, {base});

INSERT INTO raffle_periods (discord_server_id, start_date, end_date, status, created_at)
  VALUES ({home}, '2025-10-01', '2025-10-31 23:59:59', 'ended', '2025-10-01'),
         ({home}, '2025-11-01', '2025-11-30 23:59:59', 'active', '2025-11-01');
INSERT INTO raffle_tickets (period_id, discord_server_id, discord_id, kick_name, watchtime_tickets,
                            gifted_sub_tickets, shuffle_wager_tickets, bonus_tickets, total_tickets, last_updated)
  SELECT 1 + v % 2, {home}, {id}, {name}, v % 80 * 10, v % 4 * 15, v % 6 * 20, v % 3,
         v % 80 * 10 + v % 4 * 15 + v % 6 * 20 + v % 3, {time} FROM {all} WHERE v % 3 <> 0;
UPDATE raffle_periods p SET total_tickets =
  coalesce((SELECT sum(total_tickets) FROM raffle_tickets WHERE period_id = p.id), 0);
INSERT INTO raffle_ticket_log (period_id, discord_id, kick_name, ticket_change, source, description, created_at)
  SELECT 1 + v % 2, {id}, {name}, v % 80 * 10, 'watchtime', v % 80 || ' h', {time} FROM {all} WHERE v % 3 <> 0;
INSERT INTO raffle_watchtime_converted (period_id, kick_name, minutes_converted, tickets_awarded, converted_at)
  SELECT 2, {name}, v * 37 % 5000, 0, '2025-11-01' FROM {all};
INSERT INTO raffle_gifted_subs (period_id, gifter_kick_name, gifter_discord_id, recipient_kick_name, sub_count,
                                tickets_awarded, gifted_at, kick_event_id)
  SELECT 1 + v % 2, {name}, CASE WHEN v % 3 <> 0 THEN {id} END, 'somebody', 1 + v % 5, 15 * (1 + v % 5), {time},
         'event-' || v FROM {all} WHERE v % 10 = 4;
INSERT INTO raffle_shuffle_links (shuffle_username, kick_name, discord_id, linked_at, verified)
  SELECT 'shuffle' || v, {name}, {id}, {time}, v % 40 = 7 FROM {all} WHERE v % 20 = 7;
INSERT INTO raffle_shuffle_wagers (period_id, shuffle_username, kick_name, discord_id, total_wager_usd,
                                   last_known_wager, tickets_awarded, created_at, last_checked, last_updated)
  SELECT 2, 'shuffle' || v, {name}, {id}, v * 1013 % 100000 + 0.37, v * 1013 % 100000 + 0.37,
         v * 1013 % 100000 / 50, {time}, {time}, {time} FROM {all} WHERE v % 20 = 7;
INSERT INTO raffle_draws (period_id, discord_server_id, total_tickets, total_participants, winner_discord_id,
                          winner_kick_name, winning_ticket, prize_description, drawn_at, server_seed, client_seed,
                          nonce, proof_hash)
  VALUES (1, {home}, 12345, 160, {id_of_1}, '{name_of_1}', 4711, '100 USD', '2025-10-31 23:59:59',
          repeat('a1', 32), 'period:1', '1', repeat('b2', 32));

INSERT INTO slot_requests (kick_username, slot_call, requested_at, picked, picked_at)
  SELECT {name}, 'Slot ' || v % 40, {time}, v % 10 = 0, CASE WHEN v % 10 = 0 THEN {time} END FROM {all}
   WHERE v % 5 = 0;
INSERT INTO slot_call_blacklist (kick_username, reason, blacklisted_by, created_at)
  VALUES ('loud_one', 'asks for the same one all the time', {id_of_1}, {base}), ('another_one', NULL, NULL, NULL);
INSERT INTO gtb_sessions (opened_by, opened_at, closed_at, result_amount, status, created_at)
  SELECT 'streamer', {base} + s * interval '1 day', CASE WHEN s < 12 THEN {base} + s * interval '25 hours' END,
         CASE WHEN s < 12 THEN s * 411.25 END, CASE WHEN s < 12 THEN 'completed' ELSE 'open' END,
         {base} + s * interval '1 day' FROM generate_series(1, 12) s;
INSERT INTO gtb_guesses (session_id, kick_username, guess_amount, guessed_at)
  SELECT 1 + v % 12, {name}, v * 173 % 500000 / 100.0, {time} FROM {all};
INSERT INTO gtb_winners (session_id, kick_username, rank, guess_amount, result_amount, difference, created_at)
  SELECT session_id, kick_username, place, guess_amount, result_amount, abs(guess_amount - result_amount), closed_at
    FROM (SELECT g.session_id, g.kick_username, g.guess_amount, s.result_amount, s.closed_at,
                 row_number() OVER (PARTITION BY s.id ORDER BY abs(g.guess_amount - s.result_amount), g.id) place
            FROM gtb_guesses g JOIN gtb_sessions s ON s.id = g.session_id WHERE s.status = 'completed') ranked
   WHERE place <= 3;
INSERT INTO timed_messages (message, interval_minutes, enabled, last_sent, created_at, created_by, updated_at)
  VALUES ('Follow the channel!', 15, true, {base}, {base}, {id_of_1}, {base}),
         ('Rules are in the Discord', 30, true, NULL, {base}, {id_of_1}, {base}),
         ('Old one', 60, false, NULL, {base}, NULL, {base});
INSERT INTO clips (kick_username, clip_duration, clip_url, created_at)
  SELECT {name}, 30, 'https://clips.example/' || v, {time} FROM {all} WHERE v % 10 = 1;

[settings_by_key]INSERT INTO bot_settings (key, value, updated_at) SELECT key, value, {base} FROM
[settings_by_server]INSERT INTO bot_settings (key, value, discord_server_id, updated_at)
[settings_by_server]  SELECT key, value, {home}, {base} FROM
  (VALUES ('kick_channel', 'the_channel'), ('clip_duration', '30'), ('watchtime_tickets_per_hour', '10 tickets'),
          ('slot_requests_enabled', 'true'), ('raffle_auto_draw', 'false')) setting (key, value);
INSERT INTO point_settings (key, value, updated_at)
  VALUES ('points_per_5min', '1', {base}), ('sub_points_per_5min', '2', {base}),
         ('shop_channel_id', '910000000000000007', {base});
INSERT INTO feature_settings (feature_name, enabled, updated_at)
  VALUES ('slot_calls', true, {base}), ('raffle', true, {base}), ('clips', false, {base});
INSERT INTO bot_tokens VALUES ('the_bot', 'sealed-access', 'sealed-refresh', '2025-12-01', {base});
INSERT INTO link_panels (guild_id, channel_id, message_id, emoji, created_at)
  VALUES ({home}, 910000000000000001, 920000000000000001, '🔗', {base});
INSERT INTO link_logs_config VALUES ({home}, 910000000000000002, true, {base}, {base});

[dashboard]UPDATE point_settings SET discord_server_id = {home} WHERE key = 'points_per_5min';
[dashboard]UPDATE point_shop_items SET discord_server_id = {home}, requirement_title = 'Your e-mail' WHERE id <= 3;
[dashboard]UPDATE slot_requests SET discord_server_id = {home} WHERE id % 2 = 0;
[dashboard]UPDATE gtb_sessions SET discord_server_id = {home} WHERE id <= 7;
[dashboard]UPDATE gtb_guesses SET discord_server_id = {home} WHERE session_id <= 3;
[dashboard]UPDATE timed_messages SET discord_server_id = {home} WHERE id = 1;
[dashboard]UPDATE clips SET filename = 'clip_' || id || '.mp4', file_size = 5000000000 + id WHERE id % 2 = 0;
[dashboard]INSERT INTO custom_commands (command, response, discord_server_id, created_at, updated_at)
[dashboard]  VALUES ('discord', 'https://discord.example/invite', {home}, {base}, {base}),
[dashboard]         ('socials', 'See below the stream', NULL, {base}, {base});
[dashboard]INSERT INTO kick_oauth_tokens VALUES (4711, 'streamer', 'sealed-access', 'sealed-refresh',
[dashboard]  'chat:write user:read', '2025-12-01', {base}, {base});
[dashboard]INSERT INTO shuffle_slots (name, slug, provider, discord_server_id)
[dashboard]  SELECT 'Slot ' || s, 'slot-' || s, 'Provider ' || s % 4, {home} FROM generate_series(1, 40) s;
[dashboard]INSERT INTO raffle_exclusions (discord_server_id, kick_username, discord_id, reason, created_at)
[dashboard]  VALUES ({home}, 'the_streamer', NULL, 'own channel', {base}),
[dashboard]         ({home}, NULL, '{id_of_1}', 'moderator', {base});

[others]INSERT INTO links (discord_id, kick_name, discord_server_id, linked_at)
[others]  SELECT {id}, {name}, {other}, {time} FROM {all} WHERE v % 25 = 1;
[others][settings_by_server]INSERT INTO bot_settings VALUES ('kick_channel', 'other_channel', {other}, {base});
[others]INSERT INTO raffle_periods (discord_server_id, start_date, end_date, status, created_at)
[others]  VALUES ({other}, '2025-11-01', '2025-11-30 23:59:59', 'active', '2025-11-01');
[others]INSERT INTO raffle_tickets (period_id, discord_server_id, discord_id, kick_name, bonus_tickets, total_tickets,
[others]                            last_updated)
[others]  SELECT 3, {other}, {id}, {name}, 5, 5, {time} FROM {all} WHERE v % 25 = 1;
[others]INSERT INTO link_panels (guild_id, channel_id, message_id, emoji, created_at)
[others]  VALUES ({other}, 930000000000000001, 940000000000000001, '🔗', {base});
[others][dashboard]INSERT INTO gtb_sessions (opened_by, opened_at, status, created_at, discord_server_id)
[others][dashboard]  VALUES ('other streamer', {base}, 'open', {base}, {other});
[others][dashboard]INSERT INTO gtb_guesses (session_id, kick_username, guess_amount, guessed_at)
[others][dashboard]  SELECT 13, {name}, v, {time} FROM {all} WHERE v % 25 = 1;
[others][dashboard]INSERT INTO point_shop_items (name, price, created_at, updated_at, discord_server_id)
[others][dashboard]  VALUES ('Item of another server', 50, {base}, {base}, {other});
[others][dashboard]INSERT INTO point_sales (item_id, kick_username, item_name, price_paid, purchased_at)
[others][dashboard]  SELECT 6, {name}, 'Item of another server', 50, {time} FROM {all} WHERE v % 50 = 1;
[others][dashboard]INSERT INTO custom_commands (command, response, discord_server_id, created_at, updated_at)
[others][dashboard]  VALUES ('discord', 'https://discord.example/other', {other}, {base}, {base});
)sql";

// {other}: another server, known or not.
const std::string_view kOldKickNastyRows = R"sql(
INSERT INTO watchtime (username, minutes, last_active)
  SELECT name, minutes, {base} FROM (VALUES
    ('O''Brien', 1), ('say "hello"', 2), ('🎉party🎉', 3), ('Größe_ß', 4), ('İstanbul', 5), ('back\slash', 6),
    ('per%cent_', 7), ('  around  ', 8), ('tab' || chr(9) || 'line' || chr(10) || 'end', 9), ('NULL', 10), ('', 11),
    (repeat('long', 75), 12), ('123456789', 13), ('2025-12-01', 14), ('a,b;c--d', 15), ('e' || chr(769) || 'té', 16)
  ) odd (name, minutes);
INSERT INTO user_points (kick_username, discord_id, points, total_earned, total_spent, last_updated)
  SELECT username, NULL, minutes * 100, minutes * 100, 0, last_active FROM watchtime WHERE username !~ '^viewer_';
INSERT INTO links (discord_id, kick_name, discord_server_id, linked_at)
  SELECT 350000000000000000 + minutes, username, {home}, last_active FROM watchtime WHERE username !~ '^viewer_';

INSERT INTO watchtime (username, minutes, last_active)
  VALUES ('Viewer_0000001', 40, {base}), ('VIEWER_0000001', 50, {base}), ('Viewer_0000002', 60, {base}),
         ('only_watched', 70, {base}), ('null_minutes', NULL, NULL);
INSERT INTO user_points (kick_username, discord_id, points, total_earned, total_spent, last_updated)
  VALUES ('Viewer_0000001', {id_of_1}, 400, 500, 100, {base}), ('Viewer_0000002', NULL, 600, 600, 0, {base}),
         ('Cased_Only_Here', NULL, 5, 5, 0, {base}), ('cased_only_here', NULL, 6, 6, 0, {base}),
         ('only_points', NULL, 700, 700, 0, {base}), ('null_points', NULL, NULL, NULL, NULL, NULL),
         ('in_debt', NULL, -50, 100, 150, {base}), ('richest', NULL, 2147483647, 2147483647, 0, {base});
INSERT INTO points_watchtime_converted (kick_username, minutes_converted, points_awarded, converted_at)
  SELECT 'viewer_0000004', 5, 1, {base} FROM generate_series(1, 3)
   UNION ALL SELECT 'Viewer_0000001', 35, 7, {base} UNION ALL SELECT 'gone_long_ago', 10, 2, NULL;
INSERT INTO links (discord_id, kick_name, discord_server_id, linked_at)
  VALUES ({id_of_1}, 'viewer_0000001', 0, {base}), ({id_of_2}, 'viewer_0000002', 0, {base}),
         (360000000000000001, 'only_unknown_server', 0, NULL), (360000000000000002, 'Viewer_0000001', {home}, {base}),
         (360000000000000003, NULL, {home}, {base}), (360000000000000004, NULL, {home}, {base}),
         (9007199254740993, 'just_over_2_to_53', {home}, {base});
INSERT INTO pending_links (discord_id, kick_name, code, "timestamp")
  VALUES (360000000000000005, NULL, NULL, NULL), (360000000000000006, 'Old_Time', '1', '2025-11-02 08:00:00'),
         (360000000000000007, 'No_Time', '000000', 'yesterday');
INSERT INTO oauth_notifications (discord_id, kick_username, created_at, processed)
  VALUES (360000000000000001, 'FAILED:viewer_0000001:already_linked', {base}, NULL), (0, '', NULL, NULL);
INSERT INTO oauth_states (state, discord_id, code_verifier, created_at, guild_id)
  VALUES ('state-of-nobody', {id_of_1}, 'verifier', {base}, 0), ('state-of-home', {id_of_2}, 'verifier', {base}, {home}),
         ('state-of-null', {id_of_2}, 'verifier', NULL, NULL);
INSERT INTO point_shop_items (name, price, stock, is_active, created_at, updated_at)
  VALUES ('Item 1', 0, NULL, NULL, NULL, NULL);
INSERT INTO point_sales (item_id, kick_username, item_name, price_paid, quantity, status, purchased_at)
  VALUES (NULL, 'viewer_0000001', 'An item that was deleted', 10, NULL, NULL, NULL),
         (NULL, 'Viewer_0000001', 'Item 1', 100, 0, 'refunded', {base});
DELETE FROM point_sales WHERE id = (SELECT max(id) FROM point_sales);
INSERT INTO watchtime_roles (role_name, minutes_required, display_order, enabled, created_at, updated_at)
  VALUES ('Tier 1', 240, 1, NULL, NULL, NULL), ('Größter "Fan" 🏆', 2147483647, -1, true, {base}, {base});

INSERT INTO raffle_periods (discord_server_id, start_date, end_date, status, total_tickets, created_at)
  VALUES ({home}, '2025-11-15', '2025-11-10', 'active', NULL, NULL);
INSERT INTO raffle_tickets (period_id, discord_server_id, discord_id, kick_name, bonus_tickets, total_tickets,
                            last_updated)
  VALUES (2, {other}, 370000000000000001, 'ticket_of_another_server', 3, 3, {base}),
         (NULL, {home}, 370000000000000002, 'ticket_without_period', 4, 4, {base}),
         (NULL, {home}, 370000000000000002, 'ticket_without_period', 5, 5, {base}),
         (1, {home}, 370000000000000003, 'null_tickets', NULL, NULL, NULL);
INSERT INTO raffle_watchtime_converted (period_id, kick_name, minutes_converted, tickets_awarded, converted_at)
  VALUES (NULL, 'viewer_0000001', 60, 10, {base}), (NULL, 'viewer_0000001', 60, 10, {base}),
         (2, 'Viewer_0000001', 60, 10, {base});
INSERT INTO raffle_gifted_subs (period_id, gifter_kick_name, sub_count, tickets_awarded, gifted_at, kick_event_id)
  VALUES (NULL, 'Anonymous', NULL, 0, NULL, NULL), (2, 'Anonymous', 1, 0, {base}, NULL);
INSERT INTO raffle_shuffle_wagers (period_id, shuffle_username, total_wager_usd, last_known_wager, created_at, last_checked,
                                   last_updated, platform)
  VALUES (NULL, 'Shuffle7', NULL, NULL, NULL, NULL, NULL, NULL),
         (2, 'High_Roller', 9999999999999.99, 0.01, {base}, {base}, {base}, 'howl');
INSERT INTO raffle_ticket_log (period_id, discord_id, kick_name, ticket_change, source, created_at)
  VALUES (NULL, {id_of_1}, 'viewer_0000001', -5, 'admin_removal', {base}), (2, {id_of_1}, 'viewer_0000001', 0, '', NULL);
INSERT INTO raffle_draws (period_id, discord_server_id, total_tickets, total_participants, winner_discord_id,
                          winner_kick_name, winning_ticket, drawn_at)
  VALUES (NULL, {home}, 1, 1, {id_of_2}, 'viewer_0000002', 1, {base}),
         (2, {other}, 9, 3, {id_of_2}, 'viewer_0000002', 2, NULL);

INSERT INTO slot_requests (kick_username, slot_call, requested_at, picked)
  VALUES ('viewer_0000001', '🎰 "Book of ''…''"', NULL, NULL), ('viewer_0000001', repeat('x', 200), {base}, false);
INSERT INTO gtb_sessions (opened_by, status, opened_at, created_at) VALUES ('nobody guessed', NULL, NULL, NULL);
INSERT INTO gtb_guesses (session_id, kick_username, guess_amount, guessed_at)
  VALUES (12, 'Viewer_0000001', 9999999999.99, {base}), (12, 'minus', -0.01, NULL);
INSERT INTO timed_messages (message, interval_minutes, enabled, created_at, created_by, updated_at)
  VALUES (repeat('🎉', 500), 0, NULL, NULL, NULL, NULL);
INSERT INTO clips (kick_username, clip_duration, clip_url, created_at) VALUES ('nobody', -1, NULL, NULL);
[others][settings_by_server]INSERT INTO bot_settings (key, value, discord_server_id, updated_at)
[others][settings_by_server]  VALUES ('clip_duration', '', {other}, NULL);
INSERT INTO bot_tokens (bot_username, access_token, created_at) VALUES ('The_Bot', '', NULL);
[others]INSERT INTO link_logs_config VALUES ({other}, 0, NULL, NULL, NULL);

[dashboard]INSERT INTO custom_commands (command, response, discord_server_id, created_at, updated_at)
[dashboard]  VALUES ('discord', 'of nobody', NULL, {base}, {base}), ('discord', 'of nobody, again', NULL, NULL, NULL),
[dashboard]         ('Discord', 'in another case', {home}, {base}, {base}), ('zero', 'of server 0', 0, {base}, {base});
[dashboard]INSERT INTO raffle_exclusions (discord_server_id, kick_username, discord_id, created_at)
[dashboard]  VALUES ({home}, '', '', {base}), ({home}, NULL, 'not a number', {base}),
[dashboard]         ({home}, 'The_Streamer', ' {id_of_2} ', NULL);
[dashboard][others]INSERT INTO raffle_exclusions (discord_server_id, kick_username, created_at)
[dashboard][others]  VALUES ({other}, 'The_Streamer', {base});
[dashboard]INSERT INTO shuffle_slots (name, banned, is_active) VALUES ('Slot 1', true, NULL);
[dashboard]INSERT INTO kick_oauth_tokens VALUES (4712, 'Streamer', '', NULL, NULL, NULL, NULL, NULL);
[dashboard]UPDATE gtb_guesses SET discord_server_id = {other} WHERE session_id = 2 AND kick_username LIKE '%3';
[dashboard]UPDATE slot_requests SET discord_server_id = 0 WHERE slot_call LIKE 'xxx%';
)sql";

// The broken-off try had come to fill some tables, one of them wholly, and not to others.
const std::string_view kOldKickFirstTry = R"sql(
ALTER TABLE user_points ADD COLUMN discord_server_id bigint;
ALTER TABLE watchtime ADD COLUMN discord_server_id bigint;
ALTER TABLE points_watchtime_converted ADD COLUMN discord_server_id bigint;
ALTER TABLE oauth_notifications ADD COLUMN discord_server_id bigint;
ALTER TABLE clips ADD COLUMN discord_server_id bigint;
UPDATE user_points SET discord_server_id = {home} WHERE id % 6 = 0;
[others]UPDATE user_points SET discord_server_id = {other} WHERE id % 6 = 1;
UPDATE watchtime SET discord_server_id = {home} WHERE minutes % 6 = 0;
UPDATE points_watchtime_converted SET discord_server_id = {home} WHERE id % 3 = 0;
UPDATE oauth_notifications SET discord_server_id = {home};
[nasty]UPDATE user_points SET discord_server_id = 0 WHERE kick_username = 'only_points';
CREATE INDEX idx_user_points_server ON user_points (discord_server_id);
CREATE INDEX idx_watchtime_server ON watchtime (discord_server_id);
)sql";

}  // namespace guildhall::test
