#include "import/report.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <boost/json/array.hpp>
#include <string_view>

namespace guildhall::importing {
namespace {

constexpr std::size_t kShown = 20;

/// What an old table was for; whoever has no place here yet waits for it.
std::string_view feature_of(std::string_view table) {
  static constexpr std::array<std::pair<std::string_view, std::string_view>, 18> kFeatures{{
      {"raffle_", "raffles"},
      {"point_shop_items", "point shop"},
      {"point_sales", "point shop"},
      {"slot_", "slot requests"},
      {"shuffle_slots", "slot requests"},
      {"gtb_", "guess the balance"},
      {"clips", "clips"},
      {"custom_commands", "custom commands"},
      {"timed_messages", "timed messages"},
      {"timer_panels", "timed messages"},
      {"giveaway", "giveaways"},
      {"tournament", "tournaments"},
      {"wager_", "wager leaderboard"},
      {"pending_links", "linking by the members themselves"},
      {"oauth_", "linking by the members themselves"},
      {"link_", "linking by the members themselves"},
      {"kick_oauth_tokens", "the streamer, who connects his channel anew"},
      {"bot_tokens", "nothing: the bot signs in by itself"},
  }};
  const auto found =
      std::ranges::find_if(kFeatures, [&](const auto& one) { return table.starts_with(one.first); });
  return found == kFeatures.end() ? "a feature that is not known yet" : found->second;
}

constexpr std::int64_t kMinute = 60'000'000;

std::string amounts(const ItemReport& item, std::int64_t credited, std::int64_t debited) {
  if (item.measures.empty()) return "";
  if (item.measures.front() == "microseconds") return fmt::format("{} minutes", credited / kMinute);
  return fmt::format("{} {}, {} {}", credited, item.measures.at(0), debited, item.measures.at(1));
}

std::string text_of(const ItemReport& item, bool is_dry) {
  if (item.table.empty()) return fmt::format("{}: the old database has no table of it\n", item.title);
  std::string text = fmt::format("{}: {} rows of {}, {} {}", item.title, item.rows, item.table, item.booked,
                                 is_dry ? "would be booked" : "booked");
  if (!item.measures.empty())
    text += fmt::format("\n    there {}; {} {}", amounts(item, item.credited, item.debited),
                        is_dry ? "to come" : "new here", amounts(item, item.new_credited, item.new_debited));
  text += "\n";
  if (item.waiting > 0)
    text += fmt::format("    {} wait for a feature: {}\n", item.waiting, fmt::join(item.waiting_keys, ", "));
  const auto list = [&](const std::vector<Note>& notes, std::string_view what) {
    if (notes.empty()) return;
    text += fmt::format("    {} {}:\n", notes.size(), what);
    for (std::size_t i = 0; i < std::min(kShown, notes.size()); ++i)
      text += fmt::format("      '{}': {}\n", notes[i].key, notes[i].text);
    if (notes.size() > kShown) text += "      ... (all of them with --json)\n";
  };
  list(item.remarks, "by a rule");
  list(item.refused, "not taken over");
  if (!item.fault.empty()) text += fmt::format("    DOES NOT ADD UP: {}\n", item.fault);
  return text;
}

boost::json::array json_of(const std::vector<Note>& notes) {
  boost::json::array rows;
  for (const Note& note : notes) rows.push_back({{"key", note.key}, {"reason", note.text}});
  return rows;
}

boost::json::object json_of(const ItemReport& item) {
  const auto amount = [&](std::int64_t credited, std::int64_t debited) {
    boost::json::object sums;
    if (!item.measures.empty()) sums[item.measures.at(0)] = std::to_string(credited);
    if (item.measures.size() > 1) sums[item.measures.at(1)] = std::to_string(debited);
    return sums;
  };
  boost::json::array waiting;
  for (const std::string& key : item.waiting_keys) waiting.emplace_back(key);
  return {{"item", item.item},
          {"table", item.table},
          {"rows", item.rows},
          {"booked", item.booked},
          {"there", amount(item.credited, item.debited)},
          {"new", amount(item.new_credited, item.new_debited)},
          {"remarks", json_of(item.remarks)},
          {"refused", json_of(item.refused)},
          {"waiting", std::move(waiting)},
          {"fault", item.fault}};
}

}  // namespace

bool Report::adds_up() const {
  return std::ranges::all_of(items, [](const ItemReport& item) { return item.fault.empty(); });
}

bool Report::will_be_refused() const {
  return is_dry && !may_merge && std::ranges::any_of(twins, &Twins::adds_up);
}

std::string text_of(const Report& report) {
  std::string text = fmt::format(
      "{} from {}{} for server {}{}; times there are of the zone {}\n",
      report.is_dry ? "Dry run" : "Taken over", report.old_database,
      report.is_converted ? " (converted)" : "", report.server.str(),
      report.home == report.server ? "" : fmt::format(" (home {})", report.home.str()), report.zone);
  for (const ItemReport& item : report.items) text += "  " + text_of(item, report.is_dry);
  if (!report.is_dry)
    text += fmt::format("  viewers without a link that were not known before: {}\n", report.viewers);
  if (!report.twins.empty()) {
    text += fmt::format("  {} names in several spellings, one viewer each:\n", report.twins.size());
    for (std::size_t i = 0; i < std::min(kShown, report.twins.size()); ++i)
      text += fmt::format("    {}{}\n", fmt::join(report.twins[i].names, " / "),
                          report.twins[i].adds_up ? " (added up)" : "");
  }
  if (report.will_be_refused()) text += "  Without --merge-twins the run itself will be refused.\n";
  for (const auto& table : report.waiting)
    text += fmt::format("  {}: {} rows wait for {}\n", table.table, table.rows, feature_of(table.table));
  if (!report.is_dry)
    text += report.adds_up() ? "All sums here are those of the old database.\n"
                             : "The sums here are NOT those of the old database.\n";
  return text;
}

boost::json::object json_of(const Report& report) {
  boost::json::array items;
  for (const ItemReport& item : report.items) items.push_back(json_of(item));
  boost::json::array twins;
  for (const Twins& one : report.twins) {
    boost::json::array names;
    for (const std::string& name : one.names) names.emplace_back(name);
    twins.push_back({{"names", std::move(names)}, {"added_up", one.adds_up}});
  }
  boost::json::array waiting;
  for (const auto& table : report.waiting)
    waiting.push_back({{"table", table.table}, {"rows", table.rows}, {"feature", feature_of(table.table)}});
  return {{"server", report.server.str()},
          {"home", report.home.str()},
          {"from", report.old_database},
          {"zone", report.zone},
          {"converted", report.is_converted},
          {"dry_run", report.is_dry},
          {"will_be_refused", report.will_be_refused()},
          {"new_viewers", report.viewers},
          {"items", std::move(items)},
          {"twins", std::move(twins)},
          {"waiting", std::move(waiting)},
          {"adds_up", report.adds_up()}};
}

}  // namespace guildhall::importing
