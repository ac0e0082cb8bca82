#include "migrate/lint.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/text.h"
#include "migrate/rewriting.h"

namespace guildhall::migrate {
namespace {

constexpr std::size_t kLongestName = 63;  // NAMEDATALEN - 1

bool has_words(const StatementReading& reading, std::initializer_list<std::string_view> words) {
  const auto matches = [](const Token& token, std::string_view word) { return is_keyword(token, word); };
  return !std::ranges::search(reading.statement.tokens, words, matches).empty();
}

// --- ways back

/// Could the tool itself undo it, from what the schema was before and is after?
bool is_derivable(const StatementReading& reading, const RunTrace& before) {
  if (reading.opaque) return false;
  if (reading.tag == "TRUNCATE" || reading.tag == "MERGE" || reading.tag == "ALTER TYPE") return false;
  if (reading.tag == "DROP TABLE" || reading.tag == "DROP SCHEMA" || reading.tag == "DROP SEQUENCE")
    return std::ranges::all_of(reading.names, [&](const auto& name) { return before.makes(name); });
  if (!std::ranges::all_of(reading.writes, [&](const auto& table) { return before.makes_table(table); }))
    return false;
  return std::ranges::none_of(reading.actions, [&](const TableAction& action) {
    return (action.kind == ActionKind::drop_column || action.kind == ActionKind::alter_type) &&
           !before.makes_table(reading.table);
  });
}

// --- all rules

enum class Fill { unknown, empty, small, large };

class Linter {
 public:
  Linter(const TableFacts& facts, Dialect dialect, const LintOptions& options)
      : facts_(facts), dialect_(dialect), options_(options) {}

  Findings run(std::span<const Pending> pending) {
    for (const Pending& one : pending) run_.push_back(read_pending(one, dialect_));
    for (const auto& readings : run_) {
      for (const StatementReading* reading : with_inner(readings)) look_ahead(*reading);
    }
    for (std::size_t i = 0; i < pending.size(); ++i) check_migration(*pending[i].migration, run_[i]);
    return std::move(findings_);
  }

 private:
  bool postgres() const { return dialect_ == Dialect::postgres; }
  RunTrace& trace() { return *trace_; }
  const RunTrace& trace() const { return *trace_; }
  bool has_tenants() const { return !options_.tenant_column.empty(); }
  std::string key(std::string_view name) const { return name_key(name, dialect_); }

  /// What the run does somewhere, for rules that are kept by a later statement.
  void look_ahead(const StatementReading& reading) {
    if (reading.tag == "CREATE ROLE") new_roles_.insert(key(reading.object));
    const bool fixes_path = has_words(reading, {"set", "search_path"});
    if (reading.tag.starts_with("ALTER ") && fixes_path) pinned_.insert(key(reading.object));
    for (const TableAction& action : reading.actions) {
      const bool is_key = action.constraint && action.constraint->kind == ConstraintKind::primary_key;
      if (is_key) keyed_.insert(key(reading.table));
      if (action.kind == ActionKind::enable_row_security) secured_.insert(key(reading.table));
      if (action.kind == ActionKind::rename_table && trace_would_refill(reading))
        refilled_.insert(key(action.new_name));
    }
    for (const std::string& table : reading.writes) filled_.insert(key(table));
  }
  /// The new table of SQLite's way to change one: it was filled before it took the old one's name.
  bool trace_would_refill(const StatementReading& reading) const {
    return dialect_ == Dialect::sqlite && filled_.contains(key(reading.table));
  }

  void add(std::string code, Level level, std::size_t line, std::string text, std::string hint) {
    const auto& allowed = script_->options.allow;
    if (std::ranges::find(allowed, code) != allowed.end()) return;
    findings_.push_back({std::move(code), level, script_->file, line, std::move(text), std::move(hint)});
  }

  Fill fill_of(const std::string& table) const {
    if (trace().makes_table(table)) return Fill::empty;
    if (!facts_.known) return Fill::unknown;
    const TableFact* fact = facts_.find(key(table));
    if (fact == nullptr || fact->rows == 0) return Fill::empty;
    return fact->rows > kSmallTable ? Fill::large : Fill::small;
  }
  std::string rows_of(const std::string& table) const {
    const TableFact* fact = facts_.find(key(table));
    if (fact == nullptr) return table;
    return fmt::format("{} ({}{} {})", table, fact->is_estimate ? "about " : "", fact->rows,
                       fact->rows == 1 ? "row" : "rows");
  }
  /// Of rules that stop for a large table and warn of a smaller one.
  static Level level_by_size(Fill fill) { return fill == Fill::large ? Level::error : Level::warning; }

  void check_migration(const Migration& migration, const std::vector<StatementReading>& readings) {
    script_ = migration.up.get();
    // Without a database each may have been applied long before the next.
    if (!trace_ || !facts_.known) trace_.emplace(facts_, dialect_);
    bool derivable = true;
    for (const StatementReading* reading : with_inner(readings)) {
      derivable = derivable && is_derivable(*reading, trace());
      check(*reading);
      trace().take(*reading);
    }
    if (!migration.down && !derivable) {
      add("L21", Level::warning, 0,
          "there is no way back, and none can be derived: it changes or takes away data",
          fmt::format("Write {}.down.sql, if only to say why there is none.", migration.name));
    }
  }

  void check(const StatementReading& reading) {
    check_losses(reading);
    check_rows(reading);
    check_tolerance(reading);
    check_new_table(reading);
    if (script_->options.phase == Phase::expand) check_expand(reading);
    for (const TableAction& action : reading.actions) check_action(reading, action);
    if (!postgres()) return;
    check_index(reading);
    check_roles(reading);
    check_names(reading);
    check_functions_and_views(reading);
    if (reading.tag == "LOCK") {
      add("L18", Level::warning, reading.line(), "LOCK TABLE makes everybody wait until the migration ends",
          "Leave it to the statements: each takes the lock that it needs.");
    }
    if (reading.tag == "CLUSTER" || has_words(reading, {"vacuum", "full"})) {
      add("L20", Level::error, reading.line(),
          fmt::format("{} rewrites the table while nobody can use it",
                      reading.tag == "CLUSTER" ? "CLUSTER" : "VACUUM FULL"),
          "Run it by hand in a quiet hour, or use pg_repack.");
    }
  }

  // --- L03, L09, L11, L19

  void check_losses(const StatementReading& reading) {
    const auto report = [&](const std::string& what) {
      add("L03", Level::error, reading.line(), fmt::format("{} takes data away for good", what),
          "If that is meant: `-- guildhall: allow=L03 reason=\"...\"` at the top of the file.");
    };
    if (reading.tag == "DROP TABLE" || reading.tag == "TRUNCATE") {
      for (const std::string& table : reading.names) {
        if (!trace().makes_table(table) && !refilled_.contains(key(table)))
          report(fmt::format("{} {}", reading.tag, table));
      }
    } else if (reading.tag == "DELETE" && !reading.has_where && !trace().makes_table(reading.table)) {
      report(fmt::format("DELETE FROM {} without WHERE", reading.table));
    } else if (reading.tag == "DROP SCHEMA" && has_words(reading, {"cascade"})) {
      report(fmt::format("DROP SCHEMA {} CASCADE", reading.object));
    }
    for (const TableAction& action : reading.actions) {
      if (action.kind == ActionKind::drop_column && !trace().makes_table(reading.table) &&
          !trace().makes_column(reading.table, action.name))
        report(fmt::format("DROP COLUMN {}.{}", reading.table, action.name));
    }
  }

  void check_rows(const StatementReading& reading) {
    if (reading.tag == "UPDATE" && !reading.has_where && !script_->options.batch &&
        fill_of(reading.table) != Fill::empty) {
      add("L09", Level::warning, reading.line(),
          fmt::format("UPDATE of all of {} in one statement keeps every row locked until it is done",
                      rows_of(reading.table)),
          fmt::format(
              "Move it to a migration of its own with `-- guildhall: batch={}(KEY)` at the top: it runs in "
              "slices then.",
              reading.table));
    }
    const bool sets = has_words(reading, {"setval"}) || has_words(reading, {"set_config"});
    if (reading.tag == "SELECT" && !reading.opaque && !sets && reading.writes.empty()) {
      add("L19", Level::warning, reading.line(), "a SELECT changes nothing, and nobody sees its rows",
          "Take it out, and run it yourself where its rows matter.");
    }
  }

  void check_tolerance(const StatementReading& reading) {
    const bool is_creation = reading.tag.starts_with("CREATE ") && reading.tag != "CREATE SCHEMA" &&
                             reading.tag != "CREATE EXTENSION";
    const auto report = [&](const std::string& name) {
      add("L11", Level::warning, reading.line(),
          fmt::format("IF NOT EXISTS passes over another object that is called {} already", name),
          "Leave it away: the journal knows what was applied.");
    };
    for (const TableAction& action : reading.actions) {
      if (action.kind == ActionKind::add_column && action.tolerant)
        report(fmt::format("{}.{}", reading.table, action.name));
    }
    if (is_creation && reading.tolerant) {
      report(reading.object);
    } else if (reading.swallows) {
      add("L11", Level::warning, reading.line(),
          "the block takes \"exists already\" for success, also where it is another object of that name",
          "Leave the block away: the journal knows what was applied.");
    }
  }

  // --- L23

  void check_expand(const StatementReading& reading) {
    const auto report = [&](const std::string& what) {
      add("L23", Level::warning, reading.line(),
          fmt::format("{} in an expand: programs of before still run on what was there", what),
          "Move it to a later file with phase=contract.");
    };
    const auto is_ours = [&](const std::string& table) {
      return trace().makes_table(table) || refilled_.contains(key(table));
    };
    const bool of_tables = reading.tag == "DROP TABLE";
    if (of_tables ? !std::ranges::all_of(reading.names, is_ours) : reading.tag.starts_with("DROP "))
      report(fmt::format("{} {}", reading.tag, of_tables ? reading.names.front() : reading.object));
    if (reading.tag.starts_with("ALTER ") && reading.actions.empty() && has_words(reading, {"rename"}))
      report(fmt::format("RENAME of {}", reading.object));
    for (const TableAction& action : reading.actions) {
      if (is_ours(reading.table) || trace().makes_column(reading.table, action.name)) continue;
      if (action.kind == ActionKind::drop_column)
        report(fmt::format("DROP COLUMN {}.{}", reading.table, action.name));
      if (action.kind == ActionKind::rename_column)
        report(fmt::format("RENAME of {}.{}", reading.table, action.name));
      if (action.kind == ActionKind::rename_table) report(fmt::format("RENAME of {}", reading.table));
    }
  }

  // --- L15, L16

  bool has_tenant_column(const StatementReading& reading) const {
    return std::ranges::any_of(reading.columns, [&](const ColumnDefinition& column) {
      return key(column.name) == options_.tenant_column;
    });
  }

  void check_new_table(const StatementReading& reading) {
    if (reading.tag != "CREATE TABLE" || !reading.has_own_shape || reading.temporary) return;
    const auto is_key = [](const Constraint& one) { return one.kind == ConstraintKind::primary_key; };
    const bool has_key = std::ranges::any_of(reading.constraints, is_key) ||
                         std::ranges::any_of(reading.columns, [&](const ColumnDefinition& column) {
                           return std::ranges::any_of(column.constraints, is_key);
                         });
    if (!has_key && !keyed_.contains(key(reading.table))) {
      add("L15", Level::warning, reading.line(), fmt::format("table {} has no primary key", reading.table),
          "Give it one: without it no row can be named, replicated or repaired.");
    }
    if (!has_tenants()) return;
    if (!has_tenant_column(reading)) {
      add("L15", Level::warning, reading.line(),
          fmt::format("table {} has no column {}", reading.table, options_.tenant_column),
          "Every row of a tenant schema says whose it is.");
    } else if (postgres() && !secured_.contains(key(reading.table))) {
      add("L15", Level::error, reading.line(),
          fmt::format("table {} has no row-level security", reading.table),
          fmt::format("Add: ALTER TABLE {} ENABLE ROW LEVEL SECURITY, and a policy.", reading.table));
    }
    if (!postgres() || !has_tenant_column(reading)) return;
    for (const Constraint& one : reading.constraints) check_tenant_key(reading, reading.table, one);
    for (const ColumnDefinition& column : reading.columns) {
      for (const Constraint& one : column.constraints) check_tenant_key(reading, reading.table, one);
    }
  }

  void check_tenant_key(const StatementReading& reading, const std::string& table,
                        const Constraint& constraint) {
    if (constraint.kind != ConstraintKind::unique && constraint.kind != ConstraintKind::primary_key) return;
    if (constraint.index.empty()) check_tenant_key(reading, table, constraint.columns);
  }
  void check_tenant_key(const StatementReading& reading, const std::string& table,
                        const std::vector<std::string>& columns) {
    const auto is_tenant = [&](const std::string& column) { return key(column) == options_.tenant_column; };
    if (!has_tenants() || std::ranges::any_of(columns, is_tenant)) return;
    add("L16", Level::error, reading.line(),
        fmt::format("a unique key of {} lacks {}", table, options_.tenant_column),
        "Citus refuses it on a distributed table, and one tenant's row could keep another's out.");
  }

  // --- L02, L24

  void check_index(const StatementReading& reading) {
    if (!reading.index) return;
    const IndexDefinition& index = *reading.index;
    const Fill fill = fill_of(index.table);
    if (!reading.concurrent && fill != Fill::empty) {
      add("L02", level_by_size(fill), reading.line(),
          fmt::format("CREATE INDEX keeps writers out of {} until it is built", rows_of(index.table)),
          "Write CREATE INDEX CONCURRENTLY in a migration of its own.");
    }
    if (reading.concurrent && index.name.empty()) {
      add("L24", Level::error, reading.line(),
          "the database would choose the index's name, and after a stop nobody could tell what was built",
          "Give it a name: CREATE INDEX CONCURRENTLY name ON ...");
    }
    const TableFact* fact = facts_.find(key(index.table));
    const bool of_tenants = tenant_tables_.contains(key(index.table)) ||
                            (fact != nullptr && fact->column(options_.tenant_column) != nullptr);
    if (index.unique && of_tenants) check_tenant_key(reading, index.table, index.keys);
  }

  // --- L04 to L08, L10

  void check_action(const StatementReading& reading, const TableAction& action) {
    const Fill fill = fill_of(reading.table);
    switch (action.kind) {
      case ActionKind::add_column: return check_new_column(reading, *action.column, fill);
      case ActionKind::set_not_null: return check_not_null(reading, action, fill);
      case ActionKind::alter_type: return check_type(reading, action, fill);
      case ActionKind::add_constraint:
        if (action.constraint) check_constraint(reading, *action.constraint, fill);
        return;
      case ActionKind::validate_constraint: return check_validation(reading, action, fill);
      case ActionKind::rename_table:
      case ActionKind::rename_column:
        if (trace().makes_table(reading.table) || trace().makes_column(reading.table, action.name)) return;
        add("L10", Level::error, reading.line(),
            fmt::format("{} {} is called otherwise from one moment to the next, under programs that use it",
                        action.name.empty() ? "table" : "column",
                        action.name.empty() ? reading.table : reading.table + "." + action.name),
            "Add the new one beside it, move the programs over, and drop the old one later.");
        return;
      default: return;
    }
  }

  void check_new_column(const StatementReading& reading, const ColumnDefinition& column, Fill fill) {
    if (fill == Fill::empty && postgres()) return;
    const auto report = [&](Level level, std::string text, std::string hint) {
      add("L04", level, reading.line(), std::move(text), std::move(hint));
    };
    const std::string what = fmt::format("column {}.{}", reading.table, column.name);
    if (column.not_null && column.default_expression.empty() && !fills_itself(column)) {
      report(
          Level::error,
          fmt::format("{} is NOT NULL without a default: the rows that are there have no value for it", what),
          "Give it a default, or add it without NOT NULL, fill it, and set NOT NULL then.");
    }
    if (!postgres()) {
      const std::string lower = to_lower_ascii(column.default_expression);
      if (lower.starts_with("(") || lower.starts_with("current_"))
        report(Level::error, fmt::format("{} has a default that is no constant, which SQLite refuses", what),
               "Add it with a constant or none, and fill it with an UPDATE.");
      return;
    }
    if (differs_from_row_to_row(column, dialect_)) {
      report(fill == Fill::unknown ? Level::warning : Level::error,
             fmt::format("{} gets another value in each row: {} is rewritten while nobody can use it", what,
                         rows_of(reading.table)),
             "Add it without a default, set the default then, and fill the old rows in batches.");
    }
    for (const Constraint& one : column.constraints) check_constraint(reading, one, fill);
  }

  void check_not_null(const StatementReading& reading, const TableAction& action, Fill fill) {
    if (fill == Fill::empty || trace().makes_column(reading.table, action.name)) return;
    const std::string wanted = loose_form(action.name + " IS NOT NULL", dialect_);
    const TableFact* fact = facts_.find(key(reading.table));
    const bool is_there = fact != nullptr && is_proven_not_null(*fact, action.name, dialect_);
    if (is_there || proven_.contains(key(reading.table) + ": " + wanted)) return;
    add("L05", Level::error, reading.line(),
        fmt::format("SET NOT NULL reads all of {} while nobody can use it", rows_of(reading.table)),
        fmt::format("First: ADD CONSTRAINT ... CHECK ({} IS NOT NULL) NOT VALID, and VALIDATE CONSTRAINT in "
                    "another migration.",
                    action.name));
  }

  void check_type(const StatementReading& reading, const TableAction& action, Fill fill) {
    if (fill == Fill::empty) return;
    const TableFact* fact = facts_.find(key(reading.table));
    const ColumnFact* column = fact == nullptr ? nullptr : fact->column(key(action.name));
    if (column != nullptr && action.expression.empty() && keeps_its_form(column->type, action.column->type))
      return;
    const bool may_keep = column == nullptr && is_unlimited_text(action.column->type);
    add("L07", may_keep ? Level::warning : Level::error, reading.line(),
        fmt::format("column {}.{} becomes {}: {} is rewritten while nobody can use it", reading.table,
                    action.name, action.column->type, rows_of(reading.table)),
        "Add a column of the new type beside it, fill it in batches, and move the programs over.");
  }

  void check_constraint(const StatementReading& reading, const Constraint& constraint, Fill fill) {
    const bool scans =
        constraint.kind == ConstraintKind::check || constraint.kind == ConstraintKind::foreign_key;
    const bool is_key =
        constraint.kind == ConstraintKind::unique || constraint.kind == ConstraintKind::primary_key;
    if (scans && constraint.not_valid) unproven_[key(constraint.name)] = {script_, constraint.expression};
    if (!postgres() || fill == Fill::empty) return;
    if (scans && !constraint.not_valid) {
      if (constraint.kind == ConstraintKind::check) prove(reading.table, constraint.expression);
      add("L06", level_by_size(fill), reading.line(),
          fmt::format(
              "{} reads all of {} while {}",
              constraint.kind == ConstraintKind::check ? "ADD CHECK" : "ADD FOREIGN KEY",
              rows_of(reading.table),
              constraint.kind == ConstraintKind::check ? "nobody can use it" : "nobody can write to it"),
          "Add it NOT VALID, and VALIDATE CONSTRAINT in another migration.");
    }
    if (!is_key || !constraint.index.empty()) return;
    add("L08", Level::error, reading.line(),
        fmt::format("{} builds its index while nobody can use {}",
                    constraint.kind == ConstraintKind::unique ? "ADD UNIQUE" : "ADD PRIMARY KEY",
                    rows_of(reading.table)),
        "First CREATE UNIQUE INDEX CONCURRENTLY in a migration of its own; then ADD CONSTRAINT ... USING "
        "INDEX.");
    const TableFact* fact = facts_.find(key(reading.table));
    if (fact != nullptr && fact->column(options_.tenant_column) != nullptr)
      check_tenant_key(reading, reading.table, constraint);
  }

  /// Within one transaction the validation reads the table under the lock that NOT VALID was to spare.
  void check_validation(const StatementReading& reading, const TableAction& action, Fill fill) {
    const auto found = unproven_.find(key(action.name));
    if (found == unproven_.end()) return;
    prove(reading.table, found->second.second);
    if (fill == Fill::empty || found->second.first != script_ || !script_->options.in_transaction) return;
    add("L06", Level::warning, reading.line(),
        fmt::format("{} is validated in the transaction that added it, which keeps its lock meanwhile",
                    action.name),
        "Move VALIDATE CONSTRAINT to the next migration.");
  }
  void prove(const std::string& table, const std::string& expression) {
    proven_.insert(key(table) + ": " + loose_form(expression, dialect_));
  }

  // --- L12, L14, L17, L22

  void check_roles(const StatementReading& reading) {
    if (!facts_.known) return;
    for (const std::string& role : reading.roles) {
      if (facts_.roles.contains(key(role)) || new_roles_.contains(key(role))) continue;
      add("L12", Level::error, reading.line(), fmt::format("there is no role {}", role),
          fmt::format("Create it first (CREATE ROLE {}), or name one that every database has.", role));
    }
  }

  void check_names(const StatementReading& reading) {
    for (const Token& token : reading.statement.tokens) {
      const bool quoted = token.kind == TokenKind::quoted_word;
      if (!quoted && token.kind != TokenKind::word) continue;
      if (token.text.size() - (quoted ? 2 : 0) <= kLongestName) continue;
      const std::string name(token.text);
      if (!long_names_.insert(script_->file + name).second) continue;
      add("L14", Level::warning, token.line,
          fmt::format("{} is longer than {} bytes; PostgreSQL cuts it off", name, kLongestName),
          "Choose a shorter name.");
    }
  }

  void check_functions_and_views(const StatementReading& reading) {
    const bool is_routine = reading.tag == "CREATE FUNCTION" || reading.tag == "CREATE PROCEDURE";
    if (is_routine && has_words(reading, {"security", "definer"}) &&
        !has_words(reading, {"set", "search_path"}) && !pinned_.contains(key(reading.object))) {
      add("L17", Level::error, reading.line(),
          fmt::format(
              "{} is SECURITY DEFINER without a search_path of its own: its caller chooses what it calls",
              reading.object),
          "Add: SET search_path = pg_catalog, pg_temp");
    }
    if (has_tenants() && reading.tag == "CREATE VIEW" && !has_words(reading, {"security_invoker"})) {
      add("L22", Level::error, reading.line(),
          fmt::format("view {} reads with its owner's rights, past row-level security", reading.object),
          "Write: CREATE VIEW ... WITH (security_invoker = true) AS ...");
    }
    if (reading.tag == "CREATE TABLE" && has_tenants() && has_tenant_column(reading))
      tenant_tables_.insert(key(reading.table));
  }

  const TableFacts& facts_;
  Dialect dialect_;
  const LintOptions& options_;
  std::optional<RunTrace> trace_;
  std::vector<std::vector<StatementReading>> run_;
  const Script* script_ = nullptr;
  Findings findings_;
  std::set<std::string> new_roles_;
  std::set<std::string> pinned_;    // functions that get a search_path later
  std::set<std::string> keyed_;     // tables that get a primary key later
  std::set<std::string> secured_;   // tables that get row-level security
  std::set<std::string> filled_;    // tables that are written to
  std::set<std::string> refilled_;  // SQLite: tables whose successor was filled from them
  std::set<std::string> tenant_tables_;
  std::set<std::string> long_names_;
  std::set<std::string> proven_;  // "table: expression"
  std::map<std::string, std::pair<const Script*, std::string>>
      unproven_;  // by constraint: where it was added
};

}  // namespace

Findings lint(std::span<const Pending> pending, const TableFacts& facts, Dialect dialect,
              const LintOptions& options) {
  return Linter(facts, dialect, options).run(pending);
}

Findings lint_files(const MigrationSet& set, Dialect dialect, const LintOptions& options) {
  std::vector<Pending> all;
  for (const Migration& migration : set.migrations) {
    if (migration.up) all.push_back({&migration});
  }
  return lint(all, {}, dialect, options);
}

}  // namespace guildhall::migrate
