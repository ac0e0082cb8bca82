// A bot's database that is as small as one can be and has of everything one: a registry, a table of a
// server's rows, and one of their children. For tests of what happens around a conversion on PostgreSQL.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <string>

#include "convert/run.h"
#include "migrate/schema_snapshot.h"
#include "tests/support/any_database.h"
#include "tests/support/test_database.h"

namespace guildhall::test {

inline constexpr std::string_view kSmallBot = R"(
CREATE TABLE servers (server bigint PRIMARY KEY, name text);
CREATE TABLE points (id serial PRIMARY KEY, name text NOT NULL UNIQUE, points integer NOT NULL DEFAULT 0);
CREATE TABLE guesses (id serial PRIMARY KEY, session integer REFERENCES points, amount integer NOT NULL);
INSERT INTO servers VALUES (7, 'home');
INSERT INTO points (name, points) SELECT 'n' || n, n FROM generate_series(1, 20) n;
INSERT INTO guesses (session, amount) SELECT 1 + n % 20, n FROM generate_series(1, 20) n;
ANALYZE;
)";

inline constexpr std::string_view kSmallDescription = R"(
tenant_column = "server"
[registry]
table = "servers"
column = "server"
[table.points]
class = "tenant"
sums = ["points"]
[table.guesses]
class = "child"
parents = [{ table = "points", columns = ["session"], referenced = ["id"] }]
[table.logs]  # which is there in few tests
class = "tenant"
sums = ["points"]
)";

/// One such database for all tests of a suite: each puts right again what it changed, or the next ones fail.
class WithSmallBot : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    database_ = std::make_unique<AnyDatabase>(migrate::Dialect::postgres);
    session().execute(std::string(kSmallBot));
    whole_ = fingerprint();
  }
  static void TearDownTestSuite() { database_.reset(); }
  void TearDown() override {
    for (auto one = mending_.rbegin(); one != mending_.rend(); ++one) session().execute(*one);
    EXPECT_EQ(fingerprint(), whole_) << "another test would meet what this one left";
  }

  static store::SchemaSession& session() { return database_->session(); }
  static const migrate::Target& target() { return database_->target(); }
  static migrate::Target as(const std::string& login) {
    return *migrate::any_target(postgres_url(login, target().database), migrate::Missing::is_an_error);
  }
  static std::string fingerprint() {
    return migrate::read_snapshot(session(), migrate::Dialect::postgres).fingerprint();
  }
  /// `mend_it` is run when the test is over.
  void change(const std::string& change_it, const std::string& mend_it) {
    mending_.push_back(mend_it);
    session().execute(change_it);
  }

  template <class Options = convert::Options>
  static Options options() {
    Options options;
    options.description = *convert::parse_description(kSmallDescription, "test");
    options.server = 7;
    options.backup_done = "of-a-test";
    options.say = [](const std::string&) {};
    return options;
  }

 private:
  static inline std::unique_ptr<AnyDatabase> database_;
  static inline std::string whole_;
  std::vector<std::string> mending_;
};

}  // namespace guildhall::test
