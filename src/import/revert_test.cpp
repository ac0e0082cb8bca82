// What was earned and spent here since an import, as SQL for the old Kick bot's tables.
#include "import/revert.h"

#include <gmock/gmock.h>

#include <boost/json/serialize.hpp>
#include <fstream>

#include "bot/links.h"
#include "tests/support/import_world.h"
#include "tests/support/temporary_folder.h"

namespace guildhall::importing {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;

class ImportIntoAndBack : public ImportInto {
 protected:
  struct Written {
    WayBack back;
    std::string sql;
  };
  Result<WayBack> write(const std::filesystem::path& file, WayBackOptions options = {}) {
    options.at_once = 7;  // so that most people are in another page than their names
    const auto old = open();
    return write_way_back(*old, world_.server(made_.home), file, options);
  }
  Written written() {
    const auto file = folder_.path() / "back.sql";
    const auto back = write(file);
    EXPECT_TRUE(back) << back.error().message;
    const std::string sql = content(file);
    std::filesystem::remove(file);
    return {back.value_or(WayBack{}), sql};
  }
  static std::string content(const std::filesystem::path& file) {
    std::ifstream input(file);
    return {std::istreambuf_iterator<char>(input), {}};
  }
  std::vector<std::string> files() const {
    std::vector<std::string> names;
    for (const auto& entry : std::filesystem::directory_iterator(folder_.path()))
      names.push_back(entry.path().filename());
    return names;
  }
  void book(std::vector<std::pair<std::string, std::int64_t>> amounts) {
    in([&](store::Tx& tx) -> store::TxTask<void> {
      bot::LedgerOperation since{fmt::format("since:{}", ++bookings_), "test", "", "system", {}};
      for (const auto& [name, amount] : amounts) {
        const auto viewer = co_await bot::find_identity_by_name(tx, bot::kKick, name);
        since.entries.push_back({viewer->person_id, amount});
      }
      EXPECT_TRUE(co_await bot::apply(tx, bot::kPoints, since, world_.clock.now()));
    });
  }

  /// A viewer as Kick tells of him, a moment later.
  PersonId seen(const std::string& id, const std::string& name) {
    world_.clock.advance(std::chrono::minutes(1));
    return in([&](store::Tx& tx) { return bot::person_of(tx, {bot::kKick, id, name}, world_.clock.now()); });
  }
  void watch(const std::string& minutes, const std::string& who) {
    world_.execute(
        fmt::format("UPDATE watchtime SET watched_us = watched_us + 60000000 * {} WHERE person_id = "
                    "(SELECT person_id FROM identities WHERE discord_server_id = {} AND platform = "
                    "'kick' AND folded_name = '{}')",
                    minutes, made_.home, who),
        made_.home);
  }
  /// As an import left it that did not note whom it booked for.
  void forget() { world_.execute("UPDATE import_carried SET value = '' WHERE item <> 'links'", made_.home); }
  std::string there(const std::string& name) {
    return ask(
        fmt::format("SELECT coalesce((SELECT string_agg(kick_username || ' ' || points, ',') FROM "
                    "user_points WHERE lower(kick_username) = '{0}'), '') || ' / ' || coalesce((SELECT "
                    "string_agg(username || ' ' || minutes, ',') FROM watchtime WHERE lower(username) = "
                    "'{0}'), '')",
                    name));
  }

  test::TemporaryFolder folder_;
  int bookings_ = 0;
};

TEST_P(ImportIntoAndBack, WhatWasEarnedHereSinceGoesBackAsSql) {
  make(plain());
  taken();
  in([&](store::Tx& tx) {
    return bot::person_of(tx, {bot::kKick, "99", R"(O'Fr\esh)"}, world_.clock.now());
  });
  book({{"viewer_0000003", -9}, {"viewer_0000004", 8}, {R"(o'fr\esh)", 70}});
  world_.execute("UPDATE watchtime SET watched_us = watched_us + 150000000", made_.home);
  const std::string watched_before = old_sum("minutes", "watchtime");
  const auto [back, sql] = written();
  EXPECT_EQ(back.points, 69);
  EXPECT_EQ(back.minutes, 80);
  for (int times = 0; times < 2; ++times) {
    execute(sql);
    EXPECT_EQ(ask("SELECT points || ' ' || total_earned - total_spent FROM user_points WHERE kick_username = "
                  "'viewer_0000003'"),
              "30 30");
    EXPECT_EQ(ask("SELECT points FROM user_points WHERE kick_username = 'viewer_0000004'"), "60");
    EXPECT_EQ(ask(R"(SELECT points FROM user_points WHERE kick_username = 'o''fr\esh')"), "70");
    EXPECT_EQ(std::to_string(points()), old_sum("points", "user_points"));
    EXPECT_EQ(std::stoll(old_sum("minutes", "watchtime")), std::stoll(watched_before) + 80);
  }
}

TEST_P(ImportIntoAndBack, WhatAPersonOfSeveralNamesSpentIsTakenFromEachThatHasIt) {
  make(plain());
  execute(
      "INSERT INTO user_points (kick_username, points, total_earned) VALUES ('MANY', 10, 10), ('Many', 0, "
      "0), "
      "('many', 90, 90)");
  taken();
  book({{"many", -50}});
  const auto [back, sql] = written();
  EXPECT_EQ(back.points, -50);
  for (int times = 0; times < 2; ++times) {
    execute(sql);
    EXPECT_EQ(ask("SELECT string_agg(kick_username || ' ' || points || ' ' || total_spent, ', ' ORDER BY "
                  "kick_username COLLATE \"C\") FROM user_points WHERE lower(kick_username) = 'many'"),
              "MANY 0 10, Many 0 0, many 50 40");
  }
}

TEST_P(ImportIntoAndBack, NothingStandsUnderTheNameThatIsNotComplete) {
  make(plain());
  taken();
  book({{"viewer_0000003", 9}});
  for (int looks = 0; looks < 30; looks += 4) {
    WayBackOptions stopping;
    int left = looks;
    stopping.is_stopped = [&left] { return left-- == 0; };
    const auto stopped = write(folder_.path() / "back.sql", stopping);
    ASSERT_FALSE(stopped) << looks;
    EXPECT_THAT(stopped.error().message, HasSubstr("stopped"));
    EXPECT_THAT(files(), IsEmpty());
  }
  const auto nowhere = write(folder_.path() / "no_folder" / "back.sql");
  ASSERT_FALSE(nowhere);
  EXPECT_EQ(nowhere.error().code, ErrorCode::failed);
  EXPECT_THAT(nowhere.error().hint, HasSubstr("--write"));
  // What a killed run left behind is in nobody's way.
  std::ofstream(folder_.path() / "back.sql.partial") << std::string(100'000, 'x');
  ASSERT_TRUE(write(folder_.path() / "back.sql"));
  EXPECT_THAT(files(), testing::ElementsAre("back.sql"));
  const std::string first = content(folder_.path() / "back.sql");
  EXPECT_THAT(first, testing::EndsWith("\nCOMMIT;\n"));
  const auto again = write(folder_.path() / "back.sql");
  ASSERT_FALSE(again);
  EXPECT_EQ(again.error().code, ErrorCode::usage);
  EXPECT_EQ(content(folder_.path() / "back.sql"), first);
}

TEST_P(ImportIntoAndBack, OneRunAtATimeWritesAFile) {
  make(plain());
  taken();
  book({{"viewer_0000003", 9}});
  const auto file = folder_.path() / "back.sql";
  std::optional<Result<WayBack>> second;
  WayBackOptions options;
  options.say = [&](const std::string&) {
    if (!second) second = write(file);
  };
  ASSERT_TRUE(write(file, options));
  ASSERT_TRUE(second && !*second);
  EXPECT_EQ(second->error().code, ErrorCode::conflict);
  EXPECT_THAT(second->error().message, HasSubstr("another run is writing"));
  EXPECT_THAT(content(file), testing::EndsWith("\nCOMMIT;\n"));
  // A script that a killed run left under both names is not written over.
  const std::string finished = content(file);
  std::filesystem::create_hard_link(file, file.string() + ".partial");
  std::filesystem::rename(file, folder_.path() / "kept.sql");
  book({{"viewer_0000004", 9}});
  ASSERT_TRUE(write(file));
  EXPECT_EQ(content(folder_.path() / "kept.sql"), finished);
  EXPECT_NE(content(file), finished);
  EXPECT_THAT(files(), testing::UnorderedElementsAre("back.sql", "kept.sql"));
}

TEST_P(ImportIntoAndBack, WhoWasRenamedSinceHasHisOldRow) {
  make(plain());
  execute(
      "INSERT INTO user_points (kick_username, points, total_earned) VALUES ('Old_Name', 100, 100); "
      "INSERT INTO watchtime (username, minutes) VALUES ('Old_Name', 60)");
  taken();
  seen("99", "Old_Name");
  seen("99", "new_name");
  seen("98", "old_name");  // another, who took the name and has nothing yet
  book({{"new_name", 5}});
  watch("2", "new_name");
  const auto [back, sql] = written();
  EXPECT_EQ(back.points, 5);
  EXPECT_EQ(back.minutes, 2);
  EXPECT_EQ(text_of(back), "");
  // Linked, he is a member's; and what an earlier import noted nowhere the ledger says.
  in([&](store::Tx& tx) -> store::TxTask<void> {
    EXPECT_TRUE(co_await bot::link_member(tx, world_.declarations.on_move,
                                          {DiscordUserId(77), bot::kKick, "new_name"},
                                          {"operator", "command_line"}, world_.clock.now()));
  });
  EXPECT_EQ(written().sql, sql);
  forget();
  EXPECT_EQ(written().sql, sql);
  for (int times = 0; times < 2; ++times) {
    execute(sql);
    EXPECT_EQ(there("old_name"), "Old_Name 105 / Old_Name 62");
    EXPECT_EQ(there("new_name"), " / ");
  }
}

TEST_P(ImportIntoAndBack, WhoseAnOldNameWasAndNothingSaysItIsNotWrittenTwice) {
  make(plain());
  execute("INSERT INTO watchtime (username, minutes) VALUES ('silent', 30)");
  taken();
  forget();
  seen("99", "silent");
  seen("99", "renamed");
  watch("10", "renamed");
  watch("1", "viewer_0000003");
  book({{"renamed", 8}});
  const auto [back, sql] = written();
  EXPECT_EQ(back.minutes, 1);
  EXPECT_EQ(back.points, 8);  // of points no name is lost
  ASSERT_EQ(back.lost.size(), 1U);
  EXPECT_EQ(back.lost[0].old_name, "silent");
  EXPECT_EQ(back.lost[0].amount, 30);
  ASSERT_EQ(back.left_out.size(), 1U);
  EXPECT_EQ(back.left_out[0].name, "renamed");
  EXPECT_EQ(back.left_out[0].amount, 40);
  EXPECT_EQ(back.left_out[0].reason, LeftOut::Reason::may_be_lost);
  EXPECT_THAT(text_of(back), HasSubstr("'silent': 30 minutes"));
  EXPECT_THAT(text_of(back), HasSubstr("'renamed': 40 minutes"));
  const auto json = boost::json::serialize(json_of(back));
  EXPECT_THAT(json, HasSubstr(R"("lost":[{"name":"silent","measure":"minutes","amount":"30"}])"));
  EXPECT_THAT(json,
              HasSubstr(R"({"name":"renamed","measure":"minutes","amount":"40","reason":"may_be_lost"})"));
  execute(sql);
  EXPECT_EQ(there("silent"), " / silent 30");
  EXPECT_EQ(there("renamed"), "renamed 8 / ");
}

TEST_P(ImportIntoAndBack, ARowWhoseNameChangedHandsWithinTheImportIsNobodysAlone) {
  make(plain());
  execute("INSERT INTO user_points (kick_username, points, total_earned) VALUES ('old_name', 100, 100)");
  taken();
  seen("99", "old_name");
  seen("99", "new_name");
  execute("UPDATE user_points SET points = 120, total_earned = 120 WHERE kick_username = 'old_name'");
  taken();
  EXPECT_EQ(points_of("new_name"), 100);
  EXPECT_EQ(points_of("old_name"), 20);
  book({{"new_name", 5}, {"viewer_0000003", 9}});
  const auto [back, sql] = written();
  EXPECT_EQ(back.points, 9);
  ASSERT_EQ(back.left_out.size(), 1U);
  EXPECT_EQ(back.left_out[0].name, "new_name");
  EXPECT_EQ(back.left_out[0].amount, 5);
  EXPECT_EQ(back.left_out[0].reason, LeftOut::Reason::shared);
  execute(sql);
  EXPECT_EQ(there("old_name"), "old_name 120 / ");
  EXPECT_EQ(there("new_name"), " / ");
}

TEST_P(ImportIntoAndBack, OfTwoPeopleWithOneNameNothingIsLostUnsaid) {
  make(plain());
  execute("INSERT INTO user_points (kick_username, points, total_earned) VALUES ('Renamed', 100, 100)");
  taken();
  seen("95", "renamed");
  seen("95", "other_name");
  seen("96", "renamed");
  book({{"renamed", 3}, {"other_name", 1}});
  seen("97", "same");
  book({{"same", 5}});
  seen("98", "same");
  book({{"same", 7}});
  const auto [back, sql] = written();
  EXPECT_EQ(back.points, 8);
  EXPECT_EQ(back.people, 2);
  std::vector<std::string> left;
  for (const LeftOut& one : back.left_out) {
    EXPECT_EQ(one.reason, LeftOut::Reason::name_taken);
    left.push_back(fmt::format("{} {} {}", one.name, one.amount, one.measure));
  }
  EXPECT_THAT(left, testing::ElementsAre("renamed 3 points", "same 5 points"));
  EXPECT_THAT(text_of(back), HasSubstr("2 amounts of people who have no old row, and one under their name"));
  for (int times = 0; times < 2; ++times) {
    execute(sql);
    EXPECT_EQ(there("renamed"), "Renamed 101 / ");
    EXPECT_EQ(there("same"), "same 7 / ");
    EXPECT_EQ(there("other_name"), " / ");
  }
}

INSTANTIATE_TEST_SUITE_P(Layouts, ImportIntoAndBack, kEachLayout, layout_name);

}  // namespace
}  // namespace guildhall::importing
