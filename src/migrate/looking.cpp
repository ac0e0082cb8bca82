#include "migrate/looking.h"

#include <fmt/format.h>

#include <condition_variable>
#include <functional>
#include <mutex>
#include <thread>

namespace guildhall::migrate {
namespace {

/// SQLite has no limit of time of its own.
class Deadline {
 public:
  Deadline(std::function<void()> cancel, std::chrono::milliseconds after)
      : thread_([cancel = std::move(cancel), after, this](const std::stop_token& stop) {
          std::unique_lock lock(mutex_);
          if (!wake_.wait_for(lock, stop, after, [&] { return stop.stop_requested(); })) cancel();
        }) {}

 private:
  std::mutex mutex_;
  std::condition_variable_any wake_;
  std::jthread thread_;
};

}  // namespace

Looking::Looking(store::SchemaSession& session, Dialect dialect, std::chrono::milliseconds statement_timeout,
                 Interrupt* interrupt)
    : session_(session), dialect_(dialect), timeout_(statement_timeout), interrupt_(interrupt) {
  if (dialect_ == Dialect::postgres) {
    session_.execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY");
    session_.execute(fmt::format("SET LOCAL statement_timeout = {}", timeout_.count()));
  } else {
    session_.execute("PRAGMA query_only = ON");
    session_.execute("BEGIN");
  }
  if (interrupt_ != nullptr) interrupt_->set_cancel(session_.canceller());
}

Looking::~Looking() {
  if (interrupt_ != nullptr) interrupt_->set_cancel(nullptr);
  try {
    session_.execute("ROLLBACK");
    if (dialect_ == Dialect::sqlite) session_.execute("PRAGMA query_only = OFF");
  } catch (const store::DatabaseError&) {
    // With the connection the transaction is gone too.
  }
}

std::expected<Looking::Rows, Unanswered> Looking::ask(const std::string& sql,
                                                      const std::vector<std::string>& values) {
  if (interrupt_ != nullptr && interrupt_->signal() != 0)
    return std::unexpected(Unanswered{"", "interrupted"});
  const bool postgres = dialect_ == Dialect::postgres;
  if (postgres) session_.later("SAVEPOINT asking");
  try {
    std::optional<Deadline> deadline;
    if (!postgres) deadline.emplace(session_.canceller(), timeout_);
    Rows rows = session_.query(sql, values);
    deadline.reset();
    if (postgres) session_.later("RELEASE asking");
    return rows;
  } catch (const store::DatabaseError& error) {
    if (error.code() == store::DbCode::connection_lost) throw;
    if (postgres) session_.execute("ROLLBACK TO asking");
    return std::unexpected(Unanswered{error.sqlstate(), error.what()});
  }
}

}  // namespace guildhall::migrate
