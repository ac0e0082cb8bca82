// SQLite in a file per server, and one for what belongs to no server (server_files.h).
//
// Whatever the number of servers, there are four writer threads and two reader threads. A server's file
// belongs to one writer, by the hash of its id, which commits the waiting units of one file as a group and
// then goes on to the next file; the directory belongs to the first writer. Files are opened when work
// comes for them; each thread keeps those that it used last: 1,024 in all writers, 128 in all readers,
// fewer where the process may not open so many. A handle takes three file descriptors (at the very most
// five) and, once a tick has passed over it, about 150 KB: the schema, and the prepared statements of
// ticks, which would cost more time than the tick itself if they were made anew. The 32 that each thread
// used last keep what else they have prepared and read. So 1,000 open files are 3,000 descriptors and 150 MB.
//
// Before a unit of work runs in a server's file, the file takes over what changed in the directory of
// its row of `servers` and of the shared tables; the server's revision goes the other way, and work that
// raised it is answered when the directory has it.
#pragma once

#include <array>
#include <condition_variable>
#include <list>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <unordered_map>
#include <vector>

#include "store/database.h"
#include "store/sqlite/server_files.h"
#include "store/sqlite/units.h"

namespace guildhall::store {

namespace sqlite {

/// The servers' files that one thread has open, the one used last in front.
class OpenFiles {
 public:
  /// What the directory is told of a file: that it is there, and its revision.
  struct News {
    std::function<void(ServerId server)> made;
    std::function<void(ServerId server, std::int64_t revision)> raised;
  };

  OpenFiles(ServerFiles& files, const CopiedTables& copied, const std::string& directory, Role role,
            std::size_t most, News news);

  /// The server's file, open, its own, and with fresh copies. Throws DatabaseError, which names the file.
  Connection& ready(ServerId server);
  /// If it says that the file is damaged: names the file and the way out, and closes it; the next opening
  /// looks again.
  void note_damage(ServerId server, std::exception_ptr& error);

  /// Closes and removes the file of an erased server.
  void remove(ServerId server);

  Directory& directory() { return directory_; }
  std::size_t size() const { return size_; }

 private:
  struct File {
    ServerId server;
    std::unique_ptr<Connection> connection;
    std::uint64_t removals = 0;  // of files, when it was opened
    std::int64_t version = -1;   // of the directory, when the copies were compared last
    bool rests = false;
  };
  using Place = std::list<File>::iterator;

  File& opened(ServerId server);
  void freshen(File& file);
  void make_room();
  void drop(ServerId server);

  ServerFiles& files_;
  const CopiedTables& copied_;
  Directory directory_;
  const Role role_;
  const std::size_t most_;
  News news_;
  std::list<File> warm_;     // these keep statements and pages
  std::list<File> resting_;  // used before all of them
  std::unordered_map<ServerId, Place> places_;
  std::atomic<std::size_t> size_ = 0;
};

}  // namespace sqlite

class PerServerDatabase final : public Database {
 public:
  static constexpr std::size_t kWriters = 4;
  static constexpr std::size_t kReaders = 2;

  static Result<std::unique_ptr<Database>> open(const DatabaseOptions& options);
  /// Runs what is queued, then stops the threads.
  ~PerServerDatabase() override;

  /// Other processes' commits in the directory; what they do in a server's file they tell there by its
  /// revision.
  Task<bool> changed_elsewhere(Passkey key) override;
  std::size_t waiting() const override;
  /// Removes the server's file.
  Task<void> forget(Passkey key, ServerId server) override;

 protected:
  void submit(WorkScope scope, Mode mode, Work& work, Completion done) override;

 private:
  struct RangeRun;
  class FileRemoval;
  struct Writer {
    sqlite::UnitQueue queue;
    std::unique_ptr<sqlite::OpenFiles> files;
  };

  PerServerDatabase(const DatabaseOptions& options, std::vector<sqlite::StatementHome> homes,
                    sqlite::HandleLimits limits);

  Writer& writer_of(ServerId server);
  sqlite::UnitQueue& queue_of(ServerId line, Mode mode);
  void show(Metrics& metrics);

  void write_loop(Writer& writer);
  void write_directory(std::vector<sqlite::Unit>& group);
  void write_file(sqlite::OpenFiles& files, std::vector<sqlite::Unit>& group);
  static void remove_file(sqlite::OpenFiles& files, std::vector<sqlite::Unit>& group);
  void read_loop(sqlite::OpenFiles& files);
  void read(sqlite::OpenFiles& files, sqlite::Unit& unit);

  /// The directory notes that the server has a file.
  void tell_made(ServerId server);
  /// Answers these units, whose file has that revision, when the directory has it too.
  void tell_revision(ServerId server, std::int64_t revision, std::vector<sqlite::Unit> units);

  void plan(std::shared_ptr<RangeRun> run);
  void step(std::shared_ptr<RangeRun> run);
  void one_less();

  const sqlite::CopiedTables copied_;
  sqlite::ServerFiles files_;
  sqlite::UnitRunner runner_;
  sqlite::VersionWatch watch_;
  std::unique_ptr<sqlite::Connection> directory_;
  std::array<Writer, kWriters> writers_;
  sqlite::UnitQueue reads_;
  std::array<std::unique_ptr<sqlite::OpenFiles>, kReaders> reading_;
  std::mutex mutex_;
  std::condition_variable all_answered_;
  std::size_t unanswered_ = 0;
  std::vector<std::jthread> threads_;
};

}  // namespace guildhall::store
