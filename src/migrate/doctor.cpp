#include "migrate/doctor.h"

#include <fmt/chrono.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <span>

#include "base/process.h"
#include "migrate/apply.h"
#include "migrate/database_state.h"
#include "migrate/history.h"
#include "migrate/lock.h"
#include "migrate/postgres_programs.h"
#include "migrate/run.h"
#include "migrate/verify.h"

namespace guildhall::migrate {
namespace {

namespace fs = std::filesystem;

/// PostgreSQL versions that the tool is tested with.
constexpr int kTestedMajor = 15;
constexpr std::chrono::days kOldBackup{30};
constexpr std::size_t kMostNamed = 5;

/// Of PostgreSQL: what is left of an index that could not be built.
constexpr const char* kInvalidIndexes =
    "SELECT format('%I.%I', n.nspname, c.relname), indrelid::regclass FROM pg_index i JOIN pg_class c ON "
    "c.oid = i.indexrelid JOIN pg_namespace n ON n.oid = c.relnamespace WHERE NOT i.indisvalid AND "
    "c.relkind = 'i' AND n.nspname NOT LIKE 'pg\\_%' ORDER BY 1";
constexpr const char* kForeignTables =
    "SELECT format('%I.%I', n.nspname, c.relname) FROM pg_class c JOIN pg_namespace n ON n.oid = "
    "c.relnamespace WHERE c.relkind IN ('r', 'p') AND n.nspname <> 'information_schema' AND n.nspname NOT "
    "LIKE 'pg\\_%' AND NOT pg_has_role(c.relowner, 'USAGE') AND NOT EXISTS (SELECT 1 FROM pg_depend d WHERE "
    "d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e') ORDER BY 1";
constexpr const char* kLongTransactions =
    "SELECT pid, coalesce(usename, ''), extract(epoch FROM clock_timestamp() - xact_start)::bigint, "
    "coalesce(state, '') FROM pg_stat_activity WHERE datname = current_database() AND pid <> "
    "pg_backend_pid() AND xact_start < clock_timestamp() - $1::bigint * interval '1 second' ORDER BY "
    "xact_start LIMIT 1";

std::string some_of(const std::vector<std::string>& names) {
  const auto shown = std::span(names).first(std::min(names.size(), kMostNamed));
  return fmt::format(
      "{}{}", fmt::join(shown, ", "),
      names.size() > shown.size() ? fmt::format(" and {} more", names.size() - shown.size()) : "");
}

class Examination {
 public:
  Examination(const Target& target, const DoctorOptions& options) : target_(target), options_(options) {}

  std::vector<Checkup> run() {
    ok("tool", fmt::format("guildhall {}", GUILDHALL_VERSION));
    if (connect()) look();
    backups();
    return std::move(report_);
  }

 private:
  void ok(std::string topic, std::string text) {
    report_.push_back({std::move(topic), Level::info, std::move(text)});
  }
  void warn(std::string topic, std::string text, std::string hint) {
    report_.push_back({std::move(topic), Level::warning, std::move(text), std::move(hint)});
  }
  void problem(std::string topic, Exit exit, std::string text, std::string hint) {
    report_.push_back({std::move(topic), Level::error, std::move(text), std::move(hint), exit});
  }
  void problem(std::string topic, const Problem& of, Exit exit) {
    problem(std::move(topic), exit, of.finding.text, of.finding.hint);
  }

  bool is_postgres() const { return target_.dialect == Dialect::postgres; }
  std::string one(const std::string& sql) { return session_->query(sql).at(0).at(0); }

  /// As a run would open it; what keeps a run from it may still let us look.
  bool connect() {
    auto session = open_work_session(target_, {});
    if (session) {
      session_ = *std::move(session);
      ok("connection", target_.name);
      if (is_postgres()) ok("pooler", "none: the session is our own");
      return true;
    }
    const Problem& why = session.error();
    const bool is_pooled = why.finding.code == "MG-POOLER";
    problem(is_pooled ? "pooler" : "connection", why, is_pooled ? Exit::refused : Exit::no_database);
    if (!is_pooled && why.finding.code != "MG-READONLY") return false;
    auto plain = target_.open("");
    if (!plain) return false;
    session_ = *std::move(plain);
    return true;
  }

  void look() {
    using Check = void (Examination::*)();
    for (const auto& [topic, check] :
         std::initializer_list<std::pair<const char*, Check>>{{"server", &Examination::server},
                                                              {"rights", &Examination::rights},
                                                              {"programs", &Examination::programs},
                                                              {"space", &Examination::space},
                                                              {"lock", &Examination::lock},
                                                              {"journal", &Examination::journal},
                                                              {"files", &Examination::files},
                                                              {"indexes", &Examination::indexes},
                                                              {"transactions", &Examination::transactions}}) {
      try {
        (this->*check)();
      } catch (const store::DatabaseError& error) {
        problem(topic, problem_of(error), problem_of(error).exit);
      }
    }
  }

  void server() {
    if (!is_postgres()) return ok("server", "SQLite " + one("SELECT sqlite_version()"));
    version_ = server_version(std::stoi(one("SELECT current_setting('server_version_num')")));
    const std::string text = "PostgreSQL " + version_.text();
    if (version_.major == kTestedMajor) return ok("server", text);
    warn("server", text,
         fmt::format("The tool is tested with PostgreSQL {}: try it on a copy first.", kTestedMajor));
  }

  // --- rights

  void rights() { is_postgres() ? rights_in_postgres() : rights_on_file(); }

  void rights_on_file() {
    const fs::path file = session_->name();
    const fs::path folder = fs::absolute(file).parent_path();
    for (const fs::path& place : {file, folder}) {
      if (access(place.c_str(), W_OK) == 0) continue;
      return problem("rights", Exit::no_permission,
                     fmt::format("'{}' cannot be written by {}", place.string(), user_name()),
                     "The file and its folder have to be writable: SQLite puts its log beside the file.");
    }
    ok("rights", fmt::format("{} may write the file and its folder", user_name()));
  }

  void rights_in_postgres() {
    const auto row = session_
                         ->query(
                             "SELECT current_user, has_database_privilege(current_database(), 'CREATE'), "
                             "current_schema() IS NOT NULL AND "
                             "has_schema_privilege(current_schema(), 'CREATE'), "
                             "to_regnamespace('guildhall') IS NOT NULL, rolcreatedb OR rolsuper FROM "
                             "pg_roles WHERE rolname = current_user")
                         .at(0);
    const std::string& role = row[0];
    if (row[3] != "t" && row[1] != "t") {
      problem("rights", Exit::no_permission,
              fmt::format("role {} may not make the schema guildhall, where the journal lies", role),
              fmt::format("GRANT CREATE ON DATABASE {} TO {}", target_.database, role));
    }
    if (row[2] != "t") {
      problem("rights", Exit::no_permission,
              fmt::format("role {} may make nothing in the first schema of its search_path", role),
              fmt::format("GRANT CREATE ON SCHEMA public TO {}", role));
    }
    if (const auto foreign = names(kForeignTables); !foreign.empty()) {
      warn("rights", fmt::format("role {} does not own {}: it cannot alter them", role, some_of(foreign)),
           "Use the login of their owner, or GRANT their owner to it.");
    }
    if (const auto missing = missing_rights(*session_); !missing.empty()) {
      problem("rights", Exit::no_backup, fmt::format("role {} cannot read all that a backup holds", role),
              some_of(missing));
    }
    if (row[4] != "t") {
      warn("rights", fmt::format("role {} may not make a database in which a backup is proved", role),
           fmt::format("ALTER ROLE {} CREATEDB, or name a login that may with --scratch-url.", role));
    }
    if (std::ranges::none_of(report_, [](const Checkup& one) { return one.topic == "rights"; }))
      ok("rights", fmt::format("role {} may make, alter and back up everything", role));
  }

  std::vector<std::string> names(const std::string& sql) {
    std::vector<std::string> found;
    for (const auto& row : session_->query(sql)) found.push_back(row.at(0));
    return found;
  }

  void programs() {
    if (!is_postgres()) return;
    for (const char* name : {"pg_dump", "psql"}) {
      const auto program = find_program(name, version_, program_folders());
      if (program) {
        ok("programs", fmt::format("{} {}", program->path.string(), program->version.text()));
      } else {
        problem("programs", Exit::no_backup, program.error().message, program.error().hint);
      }
    }
  }

  void space() {
    const std::uintmax_t size = std::stoull(
        one(is_postgres() ? "SELECT pg_database_size(current_database())"
                          : "SELECT page_count * page_size FROM pragma_page_count, pragma_page_size"));
    BackupOptions options;
    options.folder = options_.backups;
    const auto fits = check_backup_space(options, target_.database, size, share_of_database(target_.dialect));
    if (!fits) {
      const Problem why = problem_of_backup(fits.error());
      return problem("space", why, why.exit);
    }
    const auto free = free_space(options_.backups);
    ok("space", fmt::format("the database has {}; where backups lie {} are free", shown_bytes(size),
                            free ? shown_bytes(*free) : "?"));
  }

  void lock() {
    const LockHolder holder = look_at_lock(*session_, target_.dialect);
    if (!holder.held) return ok("lock", "free");
    warn("lock", held_by(holder, "").finding.text,
         "`guildhall migrate unlock` says what it does, and releases it if it is gone.");
  }

  // --- what was done

  void journal() {
    const Journal journal(*session_, target_.dialect);
    if (!journal.exists()) return ok("journal", "none: nothing has been applied by this tool");
    const auto rows = journal.read();
    if (!rows) return problem("journal", rows.error(), rows.error().exit);
    if (rows->empty()) return ok("journal", "empty");
    const JournalRow& last = rows->back();
    const std::string text =
        fmt::format("{} rows; last {} {} {} at {:%F %T} UTC by {}", rows->size(), last.name, last.direction,
                    last.state, std::chrono::floor<std::chrono::seconds>(last.started_at), last.applied_by);
    if (last.state == "started" || last.state == "partial") {
      problem("journal", Exit::midway,
              fmt::format("{}: {} of {} statements", text, last.statements_done, last.statements_total),
              "guildhall migrate resume");
    } else if (last.state == "failed") {
      warn("journal", fmt::format("{}: {}", text, last.error), "It was rolled back: mend the file.");
    } else {
      ok("journal", text);
    }
  }

  void files() {
    if (options_.set == nullptr) return;
    std::size_t said = 0;
    const auto say = [&](const Finding& one) {
      if (one.level == Level::info || one.code.starts_with('L')) return;
      ++said;
      const std::string text = fmt::format("{}: {} {}", one.code, one.name, one.text);
      if (one.level == Level::warning) return warn("files", text, one.hint);
      problem("files", one.code == "E-PARTIAL" ? Exit::midway : Exit::drift, text, one.hint);
    };
    for (const Finding& one : options_.set->findings) say(one);
    const auto compared = verify_database(target_, *options_.set, {.schema = true});
    if (!compared) return problem("files", compared.error(), compared.error().exit);
    for (const Finding& one : *compared) say(one);
    const auto rows = Journal(*session_, target_.dialect).read();
    if (!rows || said > 0) return;
    const auto standings = compare(*options_.set, *rows);
    const auto applied = std::ranges::count_if(standings, [](const auto& s) { return is_applied(s.state); });
    ok("files", fmt::format("{} applied, {} pending; files, journal and schema agree", applied,
                            static_cast<std::ptrdiff_t>(standings.size()) - applied));
  }

  // --- what is in the way

  void indexes() {
    if (!is_postgres()) {
      const std::string found = one("PRAGMA quick_check(1)");
      if (found == "ok") return ok("indexes", "SQLite finds the file sound");
      return problem("indexes", Exit::no_database, fmt::format("SQLite finds the file damaged: {}", found),
                     "Restore a backup: guildhall migrate restore FILE");
    }
    const auto rows = session_->query(kInvalidIndexes);
    if (rows.empty()) return ok("indexes", "none is INVALID");
    for (const auto& row : rows) {
      warn("indexes",
           fmt::format("{} on {} is INVALID: it is kept up to date and never used", row[0], row[1]),
           fmt::format("DROP INDEX CONCURRENTLY {}; `guildhall migrate resume` builds one of its own again",
                       row[0]));
    }
  }

  void transactions() {
    if (!is_postgres()) return;
    const auto rows = session_->query(kLongTransactions, {std::to_string(options_.long_transaction.count())});
    if (rows.empty()) return ok("transactions", "none is open for long");
    warn("transactions",
         fmt::format("backend {} of {} has one open for {} s ({})", rows[0][0], rows[0][1], rows[0][2],
                     rows[0][3]),
         "A migration waits for the tables that it has used: let it end first.");
  }

  void backups() {
    const auto found = list_backups(options_.backups, target_.database);
    if (!found) return problem("backups", Exit::no_permission, found.error().message, found.error().hint);
    if (found->empty()) {
      return warn("backups", fmt::format("none of '{}' in '{}'", target_.database, options_.backups.string()),
                  "guildhall migrate backup");
    }
    const BackupFile& last = found->back();
    const std::string text =
        fmt::format("{}; the newest {} ({})", found->size(), last.name.text(), shown_bytes(last.size));
    const auto record = load_record(last.path);
    if (!record || record->size != last.size) {
      problem("backups", Exit::no_backup,
              text + (record ? " has another size than was written down" : ": " + record.error().message),
              "Take a new one: guildhall migrate backup");
    } else if (options_.now - last.name.at > kOldBackup) {
      warn("backups", text + " is older than 30 days", "guildhall migrate backup");
    } else {
      ok("backups", text);
    }
  }

  const Target& target_;
  const DoctorOptions& options_;
  std::unique_ptr<store::SchemaSession> session_;
  ProgramVersion version_;
  std::vector<Checkup> report_;
};

}  // namespace

std::vector<Checkup> examine(const Target& target, const DoctorOptions& options) {
  return Examination(target, options).run();
}

}  // namespace guildhall::migrate
