// Numbers that run per server and kind of thing: persons, links, audit entries. Without gaps except
// where a transaction was rolled back.
#pragma once

#include "store/tx.h"

namespace guildhall::tenancy {

store::TxTask<std::int64_t> next_number(store::Tx& tx, std::string kind);
/// So many (1 and more) at once; the first of them.
store::TxTask<std::int64_t> next_numbers(store::Tx& tx, std::string kind, std::int64_t count);

void declare_counters(store::StatementRegistry& statements);

}  // namespace guildhall::tenancy
