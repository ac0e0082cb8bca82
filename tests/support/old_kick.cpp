#include "tests/support/old_kick.h"

#include <fmt/format.h>

#include <algorithm>

#include "tests/support/old_kick_parts.h"
#include "tests/support/tagged_text.h"

namespace guildhall::test {
namespace {

constexpr std::string_view kBase = "timestamp '2025-11-01 12:00:00'";
constexpr std::int64_t kStranger = 900'000'000'000'099'999;

std::set<std::string, std::less<>> tags_of(const OldKick& database) {
  const bool others = std::ranges::any_of(database.servers, [&](auto id) { return id != database.home; });
  std::set<std::string, std::less<>> tags;
  tags.insert(database.shape == OldKick::Shape::with_dashboard ? "dashboard" : "bot_only");
  tags.insert(database.settings_before_december ? "settings_by_key" : "settings_by_server");
  tags.insert(database.hand_made ? "hand_made" : "made");
  tags.insert(database.nasty ? "nasty" : "tame");
  if (others) tags.insert("others");
  return tags;
}

/// The order of rows is that in which the dashboard put them in.
std::string servers_of(const OldKick& database) {
  if (database.shape == OldKick::Shape::bot_only) return "";
  std::string sql;
  for (const std::int64_t id : database.servers)
    sql += fmt::format("INSERT INTO servers VALUES ({0}, '{1}', 'server-{2}', NULL, {3}, {4});\n", id,
                       database.nasty && id != database.home ? "Die Größe 🎲 O''Neill"
                                                             : "Server " + std::to_string(id % 1000),
                       id % 1000, viewer_id(1), kBase);
  return sql;
}

/// Each of them: without names PostgreSQL warns of the tables of its own that only a superuser may look at.
std::string analyze(std::string_view tables) {
  constexpr std::string_view begin = "\nCREATE TABLE ";
  std::string sql;
  for (auto at = tables.find(begin); at != std::string_view::npos; at = tables.find(begin, at)) {
    at += begin.size();
    sql += fmt::format("ANALYZE {};\n", tables.substr(at, tables.find(' ', at) - at));
  }
  return sql;
}

std::string with_values(std::string text, const OldKick& database) {
  const std::pair<std::string_view, std::string> values[] = {
      {"{all}", fmt::format("generate_series(1::bigint, {}) v", database.viewers)},
      {"{name}", "'viewer_' || lpad(v::text, 7, '0')"},
      {"{id}", "300000000000000000 + v * 7919"},
      {"{time}", "{base} + v % 40000 * interval '1 minute 1 microsecond'"},
      {"{base}", std::string(kBase)},
      {"{home}", std::to_string(database.home)},
      {"{other}", std::to_string(database.other())},
      {"{id_of_1}", std::to_string(viewer_id(1))},
      {"{id_of_2}", std::to_string(viewer_id(2))},
      {"{name_of_1}", viewer_name(1)},
  };
  for (const auto& [word, value] : values) text = replace_all(std::move(text), word, value);
  return text;
}

}  // namespace

std::int64_t OldKick::other() const {
  const auto found = std::ranges::find_if(servers, [&](auto id) { return id != home; });
  return found == servers.end() ? kStranger : *found;
}

std::string viewer_name(std::int64_t viewer) { return fmt::format("viewer_{:07}", viewer); }

std::int64_t viewer_id(std::int64_t viewer) { return 300'000'000'000'000'000 + viewer * 7'919; }

std::string script(const OldKick& database) {
  const auto tags = tags_of(database);
  std::string text = pick_lines(kOldKickTables, tags);
  text += servers_of(database);
  text += pick_lines(kOldKickRows, tags);
  if (database.nasty) text += pick_lines(kOldKickNastyRows, tags);
  if (database.half_migrated) text += pick_lines(kOldKickFirstTry, tags);
  text += pick_lines(kOldKickKeys, tags);
  text += analyze(text);
  return with_values(std::move(text), database);
}

}  // namespace guildhall::test
