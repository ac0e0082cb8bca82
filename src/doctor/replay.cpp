#include "doctor/replay.h"

#include <fmt/format.h>

#include <algorithm>
#include <ranges>
#include <set>
#include <tuple>
#include <utility>

#include "net/loops.h"
#include "store/database_error.h"

namespace guildhall::doctor {
namespace {

using store::Access;
using store::RawAnswer;
using store::TxTask;

constexpr std::size_t kUsed = 8;
/// Of the last: in the end the servers hold most, and no two the same.
constexpr std::size_t kLast = 2;
constexpr std::size_t kOthers = 12;
constexpr std::size_t kMost = 60;

/// Carries the answer out of the work that it undoes.
struct Undone {
  RawAnswer answer;
};

template <class TxType>
TxTask<void> run_and_undo(TxType& tx, const void* key, std::vector<store::Value> values, bool many) {
  RawAnswer answer = co_await tx.raw(key, std::move(values), many);
  throw Undone{std::move(answer)};
}

/// Cross-server statements name their servers as :first and :last, or one as :id.
std::vector<store::Value> values_for(const store::StatementInfo& info, const Run& sample, ServerId server) {
  std::vector<store::Value> values = sample.values;
  if (info.access != Access::cross_server) return values;
  for (std::size_t i = 0; i < values.size(); ++i) {
    const std::string& name = info.parameters[i].name;
    if (name == "first" || name == "last" || name == "id") values[i] = store::Codec<ServerId>::encode(server);
  }
  return values;
}

void run(tenancy::Tenancy& tenancy, const store::StatementInfo& info, const Run& sample, ServerId server,
         TimePoint now) {
  const void* key = info.key;
  const auto values = values_for(info, sample, server);
  const bool many = sample.many;
  switch (info.access) {
    case Access::server: {
      const auto scope = tenancy.scopes().for_operator(server);
      if (!scope) throw ErrorException(scope.error());
      return net::run_to_end(scope->transact(
          [key, values, many](store::Tx& tx) { return run_and_undo(tx, key, values, many); }));
    }
    case Access::global:
      return net::run_to_end(tenancy.global().transact(
          [key, values, many](store::GlobalTx& tx) { return run_and_undo(tx, key, values, many); }));
    case Access::cross_server: {
      const auto body = [key, values, many](store::CrossTx& tx) {
        return run_and_undo(tx, key, values, many);
      };
      if (!sample.scope.range) return net::run_to_end(tenancy.door().transact("isolation.proof", now, body));
      return net::run_to_end(tenancy.door().transact("isolation.proof", now, {server, server}, body));
    }
  }
}

Outcome outcome_of(const RawAnswer& answer) {
  Outcome outcome;
  outcome.changes = answer.changes;
  for (const auto& row : answer.rows) {
    std::string line;
    for (const auto& cell : row) line += cell ? fmt::format("{}:{} ", cell->size(), *cell) : "- ";
    outcome.rows.push_back(std::move(line));
  }
  std::sort(outcome.rows.begin(), outcome.rows.end());
  return outcome;
}

}  // namespace

namespace {

/// Adds a sample unless the statement has it or has enough, of those of a batch and of the others.
class Collector {
 public:
  explicit Collector(Samples& samples) : samples_(samples) {}
  void add(const Run& run, std::size_t most) {
    auto& held = samples_[run.statement];
    const auto alike = std::ranges::count(held, run.many, &Run::many);
    if (std::cmp_greater_equal(alike, most)) return;
    if (!known_.emplace(run.statement, run.many, as_text(run.values)).second) return;
    held.push_back(run);
  }

 private:
  Samples& samples_;
  std::set<std::tuple<std::size_t, bool, std::string>> known_;
};

/// By name of the parameter, the values that had an effect first.
std::map<std::string, std::vector<store::Value>> pools_of(const Samples& used,
                                                          const store::StatementRegistry& statements) {
  std::map<std::string, std::vector<store::Value>> pools;
  std::set<std::pair<std::string, std::string>> known;
  for (const auto& [statement, runs] : used) {
    const auto& parameters = statements.all()[statement].parameters;
    for (const Run& run : runs) {
      for (std::size_t i = 0; i < parameters.size(); ++i) {
        if (known.emplace(parameters[i].name, as_text({run.values[i]})).second)
          pools[parameters[i].name].push_back(run.values[i]);
      }
    }
  }
  return pools;
}

/// The sample with other values in place of each one.
void add_others(Collector& collector, const Run& sample, const store::StatementInfo& info,
                const std::map<std::string, std::vector<store::Value>>& pools) {
  for (std::size_t i = 0; i < info.parameters.size(); ++i) {
    Run other = sample;
    std::size_t tried = 0;
    for (const store::Value& value : pools.at(info.parameters[i].name)) {
      if (value.index() != other.values[i].index() || ++tried > kOthers) continue;
      other.values[i] = value;
      collector.add(other, kMost);
    }
  }
}

}  // namespace

Samples samples_of(const std::vector<Run>& runs, const store::StatementRegistry& statements) {
  Samples samples;
  Collector collector(samples);
  for (const bool effective : {true, false}) {
    for (const Run& run : runs) {
      if ((run.rows + run.changes > 0) == effective && !run.failed) collector.add(run, kUsed);
    }
  }
  for (const Run& run : runs | std::views::reverse) {
    if (run.rows + run.changes > 0 && !run.failed) collector.add(run, kUsed + kLast);
  }
  const auto pools = pools_of(samples, statements);
  const Samples used = samples;
  for (const auto& [statement, held] : used) {
    const auto& info = statements.all()[statement];
    if (info.access != Access::server) continue;
    for (const bool many : {false, true}) {
      const auto first = std::ranges::find(held, many, &Run::many);
      if (first != held.end()) add_others(collector, *first, info, pools);
    }
  }
  return samples;
}

Outcome replay(tenancy::Tenancy& tenancy, const store::StatementInfo& info, const Run& sample,
               ServerId server, TimePoint now) {
  try {
    run(tenancy, info, sample, server, now);
  } catch (const Undone& undone) {
    return outcome_of(undone.answer);
  } catch (const store::DatabaseError& error) {
    Outcome outcome;
    outcome.error = fmt::format("database error {}", static_cast<int>(error.code()));
    return outcome;
  }
  return {};  // not reached: the work always ends by what it throws
}

}  // namespace guildhall::doctor
