// What happened lately at a server, for people who look at the dashboard: the newest few hundred
// entries, not a log of everything.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "tenancy/scope.h"

namespace guildhall::bot {

struct Activity {
  TimePoint at;
  std::string kind;  // stream_live, stream_offline, gifted_subs, member_joined, member_left,
                     // points_changed, linked, unlinked
  std::string name;  // whom it concerns
  std::optional<std::int64_t> amount;
  std::string operation_id;  // noted once per server
};

struct ActivityRow {
  std::int64_t activity_id = 0;
  TimePoint at;
  std::string kind;
  std::string name;
  std::optional<std::int64_t> amount;
};
BOOST_DESCRIBE_STRUCT(ActivityRow, (), (activity_id, at, kind, name, amount))

store::TxTask<void> note_activity(store::Tx& tx, Activity activity);
/// The newest `count`, newest first.
Task<std::vector<ActivityRow>> read_activity(tenancy::ServerScope scope, std::int64_t count);

void declare_activity(store::StatementRegistry& statements);

}  // namespace guildhall::bot
