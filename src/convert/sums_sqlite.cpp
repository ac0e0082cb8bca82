#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cstring>

#include "base/crypto.h"
#include "convert/sums_parts.h"

namespace guildhall::convert {
namespace {

constexpr int kRowsAtOnce = 2'000;
/// What a REAL counts in a total.
constexpr Wide kParts = 1'000'000;

/// SQL of one text. Of texts every byte counts, also behind a U+0000, where quote() would end.
std::string text_of(const std::vector<std::string>& own, const std::vector<std::string>& parents = {}) {
  std::vector<std::string> parts;
  const auto add = [&](std::string_view alias, const std::string& name) {
    const std::string column = column_sql(alias, name);
    parts.push_back(
        fmt::format("CASE typeof({0}) WHEN 'text' THEN 't' || hex({0}) ELSE quote({0}) END", column));
  };
  for (const std::string& column : own) add("t", column);
  for (const std::string& column : parents) add("p", column);
  return parts.empty() ? "''" : fmt::format("{}", fmt::join(parts, " || ',' || "));
}

/// SQL of a number as text, to six decimals; "" of anything else.
std::string number_of(const std::string& column) {
  return fmt::format(
      "CASE typeof({0}) WHEN 'integer' THEN {0} WHEN 'real' THEN printf('%.6f', {0}) ELSE '' END",
      column_sql("t", column));
}

/// "12.5" in millionths.
Wide parts_of(std::string_view number) {
  const std::size_t point = number.find('.');
  const Wide whole = parse_wide(number.substr(0, point)) * kParts;
  if (point == std::string_view::npos) return whole;
  const Wide parts = parse_wide(number.substr(point + 1));
  return number.starts_with('-') ? whole - parts : whole + parts;
}

std::string decimal_of(Wide parts) {
  std::string text = digits_of(parts / kParts);
  Wide rest = parts % kParts;
  if (rest == 0) return text;
  if (rest < 0) rest = -rest;
  if (parts < 0 && !text.starts_with('-')) text.insert(0, "-");
  std::string decimals = digits_of(rest + kParts).substr(1);
  decimals.erase(decimals.find_last_not_of('0') + 1);
  return text + "." + decimals;
}

/// The pages of a table: conditions on t, one after another, until there are no more rows.
class Pages {
 public:
  Pages(store::SchemaSession& session, const Table& table, const std::string& from)
      : session_(session), name_(from) {
    for (const char* name : {"rowid", "_rowid_", "oid"}) {
      if (table.has_rowid && rowid_.empty() && table.column(name) == nullptr) rowid_ = name;
    }
    for (const Index& index : table.indexes) {
      if (!index.is_primary) continue;
      for (const std::string& column : index.columns())
        order_ += fmt::format("{}{}", order_.empty() ? "" : ", ", column_sql("t", column));
    }
  }

  /// SQL to put behind FROM; nothing at the end. `read`: rows that the page before had.
  std::optional<std::string> next(std::size_t read) {
    if (rowid_.empty()) return next_by_number(read);
    const std::string above = last_.empty() ? "" : fmt::format("WHERE t.{} > {}", rowid_, last_);
    const auto rows = session_.query(
        fmt::format("SELECT max(r) FROM (SELECT t.{0} AS r FROM {1} t {2} ORDER BY 1 LIMIT {3})", rowid_,
                    name_, above, kRowsAtOnce));
    if (rows.at(0).at(0).empty()) return std::nullopt;
    last_ = rows[0][0];
    return fmt::format(" {} t.{} <= {}", above.empty() ? "WHERE" : above + " AND", rowid_, last_);
  }

 private:
  std::optional<std::string> next_by_number(std::size_t read) {
    if (is_begun_ && read == 0) return std::nullopt;
    is_begun_ = true;
    number_ += read;
    return fmt::format(" ORDER BY {} LIMIT {} OFFSET {}", order_.empty() ? "1" : order_, kRowsAtOnce,
                       number_);
  }

  store::SchemaSession& session_;
  std::string name_;
  std::string rowid_;
  std::string order_;
  std::string last_;
  std::size_t number_ = 0;
  bool is_begun_ = false;
};

class Adding {
 public:
  explicit Adding(const Reading& reading) : reading_(reading), totals_(reading.sums.size()) {}

  void add(const std::vector<std::string>& row) {
    const Amount amount{1, hash_of(row[2])};
    const auto key = static_cast<std::uint64_t>(hash_of(row[1]));
    measured_.all[key & (reading_.measure->buckets - 1)] += amount;
    for (std::size_t i = 0; i < totals_.size(); ++i) totals_[i] += parts_of(row[3 + i]);
    if (reading_.server.empty()) return;
    OfServer& server = servers_[row[0]];
    server.amount += amount;
    server.totals.resize(totals_.size());
    for (std::size_t i = 0; i < totals_.size(); ++i) server.totals[i] += parts_of(row[3 + i]);
  }

  Measured result() && {
    measured_.measure = *reading_.measure;
    measured_.totals = named(totals_);
    for (const auto& [server, sum] : servers_)
      measured_.servers.push_back({server, sum.amount, named(sum.totals)});
    return std::move(measured_);
  }

 private:
  struct OfServer {
    Amount amount;
    std::vector<Wide> totals;
  };

  std::map<std::string, std::string> named(const std::vector<Wide>& totals) const {
    std::map<std::string, std::string> named;
    for (std::size_t i = 0; i < totals.size(); ++i) named[reading_.sums[i]] = decimal_of(totals[i]);
    return named;
  }

  const Reading& reading_;
  Measured measured_;
  std::vector<Wide> totals_;
  std::map<std::string, OfServer> servers_;
};

}  // namespace

std::int64_t hash_of(std::string_view text) {
  std::int64_t hash = 0;
  std::memcpy(&hash, sha256(text).data(), sizeof hash);
  return hash;
}

Measured read_sqlite(store::SchemaSession& session, const Reading& reading, const Table& table,
                     const std::stop_token& stop) {
  const Measure& measure = *reading.measure;
  std::string sql = fmt::format(
      "SELECT {}, {}, {}",
      reading.server.empty() ? "''" : fmt::format("COALESCE(CAST({} AS text), 'NULL')", reading.server),
      text_of(measure.key), text_of(measure.columns, measure.parent_columns));
  for (const std::string& column : reading.sums) sql += ", " + number_of(column);
  sql += fmt::format(" FROM {}{}", reading.rows, reading.join);
  Adding adding(reading);
  Pages pages(session, table, qualified({.dialect = migrate::Dialect::sqlite}, table.name));
  std::size_t read = 0;
  while (const auto page = pages.next(read)) {
    if (stop.stop_requested()) break;
    const auto rows = session.query(sql + *page);
    for (const auto& row : rows) adding.add(row);
    read = rows.size();
  }
  return std::move(adding).result();
}

}  // namespace guildhall::convert
