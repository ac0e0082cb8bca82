#include "convert/description.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <fstream>
#include <set>
#include <sstream>
#include <utility>

#include "base/text.h"
#include "base/toml.h"

namespace guildhall::convert {
namespace {

using migrate::Outcome;

template <class Value>
using Names = std::span<const std::pair<Value, std::string_view>>;

constexpr std::array<std::pair<TableClass, std::string_view>, 5> kClasses{
    {{TableClass::tenant, "tenant"},
     {TableClass::child, "child"},
     {TableClass::override, "override"},
     {TableClass::global, "global"},
     {TableClass::registry, "registry"}}};
constexpr std::array<std::pair<Duplicates, std::string_view>, 6> kDuplicates{
    {{Duplicates::refuse, "refuse"},
     {Duplicates::sum, "sum"},
     {Duplicates::newest, "newest"},
     {Duplicates::first, "first"},
     {Duplicates::best, "best"},
     {Duplicates::keep_all, "keep_all"}}};
constexpr std::array<std::pair<TwinNames, std::string_view>, 2> kTwins{
    {{TwinNames::keep, "keep"}, {TwinNames::merge, "merge"}}};
constexpr std::array<std::pair<Zero, std::string_view>, 3> kZeros{
    {{Zero::refuse, "refuse"}, {Zero::home, "home"}, {Zero::home_at_contract, "home_at_contract"}}};
constexpr std::array<std::pair<Absent, std::string_view>, 2> kAbsents{
    {{Absent::home, "home"}, {Absent::all, "all"}}};
constexpr std::array<std::pair<ReportList::Per, std::string_view>, 2> kPers{
    {{ReportList::Per::top, "top"}, {ReportList::Per::group, "group"}}};

template <class Value, std::size_t N>
std::string_view find_name(const std::array<std::pair<Value, std::string_view>, N>& names, Value value) {
  for (const auto& [known, name] : names) {
    if (known == value) return name;
  }
  std::unreachable();
}

/// Reads one table of the file and says what is wrong with it by its line and its key. Every key has to be
/// asked for: what is left over is unknown.
class Section {
 public:
  Section(const toml::table& table, std::string file, std::string path)
      : table_(table), file_(std::move(file)), path_(std::move(path)) {}

  std::size_t line() const { return table_.source().begin.line; }

  std::unexpected<migrate::Problem> wrong(const toml::node* node, std::string_view key, std::string text,
                                          std::string hint = {}) const {
    const std::size_t at = node != nullptr ? node->source().begin.line : line();
    return migrate::stop(
        migrate::Exit::usage, "CV-FILE",
        fmt::format("{} line {}: {}{}{} {}", file_, at, path_, path_.empty() ? "" : ".", key, text),
        std::move(hint));
  }

  Outcome<void> text(std::string_view key, std::string& into, bool is_required = false) {
    const toml::node* node = get(key);
    if (node == nullptr) return is_required ? Outcome<void>(wrong(node, key, "is missing")) : Outcome<void>();
    const auto value = node->value<std::string>();
    if (!node->is_string() || value->empty()) return wrong(node, key, "must be text in quotes");
    into = *value;
    return {};
  }

  Outcome<void> texts(std::string_view key, std::vector<std::string>& into, bool is_required = false) {
    const toml::node* node = get(key);
    if (node == nullptr) return is_required ? Outcome<void>(wrong(node, key, "is missing")) : Outcome<void>();
    const toml::array* array = node->as_array();
    if (array == nullptr) return wrong(node, key, "must be a list of texts in quotes");
    for (const toml::node& one : *array) {
      const auto value = one.value<std::string>();
      if (!one.is_string() || value->empty()) return wrong(&one, key, "must be a list of texts in quotes");
      into.push_back(*value);
    }
    return {};
  }

  template <class Value, std::size_t N>
  Outcome<void> choice(std::string_view key, const std::array<std::pair<Value, std::string_view>, N>& names,
                       Value& into, bool is_required = false) {
    std::string text_value;
    if (auto read = text(key, text_value, is_required); !read) return read;
    if (text_value.empty()) return {};
    std::vector<std::string> known;
    for (const auto& [value, name] : names) {
      if (name == text_value) {
        into = value;
        return {};
      }
      known.emplace_back(name);
    }
    return wrong(get(key), key,
                 fmt::format("is '{}', which is none of {}", text_value, fmt::join(known, ", ")),
                 suggestion(text_value, known));
  }

  Outcome<void> flag(std::string_view key, std::optional<bool>& into) {
    const toml::node* node = get(key);
    if (node == nullptr) return {};
    if (!node->is_boolean()) return wrong(node, key, "must be true or false");
    into = node->value<bool>();
    return {};
  }

  /// Texts by name, or none.
  Outcome<void> map(std::string_view key, std::map<std::string, std::string>& into) {
    const toml::node* node = get(key);
    if (node == nullptr) return {};
    const toml::table* table = node->as_table();
    if (table == nullptr) return wrong(node, key, "must be a table of texts in quotes");
    for (const auto& [name, one] : *table) {
      const auto value = one.value<std::string>();
      if (!one.is_string() || value->empty()) return wrong(&one, key, "must be a table of texts in quotes");
      into[std::string(name.str())] = *value;
    }
    return {};
  }

  /// Each table of a list of tables, or none.
  template <class Function>
  Outcome<void> each(std::string_view key, Function function) {
    const toml::node* node = get(key);
    if (node == nullptr) return {};
    const toml::array* array = node->as_array();
    if (array == nullptr) return wrong(node, key, "must be a list of tables");
    for (const toml::node& one : *array) {
      const toml::table* table = one.as_table();
      if (table == nullptr) return wrong(&one, key, "must be a list of tables");
      Section section(*table, file_, path_.empty() ? std::string(key) : fmt::format("{}.{}", path_, key));
      if (Outcome<void> read = function(section); !read) return read;
      if (auto ended = section.end(); !ended) return ended;
    }
    return {};
  }

  /// Each list of texts of a list, or none.
  Outcome<void> lists(std::string_view key, std::vector<std::vector<std::string>>& into) {
    const toml::node* node = get(key);
    if (node == nullptr) return {};
    const toml::array* array = node->as_array();
    if (array == nullptr) return wrong(node, key, "must be a list of lists of column names");
    for (const toml::node& one : *array) {
      const toml::array* inner = one.as_array();
      if (inner == nullptr || inner->empty())
        return wrong(&one, key, "must be a list of lists of column names");
      std::vector<std::string> columns;
      for (const toml::node& column : *inner) {
        if (!column.is_string()) return wrong(&column, key, "must be a list of lists of column names");
        columns.push_back(*column.value<std::string>());
      }
      into.push_back(std::move(columns));
    }
    return {};
  }

  /// The table of that name, or nothing.
  template <class Function>
  Outcome<void> maybe(std::string_view key, Function function) {
    if (!table_.contains(key)) {
      asked_.insert(std::string(key));
      return {};
    }
    return one(key, function);
  }

  /// The table of that name, which has to be there.
  template <class Function>
  Outcome<void> one(std::string_view key, Function function) {
    const toml::node* node = get(key);
    if (node == nullptr || !node->is_table()) return wrong(node, key, "must be a table, and is missing");
    Section section(*node->as_table(), file_, std::string(key));
    if (Outcome<void> read = function(section); !read) return read;
    return section.end();
  }

  /// Each table within this one, by its name.
  template <class Function>
  Outcome<void> named(std::string_view key, Function function) {
    const toml::node* node = get(key);
    if (node == nullptr) return {};
    const toml::table* tables = node->as_table();
    if (tables == nullptr) return wrong(node, key, "must be a table");
    for (const auto& [name, one] : *tables) {
      const toml::table* table = one.as_table();
      if (table == nullptr) return wrong(&one, fmt::format("{}.{}", key, name.str()), "must be a table");
      Section section(*table, file_, fmt::format("{}.{}", key, name.str()));
      if (Outcome<void> read = function(std::string(name.str()), section); !read) return read;
      if (auto ended = section.end(); !ended) return ended;
    }
    return {};
  }

  Outcome<void> end() const {
    for (const auto& [name, node] : table_) {
      if (asked_.contains(std::string(name.str()))) continue;
      return wrong(&node, name.str(), "is not known",
                   suggestion(name.str(), std::vector<std::string>(asked_.begin(), asked_.end())));
    }
    return {};
  }

 private:
  static std::string suggestion(std::string_view typed, const std::vector<std::string>& known) {
    const auto meant = closest(typed, known);
    return meant ? fmt::format("Did you mean '{}'?", *meant)
                 : fmt::format("Known are {}.", fmt::join(known, ", "));
  }

  const toml::node* get(std::string_view key) {
    asked_.insert(std::string(key));
    return table_.get(key);
  }

  const toml::table& table_;
  std::string file_;
  std::string path_;
  std::set<std::string> asked_;
};

Outcome<void> read_parent(Section& section, TableRule& rule) {
  Parent parent;
  if (auto read = section.text("table", parent.table, true); !read) return read;
  if (auto read = section.texts("columns", parent.columns, true); !read) return read;
  if (auto read = section.texts("referenced", parent.referenced, true); !read) return read;
  if (auto read = section.text("mistaken", parent.mistaken); !read) return read;
  if (!parent.mistaken.empty() && parent.columns.size() != 1)
    return section.wrong(nullptr, "mistaken", "is for parents that one column leads to");
  if (parent.columns.empty() || parent.columns.size() != parent.referenced.size())
    return section.wrong(nullptr, "columns", "and 'referenced' must name as many columns, and at least one");
  rule.parents.push_back(std::move(parent));
  return {};
}

Outcome<void> read_row_evidence(Section& section, const Description& description, TableRule& rule) {
  RowEvidence evidence{.server = description.tenant_column};
  std::optional<bool> folded;
  if (auto read = section.text("table", evidence.table, true); !read) return read;
  if (auto read = section.texts("columns", evidence.columns, true); !read) return read;
  if (auto read = section.texts("referenced", evidence.referenced, true); !read) return read;
  if (auto read = section.text("server", evidence.server); !read) return read;
  if (auto read = section.flag("folded", folded); !read) return read;
  if (evidence.columns.empty() || evidence.columns.size() != evidence.referenced.size())
    return section.wrong(nullptr, "columns", "and 'referenced' must name as many columns, and at least one");
  evidence.folded = folded.value_or(false);
  rule.evidence.push_back(std::move(evidence));
  return {};
}

Outcome<void> read_recount(Section& section, TableRule& rule) {
  Recount recount;
  if (auto read = section.text("column", recount.column, true); !read) return read;
  if (auto read = section.text("table", recount.table, true); !read) return read;
  if (auto read = section.texts("columns", recount.columns, true); !read) return read;
  if (auto read = section.texts("counted", recount.counted, true); !read) return read;
  if (recount.columns.empty() || recount.columns.size() != recount.counted.size())
    return section.wrong(nullptr, "columns", "and 'counted' must name as many columns, and at least one");
  rule.recount = std::move(recount);
  return {};
}

/// What becomes of rows that are in the way of a key.
Outcome<void> read_row_rules(Section& section, TableRule& rule) {
  if (auto read = section.choice("duplicates", kDuplicates, rule.duplicates); !read) return read;
  if (auto read = section.text("newest_by", rule.newest_by); !read) return read;
  if (auto read = section.choice("twins", kTwins, rule.twins); !read) return read;
  if (auto read = section.texts("best_by", rule.best_by); !read) return read;
  if (auto read = section.texts("not_null", rule.not_null); !read) return read;
  if (auto read = section.map("fill", rule.fill); !read) return read;
  if (auto read = section.flag("natural", rule.natural); !read) return read;
  if (auto read = section.text("surrogate", rule.surrogate); !read) return read;
  if (rule.duplicates == Duplicates::newest && rule.newest_by.empty())
    return section.wrong(nullptr, "newest_by", "is missing: by which column is a row the newest?");
  if (rule.duplicates == Duplicates::best && rule.best_by.empty())
    return section.wrong(nullptr, "best_by", "is missing: in which order is a row the best?");
  if (rule.twins == TwinNames::merge && (rule.folded.empty() || !makes_one(rule.duplicates)))
    return section.wrong(
        nullptr, "twins",
        "needs names (folded), and what becomes of them (duplicates = \"sum\", \"newest\" or "
        "\"first\")");
  return section.maybe("recount", [&](Section& one) { return read_recount(one, rule); });
}

Outcome<void> read_rule(const Description& description, const std::string& name, Section& section,
                        TableRule& rule) {
  rule.table = name;
  rule.column = description.tenant_column;
  rule.zero = description.zero;
  rule.line = section.line();
  if (auto read = section.choice("class", kClasses, rule.table_class, true); !read) return read;
  if (auto read = section.text("column", rule.column); !read) return read;
  if (auto read = section.each("parents", [&](Section& one) { return read_parent(one, rule); }); !read)
    return read;
  if (auto read = section.texts("sums", rule.sums); !read) return read;
  if (auto read = section.texts("folded", rule.folded); !read) return read;
  if (auto read = section.texts("person", rule.person); !read) return read;
  if (auto read = section.lists("unique", rule.unique); !read) return read;
  if (auto read = section.texts("indexes", rule.indexes); !read) return read;
  if (auto read = read_row_rules(section, rule); !read) return read;
  if (auto read = section.texts("map_key", rule.map_key); !read) return read;
  if (auto read =
          section.each("evidence", [&](Section& one) { return read_row_evidence(one, description, rule); });
      !read)
    return read;
  if (auto read = section.choice("zero", kZeros, rule.zero); !read) return read;
  if (auto read = section.choice("absent", kAbsents, rule.absent); !read) return read;
  if (rule.absent == Absent::all && rule.table_class != TableClass::override)
    return section.wrong(nullptr, "absent", "can be \"all\" in tables of class \"override\" alone");
  if (rule.table_class == TableClass::child && rule.parents.empty())
    return section.wrong(nullptr, "parents", "is missing: a child's server is that of another table's row");
  if (rule.table_class != TableClass::child && !rule.parents.empty())
    return section.wrong(nullptr, "parents", "is for tables of class \"child\" alone");
  return {};
}

Outcome<void> read_registry(Section& section, Registry& registry) {
  if (auto read = section.text("table", registry.table, true); !read) return read;
  if (auto read = section.text("column", registry.column, true); !read) return read;
  return section.text("name", registry.name);
}

Outcome<void> read_evidence(Section& section, Description& description) {
  Evidence evidence;
  if (auto read = section.text("table", evidence.table, true); !read) return read;
  if (auto read = section.text("column", evidence.column, true); !read) return read;
  description.evidence.push_back(std::move(evidence));
  return {};
}

Outcome<void> read_report(Section& section, Description& description) {
  ReportList list;
  list.line = section.line();
  if (auto read = section.text("title", list.title, true); !read) return read;
  if (auto read = section.text("table", list.table, true); !read) return read;
  if (auto read = section.text("name", list.name, true); !read) return read;
  if (auto read = section.text("value", list.value, true); !read) return read;
  if (auto read = section.choice("per", kPers, list.per, true); !read) return read;
  // What was seen before is found again by its title.
  if (std::ranges::find(description.reports, list.title, &ReportList::title) != description.reports.end())
    return section.wrong(nullptr, "title", fmt::format("'{}' is another list's already", list.title));
  description.reports.push_back(std::move(list));
  return {};
}

Outcome<void> read_top(Section& top, Description& description) {
  if (auto read = top.text("tenant_column", description.tenant_column, true); !read) return read;
  if (auto read = top.choice("zero", kZeros, description.zero); !read) return read;
  if (auto read = top.one("registry", [&](Section& one) { return read_registry(one, description.registry); });
      !read)
    return read;
  if (auto read = top.each("evidence", [&](Section& one) { return read_evidence(one, description); }); !read)
    return read;
  if (auto read = top.each("report", [&](Section& one) { return read_report(one, description); }); !read)
    return read;
  const auto read_table = [&](const std::string& name, Section& section) {
    return read_rule(description, name, section, description.tables[name]);
  };
  if (auto read = top.named("table", read_table); !read) return read;
  return top.end();
}

/// What no line by itself shows.
Outcome<void> check(const Description& description, const std::string& file) {
  const auto wrong = [&](const TableRule& rule, const std::string& text, std::string hint = {}) {
    return migrate::stop(migrate::Exit::usage, "CV-FILE",
                         fmt::format("{} line {}: table.{} {}", file, rule.line, rule.table, text),
                         std::move(hint));
  };
  for (const auto& [name, rule] : description.tables) {
    if ((rule.table_class == TableClass::registry) != (name == description.registry.table))
      return wrong(rule, fmt::format("and registry.table, which is '{}', contradict each other",
                                     description.registry.table));
    for (const Parent& parent : rule.parents) {
      const TableRule* other = description.find(parent.table);
      if (other == nullptr ||
          (other->table_class != TableClass::tenant && other->table_class != TableClass::child))
        return wrong(
            rule, fmt::format("has the parent '{}', which is no table of class \"tenant\" or \"child\" here",
                              parent.table));
      if (other != nullptr && other->zero == Zero::home_at_contract)
        return wrong(
            rule, fmt::format("has the parent '{}', whose rows keep server 0 until contract", parent.table),
            "A parent's zero is \"refuse\" or \"home\".");
    }
  }
  for (const ReportList& list : description.reports) {
    if (description.find(list.table) == nullptr)
      return migrate::stop(migrate::Exit::usage, "CV-FILE",
                           fmt::format("{} line {}: report.table is '{}', of which the file says nothing",
                                       file, list.line, list.table));
  }
  return {};
}

std::string quoted(std::string_view text) {
  std::string quoted = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') quoted += '\\';
    if (static_cast<unsigned char>(c) < 0x20) {
      quoted += fmt::format("\\u{:04x}", static_cast<unsigned>(c));
    } else {
      quoted += c;
    }
  }
  return quoted + '"';
}

std::string list_of(const std::vector<std::string>& texts) {
  std::vector<std::string> all;
  for (const std::string& text : texts) all.push_back(quoted(text));
  return fmt::format("[{}]", fmt::join(all, ", "));
}

bool is_bare(std::string_view key) {
  return !key.empty() &&
         key.find_first_not_of("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-") ==
             std::string_view::npos;
}

std::string written_row_rules(const TableRule& rule) {
  std::string out;
  if (!rule.best_by.empty()) out += fmt::format("best_by = {}\n", list_of(rule.best_by));
  if (!rule.not_null.empty()) out += fmt::format("not_null = {}\n", list_of(rule.not_null));
  std::vector<std::string> filled;
  for (const auto& [column, sql] : rule.fill)
    filled.push_back(fmt::format("{} = {}", is_bare(column) ? column : quoted(column), quoted(sql)));
  if (!filled.empty()) out += fmt::format("fill = {{ {} }}\n", fmt::join(filled, ", "));
  if (rule.natural) out += fmt::format("natural = {}\n", *rule.natural);
  if (!rule.surrogate.empty()) out += fmt::format("surrogate = {}\n", quoted(rule.surrogate));
  if (rule.recount)
    out += fmt::format("recount = {{ column = {}, table = {}, columns = {}, counted = {} }}\n",
                       quoted(rule.recount->column), quoted(rule.recount->table),
                       list_of(rule.recount->columns), list_of(rule.recount->counted));
  return out;
}

std::string written(const RowEvidence& evidence) {
  return fmt::format("{{ table = {}, columns = {}, referenced = {}, server = {}{} }}", quoted(evidence.table),
                     list_of(evidence.columns), list_of(evidence.referenced), quoted(evidence.server),
                     evidence.folded ? ", folded = true" : "");
}

std::string written(const TableRule& rule, const std::string& tenant_column, Zero zero) {
  std::string out =
      fmt::format("\n[table.{}]\nclass = \"{}\"\n", is_bare(rule.table) ? rule.table : quoted(rule.table),
                  name_of(rule.table_class));
  if (rule.column != tenant_column) out += fmt::format("column = {}\n", quoted(rule.column));
  std::vector<std::string> parents;
  for (const Parent& parent : rule.parents)
    parents.push_back(
        fmt::format("{{ table = {}, columns = {}, referenced = {}{} }}", quoted(parent.table),
                    list_of(parent.columns), list_of(parent.referenced),
                    parent.mistaken.empty() ? "" : fmt::format(", mistaken = {}", quoted(parent.mistaken))));
  if (!parents.empty()) out += fmt::format("parents = [{}]\n", fmt::join(parents, ", "));
  if (!rule.sums.empty()) out += fmt::format("sums = {}\n", list_of(rule.sums));
  if (!rule.folded.empty()) out += fmt::format("folded = {}\n", list_of(rule.folded));
  if (!rule.person.empty()) out += fmt::format("person = {}\n", list_of(rule.person));
  std::vector<std::string> keys;
  for (const auto& columns : rule.unique) keys.push_back(list_of(columns));
  if (!keys.empty()) out += fmt::format("unique = [{}]\n", fmt::join(keys, ", "));
  if (!rule.indexes.empty()) out += fmt::format("indexes = {}\n", list_of(rule.indexes));
  if (rule.duplicates != Duplicates::refuse)
    out += fmt::format("duplicates = \"{}\"\n", name_of(rule.duplicates));
  if (!rule.newest_by.empty()) out += fmt::format("newest_by = {}\n", quoted(rule.newest_by));
  if (rule.twins != TwinNames::keep) out += fmt::format("twins = \"{}\"\n", name_of(rule.twins));
  out += written_row_rules(rule);
  if (!rule.map_key.empty()) out += fmt::format("map_key = {}\n", list_of(rule.map_key));
  std::vector<std::string> evidence;
  for (const RowEvidence& one : rule.evidence) evidence.push_back(written(one));
  if (!evidence.empty()) out += fmt::format("evidence = [{}]\n", fmt::join(evidence, ", "));
  if (rule.zero != zero) out += fmt::format("zero = \"{}\"\n", name_of(rule.zero));
  if (rule.absent != Absent::home) out += "absent = \"all\"\n";
  return out;
}

Outcome<std::string> content_of(const std::string& file) {
  std::ifstream input(file);
  std::stringstream content;
  content << input.rdbuf();
  if (!input || !content) {
    std::vector<std::string> presets;
    for (const EmbeddedFile& preset : embedded_presets())
      presets.emplace_back(preset.name.substr(0, preset.name.rfind('.')));
    return migrate::stop(migrate::Exit::usage, "CV-FILE",
                         fmt::format("'{}' is no file that can be read, and no preset", file),
                         fmt::format("The presets are {}.", fmt::join(presets, " and ")));
  }
  return content.str();
}

}  // namespace

std::string_view name_of(TableClass table_class) { return find_name(kClasses, table_class); }
std::string_view name_of(ReportList::Per per) { return find_name(kPers, per); }
std::string_view name_of(Duplicates rule) { return find_name(kDuplicates, rule); }
std::string_view name_of(TwinNames rule) { return find_name(kTwins, rule); }
std::string_view name_of(Zero rule) { return find_name(kZeros, rule); }

bool makes_one(Duplicates rule) {
  return rule == Duplicates::sum || rule == Duplicates::newest || rule == Duplicates::first;
}

std::string RowEvidence::name() const { return fmt::format("{} by {}", table, fmt::join(columns, ", ")); }

const TableRule* Description::find(std::string_view table) const {
  const auto found = tables.find(std::string(table));
  return found == tables.end() ? nullptr : &found->second;
}

Outcome<Description> parse_description(std::string_view content, const std::string& file) {
  if (!is_clean_utf8(content))
    return migrate::stop(migrate::Exit::usage, "CV-FILE", fmt::format("{} is not text in UTF-8", file));
  const toml::parse_result parsed = toml::parse(content, file);
  if (!parsed) {
    return migrate::stop(migrate::Exit::usage, "CV-FILE",
                         fmt::format("{} line {}: {}", file, parsed.error().source().begin.line,
                                     parsed.error().description()));
  }
  Description description;
  description.name = file;
  Section top(parsed.table(), file, "");
  if (auto read = read_top(top, description); !read) return std::unexpected(read.error());
  if (auto checked = check(description, file); !checked) return std::unexpected(checked.error());
  return description;
}

Outcome<Description> read_description(const std::string& file_or_preset) {
  for (const EmbeddedFile& preset : embedded_presets()) {
    if (preset.name != file_or_preset + ".toml") continue;
    auto description = parse_description(preset.content, std::string(preset.name));
    if (description) description->name = file_or_preset;
    return description;
  }
  const auto content = content_of(file_or_preset);
  if (!content) return std::unexpected(content.error());
  return parse_description(*content, file_or_preset);
}

std::string write_description(const Description& description) {
  std::string out = fmt::format("tenant_column = {}\nzero = \"{}\"\n\n[registry]\ntable = {}\ncolumn = {}\n",
                                quoted(description.tenant_column), name_of(description.zero),
                                quoted(description.registry.table), quoted(description.registry.column));
  if (!description.registry.name.empty())
    out += fmt::format("name = {}\n", quoted(description.registry.name));
  for (const Evidence& evidence : description.evidence)
    out += fmt::format("\n[[evidence]]\ntable = {}\ncolumn = {}\n", quoted(evidence.table),
                       quoted(evidence.column));
  for (const auto& [name, rule] : description.tables)
    out += written(rule, description.tenant_column, description.zero);
  for (const ReportList& list : description.reports)
    out += fmt::format("\n[[report]]\ntitle = {}\ntable = {}\nname = {}\nvalue = {}\nper = {}\n",
                       quoted(list.title), quoted(list.table), quoted(list.name), quoted(list.value),
                       quoted(name_of(list.per)));
  return out;
}

}  // namespace guildhall::convert
