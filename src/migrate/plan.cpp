#include "migrate/plan.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/text.h"
#include "migrate/rewriting.h"
#include "migrate/script_rules.h"

namespace guildhall::migrate {
namespace {

constexpr std::size_t kShownText = 80;

bool has_words(const StatementReading& reading, std::initializer_list<std::string_view> words) {
  const auto matches = [](const Token& token, std::string_view word) { return is_keyword(token, word); };
  return !std::ranges::search(reading.statement.tokens, words, matches).empty();
}

StatementCost stronger(const StatementCost& one, const StatementCost& other) {
  return {std::max(one.lock, other.lock), one.scans || other.scans, one.rewrites || other.rewrites,
          one.builds_index || other.builds_index};
}

// --- PostgreSQL

StatementCost cost_of_constraint(const Constraint& constraint) {
  switch (constraint.kind) {
    case ConstraintKind::check: return {LockLevel::access_exclusive, !constraint.not_valid, false, false};
    case ConstraintKind::foreign_key:
      return {LockLevel::share_row_exclusive, !constraint.not_valid, false, false};
    case ConstraintKind::unique:
    case ConstraintKind::primary_key:
      return {LockLevel::access_exclusive, false, false, constraint.index.empty()};
    case ConstraintKind::exclude: return {LockLevel::access_exclusive, false, false, true};
  }
  return {};
}

StatementCost cost_of_column(const ColumnDefinition& column) {
  StatementCost cost{LockLevel::access_exclusive};
  cost.rewrites = differs_from_row_to_row(column, Dialect::postgres);
  for (const Constraint& one : column.constraints) cost = stronger(cost, cost_of_constraint(one));
  return cost;
}

/// ALTER TABLE: "An ACCESS EXCLUSIVE lock is acquired unless explicitly noted."
StatementCost cost_of_action(const TableAction& action, const TableFact* fact) {
  const StatementCost exclusive{LockLevel::access_exclusive};
  switch (action.kind) {
    case ActionKind::add_column: return cost_of_column(*action.column);
    case ActionKind::set_not_null: {
      const bool proven = fact != nullptr && is_proven_not_null(*fact, action.name, Dialect::postgres);
      return {LockLevel::access_exclusive, !proven, false, false};
    }
    case ActionKind::alter_type: {
      const ColumnFact* column =
          fact == nullptr ? nullptr : fact->column(name_key(action.name, Dialect::postgres));
      const bool keeps =
          column != nullptr && action.expression.empty() && keeps_its_form(column->type, action.column->type);
      return {LockLevel::access_exclusive, false, !keeps, false};
    }
    case ActionKind::add_constraint:
      return action.constraint ? cost_of_constraint(*action.constraint) : exclusive;
    case ActionKind::validate_constraint: return {LockLevel::share_update_exclusive, true, false, false};
    case ActionKind::set_parameters: return {LockLevel::share_update_exclusive};
    case ActionKind::attach_partition: return {LockLevel::share_update_exclusive, true, false, false};
    case ActionKind::detach_partition:
      return {action.concurrent ? LockLevel::share_update_exclusive : LockLevel::access_exclusive};
    case ActionKind::change_trigger: return {LockLevel::share_row_exclusive};
    case ActionKind::rebuild: return {LockLevel::access_exclusive, false, true, false};
    default: return exclusive;
  }
}

/// LOCK TABLE ... IN SHARE ROW EXCLUSIVE MODE
LockLevel level_of_lock_statement(const StatementReading& reading) {
  std::string mode;
  bool behind_in = false;
  for (const Token& token : reading.statement.tokens) {
    if (is_keyword(token, "mode")) break;
    if (behind_in) mode += (mode.empty() ? "" : " ") + to_lower_ascii(token.text);
    behind_in = behind_in || is_keyword(token, "in");
  }
  for (auto level = LockLevel::access_share; level < LockLevel::access_exclusive;
       level = static_cast<LockLevel>(static_cast<int>(level) + 1)) {
    if (to_lower_ascii(name_of(level)) == mode) return level;
  }
  return LockLevel::access_exclusive;
}

/// Statements whose kind alone decides, by their tags.
std::optional<StatementCost> cost_of_tag(const std::string& tag) {
  static constexpr std::pair<std::string_view, StatementCost> kCosts[] = {
      {"SELECT", {LockLevel::access_share}},
      {"INSERT", {LockLevel::row_exclusive}},
      {"UPDATE", {LockLevel::row_exclusive, true}},
      {"DELETE", {LockLevel::row_exclusive, true}},
      {"MERGE", {LockLevel::row_exclusive, true}},
      {"COPY", {LockLevel::row_exclusive}},
      {"TRUNCATE", {LockLevel::access_exclusive}},
      {"DROP TABLE", {LockLevel::access_exclusive}},
      {"DROP VIEW", {LockLevel::access_exclusive}},
      {"DROP MATERIALIZED VIEW", {LockLevel::access_exclusive}},
      {"DROP SEQUENCE", {LockLevel::access_exclusive}},
      {"CREATE VIEW", {LockLevel::access_share}},
      {"CREATE MATERIALIZED VIEW", {LockLevel::access_share}},
      {"CREATE TABLE AS", {LockLevel::access_share}},
      {"CREATE TRIGGER", {LockLevel::share_row_exclusive}},
      {"DROP TRIGGER", {LockLevel::access_exclusive}},
      {"ALTER TRIGGER", {LockLevel::access_exclusive}},
      {"CREATE POLICY", {LockLevel::access_exclusive}},
      {"ALTER POLICY", {LockLevel::access_exclusive}},
      {"DROP POLICY", {LockLevel::access_exclusive}},
      {"CREATE RULE", {LockLevel::access_exclusive}},
      {"DROP RULE", {LockLevel::access_exclusive}},
      {"CREATE STATISTICS", {LockLevel::share_update_exclusive}},
      {"COMMENT", {LockLevel::share_update_exclusive}},
      {"ANALYZE", {LockLevel::share_update_exclusive}},
      {"ALTER INDEX", {LockLevel::access_exclusive}},
      {"ALTER VIEW", {LockLevel::access_exclusive}},
      {"ALTER SEQUENCE", {LockLevel::share_row_exclusive}},
      {"CLUSTER", {LockLevel::access_exclusive, false, true}}};
  const auto found = std::ranges::find(kCosts, tag, [](const auto& one) { return one.first; });
  return found == std::end(kCosts) ? std::nullopt : std::optional(found->second);
}

StatementCost cost_in_postgres(const StatementReading& reading, const TableFacts& facts) {
  const std::string& tag = reading.tag;
  const bool beside = is_concurrent(reading.statement);
  if (tag == "ALTER TABLE") {
    const TableFact* fact = facts.find(name_key(reading.table, Dialect::postgres));
    StatementCost cost;
    for (const TableAction& action : reading.actions) cost = stronger(cost, cost_of_action(action, fact));
    return cost;
  }
  if (tag == "CREATE INDEX")
    return {beside ? LockLevel::share_update_exclusive : LockLevel::share, false, false, true};
  if (tag == "DROP INDEX") return {beside ? LockLevel::share_update_exclusive : LockLevel::access_exclusive};
  if (tag == "REINDEX")
    return {beside ? LockLevel::share_update_exclusive : LockLevel::access_exclusive, false, false, true};
  if (tag == "REFRESH")
    return {beside ? LockLevel::exclusive : LockLevel::access_exclusive, false, true, false};
  if (tag == "VACUUM") {
    const bool full = has_words(reading, {"full"});
    return {full ? LockLevel::access_exclusive : LockLevel::share_update_exclusive, !full, full, false};
  }
  if (tag == "LOCK") return {level_of_lock_statement(reading)};
  if (tag == "DO") {
    StatementCost cost;
    for (const StatementReading& inner : reading.inner)
      cost = stronger(cost, cost_of(inner, facts, Dialect::postgres));
    return cost;
  }
  return cost_of_tag(tag).value_or(StatementCost{});
}

// --- SQLite

StatementCost cost_in_sqlite(const StatementReading& reading) {
  if (reading.tag == "SELECT" || reading.tag == "PRAGMA") return {};
  StatementCost cost{LockLevel::exclusive};
  cost.builds_index = reading.tag == "CREATE INDEX";
  cost.scans = reading.tag == "UPDATE" || reading.tag == "DELETE";
  cost.rewrites = std::ranges::any_of(
      reading.actions, [](const TableAction& action) { return action.kind == ActionKind::drop_column; });
  return cost;
}

// --- the plan

std::string on_one_line(std::string_view text) {
  std::string line;
  for (const char c : text) {
    const bool space = c == ' ' || c == '\n' || c == '\t' || c == '\r';
    if (space && (line.empty() || line.back() == ' ')) continue;
    line += space ? ' ' : c;
  }
  if (utf16_length(line) <= kShownText) return line;
  constexpr std::string_view kMark = "\u2026";
  line = shorten(line, kShownText - 2);
  line.erase(line.size() - kMark.size());
  return line + "...";
}

std::int64_t work_ms(const PlannedStatement& statement, const TableFact* fact) {
  if (fact == nullptr || statement.is_new_table) return 0;
  const auto at = [](std::int64_t bytes, std::int64_t pace) { return bytes * 1'000 / pace; };
  std::int64_t total = 0;
  if (statement.cost.rewrites) {
    total += at(fact->bytes + fact->index_bytes, kWriteBytesPerSecond);
  } else if (statement.cost.scans) {
    total += at(fact->bytes, kScanBytesPerSecond);
  }
  if (statement.cost.builds_index) total += at(fact->bytes, kWriteBytesPerSecond);
  return total;
}

/// The new form of a table lies beside the old one until the transaction ends.
std::int64_t space_needed(const PlannedStatement& statement, const TableFact* fact) {
  if (fact == nullptr || statement.is_new_table) return 0;
  const std::int64_t rewritten = statement.cost.rewrites ? fact->bytes + fact->index_bytes : 0;
  const std::int64_t indexed = statement.cost.builds_index ? fact->bytes : 0;
  return (rewritten + indexed) * 13 / 10;
}

std::string table_of(const StatementReading& reading) {
  if (!reading.table.empty()) return reading.table;
  if (!reading.names.empty()) return reading.names.front();
  for (const StatementReading& inner : reading.inner) {
    if (std::string table = table_of(inner); !table.empty()) return table;
  }
  return "";
}

class Planner {
 public:
  Planner(const Preflight& preflight, Dialect dialect)
      : preflight_(preflight), dialect_(dialect), trace_(preflight.facts, dialect) {}

  PlannedMigration plan(const Pending& pending) {
    const Script& script = pending.script();
    PlannedMigration migration;
    migration.name = pending.name();
    migration.file = script.file;
    migration.in_transaction = runs_in_transaction(script, dialect_);
    migration.in_slices = script.options.batch.has_value();
    std::size_t number = pending.done;
    bool keeps_out = false;
    for (const StatementReading& reading : read_pending(pending, dialect_)) {
      std::int64_t work = 0;
      PlannedStatement statement = plan(reading, ++number, work);
      keeps_out = migration.in_transaction && (keeps_out || statement.stall_ms > 0 || blocks(statement));
      migration.stall_ms += keeps_out ? work : statement.stall_ms;
      migration.statements.push_back(std::move(statement));
      for (const StatementReading& inner : reading.inner) trace_.take(inner);
      trace_.take(reading);
    }
    for (const Finding& one : preflight_.lint) {
      if (one.name == script.file) migration.lint.push_back(one);
    }
    for (const PrecheckFinding& one : preflight_.prechecks) {
      if (one.migration == migration.name) migration.prechecks.push_back(one);
    }
    return migration;
  }

 private:
  static bool blocks(const PlannedStatement& statement) {
    return !statement.is_new_table && !kept_out_by(statement.cost.lock).empty();
  }

  PlannedStatement plan(const StatementReading& reading, std::size_t number, std::int64_t& work) const {
    PlannedStatement statement;
    statement.number = number;
    statement.line = reading.line();
    statement.text = on_one_line(reading.statement.text);
    statement.table = table_of(reading);
    statement.cost = cost_of(reading, preflight_.facts, dialect_);
    const std::string key = name_key(statement.table, dialect_);
    const TableFact* fact = preflight_.facts.find(key);
    statement.is_new_table =
        trace_.makes_table(statement.table) || (reading.tag == "CREATE TABLE" && fact == nullptr);
    if (fact != nullptr && !statement.is_new_table) {
      statement.rows = fact->rows;
      statement.rows_are_estimated = fact->is_estimate;
      statement.bytes = fact->bytes + fact->index_bytes;
    }
    work = work_ms(statement, fact);
    statement.space_bytes = space_needed(statement, fact);
    if (blocks(statement)) statement.stall_ms = work;
    return statement;
  }

  const Preflight& preflight_;
  Dialect dialect_;
  RunTrace trace_;
};

// --- for people

std::string show_bytes(std::int64_t bytes) {
  constexpr std::string_view kUnits[] = {"B", "KiB", "MiB", "GiB", "TiB"};
  double size = static_cast<double>(bytes);
  std::size_t unit = 0;
  while (size >= 1024 && unit + 1 < std::size(kUnits)) {
    size /= 1024;
    ++unit;
  }
  return unit == 0 ? fmt::format("{} B", bytes) : fmt::format("{:.1f} {}", size, kUnits[unit]);
}

std::string show_stall(std::int64_t ms) {
  if (ms == 0) return "-";
  if (ms < 1'000) return fmt::format("~{} ms", ms);
  return ms < 120'000 ? fmt::format("~{:.1f} s", static_cast<double>(ms) / 1'000)
                      : fmt::format("~{} min", ms / 60'000);
}

std::string show_work(const PlannedStatement& statement) {
  if (statement.is_new_table) return "-";
  std::vector<std::string_view> parts;
  if (statement.cost.rewrites) parts.emplace_back("rewrite");
  if (statement.cost.scans && !statement.cost.rewrites) parts.emplace_back("scan");
  if (statement.cost.builds_index) parts.emplace_back("index");
  return parts.empty() ? "-" : fmt::format("{}", fmt::join(parts, "+"));
}

std::vector<std::string> cells_of(const PlannedStatement& one, Dialect dialect) {
  const std::string_view lock = name_of(one.cost.lock);
  return {std::to_string(one.number),
          std::to_string(one.line),
          lock.empty()                 ? "-"
          : dialect == Dialect::sqlite ? std::string("WRITE (file)")
                                       : std::string(lock),
          one.table.empty() ? "-" : one.table,
          one.is_new_table ? "new"
          : one.rows       ? (one.rows_are_estimated ? "~" : "") + std::to_string(*one.rows)
                           : "-",
          one.rows && one.bytes > 0 ? show_bytes(one.bytes) : "-",
          show_work(one),
          show_stall(one.stall_ms),
          one.text};
}

std::string aligned(const std::vector<std::vector<std::string>>& rows, std::string_view indent) {
  std::vector<std::size_t> widths;
  for (const auto& row : rows) {
    widths.resize(std::max(widths.size(), row.size()));
    for (std::size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], row[i].size());
  }
  std::string text;
  for (const auto& row : rows) {
    std::string line(indent);
    for (std::size_t i = 0; i < row.size(); ++i) line += fmt::format("{:<{}}  ", row[i], widths[i]);
    line.erase(line.find_last_not_of(' ') + 1);
    text += line + "\n";
  }
  return text;
}

std::string show_lines(const Finding& finding) {
  const std::string at = finding.line > 0 ? fmt::format("line {}: ", finding.line) : "";
  const char* level = finding.level == Level::warning ? "warning: "
                      : finding.level == Level::info  ? "note: "
                                                      : "";
  std::string text = fmt::format("  {}: {}{}{}\n", finding.code, level, at, finding.text);
  if (!finding.hint.empty()) text += fmt::format("  hint: {}\n", finding.hint);
  return text;
}

}  // namespace

std::string show(const PlannedMigration& migration, Dialect dialect) {
  std::string text = fmt::format(
      "{} ({}, {})\n", migration.file,
      migration.in_transaction ? "one transaction"
      : migration.in_slices    ? "in slices"
                               : "statement by statement",
      migration.stall_ms == 0 ? std::string("nobody has to wait for long")
                              : fmt::format("others wait {}, estimated", show_stall(migration.stall_ms)));
  std::vector<std::vector<std::string>> rows{
      {"#", "LINE", "LOCK", "TABLE", "ROWS", "SIZE", "WORK", "STALL", "STATEMENT"}};
  for (const PlannedStatement& one : migration.statements) rows.push_back(cells_of(one, dialect));
  text += aligned(rows, "  ");
  for (const Finding& one : migration.lint) text += show_lines(one);
  for (const PrecheckFinding& one : migration.prechecks) text += show(one);
  return text;
}

std::string_view name_of(LockLevel level) {
  constexpr std::string_view kNames[] = {
      "",      "ACCESS SHARE",        "ROW SHARE", "ROW EXCLUSIVE",   "SHARE UPDATE EXCLUSIVE",
      "SHARE", "SHARE ROW EXCLUSIVE", "EXCLUSIVE", "ACCESS EXCLUSIVE"};
  return kNames[static_cast<std::size_t>(level)];
}

std::string_view kept_out_by(LockLevel level) {
  if (level == LockLevel::access_exclusive) return "everybody";
  return level >= LockLevel::share ? "writers" : "";
}

StatementCost cost_of(const StatementReading& reading, const TableFacts& facts, Dialect dialect) {
  return dialect == Dialect::postgres ? cost_in_postgres(reading, facts) : cost_in_sqlite(reading);
}

Plan make_plan(std::span<const Pending> pending, const Preflight& preflight, Dialect dialect) {
  Plan plan;
  plan.dialect = dialect;
  Planner planner(preflight, dialect);
  for (const Pending& one : pending) plan.migrations.push_back(planner.plan(one));
  for (const PlannedMigration& migration : plan.migrations) {
    for (const PlannedStatement& one : migration.statements) plan.space_bytes += one.space_bytes;
  }
  plan.errors =
      static_cast<std::size_t>(std::ranges::count(preflight.findings(), Level::error, &Finding::level));
  return plan;
}

std::string show(const PrecheckFinding& finding) {
  std::string text = show_lines(finding.finding);
  if (finding.rows.empty()) return text;
  std::vector<std::vector<std::string>> rows{finding.columns};
  rows.insert(rows.end(), finding.rows.begin(), finding.rows.end());
  text += aligned(rows, "    ");
  return text;
}

std::string show(const Plan& plan) {
  if (plan.migrations.empty()) return "Nothing to do: nothing is pending.\n";
  std::string text;
  for (const PlannedMigration& one : plan.migrations) text += show(one, plan.dialect) + "\n";
  text += fmt::format(
      "A stall is estimated from bytes: {} MB/s to read, {} MB/s to write; the wait for a lock comes on "
      "top.\n",
      kScanBytesPerSecond / 1'000'000, kWriteBytesPerSecond / 1'000'000);
  if (plan.space_bytes > 0)
    text += fmt::format("It needs about {} of space beside the data.\n", show_bytes(plan.space_bytes));
  text += fmt::format("plan: {} pending, {} errors\n", plan.migrations.size(), plan.errors);
  return text;
}

}  // namespace guildhall::migrate
