// guildhall setup postgres
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "base/crypto.h"
#include "cli/commands.h"
#include "cli/postgres_url.h"
#include "cli/workspace.h"
#include "migrate/migrate.h"
#include "store/database_error.h"
#include "store/postgres/logins.h"
#include "tenancy/catalog.h"
#include "tenancy/postgres_roles.h"

namespace guildhall::cli {
namespace {

using Outcome = Result<std::optional<Answer>>;
using store::SchemaSession;
using SessionPtr = std::unique_ptr<SchemaSession>;

/// A login of the process and the key that names its address.
struct ProcessLogin {
  std::string_view role;
  std::string_view key;
};
constexpr ProcessLogin kLogins[] = {
    {tenancy::kAppRole, "url"}, {tenancy::kTickRole, "tick_url"}, {tenancy::kMigrateRole, "migrate_url"}};

constexpr std::size_t kPasswordBytes = 24;

void run_all(SchemaSession& session, const std::vector<std::string>& statements) {
  session.execute(fmt::format("BEGIN; {}; COMMIT", fmt::join(statements, "; ")));
}

/// Lines of TOML: what was done as comments, so that the whole can be the configuration's beginning.
std::string backup_lines(const std::string& address) {
  return fmt::format(
      "\n# Backups: give {0} a password, then dump with its rights, which read everything and change "
      "nothing:\n"
      "#   ALTER ROLE {0} LOGIN PASSWORD '...';\n"
      "#   pg_dump --enable-row-security -Fc -f guildhall.dump {1}\n",
      tenancy::kReadRole, address);
}

class PostgresSetup {
 public:
  PostgresSetup(PostgresUrl url, std::string admin, std::string database, bool new_passwords,
                std::filesystem::path backups)
      : url_(std::move(url)),
        admin_url_(std::move(admin)),
        database_(std::move(database)),
        new_passwords_(new_passwords),
        backups_(std::move(backups)),
        declarations_(declare_everything(config_)) {}

  /// Everything is looked at before anything is changed, but for the administrator's own way into a database
  /// of ours; passwords come last, so that a setup that broke off left no role with a password that nobody
  /// has seen.
  Result<Answer> run() {
    auto admin = store::open_postgres_session(admin_url_);
    if (!admin) return std::unexpected(admin.error());
    (*admin)->execute("SET client_min_messages TO warning");
    wait_for_others(**admin);
    if (auto allowed = check_rights(**admin); !allowed) return std::unexpected(allowed.error());
    if (auto usable = look_around(**admin); !usable) return std::unexpected(usable.error());

    run_all(**admin, tenancy::create_roles(roles_, {}));
    if (!database_there_) (*admin)->execute(tenancy::create_database(database_).at(0));
    if (auto filled = fill_database(); !filled) return std::unexpected(filled.error());
    make_passwords();
    run_all(**admin,
            tenancy::create_roles({tenancy::kAllRoles.begin(), tenancy::kAllRoles.end()}, verifiers()));
    try_to_sign_in();
    return answer();
  }

 private:
  /// Roles are the whole server's, whichever database is set up: two setups at once would make and change the
  /// same ones. The lock is one of the database that --url names, and goes with the connection.
  static void wait_for_others(SchemaSession& admin) {
    admin.query(fmt::format("SELECT pg_advisory_lock({}, hashtext('setup'))", store::kLockClass));
  }

  static Result<void> check_rights(SchemaSession& admin) {
    const auto row = admin
                         .query(
                             "SELECT rolname, rolsuper OR rolcreaterole, rolsuper OR rolcreatedb FROM "
                             "pg_roles WHERE rolname = current_user")
                         .at(0);
    std::string lacks;
    if (row[1] != "t") lacks += " CREATEROLE";
    if (row[2] != "t") lacks += " CREATEDB";
    if (lacks.empty()) return {};
    return fail(ErrorCode::forbidden,
                fmt::format("the login '{}' at '{}' lacks{}", row[0], admin.name(), lacks),
                fmt::format("As an administrator: ALTER ROLE {}{}; or name another login with --url.",
                            tenancy::quoted_name(row[0]), lacks));
  }

  /// Which of ours is there already, and does the database belong to somebody else?
  Result<void> look_around(SchemaSession& admin) {
    for (const auto& row :
         admin.query("SELECT rolname, rolcanlogin FROM pg_roles WHERE rolname LIKE 'guildhall\\_%'")) {
      roles_.push_back(row[0]);
      if (row[1] == "t") signing_in_.push_back(row[0]);
    }
    const auto owner =
        admin.query("SELECT pg_get_userbyid(datdba) FROM pg_database WHERE datname = $1", {database_});
    database_there_ = !owner.empty();
    if (!database_there_) return {};
    const bool ours = owner[0][0] == tenancy::kOwnerRole;
    // An administrator who did not set it up gets in as the owner's member.
    if (ours) admin.execute(fmt::format("GRANT {} TO CURRENT_USER", tenancy::kOwnerRole));
    auto inside = store::open_postgres_session(url_.at(database_));
    if (!inside) return std::unexpected(inside.error());
    return check_contents(**inside, ours, owner[0][0]);
  }

  Result<void> check_contents(SchemaSession& inside, bool ours, const std::string& owner) const {
    const auto contents = store::postgres::look_at_contents(inside);
    std::string why;
    if (!contents.schema_owner.empty() && contents.schema_owner != tenancy::kOwnerRole) {
      why = fmt::format("its schema guildhall is {}'s", contents.schema_owner);
    } else if (contents.has_tables && !contents.has_journal) {
      why = "its schema guildhall has tables, and no journal of Guildhall's migrations";
    } else if (contents.schema_owner.empty() && contents.others_tables) {
      why = "it has tables, and no schema guildhall";
    } else if (!ours) {
      why = fmt::format("it is {}'s", owner);
    }
    if (why.empty()) return {};
    return fail(ErrorCode::refused_by_guard,
                fmt::format("database '{}' belongs to another program: {}", database_, why),
                "Nothing in it was changed. Choose another name with --database.");
  }

  /// Schema, tables and seal, with the rights of the owner.
  Result<void> fill_database() {
    store::DatabasePlace place;
    place.layout = store::Layout::postgres;
    place.url = place.migrate_url = url_.at(database_);
    auto inside = store::open_postgres_session(place.url);
    if (!inside) return std::unexpected(inside.error());
    SchemaSession& session = **inside;
    session.execute("SET client_min_messages TO warning");
    for (const std::string& sql : tenancy::prepare_database(database_)) session.execute(sql);
    auto migrated = migrate::prepare_schema(place, declarations_->tables, {.backups = backups_});
    if (!migrated) return std::unexpected(migrated.error());
    applied_ = std::move(migrated->applied);
    if (!find_faults(session).empty()) run_all(session, tenancy::seal_tables(declarations_->tables));
    return tenancy::refuse_faults(session.name(), find_faults(session));
  }

  tenancy::CatalogFaults find_faults(SchemaSession& session) const {
    return tenancy::find_postgres_faults(session, declarations_->tables, {std::string(tenancy::kAppRole)},
                                         {std::string(tenancy::kTickRole)});
  }

  void make_passwords() {
    for (const auto& [role, key] : kLogins) {
      const bool signs_in = std::find(signing_in_.begin(), signing_in_.end(), role) != signing_in_.end();
      if (!signs_in || new_passwords_)
        passwords_[std::string(role)] = base64url(random_bytes(kPasswordBytes));
    }
  }

  /// The server is told these in the place of the passwords: its log may keep every statement.
  tenancy::RolePasswords verifiers() const {
    tenancy::RolePasswords verifiers;
    for (const auto& [role, password] : passwords_)
      verifiers[role] = store::postgres::scram_verifier(admin_url_, role, password);
    return verifiers;
  }

  /// What keeps a login out (pg_hba.conf) is the server's own business; the passwords are shown all the same.
  void try_to_sign_in() {
    for (const auto& [role, password] : passwords_) {
      const auto session = store::open_postgres_session(url_.as(role, password, database_));
      if (!session) problems_.push_back(fmt::format("{}: {}", role, session.error().message));
    }
  }

  std::string_view state_of(std::string_view role) const {
    if (std::find(roles_.begin(), roles_.end(), role) == roles_.end()) return "made";
    return passwords_.contains(role) ? "was there, has a new password" : "was there";
  }

  Answer answer() const {
    Answer answer;
    boost::json::object addresses;
    boost::json::object roles;
    std::string lines;
    for (const auto role : tenancy::kAllRoles) {
      lines += fmt::format("# role {}: {}\n", role, state_of(role));
      roles[role] = state_of(role);
    }
    lines += fmt::format(
        "# database {}: {}\n# migrations: {}\n", database_, database_there_ ? "was there" : "made",
        applied_.empty() ? "all were applied" : fmt::format("{}", fmt::join(applied_, ", ")));
    for (const std::string& problem : problems_) lines += fmt::format("# cannot sign in yet: {}\n", problem);
    lines +=
        "\n# At the top of guildhall.toml, or each in a file of its own (GUILDHALL_DATABASE_URL_FILE ...):\n";
    for (const auto& [role, key] : kLogins) {
      const auto password = passwords_.find(role);
      const bool known = password != passwords_.end();
      const std::string address =
          url_.as(std::string(role), known ? password->second : "PASSWORD", database_);
      lines += fmt::format("{}database.{} = \"{}\"\n", known ? "" : "# ", key, address);
      if (known) addresses[key] = address;
    }
    if (passwords_.size() < std::size(kLogins))
      lines += "# Passwords that were there are not known here; --new-passwords makes new ones.\n";
    answer.text = lines + backup_lines(url_.as(std::string(tenancy::kReadRole), "", database_));
    answer.json = {{"database", std::move(addresses)},
                   {"name", database_},
                   {"roles", std::move(roles)},
                   {"database_made", !database_there_},
                   {"migrations", boost::json::array(applied_.begin(), applied_.end())},
                   {"problems", boost::json::array(problems_.begin(), problems_.end())}};
    return answer;
  }

  PostgresUrl url_;
  std::string admin_url_;
  std::string database_;
  bool new_passwords_;
  std::filesystem::path backups_;
  Config config_;
  std::unique_ptr<bot::Declarations> declarations_;
  std::vector<std::string> roles_;       // of ours, before
  std::vector<std::string> signing_in_;  // of these, those that may
  bool database_there_ = false;
  std::vector<std::string> applied_;
  tenancy::RolePasswords passwords_;
  std::vector<std::string> problems_;
};

/// The same as a script for psql on a server where nothing of it is there yet.
std::string setup_script(const std::string& database) {
  const Config config;
  const auto declarations = declare_everything(config);
  tenancy::RolePasswords passwords;
  for (const auto& [role, key] : kLogins) passwords[std::string(role)] = fmt::format("PASSWORD_OF_{}", role);
  std::string script =
      "-- Guildhall's roles, database and tables, for psql as a login with CREATEROLE and CREATEDB.\n"
      "-- Put passwords in the place of PASSWORD_OF_...\n\\set ON_ERROR_STOP on\n\n";
  const auto add = [&script](const std::vector<std::string>& statements) {
    for (const std::string& sql : statements) script += sql + ";\n";
  };
  add(tenancy::create_roles({}, passwords));
  add(tenancy::create_database(database));
  script += fmt::format("\\connect {}\n", tenancy::quoted_name(database));
  add(tenancy::prepare_database(database));
  script += "SET search_path TO guildhall;\nBEGIN;\n";
  script += migrate::schema_script(migrate::Dialect::postgres);
  script += "\n-- The seal of each table, made from its class.\n";
  add(tenancy::seal_tables(declarations->tables));
  return script + "COMMIT;\n";
}

Outcome setup_postgres(const Arguments& arguments) {
  const std::string database = arguments.get("--database").value_or("guildhall");
  if (database.empty() || database.size() > 63 || database == "postgres" ||
      database.starts_with("template")) {
    return fail(ErrorCode::usage, fmt::format("--database: '{}' cannot be Guildhall's", database),
                "A name of 1 to 63 characters that is not the server's own; left out, it is guildhall.");
  }
  if (arguments.has("--print")) {
    std::string script = setup_script(database);
    return Answer{script, {{"sql", script}}};
  }
  const auto admin = arguments.get("--url");
  if (!admin) {
    return fail(ErrorCode::usage,
                "guildhall setup postgres: --url is missing: who may make roles and databases",
                "Example: guildhall setup postgres --url postgres://postgres@localhost/postgres");
  }
  const auto url = PostgresUrl::parse(*admin);
  if (!url) return std::unexpected(url.error());
  try {
    // Where the bot would put them.
    Config config;
    config.data_dir = arguments.get("--data-dir").value_or(config.data_dir);
    auto answer =
        PostgresSetup(*url, *admin, database, arguments.has("--new-passwords"), backups_folder(config)).run();
    if (!answer) return std::unexpected(answer.error());
    return *std::move(answer);
  } catch (const store::DatabaseError& error) {
    return fail(ErrorCode::storage, fmt::format("setting up '{}' failed: {}", database, error.what()),
                "What was made so far stays; the same command goes on from there.");
  }
}

}  // namespace

void add_setup_commands(std::vector<Command>& commands) {
  commands.push_back(
      {{"setup", "postgres"},
       "makes roles, database and tables on the PostgreSQL server where --url is an administrator",
       "guildhall setup postgres --url postgres://postgres@localhost/postgres --database guildhall",
       {},
       {{"--database", "NAME", "how the database is called (guildhall)"},
        {"--new-passwords", "", "new passwords also for roles that are there already"},
        {"--print", "", "prints the SQL and changes nothing"}},
       setup_postgres,
       false});
}

}  // namespace guildhall::cli
