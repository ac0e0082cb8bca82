// The badges of who wrote: the same in what Kick posts and in what comes through the chat socket.
#pragma once

#include <string>
#include <vector>

#include "base/json.h"

namespace guildhall::kick {

inline std::vector<std::string> read_badges(const json::Value& message) {
  std::vector<std::string> badges;
  const json::Value* identity = json::find(message, "sender", "identity");
  if (identity == nullptr) return badges;
  for (const json::Value& badge : json::array(*identity, "badges")) {
    if (auto type = json::text(badge, "type")) badges.push_back(*std::move(type));
  }
  return badges;
}

}  // namespace guildhall::kick
