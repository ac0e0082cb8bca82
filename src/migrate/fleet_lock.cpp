#include "migrate/fleet_lock.h"

#include <fmt/chrono.h>
#include <fmt/format.h>
#include <unistd.h>

#include <boost/json.hpp>
#include <csignal>
#include <fstream>
#include <thread>

#include "base/pause.h"
#include "base/process.h"

namespace guildhall::migrate {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

std::string file_of(const Fleet& fleet) {
  return (std::filesystem::path(fleet.folder) / ".migrate-lock").string();
}

std::string ourselves(const std::string& command) {
  const auto now = std::chrono::floor<std::chrono::seconds>(SystemClock().now());
  return boost::json::serialize(boost::json::object{{"by", user_name()},
                                                    {"host", host_name()},
                                                    {"pid", getpid()},
                                                    {"since", fmt::format("{:%FT%TZ}", now)},
                                                    {"command", command}});
}

}  // namespace

std::string holder_of_fleet(const Fleet& fleet) {
  std::ifstream input(file_of(fleet));
  const std::string text(std::istreambuf_iterator<char>(input), {});
  boost::system::error_code error;
  const auto value = boost::json::parse(text, error);
  // Also empty for a moment, while it is taken.
  if (error || !value.is_object()) return "";
  const auto word = [&](const char* key) {
    const auto* found = value.get_object().if_contains(key);
    return found != nullptr && found->is_string() ? std::string(found->get_string()) : std::string("?");
  };
  const auto* pid = value.get_object().if_contains("pid");
  const std::int64_t number = pid != nullptr && pid->is_int64() ? pid->get_int64() : 0;
  if (has_ended(word("host"), number)) return "";
  return fmt::format("{}@{} pid {} since {} ({})", word("by"), word("host"), number, word("since"),
                     word("command"));
}

Outcome<std::unique_ptr<FileLock>> take_fleet(const Fleet& fleet, const std::string& command,
                                              const RunOptions& options) {
  auto lock = std::make_unique<FileLock>(file_of(fleet));
  const auto latest = steady_clock::now() + options.lock_wait;
  const milliseconds pause = options.lock.poll;
  try {
    while (!lock->try_take()) {
      if (const int signal = options.interrupt == nullptr ? 0 : options.interrupt->signal(); signal != 0)
        return stop(signal == SIGTERM ? Exit::terminated : Exit::interrupted, "MG-INTERRUPTED",
                    "interrupted while another run was waited for");
      if (steady_clock::now() >= latest) {
        const std::string holder = holder_of_fleet(fleet);
        return stop(Exit::locked, "MG-LOCK",
                    holder.empty() ? fmt::format("another run is just taking '{}'", fleet.folder)
                                   : fmt::format("'{}' is held by {}", fleet.folder, holder),
                    "Wait for it, or use --lock-wait 5min.");
      }
      std::this_thread::sleep_for(random_pause(pause / 2, pause * 3 / 2));
    }
    lock->write(ourselves(command));
  } catch (const ErrorException& error) {
    return std::unexpected(problem_of(error.error()));
  }
  return lock;
}

}  // namespace guildhall::migrate
