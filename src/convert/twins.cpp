// Names that fold to one (base/text.h). The databases know no such folding: they find the candidates, and the
// folding itself is done here. Of two names that are alike one at least is odd, which is to say not as it
// folds; most communities have few of those, or none.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <iterator>
#include <map>
#include <optional>
#include <set>
#include <utility>

#include "base/text.h"
#include "convert/conflicts.h"
#include "convert/rows.h"

namespace guildhall::convert {
namespace {

using migrate::Dialect;

/// So many names at once in one question.
constexpr std::size_t kNamesAtOnce = 500;
/// So many odd names are looked at here; of more the database finds those that are alike.
constexpr std::size_t kFewNames = 10'000;

class Finding {
 public:
  Finding(migrate::Looking& looking, const Scheme& scheme, const SchemeTable& table, std::string column)
      : looking_(looking), scheme_(scheme), table_(table), column_(std::move(column)) {}

  std::expected<std::vector<Twins>, migrate::Unanswered> run() {
    const std::string odd = fmt::format("SELECT DISTINCT r.server, r.name FROM {} r WHERE r.name <> {} OR {}",
                                        names(), folded(), other_bytes());
    const bool are_few = take(fmt::format("{} LIMIT {}", odd, kFewNames + 1), {}) <= kFewNames;
    if (!are_few) take_alike();
    take_plain_twins(are_few ? "r.name" : folded());
    if (unanswered_) return std::unexpected(*unanswered_);
    return result();
  }

 private:
  bool postgres() const { return scheme_.schema->dialect == Dialect::postgres; }

  /// SQL: each name with its server, without the column's own collation.
  std::string names() const {
    return fmt::format(
        "(SELECT COALESCE(CAST(t.guildhall_server AS text), '') AS server, CAST({} AS text) {} AS name FROM "
        "{} t)",
        column_sql("t", column_), postgres() ? "COLLATE \"C\"" : "COLLATE BINARY",
        rows_by_server(scheme_, table_));
  }
  /// SQL: as far as a database folds; in "C" that is ASCII alone.
  std::string folded() const {
    return postgres() ? "lower(btrim(r.name, E' \\t\\r\\n\\f\\x0B'))"
                      : "lower(trim(r.name, ' ' || char(9, 10, 11, 12, 13)))";
  }

  std::string other_bytes() const {
    return postgres() ? "octet_length(r.name) <> length(r.name)"
                      : "length(CAST(r.name AS BLOB)) <> length(r.name)";
  }

  /// How many the answer has.
  std::size_t take(const std::string& sql, const std::vector<std::string>& values) {
    const auto rows = looking_.ask(sql, values);
    if (!rows) {
      unanswered_ = rows.error();
      return 0;
    }
    for (const auto& row : *rows) names_[{row[0], fold_name(row[1])}].insert(row[1]);
    return rows->size();
  }

  /// Names that are alike in lower case, and those that are not plain ASCII. Apart: beside an OR PostgreSQL
  /// asks the names that are alike anew for every row, once they are too many for its memory.
  void take_alike() {
    names_.clear();
    const std::string odd = fmt::format("SELECT {0} FROM {1} r WHERE r.name <> {0}", folded(), names());
    const std::string alike = fmt::format(
        "{0} IN (SELECT {0} FROM {1} r WHERE {0} IN ({2}) GROUP BY r.server, {0} HAVING min(r.name) <> "
        "max(r.name))",
        folded(), names(), odd);
    take(fmt::format("SELECT r.server, r.name FROM {0} r WHERE r.name IS NOT NULL AND {1} UNION "
                     "SELECT r.server, r.name FROM {0} r WHERE r.name IS NOT NULL AND {2}",
                     names(), alike, other_bytes()),
         {});
  }

  /// An odd name may fold to a plain one that is there as well. Not only an ASCII one does: the sign of
  /// kelvin is a k. `plain_name` is SQL of what is compared with it.
  void take_plain_twins(const std::string& plain_name) {
    std::vector<std::string> plain;
    for (const auto& [key, names] : names_) {
      if (utf16_length(key.second) == key.second.size() && !names.contains(key.second))
        plain.push_back(key.second);
    }
    for (std::size_t from = 0; from < plain.size(); from += kNamesAtOnce) {
      const std::vector<std::string> some(
          plain.begin() + static_cast<std::ptrdiff_t>(from),
          plain.begin() + static_cast<std::ptrdiff_t>(std::min(from + kNamesAtOnce, plain.size())));
      std::vector<std::string> places;
      for (std::size_t i = 1; i <= some.size(); ++i) places.push_back(fmt::format("${}", i));
      take(fmt::format("SELECT DISTINCT r.server, r.name FROM {} r WHERE {} IN ({})", names(), plain_name,
                       fmt::join(places, ", ")),
           some);
    }
  }

  std::vector<Twins> result() const {
    std::vector<Twins> twins;
    for (const auto& [key, names] : names_) {
      if (names.size() > 1)
        twins.push_back({table_.name(), column_, key.first, {names.begin(), names.end()}});
    }
    return twins;
  }

  migrate::Looking& looking_;
  const Scheme& scheme_;
  const SchemeTable& table_;
  std::string column_;
  std::map<std::pair<std::string, std::string>, std::set<std::string>> names_;  // by server and folded name
  std::optional<migrate::Unanswered> unanswered_;
};

}  // namespace

std::expected<std::vector<Twins>, migrate::Unanswered> find_twins(migrate::Looking& looking,
                                                                  const Scheme& scheme,
                                                                  const SchemeTable& table,
                                                                  const std::string& column) {
  return Finding(looking, scheme, table, column).run();
}

std::vector<Twins> find_twins(migrate::Looking& looking, const Scheme& scheme) {
  std::vector<Twins> all;
  for (const SchemeTable& table : scheme.tables) {
    if (table.has_column() && !has_number_column(scheme, table)) continue;
    for (const std::string& column : table.rule.folded) {
      if (table.table->column(column) == nullptr) continue;
      if (auto found = find_twins(looking, scheme, table, column))
        std::ranges::move(*found, std::back_inserter(all));
    }
  }
  return all;
}

}  // namespace guildhall::convert
