#include <fmt/format.h>
#include <fmt/ranges.h>

#include "base/siphash.h"
#include "convert/row_hash.h"
#include "convert/sums_parts.h"

namespace guildhall::convert {
namespace {

/// Between two looks at whether somebody asked to stop.
constexpr std::uint64_t kRowsBetweenLooks = 2'048;
/// What a REAL counts in a total.
constexpr Wide kParts = 1'000'000;

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

/// Of a number in millionths; of anything else nothing.
Wide parts_of(const store::Cell& cell) {
  switch (cell.kind) {
    case store::Cell::Kind::integer: return static_cast<Wide>(cell.integer) * kParts;
    case store::Cell::Kind::real: return parts_of(fmt::format("{:.6f}", cell.real));
    default: return 0;
  }
}

/// What is asked for of each row: its server, the columns of its key, those of its hash, those of the totals.
class Adding {
 public:
  explicit Adding(const Reading& reading)
      : reading_(reading),
        key_end_(1 + reading.measure->key.size()),
        row_end_(key_end_ + reading.measure->columns.size() + reading.measure->parent_columns.size()),
        buckets_(reading.measure->buckets),
        totals_(reading.sums.size()) {}

  std::string sql() const {
    const Measure& measure = *reading_.measure;
    std::vector<std::string> values{reading_.server.empty()
                                        ? "NULL"
                                        : fmt::format("COALESCE(CAST({} AS text), 'NULL')", reading_.server)};
    const auto add_all = [&](std::string_view alias, const std::vector<std::string>& columns) {
      for (const std::string& column : columns) values.push_back(column_sql(alias, column));
    };
    add_all("t", measure.key);
    add_all("t", measure.columns);
    add_all("p", measure.parent_columns);
    add_all("t", reading_.sums);
    return fmt::format("SELECT {} FROM {}{}", fmt::join(values, ", "), reading_.rows, reading_.join);
  }

  void add(store::CellRow row) {
    for (std::size_t i = 1; i < key_end_; ++i) hash_.add(row[i]);
    const auto key = static_cast<std::uint64_t>(hash_.take());
    for (std::size_t i = key_end_; i < row_end_; ++i) hash_.add(row[i]);
    const Amount amount{1, hash_.take()};
    buckets_[key & (buckets_.size() - 1)] += amount;
    OfServer* server = reading_.server.empty() ? nullptr : &server_of(row[0].bytes);
    if (server != nullptr) server->amount += amount;
    for (std::size_t i = 0; i < totals_.size(); ++i) {
      const Wide parts = parts_of(row[row_end_ + i]);
      totals_[i] += parts;
      if (server != nullptr) server->totals[i] += parts;
    }
  }

  Measured result() && {
    measured_.measure = *reading_.measure;
    for (std::size_t i = 0; i < buckets_.size(); ++i) {
      if (buckets_[i].rows > 0) measured_.all[i] = buckets_[i];
    }
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

  /// Rows of one server often lie beside each other.
  OfServer& server_of(std::string_view name) {
    if (last_ == servers_.end() || last_->first != name) {
      last_ = servers_.try_emplace(std::string(name)).first;
      last_->second.totals.resize(totals_.size());
    }
    return last_->second;
  }

  std::map<std::string, std::string> named(const std::vector<Wide>& totals) const {
    std::map<std::string, std::string> named;
    for (std::size_t i = 0; i < totals.size(); ++i) named[reading_.sums[i]] = decimal_of(totals[i]);
    return named;
  }

  const Reading& reading_;
  std::size_t key_end_;
  std::size_t row_end_;
  RowHash hash_;
  Measured measured_;
  std::vector<Amount> buckets_;
  std::vector<Wide> totals_;
  std::map<std::string, OfServer> servers_;
  std::map<std::string, OfServer>::iterator last_ = servers_.end();
};

}  // namespace

std::int64_t hash_of(std::string_view text) {
  // Any key would do: sums are compared with those that this program took.
  constexpr SipKey kKey{0x6775696c6468616c, 0x6c20636f6e766572};
  return static_cast<std::int64_t>(siphash(kKey, text));
}

Measured read_sqlite(store::SchemaSession& session, const Reading& reading, const std::stop_token& stop) {
  Adding adding(reading);
  std::uint64_t read = 0;
  store::read_sqlite_rows(session, adding.sql(), [&](store::CellRow row) {
    adding.add(row);
    return ++read % kRowsBetweenLooks != 0 || !stop.stop_requested();
  });
  return std::move(adding).result();
}

}  // namespace guildhall::convert
