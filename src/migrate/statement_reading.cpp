#include "migrate/statement_reading.h"

#include <algorithm>
#include <span>

#include "base/text.h"

namespace guildhall::migrate {
namespace {

using Tokens = std::span<const Token>;
using Words = std::initializer_list<std::string_view>;

bool is_name(const Token& token) {
  return token.kind == TokenKind::word || token.kind == TokenKind::quoted_word;
}

bool is_any_of(const Token& token, Words words) {
  return std::ranges::any_of(words, [&](std::string_view word) { return is_keyword(token, word); });
}

/// As it is written, from the first token to the last.
std::string text_of(Tokens tokens) {
  if (tokens.empty()) return "";
  const char* begin = tokens.front().text.data();
  const char* end = tokens.back().text.data() + tokens.back().text.size();
  return {begin, static_cast<std::size_t>(end - begin)};
}

/// Cut at the commas outside of parentheses and brackets.
std::vector<Tokens> split_at_commas(Tokens tokens) {
  std::vector<Tokens> parts;
  int depth = 0;
  std::size_t begin = 0;
  for (std::size_t i = 0; i < tokens.size(); ++i) {
    if (is_symbol(tokens[i], "(") || is_symbol(tokens[i], "[")) ++depth;
    if (is_symbol(tokens[i], ")") || is_symbol(tokens[i], "]")) --depth;
    if (depth > 0 || !is_symbol(tokens[i], ",")) continue;
    parts.push_back(tokens.subspan(begin, i - begin));
    begin = i + 1;
  }
  if (begin < tokens.size()) parts.push_back(tokens.subspan(begin));
  return parts;
}

/// A place in tokens, moved on by what is read there.
class Reader {
 public:
  explicit Reader(Tokens tokens, std::size_t at = 0) : tokens_(tokens), at_(std::min(at, tokens.size())) {}

  bool at_end() const { return at_ >= tokens_.size(); }
  Tokens rest() const { return tokens_.subspan(at_); }
  void skip() { at_ = std::min(at_ + 1, tokens_.size()); }
  bool sees(std::string_view word) const { return !at_end() && is_keyword(tokens_[at_], word); }
  bool sees_any(Words words) const { return !at_end() && is_any_of(tokens_[at_], words); }
  bool sees_symbol(std::string_view symbol) const { return !at_end() && is_symbol(tokens_[at_], symbol); }

  /// All of these words in a row, or nothing is read.
  bool take(Words words) {
    std::size_t i = at_;
    for (const std::string_view word : words) {
      if (i >= tokens_.size() || !is_keyword(tokens_[i], word)) return false;
      ++i;
    }
    at_ = i;
    return true;
  }
  bool take(std::string_view word) { return take({word}); }
  bool take_symbol(std::string_view symbol) {
    if (!sees_symbol(symbol)) return false;
    ++at_;
    return true;
  }

  /// schema.name, as it is written; "" where no name stands.
  std::string name() {
    const std::size_t begin = at_;
    while (!at_end() && is_name(tokens_[at_])) {
      ++at_;
      if (!sees_symbol(".")) break;
      ++at_;
    }
    std::string name;
    for (const Token& token : tokens_.subspan(begin, at_ - begin)) name += token.text;
    return name;
  }

  /// What is between the parentheses that open here; nothing where none do.
  Tokens parenthesised() {
    if (!sees_symbol("(")) return {};
    const std::size_t begin = at_ + 1;
    int depth = 0;
    for (; !at_end(); ++at_) {
      if (sees_symbol("(")) ++depth;
      if (sees_symbol(")") && --depth == 0) break;
    }
    const Tokens inside = tokens_.subspan(begin, std::min(at_, tokens_.size()) - begin);
    skip();
    return inside;
  }

  std::vector<std::string> names_in_parentheses() {
    std::vector<std::string> names;
    for (const Tokens part : split_at_commas(parenthesised())) names.push_back(Reader(part).name());
    return names;
  }

  /// As far as the next of these words outside of parentheses, or the end.
  Tokens until(Words words) {
    const std::size_t begin = at_;
    int depth = 0;
    for (; !at_end(); ++at_) {
      if (sees_symbol("(")) ++depth;
      if (sees_symbol(")")) --depth;
      if (depth == 0 && sees_any(words)) break;
    }
    return tokens_.subspan(begin, at_ - begin);
  }
  bool move_behind(std::string_view word) {
    until({word});
    return take(word);
  }

 private:
  Tokens tokens_;
  std::size_t at_;
};

// --- columns and constraints

bool begins_table_constraint(const Reader& reader) {
  return reader.sees_any({"constraint", "check", "unique", "primary", "foreign", "exclude"});
}

/// REFERENCES table (columns), with REFERENCES read already.
void read_reference(Reader& reader, Constraint& constraint) {
  constraint.kind = ConstraintKind::foreign_key;
  constraint.referenced = reader.name();
  constraint.referenced_columns = reader.names_in_parentheses();
}

/// UNIQUE and PRIMARY KEY, behind their own words.
void read_key(Reader& reader, Constraint& constraint) {
  if (reader.take({"nulls", "not", "distinct"})) constraint.nulls_not_distinct = true;
  reader.take({"nulls", "distinct"});
  if (reader.take({"using", "index"})) constraint.index = reader.name();
  constraint.columns = reader.names_in_parentheses();
}

/// From CONSTRAINT or from its kind on.
std::optional<Constraint> read_constraint(Tokens tokens) {
  Reader reader(tokens);
  Constraint constraint;
  if (reader.take("constraint")) constraint.name = reader.name();
  if (reader.take("check")) {
    constraint.expression = text_of(reader.parenthesised());
  } else if (reader.take("unique")) {
    constraint.kind = ConstraintKind::unique;
    read_key(reader, constraint);
  } else if (reader.take({"primary", "key"})) {
    constraint.kind = ConstraintKind::primary_key;
    read_key(reader, constraint);
  } else if (reader.take({"foreign", "key"})) {
    constraint.columns = reader.names_in_parentheses();
    reader.take("references");
    read_reference(reader, constraint);
  } else if (reader.take("exclude")) {
    constraint.kind = ConstraintKind::exclude;
  } else {
    return std::nullopt;
  }
  const Tokens rest = reader.rest();
  for (std::size_t i = 0; i + 1 < rest.size(); ++i) {
    if (is_keyword(rest[i], "not") && is_keyword(rest[i + 1], "valid")) constraint.not_valid = true;
  }
  return constraint;
}

constexpr Words kBehindType = {"constraint", "not",     "null",       "default",    "check",
                               "unique",     "primary", "references", "generated",  "collate",
                               "storage",    "as",      "using",      "compression"};
constexpr Words kBehindDefault = {"constraint", "not",        "null",      "check",  "unique",
                                  "primary",    "references", "generated", "collate"};

/// The next of a column's own constraints; false where none is known.
bool read_column_constraint(Reader& reader, ColumnDefinition& column) {
  Constraint constraint;
  constraint.columns = {column.name};
  if (reader.take("constraint")) constraint.name = reader.name();
  if (reader.take({"not", "null"})) {
    column.not_null = true;
    return true;
  }
  if (reader.take("null")) return true;
  if (reader.take("default")) {
    const Tokens first = reader.rest();
    Reader behind(first, 1);
    if (!first.empty() && is_symbol(first.front(), "(")) {
      behind = Reader(first);
      behind.parenthesised();
    }
    behind.until(kBehindDefault);
    column.default_expression = text_of(first.first(first.size() - behind.rest().size()));
    reader = behind;
    return true;
  }
  if (reader.take("generated") || reader.sees("as")) {
    reader.take("always");
    reader.take({"by", "default"});
    reader.take("as");
    (reader.take("identity") ? column.identity : column.generated) = true;
    reader.parenthesised();
    return true;
  }
  if (reader.take("check")) {
    constraint.expression = text_of(reader.parenthesised());
  } else if (reader.take("unique")) {
    constraint.kind = ConstraintKind::unique;
    if (reader.take({"nulls", "not", "distinct"})) constraint.nulls_not_distinct = true;
  } else if (reader.take({"primary", "key"})) {
    constraint.kind = ConstraintKind::primary_key;
  } else if (reader.take("references")) {
    read_reference(reader, constraint);
  } else {
    return false;
  }
  column.constraints.push_back(std::move(constraint));
  return true;
}

ColumnDefinition read_column(Tokens tokens) {
  Reader reader(tokens);
  ColumnDefinition column;
  column.name = reader.name();
  column.type = text_of(reader.until(kBehindType));
  while (!reader.at_end()) {
    // What is not known (STORED, ON DELETE CASCADE, DEFERRABLE, COLLATE "C") says nothing that is needed.
    if (!read_column_constraint(reader, column)) reader.skip();
  }
  return column;
}

// --- CREATE TABLE, CREATE INDEX

void read_create_table(Reader& reader, StatementReading& reading) {
  reading.table = reading.object = reader.name();
  reading.has_own_shape = reader.sees_symbol("(") && reading.tag == "CREATE TABLE";
  for (const Tokens part : split_at_commas(reader.parenthesised())) {
    if (Reader(part).sees("like")) {
      reading.has_own_shape = false;
    } else if (begins_table_constraint(Reader(part))) {
      if (auto constraint = read_constraint(part)) reading.constraints.push_back(*std::move(constraint));
    } else if (!part.empty()) {
      reading.columns.push_back(read_column(part));
    }
  }
  if (reader.sees("inherits")) reading.has_own_shape = false;
}

/// A column, a call or an expression in parentheses, with COLLATE, without what only orders.
std::string read_index_key(Tokens tokens) {
  Reader reader(tokens);
  if (reader.sees_symbol("(")) {
    reader.parenthesised();
  } else {
    reader.name();
    reader.parenthesised();
  }
  std::string key = text_of(tokens.first(tokens.size() - reader.rest().size()));
  if (reader.take("collate")) key += " COLLATE " + reader.name();
  return key;
}

void read_create_index(Reader& reader, StatementReading& reading) {
  IndexDefinition index;
  index.unique = is_keyword(reading.statement.tokens[1], "unique");
  if (!reader.sees("on")) index.name = reader.name();
  reader.take("on");
  reader.take("only");
  index.table = reader.name();
  if (reader.take("using")) reader.skip();
  for (const Tokens part : split_at_commas(reader.parenthesised()))
    index.keys.push_back(read_index_key(part));
  const Tokens options = reader.until({"where"});
  for (std::size_t i = 0; i + 2 < options.size(); ++i) {
    if (is_keyword(options[i], "nulls") && is_keyword(options[i + 1], "not")) index.nulls_not_distinct = true;
  }
  if (reader.take("where")) index.where = text_of(reader.rest());
  reading.object = index.name;
  reading.table = index.table;
  reading.index = std::move(index);
}

// --- ALTER TABLE

TableAction read_add(Reader reader) {
  TableAction action;
  if (begins_table_constraint(reader)) {
    action.kind = ActionKind::add_constraint;
    action.constraint = read_constraint(reader.rest());
    if (action.constraint) action.name = action.constraint->name;
    return action;
  }
  action.kind = ActionKind::add_column;
  reader.take("column");
  action.tolerant = reader.take({"if", "not", "exists"});
  action.column = read_column(reader.rest());
  action.name = action.column->name;
  return action;
}

TableAction read_drop(Reader reader) {
  TableAction action;
  action.kind = reader.take("constraint") ? ActionKind::drop_constraint : ActionKind::drop_column;
  reader.take("column");
  action.tolerant = reader.take({"if", "exists"});
  action.name = reader.name();
  return action;
}

TableAction read_alter_column(Reader reader) {
  TableAction action;
  if (reader.sees("constraint")) return action;
  reader.take("column");
  action.name = reader.name();
  if (reader.take({"set", "not", "null"})) {
    action.kind = ActionKind::set_not_null;
  } else if (reader.take({"drop", "not", "null"})) {
    action.kind = ActionKind::drop_not_null;
  } else if (reader.take({"set", "default"})) {
    action.kind = ActionKind::set_default;
    action.expression = text_of(reader.rest());
  } else if (reader.take({"drop", "default"})) {
    action.kind = ActionKind::drop_default;
  } else if (reader.take({"set", "data", "type"}) || reader.take("type")) {
    action.kind = ActionKind::alter_type;
    action.column = ColumnDefinition{action.name, text_of(reader.until({"collate", "using"}))};
    if (reader.move_behind("using")) action.expression = text_of(reader.rest());
  } else if (reader.take({"set", "statistics"})) {
    action.kind = ActionKind::set_parameters;
  }
  return action;
}

TableAction read_rename(Reader reader) {
  TableAction action;
  if (reader.take("to")) {
    action.kind = ActionKind::rename_table;
    action.new_name = reader.name();
    return action;
  }
  action.kind = reader.take("constraint") ? ActionKind::rename_constraint : ActionKind::rename_column;
  reader.take("column");
  action.name = reader.name();
  reader.take("to");
  action.new_name = reader.name();
  return action;
}

TableAction read_set(Reader reader) {
  TableAction action;
  if (reader.take("schema")) {
    action.kind = ActionKind::set_schema;
    action.new_name = reader.name();
  } else if (reader.sees_any({"logged", "unlogged", "tablespace", "access"})) {
    action.kind = ActionKind::rebuild;
  } else if (reader.sees_symbol("(") || reader.sees("without")) {
    action.kind = ActionKind::set_parameters;
  }
  return action;
}

TableAction read_action(Tokens tokens) {
  Reader reader(tokens);
  TableAction action;
  if (reader.take("add")) return read_add(reader);
  if (reader.take("drop")) return read_drop(reader);
  if (reader.take("alter")) return read_alter_column(reader);
  if (reader.take("rename")) return read_rename(reader);
  if (reader.take("set")) return read_set(reader);
  if (reader.take({"validate", "constraint"})) {
    action.kind = ActionKind::validate_constraint;
    action.name = reader.name();
  } else if (reader.take({"owner", "to"})) {
    action.kind = ActionKind::change_owner;
    action.name = reader.name();
  } else if (reader.take({"enable", "row"})) {
    action.kind = ActionKind::enable_row_security;
  } else if (reader.take({"attach", "partition"}) || reader.take({"detach", "partition"})) {
    action.kind =
        is_keyword(tokens.front(), "attach") ? ActionKind::attach_partition : ActionKind::detach_partition;
    action.name = reader.name();
    action.concurrent = reader.sees("concurrently");
  } else if (reader.take({"cluster", "on"}) || reader.take("reset")) {
    action.kind = ActionKind::set_parameters;
  } else if (reader.sees_any({"enable", "disable"})) {
    reader.skip();
    reader.take("replica");
    reader.take("always");
    if (reader.sees("trigger")) action.kind = ActionKind::change_trigger;
  }
  return action;
}

void read_alter_table(Reader& reader, StatementReading& reading) {
  reader.take("only");
  reading.table = reading.object = reader.name();
  reader.take_symbol("*");
  for (const Tokens part : split_at_commas(reader.rest())) reading.actions.push_back(read_action(part));
}

// --- rows

void read_name_list(Reader& reader, std::vector<std::string>& names) {
  do {
    reader.take("only");
    std::string name = reader.name();
    if (name.empty()) return;
    names.push_back(std::move(name));
    reader.take_symbol("*");
  } while (reader.take_symbol(","));
}

/// Reads the words that stand before the table whose rows a statement changes.
bool take_verb(Reader& reader) {
  if (reader.take({"insert", "into"}) || reader.take({"replace", "into"}) || reader.take({"merge", "into"}) ||
      reader.take({"delete", "from"}))
    return true;
  if (reader.take({"insert", "or"})) {
    reader.skip();
    return reader.take("into");
  }
  if (!reader.take("update")) return false;
  if (reader.take("or")) reader.skip();
  // FOR UPDATE OF, ON CONFLICT DO UPDATE SET
  return !reader.sees_any({"set", "of", "skip", "nowait"});
}

/// Also in a WITH.
void read_writes(StatementReading& reading) {
  const Tokens tokens = reading.statement.tokens;
  for (std::size_t i = 0; i < tokens.size(); ++i) {
    Reader reader(tokens, i);
    if (i > 0 && is_keyword(tokens[i - 1], "or")) continue;  // INSERT OR REPLACE
    if (!take_verb(reader)) continue;
    reader.take("only");
    if (std::string name = reader.name(); !name.empty()) reading.writes.push_back(std::move(name));
  }
  if (reading.tag == "COPY") reading.writes.push_back(Reader(tokens, 1).name());
}

/// Functions that answer and do nothing else.
bool is_harmless_call(std::string_view name) {
  static constexpr std::string_view kHarmless[] = {
      "count",   "sum",      "min",        "max",         "avg",    "coalesce", "now",
      "lower",   "upper",    "length",     "to_regclass", "exists", "in",       "current_setting",
      "version", "pg_sleep", "set_config", "setval",      "values", "and",      "or",
      "not",     "as",       "where",      "on",          "any",    "from",     "select",
      "by",      "over"};
  return std::ranges::find(kHarmless, to_lower_ascii(name)) != std::end(kHarmless);
}

bool calls_a_function(Tokens tokens) {
  for (std::size_t i = 0; i + 1 < tokens.size(); ++i) {
    if (is_name(tokens[i]) && is_symbol(tokens[i + 1], "(") && !is_harmless_call(tokens[i].text)) return true;
  }
  return false;
}

// --- rights

void read_role_list(Reader& reader, std::vector<std::string>& roles, std::size_t most = 1'000) {
  do {
    reader.take("group");
    if (reader.sees_any({"public", "current_user", "session_user", "current_role"})) {
      reader.skip();
      continue;
    }
    std::string name = reader.name();
    if (name.empty()) return;
    roles.push_back(std::move(name));
  } while (--most > 0 && reader.take_symbol(","));
}

void read_roles(StatementReading& reading) {
  const Tokens tokens = reading.statement.tokens;
  const auto behind = [&](std::string_view word) {
    Reader reader(tokens);
    if (reader.move_behind(word)) read_role_list(reader, reading.roles);
  };
  if (reading.tag == "GRANT" || reading.tag == "CREATE POLICY" || reading.tag == "ALTER DEFAULT PRIVILEGES")
    behind("to");
  if (reading.tag == "REVOKE") behind("from");
  if (reading.tag == "CREATE SCHEMA") behind("authorization");
  if (!reading.tag.starts_with("ALTER ")) return;
  for (std::size_t i = 0; i < tokens.size(); ++i) {
    Reader reader(tokens, i);
    if (reader.take({"owner", "to"})) read_role_list(reader, reading.roles, 1);
  }
}

// --- DO blocks

/// What stands between the quotes; "" where it would have to be put together first.
std::string_view body_of(const Token& literal) {
  const std::string_view text = literal.text;
  if (text.starts_with("$")) {
    const std::size_t open = text.find('$', 1) + 1;
    return text.size() < 2 * open ? "" : text.substr(open, text.size() - 2 * open);
  }
  if (!text.starts_with("'") || text.size() < 2) return "";
  const std::string_view inside = text.substr(1, text.size() - 2);
  return inside.find('\'') == std::string_view::npos ? inside : "";
}

class BlockReader {
 public:
  BlockReader(StatementReading& reading, Dialect dialect) : reading_(reading), dialect_(dialect) {}

  void read(const Token& literal) {
    first_line_ = literal.line;
    const auto tokens = lex(body_of(literal), dialect_);
    if (!tokens || tokens->empty()) {
      reading_.opaque = true;
      return;
    }
    for (const Token& token : *tokens) {
      if (token.kind != TokenKind::comment) tokens_.push_back(token);
    }
    look_for_handlers();
    int depth = 0;
    std::vector<Token> open;
    for (const Token& token : tokens_) {
      if (is_symbol(token, "(")) ++depth;
      if (is_symbol(token, ")")) --depth;
      if (depth == 0 && is_symbol(token, ";")) {
        take(std::exchange(open, {}));
      } else {
        open.push_back(token);
      }
    }
    take(std::move(open));
  }

 private:
  void look_for_handlers() {
    Reader reader(tokens_);
    while (reader.move_behind("exception")) {
      if (!reader.take("when")) continue;
      for (const Token& token : reader.until({"then"}))
        swallows_ = swallows_ || is_any_of(token, {"duplicate_object", "duplicate_table", "duplicate_column",
                                                   "duplicate_alias", "others"});
    }
  }

  /// One statement of the block, behind what only structures it.
  void take(std::vector<Token> tokens) {
    Reader reader(tokens);
    for (bool moved = true; moved && !reader.at_end();) {
      moved = true;
      if (reader.take({"end", "if"}) || reader.take({"end", "loop"}) || reader.take({"end", "case"})) {
        --branches_;
      } else if (reader.sees_any({"if", "while", "for", "case"})) {
        ++branches_;
        if (reader.sees("for")) reading_.opaque = true;
        reader.until({"then", "loop"});
        reader.skip();
      } else if (reader.sees_any({"elsif", "elseif", "when"})) {
        reader.until({"then"});
        reader.skip();
      } else if (reader.sees_any({"begin", "declare", "else", "loop", "exception", "end"})) {
        reader.skip();
      } else {
        moved = false;
      }
    }
    if (!reader.at_end()) take_statement(reader);
  }

  void take_statement(Reader reader) {
    if (reader.take("execute")) {
      const Tokens rest = reader.rest();
      const bool plain = rest.size() == 1 && rest[0].kind == TokenKind::literal && !body_of(rest[0]).empty();
      if (plain) return add(body_of(rest[0]), rest[0].line);
      reading_.opaque = true;
    } else if (reader.sees_any({"perform", "call"})) {
      reading_.opaque = true;
    } else if (reader.sees_any({"alter", "create", "drop", "insert", "update", "delete", "truncate", "grant",
                                "revoke", "comment", "with", "merge", "lock"})) {
      const Tokens rest = reader.rest();
      const char* begin = rest.front().text.data();
      const char* end = rest.back().text.data() + rest.back().text.size();
      add({begin, static_cast<std::size_t>(end - begin)}, rest.front().line);
    }
  }

  void add(std::string_view sql, std::size_t line_in_body) {
    const auto statements = split_statements(sql, dialect_);
    if (!statements) {
      reading_.opaque = true;
      return;
    }
    for (SqlStatement statement : *statements) {
      statement.line += first_line_ + line_in_body - 2;
      StatementReading inner = read_statement(statement, dialect_);
      inner.swallows = swallows_;
      inner.conditional = branches_ > 0;
      reading_.opaque = reading_.opaque || inner.opaque;
      reading_.inner.push_back(std::move(inner));
    }
  }

  StatementReading& reading_;
  Dialect dialect_;
  std::size_t first_line_ = 1;
  std::vector<Token> tokens_;
  bool swallows_ = false;
  int branches_ = 0;
};

// --- all kinds

/// Behind CREATE, ALTER or DROP, the words that change nothing of the kind, and the kind itself.
Reader behind_kind(const StatementReading& reading) {
  const Tokens tokens = reading.statement.tokens;
  std::size_t at = 1;
  while (at < tokens.size() &&
         is_any_of(tokens[at], {"or", "replace", "temp", "temporary", "local", "global", "unlogged", "unique",
                                "constraint", "recursive", "trusted", "procedural", "default"}))
    ++at;
  // "CREATE MATERIALIZED VIEW": as many words as the tag has, less the verb and AS.
  const auto words = std::ranges::count(reading.tag, ' ') - (reading.tag.ends_with(" AS") ? 1 : 0);
  return Reader(tokens, at + static_cast<std::size_t>(words));
}

void read_object(StatementReading& reading) {
  Reader reader = behind_kind(reading);
  reading.concurrent = reader.take("concurrently");
  reading.tolerant = reader.take({"if", "not", "exists"}) || reader.take({"if", "exists"});
  if (reading.tag == "CREATE TABLE" || reading.tag == "CREATE TABLE AS")
    return read_create_table(reader, reading);
  if (reading.tag == "CREATE INDEX") return read_create_index(reader, reading);
  if (reading.tag == "ALTER TABLE") return read_alter_table(reader, reading);
  const bool on_table =
      reading.tag.ends_with(" TRIGGER") || reading.tag.ends_with(" POLICY") || reading.tag.ends_with(" RULE");
  if (reading.tag.starts_with("DROP ") && !on_table) {
    read_name_list(reader, reading.names);
    if (!reading.names.empty()) reading.object = reading.names.front();
    return;
  }
  reading.object = reader.name();
  if (on_table && reader.move_behind("on")) reading.table = reader.name();
}

bool is_tag_of_rows(std::string_view tag) {
  return tag == "INSERT" || tag == "UPDATE" || tag == "DELETE" || tag == "MERGE" || tag == "REPLACE" ||
         tag == "SELECT" || tag == "COPY";
}

void read_rows(StatementReading& reading) {
  const Tokens tokens = reading.statement.tokens;
  read_writes(reading);
  if (!reading.writes.empty()) reading.table = reading.writes.front();
  Reader reader(tokens);
  reading.has_where = reader.move_behind("where");
  reading.opaque = reading.tag == "SELECT" && calls_a_function(tokens);
}

}  // namespace

std::vector<const StatementReading*> with_inner(const std::vector<StatementReading>& readings) {
  std::vector<const StatementReading*> all;
  for (const StatementReading& reading : readings) {
    for (const StatementReading& inner : reading.inner) all.push_back(&inner);
    all.push_back(&reading);
  }
  return all;
}

StatementReading read_statement(const SqlStatement& statement, Dialect dialect) {
  StatementReading reading;
  reading.statement = statement;
  reading.tag = command_tag(statement);
  const Tokens tokens = reading.statement.tokens;
  const std::string& tag = reading.tag;
  reading.temporary = tokens.size() > 1 && is_any_of(tokens[1], {"temp", "temporary"});
  reading.replaces = tokens.size() > 2 && is_keyword(tokens[1], "or") && is_keyword(tokens[2], "replace");
  if (tag.starts_with("CREATE ") || tag.starts_with("ALTER ") || tag.starts_with("DROP ")) {
    read_object(reading);
  } else if (is_tag_of_rows(tag)) {
    read_rows(reading);
  } else if (tag == "TRUNCATE" || tag == "LOCK") {
    Reader reader(tokens, 1);
    reader.take("table");
    read_name_list(reader, reading.names);
    if (tag == "TRUNCATE") reading.writes = reading.names;
  } else if (tag == "CALL") {
    reading.opaque = true;
  } else if (tag == "DO" && dialect == Dialect::postgres) {
    const auto literal = std::ranges::find(tokens, TokenKind::literal, &Token::kind);
    if (literal != tokens.end()) BlockReader(reading, dialect).read(*literal);
  }
  read_roles(reading);
  return reading;
}

std::string name_key(std::string_view written, Dialect dialect) {
  std::string key;
  const auto tokens = lex(written, dialect);
  if (!tokens) return std::string(written);
  for (const Token& token : *tokens) {
    const bool quoted = token.kind == TokenKind::quoted_word;
    const std::string_view text = quoted ? token.text.substr(1, token.text.size() - 2) : token.text;
    key += quoted && dialect == Dialect::postgres ? std::string(text) : to_lower_ascii(text);
  }
  for (const std::string_view schema : {"public.", "main."}) {
    if (key.starts_with(schema)) key.erase(0, schema.size());
  }
  return key;
}

std::string loose_form(std::string_view sql, Dialect dialect) {
  const auto tokens = lex(sql, dialect);
  if (!tokens) return std::string(sql);
  std::string form;
  for (std::size_t i = 0; i < tokens->size(); ++i) {
    const Token& token = (*tokens)[i];
    if (token.kind == TokenKind::comment || is_symbol(token, "(") || is_symbol(token, ")")) continue;
    if (is_symbol(token, "::")) {
      ++i;
      continue;
    }
    if (!form.empty()) form += ' ';
    form += token.kind == TokenKind::quoted_word ? to_lower_ascii(token.text.substr(1, token.text.size() - 2))
            : token.kind == TokenKind::literal   ? std::string(token.text)
                                                 : to_lower_ascii(token.text);
  }
  return form;
}

}  // namespace guildhall::migrate
