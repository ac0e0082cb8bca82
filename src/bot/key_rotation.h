// Everything that is sealed gets the present key (base/secrets.h), while bots run: what they seal meanwhile
// is looked at again.
#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "base/secrets.h"
#include "base/task.h"
#include "tenancy/channel_grants.h"

namespace guildhall::bot {

struct Resealed {
  std::int64_t values = 0;      // that have the present key now and had another
  std::int64_t unreadable = 0;  // their key is missing, or they were altered: they stay as they are
};

/// Once through; what somebody changed meanwhile is left to another time. It may be cut short anywhere and
/// done again.
Task<Resealed> reseal_all(tenancy::ChannelGrants& grants, const Secrets& secrets);

/// Is there a value that `reseal_all` would seal anew?
Task<bool> is_unfinished(const tenancy::ChannelGrants& grants, const Secrets& secrets);

/// How many values each key is needed for.
Task<std::map<std::string, std::int64_t>> count_by_key(const tenancy::ChannelGrants& grants);

}  // namespace guildhall::bot
