#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <map>
#include <optional>
#include <set>

#include "migrate/derived_down_parts.h"
#include "migrate/sql_lexer.h"

namespace guildhall::migrate {
namespace {

using Kind = SchemaDifference::Kind;
using Objects = std::vector<const SchemaObject*>;

bool is_one_of(std::string_view kind, std::initializer_list<std::string_view> kinds) {
  return std::ranges::find(kinds, kind) != kinds.end();
}
bool is_view(const SchemaObject& object) { return is_one_of(object.kind, {"view", "materialized view"}); }
bool is_table(const SchemaObject& object) { return is_one_of(object.kind, {"table", "foreign table"}); }
bool is_routine(const SchemaObject& object) { return is_one_of(object.kind, {"function", "procedure"}); }
bool is_foreign_key(const SchemaObject& object) {
  return object.kind == "constraint" && object.property("definition").starts_with("FOREIGN KEY");
}
bool is_inherited(const SchemaObject& object) { return !object.property("inherited").empty(); }

std::string literal(std::string_view text) {
  std::string quoted = text.find('\\') == std::string_view::npos ? "'" : "E'";
  for (const char c : text) {
    if (c == '\'' || c == '\\') quoted += c;
    quoted += c;
  }
  return quoted + "'";
}

std::string without_semicolon(std::string_view sql) {
  while (!sql.empty() && (sql.back() == ';' || sql.back() == '\n' || sql.back() == ' ')) sql.remove_suffix(1);
  return std::string(sql);
}

/// The word for it in DROP and COMMENT ON.
std::string sql_kind(const SchemaObject& object) {
  if (is_one_of(object.kind, {"enum", "type", "range type"})) return "TYPE";
  if (object.kind == "domain constraint") return "CONSTRAINT";
  std::string upper = object.kind;
  for (char& c : upper) c = c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
  return upper;
}

std::string drop_statement(const SchemaObject& object) {
  if (is_one_of(object.kind, {"column", "constraint"}))
    return fmt::format("ALTER TABLE {} DROP {} {}", object.of, sql_kind(object), object.own);
  if (object.kind == "domain constraint")
    return fmt::format("ALTER DOMAIN {} DROP CONSTRAINT {}", object.of, object.own);
  if (is_one_of(object.kind, {"trigger", "rule", "policy"}))
    return fmt::format("DROP {} {} ON {}", sql_kind(object), object.own, object.of);
  return fmt::format("DROP {} {}", sql_kind(object), object.name);
}

std::string comment_statement(const SchemaObject& object) {
  const std::string_view comment = object.property("comment");
  std::string target = object.name;
  if (is_one_of(object.kind, {"trigger", "rule", "policy", "constraint"}))
    target = fmt::format("{} ON {}", object.own, object.of);
  if (object.kind == "domain constraint") target = fmt::format("{} ON DOMAIN {}", object.own, object.of);
  return fmt::format("COMMENT ON {} {} IS {}", sql_kind(object), target,
                     comment.empty() ? "NULL" : literal(comment));
}

/// Whether it fires: "ENABLE", "DISABLE", ...
std::string enabling_statement(const SchemaObject& object) {
  const std::string_view enabled = object.property("enabled");
  return fmt::format("ALTER TABLE {} {} {} {}", object.of,
                     enabled == "never"         ? "DISABLE"
                     : enabled == "on replicas" ? "ENABLE REPLICA"
                     : enabled == "always"      ? "ENABLE ALWAYS"
                                                : "ENABLE",
                     sql_kind(object), object.own);
}

std::string view_statement(const SchemaObject& view, std::string_view verb) {
  const std::string_view options = view.property("options");
  return fmt::format("{} {} {}{} AS {}", verb, sql_kind(view), view.name,
                     options.empty() ? "" : fmt::format(" WITH ({})", options),
                     without_semicolon(view.property("definition")));
}

std::string domain_statement(const SchemaObject& domain) {
  std::string sql = fmt::format("CREATE DOMAIN {} AS {}", domain.name, domain.property("type"));
  if (const auto collation = domain.property("collation"); !collation.empty())
    sql += fmt::format(" COLLATE {}", collation);
  if (const auto value = domain.property("default"); !value.empty()) sql += fmt::format(" DEFAULT {}", value);
  if (!domain.property("not null").empty()) sql += " NOT NULL";
  return sql;
}

/// "" where its definition does not say all that it is.
std::string make_statement(const SchemaObject& object) {
  const std::string_view definition = object.property("definition");
  if (is_view(object)) return view_statement(object, "CREATE");
  if (object.kind == "constraint")
    return fmt::format("ALTER TABLE {} ADD CONSTRAINT {} {}", object.of, object.own, definition);
  if (object.kind == "domain constraint")
    return fmt::format("ALTER DOMAIN {} ADD CONSTRAINT {} {}", object.of, object.own, definition);
  if (object.kind == "policy")
    return fmt::format("CREATE POLICY {} ON {} {}", object.own, object.of, definition);
  if (object.kind == "enum")
    return fmt::format("CREATE TYPE {} AS ENUM ({})", object.name, object.property("labels"));
  if (object.kind == "type")
    return fmt::format("CREATE TYPE {} AS ({})", object.name, object.property("columns"));
  if (object.kind == "domain") return domain_statement(object);
  if (is_routine(object) || is_one_of(object.kind, {"index", "trigger", "rule", "statistics"}))
    return without_semicolon(definition);
  return "";
}

/// "varchar(10)" -> {"varchar", 10, 0}; without a number it is 0.
struct TypeName {
  std::string name;
  int first = 0;
  int second = 0;
};

std::optional<TypeName> read_type(std::string_view text) {
  TypeName type;
  const auto open = text.find('(');
  type.name = std::string(text.substr(0, open));
  if (open == std::string_view::npos) return type;
  const auto tokens = lex(text.substr(open), Dialect::postgres);
  if (!tokens || (tokens->size() != 3 && tokens->size() != 5)) return std::nullopt;
  type.first = std::stoi(std::string((*tokens)[1].text));
  if (tokens->size() == 5) type.second = std::stoi(std::string((*tokens)[3].text));
  return type;
}

/// Does every value of the first fit into the second as it is?
bool is_widening(std::string_view from_text, std::string_view to_text) {
  const auto from = read_type(from_text);
  const auto to = read_type(to_text);
  if (!from || !to) return false;
  static constexpr std::array<std::string_view, 3> kIntegers = {"smallint", "integer", "bigint"};
  const auto a = std::ranges::find(kIntegers, from->name);
  const auto b = std::ranges::find(kIntegers, to->name);
  if (a != kIntegers.end() && b != kIntegers.end()) return a < b;
  if (from->name == "character varying")
    return to->name == "text" || (to->name == from->name && (to->first == 0 || to->first > from->first));
  return from->name == "numeric" && to->name == "numeric" && from->first > 0 && to->first > from->first &&
         to->second == from->second;
}

bool is_word(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '$' ||
         static_cast<unsigned char>(c) >= 0x80;
}

/// As a whole name, not as part of a longer one.
bool names(std::string_view text, std::string_view name) {
  for (std::size_t at = text.find(name); at != std::string_view::npos; at = text.find(name, at + 1)) {
    const std::size_t end = at + name.size();
    const bool begins = at == 0 || !(is_word(text[at - 1]) || text[at - 1] == '.' || text[at - 1] == '"');
    if (begins && (end == text.size() || !is_word(text[end]))) return true;
  }
  return false;
}

class Deriver {
 public:
  Deriver(const SchemaSnapshot& before, const SchemaSnapshot& after)
      : before_(before), after_(after), differences_(differences(before, after)) {}

  DerivedDown derive() {
    find_owners();
    // A table rather than its columns.
    for (const SchemaDifference& difference : differences_) {
      if (difference.kind == Kind::missing && is_table(difference.from)) take_missing(difference.from);
    }
    for (const SchemaDifference& difference : differences_) {
      switch (difference.kind) {
        case Kind::added: take_added(difference.to); break;
        case Kind::missing: take_missing(difference.from); break;
        case Kind::changed: take_changed(difference.from, difference.to); break;
      }
    }
    take_parts_of_remade();
    if (!down_.none.empty()) return no_way_back(down_.none);
    write();
    return std::move(down_);
  }

 private:
  void refuse(const SchemaObject& object, std::string_view why) {
    if (down_.none.empty()) down_.none = fmt::format("{} {}", object.title(), why);
  }

  // What goes along with what.

  void find_owners() {
    for (const SchemaDifference& difference : differences_) {
      const SchemaObject& object = difference.object();
      if (!object.of.empty()) continue;
      if (difference.kind == Kind::added) dropped_.insert(object.name);
      if (difference.kind == Kind::changed && is_view(object) && !can_replace(difference.from, difference.to))
        remade_.insert(object.name);
      if (difference.kind == Kind::missing && !is_table(object)) remade_.insert(object.name);
    }
    for (const SchemaDifference& difference : differences_) {
      if (difference.kind == Kind::added && difference.to.kind == "column")
        dropped_columns_.insert(difference.to.name);
    }
  }

  bool goes_along(const SchemaObject& object) const {
    return dropped_.contains(object.of) || remade_.contains(object.of);
  }

  /// What the parts of a table are now, but its foreign keys.
  std::string parts_of(const std::string& name) const {
    std::string text;
    for (const auto& part : after_.parts()) {
      for (const SchemaObject& object : part->objects) {
        if (object.of == name && !is_foreign_key(object)) text += object.definition() + "\n";
      }
    }
    return text;
  }

  /// A serial or identity column's goes with the column.
  bool is_owned_by_dropped(const SchemaObject& sequence) const {
    const std::string_view owner = sequence.property("owned by");
    if (!sequence.property("identity").empty()) return true;
    return dropped_columns_.contains(std::string(owner));
  }

  /// Its columns may only get more.
  static bool can_replace(const SchemaObject& from, const SchemaObject& to) {
    const std::string_view wanted = from.property("columns");
    const std::string_view now = to.property("columns");
    return from.kind == "view" && wanted.starts_with(now) &&
           (wanted.size() == now.size() || wanted.substr(now.size()).starts_with(", "));
  }

  // What each difference asks for.

  void take_added(const SchemaObject& object) {
    if (is_inherited(object)) return;
    if (object.kind == "sequence" && is_owned_by_dropped(object)) return;
    // Two new tables may refer to each other.
    if (goes_along(object) && !is_foreign_key(object)) return;
    drops_.push_back(&object);
    if (object.kind == "table" && object.property("partitioned by").empty())
      down_.dropped.push_back({object.name, ""});
    if (object.kind == "column" && object.property("generated").empty())
      down_.dropped.push_back({object.of, object.own});
  }

  void take_missing(const SchemaObject& object) {
    if (is_one_of(object.kind, {"table", "foreign table", "column", "sequence"}))
      return refuse(object, "is gone or is called otherwise, and its rows or values with it");
    if (is_inherited(object) || remade_.contains(object.of)) return;
    make_again(object);
  }

  void make_again(const SchemaObject& object) {
    if (object.has_grants) return refuse(object, "has rights or an owner that a new one would not have");
    if (!object.property("validity").empty())
      return refuse(object, "was invalid, which cannot be made again");
    if (make_statement(object).empty()) return refuse(object, "is gone, and cannot be made as it was");
    makes_.push_back(&object);
  }

  void take_changed(const SchemaObject& from, const SchemaObject& to) {
    if (from.property("comment") != to.property("comment") && !remade_.contains(from.name))
      comments_.push_back(&from);
    if (is_inherited(to) && to.kind != "column") return;
    if (is_table(from)) return change_table(from, to);
    if (from.kind == "column") return change_column(from, to);
    if (from.kind == "sequence") return change_sequence(from, to);
    if (from.kind == "enum") return change_enum(from, to);
    if (from.kind == "domain") return change_domain(from, to);
    if (is_view(from)) return change_view(from, to);
    if (is_routine(from)) return change_routine(from, to);
    if (only_differ_in(from, to, {"comment"})) return;
    if (is_one_of(from.kind, {"type", "range type", "extension"}))
      return refuse(from, "was changed, and the values of it with it");
    if (only_differ_in(from, to, {"comment", "enabled"})) return tail_.push_back(enabling_statement(from));
    remake(from, to);
  }

  static bool only_differ_in(const SchemaObject& from, const SchemaObject& to,
                             std::initializer_list<std::string_view> properties) {
    for (const SchemaObject* object : {&from, &to}) {
      for (const auto& [what, value] : object->properties) {
        if (!is_one_of(what, properties) && from.property(what) != to.property(what)) return false;
      }
    }
    return true;
  }

  void remake(const SchemaObject& from, const SchemaObject& to) {
    if (goes_along(to)) return;
    drops_.push_back(&to);
    make_again(from);
  }

  void change_table(const SchemaObject& from, const SchemaObject& to) {
    if (!only_differ_in(from, to, {"comment", "row security", "options", "persistence"}))
      return refuse(from, "is part of other tables now, or no longer");
    if (from.property("persistence") != to.property("persistence"))
      tail_.push_back(fmt::format("ALTER TABLE {} SET {}", from.name,
                                  from.property("persistence").empty() ? "LOGGED" : "UNLOGGED"));
    change_options(from, to);
    const std::string_view security = from.property("row security");
    if (security == to.property("row security")) return;
    tail_.push_back(fmt::format("ALTER TABLE {} {} ROW LEVEL SECURITY, {} ROW LEVEL SECURITY", from.name,
                                security == "on" || security == "forced" ? "ENABLE" : "DISABLE",
                                security.starts_with("forced") ? "FORCE" : "NO FORCE"));
  }

  void change_options(const SchemaObject& from, const SchemaObject& to) {
    const std::string_view wanted = from.property("options");
    const std::string_view now = to.property("options");
    if (wanted == now) return;
    std::vector<std::string> keys;
    for (std::string_view rest = now; !rest.empty();) {
      keys.emplace_back(rest.substr(0, rest.find('=')));
      const auto next = rest.find(", ");
      rest = next == std::string_view::npos ? "" : rest.substr(next + 2);
    }
    const std::string alter = fmt::format("ALTER {} {}", sql_kind(from), from.name);
    if (!keys.empty()) tail_.push_back(fmt::format("{} RESET ({})", alter, fmt::join(keys, ", ")));
    if (!wanted.empty()) tail_.push_back(fmt::format("{} SET ({})", alter, wanted));
  }

  void change_column(const SchemaObject& from, const SchemaObject& to) {
    const bool retyped = from.property("type") != to.property("type");
    if (!only_differ_in(from, to,
                        {"comment", "type", "not null", "default", "identity", "position", "inherited"}))
      return refuse(from, "was made another column, whose values cannot be had back");
    if (retyped && !is_widening(from.property("type"), to.property("type")))
      return refuse(from, fmt::format("was {} and is {}: its values may have lost something",
                                      from.property("type"), to.property("type")));
    const std::string alter = fmt::format("ALTER TABLE {} ALTER COLUMN {}", from.of, from.own);
    change_default(from, to, alter, retyped);
    if (retyped && !is_inherited(to))
      types_.push_back(fmt::format("{} TYPE {}", alter, from.property("type")));
    if (from.property("identity").empty() && from.property("not null") != to.property("not null"))
      columns_.push_back(
          fmt::format("{} {} NOT NULL", alter, from.property("not null").empty() ? "DROP" : "SET"));
  }

  void change_default(const SchemaObject& from, const SchemaObject& to, const std::string& alter,
                      bool retyped) {
    const std::string_view wanted = from.property("default");
    if (wanted != to.property("default") || retyped) {
      if (!to.property("default").empty()) head_.push_back(alter + " DROP DEFAULT");
      if (!wanted.empty()) columns_.push_back(fmt::format("{} SET DEFAULT {}", alter, wanted));
    }
    const std::string_view identity = from.property("identity");
    if (identity == to.property("identity")) return;
    if (identity.empty()) {
      head_.push_back(alter + " DROP IDENTITY");
    } else {
      columns_.push_back(
          fmt::format("{} SET GENERATED {}", alter, identity == "always" ? "ALWAYS" : "BY DEFAULT"));
    }
  }

  void change_sequence(const SchemaObject& from, const SchemaObject& to) {
    if (from.property("identity") != to.property("identity"))
      return refuse(from, "belongs to another column");
    if (from.property("parameters") != to.property("parameters"))
      columns_.push_back(fmt::format("ALTER SEQUENCE {} {}", from.name, from.property("parameters")));
    const std::string_view owner = from.property("owned by");
    if (owner != to.property("owned by"))
      head_.push_back(
          fmt::format("ALTER SEQUENCE {} OWNED BY {}", from.name, owner.empty() ? "NONE" : owner));
  }

  /// A label may be called as before; one that came stays.
  void change_enum(const SchemaObject& from, const SchemaObject& to) {
    if (only_differ_in(from, to, {"comment"})) return;
    const auto wanted = lex(from.property("labels"), Dialect::postgres);
    const auto now = lex(to.property("labels"), Dialect::postgres);
    if (!wanted || !now || wanted->size() != now->size())
      return refuse(from, "has a new value, which no statement takes away");
    for (std::size_t i = 0; i < now->size(); ++i) {
      if ((*wanted)[i].text != (*now)[i].text)
        head_.push_back(
            fmt::format("ALTER TYPE {} RENAME VALUE {} TO {}", from.name, (*now)[i].text, (*wanted)[i].text));
    }
  }

  void change_domain(const SchemaObject& from, const SchemaObject& to) {
    if (!only_differ_in(from, to, {"comment", "default", "not null"}))
      return refuse(from, "is another type now");
    const std::string alter = fmt::format("ALTER DOMAIN {}", from.name);
    const std::string_view value = from.property("default");
    if (value != to.property("default"))
      columns_.push_back(value.empty() ? alter + " DROP DEFAULT"
                                       : fmt::format("{} SET DEFAULT {}", alter, value));
    if (from.property("not null") != to.property("not null"))
      columns_.push_back(
          fmt::format("{} {} NOT NULL", alter, from.property("not null").empty() ? "DROP" : "SET"));
  }

  void change_view(const SchemaObject& from, const SchemaObject& to) {
    if (only_differ_in(from, to, {"comment", "options"})) return change_options(from, to);
    if (remade_.contains(from.name)) return remake(from, to);
    if (can_replace(from, to)) {
      replaced_.push_back(&from);
    } else {
      refuse(from, "was changed by what it reads");
    }
  }

  void change_routine(const SchemaObject& from, const SchemaObject& to) {
    if (only_differ_in(from, to, {"comment"})) return;
    if (from.property("arguments") != to.property("arguments") ||
        from.property("returns") != to.property("returns"))
      return remake(from, to);
    replaced_.push_back(&from);
  }

  /// Triggers and rules of a view, indexes of a materialised one.
  void take_parts_of_remade() {
    if (remade_.empty()) return;
    for (const SchemaObject* object : before_.objects()) {
      if (remade_.contains(object->of)) make_again(*object);
    }
  }

  // The script.

  static int drop_rank(const SchemaObject& object) {
    static constexpr std::string_view kOrder[] = {
        "rule",        "trigger",    "policy",     "materialized view", "view",     "statistics",
        "foreign key", "index",      "constraint", "domain constraint", "column",   "aggregate",
        "procedure",   "function",   "table",      "foreign table",     "sequence", "domain",
        "type",        "range type", "enum",       "extension",         "schema"};
    const std::string_view kind = is_foreign_key(object) ? "foreign key" : std::string_view(object.kind);
    return static_cast<int>(std::ranges::find(kOrder, kind) - std::begin(kOrder));
  }

  std::string text_of(const SchemaObject& object) const {
    const bool is_named_by_types = object.name.ends_with(")");
    return (is_named_by_types ? object.name + "\n" : "") + object.definition() +
           (object.of.empty() ? "\n" + parts_of(object.name) : "");
  }

  static std::string_view spoken_name(const SchemaObject& object) {
    const std::string_view name = object.name;
    const bool is_called = is_routine(object) || object.kind == "aggregate";
    // The arguments' parenthesis is the last that opens outside of quotes.
    return is_called ? name.substr(0, name.rfind('(')) : name;
  }

  bool speaks(const SchemaObject& a, const SchemaObject& b) const {
    if (b.kind == "schema") return a.kind != "schema";
    if (b.kind == "column") {
      const bool is_of_same = a.kind == "column" && a.of == b.of && names(a.property("generated"), b.own);
      return is_of_same || (is_routine(a) && is_atomic(a) && names(a.property("definition"), b.of) &&
                            names(a.property("definition"), b.own));
    }
    return b.of.empty() && names(texts_.at(&a), spoken_name(b));
  }

  static bool is_atomic(const SchemaObject& routine) {
    return routine.property("definition").find("BEGIN ATOMIC") != std::string_view::npos;
  }

  Objects in_order(Objects objects, bool dependents_come_first) {
    std::ranges::sort(objects, {}, [](const SchemaObject* object) {
      return std::pair(drop_rank(*object), std::string_view(object->name));
    });
    texts_.clear();
    for (const SchemaObject* object : objects) texts_[object] = text_of(*object);
    auto ordered = dependents_first(
        objects, [this](const SchemaObject& a, const SchemaObject& b) { return speaks(a, b); });
    if (!dependents_come_first) std::ranges::reverse(ordered);
    return ordered;
  }

  void write() {
    auto& script = down_.statements;
    const auto append = [&](const std::vector<std::string>& some) {
      script.insert(script.end(), some.begin(), some.end());
    };
    append(head_);
    for (const SchemaObject* object : in_order(drops_, true)) script.push_back(drop_statement(*object));
    // Bodies may speak of what comes after them.
    const bool has_routines =
        std::ranges::any_of(makes_, [](const auto* object) { return is_routine(*object); }) ||
        std::ranges::any_of(replaced_, [](const auto* object) { return is_routine(*object); });
    if (has_routines) script.emplace_back("SET LOCAL check_function_bodies = off");
    write_made(is_needed_by_columns);
    append(types_);
    append(columns_);
    write_made([](const SchemaObject& object) { return !is_needed_by_columns(object); });
    append(tail_);
    for (const SchemaObject* object : comments_) script.push_back(comment_statement(*object));
  }

  /// Types, and functions that read no table by their definition.
  static bool is_needed_by_columns(const SchemaObject& object) {
    return is_one_of(object.kind, {"enum", "type", "domain", "domain constraint"}) ||
           (is_routine(object) && !is_atomic(object));
  }

  template <class Wanted>
  void write_made(Wanted wanted) {
    Objects objects;
    for (const Objects* some : {&makes_, &replaced_}) {
      for (const SchemaObject* object : *some) {
        if (wanted(*object)) objects.push_back(object);
      }
    }
    for (const SchemaObject* object : in_order(objects, false)) {
      const bool is_replaced = std::ranges::find(replaced_, object) != replaced_.end();
      down_.statements.push_back(is_replaced && is_view(*object)
                                     ? view_statement(*object, "CREATE OR REPLACE")
                                     : make_statement(*object));
      if (is_replaced) continue;
      if (!object->property("enabled").empty()) down_.statements.push_back(enabling_statement(*object));
      if (!object->property("comment").empty()) down_.statements.push_back(comment_statement(*object));
    }
  }

  const SchemaSnapshot& before_;
  const SchemaSnapshot& after_;
  std::vector<SchemaDifference> differences_;
  DerivedDown down_;
  std::set<std::string> dropped_;          // names of what is added and stands alone
  std::set<std::string> dropped_columns_;  // names
  std::set<std::string> remade_;           // names of what is dropped and made again
  std::map<const SchemaObject*, std::string> texts_;
  Objects drops_;
  Objects makes_;
  Objects replaced_;
  Objects comments_;
  std::vector<std::string> head_;     // lets go of what is dropped next
  std::vector<std::string> types_;    // of columns
  std::vector<std::string> columns_;  // not null, defaults, sequences
  std::vector<std::string> tail_;
};

}  // namespace

DerivedDown derive_down_postgres(const SchemaSnapshot& before, const SchemaSnapshot& after) {
  return Deriver(before, after).derive();
}

}  // namespace guildhall::migrate
