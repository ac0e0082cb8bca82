// The small bot's database (small_bot.h), the commands of convert on it, and questions to it.
#pragma once

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "convert/run.h"
#include "tests/support/small_bot.h"

namespace guildhall::test {

/// The small bot's database on its way to several servers and back; whatever a test leaves undone is taken
/// back when it is over.
class ConvertedBot : public WithSmallBot {
 protected:
  void TearDown() override {
    // Before what the conversion was of is taken away.
    if (is_converted_) take_back();
    WithSmallBot::TearDown();
  }

  void expand() {
    is_converted_ = true;
    const auto done = convert::apply(target(), options<>());
    ASSERT_TRUE(done) << done.error().finding.text;
  }
  static migrate::Outcome<convert::RunReport> try_contract(std::vector<std::string> accepted = {},
                                                           const std::string& role = "") {
    auto how = options<convert::ContractOptions>();
    how.accepted = std::move(accepted);
    if (!role.empty()) how.seal = convert::Seal{role};
    return convert::contract(target(), how);
  }
  static void contracts(const migrate::Outcome<convert::RunReport>& done) {
    ASSERT_TRUE(done) << done.error().finding.text << done.error().finding.hint;
    const auto checked =
        convert::check(session(), target(), options<>(), {.writers = convert::Writers::stopped});
    ASSERT_TRUE(checked);
    EXPECT_TRUE(checked->found.ok);
  }
  static void is_refused(const migrate::Outcome<convert::RunReport>& tried, std::string_view code,
                         const std::string& text) {
    ASSERT_FALSE(tried);
    EXPECT_EQ(tried.error().exit, migrate::Exit::refused);
    EXPECT_EQ(tried.error().finding.code, code);
    EXPECT_THAT(tried.error().finding.text, testing::HasSubstr(text));
    EXPECT_NE(tried.error().finding.hint, "");
  }
  void take_back(bool archive = false, std::vector<std::string>* said = nullptr) {
    auto how = options<convert::RollbackOptions>();
    how.archive = archive;
    if (said != nullptr) how.say = [said](const std::string& line) { said->push_back(line); };
    const auto back = convert::rollback(target(), how);
    ASSERT_TRUE(back) << back.error().finding.text;
    is_converted_ = false;
    session().execute("DROP SCHEMA guildhall CASCADE");
  }

  /// Rows of other servers make room.
  static void put_aside() {
    auto how = options<convert::RollbackOptions>();
    how.archive = true;
    const auto back = convert::rollback(target(), how);
    ASSERT_TRUE(back) << back.error().finding.text;
  }
  void convert_again_and_restore(const std::vector<std::string>& accepted = {}) {
    expand();
    contracts(try_contract(accepted));
    const auto restored = convert::restore(target(), options<>());
    ASSERT_TRUE(restored) << restored.error().finding.text;
  }

  static std::vector<std::string> planned(std::string_view code) {
    std::vector<std::string> texts;
    const auto plan = convert::plan(session(), migrate::Dialect::postgres, options<>());
    if (!plan) return {plan.error().finding.text};
    for (const migrate::Finding& finding : plan->look.scheme.findings) {
      if (finding.code == code) texts.push_back(finding.text);
    }
    return texts;
  }

  static std::string ask(const std::string& sql) {
    std::string text;
    for (const auto& row : session().query(sql)) text += fmt::format("{}\n", fmt::join(row, "|"));
    return text;
  }
  /// Its SQLSTATE; "" when it works. It leaves nothing.
  static std::string error_of(const std::string& sql) {
    std::string state;
    try {
      session().execute("BEGIN; " + sql);
    } catch (const store::DatabaseError& error) {
      state = error.sqlstate();
    }
    session().execute("ROLLBACK");
    return state;
  }

  bool is_converted_ = false;
};

}  // namespace guildhall::test
