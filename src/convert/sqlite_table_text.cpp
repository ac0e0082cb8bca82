#include "convert/sqlite_table_text.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <span>

#include "base/text.h"
#include "migrate/sql_lexer.h"
#include "store/quoting.h"

namespace guildhall::convert {
namespace {

using migrate::is_keyword;
using migrate::is_symbol;
using migrate::Token;
using migrate::TokenKind;
using store::quoted_name;
using Tokens = std::span<const Token>;
using Kind = ClauseText::Kind;

bool is_any(const Token& token, std::initializer_list<std::string_view> words) {
  return std::ranges::any_of(words, [&](std::string_view word) { return is_keyword(token, word); });
}

/// As it is written, from the first of them to the last.
std::string written(Tokens tokens) {
  if (tokens.empty()) return "";
  const char* begin = tokens.front().text.data();
  const char* end = tokens.back().text.data() + tokens.back().text.size();
  return {begin, end};
}

std::vector<Token> without_comments(std::vector<Token> tokens) {
  std::erase_if(tokens, [](const Token& token) { return token.kind == TokenKind::comment; });
  return tokens;
}

/// Goes through the tokens of one item.
class Reader {
 public:
  explicit Reader(Tokens tokens) : tokens_(tokens) {}

  bool at_end() const { return at_ >= tokens_.size(); }
  bool sees(std::string_view keyword, std::size_t ahead = 0) const {
    return at_ + ahead < tokens_.size() && is_keyword(tokens_[at_ + ahead], keyword);
  }
  bool sees_any(std::initializer_list<std::string_view> words) const {
    return !at_end() && is_any(tokens_[at_], words);
  }
  bool sees_symbol(std::string_view symbol) const { return !at_end() && is_symbol(tokens_[at_], symbol); }
  std::size_t place() const { return at_; }
  std::string since(std::size_t place) const { return written(tokens_.subspan(place, at_ - place)); }
  void step(std::size_t count = 1) { at_ = std::min(at_ + count, tokens_.size()); }
  bool take(std::string_view keyword) {
    if (!sees(keyword)) return false;
    step();
    return true;
  }
  std::string take_name() {
    if (at_end()) return "";
    return unquoted(tokens_[at_++].text);
  }
  /// What stands between the parentheses here; behind them afterwards.
  Tokens take_group() {
    const std::size_t from = at_ + 1;
    int depth = 0;
    for (; at_ < tokens_.size(); ++at_) {
      if (is_symbol(tokens_[at_], "(")) ++depth;
      if (is_symbol(tokens_[at_], ")") && --depth == 0) break;
    }
    const Tokens group = tokens_.subspan(std::min(from, tokens_.size()), at_ > from ? at_ - from : 0);
    step();
    return group;
  }

 private:
  Tokens tokens_;
  std::size_t at_ = 0;
};

/// At commas outside of parentheses.
std::vector<Tokens> split(Tokens tokens) {
  std::vector<Tokens> parts;
  int depth = 0;
  std::size_t from = 0;
  for (std::size_t i = 0; i < tokens.size(); ++i) {
    if (is_symbol(tokens[i], "(")) ++depth;
    if (is_symbol(tokens[i], ")")) --depth;
    if (depth == 0 && is_symbol(tokens[i], ",")) {
      parts.push_back(tokens.subspan(from, i - from));
      from = i + 1;
    }
  }
  if (from < tokens.size()) parts.push_back(tokens.subspan(from));
  return parts;
}

std::string take_conflict(Reader& reader) {
  if (!reader.sees("on") || !reader.sees("conflict", 1)) return "";
  const std::size_t from = reader.place();
  reader.step(3);
  return reader.since(from);
}

ReferenceText take_reference(Reader& reader) {
  reader.step();
  ReferenceText reference{reader.take_name(), {}};
  if (reader.sees_symbol("(")) {
    for (const Tokens part : split(reader.take_group())) reference.columns.push_back(unquoted(part[0].text));
  }
  const std::size_t from = reader.place();
  while (true) {
    if (reader.sees("on") && !reader.sees("conflict", 1)) {
      reader.step(2);
      reference.unsets = reference.unsets || reader.sees("set");
      reader.step(reader.sees_any({"set", "no"}) ? 2 : 1);
    } else if (reader.sees("match")) {
      reader.step(2);
    } else if (reader.sees("deferrable") || (reader.sees("not") && reader.sees("deferrable", 1))) {
      reader.step(reader.sees("not") ? 2 : 1);
      if (reader.take("initially")) reader.step();
    } else {
      break;
    }
  }
  reference.rest = reader.since(from);
  return reference;
}

void take_default(Reader& reader) {
  if (reader.sees_symbol("(")) {
    reader.take_group();
    return;
  }
  if (reader.sees_symbol("+") || reader.sees_symbol("-")) reader.step();
  reader.step();
}

/// One clause of a column, behind CONSTRAINT name.
void read_column_clause(Reader& reader, ClauseText& clause) {
  if (reader.sees("primary")) {
    clause.kind = Kind::primary_key;
    reader.step(2);
    clause.descending = reader.sees("desc");
    if (reader.sees_any({"asc", "desc"})) reader.step();
    clause.conflict = take_conflict(reader);
    clause.autoincrement = reader.take("autoincrement");
  } else if (reader.take("unique")) {
    clause.kind = Kind::unique;
    clause.conflict = take_conflict(reader);
  } else if (reader.sees("references")) {
    clause.kind = Kind::reference;
    clause.reference = take_reference(reader);
  } else if (reader.sees("not") && reader.sees("null", 1)) {
    clause.kind = Kind::not_null;
    reader.step(2);
    clause.conflict = take_conflict(reader);
  } else if (reader.take("default")) {
    clause.kind = Kind::default_value;
    take_default(reader);
  } else if (reader.take("collate")) {
    reader.step();
  } else {  // CHECK (...), NULL, GENERATED ALWAYS AS (...) STORED
    if (reader.sees("check")) clause.kind = Kind::check;
    while (reader.sees_any({"check", "generated", "always", "as", "null"})) reader.step();
    if (reader.sees_symbol("(")) reader.take_group();
    if (reader.sees_any({"stored", "virtual"})) reader.step();
    take_conflict(reader);
  }
}

constexpr std::initializer_list<std::string_view> kClauseWords = {
    "constraint", "primary", "not",        "null",      "unique", "check",
    "default",    "collate", "references", "generated", "as"};

bool read_column(Tokens tokens, ItemText& item) {
  Reader reader(tokens);
  item.column = reader.take_name();
  const std::size_t type = reader.place();
  while (!reader.at_end() && !reader.sees_any(kClauseWords)) {
    if (reader.sees_symbol("("))
      reader.take_group();
    else
      reader.step();
  }
  item.type = reader.since(type);
  item.head = reader.since(0);
  while (!reader.at_end()) {
    const std::size_t from = reader.place();
    ClauseText clause;
    if (reader.take("constraint")) {
      reader.step();
      clause.name = reader.since(from);
    }
    read_column_clause(reader, clause);
    clause.sql = reader.since(from);
    if (reader.place() == from) return false;
    item.clauses.push_back(std::move(clause));
  }
  return true;
}

std::vector<KeyPart> parts_of(Tokens group, bool& autoincrement) {
  std::vector<KeyPart> parts;
  for (Tokens part : split(group)) {
    if (part.size() > 1 && is_keyword(part.back(), "autoincrement")) {
      autoincrement = true;
      part = part.first(part.size() - 1);
    }
    parts.push_back({unquoted(part[0].text), written(part)});
  }
  return parts;
}

/// SQLite takes constraints without commas between them, too.
bool read_constraints(Tokens tokens, std::vector<ItemText>& items) {
  Reader reader(tokens);
  while (!reader.at_end()) {
    const std::size_t from = reader.place();
    ItemText item;
    ClauseText clause;
    if (reader.take("constraint")) {
      reader.step();
      clause.name = reader.since(from);
    }
    if (reader.sees("primary") || reader.sees("unique")) {
      clause.kind = reader.sees("unique") ? Kind::unique : Kind::primary_key;
      reader.step(clause.kind == Kind::unique ? 1 : 2);
      item.parts = parts_of(reader.take_group(), clause.autoincrement);
      clause.conflict = take_conflict(reader);
    } else if (reader.sees("foreign")) {
      clause.kind = Kind::reference;
      reader.step(2);
      bool none = false;
      item.parts = parts_of(reader.take_group(), none);
      if (!reader.sees("references")) return false;
      clause.reference = take_reference(reader);
    } else if (reader.take("check")) {
      clause.kind = Kind::check;
      reader.take_group();
      take_conflict(reader);
    } else {
      return false;
    }
    clause.sql = reader.since(from);
    item.clauses.push_back(std::move(clause));
    items.push_back(std::move(item));
  }
  return true;
}

bool is_constraint(Tokens item) {
  return is_any(item[0], {"constraint", "primary", "unique", "check", "foreign"});
}

bool is_integer(const ItemText& item) { return is_same_name(unquoted(item.type), "integer"); }

bool is_wanted_set(const std::vector<std::string>& a, const std::vector<std::string>& b) {
  return a.size() == b.size() &&
         std::ranges::all_of(a, [&](const std::string& one) { return has_name(b, one); });
}

std::vector<std::string> names_of(const std::vector<KeyPart>& parts) {
  std::vector<std::string> names;
  for (const KeyPart& part : parts) names.push_back(part.column);
  return names;
}

std::string quoted_list(const std::vector<std::string>& names) {
  std::vector<std::string> quoted;
  for (const std::string& name : names) quoted.push_back(quoted_name(name));
  return fmt::format("{}", fmt::join(quoted, ", "));
}

/// Of an index.
std::size_t first_on(Tokens tokens) {
  std::size_t i = 0;
  while (i < tokens.size() && !is_keyword(tokens[i], "on")) ++i;
  return i;
}

/// Puts one table together.
class Builder {
 public:
  Builder(const std::string& table, const TableText& text, const TableChange& change)
      : table_(table), text_(text), change_(change), row_number_(text.row_number()) {}

  migrate::Outcome<ChangedTable> build(std::string_view new_name) {
    for (const ItemText& item : text_.items) {
      if (auto done = item.column.empty() ? add_constraint(item) : add_column(item); !done)
        return std::unexpected(done.error());
    }
    if (text_.column(change_.tenant) == nullptr) add_tenant_column();
    if (adds_surrogate()) {
      columns_.push_back(fmt::format("{} INTEGER PRIMARY KEY AUTOINCREMENT", quoted_name(change_.surrogate)));
    }
    for (const auto& key : change_.keys) add_key(Kind::unique, "", parts_from(key), "");
    ChangedTable made{.text = put_together(new_name, constraints_)};
    if (!has_fixed_keys_ && text_.has_rowid()) {
      made.bare = put_together(new_name, without_keys());
      made.keys = key_columns_;
    }
    return made;
  }

 private:
  std::string put_together(std::string_view name, const std::vector<std::string>& constraints) const {
    std::vector<std::string> items = columns_;
    items.insert(items.end(), constraints.begin(), constraints.end());
    return fmt::format("CREATE TABLE {} (\n  {}\n){}{}", quoted_name(name), fmt::join(items, ",\n  "),
                       text_.options.empty() ? "" : " ", text_.options);
  }
  std::vector<std::string> without_keys() const {
    std::vector<std::string> others;
    for (std::size_t i = 0; i < constraints_.size(); ++i) {
      if (std::ranges::find(key_places_, i) == key_places_.end()) others.push_back(constraints_[i]);
    }
    return others;
  }

  /// The table has another name while it is filled.
  std::string own(const ClauseText& clause) const { return without_own_name(clause.sql, table_); }

  bool is_tenant(std::string_view column) const { return is_same_name(column, change_.tenant); }
  bool keeps_row_number() const {
    return row_number_ != nullptr && (!change_.natural || is_tenant(row_number_->column));
  }
  bool adds_surrogate() const {
    return !change_.surrogate.empty() && !keeps_row_number() && text_.has_rowid() &&
           text_.column(change_.surrogate) == nullptr;
  }

  static std::vector<KeyPart> parts_from(const std::vector<std::string>& names) {
    std::vector<KeyPart> parts;
    for (const std::string& name : names) parts.push_back({name, quoted_name(name)});
    return parts;
  }

  void add_key(Kind kind, const std::string& name, const std::vector<KeyPart>& parts,
               const std::string& conflict) {
    std::vector<std::string> columns{change_.tenant};
    std::vector<std::string> sql{quoted_name(change_.tenant)};
    for (const KeyPart& part : parts) {
      if (is_tenant(part.column)) continue;
      columns.push_back(part.column);
      sql.push_back(part.sql);
    }
    if (std::ranges::any_of(keys_, [&](const auto& known) { return is_wanted_set(known, columns); })) return;
    keys_.push_back(columns);
    // A number alone that is the primary key is the row's number, which no index stands for.
    has_fixed_keys_ = has_fixed_keys_ || columns.size() == 1;
    key_places_.push_back(constraints_.size());
    key_columns_.push_back(fmt::format("{}", fmt::join(sql, ", ")));
    const bool is_primary = kind == Kind::primary_key && !adds_surrogate();
    constraints_.push_back(fmt::format("{}{}{} ({}){}{}", name, name.empty() ? "" : " ",
                                       is_primary ? "PRIMARY KEY" : "UNIQUE", fmt::join(sql, ", "),
                                       conflict.empty() ? "" : " ", conflict));
  }

  migrate::Outcome<void> add_reference(const ClauseText& clause, const std::vector<KeyPart>& parts) {
    const ReferenceText& to = clause.reference;
    const auto parent = std::ranges::find_if(
        change_.parents, [&](const auto& one) { return is_same_name(one.table, to.table); });
    const std::vector<std::string> from = names_of(parts);
    const std::string as_it_is =
        fmt::format("{}{}FOREIGN KEY ({}) REFERENCES {}{}{}{}", clause.name, clause.name.empty() ? "" : " ",
                    quoted_list(from), quoted_name(to.table),
                    to.columns.empty() ? "" : fmt::format(" ({})", quoted_list(to.columns)),
                    to.rest.empty() ? "" : " ", to.rest);
    if (parent == change_.parents.end()) {
      constraints_.push_back(as_it_is);
      return {};
    }
    const std::vector<std::string>& columns = to.columns.empty() ? parent->primary_key : to.columns;
    const bool was_key =
        std::ranges::any_of(parent->keys, [&](const auto& key) { return is_wanted_set(key, columns); });
    if (has_name(columns, parent->tenant) || has_name(from, change_.tenant) || !was_key) {
      constraints_.push_back(as_it_is);  // has the server already, or was refused by SQLite before
      return {};
    }
    if (to.unsets && !is_wanted_set(columns, {parent->row_number})) return cannot_unset(to);
    // What a row that goes leaves behind is set by the reference of one column, as it was.
    if (to.unsets) constraints_.push_back(as_it_is);
    constraints_.push_back(
        fmt::format("{}{}FOREIGN KEY ({}, {}) REFERENCES {} ({}, {}){}{}", to.unsets ? "" : clause.name,
                    to.unsets || clause.name.empty() ? "" : " ", quoted_name(change_.tenant),
                    quoted_list(from), quoted_name(to.table), quoted_name(parent->tenant),
                    quoted_list(columns), to.unsets || to.rest.empty() ? "" : " ", to.unsets ? "" : to.rest));
    return {};
  }

  migrate::Outcome<void> cannot_unset(const ReferenceText& to) const {
    return migrate::stop(
        migrate::Exit::refused, "CV-FK",
        fmt::format("table {}: a reference to {} sets its column to nothing when the row goes, and with the "
                    "server in it that would take the row's server, too",
                    table_, to.table),
        "Make the table anew with ON DELETE CASCADE or without an action, then run this again.");
  }

  migrate::Outcome<void> add_column(const ItemText& item) {
    if (is_tenant(item.column)) return keep_tenant_column(item);
    std::string sql = item.head;
    bool not_null = false;
    for (const ClauseText& clause : item.clauses) {
      not_null = not_null || clause.kind == Kind::not_null;
      if (clause.kind == Kind::primary_key && !(row_number_ == &item && keeps_row_number())) {
        add_key(Kind::primary_key, clause.name, {{item.column, quoted_name(item.column)}}, clause.conflict);
      } else if (clause.kind == Kind::unique) {
        add_key(Kind::unique, clause.name, {{item.column, quoted_name(item.column)}}, clause.conflict);
      } else if (clause.kind == Kind::reference) {
        if (auto done = add_reference(clause, {{item.column, quoted_name(item.column)}}); !done) return done;
      } else {
        sql += " " + own(clause);
      }
    }
    const bool was_row_number = row_number_ == &item && !keeps_row_number();
    if (!not_null && (was_row_number || has_name(change_.not_null, item.column))) sql += " NOT NULL";
    columns_.push_back(std::move(sql));
    return {};
  }

  /// Whatever it was: a nullable column, one with a default, a text.
  migrate::Outcome<void> keep_tenant_column(const ItemText& item) {
    std::string sql = fmt::format("{} INTEGER", quoted_name(item.column));
    bool is_key = false;
    for (const ClauseText& clause : item.clauses) {
      if (clause.kind == Kind::primary_key) {
        is_key = has_fixed_keys_ = true;
        keys_.push_back({change_.tenant});
        sql += " " + clause.sql;
      } else if (clause.kind == Kind::unique) {
        add_key(Kind::unique, clause.name, {}, clause.conflict);
      } else if (clause.kind == Kind::reference) {
        if (change_.registry.empty()) sql += " " + clause.sql;
      } else if (clause.kind == Kind::check) {
        sql += " " + own(clause);
      } else if (clause.kind == Kind::other && !is_same_name(clause.sql, "NULL") &&
                 !to_lower_ascii(clause.sql).starts_with("collate")) {
        sql += " " + clause.sql;
      }
    }
    if (!is_key || !is_integer(item)) sql += " NOT NULL";
    if (!change_.registry.empty()) sql += " REFERENCES " + change_.registry;
    columns_.push_back(std::move(sql));
    return {};
  }

  void add_tenant_column() {
    columns_.push_back(fmt::format("{} INTEGER NOT NULL{}{}", quoted_name(change_.tenant),
                                   change_.registry.empty() ? "" : " REFERENCES ", change_.registry));
  }

  migrate::Outcome<void> add_constraint(const ItemText& item) {
    const ClauseText& clause = item.clauses.front();
    switch (clause.kind) {
      case Kind::primary_key:
        if (keeps_row_number() && item.parts.size() == 1 &&
            is_same_name(item.parts[0].column, row_number_->column)) {
          constraints_.push_back(clause.sql);
          if (is_tenant(row_number_->column)) keys_.push_back({change_.tenant});
          return {};
        }
        [[fallthrough]];
      case Kind::unique: add_key(clause.kind, clause.name, item.parts, clause.conflict); return {};
      case Kind::reference: return add_reference(clause, item.parts);
      default: constraints_.push_back(own(clause)); return {};
    }
  }

  const std::string& table_;
  const TableText& text_;
  const TableChange& change_;
  const ItemText* row_number_;
  std::vector<std::string> columns_;
  std::vector<std::string> constraints_;
  std::vector<std::vector<std::string>> keys_;
  std::vector<std::size_t> key_places_;   // among the constraints
  std::vector<std::string> key_columns_;  // SQL, of each of these
  bool has_fixed_keys_ = false;
};

}  // namespace

std::string unquoted(std::string_view written) {
  if (written.size() < 2) return std::string(written);
  const char open = written.front();
  if (open != '"' && open != '`' && open != '[' && open != '\'') return std::string(written);
  const char quote = written.back();
  std::string name;
  const std::string_view inner = written.substr(1, written.size() - 2);
  for (std::size_t i = 0; i < inner.size(); ++i) {
    name += inner[i];
    if (open != '[' && inner[i] == quote && i + 1 < inner.size() && inner[i + 1] == quote) ++i;
  }
  return name;
}

bool is_same_name(std::string_view a, std::string_view b) { return to_lower_ascii(a) == to_lower_ascii(b); }

bool has_name(const std::vector<std::string>& names, std::string_view name) {
  return std::ranges::any_of(names, [&](const std::string& one) { return is_same_name(one, name); });
}

bool mentions(const std::string& sql, std::string_view name) {
  const auto tokens = migrate::lex(sql, migrate::Dialect::sqlite);
  return !tokens || std::ranges::any_of(*tokens, [&](const migrate::Token& token) {
    return is_same_name(unquoted(token.text), name);
  });
}

std::string without_own_name(const std::string& sql, std::string_view table) {
  const auto lexed = migrate::lex(sql, migrate::Dialect::sqlite);
  if (!lexed) return sql;
  const auto tokens = without_comments(*lexed);
  const auto is_before_point = [&](std::size_t i, std::string_view name) {
    return i + 1 < tokens.size() && is_same_name(unquoted(tokens[i].text), name) &&
           is_symbol(tokens[i + 1], ".");
  };
  std::string kept;
  const char* from = sql.data();
  for (std::size_t i = 0; i < tokens.size();) {
    const std::size_t of_schema = is_before_point(i, "main") && is_before_point(i + 2, table) ? 2 : 0;
    if (!is_before_point(i + of_schema, table)) {
      ++i;
      continue;
    }
    kept.append(from, tokens[i].text.data());
    i += of_schema + 2;
    from = i < tokens.size() ? tokens[i++].text.data() : sql.data() + sql.size();
  }
  return kept.append(from, sql.data() + sql.size());
}

const ItemText* TableText::column(std::string_view name) const {
  const auto found = std::ranges::find_if(
      items, [&](const ItemText& item) { return !item.column.empty() && is_same_name(item.column, name); });
  return found == items.end() ? nullptr : &*found;
}

std::vector<KeyPart> TableText::primary_key() const {
  for (const ItemText& item : items) {
    for (const ClauseText& clause : item.clauses) {
      if (clause.kind != Kind::primary_key) continue;
      if (item.column.empty()) return item.parts;
      return {{item.column, quoted_name(item.column) + (clause.descending ? " DESC" : "")}};
    }
  }
  return {};
}

bool TableText::has_rowid() const { return to_lower_ascii(options).find("without") == std::string::npos; }

const ItemText* TableText::row_number() const {
  const auto key = primary_key();
  if (key.size() != 1 || !has_rowid()) return nullptr;
  const ItemText* item = column(key[0].column);
  if (item == nullptr || !is_integer(*item)) return nullptr;
  // INTEGER PRIMARY KEY DESC is not the row's number, by an old mistake that SQLite keeps.
  const auto inline_key = std::ranges::find(item->clauses, Kind::primary_key, &ClauseText::kind);
  if (inline_key != item->clauses.end() && inline_key->descending) return nullptr;
  return item;
}

bool TableText::counts_on() const {
  return std::ranges::any_of(items, [](const ItemText& item) {
    return std::ranges::any_of(item.clauses, [](const ClauseText& clause) { return clause.autoincrement; });
  });
}

migrate::Outcome<TableText> read_table_text(std::string_view table, std::string_view sql) {
  const auto cannot = [&](std::string_view why) {
    return migrate::stop(migrate::Exit::refused, "CV-SQL",
                         fmt::format("table {}: its CREATE TABLE is not understood: {}", table, why),
                         "Declare the table as global to leave it alone, or make it anew in other words.");
  };
  auto lexed = migrate::lex(sql, migrate::Dialect::sqlite);
  if (!lexed) return cannot(lexed.error().message);
  const std::vector<Token> tokens = without_comments(*std::move(lexed));
  std::size_t open = 0;
  while (open < tokens.size() && !is_symbol(tokens[open], "(")) ++open;
  Reader reader(Tokens(tokens).subspan(open));
  if (reader.at_end()) return cannot("it has no columns");
  TableText text;
  for (const Tokens item : split(reader.take_group())) {
    if (item.empty()) return cannot("an item is empty");
    if (is_constraint(item)) {
      if (!read_constraints(item, text.items)) return cannot(fmt::format("'{}'", written(item)));
    } else {
      ItemText column;
      if (!read_column(item, column)) return cannot(fmt::format("'{}'", written(item)));
      text.items.push_back(std::move(column));
    }
  }
  const std::size_t from = reader.place();
  while (!reader.at_end()) reader.step();
  text.options = reader.since(from);
  return text;
}

migrate::Outcome<ChangedTable> changed_table(const std::string& table, const TableText& text,
                                             const TableChange& change, std::string_view new_name) {
  return Builder(table, text, change).build(new_name);
}

std::string columns_alone(const TableText& text, std::string_view name) {
  std::vector<std::string> items;
  for (const ItemText& item : text.items) {
    if (item.column.empty()) continue;
    std::string& sql = items.emplace_back(item.head);
    if (text.row_number() == &item) sql += " PRIMARY KEY";
    for (const ClauseText& clause : item.clauses) {
      if (clause.kind == Kind::default_value || clause.kind == Kind::other) sql += " " + clause.sql;
    }
  }
  if (!text.has_rowid()) {
    std::vector<std::string> parts;
    for (const KeyPart& part : text.primary_key()) parts.push_back(part.sql);
    items.push_back(fmt::format("PRIMARY KEY ({})", fmt::join(parts, ", ")));
  }
  return fmt::format("CREATE TABLE {}({}) {}", quoted_name(name), fmt::join(items, ", "), text.options);
}

std::string changed_index(const std::string& sql, std::string_view tenant) {
  auto lexed = migrate::lex(sql, migrate::Dialect::sqlite);
  if (!lexed) return sql;
  const auto tokens = without_comments(*std::move(lexed));
  if (tokens.size() < 2 || !is_keyword(tokens[1], "unique")) return sql;
  std::size_t open = first_on(tokens);
  while (open < tokens.size() && !is_symbol(tokens[open], "(")) ++open;
  if (open == tokens.size()) return sql;
  Reader reader(Tokens(tokens).subspan(open));
  std::vector<std::string> parts{quoted_name(tenant)};
  for (const Tokens part : split(reader.take_group())) {
    if (!is_same_name(unquoted(part[0].text), tenant)) parts.push_back(written(part));
  }
  const std::size_t behind = reader.place();
  while (!reader.at_end()) reader.step();
  return fmt::format("{} ({}) {}", written(Tokens(tokens).first(open)), fmt::join(parts, ", "),
                     reader.since(behind));
}

std::vector<std::string> indexed_values(const std::string& sql) {
  auto lexed = migrate::lex(sql, migrate::Dialect::sqlite);
  if (!lexed) return {};
  const auto tokens = without_comments(*std::move(lexed));
  std::size_t open = first_on(tokens);
  while (open < tokens.size() && !is_symbol(tokens[open], "(")) ++open;
  if (open == tokens.size()) return {};
  std::vector<std::string> values;
  for (Tokens part : split(Reader(Tokens(tokens).subspan(open)).take_group())) {
    if (part.size() > 1 && (is_keyword(part.back(), "asc") || is_keyword(part.back(), "desc")))
      part = part.first(part.size() - 1);
    if (part.size() > 2 && is_keyword(part[part.size() - 2], "collate")) part = part.first(part.size() - 2);
    values.push_back(written(part));
  }
  return values;
}

std::string moved_index(const std::string& sql, std::string_view name, std::string_view table) {
  auto lexed = migrate::lex(sql, migrate::Dialect::sqlite);
  if (!lexed) return sql;
  const auto tokens = without_comments(*std::move(lexed));
  const std::size_t on = first_on(tokens);
  if (on < 2 || on + 2 >= tokens.size()) return sql;
  return fmt::format(
      "{} {} ON {} {}", written(Tokens(tokens).first(on - 1)), quoted_name(name), quoted_name(table),
      without_own_name(written(Tokens(tokens).subspan(on + 2)), unquoted(tokens[on + 1].text)));
}

}  // namespace guildhall::convert
