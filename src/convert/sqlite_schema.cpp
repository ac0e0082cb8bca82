// What SQLite keeps of its schema are texts: pragmas tell what they mean where they do, our lexer the rest.
#include <fmt/format.h>

#include <cstdio>
#include <map>
#include <set>

#include "base/text.h"
#include "convert/old_schema.h"
#include "convert/sqlite_archive.h"
#include "convert/sqlite_plan.h"
#include "convert/sqlite_table_text.h"
#include "migrate/schema_reading.h"
#include "migrate/sql_lexer.h"
#include "store/quoting.h"

namespace guildhall::convert {
namespace {

using store::quoted_name;
using Rows = store::SchemaSession::Rows;

/// Beyond that, the sizes of tables are not added up page by page.
constexpr std::int64_t kMostBytesRead = 1LL << 30;

char action_of(const std::string& words) {
  if (words == "RESTRICT") return 'r';
  if (words == "CASCADE") return 'c';
  if (words == "SET NULL") return 'n';
  if (words == "SET DEFAULT") return 'd';
  return 'a';
}

class Reading {
 public:
  Reading(store::SchemaSession& session, bool with_sizes) : session_(session), with_sizes_(with_sizes) {}

  OldSchema read() {
    schema_.dialect = migrate::Dialect::sqlite;
    schema_.version_text = session_.query("SELECT sqlite_version()").at(0).at(0);
    int major = 0;
    int minor = 0;
    int patch = 0;
    std::sscanf(schema_.version_text.c_str(), "%d.%d.%d", &major, &minor, &patch);
    schema_.version = major * 1'000'000 + minor * 1'000 + patch;
    auto entries = migrate::sqlite_entries(session_);
    std::erase_if(entries, [](const auto& entry) {
      return entry.name.starts_with(kPassingNames) || entry.table.starts_with(kPassingNames) ||
             entry.table == kServerMarker || entry.table.starts_with(kSqliteArchive);
    });
    for (const auto& entry : entries) {
      if (entry.type == "table") read_table(entry);
    }
    for (const auto& entry : entries) {
      if (entry.type == "index") read_index_text(entry);
      if (entry.type == "view") schema_.views[entry.name] = {.name = entry.name, .definition = entry.sql};
    }
    for (const auto& entry : entries) {
      if (entry.type == "trigger") read_trigger(entry);
    }
    for (auto& [name, view] : schema_.views) view.reads = names_in(view.definition, name);
    if (with_sizes_) read_sizes();
    return std::move(schema_);
  }

 private:
  void read_table(const migrate::SqliteEntry& entry) {
    Table table{.name = entry.name, .sql = entry.sql};
    const auto lexed = migrate::lex(entry.sql, migrate::Dialect::sqlite);
    if (lexed && lexed->size() > 1 && migrate::is_keyword((*lexed)[1], "virtual"))
      table.relation = Relation::foreign;
    for (const auto& row :
         session_.query("SELECT wr, strict FROM pragma_table_list($1) WHERE schema = 'main'", {entry.name})) {
      table.has_rowid = row[0] == "0";
      table.is_strict = row[1] == "1";
    }
    if (with_sizes_ && table.relation == Relation::table)
      table.rows = std::stoll(
          session_.query(fmt::format("SELECT count(*) FROM {}", quoted_name(entry.name))).at(0).at(0));
    read_columns(table);
    read_indexes(table);
    read_foreign_keys(table);
    if (const auto text = read_table_text(entry.name, entry.sql)) read_checks(*text, table);
    schema_.tables[entry.name] = std::move(table);
  }

  /// What pragma_table_xinfo hides with 1 are the hidden columns of virtual tables; 2 and 3 are generated.
  void read_columns(Table& table) {
    std::map<int, std::string> key;
    for (const auto& row :
         session_.query(R"(SELECT name, type, "notnull", dflt_value, pk, hidden FROM pragma_table_xinfo($1))",
                        {table.name})) {
      if (row[5] == "1") continue;
      table.columns.push_back({.name = row[0],
                               .type = row[1],
                               .not_null = row[2] == "1",
                               .default_expression = row[3],
                               .is_generated = row[5] != "0"});
      if (row[4] != "0") key[std::stoi(row[4])] = row[0];
    }
    if (key.empty()) return;
    // A row number has no index; any other primary key has one, which replaces this.
    Index primary{.name = "", .is_unique = true, .is_primary = true};
    std::string columns;
    for (const auto& [place, name] : key) {
      primary.parts.push_back({name, quoted_name(name)});
      columns += (columns.empty() ? "" : ", ") + quoted_name(name);
    }
    primary.definition = fmt::format("PRIMARY KEY ({})", columns);
    table.indexes.push_back(std::move(primary));
  }

  void read_indexes(Table& table) {
    for (const auto& row : session_.query(
             R"(SELECT name, "unique", origin, partial FROM pragma_index_list($1) ORDER BY seq DESC)",
             {table.name})) {
      Index index{.name = row[0], .is_unique = row[1] == "1", .is_primary = row[2] == "pk"};
      std::string list;
      for (const auto& part : session_.query(R"(
SELECT name, "desc", coll FROM pragma_index_xinfo($1) WHERE "key" = 1 ORDER BY seqno)",
                                             {row[0]})) {
        const bool plain = to_lower_ascii(part[2]) == "binary";
        index.parts.push_back(
            {part[0], fmt::format("{}{}{}", quoted_name(part[0]), plain ? "" : " COLLATE " + part[2],
                                  part[1] == "1" ? " DESC" : "")});
        list += (list.empty() ? "" : ", ") + index.parts.back().sql;
      }
      if (row[2] != "c") {
        index.constraint = row[0];
        index.definition = fmt::format("{} ({})", index.is_primary ? "PRIMARY KEY" : "UNIQUE", list);
      }
      if (index.is_primary) table.indexes.erase(table.indexes.begin());
      table.indexes.insert(index.is_primary ? table.indexes.begin() : table.indexes.end(), std::move(index));
    }
  }

  void read_foreign_keys(Table& table) {
    std::map<int, ForeignKey> keys;
    for (const auto& row : session_.query(R"(
SELECT id, "table", "from", "to", on_update, on_delete FROM pragma_foreign_key_list($1) ORDER BY id, seq)",
                                          {table.name})) {
      ForeignKey& key = keys[-std::stoi(row[0])];  // the pragma counts from the last that is written
      key.table = row[1];
      key.columns.push_back(row[2]);
      if (!row[3].empty()) key.referenced.push_back(row[3]);
      key.on_update = action_of(row[4]);
      key.on_delete = action_of(row[5]);
    }
    for (auto& [place, key] : keys) {
      if (key.referenced.empty()) {
        for (const auto& row :
             session_.query("SELECT name FROM pragma_table_info($1) WHERE pk > 0 ORDER BY pk", {key.table}))
          key.referenced.push_back(row[0]);
      }
      table.foreign_keys.push_back(std::move(key));
    }
  }

  static void read_checks(const TableText& text, Table& table) {
    for (const ItemText& item : text.items) {
      for (const ClauseText& clause : item.clauses) {
        if (clause.kind == ClauseText::Kind::check) table.checks.push_back({clause.name, clause.sql});
      }
    }
  }

  void read_index_text(const migrate::SqliteEntry& entry) {
    const auto table = schema_.tables.find(entry.table);
    if (table == schema_.tables.end()) return;
    for (Index& index : table->second.indexes) {
      if (index.name != entry.name) continue;
      index.definition = entry.sql;
      index.predicate = predicate_of(entry.sql);
      name_expressions(index);
    }
  }

  /// SQLite itself tells the columns of an index alone, and of an expression its collation and order.
  static void name_expressions(Index& index) {
    const std::vector<std::string> values = indexed_values(index.definition);
    if (values.size() != index.parts.size()) return;
    const std::size_t nothing = quoted_name("").size();
    for (std::size_t at = 0; at < values.size(); ++at) {
      IndexPart& part = index.parts[at];
      if (part.column.empty()) part.sql = fmt::format("({}){}", values[at], part.sql.substr(nothing));
    }
  }

  static std::string predicate_of(const std::string& sql) {
    const auto lexed = migrate::lex(sql, migrate::Dialect::sqlite);
    int depth = 0;
    for (const migrate::Token& token : lexed.value_or(std::vector<migrate::Token>())) {
      if (migrate::is_symbol(token, "(")) ++depth;
      if (migrate::is_symbol(token, ")")) --depth;
      if (depth > 0 || !migrate::is_keyword(token, "where")) continue;
      const auto behind = static_cast<std::size_t>(token.text.data() + token.text.size() - sql.data());
      return std::string(trim(std::string_view(sql).substr(behind)));
    }
    return "";
  }

  void read_trigger(const migrate::SqliteEntry& entry) {
    if (const auto table = schema_.tables.find(entry.table); table != schema_.tables.end())
      table->second.triggers.push_back({entry.name, entry.sql});
    if (const auto view = schema_.views.find(entry.table); view != schema_.views.end())
      view->second.triggers.push_back({entry.name, entry.sql});
  }

  /// Tables and views that a text names.
  std::vector<std::string> names_in(const std::string& sql, const std::string& but) const {
    const auto lexed = migrate::lex(sql, migrate::Dialect::sqlite);
    std::vector<std::string> names;
    if (!lexed) return names;
    std::set<std::string> words;
    for (const migrate::Token& token : *lexed) {
      if (token.kind == migrate::TokenKind::word || token.kind == migrate::TokenKind::quoted_word)
        words.insert(to_lower_ascii(unquoted(token.text)));
    }
    for (const auto& [name, table] : schema_.tables) {
      if (words.contains(to_lower_ascii(name))) names.push_back(name);
    }
    for (const auto& [name, view] : schema_.views) {
      if (name != but && words.contains(to_lower_ascii(name))) names.push_back(name);
    }
    return names;
  }

  void read_sizes() {
    const auto pages =
        session_.query("SELECT page_count * page_size FROM pragma_page_count, pragma_page_size");
    if (std::stoll(pages.at(0).at(0)) > kMostBytesRead) return;
    std::map<std::string, std::int64_t> bytes;
    try {
      for (const auto& row : session_.query("SELECT name, pgsize FROM dbstat WHERE aggregate = 1"))
        bytes[row[0]] = std::stoll(row[1]);
    } catch (const store::DatabaseError&) {
      return;  // a library without that table
    }
    for (auto& [name, table] : schema_.tables) {
      table.bytes = bytes[name];
      for (Index& index : table.indexes) {
        index.bytes = index.name.empty() ? 0 : bytes[index.name];
        table.index_bytes += index.bytes;
      }
    }
  }

  store::SchemaSession& session_;
  bool with_sizes_;
  OldSchema schema_;
};

OldSchema read(store::SchemaSession& session, bool with_sizes) {
  const bool within = session.in_transaction();
  if (!within) session.execute("BEGIN");
  try {
    OldSchema schema = Reading(session, with_sizes).read();
    if (!within) session.execute("COMMIT");
    return schema;
  } catch (...) {
    if (!within && session.in_transaction()) session.execute("ROLLBACK");
    throw;
  }
}

}  // namespace

OldSchema read_sqlite_schema(store::SchemaSession& session) { return read(session, true); }
OldSchema read_sqlite_shape(store::SchemaSession& session) { return read(session, false); }

}  // namespace guildhall::convert
