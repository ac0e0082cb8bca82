#include "migrate/precheck.h"

#include <fmt/format.h>

#include <algorithm>

#include "migrate/name_collisions.h"
#include "migrate/precheck_queries.h"
#include "migrate/rewriting.h"

namespace guildhall::migrate {
namespace {

std::string plural(std::int64_t count, std::string_view one, std::string_view many) {
  return fmt::format("{} {}", count, count == 1 ? one : many);
}

std::string joined(const std::vector<std::string>& parts) {
  return fmt::format("{}", fmt::join(parts, ", "));
}

class Prechecker {
 public:
  Prechecker(Looking& looking, const TableFacts& facts, const std::string& only)
      : looking_(looking), facts_(facts), only_(only), trace_(facts, looking.dialect()) {}

  std::vector<PrecheckFinding> run(std::span<const Pending> pending) {
    for (const Pending& one : pending) {
      migration_ = one.migration;
      const bool wanted = only_.empty() || only_ == migration_->name;
      const auto readings = read_pending(one, looking_.dialect());
      for (const StatementReading* reading : with_inner(readings)) {
        reading_ = reading;
        if (wanted) check();
        remember_unproven();
        trace_.take(*reading);
      }
    }
    return std::move(findings_);
  }

 private:
  bool postgres() const { return looking_.dialect() == Dialect::postgres; }
  std::string key(std::string_view name) const { return name_key(name, looking_.dialect()); }

  void check() {
    check_roles();
    const bool goes_with_its_table = reading_->index && trace_.drops() && trace_.makes_table(reading_->table);
    if (!trace_.makes(reading_->object) && !trace_.frees(reading_->object) && !goes_with_its_table) {
      if (const auto there = find_object(looking_, *reading_, facts_)) {
        report(*there, reading_->tolerant, reading_->replaces);
        return;
      }
    }
    if (reading_->index && reading_->index->unique) {
      const IndexDefinition& index = *reading_->index;
      check_unique({index.keys, index.where, index.nulls_not_distinct}, index.name);
    }
    for (const TableAction& action : reading_->actions) check_action(action);
  }

  // --- reports

  PrecheckFinding& add(std::string code, Level level, std::string text, std::string hint = {}) {
    PrecheckFinding found;
    found.finding = {std::move(code),  level,           migration_->up->file,
                     reading_->line(), std::move(text), std::move(hint)};
    found.migration = migration_->name;
    findings_.push_back(std::move(found));
    return findings_.back();
  }
  void add_unknown(const std::string& what, const Unanswered& why) {
    add("P-UNKNOWN", Level::info, fmt::format("the rows could not be looked at ({}): {}", what, why.message));
  }

  /// Of rows that are there now. What the run itself does to them beforehand is not known.
  PrecheckFinding& add_rows(const std::string& code, std::int64_t count, std::string text) {
    const bool may_change = trace_.writes(reading_->table);
    PrecheckFinding& found =
        add(code, may_change ? Level::warning : Level::error, std::move(text),
            may_change ? "A statement before it changes rows; whether it mends these cannot be told." : "");
    found.table = reading_->table;
    found.count = count;
    return found;
  }

  /// Something of that name is there.
  void report(const Collision& there, bool tolerant, bool replaces) {
    if (replaces) return;
    const bool passed_over = tolerant || reading_->swallows || reading_->conditional;
    const std::string definition = there.definition.empty() ? "" : fmt::format(": {}", there.definition);
    // What was dropped before may have taken it along.
    const Level sure_level = trace_.drops() ? Level::warning : Level::error;
    if (reading_->concurrent && there.kind == Collision::Kind::same) {
      // What an earlier try built, whose word for it was lost.
      add("P-EXISTS", Level::info, fmt::format("{} is there already, and counts as built", there.what));
    } else if (!passed_over) {
      const char* which = there.kind == Collision::Kind::same    ? ", with the same definition"
                          : there.kind == Collision::Kind::other ? ", with another definition"
                                                                 : "";
      add("P-EXISTS", sure_level, fmt::format("{} exists already{}{}", there.what, which, definition),
          "Drop or rename it first, or take the statement out if it is what is meant.");
    } else if (there.kind != Collision::Kind::same) {
      const bool sure = there.kind == Collision::Kind::other;
      add("P-EXISTS", sure ? sure_level : Level::warning,
          fmt::format("{} exists already and would be passed over, though it {} another definition{}",
                      there.what, sure ? "has" : "may have", definition),
          "Drop or rename it first, or leave it and change the statement to what is there.");
    }
  }

  // --- roles and extensions

  void check_roles() {
    if (!postgres()) return;
    for (const std::string& role : reading_->roles) {
      if (facts_.roles.contains(key(role)) || trace_.makes(role)) continue;
      add("P-ROLE", Level::error, fmt::format("there is no role {}", role),
          fmt::format("CREATE ROLE {}", role));
    }
    if (reading_->tag == "CREATE EXTENSION" && !facts_.available_extensions.contains(key(reading_->object))) {
      add("P-EXTENSION", Level::error, fmt::format("this server offers no extension {}", reading_->object),
          "Install its package on the server first.");
    }
  }

  // --- rows

  /// The table as it is now; nothing where it or a column of these texts is yet to come.
  std::optional<AskedTable> asked(const std::vector<std::string>& texts) const {
    const TableFact* fact = facts_.find(key(reading_->table));
    if (fact == nullptr || trace_.makes_table(reading_->table)) return std::nullopt;
    for (const std::string& text : texts) {
      const auto tokens = lex(text, looking_.dialect());
      if (!tokens) return std::nullopt;
      for (const Token& token : *tokens) {
        const bool is_name = token.kind == TokenKind::word || token.kind == TokenKind::quoted_word;
        if (is_name && trace_.makes_column(reading_->table, token.text)) return std::nullopt;
      }
    }
    return AskedTable{reading_->table, *fact, looking_.dialect()};
  }

  void fill(PrecheckFinding& found, std::vector<std::string> columns, const std::string& query) {
    auto rows = looking_.ask(query);
    if (!rows) {
      found.finding.hint += fmt::format("The rows could not be listed: {}", rows.error().message);
      return;
    }
    found.columns = std::move(columns);
    found.rows = *std::move(rows);
  }

  /// Counts rows that are wrong; the finding, or nothing.
  PrecheckFinding* check_rows(const std::string& code, const AskedTable& table, const Violation& violation,
                              const std::string& what) {
    const auto counted = looking_.ask(count_of(table, violation));
    if (!counted) {
      add_unknown(what, counted.error());
      return nullptr;
    }
    const std::int64_t count = std::stoll(counted->front()[0]);
    if (count == 0) return nullptr;
    PrecheckFinding& found =
        add_rows(code, count, fmt::format("{} of {}: {}", plural(count, "row", "rows"), table.name, what));
    fill(found, shown_columns(table, violation), rows_of(table, violation));
    return &found;
  }

  void check_unique(const UniqueKey& unique, const std::string& name) {
    std::vector<std::string> texts = unique.keys;
    texts.push_back(unique.where);
    const auto table = asked(texts);
    if (!table || unique.keys.empty()) return;
    const auto counted = looking_.ask(count_of_duplicates(*table, unique));
    if (!counted)
      return add_unknown(fmt::format("({}) is to be unique", joined(unique.keys)), counted.error());
    const std::int64_t groups = std::stoll(counted->front()[0]);
    if (groups == 0) return;
    PrecheckFinding& found =
        add_rows("P-UNIQUE", groups,
                 fmt::format("{} of rows of {} with the same ({}): {} too many for {}",
                             plural(groups, "group", "groups"), table->name, joined(unique.keys),
                             plural(std::stoll(counted->front()[1]), "row", "rows"),
                             name.empty() ? "a unique key" : name));
    fill(found, shown_columns(*table, unique), duplicates_of(*table, unique));
    found.repair = repair_duplicates(*table, unique);
  }

  void check_check(const std::string& expression, const std::string& name) {
    const auto table = asked({expression});
    if (!table) return;
    if (auto* found = check_rows(
            "P-CHECK", *table, violates_check(*table, expression),
            fmt::format("not true that {}{}", expression, name.empty() ? "" : fmt::format(" ({})", name))))
      found->repair = repair_check(*table, expression);
  }

  void check_not_null(const std::string& column) {
    const auto table = asked({column});
    if (!table) return;
    if (auto* found = check_rows("P-NOTNULL", *table, lacks_value(column), column + " is NULL"))
      found->repair = repair_not_null(*table, column);
  }

  void check_reference(const Constraint& constraint) {
    const auto table = asked(constraint.columns);
    const TableFact* other = facts_.find(key(constraint.referenced));
    if (!table || other == nullptr || trace_.makes_table(constraint.referenced)) return;
    const auto& referenced =
        constraint.referenced_columns.empty() ? other->primary_key : constraint.referenced_columns;
    if (referenced.size() != constraint.columns.size() || referenced.empty()) return;
    const Violation violation = refers_to_nothing(*table, constraint, referenced);
    auto* found = check_rows(
        "P-FOREIGNKEY", *table, violation,
        fmt::format("({}) refers to no row of {}", joined(constraint.columns), constraint.referenced));
    if (found == nullptr) return;
    found->repair = repair_reference(*table, constraint, violation);
    // Rows of the other table may be added beforehand.
    if (trace_.writes(constraint.referenced)) found->finding.level = Level::warning;
  }

  void check_constraint(const Constraint& constraint) {
    switch (constraint.kind) {
      case ConstraintKind::check:
        if (!constraint.not_valid) check_check(constraint.expression, constraint.name);
        return;
      case ConstraintKind::foreign_key:
        if (!constraint.not_valid) check_reference(constraint);
        return;
      case ConstraintKind::primary_key:
        for (const std::string& column : constraint.columns) check_not_null(column);
        check_unique({constraint.columns, "", false}, constraint.name);
        return;
      case ConstraintKind::unique:
        check_unique({constraint.columns, "", constraint.nulls_not_distinct}, constraint.name);
        return;
      case ConstraintKind::exclude:
        add("P-UNKNOWN", Level::info,
            fmt::format("whether rows of {} exclude each other cannot be told beforehand", reading_->table));
    }
  }

  // --- ALTER TABLE

  void check_action(const TableAction& action) {
    const std::string part =
        action.kind == ActionKind::add_column ? reading_->table + "." + action.name : action.name;
    const bool is_new = action.kind == ActionKind::add_column || action.kind == ActionKind::add_constraint;
    if (is_new && !trace_.frees(part) && !trace_.makes_table(reading_->table)) {
      if (const auto there = find_part(looking_, *reading_, action, facts_))
        return report(*there, action.tolerant, false);
    }
    switch (action.kind) {
      case ActionKind::add_column: return check_new_column(*action.column);
      case ActionKind::add_constraint:
        if (action.constraint) check_constraint(*action.constraint);
        return;
      case ActionKind::set_not_null: return check_not_null(action.name);
      case ActionKind::alter_type: return check_cast(action);
      case ActionKind::validate_constraint: return check_validation(action.name);
      default: return;
    }
  }

  void check_new_column(const ColumnDefinition& column) {
    const auto table = asked({});
    if (!table || !column.not_null || fills_itself(column) || !column.default_expression.empty() ||
        table->fact.rows == 0)
      return;
    add_rows("P-NOTNULL", table->fact.rows,
             fmt::format("{} of {} have no value for the new column {}, which is NOT NULL without a default",
                         plural(table->fact.rows, "row", "rows"), table->name, column.name));
  }

  /// Constraints that this run adds NOT VALID, for when it validates them.
  void remember_unproven() {
    for (const TableAction& action : reading_->actions) {
      if (action.constraint && action.constraint->not_valid) unproven_[key(action.name)] = *action.constraint;
    }
  }

  void check_validation(const std::string& name) {
    if (const auto found = unproven_.find(key(name)); found != unproven_.end()) {
      Constraint constraint = found->second;
      constraint.not_valid = false;
      return check_constraint(constraint);
    }
    const auto rows = looking_.ask(
        "SELECT pg_get_constraintdef(oid) FROM pg_constraint WHERE conrelid = to_regclass($1) AND conname = "
        "$2 AND "
        "NOT convalidated",
        {reading_->table, key(name)});
    if (!rows || rows->empty()) return;
    const std::string sql = fmt::format("ALTER TABLE {} ADD {}", reading_->table, rows->front()[0]);
    const auto statements = split_statements(sql, Dialect::postgres);
    if (!statements || statements->empty()) return;
    const StatementReading live = read_statement(statements->front(), Dialect::postgres);
    for (const TableAction& action : live.actions) {
      if (!action.constraint) continue;
      Constraint constraint = *action.constraint;
      constraint.not_valid = false;
      constraint.name = name;
      check_constraint(constraint);
    }
  }

  // --- changes of type

  /// Whether PostgreSQL converts by itself what ALTER TABLE is given no USING for.
  bool converts_by_itself(const std::string& from, const std::string& to) {
    const auto rows = looking_.ask(
        "SELECT f.oid = t.oid OR t.typcategory = 'S' OR t.typtype = 'd' OR f.typtype = 'd' OR EXISTS (SELECT "
        "1 FROM "
        "pg_cast WHERE castsource = f.oid AND casttarget = t.oid AND castcontext IN ('a', 'i')) FROM pg_type "
        "f, "
        "pg_type t WHERE f.oid = to_regtype($1) AND t.oid = to_regtype($2)",
        {from, to});
    return !rows || rows->empty() || rows->front()[0] == "t";
  }

  void check_cast(const TableAction& action) {
    const auto table = asked({action.name, action.expression});
    if (!table) return;
    const ColumnFact* column = table->fact.column(key(action.name));
    if (column == nullptr) return;
    const std::string& type = action.column->type;
    const std::string what = fmt::format("{} does not fit {}", action.name, type);
    if (action.expression.empty() && !converts_by_itself(column->type, type)) {
      add("P-CAST", Level::error,
          fmt::format("{} cannot become {} by itself: it is {}", action.name, type, column->type),
          fmt::format("Say how: USING {}::{}", action.name, type));
      return;
    }
    if (action.expression.empty() || is_plain_cast(action)) {
      const Violation violation = does_not_fit(*table, action.name, column->type, type);
      if (!violation.condition.empty()) {
        if (auto* found = check_rows("P-CAST", *table, violation, what)) {
          found->repair = repair_by_hand(*table, violation);
          return;
        }
      }
    }
    try_cast(*table, action, what);
  }

  static bool is_plain_cast(const TableAction& action) {
    const auto form = [](const std::string& sql) { return loose_form(sql, Dialect::postgres); };
    return form(action.expression) == form(action.name);
  }

  /// The database converts all of them and throws the results away; of what fails it names the first.
  void try_cast(const AskedTable& table, const TableAction& action, const std::string& what) {
    const std::string expression = action.expression.empty() ? action.name : action.expression;
    const auto tried = looking_.ask(
        fmt::format("SELECT count(({})::{}) FROM {}", expression, action.column->type, table.name));
    if (tried) return;
    constexpr std::string_view kDataException = "22";
    if (!tried.error().sqlstate.starts_with(kDataException)) return add_unknown(what, tried.error());
    add_rows("P-CAST", 1,
             fmt::format("at least 1 row of {}: {} ({})", table.name, what, tried.error().message));
  }

  Looking& looking_;
  const TableFacts& facts_;
  const std::string& only_;
  RunTrace trace_;
  const Migration* migration_ = nullptr;
  const StatementReading* reading_ = nullptr;
  std::map<std::string, Constraint> unproven_;
  std::vector<PrecheckFinding> findings_;
};

}  // namespace

std::vector<PrecheckFinding> precheck(Looking& looking, std::span<const Pending> pending,
                                      const TableFacts& facts, const std::string& only) {
  return Prechecker(looking, facts, only).run(pending);
}

std::string repair_file(const std::string& migration, const std::vector<PrecheckFinding>& findings) {
  std::string text = fmt::format(
      "-- Proposed for {}. Nothing of this has been run: look at each statement, change what is not right,\n"
      "-- take a backup, and run it yourself.\nBEGIN;\n",
      migration);
  for (const PrecheckFinding& one : findings) {
    text += fmt::format("\n-- {} (line {}): {}\n", one.finding.code, one.finding.line, one.finding.text);
    text += one.repair.empty() ? std::string("-- No statement can be proposed.\n") : one.repair;
  }
  return text + "\nCOMMIT;\n";
}

}  // namespace guildhall::migrate
