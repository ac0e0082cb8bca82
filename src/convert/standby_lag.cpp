#include "convert/standby_lag.h"

#include <algorithm>

namespace guildhall::convert {
namespace {

using std::chrono::milliseconds;

constexpr auto kBetweenMarks = milliseconds(100);
/// Of a standby that stands still for longer the age of the oldest mark is known, which is enough.
constexpr std::size_t kMostMarks = 6'000;

}  // namespace

void LogMarks::add(Clock::time_point now, std::int64_t end) {
  const bool is_longer = marks_.empty() || end > marks_.back().end;
  if (!is_longer || (!marks_.empty() && now - marks_.back().when < kBetweenMarks)) return;
  marks_.push_back({now, end});
  // Every second one goes, and the oldest stays.
  if (marks_.size() <= kMostMarks) return;
  std::deque<Mark> kept;
  for (std::size_t i = 0; i < marks_.size(); i += 2) kept.push_back(marks_[i]);
  marks_ = std::move(kept);
}

milliseconds LogMarks::since(Clock::time_point now, std::int64_t replayed) const {
  const auto first =
      std::ranges::upper_bound(marks_, replayed, {}, [](const Mark& mark) { return mark.end; });
  if (first == marks_.end()) return milliseconds(0);
  return std::chrono::duration_cast<milliseconds>(now - first->when);
}

Standby StandbyLag::ask(store::SchemaSession& session) {
  const auto rows = session.query(
      "SELECT pg_wal_lsn_diff(pg_current_wal_lsn(), '0/0')::bigint, pg_wal_lsn_diff(replay_lsn, "
      "'0/0')::bigint, coalesce(extract(epoch FROM replay_lag) * 1000, 0)::bigint, application_name FROM "
      "pg_stat_replication "
      "WHERE replay_lsn IS NOT NULL");
  if (rows.empty()) return {};
  const auto now = LogMarks::Clock::now();
  marks_.add(now, std::stoll(rows[0][0]));
  Standby farthest;
  for (const auto& row : rows) {
    const milliseconds behind =
        std::max(milliseconds(std::stoll(row[2])), marks_.since(now, std::stoll(row[1])));
    if (behind >= farthest.behind) farthest = {row[3], behind};
  }
  return farthest;
}

}  // namespace guildhall::convert
