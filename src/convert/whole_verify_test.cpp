// The old Kick bot's database with all that years leave behind, converted by the tool itself and verified.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "convert/run.h"
#include "convert/verify.h"
#include "tests/support/any_database.h"
#include "tests/support/old_kick.h"

namespace guildhall::convert {
namespace {

using migrate::Level;
using test::OldKick;
using testing::IsEmpty;

class KickInPostgres : public test::OnPostgres, public testing::WithParamInterface<OldKick::Shape> {
 protected:
  void SetUp() override {
    kick_.shape = GetParam();
    kick_.viewers = 300;
    kick_.servers = {kick_.home, 900'000'000'000'000'777};
    session().execute(test::script(kick_));
    description_ = *read_description("kick");
  }

  void read_scheme() {
    schema_ = std::make_unique<OldSchema>(read_old_schema(session(), migrate::Dialect::postgres));
    scheme_ = std::make_unique<Scheme>(make_scheme(*schema_, description_));
    scheme_->home = kick_.home;
  }

  /// Everything added up before anything is changed, as the first conversion's.
  void remember_sums() {
    read_scheme();
    Records records(session(), migrate::Dialect::postgres);
    records.prepare();
    const auto sums = take_sums_apart(session(), *scheme_);
    ASSERT_TRUE(sums) << sums.error().finding.text;
    remember(session(), records, 1, "before", *sums);
  }

  Options options() const {
    Options options;
    options.description = description_;
    options.server = kick_.home;
    options.register_found = true;
    options.backup_done = "none is needed here";
    return options;
  }

  Verification verified(VerifyOptions how) {
    read_scheme();
    Records records(session(), migrate::Dialect::postgres);
    auto found = verify(session(), *scheme_, records, 1, how);
    if (!found) throw std::runtime_error(found.error().finding.text);
    return *std::move(found);
  }

  static std::vector<std::string> errors(const Verification& found) {
    std::vector<std::string> texts;
    for (const migrate::Finding& finding : found.findings) {
      if (finding.level == Level::error) texts.push_back(fmt::format("{} {}", finding.code, finding.text));
    }
    return texts;
  }

  OldKick kick_;
  Description description_;
  std::unique_ptr<OldSchema> schema_;
  std::unique_ptr<Scheme> scheme_;
};

TEST_P(KickInPostgres, IsVerifiedWhenItIsExpandedAndWhenItIsContracted) {
  remember_sums();
  const auto applied = apply(target(), options());
  ASSERT_TRUE(applied) << applied.error().finding.text;
  const Verification expanded = verified({.writers = Writers::stopped});
  EXPECT_THAT(errors(expanded), IsEmpty());

  ContractOptions contracting;
  static_cast<Options&>(contracting) = options();
  const auto contracted = contract(target(), contracting);
  ASSERT_TRUE(contracted) << contracted.error().finding.text;
  const Verification found = verified({.writers = Writers::stopped, .contracted = true});
  EXPECT_THAT(errors(found), IsEmpty());
  EXPECT_EQ(found.lists.size(), 3U);
  EXPECT_THAT(found.twins, testing::Not(IsEmpty()));
}

TEST_P(KickInPostgres, IsVerifiedUnderTheOldBot) {
  remember_sums();
  const auto applied = apply(target(), options());
  ASSERT_TRUE(applied) << applied.error().finding.text;
  for (const test::OldStatement& statement : test::old_bot_statements(kick_, 1))
    session().query(statement.sql, statement.values);
  const Verification found = verified({});
  EXPECT_THAT(errors(found), IsEmpty());
  const auto written = std::ranges::find(found.tables, "watchtime", &TableComparison::table);
  ASSERT_NE(written, found.tables.end());
  EXPECT_EQ(written->verdict, Verdict::written);
  EXPECT_GT(written->proven, 0);
}

INSTANTIATE_TEST_SUITE_P(Shapes, KickInPostgres,
                         testing::Values(OldKick::Shape::bot_only, OldKick::Shape::with_dashboard));

}  // namespace
}  // namespace guildhall::convert
