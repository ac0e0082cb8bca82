// Two measures of one table, of before and of now, compared bucket by bucket (sums.h says why that proves
// anything); for verify.cpp alone.
#pragma once

#include "convert/verify.h"

namespace guildhall::convert {

struct Comparison {
  Verdict verdict = Verdict::equal;
  std::int64_t proven = 0;       // rows
  std::int64_t differences = 0;  // buckets that contradict what was there
};

/// How one is compared.
struct Comparing {
  Writers writers = Writers::stopped;
  /// PostgreSQL: it is known of each row whether it was written since.
  bool knows_writes = true;
  /// Buckets that the refused rows can have touched.
  std::int64_t touched = 0;
};

Comparison compare(const Measured& before, const Measured& after, const Comparing& how);

/// Of the sums of a table: what each server should have now from what there was, by the rules of the table.
/// Nothing where that cannot be told: of a child whose parents decide.
std::optional<std::map<std::string, Amount>> expected_servers(const Measured& before,
                                                              const SchemeTable& table, std::int64_t home,
                                                              bool contracted);

/// Whether the totals are what they were but for the refused rows.
bool are_totals_explained(const Measured& before, const Measured& after, const TableRule& rule,
                          const std::vector<Refused>& refused);

}  // namespace guildhall::convert
