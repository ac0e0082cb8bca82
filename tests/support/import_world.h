// An old Kick bot's database and a Guildhall of each layout that takes it over.
#pragma once

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <optional>
#include <stdexcept>
#include <string>

#include "bot/ledger.h"
#include "import/follow.h"
#include "tests/support/any_database.h"
#include "tests/support/old_kick.h"
#include "tests/support/test_world.h"

namespace guildhall::importing {

using test::OldKick;

class ImportInto : public testing::TestWithParam<store::Layout> {
 protected:
  void make(const OldKick& database) {
    made_ = database;
    old_->session().execute(test::script(database));
  }
  void execute(const std::string& sql) { old_->session().execute(sql); }
  std::string ask(const std::string& sql) { return old_->session().query(sql)[0][0]; }

  static Options options() {
    Options options;
    options.at_once = 7;  // so that a key's neighbour is often in another transaction
    options.actor = {"operator", "command_line"};
    options.merge_twins = true;
    return options;
  }
  Result<OldDatabase> open(Whose whose = {}) { return OldDatabase::open(old_->target().url, "kick", whose); }
  Result<Report> run(const Options& how = options(), Whose whose = {}) {
    auto old = open(whose);
    if (!old) return std::unexpected(old.error());
    return take_over(*old, world_.declarations, world_.server(old->server().value()), world_.clock, how);
  }
  Report taken(const Options& how = options()) {
    auto report = run(how);
    EXPECT_TRUE(report) << (report ? "" : report.error().message);
    if (report) EXPECT_TRUE(report->adds_up()) << text_of(*report);
    return report.value_or(Report{});
  }

  template <class F>
  auto in(F body) {
    return world_.in(made_.home, std::move(body));
  }
  std::int64_t minutes() {
    return std::stoll(
        world_.dump(fmt::format("SELECT CAST(COALESCE(sum(watched_us), 0) / 60000000 AS BIGINT) FROM "
                                "watchtime WHERE discord_server_id = {}",
                                made_.home)));
  }
  std::int64_t points() {
    return std::stoll(world_.dump(fmt::format(
        "SELECT CAST(COALESCE(sum(balance), 0) AS BIGINT) FROM balances WHERE discord_server_id = {}",
        made_.home)));
  }
  std::int64_t points_of(const std::string& name) {
    return in([&](store::Tx& tx) -> store::TxTask<std::int64_t> {
      const auto viewer = co_await bot::find_identity_by_name(tx, bot::kKick, name);
      if (!viewer) co_return -1;
      co_return (co_await bot::balance_of(tx, bot::kPoints, viewer->person_id)).balance;
    });
  }
  std::string setting(const std::string& key) {
    return world_.dump(fmt::format("SELECT value FROM settings WHERE discord_server_id = {} AND key = '{}'",
                                   made_.home, key));
  }
  std::string rows() { return world_.database->rows("import_carried", made_.home); }
  std::string old_sum(const std::string& column, const std::string& table,
                      const std::string& where = "true") {
    return ask(fmt::format("SELECT coalesce(sum({}), 0) FROM {} WHERE {}", column, table, where));
  }

  OldKick made_;
  test::TestWorld world_{GetParam()};
  std::optional<test::AnyDatabase> old_{migrate::Dialect::postgres};
};

inline const ItemReport& item(const Report& report, const std::string& name) {
  for (const ItemReport& one : report.items) {
    if (one.item == name) return one;
  }
  throw std::out_of_range(name);
}

inline OldKick plain(std::int64_t viewers = 40) {
  OldKick old;
  old.viewers = viewers;
  old.nasty = false;
  return old;
}

inline std::string layout_name(const testing::TestParamInfo<store::Layout>& info) {
  constexpr const char* kNames[] = {"OneFile", "Files", "Tables"};
  return kNames[static_cast<std::size_t>(info.param)];
}

inline const auto kEachLayout =
    testing::Values(store::Layout::sqlite, store::Layout::sqlite_per_server, store::Layout::postgres);

}  // namespace guildhall::importing
