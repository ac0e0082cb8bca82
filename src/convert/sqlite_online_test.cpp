#include "convert/sqlite_online.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "convert/sqlite_rebuild.h"
#include "tests/support/sqlite_conversion.h"

namespace guildhall::convert {
namespace {

using test::kHome;
using testing::HasSubstr;

constexpr const char* kPoints = R"(
CREATE TABLE points(id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL UNIQUE COLLATE NOCASE,
  points INTEGER DEFAULT 0);
CREATE TABLE watch(name TEXT, day TEXT, minutes INTEGER, PRIMARY KEY(name, day)) WITHOUT ROWID;
CREATE TABLE plain(word TEXT);
CREATE TABLE stats(discord_id INTEGER PRIMARY KEY, total INTEGER);
CREATE TABLE sales(id INTEGER PRIMARY KEY, points_id INTEGER REFERENCES points(id));
CREATE INDEX by_points ON points(points DESC);
CREATE UNIQUE INDEX one_word ON plain(word);
CREATE TABLE log(what TEXT);
CREATE TRIGGER logging AFTER UPDATE ON points BEGIN INSERT INTO log VALUES (new.name); END;
CREATE VIEW richest AS SELECT name FROM points ORDER BY points DESC;
WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 57)
INSERT INTO points(name, points) SELECT 'user' || i, i FROM n;
INSERT INTO watch SELECT name, 'mon', points FROM points;
INSERT INTO plain SELECT 'word' || points FROM points;
INSERT INTO stats SELECT 5000000000 - id * 7, points FROM points;
INSERT INTO sales(points_id) SELECT id FROM points WHERE id < 9;
DELETE FROM points WHERE id = 57;
)";

constexpr const char* kDescription = R"(
tenant_column = "discord_server_id"
[registry]
table = "servers"
column = "discord_server_id"
[table.servers]
class = "registry"
[table.points]
class = "tenant"
[table.watch]
class = "tenant"
[table.plain]
class = "tenant"
[table.stats]
class = "tenant"
natural = true
surrogate = "id"
[table.sales]
class = "child"
parents = [{ table = "points", columns = ["points_id"], referenced = ["id"] }]
)";

class OnlineWayOfSqlite : public test::SqliteConversion {
 protected:
  void SetUp() override {
    execute("PRAGMA journal_mode=WAL");
    execute("PRAGMA synchronous=OFF");
    execute(kPoints);
    auto opened = target().open("");
    ASSERT_TRUE(opened);
    bot_ = std::move(*opened);
    bot_->execute("PRAGMA foreign_keys=ON; PRAGMA synchronous=OFF");
    read(kDescription);
  }

  migrate::Outcome<SqliteReport> convert(std::function<void(const std::string&)> at = [](const std::string&) {
  }) {
    return convert_sqlite_online(
        session(), scheme_, {.description = "test"},
        {.batch = 10, .greatest_batch = 10, .pause = std::chrono::milliseconds(0), .at = std::move(at)});
  }

  /// Every kind of statement of the old program, and the nasty ones, in turns.
  void write(int turn) {
    const std::string n = std::to_string(turn);
    const std::string some = std::to_string(9 + turn * 13 % 60);
    for (const std::string& sql :
         {"INSERT INTO points(name, points) VALUES ('USER" + some +
              "', 1) ON CONFLICT(name) DO UPDATE SET points = points + 1",
          "INSERT OR REPLACE INTO points(name, points) VALUES ('user" + some + "', " + n + ")",
          "INSERT OR IGNORE INTO points(name, points) VALUES ('user" + some + "', 0), ('new" + n + "', 0)",
          "UPDATE OR REPLACE points SET name = 'user" + some + "' WHERE name = 'new" + n + "'",
          "UPDATE OR IGNORE points SET id = id + 1000 WHERE name = 'user" + std::to_string(turn % 60) +
              "' AND id < 1000 AND "
              "id NOT IN (SELECT points_id FROM sales)",
          "DELETE FROM points WHERE name = 'user" + std::to_string(turn * 7 % 60) +
              "' AND id NOT IN (SELECT points_id FROM sales)",
          "REPLACE INTO watch VALUES ('user" + some + "', 'mon', " + n + ")",
          "UPDATE watch SET day = 'tue' WHERE name = 'user" + some + "'",
          "INSERT OR REPLACE INTO plain(rowid, word) VALUES (" + some + ", 'again" + n + "')",
          "INSERT OR REPLACE INTO plain(word) VALUES ('word" + some + "')",
          "DELETE FROM plain WHERE rowid = " + n,
          "REPLACE INTO stats VALUES (" + std::to_string(5000000000 - turn) + ", " + n + ")",
          "UPDATE OR REPLACE stats SET discord_id = discord_id + 1 WHERE discord_id % 50 = " + n})
      bot_->execute(sql);
  }

  /// Nobody else's transaction is in the way, and the tables are still the old program's own.
  bool may_write(const std::string& step) {
    was_exchanged_ = was_exchanged_ || step == "exchange";
    return !was_exchanged_ && (!session().in_transaction() || step.find("comparison") != std::string::npos);
  }

  /// What the old program sees, whatever form the tables have.
  std::string rows() {
    return dump("SELECT id, name, points FROM points ORDER BY id") +
           dump("SELECT name, day, minutes FROM watch ORDER BY 1, 2") +
           dump("SELECT rowid, word FROM plain") + dump("SELECT discord_id, total FROM stats ORDER BY 1") +
           dump("SELECT id, points_id FROM sales");
  }

  std::unique_ptr<store::SchemaSession> bot_;
  bool was_exchanged_ = false;
};

TEST_F(OnlineWayOfSqlite, LargeTablesAreCopiedBesideTheWriterAndTheRestInTheExchange) {
  const auto plan = plan_sqlite(scheme_);
  ASSERT_TRUE(plan);
  std::string shadowed;
  for (const SqliteTable& table : plan->tables) shadowed += is_shadowed(table) ? table.name() + " " : "";
  EXPECT_EQ(shadowed, "plain points stats watch ");
  const std::string before = rows();
  ASSERT_EQ(problem(convert()), "");
  EXPECT_EQ(rows(), before);
}

TEST_F(OnlineWayOfSqlite, TheOldProgramsWritesArriveWhateverStatementMadeThem) {
  int turn = 0;
  ASSERT_EQ(problem(convert([&](const std::string& step) {
              if (may_write(step)) write(++turn);
            })),
            "");
  EXPECT_GT(turn, 25);
  EXPECT_EQ(dump("PRAGMA integrity_check"), "ok\n");
  EXPECT_EQ(dump("SELECT DISTINCT discord_server_id FROM points"), std::to_string(kHome) + "\n");
  // The same writes on a file that was not converted.
  test::AnyDatabase other(migrate::Dialect::sqlite);
  other.session().execute("PRAGMA synchronous=OFF");
  other.session().execute(kPoints);
  bot_ = std::move(*other.target().open(""));
  bot_->execute("PRAGMA foreign_keys=ON; PRAGMA synchronous=OFF");
  for (int i = 1; i <= turn; ++i) write(i);
  const auto dump_of = [](store::SchemaSession& one, const std::string& sql) {
    std::string text;
    for (const auto& row : one.query(sql)) {
      for (const auto& value : row) text += value + "|";
      text += '\n';
    }
    return text;
  };
  for (const char* sql :
       {"SELECT id, name, points FROM points ORDER BY id",
        "SELECT name, day, minutes FROM watch ORDER BY 1, 2", "SELECT rowid, word FROM plain ORDER BY 1",
        "SELECT discord_id, total FROM stats ORDER BY 1"})
    EXPECT_EQ(dump_of(session(), sql), dump_of(other.session(), sql));
}

TEST_F(OnlineWayOfSqlite, IndexesTriggersViewsAndReferencesAreThereAfterTheExchange) {
  const std::string kept =
      "SELECT name, tbl_name, sql FROM sqlite_schema WHERE name IN ('by_points', 'logging', "
      "'richest') ORDER BY name";
  const std::string before = dump(kept);
  ASSERT_EQ(problem(convert()), "");
  EXPECT_EQ(dump(kept), before);
  EXPECT_EQ(dump("SELECT sql FROM sqlite_schema WHERE name = 'one_word'"),
            "CREATE UNIQUE INDEX one_word ON plain (\"discord_server_id\", word) \n");
  EXPECT_THAT(dump("SELECT sql FROM sqlite_schema WHERE name = 'sales'"),
              HasSubstr("REFERENCES \"points\" (\"discord_server_id\", \"id\")"));
  EXPECT_EQ(dump("SELECT name FROM sqlite_schema WHERE name LIKE 'guildhall_passing%'"), "");
  EXPECT_EQ(dump("SELECT count(*) FROM log"), "0\n");
  execute("INSERT INTO points(name, discord_server_id) VALUES ('next', 700000000000000001)");
  EXPECT_EQ(dump("SELECT id FROM points WHERE name = 'next'"), "58\n") << "57 was given out before";
}

TEST_F(OnlineWayOfSqlite, IndexesAreBuiltBeforeTheExchange) {
  std::string there;
  ASSERT_EQ(
      problem(convert([&](const std::string& step) {
        if (step == "exchange")
          there = dump(
              "SELECT name FROM sqlite_schema WHERE type = 'index' AND sql IS NOT NULL AND tbl_name LIKE "
              "'guildhall_passing_new_%' ORDER BY name");
      })),
      "");
  EXPECT_EQ(there, "guildhall_passing_index_by_points\nguildhall_passing_index_one_word\n");
}

TEST_F(OnlineWayOfSqlite, AnIndexThatSomebodyMadeOrDroppedMeanwhileIsMadeOrGone) {
  bool is_done = false;
  ASSERT_EQ(problem(convert([&](const std::string& step) {
              if (step != "exchange" || std::exchange(is_done, true)) return;
              bot_->execute("DROP INDEX by_points; CREATE UNIQUE INDEX late ON points (name DESC)");
            })),
            "");
  EXPECT_EQ(dump("SELECT name, sql FROM sqlite_schema WHERE name IN ('by_points', 'late')"),
            "late|CREATE UNIQUE INDEX late ON points (\"discord_server_id\", name DESC) \n");
  EXPECT_EQ(dump("SELECT name FROM sqlite_schema WHERE name LIKE 'guildhall_passing%'"), "");
  EXPECT_EQ(dump("PRAGMA integrity_check"), "ok\n");
}

TEST_F(OnlineWayOfSqlite, AnIndexThatSomebodyMadeInAnotherWayMeanwhileHoldsWhatItSays) {
  bool is_changed = false;
  ASSERT_EQ(problem(convert([&](const std::string& step) {
              if (step != "exchange" || std::exchange(is_changed, true)) return;
              bot_->execute("DROP INDEX by_points; CREATE INDEX by_points ON points (name)");
            })),
            "");
  EXPECT_TRUE(is_changed);
  EXPECT_THAT(dump("SELECT sql FROM sqlite_schema WHERE name = 'by_points'"), HasSubstr("name"));
  EXPECT_EQ(dump("PRAGMA integrity_check"), "ok\n");
}

TEST_F(OnlineWayOfSqlite, OldTablesAreTakenAwayInPieces) {
  std::map<std::string, int> steps;
  ASSERT_EQ(problem(convert_sqlite_online(session(), scheme_, {.description = "test"},
                                          {.batch = 1,
                                           .greatest_batch = 1,
                                           .pause = std::chrono::milliseconds(0),
                                           .at = [&](const std::string& step) { ++steps[step]; }})),
            "");
  EXPECT_EQ(steps["guildhall_passing_old_points: rows"], 5) << "56 rows, 16 at once, and then none";
  for (const char* index : {"guildhall_passing_key_1_points", "guildhall_passing_old_by_points"})
    EXPECT_EQ(steps[std::string(index) + ": drop"], 1) << "the key of the names, and by_points";
  EXPECT_EQ(dump("SELECT name FROM sqlite_sequence WHERE name LIKE 'guildhall_passing%'"), "");
  EXPECT_EQ(dump("PRAGMA integrity_check"), "ok\n");
}

// Whatever is left of them then is no damage, and nothing is wrong with the conversion.
TEST_F(OnlineWayOfSqlite, KilledWhileOldTablesAreTakenAwayTheFileIsSoundAndSaysWhatIsLeft) {
  const auto left = [&](const std::string& step) {
    const auto found = verified();
    EXPECT_EQ(findings_of(found), "") << step;
    return findings_of(found, migrate::Level::warning);
  };
  bool is_replaced = false;
  ASSERT_EQ(problem(convert([&](const std::string& step) {
              is_replaced = is_replaced || step.starts_with("guildhall_passing_old");
              if (!is_replaced || session().in_transaction()) return;
              EXPECT_EQ(dump("PRAGMA integrity_check"), "ok\n") << step;
              EXPECT_THAT(left(step), HasSubstr("CV-LEFT tables are there that were replaced already: "))
                  << step;
            })),
            "");
  EXPECT_TRUE(is_replaced);
  EXPECT_EQ(left("the end"), "");
}

TEST_F(OnlineWayOfSqlite, BatchesGrowToWhatIsCopiedInAMoment) {
  int batches = 0;
  ASSERT_EQ(problem(convert_sqlite_online(
                session(), scheme_, {.description = "test"},
                {.batch = 1,
                 .pause = std::chrono::milliseconds(0),
                 .at = [&](const std::string& step) { batches += step.ends_with(": batch") ? 1 : 0; }})),
            "");
  EXPECT_LT(batches, 150) << "of more than 200 rows, one at first";
}

TEST_F(OnlineWayOfSqlite, StoppedAtAnyStepItIsGoneOnWithAndEndsAsUndisturbed) {
  const std::string before = rows();
  int stops = 0;
  for (int steps = 0;; ++steps) {
    int left = steps;  // each run gets a step further
    try {
      read(kDescription);
      ASSERT_EQ(problem(convert([&](const std::string&) {
                  if (left-- == 0) throw Killed();
                })),
                "");
      break;
    } catch (const Killed&) {
      ASSERT_FALSE(session().in_transaction());
      ASSERT_EQ(rows(), before) << "after stop " << stops;
      ++stops;
      bot_->execute(
          "UPDATE points SET points = points + 1 WHERE name = 'user3'; "
          "UPDATE points SET points = points - 1 WHERE name = 'user3'");
    }
    ASSERT_LT(steps, 400) << "a run that is stopped again and again gets no further";
  }
  EXPECT_GT(stops, 5);
  EXPECT_EQ(rows(), before);
  EXPECT_EQ(dump("SELECT count(*) FROM guildhall_conversion"), "1\n");
  EXPECT_EQ(dump("SELECT name FROM sqlite_schema WHERE name LIKE 'guildhall_passing%'"), "");
}

// Each step alone: stop there once, then let it run.
TEST_F(OnlineWayOfSqlite, StoppedOnceAtEachStepNothingIsLost) {
  const std::string before = rows();
  for (int step = 0; step < 200; ++step) {
    test::AnyDatabase one(migrate::Dialect::sqlite);
    one.session().execute("PRAGMA synchronous=OFF");
    one.session().execute(kPoints);
    const auto run = [&](int stop) {
      read_of(one.session(), *parse_description(kDescription, "test.toml"));
      return convert_sqlite_online(one.session(), scheme_, {.description = "test"},
                                   {.batch = 20,
                                    .greatest_batch = 20,
                                    .pause = std::chrono::milliseconds(0),
                                    .at = [&](const std::string&) {
                                      if (stop-- == 0) throw Killed();
                                    }});
    };
    bool stopped = false;
    try {
      ASSERT_EQ(problem(run(step)), "");
    } catch (const Killed&) {
      stopped = true;
      ASSERT_EQ(one.session().query("PRAGMA integrity_check")[0][0], "ok") << "after a stop at step " << step;
      ASSERT_EQ(problem(run(-1)), "") << "after a stop at step " << step;
    }
    ASSERT_EQ(one.session().query("SELECT count(*) FROM points")[0][0], "56");
    ASSERT_EQ(
        one.session().query("SELECT count(*) FROM sqlite_schema WHERE name LIKE 'guildhall_passing%'")[0][0],
        "0")
        << "after a stop at step " << step;
    if (!stopped) {
      EXPECT_GT(step, 30);
      return;
    }
  }
  FAIL() << "there is no end of steps";
}

// Whoever drops the triggers has a successor that misses rows: it is not gone on with.
TEST_F(OnlineWayOfSqlite, ASuccessorWhoseTriggersAreGoneIsBegunAnew) {
  int left = 8;
  try {
    convert([&](const std::string&) {
      if (left-- == 0) throw Killed();
    });
    FAIL() << "was to be stopped";
  } catch (const Killed&) {
  }
  const auto triggers =
      session().query("SELECT name FROM sqlite_schema WHERE name LIKE 'guildhall_passing_insert%'");
  ASSERT_FALSE(triggers.empty());
  for (const auto& row : triggers) execute("DROP TRIGGER " + row[0]);
  bot_->execute("INSERT INTO points(name) VALUES ('unseen'); INSERT INTO plain VALUES ('unseen')");
  read(kDescription);
  ASSERT_EQ(problem(convert()), "");
  EXPECT_EQ(dump("SELECT count(*) FROM points WHERE name = 'unseen'"), "1\n");
}

TEST_F(OnlineWayOfSqlite, ACopyThatSomebodyChangedIsNotExchanged) {
  const std::string before = rows();
  const auto report = convert([&](const std::string& step) {
    if (step == "exchange") bot_->execute("DELETE FROM guildhall_passing_new_points WHERE id = 3");
  });
  EXPECT_THAT(problem(report), HasSubstr("CV-SHADOW: the copy of points"));
  EXPECT_EQ(rows(), before);
  EXPECT_EQ(dump("SELECT name FROM sqlite_schema WHERE name LIKE 'guildhall_passing%'"), "");
  EXPECT_EQ(dump("SELECT count(*) FROM sqlite_schema WHERE name = 'servers'"), "0\n");
  read(kDescription);
  ASSERT_EQ(problem(convert()), "");
}

TEST_F(OnlineWayOfSqlite, TheOldProgramWithForeignKeysOnWritesThroughout) {
  int writes = 0;
  ASSERT_EQ(problem(convert([&](const std::string& step) {
              if (may_write(step))
                bot_->execute("INSERT INTO points(name) VALUES ('w" + std::to_string(++writes) + "')");
            })),
            "");
  EXPECT_GT(writes, 10);
}

TEST_F(OnlineWayOfSqlite, TheSecondTimeThereIsNothingToDo) {
  ASSERT_EQ(problem(convert()), "");
  read(kDescription);
  const auto again = convert();
  ASSERT_EQ(problem(again), "");
  EXPECT_TRUE(again->was_done);
}

}  // namespace
}  // namespace guildhall::convert
