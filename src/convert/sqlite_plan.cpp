#include "convert/sqlite_plan.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "base/text.h"
#include "migrate/sql_lexer.h"
#include "store/quoting.h"

namespace guildhall::convert {
namespace {

using migrate::Exit;
using store::quoted_name;

constexpr const char* kRowIds[] = {"rowid", "_rowid_", "oid"};

/// A row's number under a name that no column has.
std::string row_id_name(const Table& table) {
  for (const char* name : kRowIds) {
    if (std::ranges::none_of(table.columns,
                             [&](const Column& column) { return is_same_name(column.name, name); }))
      return name;
  }
  return "";
}

std::string column_of(std::string_view alias, std::string_view column) {
  return fmt::format("{}.{}", alias, quoted_name(column));
}

bool has_key(const Table& table, const std::vector<std::string>& columns) {
  return std::ranges::any_of(table.indexes, [&](const Index& index) {
    if (!index.is_unique || !index.predicate.empty() || index.parts.size() != columns.size()) return false;
    return std::ranges::all_of(columns, [&](const auto& column) {
      return std::ranges::any_of(index.parts,
                                 [&](const IndexPart& part) { return is_same_name(part.column, column); });
    });
  });
}

bool has_server(const SchemeTable& table) {
  return table.rule.table_class != TableClass::global && table.rule.table_class != TableClass::registry;
}

const SchemeTable* table_of(const Scheme& scheme, std::string_view name) {
  for (const SchemeTable& table : scheme.tables) {
    if (is_same_name(table.table->name, name) && has_server(table)) return &table;
  }
  return nullptr;
}

const Column* column_in(const Table& table, std::string_view name) {
  const auto found = std::ranges::find_if(
      table.columns, [&](const Column& column) { return is_same_name(column.name, name); });
  return found == table.columns.end() ? nullptr : &*found;
}

/// An expression of the description with each column of the table behind `alias`.
std::string qualified(const std::string& sql, const Table& table, std::string_view alias) {
  const auto tokens = migrate::lex(sql, migrate::Dialect::sqlite);
  if (!tokens) return sql;
  std::string made;
  std::size_t copied = 0;
  for (std::size_t i = 0; i < tokens->size(); ++i) {
    const migrate::Token& token = (*tokens)[i];
    const bool is_name =
        token.kind == migrate::TokenKind::word || token.kind == migrate::TokenKind::quoted_word;
    const bool is_behind_dot = i > 0 && migrate::is_symbol((*tokens)[i - 1], ".");
    if (!is_name || is_behind_dot || column_in(table, unquoted(token.text)) == nullptr) continue;
    const auto at = static_cast<std::size_t>(token.text.data() - sql.data());
    made += fmt::format("{}{}.{}", sql.substr(copied, at - copied), alias, token.text);
    copied = at + token.text.size();
  }
  return made + sql.substr(copied);
}

/// Whose a row is, as SQL over the tables as they were.
class Servers {
 public:
  explicit Servers(const Scheme& scheme) : scheme_(scheme) {}

  /// What the row says itself; less than 0 where that is no server.
  std::string own(const SchemeTable& table, std::string_view alias) const {
    if (column_in(*table.table, table.column()) == nullptr) return "NULL";
    const std::string column = column_of(alias, table.column());
    const std::string number = fmt::format(
        "CASE WHEN {0} IS NULL OR {0} = '' THEN NULL WHEN typeof({0}) = 'integer' THEN {0} "
        "WHEN CAST(CAST({0} AS INTEGER) AS TEXT) = CAST({0} AS TEXT) THEN CAST({0} AS INTEGER) ELSE -1 END",
        column);
    if (table.rule.zero == Zero::home && table.rule.table_class != TableClass::override)
      return fmt::format("NULLIF({}, 0)", number);
    return number;
  }

  std::string of(const SchemeTable& table, const std::string& alias) {
    const std::string home =
        std::to_string(column_in(*table.table, table.column()) == nullptr ? table.absent_value(scheme_.home)
                                                                          : table.null_value(scheme_.home));
    std::vector<std::string> answers;
    const std::string own_server = own(table, alias);
    for (const Parent& parent : table.rule.parents) {
      if (auto answer = of_parent(table, parent, alias, own_server); !answer.empty())
        answers.push_back(std::move(answer));
    }
    answers.push_back(own_server);
    answers.push_back(home);
    return fmt::format("COALESCE({})", fmt::join(answers, ", "));
  }

  /// A value as it is copied: filled, and what was mistaken set right.
  std::string value(const SchemeTable& table, const std::string& column, std::string_view alias) const {
    std::string value = column_of(alias, column);
    for (const auto& [filled, sql] : table.rule.fill) {
      if (is_same_name(filled, column))
        value = fmt::format("COALESCE({}, {})", value, qualified(sql, *table.table, alias));
    }
    for (const Parent& parent : table.rule.parents) {
      const SchemeTable* of = table_of(scheme_, parent.table);
      if (parent.mistaken.empty() || parent.columns.size() != 1 || of == nullptr ||
          !is_same_name(parent.columns[0], column))
        continue;
      const std::string name = quoted_name(of->table->name);
      const std::string right = quoted_name(parent.referenced[0]);
      value = fmt::format(
          "COALESCE((SELECT m.{1} FROM {0} AS m WHERE m.{1} = {3}), (SELECT CASE WHEN count(*) = 1 THEN "
          "max(m.{1}) END FROM {0} AS m WHERE m.{2} = {3}), {3})",
          name, right, quoted_name(parent.mistaken), value);
    }
    return value;
  }

  std::string has_parent(const SchemeTable& table, const std::string& alias) {
    std::vector<std::string> answers;
    for (const Parent& parent : table.rule.parents) {
      const SchemeTable* of = table_of(scheme_, parent.table);
      if (of == nullptr || of == &table) continue;
      answers.push_back(fmt::format("EXISTS (SELECT 1 FROM {} AS p WHERE {})", quoted_name(of->table->name),
                                    condition(table, parent, alias, "p")));
    }
    return answers.empty() ? "" : fmt::format("({})", fmt::join(answers, " OR "));
  }

 private:
  std::string condition(const SchemeTable& table, const Parent& parent, const std::string& alias,
                        const std::string& parent_alias) const {
    std::vector<std::string> parts;
    for (std::size_t i = 0; i < parent.columns.size(); ++i) {
      parts.push_back(fmt::format("{} = {}", column_of(parent_alias, parent.referenced[i]),
                                  value(table, parent.columns[i], alias)));
    }
    return fmt::format("{}", fmt::join(parts, " AND "));
  }

  /// Of a row that says nothing itself: its parent's server. Of one that does: that, if a parent is there
  /// too.
  std::string of_parent(const SchemeTable& table, const Parent& parent, const std::string& alias,
                        const std::string& own_server) {
    const SchemeTable* of_table = table_of(scheme_, parent.table);
    if (of_table == nullptr || of_table == &table) return "";
    const std::string p = fmt::format("p{}", ++depth_);
    const std::string server = of(*of_table, p);
    const std::string from = fmt::format("FROM {} AS {} WHERE {}", quoted_name(of_table->table->name), p,
                                         condition(table, parent, alias, p));
    const std::string only =
        fmt::format("(SELECT CASE WHEN min({0}) = max({0}) THEN min({0}) END {1})", server, from);
    if (own_server == "NULL") return only;
    return fmt::format("CASE WHEN EXISTS (SELECT 1 {} AND {} = {}) THEN {} ELSE {} END", from, server,
                       own_server, own_server, only);
  }

  const Scheme& scheme_;
  int depth_ = 0;
};

class Planner {
 public:
  Planner(const Scheme& scheme, const std::vector<std::string>& accepted)
      : scheme_(scheme), accepted_(accepted), servers_(scheme) {}

  migrate::Outcome<SqlitePlan> plan() {
    if (scheme_.home <= 0)
      return migrate::stop(Exit::refused, "CV-HOME", "no server was chosen for rows that name none",
                           "Say which: --server ID.");
    if (auto done = look_at_registry(); !done) return std::unexpected(done.error());
    for (const SchemeTable& table : scheme_.tables) {
      if (!has_server(table)) continue;
      auto made = plan_table(table);
      if (!made) return std::unexpected(made.error());
      plan_.tables.push_back(*std::move(made));
    }
    if (auto done = look_at_triggers(); !done) return std::unexpected(done.error());
    for (const SqliteTable& table : plan_.tables) {
      if (auto made = table.made_anew(new_name(table.name())); !made) return std::unexpected(made.error());
    }
    return std::move(plan_);
  }

 private:
  migrate::Outcome<void> look_at_registry() {
    const Registry& registry = scheme_.description.registry;
    if (registry.table.empty()) return {};
    plan_.registry = fmt::format("{} ({})", quoted_name(registry.table), quoted_name(registry.column));
    const Table* table = nullptr;
    for (const auto& [name, one] : scheme_.schema->tables) {
      if (is_same_name(name, registry.table)) table = &one;
    }
    plan_.makes_registry = table == nullptr;
    if (table != nullptr && !has_key(*table, {registry.column}))
      return migrate::stop(
          Exit::refused, "CV-REGISTRY",
          fmt::format("table {} of the servers has no key on its column {}", registry.table, registry.column),
          "Name the right table and column under [registry].");
    return {};
  }

  migrate::Outcome<SqliteTable> plan_table(const SchemeTable& table) {
    SqliteTable made{.scheme = &table};
    auto text = read_table_text(table.table->name, table.table->sql);
    if (!text) return std::unexpected(text.error());
    made.text = *std::move(text);
    made.is_override = table.rule.table_class == TableClass::override;
    if (auto done = choose_keys(made); !done) return std::unexpected(done.error());
    add_parents(made);
    add_referenced_keys(made);
    choose_columns(made);
    choose_identity(made);
    return made;
  }

  migrate::Outcome<void> choose_keys(SqliteTable& made) {
    const TableRule& rule = made.rule();
    TableChange& change = made.change;
    change.tenant = made.scheme->column();
    change.registry = made.is_override ? "" : plan_.registry;
    change.surrogate = rule.surrogate;
    change.not_null = rule.not_null;
    if (rule.duplicates != Duplicates::keep_all) change.keys = rule.unique;
    const ItemText* number = made.text.row_number();
    if (number == nullptr || is_same_name(number->column, change.tenant)) return {};
    if (!rule.natural && !made.text.counts_on() && !is_same_name(number->column, "id"))
      return migrate::stop(
          Exit::refused, "CV-KEY",
          fmt::format("table {}: nothing says whether its key {} is a person's or a thing's id, and unique "
                      "within a server alone, or only the row's number",
                      made.name(), number->column),
          fmt::format("Write natural = true or natural = false under [table.{}].", made.name()));
    change.natural = rule.natural.value_or(false);
    return {};
  }

  void add_parents(SqliteTable& made) const {
    for (const SchemeTable& table : scheme_.tables) {
      if (!has_server(table)) continue;
      TableChange::Parent parent{.table = table.table->name, .tenant = table.column()};
      for (const Index& index : table.table->indexes) {
        std::vector<std::string> columns;
        for (const IndexPart& part : index.parts) columns.push_back(part.column);
        if (index.is_primary) parent.primary_key = columns;
        if (index.is_unique && index.predicate.empty()) parent.keys.push_back(std::move(columns));
      }
      const auto text = read_table_text(table.table->name, table.table->sql);
      const ItemText* number = text ? text->row_number() : nullptr;
      if (number != nullptr && !table.rule.natural.value_or(false)) parent.row_number = number->column;
      made.change.parents.push_back(std::move(parent));
    }
  }

  /// A reference of two columns needs a key of both.
  void add_referenced_keys(SqliteTable& made) const {
    for (const SchemeTable& child : scheme_.tables) {
      for (const ForeignKey& key : child.table->foreign_keys) {
        if (!is_same_name(key.table, made.name()) || !has_server(child)) continue;
        if (has_name(key.referenced, made.change.tenant) || has_key(*made.scheme->table, key.referenced))
          made.change.keys.push_back(key.referenced);
      }
    }
  }

  void choose_columns(SqliteTable& made) {
    const Table& table = *made.scheme->table;
    for (const Column& column : table.columns) {
      if (column.is_generated || is_same_name(column.name, made.change.tenant)) continue;
      std::string value = servers_.value(*made.scheme, column.name, "t");
      const bool plain = value == column_of("t", column.name);
      made.copied.push_back({column.name, std::move(value), plain});
    }
    made.own_server = servers_.own(*made.scheme, "t");
    made.server = servers_.of(*made.scheme, "t");
    made.has_parent = servers_.has_parent(*made.scheme, "t");
  }

  static void choose_identity(SqliteTable& made) {
    const Table& table = *made.scheme->table;
    const ItemText* number = made.text.row_number();
    if (!table.has_rowid) {
      for (const KeyPart& part : made.text.primary_key())
        made.old_key_columns.push_back(quoted_name(part.column));
      made.new_key_columns = made.old_key_columns;
    } else if (number != nullptr) {
      made.old_key_columns = made.new_key_columns = {quoted_name(number->column)};
    } else {
      const bool added = !made.change.surrogate.empty() && made.text.column(made.change.surrogate) == nullptr;
      made.old_key_columns = {row_id_name(table)};
      made.row_id_target = added ? quoted_name(made.change.surrogate) : row_id_name(table);
      made.new_key_columns = {made.row_id_target};
    }
  }

  /// A trigger that goes on to write rows without their server would fail from now on.
  migrate::Outcome<void> look_at_triggers() {
    for (const auto& [name, table] : scheme_.schema->tables) {
      if (auto done = look_at_triggers(name, table.triggers); !done) return done;
    }
    for (const auto& [name, view] : scheme_.schema->views) {
      if (auto done = look_at_triggers(name, view.triggers); !done) return done;
    }
    return {};
  }

  migrate::Outcome<void> look_at_triggers(const std::string& of, const std::vector<Trigger>& triggers) {
    for (const Trigger& trigger : triggers) {
      const std::string into = writes_without_server(trigger.definition);
      if (into.empty()) continue;
      std::string text =
          fmt::format("trigger {} writes rows into {} without their server", trigger.name, into);
      if (!has_name(accepted_, trigger.name))
        return migrate::stop(Exit::refused, "CV-TRIGGER", std::move(text),
                             "Make it anew with the server among its columns, drop it, or accept that it "
                             "fails from then on: --accept " +
                                 trigger.name);
      plan_.findings.push_back({"CV-TRIGGER", migrate::Level::warning, of, 0, std::move(text), ""});
    }
    return {};
  }

  /// The table, or "".
  std::string writes_without_server(const std::string& sql) const {
    const auto tokens = migrate::lex(sql, migrate::Dialect::sqlite);
    if (!tokens) return "";
    for (std::size_t i = 0; i + 2 < tokens->size(); ++i) {
      if (!migrate::is_keyword((*tokens)[i], "into")) continue;
      const SchemeTable* table = table_of(scheme_, unquoted((*tokens)[i + 1].text));
      if (table == nullptr) continue;
      bool names_it = false;
      for (std::size_t k = i + 2; migrate::is_symbol((*tokens)[i + 2], "(") && k < tokens->size() &&
                                  !migrate::is_symbol((*tokens)[k], ")");
           ++k)
        names_it = names_it || is_same_name(unquoted((*tokens)[k].text), table->column());
      if (!names_it) return table->table->name;
    }
    return "";
  }

  const Scheme& scheme_;
  const std::vector<std::string>& accepted_;
  Servers servers_;
  SqlitePlan plan_;
};

}  // namespace

namespace {

std::string as_one_value(const std::vector<std::string>& columns, std::string_view alias, bool is_number) {
  if (is_number) return fmt::format("{}.{}", alias, columns[0]);
  std::vector<std::string> parts;
  for (const std::string& column : columns) parts.push_back(literal_of(fmt::format("{}.{}", alias, column)));
  return fmt::format("{}", fmt::join(parts, " || ',' || "));
}

}  // namespace

std::string SqliteTable::old_key(std::string_view alias) const {
  return as_one_value(old_key_columns, alias, scheme->table->has_rowid);
}

std::string SqliteTable::new_key(std::string_view alias) const {
  return as_one_value(new_key_columns, alias, scheme->table->has_rowid);
}

std::string SqliteTable::match() const {
  std::vector<std::string> parts;
  for (std::size_t i = 0; i < old_key_columns.size(); ++i)
    parts.push_back(fmt::format("t.{} = n.{}", old_key_columns[i], new_key_columns[i]));
  return fmt::format("{}", fmt::join(parts, " AND "));
}

std::string SqliteTable::order() const {
  std::vector<std::string> parts;
  for (const std::string& column : old_key_columns) parts.push_back("t." + column);
  return fmt::format("{}", fmt::join(parts, ", "));
}

bool SqliteTable::has_rules() const {
  const TableRule& of = rule();
  return !of.unique.empty() || !of.not_null.empty() || !of.fill.empty() || of.recount.has_value() ||
         scheme->has_column() || !of.parents.empty();
}

bool SqliteTable::refers_to_others() const {
  return std::ranges::any_of(scheme->table->foreign_keys, [&](const ForeignKey& key) {
    return std::ranges::any_of(change.parents,
                               [&](const auto& parent) { return is_same_name(parent.table, key.table); });
  });
}

migrate::Outcome<ChangedTable> SqliteTable::made_anew(std::string_view name) const {
  return changed_table(this->name(), text, change, name);
}

std::string SqliteTable::copy_into(std::string_view target) const {
  std::vector<std::string> columns;
  std::vector<std::string> values;
  for (const Copied& one : copied) {
    columns.push_back(quoted_name(one.column));
    values.push_back(one.value);
  }
  columns.push_back(quoted_name(change.tenant));
  values.push_back(server);
  if (!row_id_target.empty()) {
    columns.push_back(row_id_target);
    values.push_back(old_key());
  }
  return fmt::format("INSERT INTO {} ({}) SELECT {} FROM {} AS t", quoted_name(target),
                     fmt::join(columns, ", "), fmt::join(values, ", "), quoted_name(name()));
}

migrate::Outcome<SqlitePlan> plan_sqlite(const Scheme& scheme, const std::vector<std::string>& accepted) {
  return Planner(scheme, accepted).plan();
}

std::vector<Before> remembered_tables(const Scheme& scheme) {
  std::vector<Before> things;
  const Registry& registry = scheme.description.registry;
  if (!registry.table.empty()) things.push_back({"servers", registry.table, registry.column, ""});
  for (const SchemeTable& table : scheme.tables) {
    if (!has_server(table)) continue;
    things.push_back({"tenant", table.name(), table.column(), std::string(name_of(table.rule.table_class))});
    for (const Parent& parent : table.rule.parents)
      things.push_back({"parent", table.name(), parent.table, ""});
  }
  return things;
}

std::string literal_of(std::string_view column) {
  return fmt::format(
      "CASE WHEN typeof({0}) = 'text' AND instr(CAST({0} AS BLOB), x'00') > 0 THEN '+CAST(X''' || hex({0}) "
      "|| "
      "''' AS TEXT)' ELSE quote({0}) END",
      column);
}

std::string row_id_name(store::SchemaSession& session, const std::string& table) {
  if (!session.query("SELECT 1 FROM pragma_table_list($1) WHERE schema = 'main' AND wr <> 0", {table})
           .empty())
    return "";
  std::vector<std::string> taken;
  for (const auto& row : session.query("SELECT name FROM pragma_table_xinfo($1)", {table}))
    taken.push_back(row[0]);
  for (const char* name : kRowIds) {
    if (!has_name(taken, name)) return name;
  }
  return "";
}

std::string new_name(std::string_view table) { return fmt::format("{}new_{}", kPassingNames, table); }
std::string replaced_name(std::string_view table) { return fmt::format("{}old_{}", kPassingNames, table); }

}  // namespace guildhall::convert
