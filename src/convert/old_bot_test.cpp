#include "tests/support/old_bot.h"

#include <fmt/format.h>
#include <gmock/gmock.h>

#include "tests/support/any_database.h"
#include "tests/support/foreign_database.h"

namespace guildhall::convert {
namespace {

using test::OldBot;
using test::OldBotWork;
using testing::AnyOf;
using testing::ElementsAre;
using testing::Gt;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Pair;

constexpr double kPerSecond = 500;

class OldBotAtWork : public testing::Test {
 protected:
  std::unique_ptr<OldBot> bot(std::vector<OldBotWork> work) {
    return std::make_unique<OldBot>([this] { return connect(); }, std::move(work));
  }
  virtual std::unique_ptr<store::SchemaSession> connect() { return *database_->target().open(""); }
  store::SchemaSession& session() { return database_->session(); }
  std::vector<std::string> differences(const OldBot& bot) { return bot.differences(session()); }

  std::unique_ptr<test::AnyDatabase> database_;
};

class OldBotOfPostgres : public OldBotAtWork {
 protected:
  void SetUp() override {
    if (!test::has_postgres()) GTEST_SKIP() << "no PostgreSQL";
    database_ = std::make_unique<test::AnyDatabase>(migrate::Dialect::postgres);
    session().execute(test::script({.viewers = 20}));
  }
};

class OldBotOfSqlite : public OldBotAtWork {
 protected:
  void SetUp() override {
    database_ = std::make_unique<test::AnyDatabase>(migrate::Dialect::sqlite);
    session().execute(test::script(test::OldReading{}));
  }
  /// A disk that is slower than the work comes would starve one of two writers.
  std::unique_ptr<store::SchemaSession> connect() override {
    auto session = OldBotAtWork::connect();
    session->execute("PRAGMA synchronous = OFF");
    return session;
  }
};

TEST_F(OldBotOfPostgres, DoesAllOfItsWorkAndItAddsUp) {
  const auto bot = this->bot(test::old_kick_work(20, kPerSecond));
  bot->start();
  bot->wait_for(30);
  bot->stop();
  std::vector<std::string> names;
  for (const OldBot::Report& report : bot->report()) {
    names.push_back(report.name);
    EXPECT_GE(report.answered, 30u) << report.name;
    EXPECT_THAT(report.errors, IsEmpty()) << report.first_error;
    EXPECT_EQ(report.unknown, 0u);
    EXPECT_GT(report.median, 0);
    EXPECT_GE(report.longest, report.p99);
  }
  EXPECT_THAT(names,
              ElementsAre("award points", "count watch time", "convert watch time", "sell", "show points"));
  EXPECT_THAT(differences(*bot), IsEmpty());
}

TEST_F(OldBotOfPostgres, LostAndDoubledWritesAreFound) {
  const auto bot = this->bot(test::old_kick_work(20, kPerSecond));
  bot->start();
  bot->wait_for(30);
  bot->stop();
  session().execute(
      "UPDATE user_points SET points = points - 5 WHERE kick_username = 'viewer_0000003';"
      "UPDATE watchtime SET minutes = minutes + 1 WHERE username = 'viewer_0000004';"
      "DELETE FROM point_sales WHERE id = (SELECT max(id) FROM point_sales WHERE kick_username = "
      "'viewer_0000005')");
  EXPECT_THAT(differences(*bot),
              ElementsAre(HasSubstr("award points: viewer_0000003"),
                          HasSubstr("count watch time: viewer_0000004"), HasSubstr("sell: viewer_0000005")));
}

TEST_F(OldBotOfPostgres, WhatWasRefusedIsCountedByItsState) {
  session().execute("ALTER TABLE user_points DROP CONSTRAINT user_points_kick_username_key");
  const auto bot = this->bot(test::old_kick_work(20, kPerSecond));
  bot->start();
  bot->wait_for(5);
  bot->stop();
  const auto report = bot->report().at(0);
  EXPECT_EQ(report.answered, 0u);
  EXPECT_THAT(report.errors, ElementsAre(Pair("42P10", Gt(4u))));
  EXPECT_THAT(report.first_error, HasSubstr("ON CONFLICT"));
  EXPECT_THAT(differences(*bot), IsEmpty());
}

TEST_F(OldBotOfPostgres, AStallIsChargedToAllThatWasDueMeanwhile) {
  auto work = test::old_kick_work(20, kPerSecond);
  const auto points = bot({work.at(0)});
  const auto minutes = bot({work.at(1)});
  const auto holder = *database_->target().open("");
  points->start();
  minutes->start();
  points->wait_for(1);
  holder->execute("BEGIN; LOCK TABLE user_points IN ACCESS EXCLUSIVE MODE");
  const auto stalled = OldBot::Clock::now();
  minutes->wait_for(100);
  const std::chrono::duration<double, std::milli> held = OldBot::Clock::now() - stalled;
  holder->execute("COMMIT");
  points->wait_for(100);
  points->stop();
  minutes->stop();
  // What was due at once after the lock waited for nearly all of its time.
  const auto report = points->report(stalled).at(0);
  EXPECT_GE(report.longest, held.count() - 2 * 1000 / kPerSecond);
  EXPECT_GE(points->report().at(0).answered, report.answered);
  EXPECT_THAT(differences(*points), IsEmpty());
}

TEST_F(OldBotOfPostgres, GoesOnWhenItsConnectionsAreCut) {
  const auto bot = this->bot(test::old_kick_work(20, kPerSecond));
  bot->start();
  bot->wait_for(5);
  session().query(
      "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> "
      "pg_backend_pid()");
  bot->wait_for(5);
  bot->stop();
  for (const OldBot::Report& report : bot->report()) {
    EXPECT_EQ(report.unknown, 1u) << report.name;
    // The server's last word arrives or not.
    EXPECT_THAT(report.errors, ElementsAre(Pair(AnyOf("57P01", "no answer"), 1u))) << report.first_error;
    EXPECT_GT(report.answered, 5u);
  }
  EXPECT_THAT(differences(*bot), IsEmpty());
}

TEST_F(OldBotOfSqlite, DoesAllOfItsWorkAndItAddsUp) {
  const auto bot = this->bot(test::old_reading_work(20, 100));
  bot->start();
  bot->wait_for(30);
  bot->stop();
  for (const OldBot::Report& report : bot->report()) {
    EXPECT_GE(report.answered, 30u) << report.name;
    EXPECT_THAT(report.errors, IsEmpty()) << report.first_error;
  }
  EXPECT_THAT(differences(*bot), IsEmpty());
  session().execute("UPDATE user_stats SET total_manga = total_manga - 1 WHERE username = 'reader_3'");
  EXPECT_THAT(differences(*bot), ElementsAre(HasSubstr(fmt::format("count manga: {}", test::reader_id(3)))));
}

}  // namespace
}  // namespace guildhall::convert
