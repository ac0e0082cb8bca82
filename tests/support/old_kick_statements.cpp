#include <fmt/format.h>

#include "tests/support/old_kick.h"

namespace guildhall::test {
namespace {

using Statements = std::vector<OldStatement>;

/// What differs between shapes and rounds.
struct Words {
  explicit Words(const OldKick& database, int round)
      : has_dashboard(database.shape == OldKick::Shape::with_dashboard),
        settings_by_key(database.settings_before_december),
        home(std::to_string(database.home)),
        newcomer(fmt::format("newcomer_{}", round)),
        newcomer_id(std::to_string(400'000'000'000'000'000 + round)),
        known(viewer_name(1 + round % database.viewers)),
        known_id(std::to_string(viewer_id(1 + round % database.viewers))),
        token(fmt::format("round-{}", round)) {}

  bool has_dashboard;
  bool settings_by_key;
  std::string home;
  std::string newcomer;  // nobody's name yet
  std::string newcomer_id;
  std::string known;  // a viewer's
  std::string known_id;
  std::string token;  // no other round's
};

constexpr const char* kNow = "2025-12-01T10:00:00.123456+00:00";

Statements watchtime(const Words& w) {
  const std::string tick =
      "INSERT INTO watchtime (username, minutes, last_active) VALUES ($1, $2::double precision, $3) "
      "ON CONFLICT (username) DO UPDATE SET minutes = watchtime.minutes + $2::double precision, "
      "last_active = $3";
  return {
      {"watchtime: tick of a newcomer", tick, {w.newcomer, "1", kNow}},
      {"watchtime: tick", tick, {w.known, "1", kNow}},
      {"watchtime: insert", "INSERT INTO watchtime (username, minutes) VALUES ($1, 0)", {w.newcomer + "_2"}},
      {"watchtime: of a name",
       "SELECT minutes FROM watchtime WHERE LOWER(username) = LOWER($1)",
       {w.known},
       false},
      {"watchtime: leaderboard",
       "SELECT username, minutes FROM watchtime ORDER BY minutes DESC LIMIT 10",
       {},
       false},
      {"watchtime: everything", "SELECT * FROM watchtime ORDER BY username LIMIT 5", {}, false},
      {"watchtime: rename",
       "UPDATE watchtime SET username = $1 WHERE username = $2",
       {w.newcomer + "_3", w.newcomer + "_2"}},
      {"watchtime: roles",
       "SELECT role_name, minutes_required FROM watchtime_roles WHERE enabled = true ORDER BY display_order",
       {},
       false},
      {"watchtime: add a role",
       "INSERT INTO watchtime_roles (role_name, minutes_required, display_order) VALUES ($1, 10, 9)",
       {w.token}},
      {"watchtime: members of a role",
       "SELECT l.discord_id, w.minutes FROM watchtime w JOIN links l ON l.kick_name = w.username "
       "WHERE w.minutes >= 120 ORDER BY w.minutes DESC LIMIT 25",
       {},
       false},
  };
}

Statements points(const Words& w) {
  const std::string award =
      "INSERT INTO user_points (kick_username, discord_id, points, total_earned) VALUES ($1, $2, $3, $3) "
      "ON CONFLICT (kick_username) DO UPDATE SET points = user_points.points + $3, "
      "total_earned = user_points.total_earned + $3, "
      "discord_id = COALESCE($2, user_points.discord_id), last_updated = CURRENT_TIMESTAMP";
  return {
      {"points: award to a newcomer", award, {w.newcomer, w.newcomer_id, "5"}},
      {"points: award", award, {w.known, w.known_id, "5"}},
      {"points: conversion",
       "INSERT INTO points_watchtime_converted (kick_username, minutes_converted, points_awarded) "
       "VALUES ($1, 5, 1)",
       {w.known}},
      {"points: converted so far",
       "SELECT COALESCE(SUM(minutes_converted), 0) FROM points_watchtime_converted WHERE kick_username = $1",
       {w.known},
       false},
      {"points: balance",
       "SELECT points, total_earned, total_spent FROM user_points WHERE LOWER(kick_username) = LOWER($1)",
       {w.known},
       false},
      {"points: leaderboard",
       "SELECT kick_username, points FROM user_points WHERE points > 0 ORDER BY points DESC LIMIT 10",
       {},
       false},
      {"points: items",
       "SELECT id, name, price, stock FROM point_shop_items WHERE is_active = true ORDER BY price LIMIT 25",
       {},
       false},
      {"points: pay",
       "UPDATE user_points SET points = points - $1, total_spent = total_spent + $1 "
       "WHERE kick_username = $2 AND points >= $1",
       {"1", w.known}},
      {"points: sale",
       "INSERT INTO point_sales (item_id, kick_username, discord_id, item_name, price_paid, status) "
       "VALUES (1, $1, $2, 'Item 1', 100, 'pending') RETURNING id",
       {w.known, w.known_id}},
      {"points: stock", "UPDATE point_shop_items SET stock = stock - 1 WHERE id = 2 AND stock > 0"},
      {"points: order done",
       "UPDATE point_sales SET status = 'completed' WHERE id = (SELECT MAX(id) FROM point_sales)"},
      {"points: add an item", "INSERT INTO point_shop_items (name, price) VALUES ($1, 10)", {w.token}},
      {"points: settings", "SELECT key, value FROM point_settings", {}, false},
      {"points: set",
       "INSERT INTO point_settings (key, value) VALUES ($1, $2) "
       "ON CONFLICT (key) DO UPDATE SET value = EXCLUDED.value, updated_at = CURRENT_TIMESTAMP",
       {"points_per_5min", "1"}},
  };
}

Statements settings(const Words& w) {
  Statements all = {
      {"settings: feature",
       "INSERT INTO feature_settings (feature_name, enabled) VALUES ($1, true) "
       "ON CONFLICT (feature_name) DO UPDATE SET enabled = EXCLUDED.enabled",
       {"clips"}},
      {"settings: everything", "SELECT key, value FROM bot_settings", {}, false},
  };
  if (w.settings_by_key)
    all.push_back({"settings: set",
                   "INSERT INTO bot_settings (key, value) VALUES ($1, $2) "
                   "ON CONFLICT (key) DO UPDATE SET value = EXCLUDED.value, updated_at = CURRENT_TIMESTAMP",
                   {"clip_duration", "45"}});
  else
    all.push_back({"settings: set",
                   "INSERT INTO bot_settings (key, value, discord_server_id) VALUES ($1, $2, $3) "
                   "ON CONFLICT (key, discord_server_id) DO UPDATE SET value = EXCLUDED.value, "
                   "updated_at = CURRENT_TIMESTAMP",
                   {"clip_duration", "45", w.home}});
  return all;
}

Statements links(const Words& w) {
  const std::string remember_code =
      "INSERT INTO pending_links (discord_id, kick_name, code, timestamp) VALUES ($1, $2, $3, $4) "
      "ON CONFLICT (discord_id) DO UPDATE SET kick_name = EXCLUDED.kick_name, code = EXCLUDED.code, "
      "timestamp = EXCLUDED.timestamp";
  const std::string link =
      "INSERT INTO links (discord_id, kick_name, discord_server_id) VALUES ($1, $2, $3) "
      "ON CONFLICT (discord_id, discord_server_id) DO UPDATE SET kick_name = EXCLUDED.kick_name, "
      "linked_at = CURRENT_TIMESTAMP";
  return {
      {"links: begin", remember_code, {w.newcomer_id, w.newcomer, "123456", kNow}},
      {"links: begin again", remember_code, {w.newcomer_id, w.newcomer, "654321", kNow}},
      {"links: state",
       "INSERT INTO oauth_states (state, discord_id, code_verifier, guild_id) VALUES ($1, $2, 'v', $3)",
       {w.token, w.newcomer_id, w.home}},
      {"links: state without a server",
       "INSERT INTO oauth_states (state, discord_id, code_verifier) VALUES ($1, $2, 'v')",
       {w.token + "-2", w.newcomer_id}},
      {"links: taken?",
       "SELECT discord_id FROM links WHERE LOWER(kick_name) = LOWER($1) AND discord_server_id = $2",
       {w.newcomer, w.home},
       false},
      {"links: link", link, {w.newcomer_id, w.newcomer, w.home}},
      {"links: link in no server", link, {w.newcomer_id, w.newcomer, "0"}},
      {"links: pending no more", "DELETE FROM pending_links WHERE discord_id = $1", {w.newcomer_id}},
      {"links: sweep", "DELETE FROM pending_links WHERE timestamp < $1", {"2025-10-01T00:00:00+00:00"}},
      {"links: state no more", "DELETE FROM oauth_states WHERE state = $1", {w.token}},
      {"links: tell",
       "INSERT INTO oauth_notifications (discord_id, kick_username, channel_id, message_id) VALUES ($1, $2, "
       "1, $3)",
       {w.newcomer_id, w.newcomer, w.newcomer_id}},
      {"links: to tell",
       "SELECT id, discord_id, kick_username FROM oauth_notifications WHERE processed = FALSE ORDER BY "
       "created_at LIMIT 10",
       {},
       false},
      {"links: told",
       "UPDATE oauth_notifications SET processed = TRUE WHERE discord_id = $1",
       {w.newcomer_id}},
      {"links: unlink", "DELETE FROM links WHERE discord_id = $1 AND discord_server_id = 0", {w.newcomer_id}},
      {"links: panel",
       "INSERT INTO link_panels (guild_id, channel_id, message_id, emoji) VALUES ($1, 1, $2, '🔗')",
       {w.home, w.newcomer_id}},
      {"links: log",
       "INSERT INTO link_logs_config (guild_id, channel_id) VALUES ($1, 1) "
       "ON CONFLICT (guild_id) DO UPDATE SET channel_id = EXCLUDED.channel_id, enabled = TRUE",
       {w.home}},
      {"links: the bot's token",
       "INSERT INTO bot_tokens (bot_username, access_token) VALUES ('the_bot', $1) "
       "ON CONFLICT (bot_username) DO UPDATE SET access_token = EXCLUDED.access_token",
       {w.token}},
  };
}

Statements raffle(const Words& w) {
  return {
      {"raffle: period",
       "SELECT id, start_date, end_date FROM raffle_periods WHERE status = 'active' AND discord_server_id = "
       "$1 ORDER BY id LIMIT 1",
       {w.home},
       false},
      {"raffle: tickets",
       "INSERT INTO raffle_tickets (period_id, discord_server_id, discord_id, kick_name, watchtime_tickets, "
       "total_tickets) "
       "VALUES (2, $1, $2, $3, 10, 10) ON CONFLICT (period_id, discord_id) DO UPDATE SET "
       "watchtime_tickets = raffle_tickets.watchtime_tickets + 10, "
       "total_tickets = raffle_tickets.total_tickets + 10, last_updated = CURRENT_TIMESTAMP",
       {w.home, w.newcomer_id, w.newcomer}},
      {"raffle: log",
       "INSERT INTO raffle_ticket_log (period_id, discord_id, kick_name, ticket_change, source) VALUES (2, "
       "$1, $2, 10, 'watchtime')",
       {w.newcomer_id, w.newcomer}},
      {"raffle: total",
       "UPDATE raffle_periods SET total_tickets = (SELECT COALESCE(SUM(total_tickets), 0) FROM "
       "raffle_tickets WHERE period_id = 2) WHERE id = 2"},
      {"raffle: converted",
       "INSERT INTO raffle_watchtime_converted (period_id, kick_name, minutes_converted, tickets_awarded) "
       "VALUES (2, $1, 60, 10)",
       {w.newcomer}},
      {"raffle: converted so far",
       "SELECT COALESCE(SUM(minutes_converted), 0) FROM raffle_watchtime_converted WHERE period_id = 2 AND "
       "kick_name = $1",
       {w.known},
       false},
      {"raffle: gift",
       "INSERT INTO raffle_gifted_subs (period_id, gifter_kick_name, sub_count, tickets_awarded, "
       "kick_event_id) "
       "VALUES (2, $1, 1, 15, $2)",
       {w.known, w.token}},
      {"raffle: wager",
       "INSERT INTO raffle_shuffle_wagers (period_id, shuffle_username, total_wager_usd, last_known_wager) "
       "VALUES (2, $1, $2, $2) ON CONFLICT (period_id, shuffle_username) DO UPDATE SET "
       "total_wager_usd = EXCLUDED.total_wager_usd, last_checked = CURRENT_TIMESTAMP",
       {w.token, "1234.56"}},
      {"raffle: claim",
       "INSERT INTO raffle_shuffle_links (shuffle_username, kick_name, discord_id) VALUES ($1, $2, $3)",
       {w.token, w.newcomer, w.newcomer_id}},
      {"raffle: verify",
       "UPDATE raffle_shuffle_links SET verified = TRUE, verified_at = CURRENT_TIMESTAMP WHERE discord_id = "
       "$1",
       {w.newcomer_id}},
      {"raffle: leaderboard",
       "SELECT kick_name, total_tickets, rank FROM raffle_leaderboard WHERE period_id = 2 ORDER BY rank "
       "LIMIT 10",
       {},
       false},
      {"raffle: stats", "SELECT * FROM raffle_current_stats", {}, false},
      {"raffle: new period",
       "INSERT INTO raffle_periods (discord_server_id, start_date, end_date, status) VALUES ($1, "
       "'2026-01-01', '2026-01-31', 'ended')",
       {w.home}},
      {"raffle: draw",
       "INSERT INTO raffle_draws (period_id, discord_server_id, total_tickets, total_participants, "
       "winner_discord_id, winner_kick_name, winning_ticket) "
       "VALUES (2, $1, 10, 1, $2, $3, 7)",
       {w.home, w.newcomer_id, w.newcomer}},
  };
}

Statements games(const Words& w) {
  Statements all = {
      {"guesses: last result",
       "SELECT kick_username, rank, difference FROM gtb_winners ORDER BY session_id DESC, rank LIMIT 3",
       {},
       false},
      {"slots: open",
       "SELECT id, kick_username, slot_call FROM slot_requests WHERE picked = FALSE ORDER BY id",
       {},
       false},
      {"slots: pick",
       "UPDATE slot_requests SET picked = TRUE, picked_at = CURRENT_TIMESTAMP WHERE kick_username = $1",
       {w.newcomer}},
      {"slots: ban",
       "INSERT INTO slot_call_blacklist (kick_username, reason, blacklisted_by) VALUES ($1, 'x', $2) "
       "ON CONFLICT (kick_username) DO UPDATE SET reason = EXCLUDED.reason",
       {w.newcomer, w.known_id}},
      {"slots: banned?",
       "SELECT 1 FROM slot_call_blacklist WHERE LOWER(kick_username) = LOWER($1)",
       {w.newcomer},
       false},
      {"slots: no ban", "DELETE FROM slot_call_blacklist WHERE kick_username = $1", {w.newcomer}},
  };
  const auto add = [&](OldStatement statement) { all.push_back(std::move(statement)); };
  if (w.has_dashboard) {
    add({"guesses: open",
         "INSERT INTO gtb_sessions (opened_by, status, discord_server_id) VALUES ($1, 'open', $2) RETURNING "
         "id",
         {w.token, w.home}});
    add({"guesses: guess",
         "INSERT INTO gtb_guesses (session_id, kick_username, guess_amount, discord_server_id) "
         "VALUES ((SELECT MAX(id) FROM gtb_sessions WHERE discord_server_id = $3), $1, $2, $3) "
         "ON CONFLICT (session_id, kick_username) DO UPDATE SET guess_amount = EXCLUDED.guess_amount, "
         "guessed_at = CURRENT_TIMESTAMP",
         {w.known, "1234.50", w.home}});
    add({"slots: call",
         "INSERT INTO slot_requests (kick_username, slot_call, discord_server_id) VALUES ($1, 'Slot 1', $2) "
         "RETURNING id",
         {w.newcomer, w.home}});
    add({"commands: use",
         "UPDATE custom_commands SET use_count = use_count + 1 WHERE command = $1 AND discord_server_id = $2",
         {"discord", w.home}});
    add({"commands: everything",
         "SELECT command, response, cooldown FROM custom_commands WHERE enabled = TRUE",
         {},
         false});
  } else {
    add({"guesses: open",
         "INSERT INTO gtb_sessions (opened_by, status) VALUES ($1, 'open') RETURNING id",
         {w.token}});
    add({"guesses: guess",
         "INSERT INTO gtb_guesses (session_id, kick_username, guess_amount) "
         "VALUES ((SELECT MAX(id) FROM gtb_sessions), $1, $2) "
         "ON CONFLICT (session_id, kick_username) DO UPDATE SET guess_amount = EXCLUDED.guess_amount, "
         "guessed_at = CURRENT_TIMESTAMP",
         {w.known, "1234.50"}});
    add({"slots: call",
         "INSERT INTO slot_requests (kick_username, slot_call) VALUES ($1, 'Slot 1') RETURNING id",
         {w.newcomer}});
  }
  add({"guesses: close",
       "UPDATE gtb_sessions SET status = 'closed', closed_at = CURRENT_TIMESTAMP WHERE opened_by = $1",
       {w.token}});
  add({"guesses: result",
       "UPDATE gtb_sessions SET status = 'completed', result_amount = $1 WHERE opened_by = $2",
       {"1000.00", w.token}});
  add({"guesses: winner",
       "INSERT INTO gtb_winners (session_id, kick_username, rank, guess_amount, result_amount, difference) "
       "SELECT id, $1, 1, 1234.50, 1000.00, 234.50 FROM gtb_sessions WHERE opened_by = $2",
       {w.known, w.token}});
  return all;
}

Statements chat(const Words& w) {
  return {
      {"messages: due",
       "SELECT id, message FROM timed_messages WHERE enabled = TRUE AND (last_sent IS NULL OR last_sent + "
       "interval_minutes * INTERVAL '1 minute' < CURRENT_TIMESTAMP)",
       {},
       false},
      {"messages: sent", "UPDATE timed_messages SET last_sent = CURRENT_TIMESTAMP WHERE id = 1"},
      {"messages: add",
       "INSERT INTO timed_messages (message, interval_minutes, created_by) VALUES ($1, 15, $2) RETURNING id",
       {w.token, w.known_id}},
      {"messages: remove", "DELETE FROM timed_messages WHERE message = $1", {w.token}},
      {"messages: panel",
       "INSERT INTO timer_panels (guild_id, channel_id, message_id) VALUES ($1, 1, $2)",
       {w.home, w.newcomer_id}},
      {"clips: add",
       "INSERT INTO clips (kick_username, clip_duration, clip_url) VALUES ($1, 30, $2)",
       {w.known, w.token}},
      {"clips: newest", "SELECT * FROM clips ORDER BY created_at DESC LIMIT 5", {}, false},
  };
}

}  // namespace

std::vector<OldStatement> old_bot_statements(const OldKick& database, int round) {
  const Words words(database, round);
  Statements all;
  for (const auto& part : {watchtime(words), points(words), settings(words), links(words), raffle(words),
                           games(words), chat(words)})
    all.insert(all.end(), part.begin(), part.end());
  return all;
}

}  // namespace guildhall::test
