#include "convert/postgres_keys.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <functional>

#include "base/crypto.h"
#include "convert/postgres_steps.h"
#include "convert/sql_names.h"
#include "convert/view_text.h"

namespace guildhall::convert {
namespace {

using store::quoted_name;
using store::quoted_text;

/// How a materialised view's text ends where it holds nothing.
constexpr std::string_view kNoRows = " WITH NO DATA";
constexpr std::string_view kUnfilled = "unfilled";

IndexPart part_of(const std::string& column) { return {column, quoted_name(column)}; }

std::vector<IndexPart> with_server(const SchemeTable& table, const std::vector<IndexPart>& parts) {
  std::vector<IndexPart> all{part_of(table.column())};
  for (const IndexPart& part : parts) {
    if (part.column != table.column()) all.push_back(part);
  }
  return all;
}

/// What is said of a column behind its name, which the catalog writes with quotes or without; else all of it.
std::string_view behind_name(const IndexPart& part) {
  const std::string_view sql = part.sql;
  for (const std::string& name : {quoted_name(part.column), part.column}) {
    if (!part.column.empty() && sql.starts_with(name)) return sql.substr(name.size());
  }
  return sql;
}

bool same_parts(const std::vector<IndexPart>& one, const std::vector<IndexPart>& other) {
  return std::ranges::equal(one, other, [](const IndexPart& left, const IndexPart& right) {
    return left.column == right.column && behind_name(left) == behind_name(right);
  });
}

std::string action(char letter, const std::vector<std::string>& columns) {
  switch (letter) {
    case 'r': return "RESTRICT";
    case 'c': return "CASCADE";
    case 'n': return fmt::format("SET NULL ({})", column_list(columns));
    case 'd': return fmt::format("SET DEFAULT ({})", column_list(columns));
    default: return "NO ACTION";
  }
}

/// Not within a character of several bytes.
std::string shortened(std::string text, std::size_t most) {
  if (text.size() <= most) return text;
  while (most > 0 && (static_cast<unsigned char>(text[most]) & 0xC0) == 0x80) --most;
  text.resize(most);
  return text;
}

bool is_taken(const OldSchema& schema, const std::string& name) {
  if (schema.tables.contains(name) || schema.views.contains(name)) return true;
  return std::ranges::any_of(schema.tables, [&](const auto& entry) {
    const Table& table = entry.second;
    return table.index(name) != nullptr || table.foreign_key(name) != nullptr || table.check(name) != nullptr;
  });
}

WantedKey key_like(const SchemeTable& table, const Index& old) {
  return {.parts = with_server(table, old.parts),
          .is_unique = true,
          .nulls_not_distinct = old.nulls_not_distinct,
          .method = old.method,
          .included = old.included,
          .predicate = old.predicate,
          .name_base = old.name,
          .old = &old};
}

/// "points DESC": the column and what is said of it.
IndexPart described_part(const std::string& text) {
  const std::size_t end = text.find(' ');
  const std::string column = text.substr(0, end);
  return {column, quoted_name(column) + (end == std::string::npos ? "" : text.substr(end))};
}

}  // namespace

std::vector<const Index*> old_keys(const SchemeTable& table) {
  std::vector<const Index*> keys;
  for (const Index& index : table.table->indexes) {
    if (!index.is_unique || !index.is_valid || index.has_at(0, table.column())) continue;
    // The primary key first: what takes its place is the primary key then.
    keys.insert(index.is_primary ? keys.begin() : keys.end(), &index);
  }
  return keys;
}

std::vector<WantedKey> wanted_keys(const SchemeTable& table) {
  std::vector<WantedKey> keys;
  const auto add = [&](WantedKey key) {
    const bool is_there = std::ranges::any_of(keys, [&](const WantedKey& one) {
      return one.is_unique == key.is_unique && one.predicate == key.predicate &&
             same_parts(one.parts, key.parts);
    });
    if (!is_there) keys.push_back(std::move(key));
  };
  for (const Index* old : old_keys(table)) add(key_like(table, *old));
  const bool has_promises = table.rule.duplicates != Duplicates::keep_all;
  for (const auto& columns : has_promises ? table.rule.unique : std::vector<std::vector<std::string>>{}) {
    std::vector<IndexPart> parts;
    for (const std::string& column : columns) parts.push_back(part_of(column));
    add({.parts = with_server(table, parts),
         .name_base = fmt::format("{}_{}", table.name(), fmt::join(columns, "_"))});
  }
  for (const std::string& text : table.rule.indexes) {
    const IndexPart part = described_part(text);
    add({.parts = with_server(table, {part}),
         .is_unique = false,
         .name_base = fmt::format("{}_{}", table.name(), part.column)});
  }
  return keys;
}

const Index* find_index(const Table& table, const WantedKey& wanted) {
  const auto found = std::ranges::find_if(table.indexes, [&](const Index& index) {
    return index.is_unique == wanted.is_unique && index.predicate == wanted.predicate &&
           index.nulls_not_distinct == wanted.nulls_not_distinct && index.method == wanted.method &&
           same_parts(index.parts, wanted.parts);
  });
  return found == table.indexes.end() ? nullptr : &*found;
}

const Index* by_server(const SchemeTable& table, const Index& old) {
  return find_index(*table.table, key_like(table, old));
}

std::string create_index(const OldSchema& schema, const SchemeTable& table, const WantedKey& wanted,
                         const std::string& name) {
  std::vector<std::string> parts;
  for (const IndexPart& part : wanted.parts) parts.push_back(part.sql);
  return fmt::format(
      "CREATE {}INDEX CONCURRENTLY {} ON {} USING {} ({}){}{}{}", wanted.is_unique ? "UNIQUE " : "",
      quoted_name(name), qualified(schema, table.name()), wanted.method, fmt::join(parts, ", "),
      wanted.included.empty() ? "" : fmt::format(" INCLUDE ({})", column_list(wanted.included)),
      wanted.nulls_not_distinct ? " NULLS NOT DISTINCT" : "",
      wanted.predicate.empty() ? "" : fmt::format(" WHERE {}", wanted.predicate));
}

std::vector<WantedReference> wanted_references(const Scheme& scheme, const SchemeTable& table, Phase phase) {
  std::vector<WantedReference> references;
  if (!table.is_override() && (phase == Phase::contract || table.rule.zero != Zero::home_at_contract))
    references.push_back({.name_base = table.name() + "_server",
                          .columns = {table.column()},
                          .table = scheme.description.registry.table,
                          .referenced = {scheme.description.registry.column}});
  for (const ForeignKey& old : table.table->foreign_keys) {
    const SchemeTable* other = scheme.find(old.table);
    if (other == nullptr || old.has(table.column())) continue;
    WantedReference wanted{.name_base = old.name,
                           .columns = {table.column()},
                           .table = old.table,
                           .referenced = {other->column()},
                           .old = &old};
    wanted.columns.insert(wanted.columns.end(), old.columns.begin(), old.columns.end());
    wanted.referenced.insert(wanted.referenced.end(), old.referenced.begin(), old.referenced.end());
    references.push_back(std::move(wanted));
  }
  return references;
}

const ForeignKey* find_reference(const Table& table, const WantedReference& wanted) {
  const auto found = std::ranges::find_if(table.foreign_keys, [&](const ForeignKey& key) {
    return key.columns == wanted.columns && key.table == wanted.table && key.referenced == wanted.referenced;
  });
  return found == table.foreign_keys.end() ? nullptr : &*found;
}

std::string reference_clause(const OldSchema& schema, const WantedReference& wanted) {
  std::string clause = fmt::format("FOREIGN KEY ({}) REFERENCES {} ({})", column_list(wanted.columns),
                                   qualified(schema, wanted.table), column_list(wanted.referenced));
  if (const ForeignKey* old = wanted.old; old != nullptr) {
    // The server stays where the rest is set to NULL.
    clause += fmt::format(" ON UPDATE {} ON DELETE {}", action(old->on_update, {}),
                          action(old->on_delete, old->set_columns.empty() ? old->columns : old->set_columns));
    if (old->is_deferrable) clause += old->is_deferred ? " DEFERRABLE INITIALLY DEFERRED" : " DEFERRABLE";
  }
  return clause + " NOT VALID";
}

std::vector<std::string> make_partitioned_key(const OldSchema& schema, const std::string& table,
                                              const PartitionedKey& key) {
  const char* kind = key.is_primary ? "PRIMARY KEY" : "UNIQUE";
  std::vector<std::string> statements;
  for (const auto& [partition, index] : key.indexes)
    statements.push_back(fmt::format("ALTER TABLE {0} ADD CONSTRAINT {1} {2} USING INDEX {1}{3}",
                                     qualified(schema, partition), quoted_name(index), kind, key.deferral));
  statements.push_back(fmt::format("ALTER TABLE ONLY {} ADD CONSTRAINT {} {} ({}){}",
                                   qualified(schema, table), quoted_name(key.constraint), kind,
                                   column_list(key.columns), key.deferral));
  for (const auto& [partition, index] : key.indexes)
    statements.push_back(fmt::format("ALTER INDEX {} ATTACH PARTITION {}", qualified(schema, key.constraint),
                                     qualified(schema, index)));
  return statements;
}

std::vector<View> views_on(const OldSchema& schema, const std::vector<std::string>& constraints) {
  std::vector<View> found;
  const auto is_found = [&](const std::string& name) {
    return std::ranges::find(found, name, &View::name) != found.end();
  };
  const auto hangs = [&](const View& view) {
    return std::ranges::find_first_of(view.constraints, constraints) != view.constraints.end() ||
           std::ranges::any_of(view.reads, is_found);
  };
  for (bool more = true; more;) {
    more = false;
    for (const auto& [name, view] : schema.views) {
      if (is_found(name) || !hangs(view)) continue;
      found.push_back(view);
      more = true;
    }
  }
  return found;
}

std::string drop_view(const OldSchema& schema, const View& view) {
  return fmt::format("DROP {}VIEW {}", view.is_materialized ? "MATERIALIZED " : "",
                     qualified(schema, view.name));
}

std::string create_unfilled(const View& view, std::vector<Made>& makes) {
  if (!view.is_materialized || view.definition.ends_with(kNoRows)) return view.definition;
  makes.push_back({std::string(kUnfilled), "", view.name});
  return view.definition + std::string(kNoRows);
}

std::vector<std::string> make_view(const OldSchema& schema, const View& view, std::vector<Made>& makes,
                                   bool is_ours) {
  std::vector<std::string> statements{create_unfilled(view, makes)};
  statements.insert(statements.end(), view.grants.begin(), view.grants.end());
  if (!is_ours) return statements;
  statements.push_back("SELECT set_config('search_path', 'pg_catalog', true)");
  statements.push_back(
      fmt::format("INSERT INTO guildhall.guildhall_conversion_before (conversion, kind, table_name, name, "
                  "definition) SELECT max(number), 'made view', '', {}, pg_get_viewdef({}::regclass) FROM "
                  "guildhall.guildhall_conversion ON CONFLICT (conversion, kind, table_name, name) "
                  "DO UPDATE SET definition = excluded.definition",
                  quoted_text(view.name), quoted_text(qualified(schema, view.name))));
  return statements;
}

View grouped_by_server(View view, const std::vector<KeyOfView>& keys) {
  for (const KeyOfView& key : keys)
    view.definition =
        group_by_server(view.definition, key.table, key.columns, key.server).value_or(view.definition);
  return view;
}

/// One that fails holds up nothing: it fails each time, and its rows are read from what is there anyway. That
/// is put down then instead of what would have it filled again.
std::string fill_statement(const OldSchema& schema, const std::string& view) {
  return fmt::format(
      "DO $fill$ BEGIN REFRESH MATERIALIZED VIEW {}; "
      "EXCEPTION WHEN lock_not_available OR deadlock_detected OR serialization_failure OR "
      "insufficient_resources OR operator_intervention THEN RAISE; "
      "WHEN OTHERS THEN WITH gone AS (DELETE FROM guildhall.guildhall_conversion_before WHERE kind = 'made "
      "{}' "
      "AND name = {} RETURNING conversion, table_name, name) INSERT INTO "
      "guildhall.guildhall_conversion_before (conversion, kind, table_name, name, definition) SELECT "
      "conversion, 'made {}', table_name, name, SQLERRM FROM gone ON CONFLICT (conversion, kind, table_name, "
      "name) DO UPDATE SET definition = excluded.definition; END $fill$",
      qualified(schema, view), kUnfilled, quoted_text(view), kUnfillable);
}

Steps fill_steps(const OldSchema& schema, const MadeThings& made) {
  std::set<std::string> left;
  for (const auto& [name, view] : schema.views) {
    if (view.definition.ends_with(kNoRows) && made.contains({std::string(kUnfilled), "", name}))
      left.insert(name);
  }
  Steps steps;
  const std::function<void(const std::string&)> fill = [&](const std::string& name) {
    const auto found = schema.views.find(name);
    if (found == schema.views.end()) return;
    const bool is_left = left.erase(name) > 0;
    for (const std::string& read : found->second.reads) fill(read);
    if (is_left)
      steps.push_back({.table = name,
                       .what = "filled again",
                       .lock = LockLevel::access_exclusive,
                       .statements = {fill_statement(schema, name)},
                       .grows_with_size = true});
  };
  while (!left.empty()) fill(std::string(*left.begin()));
  return steps;
}

std::string deferral(const Index& old) {
  if (!old.definition.contains(" DEFERRABLE")) return "";
  return old.definition.contains(" INITIALLY DEFERRED") ? " DEFERRABLE INITIALLY DEFERRED" : " DEFERRABLE";
}

std::string fill_function(const std::string& table) {
  constexpr std::string_view kBegin = "fill_server_of_";
  constexpr std::size_t kLongest = 63;
  if (kBegin.size() + table.size() <= kLongest)
    return "guildhall." + quoted_name(fmt::format("{}{}", kBegin, table));
  // Two long names may begin alike.
  const std::string sum = hex(sha256(table)).substr(0, 8);
  return "guildhall." +
         quoted_name(fmt::format("{}{}_{}", kBegin, shortened(table, kLongest - kBegin.size() - 9), sum));
}

std::string NewNames::give(const std::string& base, std::string_view ending) {
  constexpr std::size_t kLongest = 63;
  for (int number = 1;; ++number) {
    const std::string tail = number == 1 ? std::string(ending) : fmt::format("{}{}", ending, number);
    std::string name = shortened(base, kLongest - tail.size()) + tail;
    if (!is_taken(schema_, name) && given_.insert(name).second) return name;
  }
}

}  // namespace guildhall::convert
