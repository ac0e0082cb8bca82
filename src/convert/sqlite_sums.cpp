#include "convert/sqlite_sums.h"

#include <set>

#include "convert/sqlite_plan.h"

namespace guildhall::convert {

migrate::Outcome<void> SumsOfBefore::take() {
  options_.at("sums of before");
  measured_ = written_state(session_);
  auto sums = take_sums_apart(session_, scheme_);
  if (!sums) return std::unexpected(sums.error());
  sums_ = *std::move(sums);
  return {};
}

migrate::Outcome<void> SumsOfBefore::keep(Records& records, std::int64_t conversion) {
  if (written_state(session_) != measured_) {
    options_.at("sums of before, as somebody wrote");
    auto sums = take_sums(session_, scheme_);
    if (!sums) return std::unexpected(sums.error());
    sums_ = *std::move(sums);
  }
  remember(session_, records, conversion, "before", sums_);
  return {};
}

migrate::Outcome<void> keep_converted_sums(store::SchemaSession& session, const Scheme& scheme,
                                           Records& records, std::int64_t conversion) {
  std::set<std::string> changed;
  for (const Refused& row : records.refused(conversion)) changed.insert(row.table);
  auto before = remembered_sums(records, conversion, "before");
  if (changed.empty() || !before) return {};
  std::erase_if(before->measured, [&](const Measured& one) { return !changed.contains(one.measure.table); });
  before->shown.clear();
  const OldSchema schema = read_sqlite_shape(session);
  Scheme now = make_scheme(schema, scheme.description);
  now.home = scheme.home;
  const auto sums = take_sums(session, now, {.before = &*before});
  if (!sums) return std::unexpected(sums.error());
  remember(session, records, conversion, std::string(kConvertedSums), *sums);
  return {};
}

}  // namespace guildhall::convert
