#include "migrate/schema_copy.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>

#include "migrate/backup.h"
#include "migrate/postgres_programs.h"

namespace guildhall::migrate {
namespace {

namespace fs = std::filesystem;

/// A file in a folder that nobody else can look into; both go with it.
class PrivateFile {
 public:
  PrivateFile() {
    std::string pattern = (fs::temp_directory_path() / "guildhall-scratch-XXXXXX").string();
    if (mkdtemp(pattern.data()) == nullptr) return;
    folder_ = pattern;
    descriptor_ = open(path().c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  }
  PrivateFile(const PrivateFile&) = delete;
  PrivateFile& operator=(const PrivateFile&) = delete;
  ~PrivateFile() {
    if (descriptor_ >= 0) close(descriptor_);
    std::error_code ignored;
    if (!folder_.empty()) fs::remove_all(folder_, ignored);
  }
  fs::path path() const { return folder_ / "schema.sql"; }
  /// Open for writing; below 0 when it could not be made.
  int descriptor() const { return descriptor_; }

 private:
  fs::path folder_;
  int descriptor_ = -1;
};

std::unexpected<Problem> failed(std::string what) {
  return stop(Exit::failed, "MG-COPY", fmt::format("the schema cannot be copied: {}", what));
}

Outcome<void> dump_schema(store::SchemaSession& live, const Target& target, int descriptor) {
  const int version = std::stoi(live.query("SELECT current_setting('server_version_num')").at(0).at(0));
  const auto pg_dump = find_program("pg_dump", server_version(version), program_folders());
  if (!pg_dump) return std::unexpected(problem_of_backup(pg_dump.error()));
  const auto environment = program_environment(target.url);
  if (!environment) return std::unexpected(problem_of(environment.error()));
  std::vector<std::string> arguments{
      pg_dump->path.string(), "--format=plain",  "--no-password",    "--schema-only",
      "--no-owner",           "--no-privileges", "--no-tablespaces", "--lock-wait-timeout=3000"};
  if (!target.reader.role.empty()) arguments.push_back("--role=" + target.reader.role);
  const auto end = run_child({std::move(arguments), *environment, descriptor});
  if (!end) return std::unexpected(problem_of(end.error()));
  if (!end->succeeded()) return failed(own_words(*end));
  return {};
}

Outcome<void> copy_in_postgres(store::SchemaSession& live, const Target& target, const Target& copy) {
  const PrivateFile file;
  if (file.descriptor() < 0)
    return stop(Exit::no_permission, "E-SCRATCH",
                fmt::format("no file can be made in '{}'", fs::temp_directory_path().string()),
                "TMPDIR names another place.");
  if (auto dumped = dump_schema(live, target, file.descriptor()); !dumped) return dumped;
  const int version = std::stoi(live.query("SELECT current_setting('server_version_num')").at(0).at(0));
  const auto psql = find_program("psql", server_version(version), program_folders());
  if (!psql) return std::unexpected(problem_of_backup(psql.error()));
  const auto loaded = load_sql(*psql, copy.url, "", file.path(), {});
  if (!loaded) return failed(loaded.error().message);
  return {};
}

/// What a virtual table keeps are tables too, and come with it.
void copy_in_sqlite(store::SchemaSession& live, store::SchemaSession& copy) {
  constexpr std::string_view kStatements =
      "SELECT name, sql FROM sqlite_schema WHERE sql IS NOT NULL AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\' "
      "ORDER BY CASE type WHEN 'table' THEN rootpage > 0 WHEN 'index' THEN 2 WHEN 'view' THEN 3 ELSE 4 END, "
      "rowid";
  for (const auto& row : live.query(std::string(kStatements))) {
    const auto there = copy.query("SELECT 1 FROM sqlite_schema WHERE name = $1", {row[0]});
    if (there.empty()) copy.run(row[1]);
  }
}

}  // namespace

Outcome<std::unique_ptr<ScratchTarget>> copy_schema(const Target& target, const std::string& scratch_url) {
  const auto live = target.open("");
  if (!live) return std::unexpected(problem_of(live.error()));
  auto scratch = ScratchTarget::make(target, scratch_url);
  if (!scratch) return std::unexpected(scratch.error());
  const Target& copy = (*scratch)->target();
  const auto session = copy.open("");
  if (!session) return std::unexpected(problem_of(session.error()));
  if (target.dialect == Dialect::postgres) {
    if (auto copied = copy_in_postgres(**live, target, copy); !copied) return std::unexpected(copied.error());
  } else {
    copy_in_sqlite(**live, **session);
  }
  const auto wrong = differences(read_snapshot(**live, target.dialect, target.snapshot),
                                 read_snapshot(**session, target.dialect, target.snapshot));
  if (wrong.empty()) return scratch;
  return stop(Exit::refused, "MG-COPY",
              fmt::format("the copy of the schema is not the same: {}", wrong.front().text()),
              "What the copy lacks cannot be tried there: look at it with `guildhall migrate plan`.");
}

}  // namespace guildhall::migrate
