#include "store/postgres/session.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <boost/json/parse.hpp>

#include "base/json.h"

namespace guildhall::store::postgres {
namespace {

using Touch = StatementFacts::Touch;

/// Of one INSERT: a text of some tens of kilobytes, and what the protocol can number.
constexpr std::size_t kRowsAtOnce = 500;
constexpr std::size_t kMostParameters = 65'535;

/// Of the statements that are inspected: a pipeline that neither side's buffers are too small for.
constexpr std::size_t kInspectedAtOnce = 32;

/// Reads a plan as EXPLAIN gives it in JSON, in the words that SQLite has for the same.
void read_plan(const json::Value& node, StatementFacts& facts) {
  const std::string table = json::text_or(node, "Relation Name", "");
  const std::string alias = json::text_or(node, "Alias", table);
  const std::string kind = json::text_or(node, "Node Type", "");
  if (kind == "ModifyTable") {
    const std::string operation = json::text_or(node, "Operation", "");
    facts.accesses.push_back({table, "",
                              operation == "Insert"   ? Touch::insert
                              : operation == "Update" ? Touch::update
                                                      : Touch::erase});
    facts.read_only = false;
  } else if (!table.empty()) {
    const std::string condition = json::text_or(node, "Index Cond", "");
    const bool by_server = condition.find("discord_server_id") != std::string::npos;
    facts.accesses.push_back({table, by_server ? "discord_server_id" : "", Touch::read});
    facts.plan.push_back(kind.starts_with("Index")
                             ? fmt::format("SEARCH {} USING INDEX {} ({}=?)", alias,
                                           json::text_or(node, "Index Name", ""),
                                           by_server ? "discord_server_id" : "another column")
                             : fmt::format("SCAN {}", alias));
  }
  for (const json::Value& below : json::array(node, "Plans")) read_plan(below, facts);
}

}  // namespace

Session::Session(const std::string& url, std::string name)
    : Session(url, std::move(name), fmt::format("-csearch_path={}", kSchema)) {}

Session::Session(const std::string& url, std::string name, const std::string& settings)
    : name_(std::move(name)), connection_(connect(url, settings)) {}

void Session::refuse_errors(PGresult* result, std::string_view doing) const {
  switch (PQresultStatus(result)) {
    case PGRES_COMMAND_OK:
    case PGRES_TUPLES_OK: return;
    default: throw result == nullptr ? connection_error(connection_.get(), doing) : error_of(result, doing);
  }
}

namespace {

std::vector<const char*> pointers_to(const std::vector<std::string>& values) {
  std::vector<const char*> pointers;
  pointers.reserve(values.size());
  for (const std::string& value : values) pointers.push_back(value.c_str());
  return pointers;
}

}  // namespace

void Session::later(const std::string& sql, const std::vector<std::string>& values) {
  waiting_.push_back({sql, values});
}

/// One statement by the extended protocol, which takes one and no more; ahead of it what is waiting.
ResultPtr Session::ask(const std::string& sql, const Bound& bound) {
  if (!waiting_.empty()) return ask_together(std::exchange(waiting_, {}), sql, bound);
  return ResultPtr(PQexecParams(connection_.get(), sql.c_str(), bound.count, bound.types, bound.values,
                                bound.lengths, bound.formats, bound.wanted_format));
}

/// In libpq's pipeline mode: behind the first that fails the server passes over the others.
ResultPtr Session::ask_together(const std::vector<Statement>& first, const std::string& sql,
                                const Bound& bound) {
  PGconn* const connection = connection_.get();
  bool sent = PQenterPipelineMode(connection) == 1;
  for (const Statement& one : first) {
    sent = sent && PQsendQueryParams(connection, one.sql.c_str(), static_cast<int>(one.values.size()),
                                     nullptr, pointers_to(one.values).data(), nullptr, nullptr, 0) == 1;
  }
  sent = sent && PQsendQueryParams(connection, sql.c_str(), bound.count, bound.types, bound.values,
                                   bound.lengths, bound.formats, bound.wanted_format) == 1;
  if (!sent || PQpipelineSync(connection) != 1) throw connection_error(connection, "executing");
  ResultPtr failed;
  for (std::size_t i = 0; i < first.size(); ++i) {
    ResultPtr one = next_answer();
    const ExecStatusType status = PQresultStatus(one.get());
    if (!failed && status != PGRES_COMMAND_OK && status != PGRES_TUPLES_OK) failed = std::move(one);
  }
  ResultPtr answer = next_answer();
  end_pipeline();
  if (failed) refuse_errors(failed.get(), "executing");
  return answer;
}

/// All of one statement's answer: a result, then nothing.
ResultPtr Session::next_answer() {
  ResultPtr answer(PQgetResult(connection_.get()));
  if (answer) {
    while (const ResultPtr rest{PQgetResult(connection_.get())}) {
      if (PQstatus(connection_.get()) != CONNECTION_OK) break;
    }
  }
  return answer;
}

void Session::end_pipeline() {
  const ResultPtr sync(PQgetResult(connection_.get()));
  if (PQexitPipelineMode(connection_.get()) != 1 || PQresultStatus(sync.get()) != PGRES_PIPELINE_SYNC)
    throw connection_error(connection_.get(), "executing");
}

void Session::send_waiting() {
  if (waiting_.empty()) return;
  const Statement last = waiting_.back();
  waiting_.pop_back();
  query(last.sql, last.values);
}

void Session::execute(const std::string& script) {
  send_waiting();
  const ResultPtr result(PQexec(connection_.get(), script.c_str()));
  refuse_errors(result.get(), "executing");
}

std::int64_t Session::run(const std::string& statement) {
  const ResultPtr result = ask(statement, {});
  switch (PQresultStatus(result.get())) {
    case PGRES_COMMAND_OK:
    case PGRES_TUPLES_OK:
    case PGRES_EMPTY_QUERY: {
      const std::string_view changed = PQcmdTuples(result.get());
      return changed.empty() ? 0 : std::stoll(std::string(changed));
    }
    case PGRES_FATAL_ERROR: throw statement_error(result.get(), statement);
    default: throw connection_error(connection_.get(), "executing");
  }
}

SchemaSession::Rows Session::query(const std::string& sql, const std::vector<std::string>& values) {
  const auto pointers = pointers_to(values);
  const ResultPtr result = ask(sql, {.count = static_cast<int>(values.size()), .values = pointers.data()});
  refuse_errors(result.get(), "querying");
  Rows rows;
  for (int r = 0; r < PQntuples(result.get()); ++r) {
    auto& row = rows.emplace_back();
    for (int c = 0; c < PQnfields(result.get()); ++c) row.emplace_back(PQgetvalue(result.get(), r, c));
  }
  return rows;
}

std::vector<ValueRow> Session::read(const std::string& sql, const ValueRow& values) {
  Parameters parameters;
  parameters.reserve(values.size());
  std::vector<Oid> types;
  for (const Value& value : values) {
    parameters.add(value);
    types.push_back(oid_of(std::holds_alternative<std::int64_t>(value)  ? ValueType::integer
                           : std::holds_alternative<std::string>(value) ? ValueType::text
                                                                        : ValueType::blob));
  }
  const ResultPtr result = ask(sql, {parameters.count(), types.data(), parameters.pointers(),
                                     parameters.lengths(), parameters.formats(), 1});
  refuse_errors(result.get(), "querying");
  RowCells cells(result.get());
  std::vector<ValueRow> rows(static_cast<std::size_t>(PQntuples(result.get())));
  for (std::size_t r = 0; r < rows.size(); ++r) {
    cells.go_to(static_cast<int>(r));
    for (int c = 0; c < PQnfields(result.get()); ++c) rows[r].push_back(cells.value(c));
  }
  return rows;
}

void Session::insert(const std::string& table, const std::vector<Column>& columns,
                     const std::vector<ValueRow>& rows) {
  std::string names;
  for (const Column& column : columns)
    names += fmt::format("{}\"{}\"", names.empty() ? "" : ", ", column.name);
  const std::size_t most = std::min(kRowsAtOnce, kMostParameters / columns.size());
  for (std::size_t from = 0; from < rows.size(); from += most) {
    const std::size_t until = std::min(from + most, rows.size());
    // Also a number that the database would choose itself is the one that it was.
    std::string sql = fmt::format("INSERT INTO \"{}\" ({}) OVERRIDING SYSTEM VALUE VALUES ", table, names);
    Parameters parameters;
    parameters.reserve((until - from) * columns.size());
    std::vector<Oid> types;
    for (std::size_t r = from; r < until; ++r) {
      sql += r == from ? "(" : ", (";
      for (std::size_t c = 0; c < columns.size(); ++c) {
        types.push_back(oid_of(columns[c].type));
        parameters.add(rows[r][c]);
        sql += fmt::format("{}${}", c == 0 ? "" : ", ", types.size());
      }
      sql += ")";
    }
    const ResultPtr result = ask(sql, {parameters.count(), types.data(), parameters.pointers(),
                                       parameters.lengths(), parameters.formats(), 1});
    refuse_errors(result.get(), "writing");
  }
}

void Session::begin() {
  execute("BEGIN");
  query(fmt::format("SELECT pg_advisory_xact_lock({}, {})", kLockClass,
                    static_cast<int>(DatabaseLock::schema)));
}

/// Also when the statement that begins it is still waiting.
bool Session::in_transaction() const {
  return !waiting_.empty() || PQtransactionStatus(connection_.get()) != PQTRANS_IDLE;
}

std::function<void()> Session::canceller() const {
  const std::shared_ptr<PGcancel> cancel(PQgetCancel(connection_.get()), PQfreeCancel);
  return [cancel] {
    char why[256];
    if (cancel) PQcancel(cancel.get(), why, sizeof why);
  };
}

namespace {

std::string explanation(const std::string& prepared, const PreparedText& text) {
  const std::vector<std::string_view> values(text.sql.names.size(), "NULL");
  return fmt::format("EXPLAIN (VERBOSE, FORMAT JSON, COSTS OFF) EXECUTE {}{}", prepared,
                     values.empty() ? "" : fmt::format("({})", fmt::join(values, ", ")));
}

/// Each join of a statement of ours is two levels of its plan.
json::Value read_explanation(PGresult* explained) {
  boost::json::parse_options options;
  options.max_depth = 128;
  return boost::json::parse(PQgetvalue(explained, 0, 0), {}, options);
}

StatementFacts facts_of(const PreparedText& text, PGresult* described, PGresult* explained) {
  StatementFacts facts;
  facts.sql = text.written;
  facts.read_only = true;
  for (const std::string& name : text.sql.names) facts.parameters.push_back(":" + name);
  for (int c = 0; c < PQnfields(described); ++c) facts.columns.emplace_back(PQfname(described, c));
  const json::Value explanation = read_explanation(explained);
  for (const json::Value& top : explanation.as_array()) {
    if (const json::Value* node = json::find(top, "Plan")) read_plan(*node, facts);
  }
  return facts;
}

}  // namespace

Session::Inspected Session::inspect(std::span<const PreparedText* const> texts) {
  Inspected seen;
  while (!texts.empty() && !seen.refused) {
    const std::size_t count = std::min(texts.size(), kInspectedAtOnce);
    inspect_together(texts.first(count), seen);
    texts = texts.subspan(count);
  }
  return seen;
}

void Session::inspect_together(std::span<const PreparedText* const> texts, Inspected& seen) {
  PGconn* const connection = connection_.get();
  const auto send = [connection](const std::string& sql) {
    return PQsendQueryParams(connection, sql.c_str(), 0, nullptr, nullptr, nullptr, nullptr, 0) == 1;
  };
  bool sent = PQenterPipelineMode(connection) == 1 && send("DEALLOCATE ALL");
  for (std::size_t i = 0; i < texts.size(); ++i) {
    const std::string name = fmt::format("inspected_{}", i);
    const PreparedText& text = *texts[i];
    sent = sent &&
           PQsendPrepare(connection, name.c_str(), text.sql.text.c_str(), static_cast<int>(text.types.size()),
                         text.types.data()) == 1 &&
           PQsendDescribePrepared(connection, name.c_str()) == 1 && send(explanation(name, text));
  }
  if (!sent || PQpipelineSync(connection) != 1) throw connection_error(connection, "inspecting");
  const ResultPtr cleared = next_answer();
  for (const PreparedText* text : texts) {
    const ResultPtr prepared = next_answer();
    const ResultPtr described = next_answer();
    const ResultPtr explained = next_answer();
    if (seen.refused) continue;
    try {
      refuse_errors(cleared.get(), "inspecting");
      refuse_errors(prepared.get(), "preparing");
      refuse_errors(described.get(), "describing");
      refuse_errors(explained.get(), "explaining");
      seen.facts.push_back(facts_of(*text, described.get(), explained.get()));
    } catch (const DatabaseError& error) {
      seen.refused = error;
    }
  }
  end_pipeline();
}

}  // namespace guildhall::store::postgres
