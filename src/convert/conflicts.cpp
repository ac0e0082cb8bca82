#include "convert/conflicts.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <iterator>
#include <utility>

#include "convert/merging.h"
#include "convert/postgres_steps.h"
#include "convert/row_conditions.h"
#include "convert/rows.h"

namespace guildhall::convert {
namespace {

using migrate::Dialect;
using migrate::Level;

std::string rows_of(std::int64_t count, std::string_view table) {
  return fmt::format("{} row{} of {}", count, count == 1 ? "" : "s", table);
}

class Asking {
 public:
  Asking(migrate::Looking& looking, const Scheme& scheme) : looking_(looking), scheme_(scheme) {}

  Conflicts run() {
    for (const SchemeTable& table : scheme_.tables) {
      table_ = &table;
      check_policies();
      check_type();
      check_rows();
      for (const RowKey& key : new_keys()) check_duplicates(key);
    }
    for (Twins& twins : find_twins(looking_, scheme_)) add_twins(std::move(twins));
    say_twins();
    return std::move(found_);
  }

 private:
  bool postgres() const { return scheme_.schema->dialect == Dialect::postgres; }

  // --- saying

  void add(Level level, std::string code, std::vector<std::string> columns, std::int64_t rows,
           std::string text, std::vector<std::string> examples = {}, std::string hint = {},
           std::int64_t groups = 0) {
    if (!examples.empty())
      text += fmt::format(" (for example {}{})", fmt::join(examples, "; "),
                          std::cmp_less(examples.size(), std::max(rows, groups)) ? "; ..." : "");
    found_.findings.push_back({code, level, "", 0, std::move(text), std::move(hint)});
    found_.list.push_back(
        {std::move(code), level, table_->name(), std::move(columns), rows, groups, std::move(examples)});
  }

  void add_unknown(const migrate::Unanswered& why) {
    add(Level::warning, "CV-UNKNOWN", {}, 0,
        fmt::format("the rows of {} could not be looked at: {}", table_->name(), why.message), {},
        "Whether they stand in the way is not known; a longer --statement-timeout may help.");
  }

  /// Some rows for which it holds, each by its key, and what `more` (SQL on t and its parents) says of it.
  std::vector<std::string> examples(const std::string& from, const std::string& condition,
                                    const std::string& more = "") {
    const std::vector<std::string> key = shown_key(*table_->table);
    std::string columns, order;
    for (const std::string& name : key) {
      columns += fmt::format("CAST({} AS text), ", column_sql("t", name));
      order += fmt::format("{}{}", order.empty() ? "" : ", ", column_sql("t", name));
    }
    const auto rows =
        looking_.ask(fmt::format("SELECT {}{} FROM {} WHERE {} ORDER BY {} LIMIT {}", columns,
                                 more.empty() ? "''" : more, from, condition, order, kExamples));
    std::vector<std::string> shown;
    if (!rows) return shown;
    for (const auto& row : *rows) {
      std::vector<std::string> parts;
      for (std::size_t i = 0; i < key.size(); ++i) parts.push_back(fmt::format("{} {}", key[i], row[i]));
      shown.push_back(
          fmt::format("{}{}{}", fmt::join(parts, ", "), row.back().empty() ? "" : ": ", row.back()));
    }
    return shown;
  }

  // --- columns

  void check_policies() {
    const auto& policies = table_->table->policies;
    const bool is_sealed_already = std::ranges::find(policies, kOwnerPolicy, &Policy::name) != policies.end();
    if (!postgres() || is_sealed_already) return;
    const auto rows = looking_.ask("SELECT row_security_active($1::regclass)",
                                   {qualified(*scheme_.schema, table_->name())});
    if (rows && rows->at(0).at(0) == "t")
      add(Level::error, "CV-POLICY", {}, 0,
          fmt::format("row security of {} decides which rows this login sees", table_->name()), {},
          "Sign in as a role with BYPASSRLS, or switch the table's row security off for the conversion.");
  }

  void check_type() {
    if (!table_->has_column() || has_number_column(scheme_, *table_)) return;
    const std::string column = column_sql("t", table_->column());
    const std::string from = qualified(*scheme_.schema, table_->name()) + " t";
    const std::string& type = table_->table->column(table_->column())->type;
    const std::string no_number = fmt::format("CAST({} AS text) !~ '^-?[0-9]+$'", column);
    const std::string out = fmt::format(
        "CASE WHEN CAST({0} AS text) ~ '^-?[0-9]+$' THEN CAST({0} AS numeric) NOT BETWEEN 1 AND "
        "9223372036854775807 ELSE false END",
        column);
    const auto rows = looking_.ask(
        fmt::format("SELECT count({0}), count(*) FILTER (WHERE {1}), count(*) FILTER (WHERE {2}) FROM {3}",
                    column, no_number, out, from));
    if (!rows) return add_unknown(rows.error());
    const auto& row = rows->at(0);
    add(Level::error, "CV-TEXTID", {table_->column()}, std::stoll(row[1]),
        fmt::format("{}.{} is of type {} and not bigint; of its {} values {} are no whole numbers",
                    table_->name(), table_->column(), type, row[0], row[1]),
        row[1] == "0" ? std::vector<std::string>{} : examples(from, no_number, column),
        "Bring the column to bigint first (ALTER COLUMN ... TYPE bigint USING ...), or leave the table out.");
    if (row[2] != "0")
      add(Level::error, "CV-RANGE", {table_->column()}, std::stoll(row[2]),
          fmt::format("{} name a server outside of 1 to 9223372036854775807",
                      rows_of(std::stoll(row[2]), table_->name())),
          examples(from, out, column), "Give them a server that there is, or delete them.");
  }

  // --- rows

  void check_rows() {
    const auto counts = count_rows(looking_, scheme_, *table_);
    if (!counts) return add_unknown(counts.error());
    const RowConditions is(scheme_, *table_);
    if (table_->has_column()) say_servers(*counts, is);
    say_parents(*counts, is);
  }

  void say_servers(const RowCounts& counts, const RowConditions& is) {
    const std::string& name = table_->name();
    const std::string server = fmt::format("CAST({} AS text)", column_sql("t", table_->column()));
    const bool is_override = table_->is_override();
    if (counts.without_server > 0)
      add(Level::info, "CV-NOSERVER", {table_->column()}, counts.without_server,
          fmt::format("{} name no server: {}", rows_of(counts.without_server, name),
                      scheme_.attribution.find(name) != nullptr ? "each gets the one that is found for it"
                      : is_override                             ? "they count for all servers"
                      : table_->rule.parents.empty()
                          ? "they become the home server's"
                          : "they become their parent's, or else the home server's"));
    if (counts.zeros > 0 && !is_override) {
      const bool is_home = table_->rule.zero != Zero::refuse;
      add(is_home ? Level::info : Level::error, "CV-ZERO", {table_->column()}, counts.zeros,
          fmt::format("{} name server 0{}", rows_of(counts.zeros, name),
                      is_home ? ": they become the home server's" : ", which is none"),
          is_home ? std::vector<std::string>{} : examples(is.from, is.zero),
          is_home ? "" : "zero = \"home\" in the description gives them to the home server.");
    }
    if (counts.negatives > 0)
      add(Level::error, "CV-RANGE", {table_->column()}, counts.negatives,
          fmt::format("{} name a server below 0", rows_of(counts.negatives, name)),
          examples(is.from, is.negative, server), "Give them a server that there is, or delete them.");
    if (counts.no_numbers > 0)
      add(Level::error, "CV-TEXTID", {table_->column()}, counts.no_numbers,
          fmt::format("{} have a {} that is no whole number", rows_of(counts.no_numbers, name),
                      table_->column()),
          examples(is.from, is.no_number, server), "Give them a server that there is, or delete them.");
    if (counts.unlisted > 0)
      add(Level::error, "CV-UNLISTED", {table_->column()}, counts.unlisted,
          fmt::format("{} name a server that {} does not have", rows_of(counts.unlisted, name),
                      scheme_.description.registry.table),
          examples(is.from, is.unlisted, server),
          fmt::format("Add those servers to {}, or give the rows another.",
                      scheme_.description.registry.table));
  }

  void say_parents(const RowCounts& counts, const RowConditions& is) {
    const std::string& name = table_->name();
    if (counts.contradicting > 0)
      add(Level::warning, "CV-CONTRADICT", {table_->column()}, counts.contradicting,
          fmt::format("{} name another server than their parent", rows_of(counts.contradicting, name)),
          examples(is.from, is.contradicting,
                   fmt::format("'server ' || CAST({} AS text) || ', its parent ' || CAST({} AS text)",
                               column_sql("t", table_->column()), is.parent_server)),
          "The parent decides; each of these rows is listed in the report.");
    const std::int64_t orphans = counts.without_parent + counts.naming_none;
    if (orphans > 0)
      add(Level::warning, "CV-ORPHAN", {}, orphans,
          fmt::format("{} have no parent: {} name one that is not there, {} name none",
                      rows_of(orphans, name), counts.without_parent, counts.naming_none),
          examples(is.from, fmt::format("({}) OR ({})", is.without_parent, is.naming_none)),
          "They keep the server that they name, or become the home server's; each is listed in the report.");
  }

  // --- keys

  /// Under which rows may clash: declared ones, and those that have the server already, where rows without
  /// one come to stand beside the home's. An old key with the server before it holds as the old one did.
  std::vector<RowKey> new_keys() const {
    if (table_->rule.duplicates == Duplicates::keep_all) return {};
    std::vector<RowKey> keys = declared_keys(*table_);
    std::ranges::move(keys_with_server(*table_), std::back_inserter(keys));
    return keys;
  }

  void check_duplicates(const RowKey& key) {
    if (table_->has_column() && !has_number_column(scheme_, *table_)) return;
    std::string columns, condition = "1 = 1", shown;
    for (const std::string& part : key.parts) {
      columns += fmt::format(", {}", part);
      shown += fmt::format(", CAST({} AS text)", part);
      if (!key.nulls_are_equal) condition += fmt::format(" AND {} IS NOT NULL", part);
    }
    if (!key.predicate.empty()) condition += fmt::format(" AND ({})", key.predicate);
    const auto rows = looking_.ask(fmt::format(
        "SELECT count(*), count(*) OVER (), CAST(sum(count(*)) OVER () AS bigint){} FROM {} t WHERE {} "
        "GROUP BY t.guildhall_server{} HAVING count(*) > 1 ORDER BY 1 DESC{} LIMIT {}",
        shown, rows_by_server(scheme_, *table_), condition, columns, columns, kExamples));
    if (!rows) return add_unknown(rows.error());
    if (rows->empty()) return;
    std::vector<std::string> shown_groups;
    for (const auto& row : *rows)
      shown_groups.push_back(
          fmt::format("{} ({} rows)", fmt::join(row.begin() + 3, row.end(), ", "), row[0]));
    say_duplicates(key, std::stoll(rows->at(0)[1]), std::stoll(rows->at(0)[2]), std::move(shown_groups));
  }

  void say_duplicates(const RowKey& key, std::int64_t groups, std::int64_t rows,
                      std::vector<std::string> shown) {
    const bool is_refused = table_->rule.duplicates == Duplicates::refuse;
    add(is_refused ? Level::error : Level::warning, "CV-DUPLICATE", key.columns, rows,
        fmt::format("{} share their {} with another of the same server, {} time{}",
                    rows_of(rows, table_->name()), fmt::join(key.columns, ", "), groups,
                    groups == 1 ? "" : "s"),
        std::move(shown),
        is_refused
            ? "duplicates = \"sum\", \"newest\" or \"first\" in the description says what becomes of them."
            : fmt::format("duplicates = \"{}\": each row that gives way is listed in the report.",
                          name_of(table_->rule.duplicates)),
        groups);
    if (!is_refused) say_referring(rows);
  }

  /// A row that gives way would leave others without the one that they belong to.
  void say_referring(std::int64_t rows) {
    const auto others = referring_tables(scheme_, *table_);
    if (!postgres() || others.empty()) return;
    add(Level::error, "CV-MERGE", {}, rows,
        fmt::format("some of them have to give way, and rows of {} refer to {}", fmt::join(others, ", "),
                    table_->name()),
        {}, "Set those rows right first.");
  }

  // --- names

  void add_twins(Twins twins) { found_.twins.push_back(std::move(twins)); }

  std::string fate_of_twins() const {
    if (table_->rule.twins == TwinNames::keep)
      return "They stay apart, each with what it has; the report lists them.";
    return fmt::format(
        "Where a key has them in it they become one once the old program has stopped, by duplicates = "
        "\"{}\": each row that gives way is listed in the report.",
        name_of(table_->rule.duplicates));
  }

  void say_twins() {
    for (const SchemeTable& table : scheme_.tables) {
      table_ = &table;
      for (const std::string& column : table.rule.folded) {
        std::vector<std::string> shown;
        std::int64_t groups = 0, names = 0;
        for (const Twins& twins : found_.twins) {
          if (twins.table != table.name() || twins.column != column) continue;
          ++groups;
          names += std::ssize(twins.names);
          if (groups <= kExamples) shown.push_back(fmt::format("{}", fmt::join(twins.names, " and ")));
        }
        if (groups > 0)
          add(Level::warning, "CV-TWINS", {column}, names,
              fmt::format("{} names in {}.{} differ from another of the same server in case alone", names,
                          table.name(), column),
              std::move(shown), fate_of_twins(), groups);
      }
    }
  }

  migrate::Looking& looking_;
  const Scheme& scheme_;
  const SchemeTable* table_ = nullptr;
  Conflicts found_;
};

}  // namespace

const Conflict* Conflicts::find(std::string_view code, std::string_view table) const {
  const auto found =
      std::ranges::find_if(list, [&](const Conflict& one) { return one.code == code && one.table == table; });
  return found == list.end() ? nullptr : &*found;
}

bool Conflicts::can_go_on() const {
  return std::ranges::none_of(list, [](const Conflict& one) { return one.level == Level::error; });
}

Conflicts find_conflicts(migrate::Looking& looking, const Scheme& scheme) {
  return Asking(looking, scheme).run();
}

}  // namespace guildhall::convert
