// The old bot writes on while it is followed; then it is fenced off, and nothing of it is lost or doubled.
#include "import/follow.h"

#include <gmock/gmock.h>

#include <atomic>
#include <thread>

#include "tests/support/import_world.h"

namespace guildhall::importing {
namespace {

using testing::HasSubstr;

class ImportIntoFollowing : public ImportInto {
 protected:
  static FollowOptions following() {
    FollowOptions options;
    static_cast<Options&>(options) = ImportInto::options();
    options.small_round = 0;
    return options;
  }
  Result<Followed> run_following(const FollowOptions& how) {
    auto old = open();
    if (!old) return std::unexpected(old.error());
    auto done = follow(*old, world_.declarations, world_.server(old->server().value()), world_.clock, how);
    if (done) EXPECT_EQ(done->missed, 0) << "the comparison had to bring what following should have";
    return done;
  }
  void expect_everything() {
    EXPECT_EQ(std::to_string(minutes()), old_sum("minutes", "watchtime"));
    EXPECT_EQ(std::to_string(points()), old_sum("points", "user_points"));
  }
  std::string traces() {
    return ask(
        "SELECT (SELECT count(*) FROM pg_trigger WHERE tgname LIKE 'guildhall%') || ' ' || "
        "(SELECT count(*) FROM pg_namespace WHERE nspname LIKE 'guildhall%') || ' ' || "
        "(SELECT count(*) FROM pg_class WHERE relname LIKE 'guildhall%')");
  }
};

TEST_P(ImportIntoFollowing, CarriesOverWhatIsWrittenMeanwhileAndFencesTheOldBotOff) {
  make(plain());
  FollowOptions how = following();
  how.between = [&](int round) {
    if (round == 0) {
      execute("UPDATE watchtime SET minutes = minutes + 3 WHERE username < 'viewer_0000020'");
      execute("INSERT INTO watchtime VALUES ('just_came', 17, now())");
      execute("UPDATE user_points SET kick_username = 'renamed' WHERE kick_username = 'viewer_0000003'");
      execute("DELETE FROM watchtime WHERE username = 'viewer_0000030'");
    } else if (round == 1) {
      execute("UPDATE user_points SET points = points + 1, total_earned = total_earned + 1");
      execute("TRUNCATE watchtime");
      execute("INSERT INTO watchtime VALUES ('viewer_0000001', 4000, now())");
      execute("UPDATE bot_settings SET value = 'a_new_channel' WHERE key = 'kick_channel'");
    }
  };
  const auto done = run_following(how);
  ASSERT_TRUE(done) << done.error().message;
  EXPECT_TRUE(done->report.adds_up()) << text_of(done->report);
  EXPECT_EQ(done->rounds, 4);
  EXPECT_TRUE(done->pause);
  expect_everything();
  EXPECT_EQ(points_of("renamed"), 40);
  EXPECT_EQ(points_of("viewer_0000003"), 0);
  EXPECT_THAT(world_.dump("SELECT value FROM settings WHERE key = 'kick_channel'"),
              HasSubstr("a_new_channel"));

  for (const char* sql : {"UPDATE watchtime SET minutes = 0", "DELETE FROM user_points", "TRUNCATE links",
                          "INSERT INTO watchtime VALUES ('late', 1, now())"}) {
    try {
      execute(sql);
      ADD_FAILURE() << "the fence lets it through: " << sql;
    } catch (const store::DatabaseError& error) {
      EXPECT_THAT(error.what(), HasSubstr("has moved to Guildhall")) << sql;
    }
  }
  const auto again = run_following(how);
  ASSERT_TRUE(again);
  EXPECT_FALSE(again->pause);
  EXPECT_EQ(item(again->report, "watchtime").booked, 0);

  auto old = open();
  ASSERT_TRUE(let_go(*old, world_.declarations));
  EXPECT_EQ(traces(), "0 0 0");
  execute("UPDATE watchtime SET minutes = 0");
}

TEST_P(ImportIntoFollowing, EveryStatementOfTheOldBotWorksUnderTheTriggers) {
  OldKick nasty = plain();
  nasty.nasty = true;
  make(nasty);
  FollowOptions how = following();
  how.between = [&](int round) {
    if (round > 0) return;
    for (const test::OldStatement& statement : test::old_bot_statements(made_, 1))
      EXPECT_NO_THROW(old_->session().query(statement.sql, statement.values)) << statement.name;
  };
  const auto done = run_following(how);
  ASSERT_TRUE(done) << done.error().message;
  EXPECT_TRUE(done->report.adds_up()) << text_of(done->report);
}

TEST_P(ImportIntoFollowing, ABotWithNoRightsButOnItsTablesIsFollowedToo) {
  make(plain());
  execute(
      "DO $$ BEGIN CREATE ROLE poor_old_bot; EXCEPTION WHEN duplicate_object THEN NULL; END $$; "
      "GRANT poor_old_bot TO CURRENT_USER");
  execute("GRANT SELECT, UPDATE ON watchtime TO poor_old_bot");
  FollowOptions how = following();
  how.between = [&](int round) {
    if (round > 0) return;
    execute("SET ROLE poor_old_bot; UPDATE watchtime SET minutes = minutes + 1; RESET ROLE");
  };
  ASSERT_TRUE(run_following(how));
  expect_everything();
  execute("DROP OWNED BY poor_old_bot");
}

TEST_P(ImportIntoFollowing, BehindTheFenceNoTableIsReadAsAWhole) {
  make(plain());
  const auto unindexed = [&] {
    return ask(
        "SELECT count(*) FROM (VALUES ('watchtime', 'username'), ('user_points', 'kick_username'), "
        "('points_watchtime_converted', 'kick_username'), ('links', 'discord_id')) AS s (t, k) WHERE NOT "
        "EXISTS "
        "(SELECT 1 FROM pg_index i JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = i.indkey[0] "
        "WHERE i.indrelid = s.t::regclass AND a.attname = s.k AND i.indisvalid)");
  };
  ASSERT_EQ(unindexed(), "1");
  FollowOptions how = following();
  std::vector<std::string> at_each_round;
  how.between = [&](int) { at_each_round.push_back(unindexed()); };
  ASSERT_TRUE(run_following(how));
  EXPECT_THAT(at_each_round, testing::Each("0"));
  EXPECT_FALSE(at_each_round.empty());
}

TEST_P(ImportIntoFollowing, KilledAndRunAgainItEndsTheSame) {
  make(plain());
  for (int last = 0; last < 3; ++last) {
    FollowOptions dying = following();
    dying.between = [&](int round) {
      execute("UPDATE watchtime SET minutes = minutes + 1 WHERE username = 'viewer_0000007'");
      if (round == last) throw std::runtime_error("killed");
    };
    EXPECT_THROW((void)run_following(dying), std::runtime_error);
    execute("UPDATE user_points SET points = points + 2, total_earned = total_earned + 2");
  }
  ASSERT_NE(traces(), "0 0 0");
  ASSERT_TRUE(run_following(following()));
  expect_everything();
}

TEST_P(ImportIntoFollowing, ATwinWhoComesMeanwhileIsNotMergedUnasked) {
  make(plain());
  const std::string before = old_sum("minutes", "watchtime");
  FollowOptions how = following();
  how.merge_twins = false;
  how.between = [&](int round) {
    if (round == 0) execute("INSERT INTO watchtime VALUES ('VIEWER_0000009', 5, now())");
  };
  const auto refused = run_following(how);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::refused_by_guard);
  EXPECT_THAT(refused.error().message, HasSubstr("VIEWER_0000009 / viewer_0000009"));
  EXPECT_EQ(traces(), "0 0 0");
  EXPECT_EQ(std::to_string(minutes()), before);
}

TEST_P(ImportIntoFollowing, StoppedBeforeTheSwitchItLeavesNothingBehind) {
  make(plain());
  FollowOptions how = following();
  int chunks = 0;
  how.is_stopped = [&] { return ++chunks > 5; };
  const auto stopped = run_following(how);
  ASSERT_FALSE(stopped);
  EXPECT_EQ(traces(), "0 0 0");
  execute("UPDATE watchtime SET minutes = minutes + 1");
  taken();
  expect_everything();
}

TEST_P(ImportIntoFollowing, AWriterThatNeverRestsLosesNothing) {
  make(plain());
  std::atomic<std::int64_t> written = 0;
  std::atomic<bool> refused = false;
  const std::int64_t before = std::stoll(old_sum("points", "user_points"));
  FollowOptions how = following();
  how.small_round = 20;
  std::jthread writer([&](const std::stop_token& end) {
    const auto session = store::open_any_session({.url = old_->target().url});
    for (int i = 0; !end.stop_requested() && !refused; ++i) {
      try {
        (*session)->execute(
            fmt::format("UPDATE user_points SET points = points + 1, total_earned = total_earned + 1 WHERE "
                        "kick_username = '{}'",
                        test::viewer_name(1 + i % 40)));
        ++written;
      } catch (const store::DatabaseError&) {
        refused = true;
      }
    }
  });
  const auto done = run_following(how);
  ASSERT_TRUE(done) << done.error().message;
  writer.request_stop();
  writer.join();
  EXPECT_TRUE(done->report.adds_up()) << text_of(done->report);
  EXPECT_GT(written, 0);
  EXPECT_EQ(points(), before + written);
}

INSTANTIATE_TEST_SUITE_P(Layouts, ImportIntoFollowing, kEachLayout, layout_name);

}  // namespace
}  // namespace guildhall::importing
