// The old program's own statements go on working while its database is expanded, and until it is contracted.
#include <fmt/format.h>
#include <gmock/gmock.h>

#include "convert/run.h"
#include "tests/support/any_database.h"
#include "tests/support/foreign_database.h"
#include "tests/support/old_bot.h"
#include "tests/support/old_kick.h"

namespace guildhall::convert {
namespace {

using test::OldKick;
using testing::Contains;
using testing::IsEmpty;
using testing::StartsWith;

constexpr std::int64_t kHome = 900'000'000'000'000'001;
constexpr std::int64_t kOther = 900'000'000'000'000'002;

class OldBotGoesOnInPostgres : public testing::Test {
 protected:
  void SetUp() override {
    if (!test::has_postgres()) GTEST_SKIP() << "no PostgreSQL";
    database_ = std::make_unique<test::AnyDatabase>(migrate::Dialect::postgres);
  }
  const migrate::Target& target() const { return database_->target(); }
  store::SchemaSession& session() { return database_->session(); }

  template <class AnyOptions>
  AnyOptions options() {
    AnyOptions options;
    options.description = *read_description("kick");
    options.server = kHome;
    options.backup_done = "of a test";
    return options;
  }
  /// Sends all of them, and notes those that fail.
  void send(const OldKick& old, const std::string& when) {
    ++round_;
    for (const auto& statement : test::old_bot_statements(old, round_)) try {
        session().query(statement.sql, statement.values);
      } catch (const store::DatabaseError& error) {
        failed_.push_back(fmt::format("{}: {}: {} {}", when, statement.name, error.sqlstate(), error.what()));
      }
  }

  int round_ = 0;
  std::vector<std::string> failed_;

 private:
  std::unique_ptr<test::AnyDatabase> database_;
};

class EveryOldBotGoesOnInPostgres : public OldBotGoesOnInPostgres,
                                    public testing::WithParamInterface<std::pair<std::string, OldKick>> {};

TEST_P(EveryOldBotGoesOnInPostgres, BeforeDuringAndAfterTheExpansion) {
  OldKick old = GetParam().second;
  old.viewers = 100;
  session().execute(test::script(old));
  send(old, "before");
  auto options = this->options<Options>();
  options.say = [&](const std::string& line) {
    if (line.starts_with('[')) send(old, line);
  };
  const auto applied = apply(target(), options);
  ASSERT_TRUE(applied) << applied.error().finding.text;
  EXPECT_GT(round_, 50);
  send(old, "after");
  EXPECT_THAT(failed_, IsEmpty());
}

INSTANTIATE_TEST_SUITE_P(
    Shapes, EveryOldBotGoesOnInPostgres,
    testing::Values(
        std::pair{"BotOnly", OldKick{}},
        std::pair{"HandMadeBeforeDecember", OldKick{.settings_before_december = true, .hand_made = true}},
        // Twins of which one has no server, and a server 0 that means nothing, are in the way of these.
        std::pair{"WithDashboard", OldKick{.shape = OldKick::Shape::with_dashboard, .nasty = false}},
        std::pair{"HalfMigratedTwoServers", OldKick{.shape = OldKick::Shape::with_dashboard,
                                                    .half_migrated = true,
                                                    .servers = {kHome, kOther},
                                                    .nasty = false}}),
    [](const auto& shape) { return shape.param.first; });

TEST_F(OldBotGoesOnInPostgres, NoWriteIsLostOrDoubledBesideTheExpansion) {
  session().execute(test::script({.shape = OldKick::Shape::with_dashboard, .viewers = 100, .nasty = false}));
  test::OldBot bot([this] { return *target().open(""); }, test::old_kick_work(100, 300));
  bot.start();
  bot.wait_for(20);
  const auto applied = apply(target(), options<Options>());
  bot.wait_for(20);
  bot.stop();
  ASSERT_TRUE(applied) << applied.error().finding.text;
  for (const auto& report : bot.report()) EXPECT_THAT(report.errors, IsEmpty()) << report.first_error;
  EXPECT_THAT(bot.differences(session()), IsEmpty());
}

TEST_F(OldBotGoesOnInPostgres, UntilTheContraction) {
  const OldKick old = {.shape = OldKick::Shape::with_dashboard, .viewers = 100, .nasty = false};
  session().execute(test::script(old));
  ASSERT_TRUE(apply(target(), options<Options>()));
  const auto contracted = contract(target(), options<ContractOptions>());
  ASSERT_TRUE(contracted) << contracted.error().finding.text;
  send(old, "contracted");
  EXPECT_THAT(failed_, Contains(StartsWith("contracted: watchtime: tick: 42P10")));
  EXPECT_THAT(failed_, Contains(StartsWith("contracted: points: award: 42P10")));
}

}  // namespace
}  // namespace guildhall::convert
