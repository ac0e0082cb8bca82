#include "migrate/lint.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "tests/support/any_database.h"

namespace guildhall::migrate {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

class Lint : public testing::Test {
 protected:
  Lint() {
    facts_.known = true;
    facts_.tables = {{"empty", {}},
                     {"small", TableFact{.rows = 12}},
                     {"large", TableFact{.rows = 2'000'000, .is_estimate = true}}};
    for (auto& [name, table] : facts_.tables)
      table.columns = {{"id", "bigint"}, {"name", "character varying(20)"}, {"price", "numeric(8,2)"}};
    facts_.roles = {"operator"};
  }

  /// "L03 E 1": code, level and line of each finding in one migration that has a way back.
  std::vector<std::string> found(const std::string& sql, Dialect dialect = Dialect::postgres) {
    return found_in({{"0001_up.sql", sql}, {"0001_up.down.sql", "SELECT"}}, dialect);
  }
  std::vector<std::string> found_in(std::vector<std::pair<std::string, std::string>> files,
                                    Dialect dialect = Dialect::postgres) {
    std::vector<EmbeddedFile> embedded;
    for (const auto& [name, content] : files) embedded.push_back({name, content});
    const MigrationSet set = read_migrations(embedded, "test", dialect);
    EXPECT_FALSE(set.has_errors()) << set.findings.at(0).text;
    std::vector<Pending> pending;
    for (const Migration& migration : set.migrations) pending.push_back({&migration});
    std::vector<std::string> lines;
    texts_.clear();
    for (const Finding& one : lint(pending, facts_, dialect, options_)) {
      lines.push_back(fmt::format("{} {} {}", one.code, one.level == Level::error ? "E" : "W", one.line));
      texts_ += one.text + "\n";
    }
    return lines;
  }

  TableFacts facts_;
  LintOptions options_;
  std::string texts_;
};

TEST_F(Lint, L02AnIndexIsBuiltBesideTheWriters) {
  EXPECT_THAT(found("CREATE INDEX i ON large (name)"), ElementsAre("L02 E 1"));
  EXPECT_THAT(texts_, HasSubstr("about 2000000 rows"));
  EXPECT_THAT(found("CREATE INDEX i ON small (name)"), ElementsAre("L02 W 1"));
  EXPECT_THAT(found("CREATE INDEX i ON empty (name)"), IsEmpty());
  EXPECT_THAT(found("CREATE INDEX CONCURRENTLY i ON large (name)"), IsEmpty());
  EXPECT_THAT(found("CREATE TABLE fresh (id integer PRIMARY KEY); CREATE INDEX i ON fresh (id)"), IsEmpty());
  facts_ = {};
  EXPECT_THAT(found("CREATE INDEX i ON large (name)"), ElementsAre("L02 W 1")) << "sizes are not known";
}

TEST_F(Lint, L24AnIndexThatIsBuiltBesideTheWritersHasAName) {
  EXPECT_THAT(found("CREATE INDEX CONCURRENTLY ON large (name)"), ElementsAre("L24 E 1"));
  EXPECT_THAT(found("CREATE INDEX CONCURRENTLY i ON large (name)"), IsEmpty());
}

TEST_F(Lint, L03DataThatGoes) {
  EXPECT_THAT(found("SELECT setval('s', 1);\nDROP TABLE small"), ElementsAre("L03 E 2"));
  EXPECT_THAT(found("ALTER TABLE small DROP COLUMN name"), ElementsAre("L03 E 1"));
  EXPECT_THAT(found("TRUNCATE small, large"), ElementsAre("L03 E 1", "L03 E 1"));
  EXPECT_THAT(found("DELETE FROM small"), ElementsAre("L03 E 1"));
  EXPECT_THAT(found("DROP SCHEMA app CASCADE"), ElementsAre("L03 E 1"));
  EXPECT_THAT(found("DO $$ BEGIN DROP TABLE small; END $$"), ElementsAre("L03 E 1"));
  EXPECT_THAT(found("DELETE FROM small WHERE id = 1; DROP INDEX i; ALTER TABLE small DROP CONSTRAINT c"),
              IsEmpty());
  EXPECT_THAT(found("CREATE TABLE fresh (id integer PRIMARY KEY); DROP TABLE fresh"), IsEmpty());
}

TEST_F(Lint, L23AnExpandTakesNothingAway) {
  const std::string expand = "-- guildhall: phase=expand allow=L03,L10 reason=\"test\"\n";
  EXPECT_THAT(found(expand + "ALTER TABLE small DROP COLUMN name"), ElementsAre("L23 W 2"));
  EXPECT_THAT(found(expand + "ALTER TABLE small RENAME COLUMN name TO title"), ElementsAre("L23 W 2"));
  EXPECT_THAT(found(expand + "ALTER TABLE small RENAME TO tiny"), ElementsAre("L23 W 2"));
  EXPECT_THAT(found(expand + "DROP TABLE small"), ElementsAre("L23 W 2"));
  EXPECT_THAT(found(expand + "DROP VIEW v"), ElementsAre("L23 W 2"));
  EXPECT_THAT(found(expand + "ALTER VIEW v RENAME TO w"), ElementsAre("L23 W 2"));
  EXPECT_THAT(found(expand + "ALTER TABLE small ADD COLUMN title text"), IsEmpty());
  EXPECT_THAT(found(expand + "CREATE TABLE fresh (id integer PRIMARY KEY); DROP TABLE fresh"), IsEmpty());
  EXPECT_THAT(found("-- guildhall: phase=contract allow=L03 reason=\"test\"\nDROP TABLE small"), IsEmpty());
  EXPECT_THAT(
      found(expand + "CREATE TABLE t_new (id integer PRIMARY KEY);\nINSERT INTO t_new SELECT id FROM t;\n"
                     "DROP TABLE t;\nALTER TABLE t_new RENAME TO t;",
            Dialect::sqlite),
      IsEmpty());
}

TEST_F(Lint, L03SqlitesOwnWayToChangeATable) {
  const std::string rebuild =
      "CREATE TABLE t_new (id integer PRIMARY KEY, x text NOT NULL);\nINSERT INTO t_new SELECT id, x FROM "
      "t;\n"
      "DROP TABLE t;\nALTER TABLE t_new RENAME TO t;";
  EXPECT_THAT(found(rebuild, Dialect::sqlite), IsEmpty());
  EXPECT_THAT(
      found("CREATE TABLE t_new (id integer PRIMARY KEY);\nDROP TABLE t;\nALTER TABLE t_new RENAME TO t",
            Dialect::sqlite),
      ElementsAre("L03 E 2"));
}

TEST_F(Lint, L04ANewColumnThatTheOldRowsCannotHave) {
  EXPECT_THAT(found("ALTER TABLE small ADD COLUMN a integer NOT NULL"), ElementsAre("L04 E 1"));
  EXPECT_THAT(found("ALTER TABLE small ADD COLUMN a uuid DEFAULT gen_random_uuid()"), ElementsAre("L04 E 1"));
  EXPECT_THAT(found("ALTER TABLE small ADD COLUMN a bigserial"), ElementsAre("L04 E 1"));
  EXPECT_THAT(found("ALTER TABLE small ADD COLUMN a timestamptz NOT NULL DEFAULT now()"), IsEmpty());
  EXPECT_THAT(found("ALTER TABLE small ADD COLUMN a integer NOT NULL DEFAULT 0"), IsEmpty());
  EXPECT_THAT(found("ALTER TABLE empty ADD COLUMN a integer NOT NULL"), IsEmpty());
  EXPECT_THAT(found("ALTER TABLE empty ADD COLUMN a integer NOT NULL", Dialect::sqlite),
              ElementsAre("L04 E 1"));
  EXPECT_THAT(found("ALTER TABLE small ADD COLUMN a text DEFAULT CURRENT_TIMESTAMP", Dialect::sqlite),
              ElementsAre("L04 E 1"));
  EXPECT_THAT(found("ALTER TABLE small ADD COLUMN a text NOT NULL DEFAULT ''", Dialect::sqlite), IsEmpty());
}

TEST_F(Lint, L05NotNullIsProvenBefore) {
  const std::string set = "ALTER TABLE small ALTER COLUMN name SET NOT NULL";
  EXPECT_THAT(found(set), ElementsAre("L05 E 1"));
  EXPECT_THAT(found("ALTER TABLE empty ALTER COLUMN name SET NOT NULL"), IsEmpty());
  EXPECT_THAT(
      found_in({{"0001_a.sql", "ALTER TABLE small ADD CONSTRAINT c CHECK (name IS NOT NULL) NOT VALID"},
                {"0002_b.sql", "ALTER TABLE small VALIDATE CONSTRAINT c"},
                {"0003_c.sql", set}}),
      IsEmpty());
  facts_.tables["small"].validated_checks = {"CHECK ((name IS NOT NULL))"};
  EXPECT_THAT(found(set), IsEmpty());
}

TEST_F(Lint, L06ConstraintsAreValidatedLater) {
  EXPECT_THAT(found("ALTER TABLE large ADD CHECK (price >= 0)"), ElementsAre("L06 E 1"));
  EXPECT_THAT(found("DO $$ BEGIN\nALTER TABLE small ADD CONSTRAINT c CHECK (price >= 0);\nEND $$"),
              ElementsAre("L06 W 2"));
  EXPECT_THAT(found("ALTER TABLE large ADD FOREIGN KEY (id) REFERENCES small"), ElementsAre("L06 E 1"));
  EXPECT_THAT(found("ALTER TABLE large ADD COLUMN a integer CHECK (a > 0)"), ElementsAre("L06 E 1"));
  EXPECT_THAT(found("ALTER TABLE large ADD CONSTRAINT c CHECK (price >= 0) NOT VALID"), IsEmpty());
  EXPECT_THAT(found("ALTER TABLE empty ADD CHECK (price >= 0)"), IsEmpty());
  EXPECT_THAT(found("ALTER TABLE large ADD CONSTRAINT c CHECK (price >= 0) NOT VALID;\n"
                    "ALTER TABLE large VALIDATE CONSTRAINT c"),
              ElementsAre("L06 W 2"));
}

TEST_F(Lint, L07ATypeThatIsWrittenOtherwise) {
  const auto type = [&](const std::string& action) { return found("ALTER TABLE small ALTER " + action); };
  EXPECT_THAT(type("id TYPE text"), ElementsAre("L07 E 1"));
  EXPECT_THAT(type("name TYPE varchar(10)"), ElementsAre("L07 E 1"));
  EXPECT_THAT(type("price TYPE numeric(10,3)"), ElementsAre("L07 E 1"));
  EXPECT_THAT(type("name TYPE text USING lower(name)"), ElementsAre("L07 E 1"));
  EXPECT_THAT(type("name TYPE varchar(30)"), IsEmpty());
  EXPECT_THAT(type("name TYPE text"), IsEmpty());
  EXPECT_THAT(type("price TYPE numeric(10,2)"), IsEmpty());
}

TEST_F(Lint, L08AKeyTakesAnIndexThatIsThere) {
  EXPECT_THAT(found("ALTER TABLE small ADD UNIQUE (name)"), ElementsAre("L08 E 1"));
  EXPECT_THAT(found("ALTER TABLE small ADD CONSTRAINT c PRIMARY KEY (id)"), ElementsAre("L08 E 1"));
  EXPECT_THAT(found("ALTER TABLE small ADD CONSTRAINT c UNIQUE USING INDEX i"), IsEmpty());
  EXPECT_THAT(found("ALTER TABLE empty ADD UNIQUE (name)"), IsEmpty());
}

TEST_F(Lint, L09AllRowsInOneStatement) {
  const std::string backfill = "UPDATE small SET price = (SELECT 1 FROM large WHERE large.id = small.id)";
  EXPECT_THAT(found(backfill), ElementsAre("L09 W 1"));
  EXPECT_THAT(found(backfill, Dialect::sqlite), ElementsAre("L09 W 1"));
  EXPECT_THAT(found("UPDATE small SET price = 0 WHERE id < 100"), IsEmpty());
  EXPECT_THAT(found("-- guildhall: batch\n" + backfill), IsEmpty());
}

TEST_F(Lint, L10WhatIsInUseKeepsItsName) {
  EXPECT_THAT(found("ALTER TABLE small RENAME TO little"), ElementsAre("L10 E 1"));
  EXPECT_THAT(found("ALTER TABLE small RENAME COLUMN name TO title", Dialect::sqlite),
              ElementsAre("L10 E 1"));
  EXPECT_THAT(found("ALTER TABLE small RENAME CONSTRAINT a TO b"), IsEmpty());
}

TEST_F(Lint, L11WhatHidesAnotherObject) {
  EXPECT_THAT(found("CREATE TABLE IF NOT EXISTS fresh (id integer PRIMARY KEY)"), ElementsAre("L11 W 1"));
  EXPECT_THAT(found("ALTER TABLE small ADD COLUMN IF NOT EXISTS a integer"), ElementsAre("L11 W 1"));
  EXPECT_THAT(
      found("DO $$ BEGIN CREATE TYPE t AS ENUM ('a'); EXCEPTION WHEN duplicate_object THEN null; END $$"),
      ElementsAre("L11 W 1"));
  EXPECT_THAT(found("CREATE EXTENSION IF NOT EXISTS pg_trgm; DROP INDEX IF EXISTS i"), IsEmpty());
}

TEST_F(Lint, L12RolesThatAreNotThere) {
  EXPECT_THAT(found("GRANT SELECT ON small TO streambot"), ElementsAre("L12 E 1"));
  EXPECT_THAT(found("ALTER TABLE small OWNER TO streambot"), ElementsAre("L12 E 1"));
  EXPECT_THAT(found("CREATE ROLE streambot; GRANT SELECT ON small TO streambot, PUBLIC, OPERATOR"),
              IsEmpty());
  facts_.known = false;
  EXPECT_THAT(found("GRANT SELECT ON small TO streambot"), IsEmpty());
}

TEST_F(Lint, L14NamesThatAreCut) {
  const std::string name(63, 'n');
  EXPECT_THAT(found("CREATE INDEX CONCURRENTLY " + name + "x ON small (id)"), ElementsAre("L14 W 1"));
  EXPECT_THAT(found("CREATE INDEX CONCURRENTLY \"" + name + "\" ON small (id)"), IsEmpty());
}

TEST_F(Lint, L15ATableHasAPrimaryKey) {
  EXPECT_THAT(found("CREATE TABLE fresh (id integer)"), ElementsAre("L15 W 1"));
  EXPECT_THAT(found("CREATE TABLE fresh (id integer)", Dialect::sqlite), ElementsAre("L15 W 1"));
  EXPECT_THAT(found("CREATE TABLE fresh (id integer); ALTER TABLE fresh ADD PRIMARY KEY (id)"), IsEmpty());
  EXPECT_THAT(found("CREATE TABLE part PARTITION OF large DEFAULT; CREATE TEMP TABLE x (id integer)"),
              IsEmpty());
}

TEST_F(Lint, L15L16L22OfATenantSchema) {
  const std::string table =
      "CREATE TABLE fresh (server_id bigint, id bigint, PRIMARY KEY (server_id, id));\n";
  const std::string secure = "ALTER TABLE fresh ENABLE ROW LEVEL SECURITY;\n";
  EXPECT_THAT(found(table + "CREATE VIEW v AS SELECT 1"), IsEmpty()) << "nobody said that it is one";
  options_.tenant_column = "server_id";
  EXPECT_THAT(found(table), ElementsAre("L15 E 1"));
  EXPECT_THAT(found("CREATE TABLE fresh (id bigint PRIMARY KEY)"), ElementsAre("L15 W 1"));
  EXPECT_THAT(found(table + secure), IsEmpty());
  EXPECT_THAT(found(table + secure + "CREATE UNIQUE INDEX i ON fresh (id)"), ElementsAre("L16 E 3"));
  EXPECT_THAT(found(table + secure + "CREATE UNIQUE INDEX i ON fresh (id, server_id)"), IsEmpty());
  EXPECT_THAT(found("CREATE TABLE fresh (server_id bigint, id bigint PRIMARY KEY);\n" + secure),
              ElementsAre("L16 E 1"));
  EXPECT_THAT(found("CREATE VIEW v AS SELECT 1"), ElementsAre("L22 E 1"));
  EXPECT_THAT(found("CREATE VIEW v WITH (security_invoker = true) AS SELECT 1"), IsEmpty());
}

TEST_F(Lint, L17WhoseSearchPathAFunctionTakes) {
  const std::string function = "CREATE FUNCTION f() RETURNS int LANGUAGE sql SECURITY DEFINER ";
  EXPECT_THAT(found(function + "AS 'SELECT 1'"), ElementsAre("L17 E 1"));
  EXPECT_THAT(found(function + "SET search_path = pg_catalog AS 'SELECT 1'"), IsEmpty());
}

TEST_F(Lint, L18L19L20StatementsThatDoNotBelongThere) {
  EXPECT_THAT(found("LOCK TABLE small"), ElementsAre("L18 W 1"));
  EXPECT_THAT(found("SELECT count(*) FROM small"), ElementsAre("L19 W 1"));
  EXPECT_THAT(found("SELECT id FROM small", Dialect::sqlite), ElementsAre("L19 W 1"));
  EXPECT_THAT(found("SELECT create_distributed_table('small', 'id')"), IsEmpty());
  EXPECT_THAT(found("VACUUM FULL small"), ElementsAre("L20 E 1"));
  EXPECT_THAT(found("CLUSTER small USING i"), ElementsAre("L20 E 1"));
  EXPECT_THAT(found("VACUUM ANALYZE small"), IsEmpty());
}

TEST_F(Lint, L21AWayBack) {
  EXPECT_THAT(found_in({{"0001_a.sql", "UPDATE small SET name = '' WHERE id = 1"}}), ElementsAre("L21 W 0"));
  EXPECT_THAT(found_in({{"0001_a.sql", "ALTER TABLE small ADD COLUMN a integer"}}), IsEmpty());
  EXPECT_THAT(
      found_in({{"0001_a.sql", "CREATE TABLE fresh (id integer PRIMARY KEY); INSERT INTO fresh VALUES (1)"}}),
      IsEmpty());
}

TEST_F(Lint, WhatAScriptAllowsIsNotReportedThere) {
  EXPECT_THAT(found_in({{"0001_a.sql", "-- guildhall: allow=L03 reason=\"it moved\"\nDROP TABLE small"},
                        {"0001_a.down.sql", "SELECT"},
                        {"0002_b.sql", "DROP TABLE large"},
                        {"0002_b.down.sql", "SELECT"}}),
              ElementsAre("L03 E 1"));
}

TEST_F(Lint, WhatAnEarlierFileMadeMayHoldSomethingWhenNothingIsKnown) {
  const std::vector<std::pair<std::string, std::string>> files{
      {"0001_a.sql", "CREATE TABLE fresh (id integer PRIMARY KEY)"},
      {"0002_b.sql", "CREATE INDEX i ON fresh (id)"}};
  EXPECT_THAT(found_in(files), IsEmpty());
  facts_.known = false;
  EXPECT_THAT(found_in(files), ElementsAre("L02 W 1"));
  EXPECT_THAT(found("CREATE TABLE fresh (id integer PRIMARY KEY); CREATE INDEX i ON fresh (id)"), IsEmpty());
}

// --- what is there

template <class Fixture>
class FactsTest : public Fixture {
 protected:
  TableFacts facts(const std::string& sql) {
    const std::vector<EmbeddedFile> files{{"0001_up.sql", sql}};
    set_ = read_migrations(files, "test", this->target().dialect);
    const std::vector<Pending> pending{{&set_.migrations.at(0)}};
    this->session().execute("BEGIN");
    auto found = read_table_facts(this->session(), this->target().dialect, pending);
    this->session().execute("ROLLBACK");
    return found;
  }
  void fill(int rows) {
    this->session().execute(
        fmt::format("INSERT INTO filled (id, name) WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 "
                    "FROM n WHERE i < "
                    "{}) SELECT i, 'x' FROM n",
                    rows));
  }
  MigrationSet set_;
};

using AnyDatabaseFacts = FactsTest<test::OnAnyDatabase>;
using FactsInPostgres = FactsTest<test::OnPostgres>;

TEST_F(AnyDatabaseFacts, TablesThatAreNamedAreMeasured) {
  session().execute("CREATE TABLE filled (id integer PRIMARY KEY, name text NOT NULL)");
  session().execute("CREATE TABLE bare (x integer)");
  fill(7);
  const auto found = facts("ALTER TABLE FILLED ADD COLUMN a integer; DROP TABLE bare; DROP TABLE missing");
  ASSERT_TRUE(found.known);
  ASSERT_EQ(found.tables.size(), 2U);
  const TableFact* filled = found.find("filled");
  ASSERT_NE(filled, nullptr);
  EXPECT_EQ(filled->rows, 7);
  EXPECT_FALSE(filled->is_estimate);
  EXPECT_THAT(filled->primary_key, testing::SizeIs(1));
  EXPECT_TRUE(filled->column("name")->not_null);
  EXPECT_EQ(found.find("bare")->rows, 0);
}

TEST_F(AnyDatabaseFacts, LargeTablesAreEstimated) {
  session().execute("CREATE TABLE filled (id integer PRIMARY KEY, name text NOT NULL)");
  fill(10'500);
  const auto found = facts("ALTER TABLE filled ADD COLUMN a integer");
  EXPECT_GT(found.find("filled")->rows, kSmallTable);
  EXPECT_TRUE(found.find("filled")->is_estimate);
}

TEST_F(FactsInPostgres, BytesChecksRolesAndExtensions) {
  session().execute(
      "CREATE TABLE filled (id integer PRIMARY KEY, name text, CONSTRAINT sure CHECK (name IS NOT NULL));"
      "ALTER TABLE filled ADD CONSTRAINT later CHECK (id > 0) NOT VALID");
  fill(1'000);
  const auto found = facts("ALTER TABLE filled ALTER name SET NOT NULL");
  const TableFact* filled = found.find("filled");
  EXPECT_GT(filled->bytes, 8'192);
  EXPECT_GT(filled->index_bytes, 8'192);
  EXPECT_THAT(filled->validated_checks, ElementsAre("CHECK ((name IS NOT NULL))"));
  EXPECT_THAT(found.roles, Contains("operator"));
  EXPECT_THAT(found.extensions, Contains("plpgsql"));
}

TEST_F(FactsInPostgres, ATableThatMayNotBeReadIsTakenToHoldSomething) {
  session().execute(
      "CREATE TABLE filled (id integer PRIMARY KEY, name text); INSERT INTO filled VALUES (1, 'x');"
      "CREATE ROLE facts_reader; GRANT facts_reader TO current_user; SET ROLE facts_reader");
  const auto found = facts("ALTER TABLE filled ADD COLUMN a integer");
  session().execute("RESET ROLE; DROP ROLE facts_reader");
  EXPECT_EQ(found.find("filled")->rows, 1);
  EXPECT_TRUE(found.find("filled")->is_estimate);
}

TEST_F(FactsInPostgres, ATableThatIsHeldIsTakenByItsEstimate) {
  session().execute("CREATE TABLE filled (id integer PRIMARY KEY, name text); ");
  fill(500);
  session().execute("ANALYZE filled");
  const auto holder = *target().open("");
  holder->execute("BEGIN; LOCK TABLE filled");
  session().execute("SET lock_timeout = '20ms'");
  EXPECT_EQ(facts("DROP TABLE filled").find("filled")->rows, 500);
}

}  // namespace
}  // namespace guildhall::migrate
