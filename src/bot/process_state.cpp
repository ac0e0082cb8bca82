#include "bot/process_state.h"

namespace guildhall::bot {
namespace {

using store::GlobalStatement;
using store::GlobalTx;
using store::NoRow;
using store::TxTask;

struct KeyParams {
  std::string key;
};
BOOST_DESCRIBE_STRUCT(KeyParams, (), (key))
struct ValueRow {
  std::string value;
};
BOOST_DESCRIBE_STRUCT(ValueRow, (), (value))
struct WriteParams {
  std::string key;
  std::string value;
};
BOOST_DESCRIBE_STRUCT(WriteParams, (), (key, value))

constexpr GlobalStatement<KeyParams, ValueRow> kRead{"process_state.read",
                                                     "SELECT value FROM process_state WHERE key = :key"};
constexpr GlobalStatement<WriteParams, NoRow> kWrite{
    "process_state.write",
    "INSERT INTO process_state (key, value) VALUES (:key, :value) ON CONFLICT (key) DO UPDATE SET value = "
    "excluded.value"};

}  // namespace

Task<std::string> ProcessState::read(std::string name) const {
  const auto row = co_await global_.read(
      [name](GlobalTx& tx) -> TxTask<std::optional<ValueRow>> { co_return co_await tx.one(kRead, {name}); });
  co_return row ? row->value : std::string();
}

Task<void> ProcessState::write(std::string name, std::string value) const {
  const WriteParams params{std::move(name), std::move(value)};
  co_await global_.transact([params](GlobalTx& tx) -> TxTask<void> { co_await tx.change(kWrite, params); });
}

TxTask<void> rehearse_process_state(GlobalTx& tx, TimePoint) {
  co_await tx.change(kWrite, {"rehearsal", "a value"});
  co_await tx.one(kRead, {"rehearsal"});
}

void declare_process_state(store::StatementRegistry& statements) {
  statements.add("process_state", kRead, kWrite);
}

}  // namespace guildhall::bot
