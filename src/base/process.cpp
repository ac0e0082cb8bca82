#include "base/process.h"

#include <fmt/format.h>
#include <pwd.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <fstream>
#include <sstream>

namespace guildhall {
namespace {

/// utime and stime of /proc/PID/stat are its fields 14 and 15 (proc(5)); the second holds the program's name,
/// with any character, in brackets.
double cpu_ticks(const std::string& stat) {
  std::istringstream fields(stat.substr(stat.rfind(')') + 1));
  std::string field;
  double ticks = 0;
  for (int number = 3; number <= 15 && fields >> field; ++number) {
    if (number >= 14) ticks += std::strtod(field.c_str(), nullptr);
  }
  return ticks;
}

}  // namespace

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

std::optional<ProcessUse> use_of(std::int64_t pid) {
  std::string stat;
  std::getline(std::ifstream(fmt::format("/proc/{}/stat", pid)), stat);
  if (stat.empty()) return std::nullopt;
  ProcessUse use;
  use.cpu_seconds = cpu_ticks(stat) / static_cast<double>(sysconf(_SC_CLK_TCK));
  std::ifstream status(fmt::format("/proc/{}/status", pid));
  for (std::string line; std::getline(status, line);) {
    // "VmRSS:	   12345 kB"
    const auto kilobytes = [&] { return std::strtoll(line.c_str() + line.find(':') + 1, nullptr, 10); };
    if (line.starts_with("VmRSS:")) use.resident = kilobytes() * 1024;
    if (line.starts_with("VmHWM:")) use.most_resident = kilobytes() * 1024;
  }
  return use;
}

}  // namespace guildhall
