// What the process must remember between two starts, by name: the gateway's session, ...
#pragma once

#include <string>

#include "base/clock.h"
#include "tenancy/scope.h"

namespace guildhall::bot {

class ProcessState {
 public:
  explicit ProcessState(tenancy::GlobalScope global) : global_(global) {}

  /// Empty when nothing is kept under that name.
  Task<std::string> read(std::string name) const;
  Task<void> write(std::string name, std::string value) const;

 private:
  tenancy::GlobalScope global_;
};

store::TxTask<void> rehearse_process_state(store::GlobalTx& tx, TimePoint now);

void declare_process_state(store::StatementRegistry& statements);

}  // namespace guildhall::bot
