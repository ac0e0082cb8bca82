#include "bot/schema_reader.h"

#include <fmt/format.h>
#include <unistd.h>

#include "base/crypto.h"
#include "base/process.h"

namespace guildhall::bot {
namespace {

using store::GlobalStatement;
using store::GlobalTx;
using store::NoParams;
using store::NoRow;
using store::TxTask;

struct ReaderParams {
  std::string name;
  std::string needs;
};
BOOST_DESCRIBE_STRUCT(ReaderParams, (), (name, needs))
struct NameParams {
  std::string name;
};
BOOST_DESCRIBE_STRUCT(NameParams, (), (name))

// The heartbeat is the column's default, by the database's own clock.
constexpr GlobalStatement<ReaderParams, NoRow> kRenew{
    "schema_reader.renew",
    "INSERT INTO migration_readers (name, needs) VALUES (:name, :needs) ON CONFLICT (name) DO UPDATE SET "
    "needs = excluded.needs, heartbeat_at = excluded.heartbeat_at"};
constexpr GlobalStatement<NameParams, NoRow> kEnd{"schema_reader.end",
                                                  "DELETE FROM migration_readers WHERE name = :name"};
constexpr GlobalStatement<NoParams, NoRow> kEndEarlier{
    "schema_reader.end_earlier", "DELETE FROM migration_readers WHERE substr(name, 1, 10) = 'guildhall@'"};

std::string own_name() {
  constexpr std::size_t kTellsApart = 4;  // containers give every process the same number
  return fmt::format("guildhall@{} pid {} {}", host_name(), getpid(), base64url(random_bytes(kTellsApart)));
}

}  // namespace

SchemaReader::SchemaReader(tenancy::GlobalScope global, std::string needs)
    : global_(global), name_(own_name()), needs_(std::move(needs)) {}

Task<void> SchemaReader::begin() const {
  const ReaderParams params{name_, needs_};
  co_await global_.transact([params](GlobalTx& tx) -> TxTask<void> {
    co_await tx.change(kEndEarlier, {});
    co_await tx.change(kRenew, params);
  });
}

Task<void> SchemaReader::renew() const {
  const ReaderParams params{name_, needs_};
  co_await global_.transact([params](GlobalTx& tx) -> TxTask<void> { co_await tx.change(kRenew, params); });
}

Task<void> SchemaReader::end() const {
  const NameParams params{name_};
  co_await global_.transact([params](GlobalTx& tx) -> TxTask<void> { co_await tx.change(kEnd, params); });
}

TxTask<void> rehearse_schema_reader(GlobalTx& tx, TimePoint) {
  co_await tx.change(kRenew, {"guildhall@rehearsal", "0001"});
  co_await tx.change(kEnd, {"guildhall@rehearsal"});
  co_await tx.change(kRenew, {"guildhall@rehearsal", "0001"});
  co_await tx.change(kEndEarlier, {});
}

void declare_schema_reader(store::StatementRegistry& statements) {
  statements.add("schema_reader", kRenew, kEnd, kEndEarlier);
}

}  // namespace guildhall::bot
