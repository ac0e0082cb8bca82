#include "base/child_process.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstring>
#include <optional>
#include <string_view>

extern char** environ;  // NOLINT(readability-redundant-declaration): POSIX has it in no header

namespace guildhall {
namespace {

constexpr std::size_t kKept = 32UL << 10;
/// Between two looks whether it shall stop.
constexpr int kLookMilliseconds = 50;
constexpr std::chrono::seconds kGrace{5};

/// The beginning and the end of a stream of any length.
class Kept {
 public:
  void add(std::string_view bytes) {
    const std::size_t taken = std::min(bytes.size(), kKept - head_.size());
    head_ += bytes.substr(0, taken);
    tail_ += bytes.substr(taken);
    if (tail_.size() > 2 * kKept) cut();
  }
  std::string text() {
    if (tail_.size() > kKept) cut();
    return head_ + (cut_ ? "\n[...]\n" : "") + tail_;
  }

 private:
  void cut() {
    tail_.erase(0, tail_.size() - kKept);
    cut_ = true;
  }

  std::string head_;
  std::string tail_;
  bool cut_ = false;
};

class Pipe {
 public:
  Pipe() {
    if (::pipe2(ends_.data(), O_CLOEXEC) != 0) ends_ = {-1, -1};
  }
  ~Pipe() {
    close_end(0);
    close_end(1);
  }
  Pipe(const Pipe&) = delete;
  Pipe& operator=(const Pipe&) = delete;

  bool is_made() const { return ends_[0] >= 0; }
  int reading() const { return ends_[0]; }
  int writing() const { return ends_[1]; }
  void close_writing() { close_end(1); }
  /// False at the end.
  bool read_some() {
    std::array<char, 16384> buffer;
    const ssize_t count = ::read(ends_[0], buffer.data(), buffer.size());
    if (count > 0) kept.add({buffer.data(), static_cast<std::size_t>(count)});
    if (count < 0 && (errno == EINTR || errno == EAGAIN)) return true;
    if (count <= 0) close_end(0);
    return count > 0;
  }

  Kept kept;

 private:
  void close_end(std::size_t which) {
    if (ends_.at(which) >= 0) ::close(ends_.at(which));
    ends_.at(which) = -1;
  }

  std::array<int, 2> ends_{-1, -1};
};

/// A list of C strings that point into these.
std::vector<char*> pointers(std::vector<std::string>& texts) {
  std::vector<char*> list;
  list.reserve(texts.size() + 1);
  for (std::string& text : texts) list.push_back(text.data());
  list.push_back(nullptr);
  return list;
}

class SpawnSettings {
 public:
  SpawnSettings(int output, int errors) {
    posix_spawn_file_actions_init(&files_);
    posix_spawn_file_actions_addopen(&files_, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_adddup2(&files_, output, STDOUT_FILENO);
    posix_spawn_file_actions_adddup2(&files_, errors, STDERR_FILENO);
    posix_spawnattr_init(&attributes_);
    sigset_t none;
    sigset_t all;
    sigemptyset(&none);
    sigfillset(&all);
    posix_spawnattr_setsigmask(&attributes_, &none);
    posix_spawnattr_setsigdefault(&attributes_, &all);
    posix_spawnattr_setpgroup(&attributes_, 0);
    posix_spawnattr_setflags(&attributes_, static_cast<short>(POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF |
                                                              POSIX_SPAWN_SETPGROUP));
  }
  ~SpawnSettings() {
    posix_spawnattr_destroy(&attributes_);
    posix_spawn_file_actions_destroy(&files_);
  }
  SpawnSettings(const SpawnSettings&) = delete;
  SpawnSettings& operator=(const SpawnSettings&) = delete;

  const posix_spawn_file_actions_t* files() const { return &files_; }
  const posix_spawnattr_t* attributes() const { return &attributes_; }

 private:
  posix_spawn_file_actions_t files_{};
  posix_spawnattr_t attributes_{};
};

Result<pid_t> spawn(const ChildCommand& command, int output, int errors) {
  std::vector<std::string> arguments = command.arguments;
  std::vector<std::string> environment;
  for (const auto& [name, value] : command.environment)
    environment.push_back(fmt::format("{}={}", name, value));
  const SpawnSettings settings(output, errors);
  pid_t process = 0;
  const int problem =
      ::posix_spawnp(&process, arguments.front().c_str(), settings.files(), settings.attributes(),
                     pointers(arguments).data(), pointers(environment).data());
  if (problem != 0)
    return fail(ErrorCode::failed,
                fmt::format("cannot start '{}': {}", arguments.front(), std::strerror(problem)));
  return process;
}

/// Asks it to end, and does not ask a second time.
class Ender {
 public:
  explicit Ender(pid_t process) : process_(process) {}
  void end() {
    const auto now = std::chrono::steady_clock::now();
    if (!asked_) {
      asked_ = now;
      ::kill(-process_, SIGTERM);
    } else if (now > *asked_ + kGrace) {
      ::kill(-process_, SIGKILL);
    }
  }
  bool asked() const { return asked_.has_value(); }

 private:
  pid_t process_;
  std::optional<std::chrono::steady_clock::time_point> asked_;
};

/// Reads whichever has something until both have ended, or the program itself has: what it left behind in
/// the background may hold the pipes for ever.
int read_until_end(pid_t process, Pipe& output, Pipe& errors, const std::stop_token& stop, Ender& ender) {
  int status = 0;
  bool ended = false;
  while (true) {
    std::array<pollfd, 2> waiting{
        {{.fd = output.reading(), .events = POLLIN, .revents = 0}, {errors.reading(), POLLIN, 0}}};
    const int ready = ::poll(waiting.data(), waiting.size(), ended ? 0 : kLookMilliseconds);
    if (waiting[0].revents != 0) output.read_some();
    if (waiting[1].revents != 0) errors.read_some();
    if (ended && ready <= 0) return status;
    if (!ended) ended = ::waitpid(process, &status, WNOHANG) == process;
    if (!ended && stop.stop_requested()) ender.end();
  }
}

}  // namespace

Environment own_environment() {
  Environment found;
  for (char** entry = environ; *entry != nullptr; ++entry) {
    const std::string_view text = *entry;
    const auto equals = text.find('=');
    if (equals != std::string_view::npos) found.emplace(text.substr(0, equals), text.substr(equals + 1));
  }
  return found;
}

Result<ChildEnd> run_child(const ChildCommand& command, const std::stop_token& stop) {
  Pipe output;
  Pipe errors;
  if (!output.is_made() || !errors.is_made())
    return fail(ErrorCode::failed,
                fmt::format("cannot start '{}': {}", command.arguments.front(), std::strerror(errno)));
  const auto process =
      spawn(command, command.output < 0 ? output.writing() : command.output, errors.writing());
  if (!process) return std::unexpected(process.error());
  if (command.on_start) command.on_start(*process);
  output.close_writing();
  errors.close_writing();
  Ender ender(*process);
  const int status = read_until_end(*process, output, errors, stop, ender);
  ChildEnd end;
  if (WIFSIGNALED(status)) end.signal = WTERMSIG(status);
  if (WIFEXITED(status)) end.status = WEXITSTATUS(status);
  end.output = output.kept.text();
  end.errors = errors.kept.text();
  end.ended_by_us = ender.asked();
  return end;
}

}  // namespace guildhall
