#include "store/sqlite/per_server_database.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <filesystem>
#include <fstream>
#include <map>

#include "bot/ledger.h"
#include "migrate/migrate.h"
#include "migrate/run.h"
#include "migrate/verify.h"
#include "store/schema_session.h"
#include "store/server_file.h"
#include "tenancy/counters.h"
#include "tests/support/test_world.h"

namespace guildhall::store {
namespace {

namespace fs = std::filesystem;
using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

constexpr std::string_view kReason = "a test";

struct ServerRow {
  ServerId discord_server_id;
};
BOOST_DESCRIBE_STRUCT(ServerRow, (), (discord_server_id))
struct DefaultRow {
  std::string value;
};
BOOST_DESCRIBE_STRUCT(DefaultRow, (), (value))
struct NameRow {
  std::string name;
  std::string state;
};
BOOST_DESCRIBE_STRUCT(NameRow, (), (name, state))

constexpr CrossServerStatement<NoParams, ServerRow> kWhoCounts{
    "test.who_counts", kReason, "SELECT discord_server_id FROM counters WHERE kind = 'person'"};
constexpr CrossServerStatement<NoParams, NoRow> kCountOn{"test.count_on", kReason,
                                                         "UPDATE counters SET last = last + 100"};
constexpr CrossServerStatement<NoParams, ServerRow> kJobs{"test.jobs", kReason,
                                                          "SELECT discord_server_id FROM jobs"};
constexpr Statement<NoParams, DefaultRow> kDefault{
    "test.default", "SELECT value FROM setting_defaults WHERE key = 'points_per_5min'"};
constexpr Statement<NoParams, NameRow> kName{
    "test.name", "SELECT name, state FROM servers WHERE discord_server_id = :server"};

class PerServer : public testing::Test {
 protected:
  PerServer() {
    world_.declarations.statements.add("test", kWhoCounts, kCountOn, kJobs, kDefault, kName);
    world_.reopen();
  }

  static TxTask<PersonId> person(Tx& tx, TimePoint now, std::string id = "1") {
    return bot::person_of(tx, {"kick", id, "Viewer" + id}, now);
  }
  /// Some work that leaves a row.
  void work(std::int64_t server, std::string id = "1") {
    world_.in(server, [&](Tx& tx) { return person(tx, world_.clock.now(), id); });
  }
  /// What the work is refused with; "" when it is not.
  std::string refusal(std::int64_t server) {
    try {
      work(server);
      return "";
    } catch (const DatabaseError& error) {
      return error.what();
    }
  }
  std::string file(std::int64_t server) const { return world_.file_of(server); }
  std::string in_file(std::int64_t server, const std::string& sql) const {
    return text_of(**open_server_session(world_.place(), ServerId(server)), sql);
  }
  std::string in_directory(const std::string& sql) const {
    return text_of(**open_schema_session(world_.place()), sql);
  }
  static std::string text_of(SchemaSession& session, const std::string& sql) {
    std::string text;
    for (const auto& row : session.query(sql)) text += fmt::format("{};", fmt::join(row, "|"));
    return text;
  }
  void set_default(tenancy::Tenancy& tenancy, std::string value) {
    net::run_to_end(tenancy.global().transact([&](GlobalTx& tx) {
      return bot::change_default(tx, world_.declarations.settings, "points_per_5min", value,
                                 {"operator", "command_line"}, world_.clock.now());
    }));
  }
  std::vector<ServerId> who_counts(ServerRange range, Mode mode = Mode::write) {
    const auto body = [](CrossTx& tx) -> TxTask<std::vector<ServerRow>> {
      co_return co_await tx.all(kWhoCounts);
    };
    const auto door = world_.tenancy->door();
    const auto now = world_.clock.now();
    const auto rows = mode == Mode::write ? net::run_to_end(door.transact("test", now, range, body))
                                          : net::run_to_end(door.read("test", now, range, body));
    std::vector<ServerId> servers;
    for (const ServerRow& row : rows) servers.push_back(row.discord_server_id);
    return servers;
  }
  std::vector<std::string> files() const {
    std::vector<std::string> names;
    for (const auto& entry : fs::directory_iterator(fs::path(file(1)).parent_path()))
      names.push_back(entry.path().filename().string());
    std::ranges::sort(names);
    return names;
  }

  test::TestWorld world_{Layout::sqlite_per_server};
};

TEST_F(PerServer, RowsLieInTheirServersFileAndNowhereElse) {
  work(7);
  work(-5, "2");
  EXPECT_EQ(in_file(7, "SELECT discord_server_id, display_name FROM persons"), "7|Viewer1;");
  EXPECT_EQ(in_file(-5, "SELECT discord_server_id, display_name FROM persons"), "-5|Viewer2;");
  EXPECT_EQ(in_file(7, "SELECT discord_server_id FROM servers"), "7;");
  EXPECT_EQ(in_directory("SELECT count(*) FROM persons"), "0;");
  EXPECT_EQ(in_directory("SELECT discord_server_id FROM servers"), "-5;7;");
  EXPECT_EQ(world_.dump("SELECT discord_server_id FROM persons"), "-5\n7\n");
}

TEST_F(PerServer, AServerHasAFileFromItsFirstWorkOn) {
  world_.server(7);
  EXPECT_THAT(files(), IsEmpty());
  work(7);
  world_.tenancy.reset();
  EXPECT_THAT(files(), ElementsAre("7.db"));
}

TEST_F(PerServer, ReadingMakesTheFileToo) {
  const auto scope = world_.server(7);
  EXPECT_EQ(net::run_to_end(scope.all(kName)).at(0).name, "Server 7");
}

TEST_F(PerServer, AServerThatTheDirectoryDoesNotKnowHasNoFile) {
  world_.server(7);
  world_.execute("DELETE FROM servers");
  EXPECT_THAT(refusal(7), AllOf(HasSubstr("there is no server 7 in"), HasSubstr("directory.db")));
  EXPECT_THAT(files(), IsEmpty());
}

/// One row of a sealed table, valid but for the server.
std::string row_of(sqlite::Connection& file, const std::string& table, std::int64_t server) {
  const std::map<std::string, std::string> values{
      {"servers.state", "'active'"},       {"identities.platform", "'kick'"},
      {"balances.total_debited", "0"},     {"watch_conditions.kind", "'live'"},
      {"watch_spans.until_us", "2"},       {"role_changes.wanted", "'add'"},
      {"role_changes.reason", "'linked'"}, {"role_grants.reason", "'linked'"},
      {"link_moves.state", "'open'"},
  };
  std::vector<std::string> row;
  for (const auto& column : file.query("SELECT name, type FROM pragma_table_info($1)", {table})) {
    const auto known = values.find(table + "." + column[0]);
    row.push_back(column[0] == kTenantColumn ? std::to_string(server)
                  : known != values.end()    ? known->second
                  : column[1] == "TEXT"      ? "'x'"
                                             : "1");
  }
  return fmt::format("INTO {} VALUES ({})", table, fmt::join(row, ", "));
}

/// The row goes in with the file's own id, and with another does not.
void expect_pinned(const std::string& name, const std::string& table, std::int64_t server) {
  sqlite::Connection file(name, sqlite::Role::schema);
  file.execute("PRAGMA foreign_keys=OFF");  // the pin alone
  const auto refused = [&](const std::string& sql) -> std::string {
    try {
      file.execute(sql.c_str());
      return "not at all";
    } catch (const DatabaseError& error) {
      return error.code() == DbCode::check ? error.what() : "otherwise";
    }
  };
  const std::string pin = fmt::format("discord_server_id = {}", server);
  file.execute("BEGIN");
  file.execute(("INSERT OR IGNORE " + row_of(file, table, server)).c_str());
  const std::string count = fmt::format("SELECT count(*) FROM {}", table);
  EXPECT_EQ(file.query(count).at(0).at(0), "1") << table << ": its own row";
  EXPECT_THAT(refused("INSERT " + row_of(file, table, 99)), HasSubstr(pin)) << table;
  EXPECT_THAT(refused("REPLACE " + row_of(file, table, -99)), HasSubstr(pin)) << table;
  EXPECT_THAT(refused(fmt::format("UPDATE {} SET discord_server_id = 99", table)), HasSubstr(pin)) << table;
  file.execute("ROLLBACK");
}

TEST_F(PerServer, EverySealedTableRefusesAForeignServer) {
  for (const std::int64_t server : {std::int64_t{7}, std::int64_t{-8'000'000'000'000'000'000}}) {
    world_.touch(server);
    int tables = 0;
    for (const auto& [name, spec] : world_.declarations.tables.all()) {
      if (spec.table_class == tenancy::TableClass::global) continue;
      expect_pinned(file(server), name, server);
      ++tables;
    }
    EXPECT_GE(tables, 19);
  }
}

/// A later version's migrations, which make a table and make another anew.
TEST_F(PerServer, WhatAMigrationMakesIsPinnedToo) {
  work(7);
  const std::string pets =
      "CREATE TABLE IF NOT EXISTS pets (discord_server_id INTEGER NOT NULL REFERENCES servers, "
      "name TEXT NOT NULL, PRIMARY KEY (discord_server_id, name)) STRICT, WITHOUT ROWID; ";
  world_.declarations.tables.add({"pets", tenancy::TableClass::tenant, "test"});
  world_.execute(pets);
  FileOptions later{world_.file_preparation()};
  later.prepare = [first = later.prepare, pets](SchemaSession& session) -> Result<void> {
    if (auto prepared = first(session); !prepared) return prepared;
    session.execute(
        pets +
        "DROP TABLE settings; "
        "CREATE TABLE settings (discord_server_id INTEGER NOT NULL REFERENCES servers, key TEXT NOT NULL, "
        "value TEXT NOT NULL, updated_at INTEGER NOT NULL, PRIMARY KEY (discord_server_id, key)) STRICT");
    return {};
  };
  world_.reopen(later);
  work(7);
  expect_pinned(file(7), "pets", 7);
  expect_pinned(file(7), "settings", 7);
}

TEST_F(PerServer, WhatTheToolMakesIsPinnedBeforeAnyBotOpensTheFile) {
  work(7);
  work(-8);  // of a streamer without Discord
  const std::string directory = world_.database_file();
  const std::string key = "discord_server_id INTEGER NOT NULL REFERENCES servers, name TEXT NOT NULL";
  std::vector<EmbeddedFile> files(migrate::embedded_files().begin(), migrate::embedded_files().end());
  const std::string pets =
      fmt::format("CREATE TABLE pets ({}, PRIMARY KEY (discord_server_id, name)) STRICT;", key);
  const std::string toys = fmt::format(
      "-- guildhall: transaction=none\nCREATE TABLE toys ({}, PRIMARY KEY (discord_server_id, name)) STRICT;",
      key);
  files.push_back({"0901_pets.sqlite.sql", pets});
  files.push_back({"0902_toys.sqlite.sql", toys});
  const auto set = migrate::read_migrations(files, "the test's", migrate::Dialect::sqlite);
  for (const std::string& one : {file(7), file(-8), directory}) {
    const auto target = migrate::own_file(one, directory);
    const auto report = migrate::up(target, set, {});
    ASSERT_FALSE(report.failed) << report.failed->finding.text;
    EXPECT_EQ(report.applied.size(), 2U);
    const auto findings = migrate::verify_database(target, set, {.schema = true});
    ASSERT_TRUE(findings);
    EXPECT_THAT(*findings, IsEmpty()) << "the pins are no part of what a migration makes";
  }
  for (const std::int64_t server : {7, -8}) {
    expect_pinned(file(server), "pets", server);
    expect_pinned(file(server), "toys", server);
  }
  sqlite::Connection shared(directory, sqlite::Role::schema);
  EXPECT_THAT(shared.query("SELECT name FROM pragma_table_xinfo('pets') WHERE name = 'file_server'"),
              IsEmpty())
      << "what belongs to no server's file";
}

TEST_F(PerServer, AFileUnderAnotherServersNameIsRefused) {
  for (const std::int64_t server : {7, 8, 9}) work(server);
  world_.tenancy.reset();
  fs::rename(file(7), file(8));
  fs::copy_file(world_.database_file(), file(7));
  world_.reopen();
  EXPECT_THAT(refusal(8),
              AllOf(HasSubstr("8.db' bears the name of server 8 and is marked as that of server 7")));
  EXPECT_THAT(refusal(7), HasSubstr("7.db' has no marker"));
  EXPECT_EQ(refusal(9), "");
}

TEST_F(PerServer, AFileThatWasExchangedMeanwhileIsRefusedAtItsNextOpening) {
  world_.reopen({world_.file_preparation(), 4});  // one for each writer
  for (std::int64_t server = 1; server <= 20; ++server) work(server);
  fs::copy_file(file(1), file(2), fs::copy_options::overwrite_existing);
  for (std::int64_t server = 3; server <= 20; ++server) work(server);
  EXPECT_THAT(refusal(2), HasSubstr("is marked as that of server 1"));
}

TEST_F(PerServer, ADirectoryThatHoldsServersRowsIsRefused) {
  work(7);
  world_.tenancy.reset();
  world_.execute("INSERT INTO settings VALUES (7, 'a', 'b', 0)");
  try {
    world_.reopen();
    FAIL() << "it opened";
  } catch (const ErrorException& refused) {
    EXPECT_THAT(refused.error().message, AllOf(HasSubstr("directory.db"), HasSubstr("table 'settings'")));
  }
  fs::copy_file(file(7), world_.database_file(), fs::copy_options::overwrite_existing);
  try {
    world_.reopen();
    FAIL() << "it opened";
  } catch (const ErrorException& refused) {
    EXPECT_THAT(refused.error().message, HasSubstr("is the file of one server"));
  }
}

TEST_F(PerServer, TwoProcessesAtOnceMakeOneFile) {
  const auto other = world_.beside();
  for (std::int64_t server = 1; server <= 8; ++server) world_.server(server);
  net::run_to_end(other->servers().load());
  boost::asio::io_context loop;
  int failed = 0;
  for (std::int64_t server = 1; server <= 8; ++server) {
    int next = 0;
    for (auto* tenancy : {world_.tenancy.get(), other.get()}) {
      const auto scope = *tenancy->scopes().for_operator(ServerId(server));
      const auto body = [this, id = std::to_string(++next)](Tx& tx) -> TxTask<void> {
        co_await person(tx, world_.clock.now(), id);
      };
      const auto count = [&](std::exception_ptr error) { failed += error ? 1 : 0; };
      boost::asio::co_spawn(loop, scope.transact(body), count);
      boost::asio::co_spawn(loop, scope.all(kName),
                            [&](std::exception_ptr error, const auto&) { failed += error ? 1 : 0; });
    }
  }
  loop.run();
  EXPECT_EQ(failed, 0);
  EXPECT_EQ(world_.dump("SELECT count(*), count(DISTINCT discord_server_id) FROM persons"), "16|8\n");
}

TEST_F(PerServer, WhatACrashLeftHalfMadeIsMadeAnew) {
  for (const char* end : {".new", ".new-wal", ".new-shm"})
    std::ofstream(file(7) + end) << "half of something";
  work(7);
  world_.tenancy.reset();
  EXPECT_THAT(files(), ElementsAre("7.db"));
}

TEST_F(PerServer, AFailedCreationLeavesNothingAndIsTriedAgain) {
  bool works = false;
  FileOptions options{world_.file_preparation()};
  options.prepare = [&works, prepare = options.prepare](SchemaSession& session) -> Result<void> {
    if (auto prepared = prepare(session); !prepared || works) return prepared;
    return fail(ErrorCode::storage, "the power went off");
  };
  world_.reopen(options);
  EXPECT_EQ(refusal(7), "the power went off");
  EXPECT_THAT(files(), IsEmpty());
  works = true;
  EXPECT_EQ(refusal(7), "");
}

TEST_F(PerServer, ADamagedFileConcernsOneServer) {
  work(7);
  work(8);
  world_.tenancy.reset();
  std::ofstream(file(7)) << "this is no database, however long it may be";
  world_.reopen();
  EXPECT_THAT(refusal(7), AllOf(HasSubstr("7.db' is damaged"), HasSubstr(".recover")));
  EXPECT_EQ(refusal(8), "");
}

/// What was in it must not be replaced by nothing in silence.
TEST_F(PerServer, AFileThatVanishedIsNotMadeAnew) {
  work(7);
  work(8);
  world_.tenancy.reset();
  const std::string kept = file(7) + ".kept";
  fs::rename(file(7), kept);
  world_.reopen();
  EXPECT_THAT(refusal(7), AllOf(HasSubstr("7.db' is gone"), HasSubstr("guildhall server begin-anew 7")));
  EXPECT_EQ(refusal(8), "");
  EXPECT_THAT(vanished_files(**open_schema_session(world_.place()), world_.place()),
              ElementsAre(ServerId(7)));
  world_.tenancy.reset();
  EXPECT_THAT(files(), ElementsAre("7.db.kept", "8.db"));
  fs::rename(kept, file(7));
  world_.reopen();
  EXPECT_EQ(refusal(7), "");
}

TEST_F(PerServer, AFileThatIsGivenUpIsMadeAnew) {
  work(7);
  const auto homes = world_.declarations.tables.homes();
  EXPECT_THAT(give_up_server_file(world_.place(), homes, ServerId(7)).error().message, HasSubstr("is there"));
  world_.tenancy.reset();
  fs::remove(file(7));
  world_.reopen();
  ASSERT_TRUE(give_up_server_file(world_.place(), homes, ServerId(7)));
  work(7, "2");
  EXPECT_EQ(in_file(7, "SELECT display_name FROM persons"), "Viewer2;");
}

TEST_F(PerServer, AServerThatWasErasedAndComesAnewHasANewFile) {
  work(7);
  world_.tenancy.reset();
  fs::remove(file(7));
  world_.execute("DELETE FROM servers");  // as if it had ended before the file was forgotten
  world_.clock.advance(std::chrono::seconds(1));
  world_.reopen();
  work(7, "2");
  EXPECT_EQ(in_file(7, "SELECT display_name FROM persons"), "Viewer2;");
}

TEST_F(PerServer, DamageThatIsMetOnTheWayNamesTheFile) {
  work(7);
  world_.tenancy.reset();
  {  // the root page of a table: what is read first of the file is whole
    sqlite::Connection connection(file(7), sqlite::Role::schema);
    const auto page =
        std::stoll(connection.query("SELECT rootpage FROM sqlite_schema WHERE name = 'persons'").at(0).at(0));
    connection.execute("PRAGMA writable_schema=ON");
    connection.execute(
        fmt::format("UPDATE sqlite_schema SET rootpage = {} WHERE name = 'identities'", page).c_str());
  }
  world_.reopen({[](SchemaSession&) -> Result<void> { return {}; }});
  const std::string said = refusal(7);
  EXPECT_THAT(said, HasSubstr("7.db' is damaged"));
}

TEST_F(PerServer, AFileOfANewerVersionRefusesThatServerOnly) {
  work(7);
  world_.execute(
      "INSERT INTO migration_journal (name, direction, state, checksum, started_at, applied_by, "
      "tool_version) "
      "VALUES ('9999_later', 'up', 'applied', 'x', 0, 'x', 'x')",
      7);
  world_.reopen();
  EXPECT_THAT(refusal(7), AllOf(HasSubstr("7.db"), HasSubstr("newer than this program")));
  EXPECT_EQ(refusal(8), "");
}

std::size_t entries(const char* folder) {
  return static_cast<std::size_t>(std::distance(fs::directory_iterator(folder), fs::directory_iterator()));
}

/// A small schema: there are many files to make.
Result<void> few_tables(SchemaSession& session) {
  if (!session.query("SELECT 1 FROM sqlite_schema WHERE name = 'servers'").empty()) return {};
  session.execute(
      "CREATE TABLE servers (discord_server_id INTEGER PRIMARY KEY NOT NULL, name TEXT NOT NULL, "
      "state TEXT NOT NULL, joined_at INTEGER NOT NULL, left_at INTEGER, revision INTEGER NOT NULL) STRICT; "
      "CREATE TABLE counters (discord_server_id INTEGER NOT NULL REFERENCES servers, kind TEXT NOT NULL, "
      "last INTEGER NOT NULL, PRIMARY KEY (discord_server_id, kind)) STRICT, WITHOUT ROWID; "
      "CREATE TABLE setting_defaults (key TEXT PRIMARY KEY, value TEXT NOT NULL, updated_at INTEGER NOT "
      "NULL) "
      "STRICT, WITHOUT ROWID");
  return {};
}

class ManyServers : public PerServer {
 protected:
  static constexpr std::int64_t kServers = 1'000;

  ManyServers() {
    world_.tenancy.reset();
    world_.execute(
        fmt::format("WITH RECURSIVE s(s) AS (SELECT 1 UNION ALL SELECT s + 1 FROM s WHERE s < {}) "
                    "INSERT INTO servers SELECT s, 'S', 'active', 0, NULL, 1 FROM s",
                    kServers));
  }

  /// A thousand whole schemas would take their time; here it is about files.
  void reopen_without_catalog_gate(FileOptions files) {
    tenancy::OpenOptions options;
    options.files = std::move(files);
    options.looks_at_catalog = false;
    world_.reopen_with(std::move(options));
  }

  /// Work of all servers at once, written and read.
  void work_of_all() {
    boost::asio::io_context loop;
    int failed = 0;
    for (std::int64_t server = 1; server <= kServers; ++server) {
      const auto scope = *world_.tenancy->scopes().for_operator(ServerId(server));
      const auto body = [](Tx& tx) -> TxTask<void> { co_await tenancy::next_number(tx, "person"); };
      boost::asio::co_spawn(loop, scope.transact(body),
                            [&](std::exception_ptr error) { failed += error ? 1 : 0; });
      boost::asio::co_spawn(loop, scope.all(kName),
                            [&](std::exception_ptr error, const auto&) { failed += error ? 1 : 0; });
    }
    loop.run();
    EXPECT_EQ(failed, 0);
  }
};

TEST_F(ManyServers, NeedFewThreadsAndBoundedDescriptors) {
  const std::size_t threads = entries("/proc/self/task");
  const std::size_t descriptors = entries("/proc/self/fd");
  reopen_without_catalog_gate({few_tables});
  EXPECT_EQ(entries("/proc/self/task"), threads + PerServerDatabase::kWriters + PerServerDatabase::kReaders);
  work_of_all();
  EXPECT_EQ(entries("/proc/self/task"), threads + PerServerDatabase::kWriters + PerServerDatabase::kReaders);
  const auto limits =
      *sqlite::HandleLimits::of_process(0, PerServerDatabase::kWriters, PerServerDatabase::kReaders);
  EXPECT_LE(entries("/proc/self/fd"), descriptors + limits.descriptors);
  EXPECT_THAT(world_.metrics.text(), testing::ContainsRegex("guildhall_db_open_files 1[01]"));

  reopen_without_catalog_gate({few_tables, 64});
  work_of_all();
  const auto few =
      *sqlite::HandleLimits::of_process(64, PerServerDatabase::kWriters, PerServerDatabase::kReaders);
  EXPECT_EQ(few.per_writer * PerServerDatabase::kWriters, 64U);
  EXPECT_LE(entries("/proc/self/fd"), descriptors + few.descriptors);
  EXPECT_EQ(who_counts(tenancy::kAllServers).size(), static_cast<std::size_t>(kServers));
  EXPECT_EQ(in_file(500, "SELECT last FROM counters"), "2;");
}

TEST_F(PerServer, FilesThatWereClosedForOthersKeepTheirRows) {
  world_.reopen({world_.file_preparation(), 4});
  for (int round = 0; round < 3; ++round) {
    for (std::int64_t server = 1; server <= 12; ++server) work(server, std::to_string(round));
  }
  EXPECT_EQ(
      world_.dump("SELECT DISTINCT n FROM (SELECT count(*) AS n FROM persons GROUP BY discord_server_id)"),
      "3\n");
  EXPECT_EQ(world_.dump("SELECT count(*) FROM persons"), "36\n");
}

TEST_F(PerServer, AServersWorkSeesTheOperatorsDefaultsOfNow) {
  work(7);
  const auto scope = world_.server(7);
  const auto written = [&] {
    return world_.in(7,
                     [](Tx& tx) -> TxTask<std::vector<DefaultRow>> { co_return co_await tx.all(kDefault); });
  };
  EXPECT_THAT(written(), IsEmpty());
  EXPECT_THAT(net::run_to_end(scope.all(kDefault)), IsEmpty());
  set_default(*world_.tenancy, "3");
  EXPECT_EQ(written().at(0).value, "3");
  set_default(*world_.tenancy, "4");
  EXPECT_EQ(net::run_to_end(scope.all(kDefault)).at(0).value, "4") << "beside the writer";
  const auto other = world_.beside();
  set_default(*other, "5");
  EXPECT_EQ(written().at(0).value, "5") << "changed by another process";
  set_default(*other, "6");
  EXPECT_EQ(net::run_to_end(scope.all(kDefault)).at(0).value, "6");
}

TEST_F(PerServer, AServersWorkSeesItsNameAndStateOfNow) {
  work(7);
  const auto scope = world_.server(7);
  auto& servers = world_.tenancy->servers();
  net::run_to_end(servers.arrived(ServerId(7), "Nightowl's", world_.clock.now()));
  EXPECT_EQ(net::run_to_end(scope.all(kName)).at(0).name, "Nightowl's");
  net::run_to_end(servers.left(ServerId(7), world_.clock.now()));
  work(7);
  EXPECT_EQ(in_file(7, "SELECT name, state FROM servers"), "Nightowl's|inactive;");
}

TEST_F(PerServer, WhatChangedWhileNobodyLookedIsTakenOverAtTheNextOpening) {
  work(7);
  world_.tenancy.reset();
  world_.execute(
      "UPDATE servers SET name = 'Its owner''s'; INSERT INTO setting_defaults VALUES ('a', 'b', 0)");
  world_.reopen();
  work(7);
  EXPECT_EQ(in_file(7, "SELECT name FROM servers"), "Its owner's;");
  EXPECT_EQ(in_file(7, "SELECT key, value FROM setting_defaults"), "a|b;");
}

TEST_F(PerServer, ARevisionIsInTheDirectoryWhenTheWorkIsAnswered) {
  work(7);
  const auto other = world_.beside();
  EXPECT_FALSE(net::run_to_end(world_.tenancy->global().changed_elsewhere()));
  world_.in(7, [](Tx& tx) { return tenancy::bump_revision(tx); });
  EXPECT_EQ(in_directory("SELECT revision FROM servers"), "2;");
  EXPECT_FALSE(net::run_to_end(world_.tenancy->global().changed_elsewhere())) << "it was this process";
  EXPECT_TRUE(net::run_to_end(other->global().changed_elsewhere()));
}

TEST_F(PerServer, ARevisionThatWasLostOnTheWayIsToldWhenTheFileIsOpenedNext) {
  work(7);
  world_.tenancy.reset();
  (*open_server_session(world_.place(), ServerId(7)))->execute("UPDATE servers SET revision = 9");
  world_.reopen();
  work(7);
  net::run_to_end(world_.tenancy->global().changed_elsewhere());  // stands behind it in the line
  EXPECT_EQ(in_directory("SELECT revision FROM servers"), "9;");
  // And in the other direction.
  world_.tenancy.reset();
  world_.execute("UPDATE servers SET revision = 20");
  world_.reopen();
  world_.in(7, [](Tx& tx) { return tenancy::bump_revision(tx); });
  EXPECT_EQ(in_directory("SELECT revision FROM servers"), "21;");
}

TEST_F(PerServer, WorkOnARangeRunsInEveryFileInOrderAndPutsThePartsTogether) {
  for (const std::int64_t server : {3, -5, 1, 9}) work(server);
  world_.server(4);  // has nothing yet
  const std::vector<ServerId> all{ServerId(-5), ServerId(1), ServerId(3), ServerId(9)};
  for (const Mode mode : {Mode::write, Mode::read}) {
    EXPECT_EQ(who_counts(tenancy::kAllServers, mode), all);
    EXPECT_THAT(who_counts({ServerId(1), ServerId(8)}, mode), ElementsAre(ServerId(1), ServerId(3)));
    EXPECT_THAT(who_counts({ServerId(4), ServerId(4)}, mode), IsEmpty());
  }
}

TEST_F(PerServer, AnErrorInTheMiddleOfARangeLeavesWhatWasCommitted) {
  for (const std::int64_t server : {1, 2, 3, 4}) work(server);
  const auto body = [](CrossTx& tx) -> TxTask<void> {
    co_await tx.change(kCountOn);
    const auto here = co_await tx.all(kWhoCounts);
    if (here.at(0).discord_server_id == ServerId(3)) throw std::runtime_error("the third");
  };
  EXPECT_THROW(net::run_to_end(
                   world_.tenancy->door().transact("test", world_.clock.now(), tenancy::kAllServers, body)),
               std::runtime_error);
  EXPECT_EQ(world_.dump("SELECT last FROM counters WHERE kind = 'person' ORDER BY discord_server_id"),
            "101\n101\n1\n1\n");
}

TEST_F(PerServer, ReadingARangeCannotWrite) {
  work(1);
  const auto body = [](CrossTx& tx) -> TxTask<void> { co_await tx.change(kCountOn); };
  EXPECT_THROW(
      net::run_to_end(world_.tenancy->door().read("test", world_.clock.now(), tenancy::kAllServers, body)),
      DatabaseError);
}

/// On every SQLite layout, so that what works on one works on the other.
TEST_F(PerServer, AStatementWhereItsRowsDoNotLieIsAFault) {
  test::TestWorld shared(Layout::sqlite);
  shared.declarations.statements.add("test", kWhoCounts, kJobs);
  shared.reopen();
  for (auto* world : {&world_, &shared}) {
    world->touch(1);
    const auto door = world->tenancy->door();
    const auto now = world->clock.now();
    const auto counters = [](CrossTx& tx) -> TxTask<std::vector<ServerRow>> {
      co_return co_await tx.all(kWhoCounts);
    };
    const auto jobs = [](CrossTx& tx) -> TxTask<std::vector<ServerRow>> { co_return co_await tx.all(kJobs); };
    EXPECT_THROW(net::run_to_end(door.transact("test", now, counters)), std::logic_error);
    EXPECT_THROW(net::run_to_end(door.transact("test", now, tenancy::kAllServers, jobs)), std::logic_error);
    EXPECT_NO_THROW(net::run_to_end(door.transact("test", now, jobs)));
    EXPECT_NO_THROW(net::run_to_end(door.transact("test", now, tenancy::kAllServers, counters)));
  }
}

TEST_F(PerServer, WorkOfOneServerRunsInTheOrderOfSubmission) {
  const auto scope = world_.server(7);
  boost::asio::io_context loop;
  std::vector<std::int64_t> persons(50);
  for (std::size_t i = 0; i < persons.size(); ++i) {
    boost::asio::co_spawn(
        loop, scope.transact([this, i](Tx& tx) { return person(tx, world_.clock.now(), std::to_string(i)); }),
        [&, i](std::exception_ptr, PersonId id) { persons[i] = id.value(); });
  }
  loop.run();
  for (std::size_t i = 0; i < persons.size(); ++i) EXPECT_EQ(persons[i], static_cast<std::int64_t>(i) + 1);
}

TEST(HandleLimits, FitIntoWhatTheProcessMayOpen) {
  const auto wide = sqlite::HandleLimits::fit(0, 20'000, 4, 2);
  EXPECT_EQ(wide->per_writer, 256U);
  EXPECT_EQ(wide->per_reader, 64U);
  const auto narrow = sqlite::HandleLimits::fit(0, 1'024, 4, 2);
  ASSERT_TRUE(narrow);
  EXPECT_LE(narrow->descriptors, 1'024U);
  EXPECT_GE(narrow->per_writer, 16U);
  const auto none = sqlite::HandleLimits::fit(0, 512, 4, 2);
  ASSERT_FALSE(none);
  EXPECT_EQ(none.error().code, ErrorCode::configuration);
  EXPECT_THAT(none.error().message, HasSubstr("may have 512"));
  EXPECT_THAT(none.error().hint, HasSubstr("ulimit -n"));
}

}  // namespace
}  // namespace guildhall::store
