#include "bot/activity.h"

#include "tenancy/counters.h"

namespace guildhall::bot {
namespace {

using store::NoRow;
using store::Statement;
using store::TxTask;

constexpr std::int64_t kKept = 500;

struct OperationParams {
  std::string operation_id;
};
BOOST_DESCRIBE_STRUCT(OperationParams, (), (operation_id))

struct CountRow {
  std::int64_t known = 0;
};
BOOST_DESCRIBE_STRUCT(CountRow, (), (known))

struct InsertParams {
  std::int64_t id;
  TimePoint at;
  std::string kind;
  std::string name;
  std::optional<std::int64_t> amount;
  std::string operation_id;
};
BOOST_DESCRIBE_STRUCT(InsertParams, (), (id, at, kind, name, amount, operation_id))

struct OldParams {
  std::int64_t oldest;
};
BOOST_DESCRIBE_STRUCT(OldParams, (), (oldest))

struct CountParams {
  std::int64_t count;
};
BOOST_DESCRIBE_STRUCT(CountParams, (), (count))

constexpr Statement<OperationParams, CountRow> kKnown{
    "activity.known",
    "SELECT count(*) AS known FROM activity WHERE discord_server_id = :server AND operation_id = "
    ":operation_id"};

constexpr Statement<InsertParams, NoRow> kInsert{
    "activity.insert",
    "INSERT INTO activity (discord_server_id, activity_id, at, kind, name, amount, operation_id) "
    "VALUES (:server, :id, :at, :kind, :name, :amount, :operation_id)"};

constexpr Statement<OldParams, NoRow> kForget{
    "activity.forget", "DELETE FROM activity WHERE discord_server_id = :server AND activity_id < :oldest"};

constexpr Statement<CountParams, ActivityRow> kNewest{
    "activity.newest",
    "SELECT activity_id, at, kind, name, amount FROM activity WHERE discord_server_id = :server "
    "ORDER BY at DESC, activity_id DESC LIMIT :count",
    {},
    store::Cost::bounded};

}  // namespace

TxTask<void> note_activity(store::Tx& tx, Activity activity) {
  const auto known = co_await tx.one(kKnown, {activity.operation_id});
  if (known->known > 0) co_return;
  const auto id = co_await tenancy::next_number(tx, "activity");
  co_await tx.change(kInsert,
                     {id, activity.at, activity.kind, activity.name, activity.amount, activity.operation_id});
  co_await tx.change(kForget, {id - kKept});
}

Task<std::vector<ActivityRow>> read_activity(tenancy::ServerScope scope, std::int64_t count) {
  return scope.all(kNewest, {count});
}

void declare_activity(store::StatementRegistry& statements) {
  statements.add("activity", kKnown, kInsert, kForget, kNewest);
}

}  // namespace guildhall::bot
