// PostgreSQL's own programs: where they are, whether they are new enough, and running them on an address
// without a word of it in their arguments.
#pragma once

#include <compare>
#include <filesystem>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "base/child_process.h"
#include "base/error.h"

namespace guildhall::migrate {

struct ProgramVersion {
  int major = 0;
  int minor = 0;

  auto operator<=>(const ProgramVersion&) const = default;
  std::string text() const;
};
/// Of "pg_dump (PostgreSQL) 15.20 (Debian ...)"; 0 when it is of another form.
ProgramVersion parse_program_version(std::string_view text);
/// PostgreSQL's server_version_num, 150020.
ProgramVersion server_version(int number);

/// Does this psql know \restrict?
bool knows_restrict(ProgramVersion psql);

struct Program {
  std::filesystem::path path;
  ProgramVersion version;
};

/// The folders of PATH, then PostgreSQL's own (/usr/lib/postgresql/MAJOR/bin), the newest first.
std::vector<std::filesystem::path> program_folders();

/// The newest of that name that stands in these folders, of equal ones the first. Error `failed` when none is
/// at least of this server's major version: names what is there and the way out.
Result<Program> find_program(std::string_view name, ProgramVersion server,
                             const std::vector<std::filesystem::path>& folders);

/// What a program needs to reach `database` at the address, messages in English; "": the address's own.
Result<Environment> program_environment(const std::string& url, const std::string& database = "");

/// Runs a file of SQL in a database, all of it in one transaction, until the first error. Error `failed` in
/// psql's own words, `too_large` when the server's disk is full, `unavailable` when it was stopped.
Result<void> load_sql(const Program& psql, const std::string& url, const std::string& database,
                      const std::filesystem::path& file, const std::stop_token& stop);

/// The first lines of what a program says of its failure, without what PostgreSQL calls the context: that may
/// be a row.
std::string own_words(const ChildEnd& end);
/// Does it speak of a disk, quota or file size limit that is used up?
bool speaks_of_full_disk(const ChildEnd& end);

}  // namespace guildhall::migrate
