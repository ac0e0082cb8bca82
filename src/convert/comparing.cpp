#include "convert/comparing.h"

#include <set>

#include "convert/refused_row.h"

namespace guildhall::convert {
namespace {

Amount of(const Buckets& buckets, std::size_t bucket) {
  const auto found = buckets.find(bucket);
  return found == buckets.end() ? Amount{} : found->second;
}

std::set<std::size_t> all_buckets(const Measured& before, const Measured& after) {
  std::set<std::size_t> all;
  for (const auto* buckets : {&before.all, &after.all}) {
    for (const auto& [bucket, amount] : *buckets) all.insert(bucket);
  }
  return all;
}

Comparison compare_at_rest(const Measured& before, const Measured& after, const Comparing& how) {
  Comparison found;
  for (const std::size_t bucket : all_buckets(before, after)) {
    const Amount was = of(before.all, bucket);
    if (was == of(after.all, bucket)) {
      found.proven += was.rows;
    } else {
      ++found.differences;
    }
  }
  if (found.differences == 0) return found;
  // Numbers that were given anew spread the same rows over other buckets.
  if (before.measure.parent && all_of(before.all) == all_of(after.all))
    return {Verdict::equal, all_of(before.all).rows, 0};
  const bool is_explained = found.differences <= how.touched;
  found.verdict = is_explained ? Verdict::explained : Verdict::differs;
  return found;
}

Comparison compare_under_writers(const Measured& before, const Measured& after, const Comparing& how) {
  Comparison found;
  bool is_all_proven = true;
  for (const std::size_t bucket : all_buckets(before, after)) {
    const Amount was = of(before.all, bucket);
    const Amount is = how.knows_writes ? of(after.unwritten, bucket) : of(after.all, bucket);
    if (is == was) {
      found.proven += was.rows;
    } else if (how.knows_writes && is.rows >= was.rows) {
      ++found.differences;
    } else {
      is_all_proven = false;
    }
  }
  if (found.differences > 0) {
    found.verdict = Verdict::differs;
  } else if (!is_all_proven || all_of(after.all) != all_of(before.all)) {
    found.verdict = Verdict::written;
  }
  return found;
}

/// A total in parts of so many decimals, so that it can be added to others; nothing where it has more.
std::optional<Wide> parts_of(std::string_view decimal) {
  constexpr std::size_t kDecimals = 12;
  const std::size_t point = decimal.find('.');
  std::string digits(decimal.substr(0, point));
  std::string decimals(point == std::string_view::npos ? "" : decimal.substr(point + 1));
  decimals.erase(decimals.find_last_not_of('0') + 1);
  if (decimals.size() > kDecimals || digits.find_first_not_of("-0123456789") != std::string::npos)
    return std::nullopt;
  decimals.resize(kDecimals, '0');
  return parse_wide(digits + decimals);
}

/// What the refused rows held in a column; nothing where one of them cannot be read.
std::optional<Wide> refused_total(const std::string& column, const std::vector<Refused>& refused) {
  Wide total = 0;
  for (const Refused& row : refused) {
    const auto object = parse_refused_row(row.row);
    if (!object) return std::nullopt;
    const auto cell = object->find(column);
    if (cell == object->end() || cell->value().is_null()) continue;
    const auto parts = parts_of(std::string(cell->value().as_string()));
    if (!parts) return std::nullopt;
    total += *parts;
  }
  return total;
}

}  // namespace

Comparison compare(const Measured& before, const Measured& after, const Comparing& how) {
  return how.writers == Writers::stopped ? compare_at_rest(before, after, how)
                                         : compare_under_writers(before, after, how);
}

std::optional<std::map<std::string, Amount>> expected_servers(const Measured& before,
                                                              const SchemeTable& table, std::int64_t home,
                                                              bool contracted) {
  std::map<std::string, Amount> expected;
  if (before.servers.empty()) {
    if (table.is_child()) return std::nullopt;
    if (const Amount all = all_of(before.all); all.rows > 0)
      expected[std::to_string(table.absent_value(home))] = all;
    return expected;
  }
  for (const ServerSum& sum : before.servers) {
    std::string server = sum.server;
    if (server == "NULL") {
      if (table.is_child()) return std::nullopt;
      server = std::to_string(table.null_value(home));
    } else if (server == "0" && !table.is_override()) {
      if (table.is_child()) return std::nullopt;
      if (table.rule.zero == Zero::home_at_contract && !contracted) {
        expected[server] += sum.amount;
        continue;
      }
      server = std::to_string(home);
    }
    expected[server] += sum.amount;
  }
  return expected;
}

bool are_totals_explained(const Measured& before, const Measured& after, const TableRule& rule,
                          const std::vector<Refused>& refused) {
  for (const auto& [column, was] : before.totals) {
    const auto now = after.totals.find(column);
    if (now == after.totals.end()) return false;
    if (now->second == was) continue;
    if (rule.duplicates == Duplicates::sum) return false;
    const auto parts_before = parts_of(was), parts_after = parts_of(now->second);
    if (rule.recount && rule.recount->column == column) {
      // What is counted again is never less than it was.
      if (!parts_before || !parts_after || *parts_after < *parts_before) return false;
      continue;
    }
    const auto gone = refused_total(column, refused);
    if (!parts_before || !parts_after || !gone || *parts_before - *parts_after != *gone) return false;
  }
  return true;
}

}  // namespace guildhall::convert
