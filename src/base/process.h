// Which process on which machine: what locks and heartbeats name their holders by.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace guildhall {

/// What this machine is called.
std::string host_name();
/// Who this process runs as: a login, or "uid 1000" of one that has no name.
std::string user_name();

/// A process of this machine that is there no more. Of another machine's nothing is known: false.
bool has_ended(const std::string& host, std::int64_t pid);

/// What a process of this machine has used so far.
struct ProcessUse {
  double cpu_seconds = 0;  // of all its threads, in user and system
  std::int64_t resident = 0;
  std::int64_t most_resident = 0;  // bytes, both
};
/// Nothing: it is not there.
std::optional<ProcessUse> use_of(std::int64_t pid);

}  // namespace guildhall
