#include "tenancy/audit.h"

#include "tenancy/counters.h"

namespace guildhall::tenancy {
namespace {

struct CountParams {
  std::int64_t count;
};
BOOST_DESCRIBE_STRUCT(CountParams, (), (count))

struct OperatorParams {
  TimePoint at;
  std::string actor;
  std::string action;
  std::string subject;
  std::optional<std::string> before;
  std::optional<std::string> after;
};
BOOST_DESCRIBE_STRUCT(OperatorParams, (), (at, actor, action, subject, before, after))

constexpr store::Statement<AuditRow, store::NoRow> kInsert{
    "tenancy.audit",
    "INSERT INTO audit_log (discord_server_id, entry_id, at, actor, door, action, subject, before, after) "
    "VALUES (:server, :entry_id, :at, :actor, :door, :action, :subject, :before, :after)"};

constexpr store::Statement<CountParams, AuditRow> kNewest{
    "tenancy.read_audit",
    "SELECT entry_id, at, actor, door, action, subject, before, after FROM audit_log "
    "WHERE discord_server_id = :server ORDER BY entry_id DESC LIMIT :count",
    {},
    store::Cost::bounded};

constexpr store::GlobalStatement<OperatorParams, store::NoRow> kInsertOperator{
    "tenancy.log_operator",
    "INSERT INTO operator_log (at, actor, action, subject, before, after) "
    "VALUES (:at, :actor, :action, :subject, :before, :after)"};

}  // namespace

store::TxTask<void> audit(store::Tx& tx, TimePoint now, AuditEntry entry) {
  const auto id = co_await next_number(tx, "audit");
  const AuditRow row{id,           now,           entry.actor.name, entry.actor.door,
                     entry.action, entry.subject, entry.before,     entry.after};
  co_await tx.change(kInsert, row);
}

Task<std::vector<AuditRow>> read_audit(ServerScope scope, std::int64_t count) {
  return scope.all(kNewest, {count});
}

store::TxTask<void> log_operator(store::GlobalTx& tx, TimePoint now, AuditEntry entry) {
  const OperatorParams row{now, entry.actor.name, entry.action, entry.subject, entry.before, entry.after};
  co_await tx.change(kInsertOperator, row);
}

void declare_audit(store::StatementRegistry& statements) {
  statements.add("tenancy", kInsert, kNewest, kInsertOperator);
}

}  // namespace guildhall::tenancy
