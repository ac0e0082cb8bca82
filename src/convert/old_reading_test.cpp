// The old reading club's database as tests make it: every generation is a database, with the rows that are to
// be met.
#include "tests/support/old_reading.h"

#include <fmt/format.h>
#include <gmock/gmock.h>

#include "store/quoting.h"
#include "tests/support/any_database.h"

namespace guildhall::convert {
namespace {

using test::OldReading;
using Generation = OldReading::Generation;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::UnorderedElementsAre;

class OldReadingOfSqlite : public test::OnSqlite {
 protected:
  void make(const OldReading& database) { session().execute(test::script(database)); }
  std::string ask(const std::string& sql) { return session().query(sql).at(0).at(0); }
  std::vector<std::string> list(const std::string& sql) {
    std::vector<std::string> values;
    for (const auto& row : session().query(sql)) values.push_back(row.at(0));
    return values;
  }
  std::string count(const std::string& from) { return ask("SELECT count(*) FROM " + from); }
  std::vector<std::string> columns(const std::string& table) {
    return list(fmt::format("SELECT name FROM pragma_table_info('{}')", table));
  }
  std::string tables() { return count("sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%'"); }
};

TEST_F(OldReadingOfSqlite, OfEachGenerationHasItsTablesAndIsSound) {
  for (const auto& [generation, expected] : {std::pair{Generation::l0, "6"},
                                             {Generation::l1, "19"},
                                             {Generation::l2, "19"},
                                             {Generation::l3, "44"}})
    for (const bool nasty : {true, false})
      for (const bool made_by_code : {true, false}) {
        test::AnyDatabase database(migrate::Dialect::sqlite);
        auto& session = database.session();
        session.execute(
            test::script({.generation = generation, .made_by_code = made_by_code, .nasty = nasty}));
        EXPECT_EQ(session
                      .query("SELECT count(*) FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE "
                             "'sqlite_%'")
                      .at(0)
                      .at(0),
                  expected);
        EXPECT_EQ(session.query("PRAGMA integrity_check").at(0).at(0), "ok");
        if (!nasty) EXPECT_THAT(session.query("PRAGMA foreign_key_check"), IsEmpty());
      }
}

TEST_F(OldReadingOfSqlite, CannotBeToldByItsHeader) {
  make({.generation = Generation::l3});
  EXPECT_EQ(ask("PRAGMA user_version") + ask("PRAGMA application_id") + ask("PRAGMA auto_vacuum"), "000");
  EXPECT_EQ(ask("PRAGMA encoding"), "UTF-8");
}

TEST_F(OldReadingOfSqlite, HasTheColumnsInTheOrderInWhichTheyCame) {
  make({});
  EXPECT_THAT(columns("users"),
              ElementsAre("id", "discord_id", "username", "anilist_username", "anilist_id"));
  EXPECT_THAT(columns("user_manga_progress"),
              ElementsAre("discord_id", "manga_id", "current_chapter", "rating", "title", "status", "points",
                          "started_at", "repeat", "updated_at"));
  EXPECT_THAT(columns("cached_stats"),
              ElementsAre("discord_id", "username", "manga_total", "manga_completed", "manga_avg",
                          "anime_total", "anime_completed", "anime_avg", "last_update", "manga_progress",
                          "anime_progress", "manga_chapters", "anime_chapters"));
  EXPECT_THAT(
      list("SELECT m.name FROM sqlite_schema m, pragma_table_info(m.name) c WHERE c.name = 'guild_id'"),
      UnorderedElementsAre("invites", "invite_uses", "recruitment_stats", "user_leaves",
                           "invite_tracker_settings"));
  EXPECT_THAT(list("SELECT name FROM sqlite_schema WHERE type <> 'table' AND sql IS NOT NULL"), IsEmpty());
}

TEST_F(OldReadingOfSqlite, OfTheSecondGenerationHasAServerInEveryTableAndInNoKey) {
  make({.generation = Generation::l2});
  EXPECT_EQ(
      count("sqlite_schema m, pragma_table_info(m.name) c WHERE c.name = 'guild_id' AND m.type = 'table'"),
      "19");
  EXPECT_THAT(columns("users"), ElementsAre("id", "discord_id", "guild_id", "username", "anilist_username",
                                            "anilist_id", "created_at", "updated_at"));
  EXPECT_THAT(ask("SELECT sql FROM sqlite_schema WHERE name = 'user_manga_progress'"),
              HasSubstr("PRIMARY KEY (discord_id, manga_id)"));
  EXPECT_NE(count("user_manga_progress WHERE guild_id IS NULL"), "0");
  EXPECT_EQ(count("challenge_manga WHERE guild_id IS NOT NULL"), "0");
}

TEST_F(OldReadingOfSqlite, HoldsWhatDataOfYearsHolds) {
  make({});
  const std::pair<const char*, const char*> expected[] = {
      {"(SELECT 1 FROM user_progress GROUP BY user_id, challenge_manga_id HAVING count(*) > 1)", "3"},
      {"(SELECT 1 FROM challenges GROUP BY media_type, media_id HAVING count(*) > 1)", "1"},
      {"(SELECT 1 FROM manga_challenges GROUP BY user_id, manga_id HAVING count(*) > 1)", "1"},
      {"achievements WHERE discord_id IS NULL OR achievement IS NULL", "4"},
      {"user_stats WHERE discord_id NOT IN (SELECT discord_id FROM users)", "2"},
      {"cached_stats WHERE discord_id NOT IN (SELECT discord_id FROM users)", "2"},
      {"user_progress WHERE user_id NOT IN (SELECT id FROM users) AND user_id IN (SELECT discord_id FROM "
       "users)",
       "2"},
      {"user_manga_progress WHERE typeof(current_chapter) IN ('text', 'real')", "2"},
      {"users WHERE typeof(anilist_id) = 'text'", "1"},
      {"users WHERE hex(username) LIKE 'FF%'", "1"},
      {"users WHERE username = ''", "1"},
      {"users WHERE discord_id = 9007199254740993", "1"},
      {"(SELECT 1 FROM users WHERE anilist_username NOT NULL GROUP BY lower(anilist_username) HAVING "
       "count(*) > 1)",
       "1"},
      {"(SELECT 1 FROM users WHERE anilist_id NOT NULL GROUP BY anilist_id HAVING count(*) > 1)", "1"},
      {"(SELECT DISTINCT guild_id FROM invites)", "2"},
      {"recruitment_stats r WHERE total_recruits <> (SELECT count(*) FROM invite_uses u "
       "WHERE u.inviter_id = r.user_id AND u.guild_id = r.guild_id)",
       "2"},
      {"(SELECT 1 FROM invite_uses u GROUP BY inviter_id HAVING count(DISTINCT guild_id) > 1)", "1"},
      {"pragma_foreign_key_check", "9"},
  };
  for (const auto& [from, rows] : expected) EXPECT_EQ(count(from), rows) << from;
  // Of deleted rows, whose numbers must not be given out again.
  for (const char* table : {"users", "challenge_manga"})
    EXPECT_EQ(ask(fmt::format(
                  "SELECT seq - (SELECT max(id) FROM {0}) FROM sqlite_sequence WHERE name = '{0}'", table)),
              "1")
        << table;
}

TEST_F(OldReadingOfSqlite, OfAnOperatorHasObjectsOfEveryKindThatWork) {
  make({.operator_made = true});
  EXPECT_EQ(count("sqlite_schema WHERE type = 'index' AND sql IS NOT NULL"), "5");
  EXPECT_EQ(count("sqlite_schema WHERE type = 'trigger'"), "4");
  EXPECT_EQ(count("v_best"), "10");
  EXPECT_EQ(ask("SELECT shown_name FROM users WHERE id = 1"), "Reader_1");
  EXPECT_THAT(list("SELECT name FROM sqlite_schema WHERE type = 'table'"), Contains("Club \"Notes\""));
  session().execute(fmt::format(
      "UPDATE user_manga_progress SET current_chapter = current_chapter + 1 WHERE discord_id = {}",
      test::reader_id(2)));
  EXPECT_EQ(ask("SELECT changes FROM progress_counter"), "20");
}

TEST_F(OldReadingOfSqlite, OfTheThirdGenerationCannotEvenBeChecked) {
  make({.generation = Generation::l3});
  try {
    session().query("PRAGMA foreign_key_check");
    FAIL();
  } catch (const store::DatabaseError& error) {
    EXPECT_THAT(error.what(), HasSubstr("foreign key mismatch"));
  }
}

TEST_F(OldReadingOfSqlite, GrowsWithItsMembers) {
  make({.members = 500, .nasty = false});
  EXPECT_EQ(count("users"), "500");
  EXPECT_EQ(count("user_manga_progress"), "10000");
  EXPECT_EQ(count("user_progress"), "1000");
  EXPECT_EQ(count("user_manga_progress WHERE length(updated_at) <> 26"), "0");
}

TEST_F(OldReadingOfSqlite, IsTheSameEachTime) {
  const OldReading reading = {.generation = Generation::l3, .operator_made = true};
  make(reading);
  test::AnyDatabase again(migrate::Dialect::sqlite);
  again.session().execute(test::script(reading));
  for (const std::string& table : list("SELECT name FROM sqlite_schema WHERE type = 'table'")) {
    const std::string all = "SELECT * FROM " + store::quoted_name(table);
    EXPECT_EQ(session().query(all), again.session().query(all)) << table;
  }
}

}  // namespace
}  // namespace guildhall::convert
