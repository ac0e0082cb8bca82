#include "migrate/lock_keys.h"

#include <fmt/format.h>

#include "migrate/file_lock.h"

namespace guildhall::migrate {
namespace {

/// Two for each database: of the runner, and of what works for it. CREATE INDEX CONCURRENTLY waits for every
/// open transaction, so that none is open while they are held.
class AdvisoryKeys final : public LockKeys {
 public:
  AdvisoryKeys(store::SchemaSession& own, store::SchemaSession& work) : own_(own), work_(&work) {}
  ~AdvisoryKeys() override {
    if (!taken_) return;
    release(*work_, kOfWork);
    release(own_, kOfRunner);
  }

  Taken try_take() override {
    if (!call(own_, "pg_try_advisory_lock", kOfRunner)) return Taken::no;
    if (call(*work_, "pg_try_advisory_lock", kOfWork)) {
      taken_ = true;
      return Taken::yes;
    }
    release(own_, kOfRunner);
    return Taken::work_goes_on;
  }
  bool give_to(store::SchemaSession& work) override {
    if (!call(work, "pg_try_advisory_lock", kOfWork)) return false;
    work_ = &work;
    return true;
  }

 private:
  static constexpr int kOfRunner = 0;
  static constexpr int kOfWork = 1;

  static bool call(store::SchemaSession& session, const char* function, int which) {
    return session
               .query(fmt::format(
                   "SELECT {}(hashtextextended('guildhall migrate ' || oid, {})) FROM pg_database "
                   "WHERE datname = current_database()",
                   function, which))
               .at(0)
               .at(0) == "t";
  }
  static void release(store::SchemaSession& session, int which) {
    try {
      call(session, "pg_advisory_unlock", which);
    } catch (const store::DatabaseError&) {
      // A connection that is lost holds nothing.
    }
  }

  store::SchemaSession& own_;
  store::SchemaSession* work_;
  bool taken_ = false;
};

/// Behind a pooler nothing can be held: the row alone keeps others out.
class NoKeys final : public LockKeys {
 public:
  Taken try_take() override { return Taken::yes; }
  bool give_to(store::SchemaSession&) override { return true; }
};

/// FILE.migrate-lock; it goes when it is released.
class FileKey final : public LockKeys {
 public:
  explicit FileKey(const std::string& database) : lock_(database + ".migrate-lock") {}
  Taken try_take() override { return lock_.try_take() ? Taken::yes : Taken::no; }
  bool give_to(store::SchemaSession&) override { return true; }

 private:
  FileLock lock_;
};

}  // namespace

std::unique_ptr<LockKeys> keys_of(Dialect dialect, store::SchemaSession& own, store::SchemaSession& work) {
  if (!own.stays_the_same()) return std::make_unique<NoKeys>();
  if (dialect == Dialect::sqlite) return std::make_unique<FileKey>(work.name());
  return std::make_unique<AdvisoryKeys>(own, work);
}

}  // namespace guildhall::migrate
