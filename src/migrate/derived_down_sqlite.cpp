#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "migrate/derived_down_parts.h"
#include "migrate/sql_lexer.h"

namespace guildhall::migrate {
namespace {

using Kind = SchemaDifference::Kind;

bool has_rows(const SchemaObject& object) { return object.kind == "table"; }
bool is_of_table(const SchemaObject& object) {
  return object.kind == "column" || object.kind == "constraint";
}

std::string unquoted_lower(std::string_view text) {
  if (text.size() >= 2 && std::string_view("\"[`").find(text.front()) != std::string_view::npos)
    text = text.substr(1, text.size() - 2);
  std::string lower(text);
  for (char& c : lower) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  return lower;
}

bool speaks_of(std::string_view sql, std::string_view name) {
  const auto tokens = lex(sql, Dialect::sqlite);
  const std::string wanted = unquoted_lower(name);
  return !tokens || std::ranges::any_of(*tokens, [&](const Token& token) {
    return (token.kind == TokenKind::word || token.kind == TokenKind::quoted_word) &&
           unquoted_lower(token.text) == wanted;
  });
}

class Deriver {
 public:
  Deriver(const SchemaSnapshot& before, const SchemaSnapshot& after)
      : differences_(differences(before, after)) {}

  DerivedDown derive() {
    for (const SchemaDifference& difference : differences_) {
      if (difference.kind == Kind::added && has_rows(difference.to)) new_tables_.insert(difference.to.name);
      if (difference.kind == Kind::missing && has_rows(difference.from))
        refuse(difference.from, "is gone or is called otherwise");
    }
    for (const SchemaDifference& difference : differences_) sort(difference);
    if (!down_.none.empty()) return no_way_back(down_.none);
    drop();
    make_again();
    return std::move(down_);
  }

 private:
  void refuse(const SchemaObject& object, std::string_view why) {
    if (down_.none.empty()) down_.none = fmt::format("{} {}", object.title(), why);
  }

  void sort(const SchemaDifference& difference) {
    const SchemaObject& object = difference.object();
    if (is_of_table(object)) return sort_part(difference);
    if (has_rows(object)) {
      if (difference.kind == Kind::added) dropped_.push_back(&difference.to);
      if (difference.kind == Kind::changed) refuse(object, "was changed, which SQLite cannot take back");
      return;
    }
    if (difference.kind != Kind::missing && !goes_with_table(difference.to))
      dropped_.push_back(&difference.to);
    if (difference.kind != Kind::added) made_again_.push_back(&difference.from);
  }

  /// Without one, the table was made anew under its old name.
  bool has_new_column(std::string_view table) const {
    return std::ranges::any_of(differences_, [&](const SchemaDifference& difference) {
      return difference.kind == Kind::added && difference.to.kind == "column" && difference.to.of == table;
    });
  }
  bool goes_with_table(const SchemaObject& object) const { return new_tables_.contains(object.of); }

  void sort_part(const SchemaDifference& difference) {
    const SchemaObject& object = difference.object();
    if (goes_with_table(object)) return;
    if (difference.kind != Kind::added) {
      refuse(object, difference.kind == Kind::missing ? "is gone or is called otherwise"
                                                      : "was changed, which SQLite cannot take back");
    } else if (object.kind == "column") {
      columns_.push_back(&difference.to);
    } else if (!object.property("definition").starts_with("CHECK") || !has_new_column(object.of)) {
      refuse(object, "came with a column, and SQLite drops no column that has one");
    }
  }

  /// Views and triggers before what they read.
  void drop() {
    const auto speaks = [](const SchemaObject& a, const SchemaObject& b) {
      return a.kind != "table" && speaks_of(a.sql, b.own);
    };
    const std::pair<std::string_view, std::string_view> kinds[] = {
        {"trigger", "DROP TRIGGER"}, {"view", "DROP VIEW"}, {"index", "DROP INDEX"}};
    for (const auto& [kind, drop_kind] : kinds) {
      std::vector<const SchemaObject*> some;
      for (const SchemaObject* object : dropped_) {
        if (object->kind == kind) some.push_back(object);
      }
      for (const SchemaObject* object : dependents_first(some, speaks))
        down_.statements.push_back(fmt::format("{} {}", drop_kind, object->own));
    }
    for (const SchemaObject* column : columns_) {
      down_.statements.push_back(fmt::format("ALTER TABLE {} DROP COLUMN {}", column->of, column->own));
      if (column->property("generated").empty()) down_.dropped.push_back({column->of, column->own});
    }
    drop_tables();
  }

  /// A table before those that it refers to: the other way round, its rows would be in the way.
  void drop_tables() {
    std::vector<const SchemaObject*> tables;
    for (const SchemaObject* object : dropped_) {
      if (has_rows(*object)) tables.push_back(object);
    }
    const auto refers = [](const SchemaObject& a, const SchemaObject& b) { return speaks_of(a.sql, b.own); };
    for (const SchemaObject* table : dependents_first(tables, refers)) {
      down_.statements.push_back(fmt::format("DROP TABLE {}", table->name));
      down_.dropped.push_back({table->name, ""});
    }
  }

  void make_again() {
    for (const char* kind : {"index", "view", "trigger"}) {
      for (const SchemaObject* object : made_again_) {
        if (object->kind == kind) down_.statements.push_back(object->sql);
      }
    }
  }

  std::vector<SchemaDifference> differences_;
  DerivedDown down_;
  std::set<std::string> new_tables_;
  std::vector<const SchemaObject*> dropped_;
  std::vector<const SchemaObject*> made_again_;
  std::vector<const SchemaObject*> columns_;
};

}  // namespace

DerivedDown derive_down_sqlite(const SchemaSnapshot& before, const SchemaSnapshot& after) {
  return Deriver(before, after).derive();
}

}  // namespace guildhall::migrate
