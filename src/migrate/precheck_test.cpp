#include "migrate/precheck.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "migrate/preflight.h"
#include "tests/support/any_database.h"

namespace guildhall::migrate {
namespace {

using namespace std::chrono_literals;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

template <class Fixture>
class PrecheckTest : public Fixture {
 protected:
  using Fixture::session;
  using Fixture::target;

  /// "P-UNIQUE E 2": code, level and count.
  std::vector<std::string> found(const std::string& sql) { return found_in({{"0001_up.sql", sql}}); }
  std::vector<std::string> found_in(const std::vector<std::pair<std::string, std::string>>& files,
                                    const PreflightOptions& options = {}) {
    std::vector<EmbeddedFile> embedded;
    for (const auto& [name, content] : files) embedded.push_back({name, content});
    set_ = read_migrations(embedded, "test", target().dialect);
    EXPECT_FALSE(set_.has_errors()) << set_.findings.at(0).text;
    std::vector<Pending> pending;
    for (const Migration& migration : set_.migrations) pending.push_back({&migration});
    findings_ = look_before(session(), target().dialect, pending, options).prechecks;
    std::vector<std::string> lines;
    for (const PrecheckFinding& one : findings_) {
      const Level level = one.finding.level;
      lines.push_back(fmt::format("{} {} {}", one.finding.code,
                                  level == Level::error     ? "E"
                                  : level == Level::warning ? "W"
                                                            : "I",
                                  one.count));
    }
    return lines;
  }
  const PrecheckFinding& first() const { return findings_.at(0); }
  void sql(const std::string& script) { session().execute(script); }
  std::string value(const std::string& query) { return session().query(query).at(0).at(0); }

  /// Of the shape of StreamBot's.
  void make_links() {
    sql("CREATE TABLE platform_connections (id text PRIMARY KEY, user_id text NOT NULL, platform text NOT "
        "NULL, "
        "platform_user_id text, last_connected_at timestamp);"
        "INSERT INTO platform_connections VALUES ('c1', 'u1', 'twitch', '55', '2025-11-01 10:00:00'),"
        "('c2', 'u2', 'twitch', '55', '2025-11-03 10:00:00'), ('c3', 'u3', 'twitch', '55', NULL),"
        "('c4', 'u4', 'kick', '7', '2025-11-01 10:00:00'), ('c5', 'u5', 'kick', '7', '2025-11-02 10:00:00'),"
        "('c6', 'u6', 'kick', NULL, NULL), ('c7', 'u7', 'kick', NULL, NULL),"
        "('c8', 'u8', 'youtube', '7', '2025-11-02 10:00:00')");
  }

  MigrationSet set_;
  std::vector<PrecheckFinding> findings_;
};

using AnyDatabasePrecheck = PrecheckTest<test::OnAnyDatabase>;
using PrecheckInPostgres = PrecheckTest<test::OnPostgres>;

constexpr const char* kUniqueLinks =
    "CREATE UNIQUE INDEX links_once ON platform_connections (platform, platform_user_id)";

TEST_F(AnyDatabasePrecheck, DuplicateLinksAreListedNewestFirst) {
  make_links();
  EXPECT_THAT(found(kUniqueLinks), ElementsAre("P-UNIQUE E 2"));
  EXPECT_THAT(first().finding.text, HasSubstr("3 rows too many"));
  EXPECT_THAT(first().finding.text, HasSubstr("links_once"));
  EXPECT_EQ(first().columns.size(), 5U) << "group, primary key, user, time";
  std::vector<std::string> ids;
  for (const auto& row : first().rows) ids.push_back(row.at(0) + " " + row.at(2) + " " + row.at(3));
  EXPECT_THAT(ids, ElementsAre("kick c5 u5", "kick c4 u4", "twitch c2 u2", "twitch c1 u1", "twitch c3 u3"));
}

TEST_F(AnyDatabasePrecheck, TheProposedRepairKeepsTheNewestOfEachGroup) {
  make_links();
  found(kUniqueLinks);
  sql(first().repair);
  EXPECT_EQ(value("SELECT count(*) FROM platform_connections"), "5");
  EXPECT_EQ(value("SELECT id FROM platform_connections WHERE platform = 'twitch'"), "c2");
  EXPECT_THAT(found(kUniqueLinks), IsEmpty());
}

TEST_F(AnyDatabasePrecheck, ExpressionsAndPartialIndexes) {
  sql("CREATE TABLE t (a text, gone integer); INSERT INTO t VALUES ('x', NULL), ('X', NULL), ('y', 1), ('y', "
      "1)");
  EXPECT_THAT(found("CREATE UNIQUE INDEX i ON t (a) WHERE gone IS NULL"), IsEmpty());
  EXPECT_THAT(found("CREATE UNIQUE INDEX i ON t (lower(a)) WHERE gone IS NULL"), ElementsAre("P-UNIQUE E 1"));
  EXPECT_EQ(first().rows.size(), 2U);
  EXPECT_THAT(found("CREATE UNIQUE INDEX i ON t (a DESC)"), ElementsAre("P-UNIQUE E 1"));
  sql(first().repair);
  EXPECT_EQ(value("SELECT count(*) FROM t"), "3") << "also without a primary key";
  EXPECT_THAT(found("CREATE INDEX i ON t (lower(a))"), IsEmpty());
}

TEST_F(AnyDatabasePrecheck, WhatTheRunMakesHasNoRowsYet) {
  sql("CREATE TABLE t (a text); INSERT INTO t VALUES ('x'), ('x')");
  EXPECT_THAT(found("CREATE TABLE fresh (a text); CREATE UNIQUE INDEX i ON fresh (a)"), IsEmpty());
  EXPECT_THAT(found_in({{"0001_a.sql", "ALTER TABLE t ADD COLUMN b text"},
                        {"0002_b.sql", "CREATE UNIQUE INDEX i ON t (b)"}}),
              IsEmpty());
  EXPECT_THAT(found("CREATE UNIQUE INDEX i ON nowhere (a)"), IsEmpty());
}

TEST_F(AnyDatabasePrecheck, WhatTheRunItselfMayMendIsAWarning) {
  sql("CREATE TABLE t (a text); INSERT INTO t VALUES ('x'), ('x')");
  EXPECT_THAT(found_in({{"0001_a.sql", "DELETE FROM t WHERE a = 'x'"},
                        {"0002_b.sql", "CREATE UNIQUE INDEX i ON t (a)"}}),
              ElementsAre("P-UNIQUE W 1"));
  PreflightOptions other;
  other.only = "0001_a";
  EXPECT_THAT(found_in({{"0001_a.sql", "CREATE UNIQUE INDEX i ON t (a)"},
                        {"0002_b.sql", "CREATE TABLE t (x integer)"}},
                       other),
              ElementsAre("P-UNIQUE E 1"));
}

TEST_F(AnyDatabasePrecheck, NamesThatAreTaken) {
  sql("CREATE TABLE t (a text, b text); CREATE INDEX i ON t (a); CREATE VIEW v AS SELECT 1 AS one");
  EXPECT_THAT(found("CREATE TABLE t (a text, b text)"), ElementsAre("P-EXISTS E 0"));
  EXPECT_THAT(first().finding.text, HasSubstr("with the same definition"));
  EXPECT_THAT(found("CREATE TABLE IF NOT EXISTS t (a text, b text)"), IsEmpty());
  EXPECT_THAT(found("CREATE TABLE IF NOT EXISTS t (a text, other text)"), ElementsAre("P-EXISTS E 0"));
  EXPECT_THAT(found("CREATE INDEX IF NOT EXISTS i ON t (a)"), IsEmpty());
  EXPECT_THAT(found("CREATE INDEX IF NOT EXISTS i ON t (b)"), ElementsAre("P-EXISTS E 0"));
  EXPECT_THAT(first().finding.text, HasSubstr("another definition"));
  EXPECT_THAT(found("CREATE VIEW v AS SELECT 2 AS two"), ElementsAre("P-EXISTS E 0"));
  EXPECT_THAT(found("DROP INDEX i; CREATE INDEX i ON t (b)"), IsEmpty());
  EXPECT_THAT(found("ALTER TABLE t ADD COLUMN a text"), ElementsAre("P-EXISTS E 0"));
  EXPECT_THAT(found("ALTER TABLE t ADD COLUMN c text; CREATE INDEX j ON t (c)"), IsEmpty());
}

TEST_F(AnyDatabasePrecheck, WhatIsDroppedTakesMoreAlong) {
  sql("CREATE TABLE t (a text); CREATE INDEX i ON t (a); CREATE TABLE u (a text); CREATE INDEX j ON u (a);"
      "INSERT INTO u VALUES ('x'), ('x')");
  EXPECT_THAT(found("DROP TABLE t; CREATE TABLE t (a text); CREATE INDEX i ON t (a)"), IsEmpty());
  EXPECT_THAT(found("DROP TABLE t; CREATE INDEX j ON u (a)"), ElementsAre("P-EXISTS W 0"));
  EXPECT_THAT(found("DELETE FROM t WHERE a = 'x'; CREATE UNIQUE INDEX k ON u (a)"),
              ElementsAre("P-UNIQUE W 1"))
      << "rows may go with those that they refer to";
}

TEST_F(AnyDatabasePrecheck, ANewColumnThatRowsHaveNoValueFor) {
  sql("CREATE TABLE t (a text); CREATE TABLE bare (a text); INSERT INTO t VALUES ('x')");
  EXPECT_THAT(found("ALTER TABLE t ADD COLUMN b integer NOT NULL"), ElementsAre("P-NOTNULL E 1"));
  EXPECT_THAT(
      found("ALTER TABLE t ADD COLUMN b integer NOT NULL DEFAULT 1; ALTER TABLE bare ADD COLUMN c integer"),
      IsEmpty());
}

TEST_F(AnyDatabasePrecheck, NothingIsChangedAndTheSessionIsAsBefore) {
  make_links();
  found(kUniqueLinks);
  EXPECT_FALSE(session().in_transaction());
  sql("INSERT INTO platform_connections VALUES ('c9', 'u9', 'kick', '9', NULL)");
  EXPECT_EQ(value("SELECT count(*) FROM platform_connections"), "9");
}

TEST_F(AnyDatabasePrecheck, AQuestionThatTakesTooLongStopsNothing) {
  make_links();
  Looking looking(session(), target().dialect, 20ms);
  const auto answer = looking.ask(
      "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 2000000000) SELECT count(*) "
      "FROM n");
  ASSERT_FALSE(answer);
  EXPECT_EQ(looking.ask("SELECT count(*) FROM platform_connections")->at(0).at(0), "8");
  EXPECT_FALSE(looking.ask("DELETE FROM platform_connections")) << "it only reads";
}

TEST_F(AnyDatabasePrecheck, TheFileOfRepairsSaysWhatEachIsFor) {
  make_links();
  found(kUniqueLinks);
  const std::string file = repair_file("0003_unique", findings_);
  EXPECT_THAT(file, HasSubstr("-- Proposed for 0003_unique"));
  EXPECT_THAT(file, HasSubstr("-- P-UNIQUE (line 1): 2 groups"));
  EXPECT_THAT(file, HasSubstr("DELETE FROM platform_connections"));
  sql(file);
  EXPECT_THAT(found(kUniqueLinks), IsEmpty());
}

// --- of PostgreSQL alone

TEST_F(PrecheckInPostgres, NegativeBalancesUnderChecksWithinBlocks) {
  sql("CREATE TABLE user_balances (id text PRIMARY KEY, balance integer NOT NULL, total_earned integer NOT "
      "NULL, "
      "total_spent integer NOT NULL);"
      "INSERT INTO user_balances VALUES ('b1', -5, 0, 0), ('b2', 3, 0, 0), ('b3', 0, -1, -2), ('b4', -1, 0, "
      "-7)");
  std::string blocks;
  for (const char* column : {"balance", "total_earned", "total_spent"})
    blocks += fmt::format(
        "DO $$ BEGIN\n ALTER TABLE \"user_balances\" ADD CONSTRAINT \"user_balances_{0}_check\" CHECK "
        "(\"user_balances\".\"{0}\" >= 0);\nEXCEPTION\n WHEN duplicate_object THEN null;\nEND $$;\n",
        column);
  EXPECT_THAT(found(blocks), ElementsAre("P-CHECK E 2", "P-CHECK E 1", "P-CHECK E 2"));
  EXPECT_EQ(first().finding.line, 2U);
  EXPECT_THAT(first().rows, ElementsAre(ElementsAre("b1", "-5"), ElementsAre("b4", "-1")));
  for (const PrecheckFinding& one : std::vector(findings_)) sql(one.repair);
  EXPECT_EQ(value("SELECT sum(balance + total_earned + total_spent) FROM user_balances"), "3");
  EXPECT_THAT(found(blocks), IsEmpty());
  sql("ALTER TABLE user_balances ADD CONSTRAINT user_balances_balance_check CHECK (balance >= 0)");
  EXPECT_THAT(found(blocks), IsEmpty()) << "the same constraint is there";
}

TEST_F(PrecheckInPostgres, ChecksThatAreNoSimpleComparison) {
  sql("CREATE TABLE t (id integer PRIMARY KEY, kind text, low integer, high integer);"
      "INSERT INTO t VALUES (1, 'a', 2, 1), (2, 'z', 1, 2), (3, NULL, 1, 2)");
  EXPECT_THAT(found("ALTER TABLE t ADD CHECK (kind IN ('a', 'b') AND low <= high)"),
              ElementsAre("P-CHECK E 2"));
  EXPECT_THAT(first().columns, ElementsAre("id", "\"kind\"", "\"low\"", "\"high\""));
  EXPECT_THAT(first().repair, HasSubstr("-- UPDATE t SET"));
  EXPECT_THAT(found("ALTER TABLE t ADD CHECK (low > 0)"), IsEmpty());
  EXPECT_THAT(found("ALTER TABLE t ADD CHECK (low > 1)"), ElementsAre("P-CHECK E 2"));
  sql(first().repair);
  EXPECT_EQ(value("SELECT min(low) FROM t"), "2");
  EXPECT_THAT(found("ALTER TABLE t ADD CHECK (no_such_function(low))"), ElementsAre("P-UNKNOWN I 0"));
}

TEST_F(PrecheckInPostgres, AConstraintIsAskedWhenItIsValidated) {
  sql("CREATE TABLE t (id integer PRIMARY KEY, low integer); INSERT INTO t VALUES (1, -1)");
  EXPECT_THAT(found("ALTER TABLE t ADD CONSTRAINT c CHECK (low >= 0) NOT VALID"), IsEmpty());
  EXPECT_THAT(found_in({{"0001_a.sql", "ALTER TABLE t ADD CONSTRAINT c CHECK (low >= 0) NOT VALID"},
                        {"0002_b.sql", "ALTER TABLE t VALIDATE CONSTRAINT c"}}),
              ElementsAre("P-CHECK E 1"));
  EXPECT_EQ(first().finding.name, "0002_b.sql");
  sql("ALTER TABLE t ADD CONSTRAINT c CHECK (low >= 0) NOT VALID");
  EXPECT_THAT(found("ALTER TABLE t VALIDATE CONSTRAINT c"), ElementsAre("P-CHECK E 1"));
}

TEST_F(PrecheckInPostgres, RowsWithoutAValue) {
  sql("CREATE TABLE t (id integer, name text); INSERT INTO t VALUES (1, NULL), (NULL, 'x'), (1, 'y')");
  EXPECT_THAT(found("ALTER TABLE t ALTER COLUMN name SET NOT NULL"), ElementsAre("P-NOTNULL E 1"));
  EXPECT_EQ(first().repair, "UPDATE t SET name = '' WHERE name IS NULL;\n");
  EXPECT_THAT(found("ALTER TABLE t ADD PRIMARY KEY (id)"), ElementsAre("P-NOTNULL E 1", "P-UNIQUE E 1"));
  sql("DELETE FROM t WHERE name IS NULL");
  EXPECT_THAT(found("ALTER TABLE t ALTER COLUMN name SET NOT NULL"), IsEmpty());
}

TEST_F(PrecheckInPostgres, NullsThatAreNotDistinct) {
  sql("CREATE TABLE t (id integer PRIMARY KEY, a text); INSERT INTO t VALUES (1, NULL), (2, NULL)");
  EXPECT_THAT(found("ALTER TABLE t ADD UNIQUE (a)"), IsEmpty());
  EXPECT_THAT(found("ALTER TABLE t ADD UNIQUE NULLS NOT DISTINCT (a)"), ElementsAre("P-UNIQUE E 1"));
  EXPECT_EQ(first().rows.size(), 2U);
}

TEST_F(PrecheckInPostgres, RowsThatReferToNothing) {
  sql("CREATE TABLE users (id integer PRIMARY KEY); INSERT INTO users VALUES (1);"
      "CREATE TABLE t (id integer PRIMARY KEY, user_id integer, owner integer NOT NULL);"
      "INSERT INTO t VALUES (1, 1, 1), (2, 7, 1), (3, NULL, 9)");
  EXPECT_THAT(found("ALTER TABLE t ADD FOREIGN KEY (user_id) REFERENCES users"),
              ElementsAre("P-FOREIGNKEY E 1"));
  EXPECT_THAT(first().rows, ElementsAre(ElementsAre("2", "7")));
  sql(first().repair);
  EXPECT_EQ(value("SELECT count(*) FROM t WHERE user_id IS NULL"), "2");
  EXPECT_THAT(found("ALTER TABLE t ADD FOREIGN KEY (user_id) REFERENCES users (id)"), IsEmpty());
  EXPECT_THAT(found("ALTER TABLE t ADD FOREIGN KEY (owner) REFERENCES users"),
              ElementsAre("P-FOREIGNKEY E 1"));
  EXPECT_THAT(first().repair, HasSubstr("DELETE FROM t")) << "the column must have a value";
  EXPECT_THAT(found("INSERT INTO users VALUES (9); ALTER TABLE t ADD FOREIGN KEY (owner) REFERENCES users"),
              ElementsAre("P-FOREIGNKEY W 1"));
}

TEST_F(PrecheckInPostgres, ValuesThatDoNotFitTheirNewType) {
  sql("CREATE TABLE t (id bigint PRIMARY KEY, a text, d text);"
      "INSERT INTO t VALUES (1, '17', '2025-01-01'), (2, 'many', 'soon'), (3000000000, ' 5 ', NULL)");
  EXPECT_THAT(found("ALTER TABLE t ALTER a TYPE integer"), ElementsAre("P-CAST E 0"));
  EXPECT_THAT(first().finding.hint, HasSubstr("USING a::integer"));
  EXPECT_THAT(found("ALTER TABLE t ALTER a TYPE integer USING a::integer"), ElementsAre("P-CAST E 1"));
  EXPECT_THAT(first().rows, ElementsAre(ElementsAre("2", "many")));
  EXPECT_THAT(found("ALTER TABLE t ALTER a TYPE varchar(3)"), ElementsAre("P-CAST E 1"));
  EXPECT_THAT(found("ALTER TABLE t ALTER a TYPE varchar(4)"), IsEmpty());
  EXPECT_THAT(found("ALTER TABLE t ALTER id TYPE integer"), ElementsAre("P-CAST E 1"));
  EXPECT_THAT(found("ALTER TABLE t ALTER d TYPE date USING d::date"), ElementsAre("P-CAST E 1"));
  EXPECT_THAT(first().finding.text, HasSubstr("soon"));
  EXPECT_THAT(found("ALTER TABLE t ALTER d TYPE date USING CASE WHEN d LIKE '20%' THEN d::date END"),
              IsEmpty());
}

TEST_F(PrecheckInPostgres, RolesExtensionsConstraintsAndTypesThatAreOrAreNot) {
  sql("CREATE TABLE t (a integer, CONSTRAINT c CHECK (a > 0), CONSTRAINT u UNIQUE (a));"
      "CREATE TYPE mood AS ENUM ('sad', 'glad')");
  EXPECT_THAT(found("GRANT SELECT ON t TO nobody_here"), ElementsAre("P-ROLE E 0"));
  EXPECT_THAT(found("CREATE EXTENSION no_such_extension"), ElementsAre("P-EXTENSION E 0"));
  EXPECT_THAT(found("ALTER TABLE t ADD CONSTRAINT c CHECK (a > 0)"), ElementsAre("P-EXISTS E 0"));
  EXPECT_THAT(found("ALTER TABLE t DROP CONSTRAINT c; ALTER TABLE t ADD CONSTRAINT c CHECK (a > 1)"),
              IsEmpty());
  const auto swallowed = [&](const std::string& statement) {
    return found("DO $$ BEGIN " + statement + "; EXCEPTION WHEN duplicate_object THEN null; END $$");
  };
  EXPECT_THAT(swallowed("ALTER TABLE t ADD CONSTRAINT c CHECK (a > 0)"), IsEmpty());
  EXPECT_THAT(swallowed("ALTER TABLE t ADD CONSTRAINT c CHECK (a > 5)"), ElementsAre("P-EXISTS W 0"));
  EXPECT_THAT(swallowed("CREATE TYPE mood AS ENUM ('sad', 'glad')"), IsEmpty());
  EXPECT_THAT(swallowed("CREATE TYPE mood AS ENUM ('sad')"), ElementsAre("P-EXISTS E 0"));
  EXPECT_THAT(found("CREATE ROLE fresh_here; GRANT SELECT ON t TO fresh_here, operator"), IsEmpty());
}

TEST_F(PrecheckInPostgres, AnInvalidIndexIsNone) {
  sql("CREATE TABLE t (a integer); INSERT INTO t VALUES (1), (1)");
  EXPECT_THROW(sql("CREATE UNIQUE INDEX CONCURRENTLY i ON t (a)"), store::DatabaseError);
  EXPECT_THAT(found("CREATE UNIQUE INDEX CONCURRENTLY i ON t (a)"), ElementsAre("P-UNIQUE E 1"));
}

}  // namespace
}  // namespace guildhall::migrate
