// The whole way on PostgreSQL: the old Kick bot's database in every shape, expanded, contracted, taken back,
// while the old bot's own statements work for as long as they have to.
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

  ContractOptions contracting;
  static_cast<Options&>(contracting) = options();
  const auto contracted = contract(target(), contracting);
  ASSERT_TRUE(contracted) << contracted.error().finding.text;
  EXPECT_EQ(contracted->state, State::contracted);

  const auto back = rollback(target(), options());
  ASSERT_TRUE(back) << back.error().finding.text;
  EXPECT_THAT(differences_from(before), testing::IsEmpty());
  old_bot_works(3);
}

INSTANTIATE_TEST_SUITE_P(Postgres, EveryShapeOfPostgres, testing::Range(std::size_t{0}, shapes().size()));

}  // namespace
}  // namespace guildhall::convert
