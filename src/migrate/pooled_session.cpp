#include "migrate/pooled_session.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <map>
#include <sstream>

#include "base/text.h"
#include "migrate/session_settings.h"

namespace guildhall::migrate {
namespace {

using store::SchemaSession;

/// Before COMMIT, so that it takes effect with it. DISCARD ALL is not for a transaction.
constexpr std::string_view kLeaveNothing =
    "RESET SESSION AUTHORIZATION; RESET ROLE; RESET ALL; UNLISTEN *; DISCARD TEMP; SELECT "
    "pg_advisory_unlock_all(); ";

/// Around what is run outside of any transaction.
class OwnTransaction {
 public:
  OwnTransaction(SchemaSession& session, const std::string& settings)
      : session_(session), is_open_(!session.in_transaction()) {
    if (is_open_) session_.execute("BEGIN; " + settings);
  }
  ~OwnTransaction() {
    if (!is_open_) return;
    try {
      session_.execute("ROLLBACK");
    } catch (const store::DatabaseError&) {
      // With the connection the transaction is gone too.
    }
  }
  OwnTransaction(const OwnTransaction&) = delete;
  OwnTransaction& operator=(const OwnTransaction&) = delete;

  void commit() {
    if (is_open_) session_.execute("COMMIT");
    is_open_ = false;
  }

 private:
  SchemaSession& session_;
  bool is_open_;
};

class PooledSession final : public SchemaSession {
 public:
  /// `settings`: "-cNAME=VALUE ...".
  PooledSession(std::unique_ptr<SchemaSession> session, const std::string& settings)
      : session_(std::move(session)) {
    std::istringstream words(settings);
    for (std::string word; words >> word;) {
      const auto equals = word.find('=');
      if (word.starts_with("-c") && equals != std::string::npos)
        settings_[word.substr(2, equals - 2)] = word.substr(equals + 1);
    }
  }

  void execute(const std::string& script) override {
    const std::string_view first = first_word(script);
    if (first == "BEGIN") return begin_with(script);
    if (first == "SET" && keep_setting(script)) {
      if (in_transaction()) session_->execute(local_settings());
      return;
    }
    if (first == "COMMIT") return session_->execute(std::string(kLeaveNothing) + script);
    OwnTransaction own(*session_, local_settings());
    session_->execute(script);
    own.commit();
    if (first == "RESET" && in_transaction()) session_->execute(local_settings());
  }
  std::int64_t run(const std::string& statement) override {
    if (statement == "COMMIT") {
      execute(statement);
      return 0;
    }
    OwnTransaction own(*session_, local_settings());
    const std::int64_t answer = session_->run(statement);
    own.commit();
    return answer;
  }
  /// At once: what it stands for here is not always one statement.
  void later(const std::string& sql, const std::vector<std::string>& values) override {
    values.empty() ? execute(sql) : static_cast<void>(query(sql, values));
  }
  Rows query(const std::string& sql, const std::vector<std::string>& values) override {
    OwnTransaction own(*session_, local_settings());
    Rows answer = session_->query(sql, values);
    own.commit();
    return answer;
  }
  std::vector<store::ValueRow> read(const std::string& sql, const store::ValueRow& values) override {
    OwnTransaction own(*session_, local_settings());
    auto answer = session_->read(sql, values);
    own.commit();
    return answer;
  }
  void insert(const std::string& table, const std::vector<store::Column>& columns,
              const std::vector<store::ValueRow>& rows) override {
    OwnTransaction own(*session_, local_settings());
    session_->insert(table, columns, rows);
    own.commit();
  }
  void begin() override {
    session_->begin();
    session_->execute(local_settings());
  }
  bool in_transaction() const override { return session_->in_transaction(); }
  bool stays_the_same() const override { return false; }
  std::function<void()> canceller() const override { return session_->canceller(); }
  std::int64_t backend() const override { return session_->backend(); }
  const std::string& name() const override { return session_->name(); }

 private:
  static std::string_view first_word(std::string_view script) {
    return script.substr(0, std::min(script.find_first_of(" ;"), script.size()));
  }

  /// Right behind BEGIN, so that what else stands in the script comes after it.
  void begin_with(const std::string& script) {
    const auto end = std::min(script.find(';'), script.size());
    session_->execute(fmt::format("{}; {}{}", script.substr(0, end), local_settings(), script.substr(end)));
  }

  /// "SET NAME = VALUE" of ours.
  bool keep_setting(const std::string& script) {
    const auto equals = script.find(" = ");
    if (script.starts_with("SET LOCAL ") || equals == std::string::npos) return false;
    settings_[script.substr(4, equals - 4)] = script.substr(equals + 3);
    return true;
  }

  std::string local_settings() const {
    std::string script;
    for (const auto& [name, value] : settings_)
      script += fmt::format("{}SET LOCAL {} = {}", script.empty() ? "" : "; ", name,
                            value.starts_with('\'') ? value : fmt::format("'{}'", value));
    return script.empty() ? "SELECT 1" : script;
  }

  std::unique_ptr<SchemaSession> session_;
  std::map<std::string, std::string> settings_;
};

}  // namespace

bool is_pooled(SchemaSession& session) {
  return session.backend() != 0 &&
         session.query("SELECT pg_backend_pid()").at(0).at(0) != std::to_string(session.backend());
}

bool speaks_of_pooler(const Error& error) {
  return error.message.find("unsupported startup parameter") != std::string::npos;
}

Target behind_pooler(const Target& target) {
  Target pooled = target;
  pooled.open = [open = target.open](const std::string& settings) -> Result<std::unique_ptr<SchemaSession>> {
    auto session = open("");
    if (!session) return std::unexpected(session.error());
    auto pooled = std::make_unique<PooledSession>(*std::move(session), settings);
    try {
      // What the server does not know of them is known before anything else is.
      pooled->query("SELECT 1", {});
    } catch (const store::DatabaseError& error) {
      return fail(ErrorCode::storage, error.what());
    }
    return pooled;
  };
  return pooled;
}

Outcome<Target> direct_target(const Target& pooled, Target direct) {
  if (pooled.dialect != Dialect::postgres || direct.dialect != Dialect::postgres)
    return stop(Exit::usage, "E-USAGE", "--direct-url is for PostgreSQL", "Leave it away.");
  // Which database of which server, and since when that runs.
  std::string found[2];
  for (const auto& [target, which] : {std::pair{&pooled, 0}, std::pair{&std::as_const(direct), 1}}) {
    const auto session = target->open("");
    if (!session) return std::unexpected(problem_of(session.error()));
    try {
      const auto row = (*session)->query(
          "SELECT datname, oid, extract(epoch FROM pg_postmaster_start_time()) FROM pg_database WHERE "
          "datname "
          "= current_database()");
      found[which] = fmt::format("{}", fmt::join(row.at(0), " "));
    } catch (const store::DatabaseError& error) {
      return std::unexpected(problem_of(error));
    }
  }
  if (found[0] == found[1]) return direct;
  return stop(Exit::refused, "MG-DIRECT",
              fmt::format("--url leads to '{}' and --direct-url to '{}': they are two databases", pooled.name,
                          direct.name),
              "Name the same database in both.");
}

Result<std::unique_ptr<SchemaSession>> open_direct_session(const std::string& url) {
  const auto open = [&](const std::string& settings) { return store::open_any_session({url, settings}); };
  auto session = open_with_settings(open, "-cstatement_timeout=0");
  const bool refused = !session && speaks_of_pooler(session.error());
  if (session ? !is_pooled(**session) : !refused) return session;
  return fail(ErrorCode::refused_by_guard,
              "between us and the server stands a connection pooler: a backup needs a session of its own",
              "Name the server itself with --direct-url.");
}

}  // namespace guildhall::migrate
