#include "migrate/lock_keys.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <string>

namespace guildhall::migrate {
namespace {

/// Two for each database: of the runner, and of what works for it. CREATE INDEX CONCURRENTLY waits for every
/// open transaction, so that none is open while they are held.
class AdvisoryKeys final : public LockKeys {
 public:
  AdvisoryKeys(store::SchemaSession& own, store::SchemaSession& work) : own_(own), work_(work) {}
  ~AdvisoryKeys() override {
    if (!taken_) return;
    release(work_, kOfWork);
    release(own_, kOfRunner);
  }

  Taken try_take() override {
    if (!call(own_, "pg_try_advisory_lock", kOfRunner)) return Taken::no;
    if (call(work_, "pg_try_advisory_lock", kOfWork)) {
      taken_ = true;
      return Taken::yes;
    }
    release(own_, kOfRunner);
    return Taken::work_goes_on;
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
  store::SchemaSession& work_;
  bool taken_ = false;
};

/// Behind a pooler nothing can be held: the row alone keeps others out.
class NoKeys final : public LockKeys {
 public:
  Taken try_take() override { return Taken::yes; }
};

/// FILE.migrate-lock; it goes when it is released.
class FileKey final : public LockKeys {
 public:
  explicit FileKey(const std::string& database) : file_(database + ".migrate-lock") {}
  ~FileKey() override {
    if (descriptor_ < 0) return;
    unlink(file_.c_str());
    close(descriptor_);
  }

  Taken try_take() override {
    while (true) {
      const int descriptor = open(file_.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
      if (descriptor < 0) {
        throw ErrorException({ErrorCode::forbidden, fmt::format("'{}' cannot be made", file_),
                              "Give this user the right to write in the folder of the database."});
      }
      const bool locked = flock(descriptor, LOCK_EX | LOCK_NB) == 0;
      // Whoever held it may have taken the file away between the two calls: then this is nobody's lock.
      if (locked && is_still_there(descriptor)) {
        descriptor_ = descriptor;
        return Taken::yes;
      }
      close(descriptor);
      if (!locked) return Taken::no;
    }
  }

 private:
  bool is_still_there(int descriptor) const {
    struct stat held{};
    struct stat named{};
    return fstat(descriptor, &held) == 0 && stat(file_.c_str(), &named) == 0 && held.st_ino == named.st_ino &&
           held.st_dev == named.st_dev;
  }

  std::string file_;
  int descriptor_ = -1;
};

}  // namespace

std::unique_ptr<LockKeys> keys_of(Dialect dialect, store::SchemaSession& own, store::SchemaSession& work) {
  if (!own.stays_the_same()) return std::make_unique<NoKeys>();
  if (dialect == Dialect::sqlite) return std::make_unique<FileKey>(work.name());
  return std::make_unique<AdvisoryKeys>(own, work);
}

}  // namespace guildhall::migrate
