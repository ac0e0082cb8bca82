// Many who write at once into one file: what is committed together shares the wait for the disk.
#include <fmt/format.h>

#include <boost/asio/io_context.hpp>
#include <stdexcept>

#include "bench/bench.h"
#include "bench/raw_sqlite.h"
#include "bot/ledger.h"
#include "net/loops.h"
#include "tests/support/test_world.h"

namespace guildhall::bench {
namespace {

constexpr std::size_t kWriters = 64;
constexpr std::size_t kQuickOperations = 8'000;
constexpr std::size_t kFullOperations = 64'000;
/// The slow way shows its pace on fewer.
constexpr std::size_t kAlone = 1'000;

struct AmountParams {
  std::int64_t amount;
};
BOOST_DESCRIBE_STRUCT(AmountParams, (), (amount))
constexpr store::Statement<AmountParams, store::NoRow> kAdd{
    "bench.add",
    "INSERT INTO balances (discord_server_id, unit, holder_id, balance, total_credited, total_debited, "
    "entries, updated_at) VALUES (:server, 'bench', 1, :amount, :amount, 0, 1, 0) "
    "ON CONFLICT (discord_server_id, unit, holder_id) DO UPDATE SET "
    "balance = balances.balance + excluded.balance, "
    "total_credited = balances.total_credited + excluded.total_credited, entries = balances.entries + 1"};

/// One upsert.
Task<void> add(test::TestWorld&, tenancy::ServerScope scope, std::size_t) {
  co_await scope.change(kAdd, {1});
}

/// One entry into the ledger with its balance, and a place in the line like anybody's.
Task<void> credit(test::TestWorld& world, tenancy::ServerScope scope, std::size_t number) {
  const TimePoint now = world.clock.now();
  bot::LedgerOperation operation{
      fmt::format("credit:{}", number), "correction", "", "bench", {{PersonId(1), 1}}};
  co_await scope.transact([operation, now](store::Tx& tx) -> store::TxTask<void> {
    const auto booked = co_await bot::apply(tx, bot::kPoints, operation, now);
    if (!booked) throw ErrorException(booked.error());
  });
}

using Operation = Task<void> (*)(test::TestWorld& world, tenancy::ServerScope scope, std::size_t number);

/// Writes until nothing is left, so many at a time. Returns operations per second.
double operations_per_second(test::TestWorld& world, const std::vector<tenancy::ServerScope>& scopes,
                             Operation operation, std::size_t writers, std::size_t first, std::size_t count) {
  boost::asio::io_context loop;
  std::size_t next = first;
  std::size_t written = 0;
  const auto write = [&, end = first + count](std::size_t writer) -> Task<void> {
    while (next < end) {
      co_await operation(world, scopes[writer], next++);
      ++written;
    }
  };
  const auto begin = std::chrono::steady_clock::now();
  for (std::size_t i = 0; i < writers; ++i) net::spawn(loop, "writer", [&write, i] { return write(i); });
  loop.run();
  const std::chrono::duration<double> taken = std::chrono::steady_clock::now() - begin;
  if (written != count) throw std::runtime_error("group-commit: an operation failed");
  return static_cast<double>(count) / taken.count();
}

Figure against(std::string name, double value, std::string reference, double reference_value, double bound,
               std::string target, std::string note) {
  Figure figure;
  figure.name = std::move(name);
  figure.value = value;
  figure.unit = "ops/s";
  figure.reference = std::move(reference);
  figure.reference_value = reference_value;
  figure.bound = bound;
  figure.target = std::move(target);
  figure.note = std::move(note);
  return figure;
}

struct Paces {
  double together;
  double alone;
  double group;  // operations in one commit
};

std::int64_t commits(test::TestWorld& world) {
  std::int64_t commits = 0;
  const auto& seconds = world.metrics.histogram("guildhall_db_commit_seconds", "Time of one group commit.");
  for (const auto& count : seconds.counts) commits += count;
  return commits;
}

Paces paces(test::TestWorld& world, Operation operation, std::size_t count) {
  std::vector<tenancy::ServerScope> scopes;
  for (std::size_t i = 0; i < kWriters; ++i) scopes.push_back(world.server(static_cast<std::int64_t>(i) + 1));
  operations_per_second(world, scopes, operation, kWriters, 0, kWriters);
  const std::int64_t before = commits(world);
  const double together = operations_per_second(world, scopes, operation, kWriters, kWriters, count);
  const double group = static_cast<double>(count) / static_cast<double>(commits(world) - before);
  return {together, operations_per_second(world, scopes, operation, 1, kWriters + count, kAlone), group};
}

}  // namespace

Figures measure_group_commit(Size size) {
  const std::size_t count = size == Size::full ? kFullOperations : kQuickOperations;
  test::TestWorld world(store::Layout::sqlite);
  world.declarations.statements.add("bench", kAdd);
  world.reopen();
  progress("group-commit: upserts of 64 writers, and of one");
  const Paces upserts = paces(world, add, count);
  progress("group-commit: upserts by SQLite alone, one commit each");
  const double raw = raw_events_per_second({world.database_file(), {"balances"}, kAlone, 1});
  progress("group-commit: entries into the ledger of 64 writers, and of one");
  const Paces credits = paces(world, credit, count);
  const auto note = [&](const Paces& paces, std::string_view what) {
    return fmt::format("{} of {}, {:.0f} per commit, FULL", count, what, paces.group);
  };
  return {against("group-commit", upserts.together, "one commit per operation", upserts.alone, 1.5, ">= 10",
                  note(upserts, "one upsert each")),
          against("group-commit-raw", upserts.together, "the same upserts by SQLite alone, one commit each",
                  raw, 0.5, "", note(upserts, "one upsert each")),
          against("group-commit-4", credits.together, "one commit per operation", credits.alone, 1.5, "",
                  note(credits, "four statements each"))};
}

}  // namespace guildhall::bench
