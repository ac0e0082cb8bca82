// What the seal costs a single statement: a point read, an upsert and a leaderboard's top ten on one server's
// rows, each behind row-level security with its scope and on a table without.
#include <fmt/format.h>

#include <random>
#include <stdexcept>

#include "base/text.h"
#include "bench/bench.h"
#include "bench/postgres_server.h"
#include "bench/raw_postgres.h"
#include "bench/turns.h"
#include "net/loops.h"
#include "store/postgres/sql_text.h"
#include "tests/support/test_world.h"

namespace guildhall::bench {
namespace {

using store::Cost;
using store::NoRow;
using store::Statement;
using store::Value;

constexpr std::int64_t kHolders = 10'000;  // of each server
constexpr std::int64_t kFewServers = 20;
constexpr std::int64_t kManyServers = 200;
constexpr std::size_t kRounds = 3'000;
constexpr int kTogether = 100;
const std::string kUnit = "points";

struct HolderParams {
  std::string unit;
  PersonId holder;
};
BOOST_DESCRIBE_STRUCT(HolderParams, (), (unit, holder))
struct CreditParams {
  std::string unit;
  PersonId holder;
  std::int64_t amount;
};
BOOST_DESCRIBE_STRUCT(CreditParams, (), (unit, holder, amount))
struct TopParams {
  std::string unit;
};
BOOST_DESCRIBE_STRUCT(TopParams, (), (unit))
struct BalanceRow {
  std::int64_t balance = 0;
  std::int64_t total_credited = 0;
  std::int64_t total_debited = 0;
};
BOOST_DESCRIBE_STRUCT(BalanceRow, (), (balance, total_credited, total_debited))
struct TopRow {
  PersonId holder_id;
  std::int64_t balance = 0;
};
BOOST_DESCRIBE_STRUCT(TopRow, (), (holder_id, balance))

constexpr Statement<HolderParams, BalanceRow> kRead{
    "bench.read",
    "SELECT balance, total_credited, total_debited FROM balances "
    "WHERE discord_server_id = :server AND unit = :unit AND holder_id = :holder",
    {},
    Cost::bounded};
constexpr Statement<CreditParams, NoRow> kUpsert{
    "bench.upsert",
    "INSERT INTO balances (discord_server_id, unit, holder_id, balance, total_credited, total_debited, "
    "entries, updated_at) VALUES (:server, :unit, :holder, :amount, :amount, 0, 1, 0) "
    "ON CONFLICT (discord_server_id, unit, holder_id) DO UPDATE SET "
    "balance = balances.balance + excluded.balance, "
    "total_credited = balances.total_credited + excluded.total_credited, entries = balances.entries + 1",
    {},
    Cost::bounded};
constexpr Statement<TopParams, TopRow> kTop{
    "bench.top",
    "SELECT holder_id, balance FROM balances WHERE discord_server_id = :server AND unit = :unit "
    "ORDER BY balance DESC, holder_id LIMIT 10",
    {},
    Cost::bounded};

// The same with a server that the caller names and nobody checks.
struct FreeHolderParams {
  std::int64_t tenant;
  std::string unit;
  PersonId holder;
};
BOOST_DESCRIBE_STRUCT(FreeHolderParams, (), (tenant, unit, holder))
struct FreeCreditParams {
  std::int64_t tenant;
  std::string unit;
  PersonId holder;
  std::int64_t amount;
};
BOOST_DESCRIBE_STRUCT(FreeCreditParams, (), (tenant, unit, holder, amount))
struct FreeTopParams {
  std::int64_t tenant;
  std::string unit;
};
BOOST_DESCRIBE_STRUCT(FreeTopParams, (), (tenant, unit))

constexpr Statement<FreeHolderParams, BalanceRow> kFreeRead{
    "bench.free_read",
    "SELECT balance, total_credited, total_debited FROM balances "
    "WHERE discord_server_id = :tenant AND unit = :unit AND holder_id = :holder"};
constexpr Statement<FreeCreditParams, NoRow> kFreeUpsert{
    "bench.free_upsert",
    "INSERT INTO balances (discord_server_id, unit, holder_id, balance, total_credited, total_debited, "
    "entries, updated_at) VALUES (:tenant, :unit, :holder, :amount, :amount, 0, 1, 0) "
    "ON CONFLICT (discord_server_id, unit, holder_id) DO UPDATE SET "
    "balance = balances.balance + excluded.balance, "
    "total_credited = balances.total_credited + excluded.total_credited, entries = balances.entries + 1"};
constexpr Statement<FreeTopParams, TopRow> kFreeTop{
    "bench.free_top",
    "SELECT holder_id, balance FROM balances WHERE discord_server_id = :tenant AND unit = :unit "
    "ORDER BY balance DESC, holder_id LIMIT 10"};

/// Servers 1, 2, ... with 10,000 holders each, whose balances are in no order of their ids.
std::vector<std::string> fill(std::int64_t servers, std::int64_t now) {
  const std::string all = fmt::format(
      "WITH RECURSIVE s(s) AS (SELECT 1 UNION ALL SELECT s + 1 FROM s WHERE s < {}), "
      "p(p) AS (SELECT 1 UNION ALL SELECT p + 1 FROM p WHERE p < {}) ",
      servers, kHolders);
  return {
      fmt::format("{}INSERT INTO servers SELECT s, 'Server ' || s, 'active', {}, NULL, 1 FROM s", all, now),
      fmt::format("{}INSERT INTO balances SELECT s, '{}', p, (p * 7919 + s * 31) % 10007, "
                  "(p * 7919 + s * 31) % 10007, 0, 1, {} FROM s, p",
                  all, kUnit, now)};
}

/// One server's row after the other, in no order.
class Keys {
 public:
  explicit Keys(std::int64_t servers) : server_(1, servers), holder_(1, kHolders) {}
  std::int64_t server() { return server_(random_); }
  std::int64_t holder() { return holder_(random_); }

 private:
  std::mt19937_64 random_{1};
  std::uniform_int_distribution<std::int64_t> server_;
  std::uniform_int_distribution<std::int64_t> holder_;
};

/// The three statements through the product's storage, with a scope.
class Stored {
 public:
  Stored(test::TestWorld& world, Keys& keys) : world_(world), keys_(keys) {}

  Task<void> read() const {
    if (!co_await scope().one(kRead, {kUnit, PersonId(keys_.holder())})) throw std::logic_error("no row");
  }
  Task<void> upsert() const { co_await scope().change(kUpsert, {kUnit, PersonId(keys_.holder()), 1}); }
  /// So many in one unit of work, so that the disk is not all that is seen.
  template <class Params>
  Task<void> upserts(const Statement<Params, NoRow>& statement, std::function<Params()> next) const {
    co_await scope().transact([&](store::Tx& tx) -> store::TxTask<void> {
      for (int i = 0; i < kTogether; ++i) co_await tx.change(statement, next());
    });
  }
  Task<void> top() const {
    if ((co_await scope().all(kTop, {kUnit})).size() != 10) throw std::logic_error("no ten rows");
  }
  tenancy::ServerScope scope() const {
    return *world_.tenancy->scopes().for_operator(ServerId(keys_.server()));
  }

 private:
  test::TestWorld& world_;
  Keys& keys_;
};

/// The same texts through libpq alone.
class Raw {
 public:
  Raw(const std::string& url, std::string_view schema, Keys& keys) : connection_(url, schema), keys_(keys) {
    connection_.prepare("scope", "SELECT set_config('guildhall.server_id', $1, true)");
    connection_.prepare("begin", "BEGIN");
    connection_.prepare("commit", "COMMIT");
    connection_.prepare("read", store::postgres::number_parameters(kRead.sql).text);
    connection_.prepare("upsert", store::postgres::number_parameters(kUpsert.sql).text);
    connection_.prepare("top", store::postgres::number_parameters(kTop.sql).text);
  }

  struct Operation {
    const char* name;
    std::size_t values;  // beside server and unit
    std::int64_t rows;
  };
  void bare(const Operation& operation) {
    expect(operation, connection_.run({operation.name, values(operation, keys_.server())}));
  }
  void scoped(const Operation& operation) {
    const std::int64_t server = keys_.server();
    const std::vector<Value> scope{std::to_string(server)};
    expect(operation,
           connection_.run_together({{"scope", scope}, {operation.name, values(operation, server)}}));
  }
  void scoped_in_four_trips(const Operation& operation) {
    const std::int64_t server = keys_.server();
    connection_.run({"begin", {}});
    connection_.run({"scope", {std::to_string(server)}});
    expect(operation, connection_.run({operation.name, values(operation, server)}));
    connection_.run({"commit", {}});
  }

 private:
  /// $1 is the server, $2 the unit, then the holder, then the amount; bigints in binary.
  std::vector<Value> values(const Operation& operation, std::int64_t server) {
    std::vector<Value> values{server, kUnit};
    if (operation.values > 0) values.emplace_back(keys_.holder());
    if (operation.values > 1) values.emplace_back(std::int64_t{1});
    return values;
  }
  static void expect(const Operation& operation, std::int64_t rows) {
    if (rows != operation.rows) throw std::logic_error("a statement found other rows than it should");
  }

  RawPostgres connection_;
  Keys& keys_;
};

constexpr Raw::Operation kOperations[] = {{"read", 1, 1}, {"upsert", 2, 1}, {"top", 0, 10}};

/// The same table once more, but for its policies, in a schema of its own.
void add_unsealed_copy(test::TestWorld& world) {
  world.execute(
      "CREATE SCHEMA unsealed; GRANT USAGE ON SCHEMA unsealed TO guildhall_app;"
      "CREATE TABLE unsealed.balances (LIKE guildhall.balances INCLUDING ALL);"
      "INSERT INTO unsealed.balances SELECT * FROM guildhall.balances;"
      "ALTER TABLE unsealed.balances ADD FOREIGN KEY (discord_server_id) REFERENCES guildhall.servers;"
      "GRANT SELECT, INSERT, UPDATE ON unsealed.balances TO guildhall_app");
  for (const char* table : {"guildhall.balances", "unsealed.balances"})
    world.execute(fmt::format("VACUUM ANALYZE {}", table));
}

/// The backends of this database go to the core, too.
void bring_backends(const OneCore& core, const test::TestWorld& world) {
  const std::string pids = world.dump(
      "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()");
  for (const std::string_view pid : split_words(pids)) {
    if (!core.bring(std::stoi(std::string(pid))))
      progress("sealed: PostgreSQL's processes stay where they are: they belong to another user");
  }
}

Figure latency(std::string name, double microseconds, std::string reference, double reference_microseconds,
               double bound, std::string target) {
  Figure figure;
  figure.name = std::move(name);
  figure.value = microseconds;
  figure.unit = "us";
  figure.reference = std::move(reference);
  figure.reference_value = reference_microseconds;
  figure.direction = Figure::Bound::at_most;
  figure.bound = bound;
  figure.target = std::move(target);
  figure.note = fmt::format("{:+.1f} us; 10th percentile in turns, all on one core",
                            microseconds - reference_microseconds);
  return figure;
}

Way way(std::function<void()> blocking) {
  return [blocking = std::move(blocking)]() -> Task<void> {
    blocking();
    co_return;
  };
}

}  // namespace

Figures measure_sealed(Size size) {
  need_postgres();
  const std::int64_t servers = size == Size::full ? kManyServers : kFewServers;
  progress(fmt::format("sealed: {} servers of {} rows each, behind policies and without", servers, kHolders));
  test::TestWorld world(store::Layout::postgres);
  world.declarations.statements.add("bench", kRead, kUpsert, kTop);
  for (const std::string& sql : fill(servers, to_micros(world.clock.now()))) world.execute(sql);
  add_unsealed_copy(world);
  stop_waiting_for_disk(world);
  const OneCore core;
  world.reopen();

  Keys keys(servers);
  const Stored stored(world, keys);
  Raw unsealed(world.place().url, "unsealed", keys);
  Raw sealed(world.place().url, "guildhall", keys);
  const Way stored_ways[] = {[&] { return stored.read(); }, [&] { return stored.upsert(); },
                             [&] { return stored.top(); }};
  const std::string names[] = {"read", "upsert", "top10"};
  const std::string targets[] = {"<= 1.4, <= +25 us", "<= 1.4, <= +25 us", "<= 1.3, <= +25 us"};
  Figures figures;
  Figures trips;
  for (std::size_t i = 0; i < std::size(kOperations); ++i) {
    progress(fmt::format("sealed: {}", names[i]));
    net::run_to_end(stored_ways[i]());
    bring_backends(core, world);
    const auto times = microseconds_in_turns(
        kRounds, {way([&] { unsealed.bare(kOperations[i]); }), way([&] { sealed.scoped(kOperations[i]); }),
                  way([&] { sealed.scoped_in_four_trips(kOperations[i]); }), stored_ways[i]});
    figures.push_back(
        latency("sealed-" + names[i], times[1], "the bare statement, no policy", times[0], 2.5, targets[i]));
    figures.push_back(
        latency("stored-" + names[i], times[3], "the bare statement, no policy", times[0], 5, "<= +25 us"));
    trips.push_back(
        latency("one-trip-" + names[i], times[1], "BEGIN, scope, statement, COMMIT", times[2], 1, ""));
  }
  figures.insert(figures.end(), trips.begin(), trips.end());
  return figures;
}

Figures measure_sealed_sqlite(Size size) {
  const std::int64_t servers = size == Size::full ? kManyServers : kFewServers;
  progress(fmt::format("sealed-sqlite: {} servers of {} rows each", servers, kHolders));
  test::TestWorld world(store::Layout::sqlite);
  world.declarations.statements.add("bench", kRead, kUpsert, kTop, kFreeRead, kFreeUpsert, kFreeTop);
  for (const std::string& sql : fill(servers, to_micros(world.clock.now()))) world.execute(sql);
  const OneCore core;
  tenancy::OpenOptions open;
  open.gate = [](const store::StatementInfo&, const store::StatementFacts&) { return std::nullopt; };
  world.reopen_with(std::move(open));

  Keys keys(servers);
  const Stored stored(world, keys);
  const auto pair = [&](const std::string& name, std::size_t rounds, double executions, const Way& sealed,
                        const Way& free) {
    const auto times = microseconds_in_turns(rounds, {free, sealed});
    return latency("sqlite-" + name, times[1] / executions, "the same, the caller names the server",
                   times[0] / executions, 2, "~ 1.0");
  };
  const Way free_read = [&]() -> Task<void> {
    const std::int64_t server = keys.server();
    co_await stored.scope().one(kFreeRead, {server, kUnit, PersonId(keys.holder())});
  };
  const Way upserts = [&] {
    return stored.upserts<CreditParams>(kUpsert,
                                        [&] { return CreditParams{kUnit, PersonId(keys.holder()), 1}; });
  };
  const Way free_upserts = [&]() -> Task<void> {
    const std::int64_t server = keys.server();
    co_await stored.upserts<FreeCreditParams>(
        kFreeUpsert, [&, server] { return FreeCreditParams{server, kUnit, PersonId(keys.holder()), 1}; });
  };
  const Way free_top = [&]() -> Task<void> {
    const std::int64_t server = keys.server();
    co_await stored.scope().all(kFreeTop, {server, kUnit});
  };
  return {pair(
              "read", kRounds, 1, [&] { return stored.read(); }, free_read),
          pair("upsert", kRounds / 10, kTogether, upserts, free_upserts),
          pair("top10", kRounds, 1, [&] { return stored.top(); }, free_top)};
}

}  // namespace guildhall::bench
