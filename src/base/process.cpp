#include "base/process.h"

#include <fmt/format.h>
#include <pwd.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>

namespace guildhall {

std::string host_name() {
  std::array<char, 256> host{"unknown"};
  gethostname(host.data(), host.size() - 1);
  return host.data();
}

std::string user_name() {
  // Also asked by several threads at once.
  passwd entry{};
  passwd* user = nullptr;
  std::array<char, 16'384> memory{};
  getpwuid_r(getuid(), &entry, memory.data(), memory.size(), &user);
  return user == nullptr ? fmt::format("uid {}", getuid()) : user->pw_name;
}

bool has_ended(const std::string& host, std::int64_t pid) {
  return host == host_name() && kill(static_cast<pid_t>(pid), 0) != 0 && errno == ESRCH;
}

}  // namespace guildhall
