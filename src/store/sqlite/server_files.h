// The files of the layout `sqlite-per-server:DIR`:
//
//   DIR/directory.db      what belongs to no server: global tables, the registry, what is due; and which
//                         servers have a file, so that one that vanished is not made anew in silence
//   DIR/servers/<id>.db   one server's rows; the name is printed from the integer and nothing else
//
// All have the whole schema, so that the same statements run on each. A server's file is its wall: its
// marker says whose it is and must agree with its name, and in every table with the tenant column a CHECK
// pins that column to the file's server, whoever writes. Besides its own rows it holds copies of what
// its statements may read and the directory decides: its row of `servers` and the shared tables.
#pragma once

#include <atomic>
#include <mutex>
#include <string>
#include <unordered_set>
#include <vector>

#include "store/database.h"
#include "store/sqlite/connection.h"

namespace guildhall::store::sqlite {

std::string directory_file(const std::string& folder);
std::string server_file(const std::string& folder, ServerId server);

/// What a server's file has copies of, as it is in one file: values are SQL literals.
struct Copy {
  std::string server;  // its row of `servers`, without id and revision
  std::int64_t revision = 0;
  std::vector<std::string> shared;  // all rows of each shared table
};

/// Which tables are copied, and with which columns.
class CopiedTables {
 public:
  /// Reads the columns from a file with the whole schema. Throws DatabaseError.
  CopiedTables(const std::string& file, const TableHomes& homes);

  /// Nothing: the file knows no such server.
  std::optional<Copy> read(Connection& connection, ServerId server) const;
  /// Makes the copies in `file` what they are in the directory; the larger revision stays.
  void take_over(Connection& file, ServerId server, const Copy& directory) const;
  /// Script that puts the copies into a file that has none.
  std::string first(ServerId server, const Copy& directory) const;

 private:
  struct Shared {
    std::string name;
    std::string columns;
    std::string select;
  };
  std::string refill(const Copy& directory) const;

  std::string server_columns_;
  std::string server_select_;
  std::vector<Shared> shared_;
};

/// One thread's look at the directory.
class Directory {
 public:
  Directory(const std::string& file, const CopiedTables& copied);

  /// Grows with every change, through this program, of what the servers' files have copies of.
  std::int64_t version();
  /// Throws DatabaseError when there is no such server.
  Copy copy_of(ServerId server);
  bool knows(ServerId server);
  /// Whether the server has had a file since it came.
  bool has_file(ServerId server);
  void forget_file(ServerId server);
  Connection& connection() { return connection_; }

 private:
  std::string file_;
  const CopiedTables& copied_;
  Connection connection_;
  std::int64_t seen_ = -1;  // data_version at which version_ was read
  std::int64_t version_ = 0;
};

/// Makes the table of who has a file, where it is missing.
void make_file_register(const std::string& directory_file);
/// Notes that the server has one.
void note_file(Connection& directory, ServerId server);

/// Runs in the transaction of whatever changes what is copied.
void raise_version(Connection& directory);

/// Thread-safe.
class ServerFiles {
 public:
  ServerFiles(std::string folder, std::function<Result<void>(SchemaSession&)> prepare,
              const CopiedTables& copied)
      : folder_(std::move(folder)), prepare_(std::move(prepare)), copied_(copied) {}

  std::string file(ServerId server) const { return server_file(folder_, server); }
  bool exists(ServerId server) const;
  /// Before the file is opened: makes it when there never was one, else looks once in a process whether it
  /// is there and sound, whose it is, and brings its schema up to date. Throws DatabaseError, which names
  /// the file. True: the directory is to note that it has one.
  [[nodiscard]] bool make_ready(ServerId server, Directory& directory);
  /// Something was wrong with the file: the next opening looks again.
  void distrust(ServerId server);
  /// Removes the file of a server that the directory does not know any more. Throws DatabaseError when it
  /// knows it.
  void remove(ServerId server, Directory& directory);
  /// Rises with every removal: an older handle may be of a file that is gone.
  std::uint64_t removals() const { return removals_; }

 private:
  void create(ServerId server, const Copy& copy, Directory& directory);
  void build(const std::string& file, ServerId server, const Copy& copy);
  void check(ServerId server);

  const std::string folder_;
  const std::function<Result<void>(SchemaSession&)> prepare_;
  const CopiedTables& copied_;
  std::mutex mutex_;
  std::unordered_set<ServerId> ready_;
  std::atomic<std::uint64_t> removals_ = 0;
};

/// Throws DatabaseError when the file's marker names another server than its name.
void check_marker(Connection& connection, const std::string& file, ServerId server);

/// How many files may be open, and what that needs of the system.
struct HandleLimits {
  /// Usually three per handle: the file, its log, the log's index. SQLite closes a file only when no other
  /// handle of the process has it open, which may keep two more.
  static constexpr std::size_t kDescriptorsPerHandle = 5;
  /// For everything else: connections, the directory.
  static constexpr std::size_t kOtherDescriptors = 256;
  static constexpr std::size_t kFewestFiles = 64;
  static constexpr std::size_t kMostFiles = 1'024;

  std::size_t per_writer = 0;
  std::size_t per_reader = 0;
  std::size_t descriptors = 0;

  /// For `wanted` files (0: kMostFiles), or as many as the limit on open files of the process permits.
  /// Error `configuration` when that is fewer than kFewestFiles.
  static Result<HandleLimits> fit(std::size_t wanted, std::size_t permitted, std::size_t writers,
                                  std::size_t readers);
  /// The same with the process's own limit (RLIMIT_NOFILE), whose soft part is raised where needed.
  static Result<HandleLimits> of_process(std::size_t wanted, std::size_t writers, std::size_t readers);
};

}  // namespace guildhall::store::sqlite
