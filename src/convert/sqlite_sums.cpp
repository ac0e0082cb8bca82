#include "convert/sqlite_sums.h"

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

}  // namespace guildhall::convert
