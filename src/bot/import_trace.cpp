#include "bot/import_trace.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <iterator>

namespace guildhall::bot {
namespace {

using store::Statement;
using store::TxTask;

struct BookedParams {
  std::string last;
  std::string end;
  std::int64_t limit;
};
BOOST_DESCRIBE_STRUCT(BookedParams, (), (last, end, limit))

struct OldNamesParams {
  std::string source;
  std::string item;
  std::string last;
  std::int64_t limit;
};
BOOST_DESCRIBE_STRUCT(OldNamesParams, (), (source, item, last, limit))

struct LinkedParams {
  std::string platform;
  std::string last;
  std::int64_t limit;
};
BOOST_DESCRIBE_STRUCT(LinkedParams, (), (platform, last, limit))

/// All lines of such an operation are of one holder.
constexpr Statement<BookedParams, BookedPoints> kBookedBehind{
    "import_trace.booked_points_behind",
    "SELECT operation_id, holder_id FROM ledger WHERE discord_server_id = :server "
    "AND operation_id > :last AND operation_id < :end AND line = 0 ORDER BY operation_id LIMIT :limit"};

constexpr Statement<OldNamesParams, OldName> kOldNames{
    "import_trace.old_names_behind",
    "SELECT old_key, credited, debited, value, carried_at FROM import_carried "
    "WHERE discord_server_id = :server AND source = :source AND item = :item AND old_key > :last "
    "ORDER BY old_key LIMIT :limit"};

constexpr Statement<LinkedParams, LinkedViewer> kLinked{
    "import_trace.linked_viewers",
    "SELECT platform_user_id, person_id, home_person_id FROM identities WHERE discord_server_id = :server "
    "AND platform = :platform AND platform_user_id > :last AND person_id <> home_person_id "
    "ORDER BY platform_user_id LIMIT :limit"};

std::optional<std::int64_t> parse_whole(std::string_view text) {
  std::int64_t number = 0;
  const char* const end = text.data() + text.size();
  const auto [read, error] = std::from_chars(text.data(), end, number);
  return error == std::errc{} && read == end ? std::optional(number) : std::nullopt;
}

std::string points_prefix(const std::string& source) { return fmt::format("import:{}:points", source); }

}  // namespace

std::vector<Part> parse_parts(std::string_view value) {
  std::vector<Part> parts;
  while (!value.empty()) {
    const std::string_view one = value.substr(0, value.find(' '));
    value.remove_prefix(std::min(value.size(), one.size() + 1));
    const auto equals = one.find('=');
    if (equals == std::string_view::npos) return {};
    const auto home = parse_whole(one.substr(0, equals));
    const auto amount = parse_whole(one.substr(equals + 1));
    if (!home || !amount) return {};
    parts.push_back({PersonId(*home), *amount});
  }
  return parts;
}

std::string add_part(std::string_view value, Part part) {
  std::vector<Part> parts = parse_parts(value);
  const auto same = std::ranges::find(parts, part.home, &Part::home);
  if (same != parts.end()) {
    same->amount += part.amount;
  } else {
    parts.push_back(part);
  }
  std::vector<Part> left;
  std::ranges::copy_if(parts, std::back_inserter(left), [](const Part& one) { return one.amount != 0; });
  if (left.empty()) left = {{part.home, 0}};
  std::string text;
  for (const Part& one : left)
    text += fmt::format("{}{}={}", text.empty() ? "" : " ", one.home.value(), one.amount);
  return text;
}

std::string points_operation(const std::string& source, std::int64_t times, const std::string& key) {
  // The first has its name alone, so that it can be found by it.
  if (times == 1) return fmt::format("import:{}:points:{}", source, key);
  return fmt::format("import:{}:points#{}:{}", source, times, key);
}

std::optional<PointsBooking> parse_points_operation(const std::string& source, const std::string& id) {
  const std::string prefix = points_prefix(source);
  if (!id.starts_with(prefix)) return std::nullopt;
  const std::string_view rest = std::string_view(id).substr(prefix.size());
  const auto colon = rest.find(':');
  if (colon == std::string_view::npos) return std::nullopt;
  std::string key(rest.substr(colon + 1));
  if (colon == 0) return PointsBooking{1, std::move(key)};
  const auto times = rest.front() == '#' ? parse_whole(rest.substr(1, colon - 1)) : std::nullopt;
  if (!times) return std::nullopt;
  return PointsBooking{*times, std::move(key)};
}

TxTask<std::vector<BookedPoints>> booked_points_behind(store::Tx& tx, std::string source, std::string last,
                                                       std::int64_t limit) {
  // ';' is the character behind ':', and '#' comes before both.
  const std::string prefix = points_prefix(source);
  co_return co_await tx.all(kBookedBehind, {last.empty() ? prefix : std::move(last), prefix + ";", limit});
}

TxTask<std::vector<OldName>> old_names_behind(store::Tx& tx, std::string source, std::string item,
                                              std::string last, std::int64_t limit) {
  co_return co_await tx.all(kOldNames, {std::move(source), std::move(item), std::move(last), limit});
}

TxTask<std::vector<LinkedViewer>> linked_viewers(store::Tx& tx, std::string platform, std::string last,
                                                 std::int64_t limit) {
  co_return co_await tx.all(kLinked, {std::move(platform), std::move(last), limit});
}

void declare_import_trace(store::StatementRegistry& statements) {
  statements.add("import_trace", kBookedBehind, kOldNames, kLinked);
}

}  // namespace guildhall::bot
