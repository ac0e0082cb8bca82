#include "import/revert.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "base/text.h"
#include "convert/sql_names.h"
#include "net/run_to_end.h"
#include "store/quoting.h"

namespace guildhall::importing {
namespace {

using bot::Carried;
using store::quoted_name;
using store::quoted_text;
using store::TxTask;

constexpr std::int64_t kMinute = 60'000'000;

/// Everything that is asked of this side, at one moment.
struct Here {
  std::vector<bot::Standing> standings;
  std::vector<bot::Viewer> viewers;
  std::vector<Carried> minutes;
  std::vector<Carried> points;
};

Here read_here(const tenancy::ServerScope& scope) {
  return net::run_to_end(scope.read([](store::Tx& tx) -> TxTask<Here> {
    Here here;
    here.standings = co_await bot::standings(tx);
    here.viewers = co_await bot::viewers(tx, bot::kKick);
    here.minutes = co_await bot::carried_behind(tx, "kick", "watchtime", "");
    here.points = co_await bot::carried_behind(tx, "kick", "points", "");
    co_return here;
  }));
}

/// What was carried for one person: of all names together, and of the first, under which he is found there.
struct Brought {
  std::string name = {};
  std::int64_t of_name = 0;
  std::int64_t all = 0;
};

std::map<PersonId, Brought> by_person(const std::vector<Carried>& carried,
                                      const std::map<std::string, PersonId>& people) {
  std::map<PersonId, Brought> brought;
  for (const Carried& one : carried) {
    const auto person = people.find(fold_name(bot::kept_name(one.old_key)));
    if (person == people.end()) continue;
    Brought& his = brought[person->second];
    const std::int64_t amount = one.credited - one.debited;
    if (his.name.empty()) {
      his.name = one.old_key;
      his.of_name = amount;
    }
    his.all += amount;
  }
  return brought;
}

/// SQL for one table of the old bot.
class Script {
 public:
  Script(const OldDatabase& old, std::string table, std::string key)
      : table_(std::move(table)),
        key_(std::move(key)),
        target_(convert::qualified(*old.scheme().schema, table_)),
        own_(old.is_own(table_)),
        column_(old.server_column(table_)),
        server_(old.server().str()) {}

  /// A row of that name with nothing in it, where there is none.
  std::string make(const std::string& name) const {
    const std::string server_name = column_ ? ", " + quoted_name(*column_) : "";
    return fmt::format(
        "INSERT INTO {0} ({1}{2}) SELECT {3}{4} WHERE NOT EXISTS (SELECT 1 FROM {0} t WHERE {5});\n", target_,
        quoted_name(key_), server_name, quoted_text(name), column_ ? ", " + server_ : "", where(name));
  }
  std::string change(const std::string& name, const std::string& set, const std::string& expected) const {
    return fmt::format("UPDATE {} t SET {} WHERE {} AND {};\n", target_, set, where(name), expected);
  }

 private:
  std::string where(const std::string& name) const {
    return fmt::format("t.{} = {} AND {}", quoted_name(key_), quoted_text(name), own_);
  }

  std::string table_;
  std::string key_;
  std::string target_;
  std::string own_;
  std::optional<std::string> column_;
  std::string server_;
};

}  // namespace

WayBack way_back(const OldDatabase& old, const tenancy::ServerScope& scope) {
  const Here here = read_here(scope);
  std::map<std::string, PersonId> people;
  std::map<PersonId, std::string> names;
  for (const bot::Viewer& viewer : here.viewers) {
    people[viewer.folded_name] = viewer.person_id;
    names[viewer.person_id] = to_lower_ascii(viewer.name);
  }
  auto minutes = by_person(here.minutes, people);
  auto points = by_person(here.points, people);
  const Script watchtime(old, "watchtime", "username");
  const Script user_points(old, "user_points", "kick_username");
  WayBack back;
  std::string body;
  for (const bot::Standing& one : here.standings) {
    const Brought watched = minutes[one.person_id];
    const Brought balance = points[one.person_id];
    const std::int64_t more_minutes = (one.watched_us.count() - watched.all) / kMinute;
    const std::int64_t more_points = one.points - balance.all;
    if (more_minutes == 0 && more_points == 0) continue;
    const auto name = names.find(one.person_id);
    if (name == names.end() && watched.name.empty() && balance.name.empty()) {
      ++back.nameless;
      back.nameless_points += more_points;
      continue;
    }
    ++back.people;
    back.minutes += more_minutes;
    back.points += more_points;
    if (more_minutes != 0) {
      const std::string& key = watched.name.empty() ? name->second : watched.name;
      const std::int64_t there = watched.of_name / kMinute;
      body += watchtime.make(key);
      body += watchtime.change(key, fmt::format("minutes = {}", there + more_minutes),
                               fmt::format("greatest(coalesce(t.minutes, 0), 0) = {}", there));
    }
    if (more_points != 0) {
      const std::string& key = balance.name.empty() ? name->second : balance.name;
      const std::string side = more_points > 0 ? "total_earned" : "total_spent";
      body += user_points.make(key);
      body += user_points.change(
          key,
          fmt::format("points = {0}, {1} = coalesce(t.{1}, 0) + {2}", balance.of_name + more_points, side,
                      more_points > 0 ? more_points : -more_points),
          fmt::format("greatest(coalesce(t.points, 0), 0) = {}", balance.of_name));
    }
  }
  back.sql = fmt::format(
      "-- What was earned and spent in Guildhall since server {} was taken over: {} minutes and {} points of "
      "{}\n"
      "-- people. A row that has another figure than was taken over stays as it is.\nBEGIN;\n{}COMMIT;\n",
      scope.server().str(), back.minutes, back.points, back.people, body);
  return back;
}

}  // namespace guildhall::importing
