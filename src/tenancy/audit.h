// Who changed what, where: every change by a person is in its server's audit log, in the transaction
// of the change; what concerns no single server is in the operator's log.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "tenancy/scope.h"

namespace guildhall::tenancy {

/// Who acts, through which door: ("discord:123", "discord"), ("operator", "dashboard"), ...
struct Actor {
  std::string name;
  std::string door;  // discord, chat, dashboard, command_line, system
};

struct AuditEntry {
  Actor actor;
  std::string action;   // "settings.set", "points.add", "member.link"
  std::string subject;  // what was changed: a key, a person
  std::optional<std::string> before;
  std::optional<std::string> after;
};

struct AuditRow {
  std::int64_t entry_id = 0;
  TimePoint at;
  std::string actor;
  std::string door;
  std::string action;
  std::string subject;
  std::optional<std::string> before;
  std::optional<std::string> after;
};
BOOST_DESCRIBE_STRUCT(AuditRow, (), (entry_id, at, actor, door, action, subject, before, after))

store::TxTask<void> audit(store::Tx& tx, TimePoint now, AuditEntry entry);
/// The newest `count` entries, newest first.
Task<std::vector<AuditRow>> read_audit(ServerScope scope, std::int64_t count);

store::TxTask<void> log_operator(store::GlobalTx& tx, TimePoint now, AuditEntry entry);

void declare_audit(store::StatementRegistry& statements);

}  // namespace guildhall::tenancy
