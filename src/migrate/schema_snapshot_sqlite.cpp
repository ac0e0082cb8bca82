// SQLite's schema: what pragmas tell is taken from them; what they do not tell (CHECK, generated columns,
// collations, deferred foreign keys, STRICT, ...) from the tokens of the statements that SQLite keeps, with
// unquoted words in lower case and one space between two tokens.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <map>
#include <set>

#include "base/text.h"
#include "migrate/schema_reading.h"
#include "migrate/sql_lexer.h"

namespace guildhall::migrate {
namespace {

using Rows = store::SchemaSession::Rows;
using Tokens = std::span<const Token>;

std::string normalised(Tokens tokens) {
  std::string text;
  for (const Token& token : tokens) {
    if (!text.empty()) text += ' ';
    text += token.kind == TokenKind::word ? to_lower_ascii(token.text) : std::string(token.text);
  }
  return text;
}

/// SQLite took the text before: what the lexer does not know is left as it stands.
std::vector<Token> tokens_of(std::string_view sql) {
  auto tokens = lex(sql, Dialect::sqlite);
  if (!tokens) return {{TokenKind::literal, sql, 1}};
  std::erase_if(*tokens, [](const Token& token) { return token.kind == TokenKind::comment; });
  return *std::move(tokens);
}

std::string normalised_sql(std::string_view sql) {
  const auto tokens = tokens_of(sql);
  return normalised(tokens);
}

std::string quote_name(std::string_view name) {
  std::string text = "\"";
  for (const char c : name) text += c == '"' ? std::string("\"\"") : std::string(1, c);
  return text + "\"";
}

/// Where the parenthesis at `open` is closed; the end when it is not.
std::size_t closing(Tokens tokens, std::size_t open) {
  int depth = 0;
  for (std::size_t i = open; i < tokens.size(); ++i) {
    if (is_symbol(tokens[i], "(")) ++depth;
    if (is_symbol(tokens[i], ")") && --depth == 0) return i;
  }
  return tokens.size();
}

bool is_any(const Token& token, std::initializer_list<std::string_view> words) {
  return std::ranges::any_of(words, [&](std::string_view word) { return is_keyword(token, word); });
}

/// The text of a CREATE TABLE: the items between its parentheses, and the words behind them.
struct TableText {
  std::vector<Token> tokens;
  std::vector<Tokens> items;
  Tokens options;
};

TableText read_table_text(std::string_view sql) {
  TableText table{tokens_of(sql), {}, {}};
  const Tokens all = table.tokens;
  std::size_t open = 0;
  while (open < all.size() && !is_symbol(all[open], "(")) ++open;
  const std::size_t close = closing(all, open);
  std::size_t from = open + 1;
  for (std::size_t i = from; i < close; ++i) {
    if (is_symbol(all[i], "(")) i = closing(all, i);
    if (i < close && is_symbol(all[i], ",")) {
      table.items.push_back(all.subspan(from, i - from));
      from = i + 1;
    }
  }
  if (from < close) table.items.push_back(all.subspan(from, close - from));
  if (close < all.size()) table.options = all.subspan(close + 1);
  return table;
}

bool is_column(Tokens item) {
  return !item.empty() && !is_any(item[0], {"constraint", "primary", "unique", "check", "foreign"});
}

/// What the tokens of one item say beyond the pragmas.
struct Clauses {
  std::vector<std::string> checks;     // expressions
  std::vector<std::string> deferrals;  // one for each REFERENCES, "" when it is not deferred
  std::vector<std::string> conflicts;  // ON CONFLICT
  std::string collation;
  std::string generated;
  bool counts = false;  // AUTOINCREMENT
};

/// Words on deferring that begin at `i`; "" when there are none.
std::string deferral(Tokens item, std::size_t i) {
  std::size_t end = i;
  while (end < item.size() &&
         is_any(item[end], {"not", "deferrable", "initially", "deferred", "immediate"})) {
    // NOT may also begin the column's NOT NULL.
    if (is_keyword(item[end], "not") && (end + 1 == item.size() || !is_keyword(item[end + 1], "deferrable")))
      break;
    ++end;
  }
  const std::string text = normalised(item.subspan(i, end - i));
  return text == "deferrable initially deferred" ? text : "";
}

void read_clause(Tokens item, std::size_t i, Clauses& clauses) {
  const Token& token = item[i];
  const bool in_parentheses = i + 1 < item.size() && is_symbol(item[i + 1], "(");
  const auto inner = [&] { return normalised(item.subspan(i + 2, closing(item, i + 1) - i - 2)); };
  if (is_keyword(token, "check") && in_parentheses) clauses.checks.push_back(inner());
  if (is_keyword(token, "as") && in_parentheses) clauses.generated = inner();
  if (is_keyword(token, "collate") && i + 1 < item.size())
    clauses.collation = to_lower_ascii(item[i + 1].text);
  if (is_keyword(token, "autoincrement")) clauses.counts = true;
  if (is_keyword(token, "conflict") && i + 1 < item.size())
    clauses.conflicts.push_back(normalised(item.subspan(0, i + 2)));
  if (is_keyword(token, "references")) clauses.deferrals.emplace_back();
  if (is_keyword(token, "deferrable") && !clauses.deferrals.empty() && clauses.deferrals.back().empty() &&
      !is_keyword(item[i - 1], "not"))
    clauses.deferrals.back() = deferral(item, i);
}

Clauses read_clauses(Tokens item) {
  Clauses clauses;
  for (std::size_t i = 0; i < item.size(); ++i) {
    read_clause(item, i, clauses);
    if (is_symbol(item[i], "(")) i = closing(item, i);
  }
  return clauses;
}

/// An item's first token as the name that it is.
std::string name_of(const Token& token) {
  if (token.kind == TokenKind::word) return std::string(token.text);
  if (token.text.size() < 2) return std::string(token.text);
  const char quote = token.text.back();
  std::string name;
  const std::string_view inner = token.text.substr(1, token.text.size() - 2);
  for (std::size_t i = 0; i < inner.size(); ++i) {
    name += inner[i];
    if (inner[i] == quote && i + 1 < inner.size() && inner[i + 1] == quote) ++i;
  }
  return name;
}

class TableReader {
 public:
  TableReader(store::SchemaSession& session, const SqliteEntry& table, const SnapshotOptions& options)
      : session_(session), table_(table), options_(options), of_(quote_name(table.name)) {}

  std::vector<SchemaObject> read() {
    if (is_virtual()) {
      SchemaObject object = make("table", "");
      object.properties.emplace_back("virtual", normalised_sql(table_.sql));
      return {std::move(object)};
    }
    read_text();
    std::vector<SchemaObject> objects{table_object()};
    add_columns(objects);
    add_keys(objects);
    add_foreign_keys(objects);
    for (const std::string& check : checks_) add_constraint(objects, fmt::format("CHECK ({})", check));
    return objects;
  }

 private:
  bool is_virtual() const {
    const auto tokens = tokens_of(table_.sql);
    return tokens.size() > 1 && is_keyword(tokens[1], "virtual");
  }

  SchemaObject make(std::string kind, const std::string& own) const {
    if (own.empty()) return {std::move(kind), of_, "", of_, {}, table_.sql};
    return {std::move(kind), of_ + "." + own, of_, own};
  }

  void read_text() {
    text_ = read_table_text(table_.sql);
    for (const Tokens item : text_.items) {
      Clauses clauses = read_clauses(item);
      checks_.insert(checks_.end(), clauses.checks.begin(), clauses.checks.end());
      deferrals_.insert(deferrals_.end(), clauses.deferrals.begin(), clauses.deferrals.end());
      conflicts_.insert(conflicts_.end(), clauses.conflicts.begin(), clauses.conflicts.end());
      counts_ = counts_ || clauses.counts;
      if (is_column(item)) columns_[to_lower_ascii(name_of(item[0]))] = std::move(clauses);
    }
  }

  SchemaObject table_object() {
    SchemaObject object = make("table", "");
    if (counts_) object.properties.emplace_back("autoincrement", "yes");
    if (!text_.options.empty()) object.properties.emplace_back("options", sorted_options());
    std::ranges::sort(conflicts_);
    if (!conflicts_.empty())
      object.properties.emplace_back("on conflict", fmt::format("{}", fmt::join(conflicts_, "; ")));
    return object;
  }

  /// STRICT and WITHOUT ROWID, in any order.
  std::string sorted_options() const {
    std::vector<std::string> options(1);
    for (const Token& token : text_.options) {
      if (is_symbol(token, ",")) {
        options.emplace_back();
      } else {
        options.back() += (options.back().empty() ? "" : " ") + to_lower_ascii(token.text);
      }
    }
    std::ranges::sort(options);
    return fmt::format("{}", fmt::join(options, ", "));
  }

  void add_columns(std::vector<SchemaObject>& objects) {
    // hidden: 2 and 3 are generated columns, virtual and stored.
    const Rows rows = session_.query(
        R"(SELECT name, upper(type), "notnull", dflt_value, pk, hidden, cid FROM pragma_table_xinfo($1))",
        {table_.name});
    std::map<int, std::string> primary;
    for (const auto& row : rows) {
      SchemaObject column = make("column", quote_name(row[0]));
      auto& properties = column.properties;
      const Clauses& clauses = columns_[to_lower_ascii(row[0])];
      if (!row[1].empty()) properties.emplace_back("type", row[1]);
      if (row[2] == "1") properties.emplace_back("not null", "yes");
      if (!row[3].empty()) properties.emplace_back("default", normalised_sql(row[3]));
      if (!clauses.collation.empty()) properties.emplace_back("collation", clauses.collation);
      if (!clauses.generated.empty()) {
        properties.emplace_back(
            "generated", fmt::format("{} {}", clauses.generated, row[5] == "3" ? "stored" : "virtual"));
      }
      if (options_.strict_order) properties.emplace_back("position", std::to_string(std::stoi(row[6]) + 1));
      if (row[4] != "0") primary[std::stoi(row[4])] = quote_name(row[0]);
      objects.push_back(std::move(column));
    }
    std::vector<std::string> names;
    for (const auto& [place, name] : primary) names.push_back(name);
    if (!names.empty()) add_constraint(objects, fmt::format("PRIMARY KEY ({})", fmt::join(names, ", ")));
  }

  /// UNIQUE; the primary key stands with the columns.
  void add_keys(std::vector<SchemaObject>& objects) {
    const Rows keys =
        session_.query("SELECT name FROM pragma_index_list($1) WHERE origin = 'u'", {table_.name});
    for (const auto& key : keys) {
      const Rows rows = session_.query(
          R"(SELECT name, "desc", lower(coll) FROM pragma_index_xinfo($1) WHERE "key" = 1 ORDER BY seqno)",
          {key[0]});
      std::vector<std::string> columns;
      for (const auto& row : rows) {
        columns.push_back(fmt::format("{}{}{}", quote_name(row[0]),
                                      row[2] == "binary" ? "" : " COLLATE " + row[2],
                                      row[1] == "1" ? " DESC" : ""));
      }
      add_constraint(objects, fmt::format("UNIQUE ({})", fmt::join(columns, ", ")));
    }
  }

  /// The pragma counts them from the last that is written to the first.
  void add_foreign_keys(std::vector<SchemaObject>& objects) {
    struct Key {
      std::vector<std::string> from, to;
      std::string table, actions;
    };
    std::map<std::size_t, Key> keys;
    const Rows rows = session_.query(
        R"(
SELECT id, "table", "from", "to", on_update, on_delete FROM pragma_foreign_key_list($1) ORDER BY id, seq)",
        {table_.name});
    for (const auto& row : rows) {
      Key& key = keys[std::stoul(row[0])];
      key.table = quote_name(row[1]);
      key.from.push_back(quote_name(row[2]));
      if (!row[3].empty()) key.to.push_back(quote_name(row[3]));
      key.actions = fmt::format("{}{}", row[4] == "NO ACTION" ? "" : " ON UPDATE " + row[4],
                                row[5] == "NO ACTION" ? "" : " ON DELETE " + row[5]);
    }
    for (const auto& [id, key] : keys) {
      const std::string deferral = keys.size() == deferrals_.size() ? deferrals_[keys.size() - 1 - id] : "";
      add_constraint(objects,
                     fmt::format("FOREIGN KEY ({}) REFERENCES {}{}{}{}", fmt::join(key.from, ", "), key.table,
                                 key.to.empty() ? "" : fmt::format(" ({})", fmt::join(key.to, ", ")),
                                 key.actions, deferral.empty() ? "" : " " + deferral));
    }
  }

  /// Constraints have no names of their own here: what they say is their name.
  void add_constraint(std::vector<SchemaObject>& objects, const std::string& definition) {
    SchemaObject object = make("constraint", definition);
    object.properties.emplace_back("definition", definition);
    objects.push_back(std::move(object));
  }

  store::SchemaSession& session_;
  const SqliteEntry& table_;
  const SnapshotOptions& options_;
  std::string of_;
  TableText text_;
  std::map<std::string, Clauses> columns_;
  std::vector<std::string> checks_;
  std::vector<std::string> deferrals_;  // in the order in which they are written
  std::vector<std::string> conflicts_;
  bool counts_ = false;
};

SchemaObject entry_object(const SqliteEntry& entry) {
  const std::string name = quote_name(entry.name);
  const bool stands_alone = entry.type == "view";
  return {entry.type,
          entry.type == "trigger" ? quote_name(entry.table) + "." + name : name,
          stands_alone ? "" : quote_name(entry.table),
          name,
          {{"definition", normalised_sql(entry.sql)}},
          entry.sql};
}

/// What virtual tables keep their content in.
std::set<std::string> shadow_tables(store::SchemaSession& session) {
  std::set<std::string> names;
  for (auto& row :
       session.query("SELECT name FROM pragma_table_list WHERE schema = 'main' AND type = 'shadow'"))
    names.insert(std::move(row[0]));
  return names;
}

bool is_tools(std::string_view table) {
  return std::ranges::find(kToolRelations, table) != std::end(kToolRelations);
}

}  // namespace

std::vector<SqliteEntry> sqlite_entries(store::SchemaSession& session) {
  // Without a text: the indexes of constraints.
  const Rows rows = session.query(R"(
SELECT type, name, tbl_name, sql, rootpage FROM sqlite_schema
 WHERE sql IS NOT NULL AND name NOT LIKE 'sqlite\_%' ESCAPE '\' ORDER BY tbl_name, type, name)");
  std::vector<SqliteEntry> entries;
  entries.reserve(rows.size());
  bool has_virtual = false;
  for (const auto& row : rows) {
    if (!is_tools(row[2])) entries.push_back({row[0], row[1], row[2], row[3]});
    has_virtual = has_virtual || (row[0] == "table" && row[4] == "0");
  }
  if (has_virtual) {
    const auto shadows = shadow_tables(session);
    std::erase_if(entries, [&](const SqliteEntry& entry) { return shadows.contains(entry.table); });
  }
  return entries;
}

std::string sqlite_part_id(const SqliteEntry& entry) { return "table/" + entry.table; }

SchemaSnapshot::Part read_sqlite_part(store::SchemaSession& session, std::span<const SqliteEntry> entries,
                                      const SnapshotOptions& options) {
  std::vector<SchemaObject> objects;
  for (const SqliteEntry& entry : entries) {
    if (entry.type == "table") {
      auto of_table = TableReader(session, entry, options).read();
      std::ranges::move(of_table, std::back_inserter(objects));
    } else {
      objects.push_back(entry_object(entry));
    }
  }
  leave_out(objects, options);
  return std::make_shared<const SchemaPart>(sqlite_part_id(entries[0]), std::move(objects));
}

SchemaSnapshot read_sqlite(store::SchemaSession& session, const SnapshotOptions& options) {
  const auto entries = sqlite_entries(session);
  std::vector<SchemaSnapshot::Part> parts;
  for (std::size_t from = 0; from < entries.size();) {
    std::size_t until = from;
    while (until < entries.size() && entries[until].table == entries[from].table) ++until;
    parts.push_back(read_sqlite_part(session, std::span(entries).subspan(from, until - from), options));
    from = until;
  }
  return SchemaSnapshot(std::move(parts));
}

}  // namespace guildhall::migrate
