#include "migrate/session_settings.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "migrate/pooled_session.h"
#include "migrate/run.h"
#include "tests/support/any_database.h"

namespace guildhall::migrate {
namespace {

using testing::HasSubstr;
using testing::Not;

class SettingsInPostgres : public test::OnPostgres {
 protected:
  static std::string setting(store::SchemaSession& session, const std::string& name) {
    return session.query("SELECT current_setting($1)", {name}).at(0).at(0);
  }
  std::unique_ptr<store::SchemaSession> work() { return *open_work_session(target_, {}); }
  /// One of a server from before PostgreSQL 14, as it answers.
  static OpenSession old_server(OpenSession open) {
    return [open = std::move(open)](
               const std::string& settings) -> Result<std::unique_ptr<store::SchemaSession>> {
      if (settings.find("client_connection_check_interval") != std::string::npos) {
        return fail(ErrorCode::storage,
                    "cannot connect: FATAL:  unrecognized configuration parameter "
                    "\"client_connection_check_interval\"");
      }
      return open(settings);
    };
  }

  Target target_ = target();
};

TEST_F(SettingsInPostgres, WorkHasItsLimitsAndTellsItsClientFromADeadOne) {
  const auto session = work();
  for (const auto& [name, value] : {std::pair{"lock_timeout", "3s"},
                                    {"statement_timeout", "5min"},
                                    {"idle_in_transaction_session_timeout", "1min"},
                                    {"client_connection_check_interval", "5s"},
                                    {"TimeZone", "UTC"},
                                    {"row_security", "off"}})
    EXPECT_EQ(setting(*session, name), value) << name;
  // On a socket of the machine they have no effect, and show nothing.
  const auto kept = session->query(
      "SELECT string_agg(reset_val, '/' ORDER BY array_position(ARRAY['idle', 'interval', 'count'], "
      "split_part(name, '_', 3))) FROM pg_settings WHERE name LIKE 'tcp\\_keepalives\\_%'");
  EXPECT_EQ(kept.at(0).at(0), "10/5/3");
}

TEST_F(SettingsInPostgres, AServerThatDoesNotKnowOneGetsTheOthers) {
  target_.open = old_server(target_.open);
  const auto session = work();
  EXPECT_EQ(setting(*session, "lock_timeout"), "3s");
  EXPECT_EQ(setting(*session, "TimeZone"), "UTC");
  EXPECT_EQ(setting(*session, "client_connection_check_interval"), "0");
  target_.open = [](const std::string&) -> Result<std::unique_ptr<store::SchemaSession>> {
    return fail(ErrorCode::storage, "cannot connect");
  };
  EXPECT_FALSE(open_work_session(target_, {})) << "what fails otherwise is not tried again";
}

TEST_F(SettingsInPostgres, WhoHoldsTheLockIsNamedByItsToken) {
  auto session = work();
  const auto lock = Lock::take(target_, *session, {"up"});
  ASSERT_TRUE(lock);
  EXPECT_EQ(setting(*session, "application_name"), fmt::format("guildhall-migrate:{}", (*lock)->token()));
}

TEST_F(SettingsInPostgres, TheSearchPathIsThatOfTheBeginning) {
  session().execute(fmt::format(
      "ALTER DATABASE {} SET search_path = app, \"$user\", public; CREATE SCHEMA app", target().database));
  const auto session = work();
  EXPECT_EQ(setting(*session, "search_path"), "app, operator, public");
  session->execute("RESET ALL");
  EXPECT_THAT(setting(*session, "search_path"), HasSubstr("$user"));
  fix_search_path(*session);
  EXPECT_EQ(setting(*session, "search_path"), "app, operator, public");
}

class RunSettingsInPostgres : public SettingsInPostgres {
 protected:
  RunReport up(const std::string& sql) {
    std::ofstream(folder_.path() / fmt::format("000{}_step.sql", ++count_)) << sql;
    set_ = *read_migrations(folder_.path().string(), Dialect::postgres);
    return migrate::up(target(), set_, {});
  }

  test::TemporaryFolder folder_;
  MigrationSet set_;
  int count_ = 0;
};

TEST_F(RunSettingsInPostgres, RowsThatAPolicyHidesStopAMigrationInsteadOfBeingLeftOut) {
  session().execute(
      "CREATE TABLE t (x integer PRIMARY KEY, y integer); INSERT INTO t VALUES (1, 0), (2, 0); ALTER TABLE t "
      "ENABLE "
      "ROW LEVEL SECURITY; ALTER TABLE t FORCE ROW LEVEL SECURITY; CREATE POLICY a_part ON t USING (x = 1)");
  const auto refused = up("UPDATE t SET y = 1 WHERE x > 0;");
  ASSERT_TRUE(refused.failed);
  EXPECT_EQ(refused.failed->exit, Exit::no_permission);
  EXPECT_THAT(refused.failed->finding.text, HasSubstr("row-level security"));
}

TEST_F(RunSettingsInPostgres, WhatAScriptSetsEndsWithIt) {
  session().execute(fmt::format("CREATE SCHEMA operator; CREATE SCHEMA elsewhere"));
  ASSERT_FALSE(up("SET search_path = elsewhere;\nCREATE TABLE one (x integer PRIMARY KEY);").failed);
  ASSERT_FALSE(up("CREATE TABLE two (x integer PRIMARY KEY);").failed);
  EXPECT_EQ(session().query(
                "SELECT to_regclass('elsewhere.one') IS NOT NULL, to_regclass('operator.two') IS NOT NULL"),
            (store::SchemaSession::Rows{{"t", "t"}}));
}

TEST_F(RunSettingsInPostgres, TheSearchPathIsThatOfTheBeginningForEveryScript) {
  std::ofstream(folder_.path() / "0000_sets.sql") << "SET work_mem = '1MB';\nSELECT 1;";
  ASSERT_FALSE(up("CREATE TABLE seen AS SELECT current_setting('search_path') AS path;").failed);
  EXPECT_EQ(session().query("SELECT path FROM seen").at(0).at(0), "operator, public");
}

TEST_F(SettingsInPostgres, ThroughAPoolerAnOldServerGetsTheOthersToo) {
  // Each transaction sets them; what the server does not know fails in the first.
  Target old = target_;
  old.open = [this](const std::string&) { return target_.open(""); };
  const Target pooled = behind_pooler(old);
  EXPECT_FALSE(pooled.open("-cno_such_setting=1"));
  const auto session = *pooled.open("-clock_timeout=3s");
  EXPECT_EQ(setting(*session, "lock_timeout"), "3s");
}

}  // namespace
}  // namespace guildhall::migrate
