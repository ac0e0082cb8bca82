#include "cli/instance_lock.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <thread>

#include "base/log.h"
#include "base/process.h"
#include "store/database_error.h"
#include "store/failure.h"
#include "store/schema_session.h"

namespace guildhall::cli {
namespace {

using namespace std::chrono_literals;

constexpr const char* kStopIt =
    "Stop it first, or give this one a database of its own (data.dir, database.url).";
/// PostgreSQL notices the end of a killed process a moment later.
constexpr int kTries = 20;
constexpr auto kPause = 100ms;
/// How often it is looked whether the connection is still there.
constexpr auto kLook = 2s;

std::string name_of(Exclusive what) { return what == Exclusive::bot ? "the bot" : "an isolation proof"; }

class FileLock final : public InstanceLock {
 public:
  explicit FileLock(int descriptor) : descriptor_(descriptor) {}
  ~FileLock() override { ::close(descriptor_); }
  void on_taken(std::function<void(const Error&)>) override {}  // nobody can take a file's lock away

  static Result<std::unique_ptr<InstanceLock>> take(const std::string& file, Exclusive what) {
    const int descriptor = ::open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (descriptor < 0) return fail(ErrorCode::configuration, fmt::format("cannot create '{}'", file));
    auto lock = std::make_unique<FileLock>(descriptor);
    if (::flock(descriptor, LOCK_EX | LOCK_NB) != 0) {
      std::array<char, 64> text{};
      const auto length = ::pread(descriptor, text.data(), text.size() - 1, 0);
      const std::string holder =
          length > 0 ? std::string(text.data(), static_cast<std::size_t>(length)) : "another process";
      return fail(ErrorCode::other_instance,
                  fmt::format("{} runs already: {} holds '{}'", name_of(what), holder, file), kStopIt);
    }
    const std::string holder = fmt::format("process {}", getpid());
    if (::ftruncate(descriptor, 0) != 0 || ::pwrite(descriptor, holder.data(), holder.size(), 0) < 0) {
      return fail(ErrorCode::configuration, fmt::format("cannot write '{}'", file));
    }
    return lock;
  }

 private:
  int descriptor_;
};

/// As others read it in pg_stat_activity, where 63 bytes have room.
std::string own_name() { return fmt::format("guildhall, process {} on {}", getpid(), host_name()); }

class ServerLock final : public InstanceLock {
 public:
  ServerLock(store::DatabasePlace place, Exclusive what) : place_(std::move(place)), what_(what) {}

  Result<void> take() {
    for (int tries = 1;; ++tries) {
      auto taken = try_to_take();
      if (taken || taken.error().code != ErrorCode::other_instance || tries == kTries) return taken;
      std::this_thread::sleep_for(kPause);
    }
  }
  void watch() {
    watcher_ = std::jthread([this](const std::stop_token& stop) { hold_on(stop); });
  }

  void on_taken(std::function<void(const Error&)> told) override {
    const std::scoped_lock lock(mutex_);
    told_ = std::move(told);
  }

 private:
  int number() const {
    return static_cast<int>(what_ == Exclusive::bot ? store::DatabaseLock::bot : store::DatabaseLock::proof);
  }

  Result<void> try_to_take() {
    auto session = store::open_login_session(place_, store::Login::bot);
    if (!session) return std::unexpected(session.error());
    try {
      // A machine that is gone without a word holds its lock for half a minute.
      (*session)->execute(
          "SET tcp_keepalives_idle = 15; SET tcp_keepalives_interval = 5; SET tcp_keepalives_count = 3");
      (*session)->query("SELECT set_config('application_name', $1, false)", {own_name()});
      const auto taken =
          (*session)->query(fmt::format("SELECT pg_try_advisory_lock({}, {})", store::kLockClass, number()));
      if (taken.at(0).at(0) != "t") return other_instance(**session);
    } catch (const store::DatabaseError& error) {
      return std::unexpected(store::failure_of(fmt::format("database '{}'", place_.name()), error));
    }
    session_ = *std::move(session);
    return {};
  }

  std::unexpected<Error> other_instance(store::SchemaSession& session) const {
    const auto rows = session.query(fmt::format(
        "SELECT coalesce(a.application_name, ''), a.pid, coalesce(host(a.client_addr), '') FROM pg_locks l "
        "JOIN pg_stat_activity a ON a.pid = l.pid WHERE l.locktype = 'advisory' AND l.granted AND l.classid "
        "= {} AND l.objid = {} AND l.objsubid = 2 AND a.datname = current_database()",
        store::kLockClass, number()));
    std::string holder = "another process";
    if (!rows.empty()) {
      holder = fmt::format("'{}' (PostgreSQL's process {}{})", rows[0][0], rows[0][1],
                           rows[0][2].empty() ? "" : " from " + rows[0][2]);
    }
    return fail(ErrorCode::other_instance,
                fmt::format("{} runs already on '{}': {}", name_of(what_), place_.name(), holder), kStopIt);
  }

  bool still_held() {
    try {
      if (session_ != nullptr) session_->query("SELECT 1");
    } catch (const store::DatabaseError&) {
      session_.reset();
    }
    return session_ != nullptr;
  }

  void hold_on(const std::stop_token& stop) {
    std::mutex sleeping;
    std::condition_variable_any wake;
    while (true) {
      std::unique_lock lock(sleeping);
      wake.wait_for(lock, stop, kLook, [] { return false; });
      if (stop.stop_requested()) return;
      if (still_held()) continue;
      log::warning("the lock of this bot went with its connection; taking it again");
      const auto taken = take();
      if (taken || taken.error().code != ErrorCode::other_instance) continue;
      const std::scoped_lock telling(mutex_);
      if (told_) told_(taken.error());
      return;
    }
  }

  store::DatabasePlace place_;
  Exclusive what_;
  std::unique_ptr<store::SchemaSession> session_;
  std::mutex mutex_;
  std::function<void(const Error&)> told_;
  std::jthread watcher_;
};

}  // namespace

Result<std::unique_ptr<InstanceLock>> InstanceLock::take(const store::DatabasePlace& place, Exclusive what) {
  if (place.layout != store::Layout::postgres)
    return FileLock::take(place.path + (what == Exclusive::bot ? ".lock" : ".proof.lock"), what);
  auto lock = std::make_unique<ServerLock>(place, what);
  if (auto taken = lock->take(); !taken) return std::unexpected(taken.error());
  lock->watch();
  return lock;
}

}  // namespace guildhall::cli
