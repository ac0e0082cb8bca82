// The migrations of a directory, read once: names, sections, options, ways back and checksums. What is wrong
// with any of them is collected, not thrown, so that one look tells everything.
//
//   0004_add_entry_count.sql             the migration; its stem is what it is called for ever
//   0004_add_entry_count.down.sql        its way back, or a section below `-- guildhall:down` in the file
//   itself 0001_core.postgres.sql, 0001_core.sqlite.sql, 0001_core.postgres.down.sql
//                                        one migration, written for each of the two databases
//   meta/_journal.json                   Drizzle's list of what it generated: compared, never believed
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/embedded.h"
#include "base/error.h"
#include "migrate/finding.h"
#include "migrate/migration_options.h"
#include "migrate/sql_statements.h"

namespace guildhall::migrate {

/// One direction of a migration, as it was in the file when it was read; nothing reads the file again.
struct Script {
  std::string file;  // name within the directory
  std::string
      sql;  // without a byte order mark; a section stands on its own lines, so that lines are the file's
  std::string checksum;        // of the bytes (checksums.h)
  std::string token_checksum;  // "" when it cannot be read as SQL
  MigrationOptions options;
  std::vector<SqlStatement> statements;  // point into `sql`: a Script is neither copied nor moved
};

struct Migration {
  std::string name;  // file stem: identity
  std::int64_t number = 0;
  std::unique_ptr<const Script> up;
  std::unique_ptr<const Script> down;  // or nothing
};

/// One of the files of Drizzle's list.
struct DrizzleEntry {
  std::int64_t index = 0;
  std::int64_t when_ms = 0;
  std::string tag;
};

struct MigrationSet {
  std::string directory;                // as it was named
  std::vector<Migration> migrations;    // by number, then by name
  std::vector<DrizzleEntry> generated;  // Drizzle's list, as it stands there
  Findings findings;

  const Migration* find(std::string_view name) const;
  bool has_errors() const;
};

enum class FileLayout { any, plain, drizzle };

/// Reads them for one database. A directory that is not there or cannot be read is an error: `not_found`,
/// `forbidden`; everything else is a finding.
Result<MigrationSet> read_migrations(const std::string& directory, Dialect dialect,
                                     FileLayout layout = FileLayout::any);
/// The same of files that are part of the program. `origin` names them for people.
MigrationSet read_migrations(std::span<const EmbeddedFile> files, std::string origin, Dialect dialect);

/// Which databases the files of a directory are written for: by their names, and by Drizzle's list.
std::vector<Dialect> dialects_of(const std::string& directory);

}  // namespace guildhall::migrate
