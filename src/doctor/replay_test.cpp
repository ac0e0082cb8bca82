// What was recorded is run again as it was run.
#include "doctor/replay.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/test_world.h"

namespace guildhall::doctor {
namespace {

using Recorded = Run;  // gtest has one of that name
using store::NoRow;
using store::Statement;

struct SettingParams {
  std::string key;
};
BOOST_DESCRIBE_STRUCT(SettingParams, (), (key))
constexpr Statement<SettingParams, NoRow> kAdd{
    "test.add",
    "INSERT INTO settings (discord_server_id, key, value, updated_at) VALUES (:server, :key, 'x', 0)"};

/// A world whose statements are recorded.
class Replay : public testing::Test {
 protected:
  Replay() {
    world_.declarations.statements.add("test", kAdd);
    tenancy::OpenOptions options;
    options.observer = &recorder_;
    options.files.prepare = world_.file_preparation();
    world_.reopen_with(std::move(options));
    world_.server(1);
    statement_ = world_.declarations.statements.index_of(&kAdd);
  }

  std::vector<Recorded> runs() {
    std::vector<Recorded> found;
    for (Recorded& run : recorder_.take()) {
      if (run.statement == statement_) found.push_back(std::move(run));
    }
    return found;
  }

  Recorder recorder_;
  test::TestWorld world_;
  std::size_t statement_ = 0;
};

TEST_F(Replay, OfABatchIsABatch) {
  for (const bool many : {false, true}) {
    world_.in(1, [many](store::Tx& tx) -> store::TxTask<void> {
      if (many) {
        co_await tx.batch(kAdd, {{"a"}, {"b"}});
      } else {
        co_await tx.change(kAdd, {"c"});
      }
    });
    const auto recorded = runs();
    ASSERT_THAT(recorded, testing::SizeIs(many ? 2 : 1));
    world_.execute("DELETE FROM settings", 1);
    const Outcome outcome = replay(*world_.tenancy, world_.declarations.statements.all()[statement_],
                                   recorded.front(), ServerId(1), world_.clock.now());
    EXPECT_EQ(outcome.error, "");
    EXPECT_EQ(outcome.changes, 1);
    const auto again = runs();
    ASSERT_THAT(again, testing::SizeIs(1));
    EXPECT_EQ(again.front().many, many);
    EXPECT_EQ(world_.dump("SELECT count(*) FROM settings"), "0\n") << "something of it remains";
  }
}

TEST_F(Replay, SamplesAreOfTheBeginningAndOfTheEnd) {
  std::vector<Recorded> runs;
  for (int i = 0; i < 100; ++i)
    runs.push_back({statement_, {store::Access::server, ServerId(1)}, {fmt::format("{}", i)}, 0, 1});
  std::vector<std::string> values;
  const Samples samples = samples_of(runs, world_.declarations.statements);
  for (const Recorded& sample : samples.at(statement_))
    values.push_back(std::get<std::string>(sample.values.front()));
  EXPECT_THAT(values, testing::IsSupersetOf({"0", "1", "98", "99"}));
  EXPECT_THAT(values, testing::Not(testing::Contains("50")));
}

TEST_F(Replay, SamplesAreOfBatchesAndOfOthers) {
  const Recorded one{statement_, {store::Access::server, ServerId(1)}, {std::string("a")}, 0, 1};
  Recorded of_batch = one;
  of_batch.many = true;
  const Samples samples = samples_of({one, of_batch, one, of_batch}, world_.declarations.statements);
  EXPECT_THAT(samples.at(statement_), testing::ElementsAre(testing::Field(&Recorded::many, false),
                                                           testing::Field(&Recorded::many, true)));
}

}  // namespace
}  // namespace guildhall::doctor
