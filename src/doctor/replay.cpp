#include "doctor/replay.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "net/loops.h"
#include "store/database_error.h"

namespace guildhall::doctor {
namespace {

using store::Access;
using store::RawAnswer;
using store::TxTask;

/// Carries the answer out of the work that it undoes.
struct Undone {
  RawAnswer answer;
};

template <class TxType>
TxTask<void> run_and_undo(TxType& tx, const void* key, std::vector<store::Value> values) {
  RawAnswer answer = co_await tx.raw(key, std::move(values));
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
  switch (info.access) {
    case Access::server: {
      const auto scope = tenancy.scopes().for_operator(server);
      if (!scope) throw ErrorException(scope.error());
      return net::run_to_end(
          scope->transact([key, values](store::Tx& tx) { return run_and_undo(tx, key, values); }));
    }
    case Access::global:
      return net::run_to_end(tenancy.global().transact(
          [key, values](store::GlobalTx& tx) { return run_and_undo(tx, key, values); }));
    case Access::cross_server: {
      const auto body = [key, values](store::CrossTx& tx) { return run_and_undo(tx, key, values); };
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

Samples samples_of(const std::vector<Run>& runs, std::size_t most_per_statement) {
  Samples samples;
  std::set<std::pair<std::size_t, std::string>> known;
  for (const bool effective : {true, false}) {
    for (const Run& run : runs) {
      if ((run.rows + run.changes > 0) != effective || run.failed) continue;
      auto& held = samples[run.statement];
      if (held.size() >= most_per_statement) continue;
      if (known.emplace(run.statement, as_text(run.values)).second) held.push_back(run);
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
