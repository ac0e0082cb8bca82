// The reading club's database in every form in which it is found, converted by its preset.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "convert/sqlite_rows.h"
#include "convert/verify.h"
#include "tests/support/old_reading.h"
#include "tests/support/sqlite_conversion.h"

namespace guildhall::convert {
namespace {

using test::kHome;
using test::kOther;
using test::OldReading;
using testing::HasSubstr;

struct Form {
  const char* name;
  OldReading database;
};

const Form kForms[] = {
    {"L0", {.generation = OldReading::Generation::l0}},
    {"L1", {.generation = OldReading::Generation::l1}},
    {"L1ByCode", {.generation = OldReading::Generation::l1, .made_by_code = true}},
    {"L1OfAnOperator", {.generation = OldReading::Generation::l1, .operator_made = true}},
    {"L2", {.generation = OldReading::Generation::l2}},
    {"L2OfAnOperator", {.generation = OldReading::Generation::l2, .operator_made = true}},
    {"L3", {.generation = OldReading::Generation::l3, .operator_made = true}},
};

constexpr std::pair<const char*, const char*> kCaredAbout[] = {
    {"user_manga_progress", "current_chapter"},
    {"user_manga_progress", "points"},
    {"user_stats", "total_manga"},
    {"cached_stats", "manga_chapters"},
    {"manga_challenges", "chapters_read"},
    {"user_progress", "chapters_read"},
    {"manga_recommendations_votes", "vote"},
    {"invites", "uses"},
    {"recruitment_stats", "total_recruits"},
};

class PresetOfSqlite : public test::SqliteConversion, public testing::WithParamInterface<Form> {
 protected:
  void SetUp() override {
    execute(test::script(GetParam().database));
    const auto preset = read_description("reading-club");
    ASSERT_TRUE(preset) << preset.error().finding.text;
    read(*preset);
    std::string errors;
    for (const auto& finding : scheme_.findings) {
      if (finding.level == migrate::Level::error) errors += finding.text + "\n";
    }
    ASSERT_EQ(errors, "");
  }
  /// Chapters, points, votes and who brought whom are added up.
  void expect_what_members_care_about() {
    Records records(session(), migrate::Dialect::sqlite);
    const auto before = remembered_sums(records, 1, "before");
    ASSERT_TRUE(before);
    std::size_t added_up = 0;
    for (const auto& [table, column] : kCaredAbout) {
      if (!has(table)) continue;
      const Measured* measured = before->find(table);
      ASSERT_NE(measured, nullptr) << table;
      ASSERT_TRUE(measured->totals.contains(column)) << table << "." << column;
      EXPECT_NE(measured->totals.at(column), "0") << table << "." << column;
      ++added_up;
    }
    EXPECT_EQ(added_up, has("user_progress") ? std::size(kCaredAbout) : 3U);
  }
  bool has(const std::string& table) {
    return !session()
                .query("SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = $1", {table})
                .empty();
  }
};

INSTANTIATE_TEST_SUITE_P(Sqlite, PresetOfSqlite, testing::ValuesIn(kForms),
                         [](const auto& form) { return std::string(form.param.name); });

TEST_P(PresetOfSqlite, EveryTableIsConvertedAndEveryRowAccountedFor) {
  std::map<std::string, std::int64_t> before;
  for (const SchemeTable& table : scheme_.tables)
    before[table.name()] = number_of(session(), "SELECT count(*) FROM \"" + table.name() + "\"");
  ASSERT_EQ(problem(rebuild()), "");
  Records records(session(), migrate::Dialect::sqlite);
  std::map<std::string, std::int64_t> gone;
  for (const Refused& row : records.refused(1)) gone[row.table] += row.done == "kept" ? 0 : 1;
  for (const auto& [table, rows] : before) {
    EXPECT_EQ(number_of(session(), "SELECT count(*) FROM \"" + table + "\"") + gone[table], rows) << table;
    EXPECT_EQ(
        dump("SELECT count(*) FROM \"" + table +
             "\" WHERE guild_id IS NULL OR guild_id <= 0 OR typeof(guild_id) <> 'integer' OR guild_id NOT IN "
             "(SELECT guild_id FROM guilds)"),
        "0\n")
        << table;
    EXPECT_EQ(
        dump("SELECT count(*) FROM pragma_index_list('" + table +
             "') AS l WHERE l.\"unique\" AND (SELECT name FROM pragma_index_info(l.name) WHERE seqno = 0) <> "
             "'guild_id'"),
        "0\n")
        << table << " has a key that does not begin with the server";
  }
  EXPECT_GE(before.size(), GetParam().database.generation == OldReading::Generation::l0 ? 6U : 19U);
}

TEST_P(PresetOfSqlite, AVerificationFindsEveryDifferenceExplained) {
  ASSERT_EQ(problem(rebuild()), "");
  read(scheme_.description);
  EXPECT_EQ(findings_of(verified()), "");
  expect_what_members_care_about();
  execute("UPDATE users SET discord_id = -discord_id");
  EXPECT_THAT(findings_of(verified()), HasSubstr("CV-OWNER"));
}

TEST_P(PresetOfSqlite, TheSecondServerCanHaveTheSameMember) {
  ASSERT_EQ(problem(rebuild()), "");
  const std::string id = std::to_string(test::reader_id(2));
  execute("PRAGMA foreign_keys=ON; INSERT OR IGNORE INTO guilds(guild_id) VALUES (700000000000000002)");
  execute("INSERT INTO users(discord_id, username, guild_id) VALUES (" + id +
          ", 'again', 700000000000000002)");
  execute("INSERT INTO user_stats(discord_id, username, guild_id) VALUES (" + id +
          ", 'a', 700000000000000002)");
  execute("INSERT INTO achievements(discord_id, achievement, guild_id) VALUES (" + id +
          ", 'Read 100', 700000000000000002)");
  EXPECT_EQ(dump("SELECT count(*) FROM user_stats WHERE discord_id = " + id), "2\n");
  EXPECT_EQ(
      dump("SELECT count(*) FROM achievements WHERE discord_id = " + id + " AND achievement = 'Read 100'"),
      "2\n");
}

TEST_P(PresetOfSqlite, EveryProgressRowIsOfThePersonThatItWasOf) {
  const std::string children = has("user_progress") ? "user_progress" : "manga_challenges";
  const std::string people =
      "SELECT c.id, coalesce((SELECT u.discord_id FROM users AS u WHERE u.id = c.user_id), "
      "(SELECT u.discord_id FROM users AS u WHERE u.discord_id = c.user_id), 'nobody') FROM " +
      children + " AS c ";
  const std::string before = dump(people + "ORDER BY 1");
  ASSERT_EQ(problem(rebuild()), "");
  std::size_t compared = 0;
  for (const auto& row : session().query(people + "ORDER BY 1")) {
    EXPECT_THAT(before, HasSubstr(row[0] + "|" + row[1] + "\n"));
    ++compared;
  }
  EXPECT_GE(compared, 5U);
}

}  // namespace
}  // namespace guildhall::convert
