// Which servers have something to be done: one look through the cross-server door for all of them.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "store/tx.h"
#include "tenancy/scopes.h"

namespace guildhall::bot {

using FindServers = std::function<store::TxTask<std::vector<ServerId>>(store::CrossTx&, store::ServerRange)>;

/// `reason`: of the look, for the door. A server whose database is unusable is reported, and the others are
/// looked at.
Task<std::vector<ServerId>> find_servers(tenancy::Tenancy& tenancy, std::string reason, TimePoint now,
                                         FindServers find);

}  // namespace guildhall::bot
