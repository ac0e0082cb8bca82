// The whole way on PostgreSQL: the old Kick bot's database in every shape, expanded, contracted, taken back,
// while the old bot's own statements work for as long as they have to.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "convert/run.h"
#include "migrate/schema_snapshot.h"
#include "tests/support/any_database.h"
#include "tests/support/old_kick.h"

namespace guildhall::convert {
namespace {

using test::OldKick;
using testing::HasSubstr;

class ConvertOfPostgres : public test::OnPostgres {
 protected:
  void make(const OldKick& database) {
    database_of_ = database;
    session().execute(test::script(database));
  }

  Options options() const {
    Options options;
    options.description = *read_description("kick");
    options.server = database_of_.home;
    options.register_found = true;
    options.backup.emplace();
    options.backup->folder = database_.folder() / "backups";
    return options;
  }

  RollbackOptions going_back() const {
    RollbackOptions back;
    static_cast<Options&>(back) = options();
    return back;
  }
  ContractOptions contracting() const {
    ContractOptions contracting;
    static_cast<Options&>(contracting) = options();
    return contracting;
  }

  RunReport expand() {
    const auto report = apply(target(), options());
    EXPECT_TRUE(report) << (report ? "" : report.error().finding.text);
    return report.value_or(RunReport{});
  }

  /// Every statement of the old bot works.
  void old_bot_works(int round) {
    for (const test::OldStatement& statement : test::old_bot_statements(database_of_, round)) {
      try {
        session().query(statement.sql, statement.values);
      } catch (const store::DatabaseError& error) {
        ADD_FAILURE() << "round " << round << ", " << statement.name << ": " << error.what();
      }
    }
  }

  std::string ask(const std::string& sql) {
    std::string text;
    for (const auto& row : session().query(sql)) {
      for (const std::string& cell : row) text += cell + "|";
      text += "\n";
    }
    return text;
  }

  std::vector<std::string> differences_from(const migrate::SchemaSnapshot& before) {
    std::vector<std::string> texts;
    for (const auto& one :
         migrate::differences(before, migrate::read_snapshot(session(), migrate::Dialect::postgres)))
      texts.push_back(one.text());
    return texts;
  }

  OldKick database_of_;
};

std::vector<OldKick> shapes() {
  std::vector<OldKick> all;
  for (const OldKick::Shape shape : {OldKick::Shape::bot_only, OldKick::Shape::with_dashboard}) {
    for (int variant = 0; variant < 4; ++variant) {
      OldKick one;
      one.shape = shape;
      one.settings_before_december = variant == 1;
      one.half_migrated = variant == 2;
      one.hand_made = variant == 3;
      one.viewers = 60;
      one.servers = {one.home, 900'000'000'000'000'777};
      all.push_back(one);
    }
  }
  return all;
}

class EveryShapeOfPostgres : public ConvertOfPostgres, public testing::WithParamInterface<std::size_t> {};

TEST_P(EveryShapeOfPostgres, IsExpandedUnderTheOldBotAndContractedAndTakenBack) {
  make(shapes()[GetParam()]);
  old_bot_works(1);
  const auto before = migrate::read_snapshot(session(), migrate::Dialect::postgres);

  EXPECT_GT(expand().steps, 0U);
  old_bot_works(2);
  EXPECT_EQ(expand().steps, 0U) << "a second run finds nothing to do";

  const auto contracted = contract(target(), contracting());
  ASSERT_TRUE(contracted) << contracted.error().finding.text;
  EXPECT_EQ(contracted->state, State::contracted);

  const auto back = rollback(target(), going_back());
  ASSERT_TRUE(back) << back.error().finding.text;
  EXPECT_THAT(differences_from(before), testing::IsEmpty());
  old_bot_works(3);
}

INSTANTIATE_TEST_SUITE_P(Postgres, EveryShapeOfPostgres, testing::Range(std::size_t{0}, shapes().size()));

/// What each server has, whatever the order of its rows.
constexpr std::string_view kOfEachServer =
    "SELECT 'user_points', discord_server_id, count(*), sum(hashtextextended(t::text, 0)::numeric) FROM "
    "user_points t GROUP BY 2 "
    "UNION ALL SELECT 'watchtime', discord_server_id, count(*), sum(hashtextextended(t::text, 0)::numeric) "
    "FROM watchtime t "
    "GROUP BY 2 UNION ALL SELECT 'gtb_sessions', discord_server_id, count(*), sum(hashtextextended(t::text, "
    "0)::numeric) "
    "FROM gtb_sessions t GROUP BY 2 UNION ALL SELECT 'gtb_guesses', discord_server_id, count(*), "
    "sum(hashtextextended(t::text, 0)::numeric) FROM gtb_guesses t GROUP BY 2 UNION ALL SELECT "
    "'feature_settings', "
    "discord_server_id, count(*), sum(hashtextextended(t::text, 0)::numeric) FROM feature_settings t GROUP "
    "BY 2 ORDER BY 1, 2";

class TwoServersOfPostgres : public ConvertOfPostgres {
 protected:
  static constexpr std::int64_t kSecond = 900'000'000'000'000'555;

  void SetUp() override {
    OldKick old;
    old.viewers = 60;
    make(old);
    expand();
    ASSERT_TRUE(contract(target(), contracting()));
    session().execute(fmt::format(
        "INSERT INTO servers (discord_server_id) VALUES ({0});"
        "INSERT INTO user_points (discord_server_id, kick_username, points) "
        "SELECT {0}, kick_username, points / 2 FROM user_points WHERE id % 2 = 0;"
        "INSERT INTO watchtime (discord_server_id, username, minutes) SELECT {0}, username, 7 FROM watchtime "
        "LIMIT 20;"
        "INSERT INTO feature_settings (discord_server_id, feature_name, enabled) "
        "SELECT {0}, feature_name, NOT enabled FROM feature_settings;"
        "INSERT INTO gtb_sessions (discord_server_id, opened_by) VALUES ({0}, 'second');"
        "INSERT INTO gtb_guesses (discord_server_id, session_id, kick_username, guess_amount) "
        "SELECT {0}, (SELECT max(id) FROM gtb_sessions), 'guess' || n, n FROM generate_series(1, 9) n",
        kSecond));
  }

  /// Lines of the second server alone.
  static std::string of_second(const std::string& all) {
    std::string lines;
    std::istringstream input(all);
    for (std::string line; std::getline(input, line);) {
      if (line.contains(std::to_string(kSecond))) lines += line + "\n";
    }
    return lines;
  }
};

TEST_F(TwoServersOfPostgres, AreNotMixedByARollback) {
  const std::string before = ask(std::string(kOfEachServer));
  const auto back = rollback(target(), going_back());
  ASSERT_FALSE(back);
  EXPECT_EQ(back.error().exit, migrate::Exit::refused);
  EXPECT_THAT(back.error().finding.text, HasSubstr("in user_points"));
  EXPECT_EQ(ask(std::string(kOfEachServer)), before);
}

/// Also what is written while it is copied, as the programs write on then.
TEST_F(TwoServersOfPostgres, ComeBackFromTheArchiveAsTheyWere) {
  // As an earlier try would have left them.
  session().execute(
      "CREATE SCHEMA guildhall_archive_in_the_making; CREATE TABLE "
      "guildhall_archive_in_the_making.user_points (junk integer)");
  std::string before;
  RollbackOptions archiving = going_back();
  archiving.archive = true;
  archiving.say = [&](const std::string& line) {
    if (!before.empty() || !line.contains("] user_points: rows of other servers copied")) return;
    session().execute(fmt::format(
        "UPDATE user_points SET points = points + 5 WHERE discord_server_id = {0} AND id % 3 = 0;"
        "DELETE FROM user_points WHERE discord_server_id = {0} AND id % 5 = 0;"
        "INSERT INTO user_points (discord_server_id, kick_username, points) VALUES ({0}, 'late', 12)",
        kSecond));
    before = ask(std::string(kOfEachServer));
  };
  const auto back = rollback(target(), archiving);
  ASSERT_TRUE(back) << back.error().finding.text;
  ASSERT_NE(before, "") << "nothing was written meanwhile";
  EXPECT_FALSE(back->moved.empty());
  old_bot_works(4);
  EXPECT_EQ(ask("SELECT count(*) FROM gtb_sessions WHERE opened_by = 'second'"), "0|\n");
  EXPECT_EQ(ask("SELECT count(*) FROM pg_namespace WHERE nspname LIKE '%in_the_making'"), "0|\n");

  session().execute("DELETE FROM user_points WHERE kick_username LIKE '%round%'");
  expand();
  const auto again = contract(target(), contracting());
  ASSERT_TRUE(again) << again.error().finding.text;
  const auto restored = restore(target(), options());
  ASSERT_TRUE(restored) << restored.error().finding.text;
  EXPECT_EQ(of_second(ask(std::string(kOfEachServer))), of_second(before));
  EXPECT_NE(of_second(before), "");
}

}  // namespace
}  // namespace guildhall::convert
