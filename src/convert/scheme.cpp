#include "convert/scheme.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <charconv>
#include <map>
#include <set>

#include "convert/merging.h"
#include "migrate/schema_snapshot.h"
#include "store/quoting.h"

namespace guildhall::convert {
namespace {

using migrate::Dialect;
using migrate::Level;

/// Of PostgreSQL, what the tool was run on.
constexpr std::int64_t kTestedVersion = 15;
constexpr std::int64_t kLeastVersion = 14;

class Making {
 public:
  Making(const OldSchema& schema, const Description& description) {
    scheme_.schema = &schema;
    scheme_.description = description;
  }

  Scheme make() {
    check_server();
    for (const auto& [name, table] : schema().tables) classify(table);
    follow_inheritance();
    follow_foreign_keys();
    for (SchemeTable& one : scheme_.tables) look_for_parents(one);
    for (const auto& [name, table] : rest_) scheme_.unknown.push_back(name);
    order();
    check_registry();
    check_outsiders();
    for (const SchemeTable& one : scheme_.tables) check(one);
    for (const auto& [name, rule] : scheme_.description.tables) {
      if (schema().find(name) == nullptr && rule.table_class != TableClass::registry) absent_.push_back(name);
    }
    if (!absent_.empty())
      find(Level::info, "CV-ABSENT",
           fmt::format("not in this database, and so passed over: {}", fmt::join(absent_, ", ")));
    for (const std::string& one : schema().outside)
      find(one.starts_with("view") ? Level::warning : Level::error, "CV-OUTSIDE",
           fmt::format("another schema refers to this one: {}", one),
           "What lies there is not changed: drop it, or move it into this schema.");
    return std::move(scheme_);
  }

 private:
  const OldSchema& schema() const { return *scheme_.schema; }
  const Description& description() const { return scheme_.description; }

  void find(Level level, std::string code, std::string text, std::string hint = {}) {
    scheme_.findings.push_back({std::move(code), level, "", 0, std::move(text), std::move(hint)});
  }

  void check_server() {
    if (schema().dialect != Dialect::postgres) return;
    const std::int64_t major = schema().version / 10'000;
    if (major < kLeastVersion) {
      find(Level::error, "CV-VERSION",
           fmt::format("this is PostgreSQL {}; rows can be added up and compared from 14 on",
                       schema().version_text),
           "Bring the server to PostgreSQL 15 first.");
    } else if (major != kTestedVersion) {
      find(Level::warning, "CV-VERSION",
           fmt::format("this is PostgreSQL {}; the tool was tested with 15 alone", schema().version_text));
    }
    if (schema().schema == migrate::kToolSchema)
      find(Level::error, "CV-OWN",
           "the schema guildhall is this program's own, and holds many servers already",
           "Name the old bot's database; or, where both share one, set its schema first in the search path.");
    if (schema().is_in_recovery)
      find(Level::error, "CV-STANDBY", "this server is a standby: nothing can be changed here",
           "Give the address of the primary server.");
  }

  // --- which table is what

  void classify(const Table& table) {
    const TableRule* rule = description().find(table.name);
    const bool is_registry = table.name == description().registry.table;
    if (is_registry || (rule != nullptr && rule->table_class == TableClass::registry)) return;
    if (rule != nullptr && rule->table_class == TableClass::global) {
      scheme_.global.push_back(table.name);
      return;
    }
    // A partition is what its parent is.
    if (table.relation == Relation::partition) {
      rest_[table.name] = &table;
    } else if (rule != nullptr) {
      add(table, *rule, "the description says so");
    } else if (table.relation != Relation::inheriting && has_server(table)) {
      add_with_server(table);
    } else {
      rest_[table.name] = &table;
    }
  }

  bool has_server(const Table& table) const { return table.column(description().tenant_column) != nullptr; }

  void add_with_server(const Table& table) {
    TableRule own;
    own.table = table.name;
    own.column = description().tenant_column;
    add(table, std::move(own), fmt::format("it has the column {}", description().tenant_column));
  }

  /// What inherits from a table is what that is; else what its own columns say.
  void follow_inheritance() {
    const auto take = [&](auto&& is_taken, auto&& add_it) {
      const auto found =
          std::ranges::find_if(rest_, [&](const auto& entry) { return is_taken(*entry.second); });
      if (found == rest_.end()) return false;
      const Table& table = *found->second;
      rest_.erase(found);
      add_it(table);
      return true;
    };
    const auto has_heritage = [&](const Table& table) {
      return (table.relation == Relation::inheriting || table.relation == Relation::partition) &&
             scheme_.find(table.parent) != nullptr;
    };
    while (take(has_heritage, [&](const Table& table) {
      TableRule rule = scheme_.find(table.parent)->rule;
      rule.table = table.name;
      add(table, std::move(rule),
          fmt::format("it {} {}",
                      table.relation == Relation::partition ? "is a partition of" : "inherits from",
                      table.parent));
    })) {
    }
    std::erase_if(rest_, [](const auto& entry) { return entry.second->relation == Relation::partition; });
    while (take([&](const Table& table) { return has_server(table); },
                [&](const Table& table) { add_with_server(table); })) {
    }
  }

  void add(const Table& table, TableRule rule, std::string reason) {
    // Where an old name of the column was expected and the table has the new one, or none, that is taken.
    if (table.column(rule.column) == nullptr) rule.column = description().tenant_column;
    std::erase_if(rule.parents, [&](const Parent& parent) { return !can_be_parent(table, parent); });
    if (rule.table_class == TableClass::child && rule.parents.empty()) {
      rule.table_class = TableClass::tenant;
      reason = "the table of its parent, or the column that leads there, is not in this database";
    }
    scheme_.tables.push_back({std::move(rule), &table, std::move(reason)});
  }

  bool can_be_parent(const Table& table, const Parent& parent) const {
    const Table* other = schema().find(parent.table);
    return other != nullptr &&
           std::ranges::all_of(parent.columns,
                               [&](const auto& name) { return table.column(name) != nullptr; }) &&
           std::ranges::all_of(parent.referenced,
                               [&](const auto& name) { return other->column(name) != nullptr; });
  }

  /// Whose foreign key leads to a row of a server belongs to that server.
  void follow_foreign_keys() {
    for (bool found = true; found;) {
      found = false;
      for (auto at = rest_.begin(); at != rest_.end();) {
        TableRule rule = child_of(*at->second);
        if (rule.parents.empty()) {
          ++at;
          continue;
        }
        const std::string reason = fmt::format("its foreign key leads to {}", rule.parents.front().table);
        add(*at->second, std::move(rule), reason);
        at = rest_.erase(at);
        found = true;
      }
    }
  }

  /// The server's column came with the conversion, or a program of its time made it: the rows go with those
  /// that they lead to, all the same. Else one that says nothing would get another server than its parent.
  void look_for_parents(SchemeTable& one) const {
    if (description().find(one.name()) != nullptr || one.is_child()) return;
    TableRule rule = child_of(*one.table);
    if (rule.parents.empty()) return;
    one.reason = fmt::format("{}, and its foreign key leads to {}", one.reason, rule.parents.front().table);
    one.rule = std::move(rule);
  }

  TableRule child_of(const Table& table) const {
    TableRule rule;
    rule.table = table.name;
    rule.column = description().tenant_column;
    rule.table_class = TableClass::child;
    for (const ForeignKey& key : table.foreign_keys) {
      const SchemeTable* other = scheme_.find(key.table);
      // One that has the server already holds by itself.
      if (other != nullptr && !other->is_override() && key.table != table.name && !key.has(rule.column))
        rule.parents.push_back({key.table, key.columns, key.referenced});
    }
    return rule;
  }

  /// Parents before their children; within a circle as they come.
  void order() {
    std::vector<SchemeTable> ordered;
    std::set<std::string> placed;
    const auto is_ready = [&](const SchemeTable& one) {
      if (scheme_.inherits_column(one) && !placed.contains(one.table->parent)) return false;
      return std::ranges::all_of(one.rule.parents, [&](const Parent& parent) {
        return parent.table == one.name() || placed.contains(parent.table) ||
               scheme_.find(parent.table) == nullptr;
      });
    };
    std::vector<SchemeTable> left = scheme_.tables;
    while (!left.empty()) {
      auto next = std::ranges::find_if(left, is_ready);
      if (next == left.end()) next = left.begin();
      placed.insert(next->name());
      ordered.push_back(std::move(*next));
      left.erase(next);
    }
    scheme_.tables = std::move(ordered);
  }

  // --- what stands in the way

  void check_registry() {
    const Table* registry = scheme_.registry();
    const std::string& column = description().registry.column;
    if (registry == nullptr) {
      find(Level::info, "CV-REGISTRY",
           fmt::format("there is no table {}; it will be made", description().registry.table));
      return;
    }
    if (!registry->is_readable)
      find(Level::error, "CV-OWNER",
           fmt::format("{} belongs to {}, and this login may not read it", registry->name, registry->owner),
           fmt::format("Sign in as {}, or as a role that is a member of it.", registry->owner));
    const Column* id = registry->column(column);
    const bool is_key = std::ranges::any_of(registry->indexes, [&](const Index& index) {
      return index.is_unique && index.is_valid && index.predicate.empty() &&
             index.columns() == std::vector{column};
    });
    if (id == nullptr || !is_whole_number(*id) || !is_key)
      find(Level::error, "CV-REGISTRY",
           fmt::format("the table {} has no column {} of type bigint with a key of its own", registry->name,
                       column),
           "Foreign keys have to lead there. Name another table in the description, or make that key.");
  }

  bool is_whole_number(const Column& column) const {
    if (schema().dialect == Dialect::postgres) return column.type == "bigint";
    return column.type == "INTEGER" || column.type == "BIGINT" || column.type == "integer" ||
           column.type == "bigint";
  }

  void check(const SchemeTable& one) {
    const Table& table = *one.table;
    check_relation(table);
    if (table.relation == Relation::partitioned) check_partitioned(one);
    check_column(one);
    check_rules(one);
    check_merging(one);
    for (const std::string& column : one.rule.sums) need_column(one, column, "sums");
    for (const std::string& column : one.rule.folded) need_column(one, column, "folded");
    for (const auto& key : one.rule.unique) {
      for (const std::string& column : key) need_column(one, column, "unique");
    }
    for (const Index& index : table.indexes) {
      if (index.is_exclusion && !index.has(one.column()))
        find(Level::error, "CV-EXCLUDE",
             fmt::format("{} has the exclusion constraint {}, which holds between servers", table.name,
                         index.name),
             fmt::format("Make it anew with \"{} WITH =\" (extension btree_gist), then try again.",
                         one.column()));
    }
    for (const ForeignKey& key : table.foreign_keys) check_foreign_key(one, key);
  }

  void check_relation(const Table& table) {
    if (table.relation == Relation::foreign)
      find(Level::error, "CV-FOREIGN",
           fmt::format("{} is a foreign table: its rows lie in another database", table.name),
           "Convert that database, or leave the table out with class \"global\".");

    if (!table.is_owned)
      find(Level::error, "CV-OWNER",
           fmt::format("{} belongs to {}, and only its owner may change it", table.name, table.owner),
           fmt::format("Sign in as {}, or as a role that is a member of it.", table.owner));
    if (table.is_unlogged)
      find(Level::warning, "CV-UNLOGGED",
           fmt::format("{} is unlogged: a crash of the server empties it", table.name));
  }

  /// The simple case is converted, and it alone: a key of each partition takes the place of the old one, all
  /// of them in one transaction.
  void check_partitioned(const SchemeTable& one) {
    const Column* column = one.table->column(one.column());
    if (!one.table->parent.empty()) refuse_partitioned(one, "so is the table that it is a partition of");
    if (one.is_child()) refuse_partitioned(one, "its rows get their server from their parents");
    if (column != nullptr && !column->not_null)
      refuse_partitioned(one, fmt::format("{} may be NULL", column->name));
    if (one.rule.zero == Zero::home_at_contract)
      refuse_partitioned(one, "the old program writes rows of server 0");
    for (const Index& index : one.table->indexes) {
      if (index.is_unique && index.constraint.empty() && !index.has_at(0, one.column()))
        refuse_partitioned(one, fmt::format("its unique index {} is no constraint", index.name));
    }
    for (const auto& [name, view] : schema().views) {
      const auto is_key = [&](const std::string& constraint) {
        return one.table->index(constraint) != nullptr;
      };
      if (std::ranges::any_of(view.constraints, is_key))
        refuse_partitioned(one, fmt::format("the view {} hangs on its key", name));
    }
    for (const auto& [name, other] : schema().tables) {
      if (other.parent == one.name()) check_partition(one, other);
      for (const ForeignKey& key : other.foreign_keys) {
        const bool leads_away = name == one.name() && scheme_.find(key.table) != nullptr;
        if (key.table == one.name() || leads_away)
          refuse_partitioned(one, fmt::format("the foreign key {} of {} leads {} it", key.name, name,
                                              leads_away ? "from" : "to"));
      }
    }
  }

  void check_partition(const SchemeTable& whole, const Table& partition) {
    if (partition.relation != Relation::partition)
      refuse_partitioned(whole, fmt::format("its partition {} is no ordinary table", partition.name));
    for (const Index& index : partition.indexes) {
      const bool is_of_whole = std::ranges::any_of(whole.table->indexes, [&](const Index& other) {
        return other.is_unique && other.columns() == index.columns();
      });
      if (index.is_unique && !is_of_whole && !index.has_at(0, whole.column()))
        refuse_partitioned(whole,
                           fmt::format("{} is a key of its partition {} alone", index.name, partition.name));
    }
  }

  void refuse_partitioned(const SchemeTable& one, const std::string& why) {
    find(Level::error, "CV-PARTITIONED", fmt::format("{} is partitioned, and {}", one.name(), why),
         "Leave it out with class \"global\", and give each partition its column and keys by hand.");
  }

  void check_column(const SchemeTable& one) {
    const Column* column = one.table->column(one.column());
    if (column == nullptr) return;
    if (scheme_.inherits_column(one) && !scheme_.find(one.table->parent)->has_column())
      find(Level::error, "CV-INHERITS",
           fmt::format("{0} has a column {1} of its own, and {2}, from which it inherits, has none",
                       one.name(), column->name, one.table->parent),
           fmt::format("Make it one column first: ALTER TABLE {} ADD COLUMN {} bigint",
                       store::quoted_name(one.table->parent), store::quoted_name(column->name)));
    if (column->is_generated || column->is_identity) {
      find(Level::error, "CV-COLUMN",
           fmt::format("{}.{} is made by the database itself", one.name(), column->name),
           "A server is told by whoever writes the row: make it an ordinary column first.");
    } else if (schema().dialect == Dialect::postgres && !is_whole_number(*column)) {
      find(Level::error, "CV-COLUMN",
           fmt::format("{}.{} is of type {}; it has to be bigint", one.name(), column->name, column->type),
           fmt::format(
               "While the bot is stopped: ALTER TABLE {0} ALTER COLUMN {1} TYPE bigint USING {1}::bigint",
               store::quoted_name(one.name()), store::quoted_name(column->name)));
    }
  }

  /// Rules on rows that were written for files, where all of a table is made anew.
  void check_rules(const SchemeTable& one) {
    if (schema().dialect != Dialect::postgres) return;
    const TableRule& rule = one.rule;
    std::vector<std::string> words;
    if (rule.duplicates == Duplicates::best)
      words.push_back(fmt::format("duplicates = \"{}\"", name_of(rule.duplicates)));
    if (!rule.not_null.empty()) words.emplace_back("not_null");
    if (!rule.fill.empty()) words.emplace_back("fill");
    if (rule.recount) words.emplace_back("recount");
    if (std::ranges::any_of(rule.parents, [](const Parent& parent) { return !parent.mistaken.empty(); }))
      words.emplace_back("mistaken");
    if (!words.empty())
      find(Level::error, "CV-FILE",
           fmt::format("{} line {}: table.{} has {}, which is for SQLite files alone", description().name,
                       rule.line, one.name(), fmt::join(words, ", ")),
           "Set those rows right first, and leave that out.");
  }

  /// Rows that are to become one: PostgreSQL's steps do it, where nothing refers to those that go.
  void check_merging(const SchemeTable& one) {
    const TableRule& rule = one.rule;
    const bool merges_twins = rule.twins == TwinNames::merge;
    const auto find_rule = [&](const char* code, const std::string& what, std::string hint) {
      find(Level::error, code,
           fmt::format("{} line {}: table.{} {}", description().name, rule.line, one.name(), what),
           std::move(hint));
    };
    if (makes_one(rule.duplicates) && !rule.newest_by.empty()) need_column(one, rule.newest_by, "newest_by");
    if (schema().dialect != Dialect::postgres) {
      if (merges_twins)
        find_rule("CV-FILE", "has twins = \"merge\", which is for PostgreSQL alone",
                  "Make those names one first, and leave that out.");
      return;
    }
    const std::vector<RowKey> keys = promised_keys(one);
    if (merges_twins && std::ranges::none_of(keys, [](const RowKey& key) { return !key.folded.empty(); }))
      find_rule("CV-FILE", "has twins = \"merge\", and no unique key with one of its names in it",
                "Say what is unique within a server: unique = [[\"...\"]].");
    const std::vector<std::string> others = referring_tables(scheme_, one);
    if (!keys.empty() && !others.empty())
      find_rule("CV-MERGE",
                fmt::format("lets rows become one, to which rows of {} refer", fmt::join(others, ", ")),
                "Those would lead nowhere: set the rows right first, and leave that out.");
  }

  void need_column(const SchemeTable& one, const std::string& column, std::string_view field) {
    if (one.table->column(column) == nullptr)
      find(Level::error, "CV-FILE",
           fmt::format("{} line {}: table.{}.{} names '{}', which the table does not have",
                       description().name, one.rule.line, one.name(), field, column));
  }

  /// What refers to a key that is replaced has to be changed with it.
  void check_outsiders() {
    if (schema().dialect != Dialect::postgres) return;
    for (const auto& [name, table] : schema().tables) {
      if (scheme_.find(name) != nullptr || table.relation == Relation::partition) continue;
      for (const ForeignKey& key : table.foreign_keys) {
        if (scheme_.find(key.table) == nullptr) continue;
        find(Level::error, "CV-FK",
             fmt::format("the foreign key {} of {}, which is not converted, refers to {}, whose keys get the "
                         "server",
                         key.name, name, key.table),
             fmt::format("Describe {} as class \"child\", or drop that foreign key.", name));
      }
    }
  }

  void check_foreign_key(const SchemeTable& one, const ForeignKey& key) {
    const SchemeTable* other = scheme_.find(key.table);
    if (key.has(one.column()) || other == nullptr) return;
    if (other->is_override())
      find(Level::error, "CV-FK",
           fmt::format("the foreign key {} of {} leads to {}, whose rows may be all servers'", key.name,
                       one.name(), key.table),
           "Drop that foreign key, or describe the other table as class \"tenant\".");
    if (key.matches_full)
      find(Level::error, "CV-FK",
           fmt::format("the foreign key {} of {} is MATCH FULL, which a server beside an empty column breaks",
                       key.name, one.name()),
           "Make it anew without MATCH FULL.");
    if (key.on_update == 'n' || key.on_update == 'd')
      find(Level::error, "CV-FK",
           fmt::format(
               "the foreign key {} of {} would take the server away when its parent changes (ON UPDATE SET)",
               key.name, one.name()),
           "Make it anew with ON UPDATE NO ACTION or CASCADE.");
  }

  Scheme scheme_;
  std::map<std::string, const Table*> rest_;
  std::vector<std::string> absent_;
};

struct Found {
  std::map<std::int64_t, Candidate> by_server;
  std::vector<std::int64_t> order;

  void add(std::int64_t server, const std::string& table, std::int64_t rows) {
    auto [at, is_new] = by_server.try_emplace(server);
    if (is_new) order.push_back(server);
    at->second.server = server;
    at->second.sources.push_back({table, rows});
  }
};

}  // namespace

std::optional<std::int64_t> parse_server(std::string_view text) {
  std::int64_t server = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), server);
  if (error != std::errc() || end != text.data() + text.size() || server <= 0) return std::nullopt;
  return server;
}

const std::vector<std::string>* Attribution::find(const std::string& table) const {
  const auto found = keys.find(table);
  return !is_on() || found == keys.end() ? nullptr : &found->second;
}

bool SchemeTable::has_server_index() const {
  return std::ranges::any_of(table->indexes, [this](const Index& index) {
    return index.is_valid && index.method == "btree" && index.predicate.empty() && index.has_at(0, column());
  });
}

const SchemeTable* Scheme::find(std::string_view table) const {
  const auto found = std::ranges::find(tables, table, &SchemeTable::name);
  return found == tables.end() ? nullptr : &*found;
}

bool Scheme::has_heirs(const SchemeTable& one) const {
  return std::ranges::any_of(schema->tables, [&](const auto& entry) {
    return entry.second.relation == Relation::inheriting && entry.second.parent == one.name();
  });
}

bool Scheme::inherits_column(const SchemeTable& one) const {
  if (one.table->relation != Relation::inheriting && one.table->relation != Relation::partition) return false;
  const SchemeTable* parent = find(one.table->parent);
  return parent != nullptr && parent->column() == one.column();
}

std::vector<const SchemeTable*> Scheme::partitions_of(const SchemeTable& one) const {
  std::vector<const SchemeTable*> all;
  for (const SchemeTable& other : tables) {
    if (other.table->relation == Relation::partition && other.table->parent == one.name())
      all.push_back(&other);
  }
  return all;
}

bool Scheme::can_go_on() const {
  return std::ranges::none_of(findings, [](const auto& finding) { return finding.level == Level::error; });
}

bool Scheme::is_readable() const {
  return (registry() == nullptr || registry()->is_readable) &&
         std::ranges::all_of(tables, [](const SchemeTable& one) { return one.table->is_readable; });
}

Scheme make_scheme(const OldSchema& schema, const Description& description) {
  return Making(schema, description).make();
}

std::vector<Candidate> find_candidates(store::SchemaSession& session, const Scheme& scheme) {
  Found found;
  const auto ask = [&](const std::string& name, const std::string& column) {
    const Table* table = scheme.schema->find(name);
    if (table == nullptr || table->column(column) == nullptr || !table->is_readable) return;
    // As text, so that one of another type is no error here: the scheme says what is wrong with it.
    const auto rows = session.query(fmt::format(
        "SELECT CAST({0} AS text), count(*) FROM {1}{2} WHERE {0} IS NOT NULL GROUP BY 1 ORDER BY 2 DESC, 1",
        store::quoted_name(column),
        scheme.schema->schema.empty() ? "" : store::quoted_name(scheme.schema->schema) + ".",
        store::quoted_name(name)));
    for (const auto& row : rows) {
      if (const auto server = parse_server(row[0]); server) found.add(*server, name, std::stoll(row[1]));
    }
  };
  for (const Evidence& evidence : scheme.description.evidence) ask(evidence.table, evidence.column);
  ask(scheme.description.registry.table, scheme.description.registry.column);
  std::vector<Candidate> candidates;
  for (const std::int64_t server : found.order) candidates.push_back(std::move(found.by_server.at(server)));
  return candidates;
}

}  // namespace guildhall::convert
