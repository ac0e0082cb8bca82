// What only PostgreSQL has: connections that are used again, policies, roles, hints between processes. The
// gate is open here where a statement is needed that it would refuse.
#include "store/postgres/postgres_database.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <latch>
#include <thread>

#include "bot/ledger.h"
#include "store/postgres/session.h"
#include "tenancy/postgres_roles.h"
#include "tenancy/seal.h"
#include "tests/support/test_world.h"

namespace guildhall::store {
namespace {

using namespace std::chrono_literals;

struct ScopeRow {
  std::optional<std::string> scope;
};
BOOST_DESCRIBE_STRUCT(ScopeRow, (), (scope))
struct NameRow {
  std::string display_name;
};
BOOST_DESCRIBE_STRUCT(NameRow, (), (display_name))
struct NumberParams {
  std::int64_t number;
};
BOOST_DESCRIBE_STRUCT(NumberParams, (), (number))
struct NumberRow {
  std::int64_t number = 0;
};
BOOST_DESCRIBE_STRUCT(NumberRow, (), (number))

constexpr GlobalStatement<NoParams, ScopeRow> kScope{
    "test.scope", "SELECT current_setting('guildhall.server_id', true) AS scope"};
constexpr GlobalStatement<NoParams, NameRow> kWithoutScope{"test.without_scope",
                                                           "SELECT display_name FROM persons"};
constexpr GlobalStatement<NoParams, ScopeRow> kSharedScope{
    "test.shared_scope",
    "SELECT nullif(current_setting('guildhall.server_id', true), '') AS scope",
    {},
    Cost::bounded};
constexpr GlobalStatement<NoParams, NameRow> kSharedWithoutScope{
    "test.shared_without_scope", "SELECT display_name FROM persons", {}, Cost::bounded};
constexpr Statement<NoParams, NameRow> kAllNames{
    "test.all_names",
    "SELECT display_name FROM persons WHERE :server = :server ORDER BY person_id",
    {},
    Cost::bounded};
constexpr Statement<NumberParams, NoRow> kRename{"test.rename",
                                                 "UPDATE persons SET display_name = 'taken' WHERE "
                                                 "person_id = :number AND :server = :server"};
constexpr Statement<NumberParams, NoRow> kInsertForeign{
    "test.insert_foreign",
    "INSERT INTO persons (discord_server_id, person_id, display_name, created_at) "
    "SELECT :number, 77, 'stray', 0 WHERE :server = :server"};
constexpr Statement<NumberParams, NumberRow> kDivide{"test.divide",
                                                     "SELECT 1 / :number AS number WHERE :server = :server"};
constexpr Statement<NoParams, NoRow> kSleep{
    "test.sleep",
    "UPDATE persons SET created_at = created_at WHERE :server = :server AND pg_sleep(20) IS NULL"};
struct PersonParams {
  std::int64_t number;
  std::string name;
};
BOOST_DESCRIBE_STRUCT(PersonParams, (), (number, name))
constexpr Statement<PersonParams, NoRow> kAddPerson{
    "test.add_person",
    "INSERT INTO persons (discord_server_id, person_id, display_name, created_at) VALUES (:server, :number, "
    ":name, 0)"};
constexpr Statement<PersonParams, NoRow> kPutPerson{
    "test.put_person",
    "INSERT INTO persons (discord_server_id, person_id, display_name, created_at) VALUES (:server, :number, "
    ":name, 0) ON CONFLICT (discord_server_id, person_id) DO UPDATE SET display_name = persons.display_name "
    "|| excluded.display_name"};
/// What this connection has prepared of a batch.
constexpr Statement<NoParams, NameRow> kPreparedArrays{
    "test.prepared_arrays",
    "SELECT statement AS display_name FROM pg_prepared_statements WHERE name LIKE 'm%' AND :server = "
    ":server"};
constexpr Statement<NoParams, NumberRow> kOfNoTable{
    "test.of_no_table", "SELECT number FROM no_such_table WHERE discord_server_id = :server"};
constexpr Statement<NoParams, NumberRow> kLast{"test.last", "SELECT 1 AS number WHERE :server = :server"};
constexpr Statement<NoParams, NumberRow> kProcess{
    "test.process", "SELECT CAST(pg_backend_pid() AS BIGINT) AS number WHERE :server = :server"};

std::optional<std::string> open_gate(const StatementInfo&, const StatementFacts&) { return std::nullopt; }

/// Two servers with a person each, and statements that say nothing of the server; the database has one
/// connection of each kind.
class Postgres : public testing::Test {
 protected:
  void SetUp() override {
    if (std::getenv("GUILDHALL_TEST_POSTGRES") == nullptr)
      GTEST_SKIP() << "GUILDHALL_TEST_POSTGRES is not set";
    world_.emplace(Layout::postgres);
    add_person(1, "Ann");
    add_person(2, "Bob");
    world_->declarations.statements.add("test", kScope, kWithoutScope, kAllNames, kRename, kInsertForeign,
                                        kDivide, kAddPerson, kPutPerson, kPreparedArrays, kSleep, kProcess,
                                        kSharedScope, kSharedWithoutScope);
    open(1);
  }

  void add_person(std::int64_t server, std::string name) {
    world_->in(server, [&](Tx& tx) { return bot::person_of(tx, {"kick", "1", name}, world_->clock.now()); });
  }

  void open(std::size_t connections, StatementGate gate = open_gate) {
    world_->tenancy.reset();
    tenancy::OpenOptions options;
    options.connections = connections;
    options.gate = std::move(gate);
    auto opened = tenancy::Tenancy::open(world_->place(), world_->declarations.statements,
                                         world_->declarations.tables, &world_->metrics, std::move(options));
    if (!opened) throw ErrorException(opened.error());
    world_->tenancy = *std::move(opened);
    net::run_to_end(world_->tenancy->load());
  }

  std::string names(std::int64_t server) {
    std::string text;
    for (const NameRow& row : net::run_to_end(world_->server(server).all(kAllNames)))
      text += row.display_name;
    return text;
  }
  template <class F>
  DbCode code_of(F work) {
    try {
      work();
    } catch (const DatabaseError& error) {
      return error.code();
    }
    ADD_FAILURE() << "it went through";
    return DbCode::other;
  }
  /// On the one connection that there is, whoever had it before.
  void expect_no_scope() {
    const auto scope = net::run_to_end(world_->tenancy->global().transact(
        [](GlobalTx& tx) -> TxTask<std::optional<ScopeRow>> { co_return co_await tx.one(kScope); }));
    EXPECT_EQ(scope->scope.value_or(""), "");
    EXPECT_EQ(code_of([&] {
                net::run_to_end(world_->tenancy->global().transact(
                    [](GlobalTx& tx) -> TxTask<void> { co_await tx.all(kWithoutScope); }));
              }),
              DbCode::no_scope);
  }

  std::optional<test::TestWorld> world_;
};

/// libpq would quote the piece that it cannot read.
TEST(PostgresAddress, ThatCannotBeReadIsNotQuoted) {
  for (const char* url : {"postgres://me:50%off@host/db", "postgres://me:sec/ret@host/db"}) {
    try {
      postgres::connect(url, "");
      ADD_FAILURE() << url;
    } catch (const DatabaseError& error) {
      EXPECT_THAT(error.what(), testing::HasSubstr("the address cannot be read")) << url;
      EXPECT_THAT(error.what(), testing::Not(testing::HasSubstr("off")));
    }
  }
}

TEST_F(Postgres, TheDatabaseItselfKeepsServersApart) {
  EXPECT_EQ(names(1), "Ann");
  EXPECT_EQ(names(2), "Bob");
  EXPECT_EQ(world_->in(1, [](Tx& tx) -> TxTask<std::int64_t> { co_return co_await tx.change(kRename, {1}); }),
            1);
  EXPECT_EQ(names(1) + names(2), "takenBob");
  EXPECT_EQ(code_of([&] {
              world_->in(1, [](Tx& tx) -> TxTask<void> { co_await tx.change(kInsertForeign, {2}); });
            }),
            DbCode::sealed);
}

TEST_F(Postgres, TheNextUserOfAConnectionHasNoScope) {
  expect_no_scope();
  world_->in(1, [](Tx& tx) -> TxTask<void> { co_await tx.all(kAllNames); });
  expect_no_scope();  // after a commit
  EXPECT_THROW(world_->in(1,
                          [](Tx& tx) -> TxTask<void> {
                            co_await tx.all(kAllNames);
                            throw std::runtime_error("rolled back");
                          }),
               std::runtime_error);
  expect_no_scope();
  EXPECT_THROW(world_->in(1, [](Tx& tx) -> TxTask<void> { co_await tx.one(kDivide, {0}); }), DatabaseError);
  expect_no_scope();  // after an error
  EXPECT_EQ(names(1), "Ann");
  expect_no_scope();  // after a single statement
  EXPECT_THAT(world_->metrics.text(), testing::HasSubstr("guildhall_db_unscoped_total 5"));
}

TEST_F(Postgres, TheNextUserOfASharedConnectionHasNoScope) {
  const auto scope = [&] {
    return net::run_to_end(world_->tenancy->global().one(kSharedScope))->scope.value_or("none");
  };
  EXPECT_EQ(scope(), "none");
  EXPECT_EQ(names(1), "Ann");
  EXPECT_EQ(scope(), "none");
  EXPECT_EQ(names(2), "Bob");
  EXPECT_EQ(code_of([&] { net::run_to_end(world_->tenancy->global().one(kSharedWithoutScope)); }),
            DbCode::no_scope);
}

TEST_F(Postgres, ALongStatementIsEndedAndLeavesNoScope) {
  const auto started = std::chrono::steady_clock::now();
  boost::asio::io_context loop;
  std::exception_ptr error;
  boost::asio::co_spawn(
      loop, world_->server(1).transact([](Tx& tx) -> TxTask<void> { co_await tx.change(kSleep); }),
      [&](std::exception_ptr e) { error = e; });
  // Ended by hand, as the time limit of the session does it.
  std::jthread end([&] {
    postgres::Session admin(test::postgres_url("postgres", "postgres"), "test");
    while (
        admin
            .query(
                "SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE query LIKE '%pg_sleep(20)%' AND "
                "state = 'active' AND pid <> pg_backend_pid()")
            .empty())
      std::this_thread::sleep_for(5ms);
  });
  loop.run();
  EXPECT_EQ(code_of([&] { std::rethrow_exception(error); }), DbCode::timed_out);
  EXPECT_LT(std::chrono::steady_clock::now() - started, 15s);
  end.join();
  expect_no_scope();
}

TEST_F(Postgres, AKilledBackendIsReplacedAndWhatWasNotCommittedRunsAgain) {
  int runs = 0;
  const auto people = world_->in(1, [&](Tx& tx) -> TxTask<std::size_t> {
    const auto process = co_await tx.one(kProcess);
    if (++runs == 1)
      postgres::Session(test::postgres_url("postgres", "postgres"), "test")
          .query(fmt::format("SELECT pg_terminate_backend({}, 5000)", process->number));
    co_await bot::person_of(tx, {"kick", "2", "Cid"}, world_->clock.now());
    const auto rows = co_await tx.all(kAllNames);
    co_return rows.size();
  });
  EXPECT_EQ(runs, 2);
  EXPECT_EQ(people, 2U);
  EXPECT_EQ(names(1), "AnnCid");
  expect_no_scope();
}

TEST_F(Postgres, OnePreparedStatementServesTwoServersInTurns) {
  for (int i = 0; i < 500; ++i) {
    ASSERT_EQ(names(1), "Ann");
    ASSERT_EQ(names(2), "Bob");
  }
}

TEST_F(Postgres, WhatServersDoAtOnceIsDoneOnceEach) {
  open(4);
  boost::asio::io_context loop;
  int failed = 0;
  for (int i = 0; i < 200; ++i) {
    auto body = [this, i](Tx& tx) -> TxTask<void> {
      bot::LedgerOperation operation{std::to_string(i / 2), "test", "", "t", {{PersonId(1), 1}}};
      const auto booked = co_await bot::apply(tx, bot::kPoints, std::move(operation), world_->clock.now());
      if (!booked) throw ErrorException(booked.error());
    };
    boost::asio::co_spawn(loop, world_->server(1 + i % 4 / 2).transact(body),
                          [&](std::exception_ptr error) { failed += error ? 1 : 0; });
  }
  loop.run();
  EXPECT_EQ(failed, 0);
  EXPECT_EQ(world_->dump("SELECT discord_server_id, balance, entries FROM balances ORDER BY 1"),
            "1|50|50\n2|50|50\n");
}

/// Two processes, each with its own connections, on one server's rows.
TEST_F(Postgres, TwoProcessesThatBookTheSameOperationBookItOnce) {
  const auto other = world_->beside(open_gate);
  const auto theirs = *other->scopes().for_operator(ServerId(1));
  boost::asio::io_context loop;
  int booked = 0;
  for (int i = 0; i < 40; ++i) {
    auto body = [this, i](Tx& tx) -> TxTask<bool> {
      bot::LedgerOperation operation{std::to_string(i / 2), "test", "", "t", {{PersonId(1), 1}}};
      const auto receipt = co_await bot::apply(tx, bot::kPoints, std::move(operation), world_->clock.now());
      co_return receipt->booked;
    };
    boost::asio::co_spawn(loop, (i % 2 == 0 ? world_->server(1) : theirs).transact(body),
                          [&](std::exception_ptr error, bool was) {
                            EXPECT_FALSE(error);
                            booked += was ? 1 : 0;
                          });
  }
  loop.run();
  EXPECT_EQ(booked, 20);
  EXPECT_EQ(world_->dump("SELECT balance FROM balances"), "20\n");
}

TEST_F(Postgres, OtherProcessesHearOfAChangeAndWhoMadeItDoesNot) {
  const auto other = world_->beside(open_gate);
  const auto hears = [](tenancy::Tenancy& tenancy) {
    const auto end = std::chrono::steady_clock::now() + 20s;
    while (std::chrono::steady_clock::now() < end) {
      if (net::run_to_end(tenancy.global().changed_elsewhere())) return true;
      std::this_thread::sleep_for(5ms);
    }
    return false;
  };
  // Whoever begins to listen does not know what it missed.
  ASSERT_TRUE(hears(*world_->tenancy) && hears(*other));
  net::run_to_end(other->servers().arrived(ServerId(3), "Third", world_->clock.now()));
  EXPECT_TRUE(hears(*world_->tenancy));
  EXPECT_FALSE(net::run_to_end(other->global().changed_elsewhere()));
  // A server's own rows are nobody else's news; its revision is.
  const auto scope = *other->scopes().for_operator(ServerId(1));
  net::run_to_end(scope.transact([](Tx& tx) { return tenancy::bump_revision(tx); }));
  EXPECT_TRUE(hears(*world_->tenancy));
}

/// What it does every second may be due at just that moment.
TEST_F(Postgres, ClosesWhateverIsDueAtThatMoment) {
  std::latch begun(1);
  std::thread late([&] {
    // On the database's own loop, which comes to nothing else meanwhile.
    net::run_to_end(world_->tenancy->global().read([&](GlobalTx&) -> TxTask<void> {
      begun.count_down();
      std::this_thread::sleep_for(1100ms);
      co_return;
    }));
  });
  begun.wait();
  world_->tenancy.reset();
  late.join();
}

/// Also for a login that no policy adds a condition for: what each statement says is enough to find its rows
/// by the server, and a tick's by the range.
TEST_F(Postgres, EachStatementSearchesByTheServerOfItself) {
  const std::string& url = world_->place().url;
  postgres::Session all(test::postgres_url("postgres", url.substr(url.rfind('/') + 1)), "test");
  all.execute(
      "BEGIN; SET LOCAL search_path TO guildhall; SET LOCAL jit = off; SET LOCAL enable_seqscan = off; SET "
      "LOCAL "
      "enable_bitmapscan = off; SET LOCAL plan_cache_mode = force_generic_plan");
  const auto& tables = world_->declarations.tables;
  for (const StatementInfo& info : world_->declarations.statements.all()) {
    if (info.access == Access::global || info.owner == "test") continue;
    const postgres::PreparedTexts texts = postgres::prepared_texts(info, 0);
    std::vector<const postgres::PreparedText*> forms{&texts.one};
    if (texts.many && info.access == Access::server) forms.push_back(&*texts.many);
    const auto inspected = all.inspect(forms);
    ASSERT_FALSE(inspected.refused) << inspected.refused->what();
    for (const StatementFacts& facts : inspected.facts) {
      if (info.access == Access::server) {
        EXPECT_EQ(tenancy::refuse_statement(tables, info, facts).value_or(""), "") << info.name;
        continue;
      }
      for (const std::string& step : facts.plan)
        EXPECT_FALSE(step.starts_with("SCAN ")) << info.name << ": " << step;
    }
  }
}

TEST_F(Postgres, ABatchIsOneStatement) {
  const auto prepared = world_->in(1, [](Tx& tx) -> TxTask<std::vector<NameRow>> {
    co_await tx.batch(kAddPerson, {{101, "Cat"}, {102, "Dan"}, {103, "Eve"}});
    co_return co_await tx.all(kPreparedArrays);
  });
  ASSERT_THAT(prepared, testing::SizeIs(1));
  EXPECT_EQ(
      prepared.front().display_name,
      "INSERT INTO persons (discord_server_id, person_id, display_name, created_at) SELECT $1, unnest($2), "
      "unnest($3), 0");
  EXPECT_EQ(names(1), "AnnCatDanEve");
  EXPECT_EQ(names(2), "Bob");
}

TEST_F(Postgres, ABatchThatChangesWhatIsThereIsOneStatementWhereNoRowComesTwice) {
  const auto put = [&](std::vector<PersonParams> people) {
    return world_->in(1, [&](Tx& tx) -> TxTask<std::pair<std::int64_t, std::size_t>> {
      const std::int64_t changes = co_await tx.batch(kPutPerson, people);
      co_return std::pair(changes, (co_await tx.all(kPreparedArrays)).size());
    });
  };
  // PostgreSQL refuses a command that changes a row twice (21000): such a batch goes one by one.
  EXPECT_EQ(put({{101, "Cat"}, {102, "Dan"}, {101, "Eve"}}), std::pair(std::int64_t{3}, std::size_t{0}));
  EXPECT_EQ(put({{101, "Fay"}, {103, "Gus"}}), std::pair(std::int64_t{2}, std::size_t{1}));
  EXPECT_EQ(names(1), "AnnCatEveFayDanGus");
}

TEST_F(Postgres, AStatementThatItRefusesIsNamedAndNothingIsOpened) {
  world_->declarations.statements.add("test", kOfNoTable, kLast);
  try {
    open(1);
    FAIL() << "opened";
  } catch (const ErrorException& error) {
    EXPECT_THAT(error.what(), testing::HasSubstr("statement 'test.of_no_table' of test is refused"));
    EXPECT_THAT(error.what(), testing::HasSubstr("no_such_table"));
  }
}

TEST_F(Postgres, TheGateSeesAlsoWhatABatchRuns) {
  std::vector<std::string> seen;
  open(1, [&](const StatementInfo& info, const StatementFacts& facts) -> std::optional<std::string> {
    if (info.name == kAddPerson.name) seen.push_back(facts.sql);
    return std::nullopt;
  });
  EXPECT_THAT(seen,
              testing::ElementsAre(kAddPerson.sql, testing::HasSubstr("SELECT :server, unnest(:number)")));
  EXPECT_THROW(open(1,
                    [](const StatementInfo&, const StatementFacts& facts) -> std::optional<std::string> {
                      if (facts.sql.find("unnest") != std::string::npos) return "it has arrays";
                      return std::nullopt;
                    }),
               ErrorException);
}

/// Without a scope nothing of a server is reached, table by table; with another's, none of its rows.
TEST_F(Postgres, EverySealedTableRefusesWithoutAScope) {
  postgres::Session app(world_->place().url, "test");
  int tables = 0;
  for (const auto& [name, spec] : world_->declarations.tables.all()) {
    if (spec.table_class != tenancy::TableClass::tenant && spec.table_class != tenancy::TableClass::child)
      continue;
    ++tables;
    for (const std::string& sql :
         {fmt::format("SELECT * FROM {}", name), fmt::format("DELETE FROM {}", name),
          fmt::format("UPDATE {0} SET discord_server_id = discord_server_id", name)}) {
      EXPECT_EQ(code_of([&] { app.query(sql); }), DbCode::no_scope) << sql;
    }
  }
  EXPECT_GT(tables, 15);
  for (const char* sql :
       {"TRUNCATE persons", "CREATE TABLE guildhall.mine (a int)", "SET ROLE guildhall_tick",
        "ALTER TABLE persons DISABLE ROW LEVEL SECURITY", "DROP POLICY server ON persons"})
    EXPECT_THROW(app.execute(sql), DatabaseError) << sql;
}

}  // namespace
}  // namespace guildhall::store
