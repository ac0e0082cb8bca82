#include "store/sqlite/sqlite_database.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "bot/ledger.h"
#include "store/sqlite/connection.h"
#include "tests/support/full_disk.h"
#include "tests/support/test_world.h"

namespace guildhall::store {
namespace {

struct NameParams {
  std::string name;
};
BOOST_DESCRIBE_STRUCT(NameParams, (), (name))
struct PersonRow {
  PersonId person_id;
  std::string display_name;
};
BOOST_DESCRIBE_STRUCT(PersonRow, (), (person_id, display_name))

TEST(SqliteDatabase, AnswersAfterTheCommit) {
  test::TestWorld world(Layout::sqlite);
  const auto person =
      world.in(7, [&](Tx& tx) { return bot::person_of(tx, {"kick", "1", "Nightowl"}, world.clock.now()); });
  EXPECT_EQ(person.value(), 1);
  EXPECT_EQ(world.dump("SELECT discord_server_id, person_id, display_name FROM persons"), "7|1|Nightowl\n");
}

TEST(SqliteDatabase, ABodyThatThrowsLeavesNothing) {
  test::TestWorld world(Layout::sqlite);
  EXPECT_THROW(world.in(7,
                        [&](Tx& tx) -> TxTask<void> {
                          co_await bot::person_of(tx, {"kick", "1", "Nightowl"}, world.clock.now());
                          throw std::runtime_error("after the insert");
                        }),
               std::runtime_error);
  EXPECT_EQ(world.dump("SELECT count(*) FROM persons"), "0\n");
}

TEST(SqliteDatabase, AFailingBodyDoesNotTakeItsGroupWithIt) {
  test::TestWorld world(Layout::sqlite);
  const auto scope = world.server(7);
  constexpr int kBodies = 100;
  int failed = 0;
  boost::asio::io_context loop;
  for (int i = 0; i < kBodies; ++i) {
    auto body = [&world, i](Tx& tx) -> TxTask<void> {
      co_await bot::person_of(tx, {"kick", std::to_string(i), "viewer"}, world.clock.now());
      if (i % 10 == 3) throw std::runtime_error("every tenth");
    };
    boost::asio::co_spawn(loop, scope.transact(body),
                          [&](std::exception_ptr error) { failed += error ? 1 : 0; });
  }
  loop.run();
  EXPECT_EQ(failed, kBodies / 10);
  EXPECT_EQ(world.dump("SELECT count(*) FROM persons"), "90\n");
}

/// Of both layouts: nothing is written and whoever asked is told why; reading goes on; then it is as before.
TEST(SqliteDatabase, AFullDiskRefusesWhatWritesAndNothingElse) {
  for (const Layout layout : {Layout::sqlite, Layout::sqlite_per_server}) {
    test::TestWorld world(layout);
    const auto scope = world.server(7);
    const auto write = [&](std::string viewer) {
      return world.in(scope, [&world, viewer](Tx& tx) {
        return bot::person_of(tx, {"kick", viewer, "viewer"}, world.clock.now());
      });
    };
    EXPECT_EQ(write("1").value(), 1);
    {
      const test::FullDisk full;
      std::optional<DbCode> code;
      try {
        write("2");
      } catch (const DatabaseError& error) {
        code = error.code();
      }
      const auto total = net::run_to_end(scope.read([](Tx& tx) -> TxTask<std::int64_t> {
        co_return (co_await bot::balance_of(tx, bot::kPoints, PersonId(1))).balance;
      }));
      EXPECT_EQ(code, DbCode::full);
      EXPECT_EQ(total, 0);
    }
    EXPECT_EQ(world.metrics
                  .counter("guildhall_db_full_total",
                           "Units of work that were refused because the disk of the database is full.")
                  .value(),
              1);
    EXPECT_EQ(write("3").value(), 2) << "of the refused one nothing remains";
  }
}

/// What waits together on a full disk is refused together, and the writer goes on.
TEST(SqliteDatabase, AGroupOnAFullDiskIsRefusedAsAWhole) {
  test::TestWorld world(Layout::sqlite);
  const auto scope = world.server(7);
  int refused = 0;
  const auto write_many = [&] {
    boost::asio::io_context loop;
    for (int i = 0; i < 50; ++i) {
      auto body = [&world, i](Tx& tx) -> TxTask<void> {
        co_await bot::person_of(tx, {"kick", std::to_string(i), "viewer"}, world.clock.now());
      };
      boost::asio::co_spawn(loop, scope.transact(body),
                            [&](std::exception_ptr error) { refused += error ? 1 : 0; });
    }
    loop.run();
  };
  {
    const test::FullDisk full;
    write_many();
  }
  EXPECT_EQ(refused, 50);
  EXPECT_EQ(world.dump("SELECT count(*) FROM persons"), "0\n");
  write_many();
  EXPECT_EQ(refused, 50);
  EXPECT_EQ(world.dump("SELECT count(*) FROM persons"), "50\n");
}

TEST(SqliteDatabase, RunsBodiesInTheOrderOfSubmission) {
  test::TestWorld world(Layout::sqlite);
  const auto scope = world.server(7);
  boost::asio::io_context loop;
  std::vector<std::int64_t> persons(50);
  for (std::size_t i = 0; i < persons.size(); ++i) {
    auto body = [&world, i](Tx& tx) {
      return bot::person_of(tx, {"kick", std::to_string(i), "viewer"}, world.clock.now());
    };
    boost::asio::co_spawn(loop, scope.transact(body),
                          [&, i](std::exception_ptr, PersonId id) { persons[i] = id.value(); });
  }
  loop.run();
  for (std::size_t i = 0; i < persons.size(); ++i) EXPECT_EQ(persons[i], static_cast<std::int64_t>(i) + 1);
}

TEST(SqliteDatabase, AReaderCannotWrite) {
  test::TestWorld world(Layout::sqlite);
  const auto scope = world.server(7);
  auto write = [&](Tx& tx) { return bot::person_of(tx, {"kick", "1", "Nightowl"}, world.clock.now()); };
  try {
    net::run_to_end(scope.read(write));
    FAIL() << "the reader wrote";
  } catch (const DatabaseError& error) {
    EXPECT_EQ(error.code(), DbCode::read_only);
  }
}

TEST(SqliteDatabase, ConstraintsAreOneEnum) {
  test::TestWorld world(Layout::sqlite);
  sqlite::Connection connection(world.database_file(), sqlite::Role::schema);
  const auto code_of = [&](const char* sql) {
    try {
      connection.execute(sql);
    } catch (const DatabaseError& error) {
      return error.code();
    }
    return DbCode::other;
  };
  connection.execute("INSERT INTO servers VALUES (1, 'a', 'active', 0, NULL, 1)");
  EXPECT_EQ(code_of("INSERT INTO servers VALUES (1, 'a', 'active', 0, NULL, 1)"), DbCode::unique);
  EXPECT_EQ(code_of("INSERT INTO servers VALUES (0, 'a', 'active', 0, NULL, 1)"), DbCode::check);
  EXPECT_EQ(code_of("INSERT INTO servers VALUES (2, NULL, 'active', 0, NULL, 1)"), DbCode::not_null);
  EXPECT_EQ(code_of("INSERT INTO settings VALUES (9, 'a', 'b', 0)"), DbCode::foreign_key);
}

TEST(SqliteDatabase, WaitsForAnotherProcessThatWrites) {
  test::TestWorld world(Layout::sqlite);
  const auto scope = world.server(7);
  world.touch(7);
  sqlite::Connection other(world.file_of(7), sqlite::Role::schema);
  other.execute("BEGIN IMMEDIATE");
  boost::asio::io_context loop;
  std::exception_ptr error;
  auto body = [&](Tx& tx) -> TxTask<void> {
    co_await bot::person_of(tx, {"kick", "1", "Nightowl"}, world.clock.now());
  };
  boost::asio::co_spawn(loop, scope.transact(body), [&](std::exception_ptr e) { error = e; });
  std::jthread release([&] {
    std::this_thread::sleep_for(std::chrono::milliseconds(200));
    other.execute("COMMIT");
  });
  loop.run();
  EXPECT_FALSE(error);
  release.join();
  EXPECT_EQ(world.dump("SELECT count(*) FROM persons"), "1\n");
}

TEST(SqliteDatabase, NoticesOtherProcessesAndNotItself) {
  test::TestWorld world(Layout::sqlite);
  const auto global = world.tenancy->global();
  world.in(7, [&](Tx& tx) { return bot::person_of(tx, {"kick", "1", "Nightowl"}, world.clock.now()); });
  EXPECT_FALSE(net::run_to_end(global.changed_elsewhere()));
  sqlite::Connection other(world.database_file(), sqlite::Role::schema);
  other.execute("UPDATE servers SET revision = revision + 1");
  EXPECT_TRUE(net::run_to_end(global.changed_elsewhere()));
  EXPECT_FALSE(net::run_to_end(global.changed_elsewhere()));
}

TEST(SqliteDatabase, NoticesOtherProcessesThatWroteBeforeItsOwnLastWork) {
  test::TestWorld world(Layout::sqlite);
  const auto global = world.tenancy->global();
  world.in(7, [&](Tx& tx) { return bot::person_of(tx, {"kick", "1", "Nightowl"}, world.clock.now()); });
  EXPECT_FALSE(net::run_to_end(global.changed_elsewhere()));
  sqlite::Connection other(world.database_file(), sqlite::Role::schema);
  other.execute("UPDATE servers SET revision = revision + 1");
  world.in(7, [&](Tx& tx) { return bot::person_of(tx, {"kick", "2", "Nightowl"}, world.clock.now()); });
  EXPECT_TRUE(net::run_to_end(global.changed_elsewhere()));
  EXPECT_FALSE(net::run_to_end(global.changed_elsewhere()));
}

TEST(SqliteDatabase, RunningConnectionsCannotChangeTheSchemaOrReachOtherFiles) {
  test::TestWorld world(Layout::sqlite);
  for (const auto role : {sqlite::Role::writer, sqlite::Role::reader}) {
    sqlite::Connection connection(world.database_file(), role);
    for (const char* sql :
         {"CREATE TABLE x (a)", "DROP TABLE persons", "ATTACH 'other.db' AS other",
          "PRAGMA writable_schema=ON", "CREATE TEMP TABLE x (a)", "CREATE VIEW v AS SELECT 1"}) {
      EXPECT_THROW(connection.execute(sql), DatabaseError) << sql;
    }
  }
}

/// A statement without an end holds up nobody for ever, and leaves the connection as it was.
TEST(SqliteDatabase, AStatementThatRunsTooLongIsEnded) {
  test::TestWorld world(Layout::sqlite);
  sqlite::Connection connection(world.database_file(), sqlite::Role::reader);
  connection.limit_statements(std::chrono::milliseconds(20));
  try {
    connection.query(
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n");
    FAIL() << "it ended";
  } catch (const DatabaseError& error) {
    EXPECT_EQ(error.code(), DbCode::timed_out);
  }
  EXPECT_EQ(connection.query("SELECT count(*) FROM persons").at(0).at(0), "0");
}

TEST(SqliteDatabase, AnUnregisteredStatementIsAFault) {
  test::TestWorld world(Layout::sqlite);
  static constexpr Statement<NoParams, PersonRow> kStray{
      "test.stray", "SELECT person_id, display_name FROM persons WHERE discord_server_id = :server"};
  EXPECT_THROW(
      world.in(7, [](Tx& tx) -> TxTask<std::vector<PersonRow>> { co_return co_await tx.all(kStray); }),
      std::logic_error);
}

}  // namespace
}  // namespace guildhall::store
