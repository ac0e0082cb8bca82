#include "migrate/restore_sqlite.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <utility>

#include "base/descriptor.h"
#include "store/sqlite/whole_file.h"

namespace guildhall::migrate {
namespace {

namespace fs = std::filesystem;
using store::DatabaseError;
using store::SchemaSession;

constexpr std::array<std::string_view, 3> kBeside{"-wal", "-shm", "-journal"};

fs::path with(const fs::path& file, std::string_view ending) { return file.string() + std::string(ending); }

/// A file on its way to a name: gone with the object, unless it has got there.
class Unfinished {
 public:
  explicit Unfinished(fs::path file) : file_(std::move(file)) {}
  ~Unfinished() {
    std::error_code ignored;
    if (!arrived_) fs::remove(file_, ignored);
    for (const std::string_view ending : kBeside) fs::remove(with(file_, ending), ignored);
  }
  Unfinished(const Unfinished&) = delete;
  Unfinished& operator=(const Unfinished&) = delete;
  const fs::path& file() const { return file_; }
  void arrived() { arrived_ = true; }

 private:
  fs::path file_;
  bool arrived_ = false;
};

class SqliteRestore {
 public:
  SqliteRestore(const fs::path& backup, const RestoreOptions& options, BackupRecord record)
      : backup_(backup), options_(options), record_(std::move(record)) {}

  Result<Restored> into(const fs::path& file) {
    std::error_code ignored;
    if (fs::exists(fs::symlink_status(file, ignored))) {
      return fail(ErrorCode::conflict, fmt::format("'{}' exists already", file.string()),
                  "Name another file with --into.");
    }
    return put_at(file, false);
  }

  /// The file behind a link is replaced, not the link.
  Result<Restored> in_place_of(const fs::path& target) {
    std::error_code error;
    const fs::path real = fs::weakly_canonical(target, error);
    const fs::path file = error ? target : real;
    return put_at(file, fs::exists(file, error));
  }

 private:
  Result<Restored> put_at(const fs::path& file, bool replaces) {
    Unfinished made(with(file, ".restoring"));
    if (auto held = replaces ? hold(file) : Result<void>{}; !held) return std::unexpected(held.error());
    if (auto copied = copy_to(made.file(), file, replaces); !copied) return std::unexpected(copied.error());
    if (auto same = check(made.file()); !same) return std::unexpected(same.error());
    if (auto synced = sync(made.file()); !synced) return std::unexpected(synced.error());
    if (options_.reporting.stop.stop_requested())
      return fail(ErrorCode::unavailable, "it was ended before it was done");
    fs::path kept;
    if (replaces) {
      kept = kept_name(file);
      if (auto aside = keep(file, kept); !aside) return std::unexpected(aside.error());
    }
    if (auto moved = rename(made.file(), file); !moved) {
      if (replaces) put_back(file, kept);
      return std::unexpected(moved.error());
    }
    made.arrived();
    hold_.reset();
    if (auto synced = sync(file.parent_path().empty() ? fs::path(".") : file.parent_path()); !synced)
      return std::unexpected(synced.error());
    return Restored{file.string(), kept.string(), std::move(record_)};
  }

  /// A damaged file cannot be held; it is what a restore is for.
  Result<void> hold(const fs::path& file) {
    auto held = store::hold_sqlite(file.string());
    if (held) {
      hold_ = *std::move(held);
      return {};
    }
    return held.error().code == ErrorCode::conflict ? std::unexpected(held.error()) : Result<void>{};
  }

  /// With the rights of the file whose place it takes.
  Result<void> copy_to(const fs::path& made, const fs::path& file, bool replaces) {
    const Descriptor from(::open(backup_.c_str(), O_RDONLY | O_CLOEXEC));
    if (from.number() < 0) return std::unexpected(file_error(errno, "cannot read", backup_));
    std::error_code ignored;
    fs::remove(made, ignored);  // a killed process's
    const Descriptor to(::open(made.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
    if (to.number() < 0) return std::unexpected(file_error(errno, "cannot make", made));
    struct stat old{};
    if (replaces && ::stat(file.c_str(), &old) == 0) {
      // Who may not give a file away has its own.
      const bool given = ::fchown(to.number(), old.st_uid, old.st_gid) == 0;
      if (::fchmod(to.number(), old.st_mode & 0777U) != 0 || (!given && old.st_uid == ::getuid()))
        return std::unexpected(file_error(errno, "cannot give the rights of the old file to", made));
    }
    return copy_bytes(from.number(), to.number(), made);
  }

  Result<void> copy_bytes(int from, int to, const fs::path& made) {
    std::atomic<std::uintmax_t> done = 0;
    const Step step(options_.reporting, "restoring", [&] { return Step::Amount{done.load(), record_.size}; });
    std::vector<char> buffer(1UL << 18);
    while (true) {
      if (options_.reporting.stop.stop_requested())
        return fail(ErrorCode::unavailable, "it was ended before it was done");
      const ssize_t count = ::read(from, buffer.data(), buffer.size());
      if (count == 0) return {};
      if (count < 0) return std::unexpected(file_error(errno, "cannot read", backup_));
      for (ssize_t at = 0; at < count;) {
        const ssize_t written = ::write(to, buffer.data() + at, static_cast<std::size_t>(count - at));
        if (written < 0) return std::unexpected(file_error(errno, "cannot write", made));
        at += written;
      }
      done += static_cast<std::uintmax_t>(count);
    }
  }

  /// It holds what was written down; then without the lock that the backup's own run held.
  Result<void> check(const fs::path& made) {
    auto opened = store::open_any_session({.url = "sqlite:" + fs::absolute(made).string()});
    if (!opened) return std::unexpected(opened.error());
    SchemaSession& copy = **opened;
    BackupOptions comparing;
    comparing.fingerprint = options_.fingerprint;
    comparing.reporting = options_.reporting;
    if (auto same = compare_copy(copy, Dialect::sqlite, record_, comparing); !same) return same;
    try {
      if (!copy.query("SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = 'migration_lock'").empty())
        copy.execute("DELETE FROM migration_lock");
      return {};
    } catch (const DatabaseError& error) {
      return std::unexpected(backup_error(error, options_.reporting));
    }
  }

  static Result<void> sync(const fs::path& path) {
    const Descriptor opened(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
    if (opened.number() < 0 || ::fsync(opened.number()) != 0)
      return std::unexpected(file_error(errno, "cannot bring to the disk", path));
    return {};
  }

  static Result<void> rename(const fs::path& from, const fs::path& to) {
    if (::rename(from.c_str(), to.c_str()) != 0)
      return std::unexpected(file_error(errno, "cannot rename to " + to.string() + ":", from));
    return {};
  }

  fs::path kept_name(const fs::path& file) const {
    return file.parent_path() / fmt::format("{}_before_{}{}", file.stem().string(),
                                            file_time(options_.clock->now()), file.extension().string());
  }

  /// A second name for what is there, so that the first is never without a database; and what lies beside
  /// it goes along, so that it is not taken for the next one's.
  static Result<void> keep(const fs::path& file, const fs::path& kept) {
    if (::link(file.c_str(), kept.c_str()) != 0) {
      // Some file systems have no second names.
      if (errno != EPERM && errno != EOPNOTSUPP)
        return std::unexpected(file_error(errno, "cannot keep the old database as", kept));
      if (auto moved = rename(file, kept); !moved) return moved;
    }
    std::error_code ignored;
    for (const std::string_view ending : kBeside) {
      if (!fs::exists(with(file, ending), ignored)) continue;
      if (auto moved = rename(with(file, ending), with(kept, ending)); !moved) {
        put_back(file, kept);
        return moved;
      }
    }
    return {};
  }

  static void put_back(const fs::path& file, const fs::path& kept) {
    std::error_code ignored;
    for (const std::string_view ending : kBeside) {
      if (fs::exists(with(kept, ending), ignored))
        fs::rename(with(kept, ending), with(file, ending), ignored);
    }
    // Of two names for one file, a rename would leave both.
    if (fs::exists(file, ignored)) {
      fs::remove(kept, ignored);
    } else {
      fs::rename(kept, file, ignored);
    }
  }

  const fs::path& backup_;
  const RestoreOptions& options_;
  BackupRecord record_;
  std::unique_ptr<store::SqliteHold> hold_;
};

}  // namespace

Result<Restored> restore_sqlite(const fs::path& backup, const fs::path& target, const RestoreOptions& options,
                                BackupRecord record) {
  SqliteRestore restore(backup, options, std::move(record));
  return options.into.empty() ? restore.in_place_of(target) : restore.into(options.into);
}

}  // namespace guildhall::migrate
