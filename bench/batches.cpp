// Many rows of one server by one statement on PostgreSQL: arrays, as a unit of work runs a plain INSERT, once
// per row in one pipeline, as it runs every other statement, and the other ways that there are.
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <stdexcept>

#include "bench/bench.h"
#include "bench/postgres_server.h"
#include "bench/raw_postgres.h"
#include "store/schema_session.h"
#include "tests/support/test_world.h"

namespace guildhall::bench {
namespace {

using store::NoRow;
using store::Statement;

struct SpanParams {
  std::int64_t from_us;
  std::int64_t until_us;
};
BOOST_DESCRIBE_STRUCT(SpanParams, (), (from_us, until_us))

constexpr Statement<SpanParams, NoRow> kAddSpan{
    "bench.add_span",
    "INSERT INTO watch_spans (discord_server_id, from_us, until_us) VALUES (:server, :from_us, :until_us) "
    "ON CONFLICT (discord_server_id, from_us) DO NOTHING"};
constexpr Statement<SpanParams, NoRow> kPutSpan{
    "bench.put_span",
    "INSERT INTO watch_spans (discord_server_id, from_us, until_us) VALUES (:server, :from_us, :until_us) "
    "ON CONFLICT (discord_server_id, from_us) DO UPDATE SET until_us = excluded.until_us"};
constexpr const char* kMerge =
    "INSERT INTO watch_spans (discord_server_id, from_us, until_us) "
    "SELECT 1, from_us, until_us FROM taken ORDER BY from_us "
    "ON CONFLICT (discord_server_id, from_us) DO UPDATE SET until_us = excluded.until_us";

using Rows = std::vector<SpanParams>;

double seconds_of(const std::function<void()>& work) {
  const auto begin = std::chrono::steady_clock::now();
  work();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
}

/// All ways write the same rows, and each finds the table empty.
class Batches {
 public:
  Batches() : world_(store::Layout::postgres) {
    world_.declarations.statements.add("bench", kAddSpan, kPutSpan);
    stop_waiting_for_disk(world_);
    // Nobody of Guildhall's may make temporary tables: this is for the measuring.
    world_.execute(
        "DO $$ BEGIN EXECUTE format('GRANT TEMPORARY ON DATABASE %I TO guildhall_app', current_database()); "
        "END $$");
    world_.reopen();
    world_.server(1);
    owner_ = *store::open_schema_session(world_.place());
    raw_.emplace(world_.place().url, "guildhall");
    raw_->execute("CREATE TEMP TABLE taken (from_us BIGINT, until_us BIGINT) ON COMMIT DELETE ROWS");
  }

  void arrays(const Rows& rows) { run(kAddSpan, rows); }
  void pipeline(const Rows& rows) { run(kPutSpan, rows); }
  void copy(const Rows& rows) {
    std::string lines;
    for (const SpanParams& row : rows) lines += fmt::format("{}\t{}\n", row.from_us, row.until_us);
    raw_->execute("BEGIN; SET LOCAL guildhall.server_id = '1'");
    raw_->copy_in("COPY taken FROM STDIN", lines);
    raw_->execute(kMerge);
    raw_->execute("COMMIT");
  }
  /// As `move` writes: several rows in one text.
  void values(const Rows& rows) {
    std::vector<store::ValueRow> values;
    for (const SpanParams& row : rows) values.push_back({std::int64_t{1}, row.from_us, row.until_us});
    owner_->execute("BEGIN");
    owner_->insert("watch_spans", {{"discord_server_id"}, {"from_us"}, {"until_us"}}, values);
    owner_->execute("COMMIT");
  }

  /// The median of several times, in seconds.
  double median(std::size_t times, const Rows& rows, const std::function<void(const Rows&)>& way) {
    std::vector<double> taken;
    for (std::size_t i = 0; i < times; ++i) {
      world_.execute("TRUNCATE watch_spans");
      taken.push_back(seconds_of([&] { way(rows); }));
      const std::string count = world_.dump("SELECT count(*) FROM watch_spans");
      if (count != fmt::format("{}\n", rows.size())) throw std::runtime_error("batches: rows are missing");
    }
    std::nth_element(taken.begin(), taken.begin() + static_cast<std::ptrdiff_t>(times / 2), taken.end());
    return taken[times / 2];
  }

 private:
  void run(const Statement<SpanParams, NoRow>& statement, const Rows& rows) {
    world_.in(1, [&](store::Tx& tx) -> store::TxTask<void> { co_await tx.batch(statement, rows); });
  }

  test::TestWorld world_;
  std::optional<RawPostgres> raw_;
  std::unique_ptr<store::SchemaSession> owner_;
};

Figure against_pipeline(const std::string& name, std::size_t rows, double seconds, double pipeline) {
  Figure figure;
  figure.name = fmt::format("{}-{}", name, rows);
  figure.value = static_cast<double>(rows) / seconds;
  figure.unit = "rows/s";
  figure.reference = "once per row in one pipeline";
  figure.reference_value = static_cast<double>(rows) / pipeline;
  figure.bound = 0.02;
  figure.note = fmt::format("{:.2f} ms, {} rows", seconds * 1'000, rows);
  return figure;
}

}  // namespace

Figures measure_batches(Size size) {
  need_postgres();
  progress("batches: many rows by one statement");
  Batches batches;
  Figures figures;
  std::vector<std::size_t> sizes{1, 5, 100, 1'000, 10'000};
  if (size == Size::full) sizes.push_back(100'000);
  for (const std::size_t count : sizes) {
    Rows rows;
    // In no order of the key.
    for (std::size_t i = 0; i < count; ++i) {
      const auto from = static_cast<std::int64_t>(i * 7'919 % count) * 10 + 1;
      rows.push_back({from, from + 5});
    }
    const std::size_t times = count > 10'000 ? 3 : 7;
    const double pipeline = batches.median(times, rows, [&](const Rows& r) { batches.pipeline(r); });
    const auto against = [&](const std::string& name, void (Batches::*way)(const Rows&)) {
      const double seconds = batches.median(times, rows, [&](const Rows& r) { (batches.*way)(r); });
      figures.push_back(against_pipeline(name, count, seconds, pipeline));
    };
    against("batch", &Batches::arrays);
    against("copy", &Batches::copy);
    against("values", &Batches::values);
  }
  return figures;
}

}  // namespace guildhall::bench
