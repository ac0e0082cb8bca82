// Which process on which machine: what locks and heartbeats name their holders by.
#pragma once

#include <cstdint>
#include <string>

namespace guildhall {

/// What this machine is called.
std::string host_name();
/// Who this process runs as: a login, or "uid 1000" of one that has no name.
std::string user_name();

/// A process of this machine that is there no more. Of another machine's nothing is known: false.
bool has_ended(const std::string& host, std::int64_t pid);

}  // namespace guildhall
