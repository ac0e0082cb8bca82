#include "tenancy/counters.h"

namespace guildhall::tenancy {
namespace {

struct Params {
  std::string kind;
};
BOOST_DESCRIBE_STRUCT(Params, (), (kind))

struct CountParams {
  std::string kind;
  std::int64_t count;
};
BOOST_DESCRIBE_STRUCT(CountParams, (), (kind, count))

struct Row {
  std::int64_t last = 0;
};
BOOST_DESCRIBE_STRUCT(Row, (), (last))

constexpr store::Statement<Params, Row> kNext{
    "tenancy.next_number",
    "INSERT INTO counters (discord_server_id, kind, last) VALUES (:server, :kind, 1) "
    "ON CONFLICT (discord_server_id, kind) DO UPDATE SET last = counters.last + 1 RETURNING last"};

constexpr store::Statement<CountParams, Row> kNextNumbers{
    "tenancy.next_numbers",
    "INSERT INTO counters (discord_server_id, kind, last) VALUES (:server, :kind, :count) "
    "ON CONFLICT (discord_server_id, kind) DO UPDATE SET last = counters.last + excluded.last RETURNING "
    "last"};

}  // namespace

store::TxTask<std::int64_t> next_number(store::Tx& tx, std::string kind) {
  const auto row = co_await tx.one(kNext, {std::move(kind)});
  co_return row->last;
}

store::TxTask<std::int64_t> next_numbers(store::Tx& tx, std::string kind, std::int64_t count) {
  const auto row = co_await tx.one(kNextNumbers, {std::move(kind), count});
  co_return row->last - count + 1;
}

void declare_counters(store::StatementRegistry& statements) {
  statements.add("tenancy", kNext, kNextNumbers);
}

}  // namespace guildhall::tenancy
