#include "migrate/schema_snapshot.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/any_database.h"

namespace guildhall::migrate {
namespace {

using test::AnyDatabase;
using testing::AllOf;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

std::vector<std::string> lines(const SchemaSnapshot& snapshot) {
  std::vector<std::string> texts;
  for (const SchemaObject* object : snapshot.objects())
    texts.push_back(fmt::format("{}: {}", object->title(), object->definition()));
  return texts;
}

std::vector<std::string> texts(const std::vector<SchemaDifference>& found) {
  std::vector<std::string> all;
  for (const SchemaDifference& difference : found) all.push_back(difference.text());
  return all;
}

class SchemaSnapshots : public testing::TestWithParam<Dialect> {
 protected:
  SchemaSnapshot of(const std::string& script, const SnapshotOptions& options = {}) const {
    AnyDatabase database(GetParam());
    database.session().execute(script);
    return read_snapshot(database.session(), GetParam(), options);
  }
};

INSTANTIATE_TEST_SUITE_P(Both, SchemaSnapshots, testing::Values(Dialect::sqlite, Dialect::postgres),
                         [](const auto& tested) {
                           return tested.param == Dialect::sqlite ? "Sqlite" : "Postgres";
                         });

constexpr const char* kShop = R"(
CREATE TABLE users (id INTEGER PRIMARY KEY, name TEXT NOT NULL DEFAULT 'x', age INTEGER CHECK (age > 0));
CREATE TABLE orders (id INTEGER PRIMARY KEY, user_id INTEGER REFERENCES users(id) ON DELETE CASCADE, UNIQUE (user_id, id));
CREATE INDEX orders_user ON orders (user_id) WHERE user_id > 10;
CREATE VIEW names AS SELECT name FROM users;)";

TEST_P(SchemaSnapshots, AreEqualWhereverTheSchemaWasMade) {
  const auto one = of(kShop);
  const auto other = of(std::string("CREATE TABLE gone (a INTEGER); DROP TABLE gone;") + kShop);
  EXPECT_EQ(one.fingerprint().size(), 64u);
  EXPECT_EQ(one.fingerprint(), other.fingerprint());
  EXPECT_THAT(texts(differences(one, other)), IsEmpty());
}

TEST_P(SchemaSnapshots, HoldNoRows) {
  EXPECT_EQ(of(kShop).fingerprint(),
            of(std::string(kShop) + "INSERT INTO users (id, age) VALUES (7, 3);").fingerprint());
}

TEST_P(SchemaSnapshots, LeaveTheToolsOwnTablesOut) {
  const bool postgres = GetParam() == Dialect::postgres;
  const std::string schema = postgres ? "guildhall." : "";
  std::string tools = postgres ? "CREATE SCHEMA guildhall;" : "";
  tools += fmt::format(
      "CREATE TABLE {0}migration_journal (seq {1}, name TEXT UNIQUE);"
      "CREATE INDEX {2}migration_journal_name ON {0}migration_journal (name);"
      "CREATE TABLE {0}migration_journal_version (version INTEGER); CREATE TABLE {0}migration_lock (id "
      "INTEGER);"
      "CREATE VIEW drizzle_migrations AS SELECT name AS id FROM {0}migration_journal;",
      schema, postgres ? "BIGINT GENERATED ALWAYS AS IDENTITY" : "INTEGER PRIMARY KEY AUTOINCREMENT", "");
  tools += postgres ? R"(
CREATE FUNCTION guildhall.migration_journal_refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NULL; END $$;
CREATE TRIGGER refuse BEFORE DELETE ON guildhall.migration_journal EXECUTE FUNCTION guildhall.migration_journal_refuse();)"
                    : R"(
CREATE TRIGGER refuse BEFORE DELETE ON migration_journal BEGIN SELECT raise(ABORT, 'no'); END;)";
  EXPECT_THAT(texts(differences(of(kShop), of(tools + kShop))), IsEmpty());
}

TEST_P(SchemaSnapshots, OrderOfColumnsCountsOnlyWhenItIsToCount) {
  const std::string one = "CREATE TABLE t (a INTEGER, b INTEGER);";
  const std::string other = "CREATE TABLE t (b INTEGER, a INTEGER);";
  EXPECT_EQ(of(one).fingerprint(), of(other).fingerprint());
  EXPECT_NE(of(one, {.strict_order = true}).fingerprint(), of(other, {.strict_order = true}).fingerprint());
}

TEST_P(SchemaSnapshots, NameWhatDiffersInPlainLines) {
  const auto before = of("CREATE TABLE t (a INTEGER DEFAULT 1, b INTEGER); CREATE TABLE gone (x INTEGER);");
  const auto after = of("CREATE TABLE t (a INTEGER DEFAULT 2, c TEXT NOT NULL);");
  const bool postgres = GetParam() == Dialect::postgres;
  const std::string t = postgres ? "public.t" : "\"t\"";
  const auto name = [&](std::string_view plain) {
    return postgres ? std::string(plain) : fmt::format("\"{}\"", plain);
  };
  const std::string integer = postgres ? "integer" : "INTEGER";
  EXPECT_THAT(
      texts(differences(before, after)),
      testing::UnorderedElementsAre(
          fmt::format("changed column {0}.{1}: type {2}, default 1 -> type {2}, default 2", t, name("a"),
                      integer),
          fmt::format("missing column {}.{}: type {}", t, name("b"), integer),
          fmt::format("added column {}.{}: type {}, not null", t, name("c"), postgres ? "text" : "TEXT"),
          HasSubstr("missing table"), HasSubstr("missing column")));
}

/// Each of these is another schema than the plain table.
struct Variant {
  const char* sql;
  const char* difference;
};

std::string differing(const SchemaSnapshot& from, const SchemaSnapshot& to) {
  std::string all;
  for (const auto& text : texts(differences(from, to))) all += text + "\n";
  return all;
}

TEST(SchemaSnapshotOfPostgres, NoticesEveryKindOfChange) {
  AnyDatabase database(Dialect::postgres);
  auto& session = database.session();
  session.execute(R"(
CREATE TABLE t (a integer, b text, c integer CONSTRAINT c_positive CHECK (c > 0));
CREATE TABLE parted (k integer, v text) PARTITION BY LIST (k);
CREATE TABLE base (a integer);
CREATE VIEW v AS SELECT a FROM t;
CREATE FUNCTION f(x integer) RETURNS integer LANGUAGE sql AS 'SELECT 1';
CREATE FUNCTION g() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
CREATE TRIGGER tr BEFORE INSERT ON t FOR EACH ROW EXECUTE FUNCTION g();
CREATE POLICY p ON t USING (a > 0);
CREATE TYPE e AS ENUM ('one', 'two');
CREATE DOMAIN d AS integer CHECK (VALUE > 0);
CREATE TYPE pair AS (l integer, r integer);
CREATE SEQUENCE s;)");
  const Variant variants[] = {
      {"CREATE TABLE n (x integer)", "added table public.n"},
      {"ALTER TABLE t ALTER a SET NOT NULL",
       "changed column public.t.a: type integer -> type integer, not null"},
      {"ALTER TABLE t ALTER c TYPE bigint", "changed column public.t.c: type integer -> type bigint"},
      {"ALTER TABLE t ALTER a SET DEFAULT 4", "default 4"},
      {"ALTER TABLE t ALTER a SET NOT NULL, ALTER a ADD GENERATED ALWAYS AS IDENTITY", "identity always"},
      {"ALTER TABLE t ADD g integer GENERATED ALWAYS AS (a + 1) STORED", "generated (a + 1)"},
      {"ALTER TABLE t ALTER b TYPE text COLLATE \"C\"", "collation \"C\""},
      {"ALTER TABLE t SET UNLOGGED", "persistence unlogged"},
      {"ALTER TABLE t ENABLE ROW LEVEL SECURITY", "row security on"},
      {"ALTER TABLE t ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY", "row security forced"},
      {"ALTER TABLE t SET (fillfactor = 50)", "options fillfactor=50"},
      {"ALTER TABLE t INHERIT base", "inherits public.base"},
      {"CREATE TABLE part PARTITION OF parted FOR VALUES IN (1)",
       "partition of public.parted FOR VALUES IN (1)"},
      {"ALTER TABLE t ADD CONSTRAINT k CHECK (a > 1) NOT VALID", "NOT VALID"},
      {"ALTER TABLE t ADD CONSTRAINT k EXCLUDE USING gist (int4range(a, c) WITH &&)", "EXCLUDE USING gist"},
      {"ALTER TABLE t ADD UNIQUE (a)", "UNIQUE (a)"},
      {"ALTER TABLE t DROP CONSTRAINT c_positive", "missing constraint public.t.c_positive: CHECK ((c > 0))"},
      {"CREATE INDEX i ON t (lower(b)) WHERE a > 3", "lower(b)) WHERE (a > 3)"},
      {"CREATE STATISTICS st ON a, c FROM t", "added statistics public.st"},
      {"CREATE OR REPLACE VIEW v AS SELECT a + 0 AS a FROM t", "changed view public.v"},
      {"ALTER VIEW v SET (security_invoker = true)", "security_invoker=true"},
      {"CREATE MATERIALIZED VIEW m AS SELECT 1 AS x", "added materialized view public.m"},
      {"CREATE OR REPLACE FUNCTION f(x integer) RETURNS integer LANGUAGE sql AS 'SELECT 2'",
       "changed function public.f(integer)"},
      {"ALTER FUNCTION f SECURITY DEFINER", "SECURITY DEFINER"},
      {"CREATE PROCEDURE pr(a integer) LANGUAGE sql AS ''", "added procedure public.pr(integer)"},
      {"CREATE AGGREGATE total(integer) (SFUNC = int4pl, STYPE = integer)",
       "added aggregate public.total(integer)"},
      {"ALTER TABLE t DISABLE TRIGGER tr", "changed trigger tr on public.t"},
      {"CREATE RULE ru AS ON DELETE TO t DO INSTEAD NOTHING", "added rule ru on public.t"},
      {"ALTER POLICY p ON t USING (a > 1)", "changed policy p on public.t"},
      {"CREATE POLICY p2 ON t AS RESTRICTIVE FOR UPDATE TO operator USING (true) WITH CHECK (a = 1)",
       "AS RESTRICTIVE FOR UPDATE TO operator USING (true) WITH CHECK ((a = 1))"},
      {"ALTER TYPE e ADD VALUE 'three'", "labels 'one', 'two', 'three'"},
      {"ALTER TYPE e RENAME VALUE 'two' TO 'zwei'", "labels 'one', 'zwei'"},
      {"ALTER DOMAIN d SET NOT NULL", "changed domain public.d"},
      {"ALTER DOMAIN d ADD CONSTRAINT small CHECK (VALUE < 9)", "added domain constraint public.d.small"},
      {"ALTER TYPE pair ADD ATTRIBUTE m text", "changed type public.pair: columns l integer, r integer ->"},
      {"CREATE TYPE span AS RANGE (SUBTYPE = integer)", "added range type public.span"},
      {"ALTER SEQUENCE s INCREMENT 5 CYCLE", "INCREMENT BY 5"},
      {"ALTER SEQUENCE s OWNED BY t.a", "owned by public.t.a"},
      {"CREATE SCHEMA \"Other One\"", "added schema \"Other One\""},
      {"COMMENT ON COLUMN t.a IS 'why'", "comment why"},
      {"COMMENT ON TABLE t IS 'why'", "comment why"},
      {"COMMENT ON CONSTRAINT c_positive ON t IS 'why'", "comment why"},
      {"COMMENT ON FUNCTION f IS 'why'", "comment why"},
      {"COMMENT ON TYPE e IS 'why'", "comment why"},
      {"COMMENT ON TYPE pair IS 'why'", "comment why"},
      {"COMMENT ON SCHEMA public IS 'why'", "comment why"},
      {"COMMENT ON POLICY p ON t IS 'why'", "comment why"},
      {"COMMENT ON TRIGGER tr ON t IS 'why'", "comment why"},
  };
  const auto before = read_snapshot(session, Dialect::postgres);
  for (const Variant& variant : variants) {
    session.execute("BEGIN");
    session.execute(variant.sql);
    const auto after = read_snapshot(session, Dialect::postgres);
    session.execute("ROLLBACK");
    EXPECT_THAT(differing(before, after), HasSubstr(variant.difference)) << variant.sql;
    EXPECT_NE(before.fingerprint(), after.fingerprint()) << variant.sql;
  }
  EXPECT_EQ(read_snapshot(session, Dialect::postgres).fingerprint(), before.fingerprint());
}

TEST(SchemaSnapshotOfPostgres, DoesNotDependOnTheSessionAndLeavesItAsItIs) {
  AnyDatabase database(Dialect::postgres);
  auto& session = database.session();
  session.execute(R"(
CREATE SCHEMA other;
CREATE TYPE other.mood AS ENUM ('good');
CREATE FUNCTION other.now_text(t timestamptz DEFAULT '2020-01-01 00:00+02') RETURNS text LANGUAGE sql AS 'SELECT t::text';
CREATE TABLE other.t (at timestamptz DEFAULT '2020-01-01 12:00+00', m other.mood DEFAULT 'good',
                      i interval DEFAULT '1 day 2 hours', x bytea DEFAULT '\x6162', note text DEFAULT other.now_text());
CREATE VIEW other.v AS SELECT m, note || 'a\b' AS n FROM other.t;
CREATE DOMAIN other.dom AS other.mood DEFAULT 'good';)");
  const auto plain = read_snapshot(session, Dialect::postgres);
  session.execute(
      "SET search_path = other; SET quote_all_identifiers = on; SET DateStyle = 'SQL, DMY';"
      "SET IntervalStyle = iso_8601; SET TimeZone = 'Asia/Tokyo'; SET bytea_output = escape;"
      "SET standard_conforming_strings = off");
  EXPECT_THAT(texts(differences(plain, read_snapshot(session, Dialect::postgres))), IsEmpty());
  session.execute("BEGIN; SET LOCAL TimeZone = 'Asia/Seoul'; SET search_path = other, public");
  EXPECT_THAT(texts(differences(plain, read_snapshot(session, Dialect::postgres))), IsEmpty());
  EXPECT_EQ(session.query("SHOW TimeZone").at(0).at(0), "Asia/Seoul");
  EXPECT_EQ(session.query("SHOW search_path").at(0).at(0), "\"other\", \"public\"");
  session.execute("COMMIT");
  EXPECT_EQ(session.query("SHOW TimeZone").at(0).at(0), "Asia/Tokyo");
  EXPECT_EQ(session.query("SHOW search_path").at(0).at(0), "\"other\", \"public\"");
  EXPECT_FALSE(session.in_transaction());
}

TEST(SchemaSnapshotOfPostgres, LeavesExtensionsAndTemporaryTablesOut) {
  AnyDatabase database(Dialect::postgres);
  auto& session = database.session();
  const auto before = read_snapshot(session, Dialect::postgres);
  session.execute("CREATE TEMP TABLE mine (a serial); CREATE EXTENSION hstore");
  EXPECT_THAT(texts(differences(before, read_snapshot(session, Dialect::postgres))),
              ElementsAre(HasSubstr("added extension hstore")));
}

TEST(SchemaSnapshotOfPostgres, CommentsCountOnlyWhenTheyAreToCount) {
  AnyDatabase database(Dialect::postgres);
  auto& session = database.session();
  session.execute("CREATE TABLE t (a integer)");
  const auto before = read_snapshot(session, Dialect::postgres, {.comments = false});
  session.execute("COMMENT ON COLUMN t.a IS 'x'");
  EXPECT_THAT(differences(before, read_snapshot(session, Dialect::postgres, {.comments = false})), IsEmpty());
}

TEST(SchemaSnapshotOfPostgres, TellsInvalidIndexes) {
  AnyDatabase database(Dialect::postgres);
  auto& session = database.session();
  session.execute("CREATE TABLE t (a integer); INSERT INTO t VALUES (1), (1)");
  EXPECT_THROW(session.run("CREATE UNIQUE INDEX CONCURRENTLY u ON t (a)"), store::StatementError);
  EXPECT_THAT(lines(read_snapshot(session, Dialect::postgres)),
              Contains(AllOf(HasSubstr("index public.u"), HasSubstr("validity invalid"))));
}

TEST(SchemaSnapshotOfSqlite, NoticesEveryKindOfChange) {
  const std::string plain = "CREATE TABLE t (a INTEGER, b TEXT)";
  const Variant variants[] = {
      {"CREATE TABLE t (a INTEGER, b VARCHAR(10))", "type VARCHAR(10)"},
      {"CREATE TABLE t (a INTEGER NOT NULL, b TEXT)", "not null"},
      {"CREATE TABLE t (a INTEGER DEFAULT (1 + 1), b TEXT)", "default 1 + 1"},
      {"CREATE TABLE t (a INTEGER, b TEXT COLLATE NOCASE)", "collation nocase"},
      {"CREATE TABLE t (a INTEGER PRIMARY KEY, b TEXT)", "PRIMARY KEY (\"a\")"},
      {"CREATE TABLE t (a INTEGER PRIMARY KEY AUTOINCREMENT, b TEXT)", "autoincrement"},
      {"CREATE TABLE t (a INTEGER, b TEXT, PRIMARY KEY (b, a))", "PRIMARY KEY (\"b\", \"a\")"},
      {"CREATE TABLE t (a INTEGER, b TEXT UNIQUE)", "UNIQUE (\"b\")"},
      {"CREATE TABLE t (a INTEGER, b TEXT UNIQUE ON CONFLICT IGNORE)", "on conflict"},
      {"CREATE TABLE t (a INTEGER CHECK (a > (1)), b TEXT)", "CHECK (a > ( 1 ))"},
      {"CREATE TABLE t (a INTEGER, b TEXT, CHECK (a <> 'x,y'))", "CHECK (a <> 'x,y')"},
      {"CREATE TABLE t (a INTEGER REFERENCES u (x), b TEXT)", "FOREIGN KEY (\"a\") REFERENCES \"u\" (\"x\")"},
      {"CREATE TABLE t (a INTEGER, b TEXT REFERENCES u DEFERRABLE INITIALLY DEFERRED NOT NULL)",
       "FOREIGN KEY (\"b\") REFERENCES \"u\" deferrable initially deferred"},
      {"CREATE TABLE t (a INTEGER REFERENCES u ON UPDATE CASCADE ON DELETE SET NULL, b TEXT)",
       "ON UPDATE CASCADE ON DELETE SET NULL"},
      {"CREATE TABLE t (a INTEGER, b TEXT, c INTEGER AS (a + 1) STORED)", "generated a + 1 stored"},
      {"CREATE TABLE t (a INTEGER, b TEXT) STRICT", "options strict"},
      {"CREATE TABLE t (a INTEGER, b TEXT PRIMARY KEY) WITHOUT ROWID", "options without rowid"},
      {"CREATE TABLE t (a INTEGER, b TEXT); CREATE UNIQUE INDEX i ON t (a) WHERE b = 'X'", "where b = 'X'"},
      {"CREATE TABLE t (a INTEGER, b TEXT); CREATE VIEW v AS SELECT a FROM t", "added view \"v\""},
      {"CREATE TABLE t (a INTEGER, b TEXT); CREATE TRIGGER tr AFTER INSERT ON t BEGIN SELECT 1; END",
       "added trigger \"tr\" on \"t\""},
      {"CREATE TABLE t (a INTEGER, b TEXT); CREATE VIRTUAL TABLE f USING fts5(x)", "virtual"},
  };
  const auto of = [](const std::string& sql) {
    AnyDatabase database(Dialect::sqlite);
    database.session().execute(sql);
    return read_snapshot(database.session(), Dialect::sqlite);
  };
  const auto before = of(plain);
  for (const Variant& variant : variants) {
    const auto after = of(variant.sql);
    EXPECT_THAT(differing(before, after), HasSubstr(variant.difference)) << variant.sql;
    EXPECT_NE(before.fingerprint(), after.fingerprint()) << variant.sql;
  }
}

TEST(SchemaSnapshotOfSqlite, DoesNotDependOnHowItIsWritten) {
  const auto of = [](const std::string& sql) {
    AnyDatabase database(Dialect::sqlite);
    database.session().execute(sql);
    return read_snapshot(database.session(), Dialect::sqlite);
  };
  const auto one =
      of("CREATE TABLE t (a INTEGER NOT NULL DEFAULT 1, \"b c\" TEXT REFERENCES t2 (x), UNIQUE (a));"
         "CREATE VIEW v AS SELECT a FROM t");
  const auto other = of(
      "create table t ( -- first\n a integer default 1 not null unique );"
      "alter table t add column [b c] text references t2(x); create view v as\n\n select a /* it */ from t");
  EXPECT_THAT(texts(differences(one, other)), IsEmpty());
  EXPECT_EQ(one.fingerprint(), other.fingerprint());
}

}  // namespace
}  // namespace guildhall::migrate
