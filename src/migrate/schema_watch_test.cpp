#include "migrate/schema_watch.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>

#include "tests/support/any_database.h"
#include "tests/support/full_counts.h"
#include "tests/support/test_database.h"

namespace guildhall::migrate {
namespace {

using test::AnyDatabase;

std::string differing(const SchemaSnapshot& from, const SchemaSnapshot& to) {
  std::string all;
  for (const auto& difference : differences(from, to)) all += difference.text() + "\n";
  return all;
}

class SchemaWatches : public testing::TestWithParam<Dialect> {
 protected:
};

INSTANTIATE_TEST_SUITE_P(Both, SchemaWatches, testing::Values(Dialect::sqlite, Dialect::postgres),
                         [](const auto& tested) {
                           return tested.param == Dialect::sqlite ? "Sqlite" : "Postgres";
                         });

/// Statements at random, over few names: many of them fail, and are taken back to a savepoint.
class RandomDdl {
 public:
  RandomDdl(Dialect dialect, unsigned seed) : dialect_(dialect), random_(seed) {}

  std::string next() {
    const std::string t = table(), u = table(), c = column(), d = column();
    const auto n = number();
    std::vector<std::string> choices = {
        fmt::format("CREATE TABLE {} (id INTEGER PRIMARY KEY, {} INTEGER, {} TEXT)", t, c, d),
        fmt::format("CREATE TABLE {} (id INTEGER PRIMARY KEY, {} INTEGER REFERENCES {} (id))", t, c, u),
        fmt::format("DROP TABLE {}", t),
        fmt::format("ALTER TABLE {} ADD COLUMN {} INTEGER DEFAULT {}", t, c, n),
        fmt::format("ALTER TABLE {} DROP COLUMN {}", t, c),
        fmt::format("ALTER TABLE {} RENAME TO {}", t, u),
        fmt::format("ALTER TABLE {} RENAME COLUMN {} TO {}", t, c, d),
        fmt::format("CREATE INDEX i{} ON {} ({})", n, t, c),
        fmt::format("CREATE INDEX i{} ON {} ({}) WHERE {} > {}", n, t, c, d, n),
        fmt::format("DROP INDEX i{}", n),
        fmt::format("CREATE VIEW v{} AS SELECT x.id, x.{} FROM {} x JOIN {} y ON x.id = y.id", n, c, t, u),
        fmt::format("CREATE VIEW v{} AS SELECT * FROM {} JOIN {} USING (id)", n, t, u),
        fmt::format("CREATE VIEW v{} AS SELECT {} AS {} FROM v{}", n, c, d, number()),
        fmt::format("DROP VIEW v{}", n),
    };
    if (dialect_ == Dialect::postgres) add_postgres(choices, t, u, c, d, n);
    return choices[random_() % choices.size()];
  }

 private:
  std::string table() { return pick({"alpha", "beta", "\"Gamma Ray\"", "delta"}); }
  std::string column() { return pick({"a", "b", "\"C d\"", "id"}); }
  int number() { return static_cast<int>(random_() % 4); }
  std::string pick(std::vector<std::string> from) { return from[random_() % from.size()]; }

  void add_postgres(std::vector<std::string>& choices, const std::string& t, const std::string& u,
                    const std::string& c, const std::string& d, int n) {
    const auto m = number();
    const std::vector<std::string> more = {
        fmt::format("ALTER TABLE {} ALTER {} SET DEFAULT {}", t, c, n),
        fmt::format("ALTER TABLE {} ALTER {} DROP DEFAULT", t, c),
        fmt::format("ALTER TABLE {} ALTER {} SET NOT NULL", t, c),
        fmt::format("ALTER TABLE {} ALTER {} TYPE bigint", t, c),
        fmt::format("ALTER TABLE {} ADD CONSTRAINT k{} CHECK ({} > {}) NOT VALID", t, n, c, m),
        fmt::format("ALTER TABLE {} VALIDATE CONSTRAINT k{}", t, n),
        fmt::format("ALTER TABLE {} RENAME CONSTRAINT k{} TO k{}", t, n, m),
        fmt::format("ALTER TABLE {} DROP CONSTRAINT k{}", t, n),
        fmt::format("ALTER TABLE {} ADD CONSTRAINT f{} FOREIGN KEY ({}) REFERENCES {} (id)", t, n, c, u),
        fmt::format("ALTER TABLE {} ENABLE ROW LEVEL SECURITY", t),
        fmt::format("ALTER INDEX i{} RENAME TO i{}", n, m),
        fmt::format("CREATE POLICY p{} ON {} USING ({} > {})", n, t, c, m),
        fmt::format("CREATE POLICY p{} ON {} USING (id IN (SELECT {} FROM {}))", n, t, c, u),
        fmt::format("ALTER POLICY p{} ON {} USING ({} < {})", n, t, c, m),
        fmt::format("DROP POLICY p{} ON {}", n, t),
        fmt::format("CREATE TYPE e{} AS ENUM ('one', 'two')", n),
        fmt::format("ALTER TYPE e{} ADD VALUE IF NOT EXISTS 'v{}'", n, m),
        fmt::format("ALTER TYPE e{} RENAME VALUE 'two' TO 'w{}'", n, m),
        fmt::format("ALTER TABLE {} ADD e{} e{} DEFAULT 'two'", t, n, n),
        fmt::format("ALTER TYPE e{} RENAME TO e{}", n, m),
        fmt::format("DROP TYPE e{} CASCADE", n),
        fmt::format("CREATE DOMAIN d{} AS integer CHECK (VALUE > {})", n, m),
        fmt::format("ALTER DOMAIN d{} ADD CONSTRAINT k{} CHECK (VALUE < 100)", n, m),
        fmt::format("DROP DOMAIN d{}", n),
        fmt::format("CREATE TYPE r{} AS (x integer, y text)", n),
        fmt::format("ALTER TYPE r{} ADD ATTRIBUTE z{} integer", n, m),
        fmt::format("CREATE OR REPLACE FUNCTION f{}(x integer DEFAULT {}) RETURNS integer LANGUAGE sql AS "
                    "'SELECT {}'",
                    n, m, m),
        fmt::format(
            "CREATE FUNCTION g{}() RETURNS bigint LANGUAGE sql BEGIN ATOMIC SELECT sum({}) FROM {}; END", n,
            c, t),
        fmt::format("ALTER FUNCTION f{} RENAME TO f{}", n, m),
        fmt::format("DROP FUNCTION f{}", n),
        fmt::format("ALTER TABLE {} ALTER {} SET DEFAULT f{}()", t, c, n),
        fmt::format(
            "CREATE OR REPLACE FUNCTION tg() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END'"),
        fmt::format("CREATE TRIGGER t{} BEFORE UPDATE OF {} ON {} FOR EACH ROW EXECUTE FUNCTION tg()", n, c,
                    t),
        fmt::format("ALTER TABLE {} DISABLE TRIGGER t{}", t, n),
        fmt::format("DROP TRIGGER t{} ON {}", n, t),
        fmt::format("CREATE SEQUENCE s{}", n),
        fmt::format("ALTER SEQUENCE s{} INCREMENT {}", n, m + 1),
        fmt::format("ALTER SEQUENCE s{} OWNED BY {}.{}", n, t, c),
        fmt::format("ALTER TABLE {} ALTER {} SET DEFAULT nextval('s{}')", t, c, n),
        fmt::format("CREATE SCHEMA \"S{}\"", n),
        fmt::format("ALTER SCHEMA \"S{}\" RENAME TO \"S{}\"", n, m),
        fmt::format("ALTER TABLE {} SET SCHEMA \"S{}\"", t, n),
        fmt::format("DROP SCHEMA \"S{}\" CASCADE", n),
        fmt::format("COMMENT ON TABLE {} IS 'c{}'", t, n),
        fmt::format("COMMENT ON TABLE {} IS NULL", t),
        fmt::format("COMMENT ON COLUMN {}.{} IS 'c{}'", t, c, n),
        fmt::format("COMMENT ON INDEX i{} IS 'c{}'", n, m),
        fmt::format("COMMENT ON SCHEMA public IS 'c{}'", n),
        fmt::format("CREATE MATERIALIZED VIEW m{} AS SELECT {} FROM {}", n, c, t),
        fmt::format("CREATE INDEX mi{} ON m{} ({})", n, n, c),
        fmt::format("DROP MATERIALIZED VIEW m{}", n),
        fmt::format("CREATE OR REPLACE VIEW v{} AS SELECT {} FROM {}", n, c, t),
        fmt::format("CREATE RULE ru{} AS ON DELETE TO {} DO INSTEAD NOTHING", n, t),
        fmt::format("CREATE STATISTICS st{} ON {}, {} FROM {}", n, c, d, t),
        fmt::format("DROP TABLE {} CASCADE", t),
        fmt::format("ALTER TABLE {} DROP COLUMN {} CASCADE", t, c),
        fmt::format("CREATE TABLE {} (LIKE {} INCLUDING ALL)", t, u),
        fmt::format("ALTER TABLE {} INHERIT {}", t, u),
        fmt::format(
            "DO $$ BEGIN CREATE TABLE made{0} (x integer); RAISE EXCEPTION 'no'; EXCEPTION WHEN OTHERS "
            "THEN CREATE TABLE kept{0} (y integer); END $$",
            n),
        fmt::format("DROP TABLE kept{}", n),
        fmt::format("VACUUM"),
    };
    choices.insert(choices.end(), more.begin(), more.end());
  }

  Dialect dialect_;
  std::mt19937 random_;
};

/// How many random lives: few at every change, many in a whole run.
unsigned seeds() { return test::full_counts() ? 30 : 3; }

/// Whatever happens: one update more is what a whole reading is.
TEST_P(SchemaWatches, AreEqualToAWholeReadingAfterAnyChanges) {
  for (unsigned seed = 1; seed <= seeds(); ++seed) {
    AnyDatabase database(GetParam());
    auto& session = database.session();
    for (const char* name : {"alpha", "beta", "\"Gamma Ray\""})
      session.execute(fmt::format("CREATE TABLE {} (id INTEGER PRIMARY KEY, a INTEGER, b INTEGER)", name));
    RandomDdl ddl(GetParam(), seed);
    std::mt19937 random(seed);
    SchemaWatch watch(session, GetParam());
    watch.update();
    std::string story;
    int done = 0;
    for (int step = 0; step < 60; ++step) {
      session.execute("BEGIN");
      for (unsigned i = 0; i < 1 + random() % 4; ++i) {
        const std::string sql = ddl.next();
        session.execute("SAVEPOINT one");
        try {
          session.execute(sql);
          const bool back = random() % 6 == 0;
          if (back) session.execute("ROLLBACK TO SAVEPOINT one");
          story += fmt::format("{};{}\n", sql, back ? " -- taken back" : "");
          ++done;
        } catch (const store::DatabaseError&) {
          session.execute("ROLLBACK TO SAVEPOINT one");
        }
        session.execute("RELEASE SAVEPOINT one");
      }
      const SchemaSnapshot before = watch.now();
      watch.update(random() % 3 == 0 ? SchemaWatch::Changed::anywhere : SchemaWatch::Changed::here);
      ASSERT_EQ(differing(watch.now(), read_snapshot(session, GetParam())), "") << seed << "\n" << story;
      ASSERT_EQ(watch.now().fingerprint(), read_snapshot(session, GetParam()).fingerprint()) << story;
      if (random() % 4 == 0) {
        session.execute("ROLLBACK");
        watch.undo();
        ASSERT_EQ(differing(watch.now(), before), "") << story;
        story += "-- all of it taken back\n";
      } else {
        session.execute("COMMIT");
        story += "-- kept\n";
      }
    }
    EXPECT_GT(done, 20) << story;
  }
}

TEST_P(SchemaWatches, NoticeWhatOthersDid) {
  AnyDatabase database(GetParam());
  SchemaWatch watch(database.session(), GetParam());
  watch.update();
  const auto other = *database.target().open("");
  other->execute("BEGIN");
  other->execute("CREATE TABLE theirs (a INTEGER)");
  if (GetParam() == Dialect::postgres) {
    // Begun earlier, seen later.
    database.session().execute("CREATE TABLE ours (a INTEGER)");
    watch.update();
  }
  other->execute("COMMIT");
  watch.update();
  EXPECT_EQ(differing(watch.now(), read_snapshot(database.session(), GetParam())), "");
  EXPECT_THAT(differing({}, watch.now()), testing::HasSubstr("theirs"));
}

int shared_parts(const SchemaSnapshot& before, const SchemaSnapshot& after) {
  return static_cast<int>(std::ranges::count_if(
      after.parts(), [&](const auto& part) { return before.find(part->id) == part.get(); }));
}

/// What was written since the oldest transaction that was open is read again, and on the tests' server others
/// may have some open: goes on until none is that old any more.
void settle(SchemaWatch& watch) {
  for (int tries = 0; tries < 5'000; ++tries) {
    const SchemaSnapshot before = watch.now();
    const SchemaSnapshot after = watch.update();
    if (shared_parts(before, after) == static_cast<int>(after.parts().size())) return;
  }
}

TEST_P(SchemaWatches, ShareWhatDidNotChange) {
  AnyDatabase database(GetParam());
  database.session().execute("CREATE TABLE a (x INTEGER)");
  database.session().execute("CREATE TABLE b (x INTEGER)");
  SchemaWatch watch(database.session(), GetParam());
  watch.update();
  settle(watch);
  const SchemaSnapshot before = watch.now();
  database.session().execute("ALTER TABLE b ADD COLUMN y INTEGER");
  const SchemaSnapshot after = watch.update();
  EXPECT_EQ(shared_parts(before, after), static_cast<int>(after.parts().size()) - 1);
}

/// Each changes the words in which the database speaks of something else.
TEST(SchemaWatchOfPostgres, ReadsWhatSpeaksOfTheChanged) {
  AnyDatabase database(Dialect::postgres);
  auto& session = database.session();
  session.execute(R"(
CREATE SCHEMA s;
CREATE TYPE s.mood AS ENUM ('good', 'bad');
CREATE DOMAIN s.age AS integer;
CREATE FUNCTION s.f(x integer) RETURNS integer LANGUAGE sql AS 'SELECT x';
CREATE SEQUENCE s.numbers;
CREATE TABLE s.t (id integer PRIMARY KEY, a integer, m s.mood DEFAULT 'good');
CREATE TABLE s.u (id integer REFERENCES s.t, n integer DEFAULT nextval('s.numbers'), g s.age DEFAULT s.f(1));
CREATE VIEW s.joined AS SELECT * FROM s.t JOIN s.u USING (id);
CREATE VIEW s.over AS SELECT joined.a AS b FROM s.joined;
CREATE VIEW s.moods AS SELECT id FROM s.t WHERE m = 'bad';
CREATE POLICY p ON s.u USING (EXISTS (SELECT FROM s.t WHERE t.a = u.n));
CREATE FUNCTION s.sum_a() RETURNS bigint LANGUAGE sql BEGIN ATOMIC SELECT sum(a) FROM s.t; END;
COMMENT ON TABLE s.t IS 'one';)");
  SchemaWatch watch(session, Dialect::postgres);
  watch.update();
  const auto before = watch.now();
  for (const char* sql :
       {"ALTER TABLE s.t RENAME TO tt", "ALTER TABLE s.t RENAME a TO aa", "ALTER TABLE s.u ADD a integer",
        "ALTER VIEW s.joined RENAME a TO c", "ALTER TABLE s.t RENAME id TO identity",
        "ALTER SCHEMA s RENAME TO ss", "ALTER TYPE s.mood RENAME VALUE 'bad' TO 'sad'",
        "ALTER TYPE s.mood RENAME TO spirit", "ALTER DOMAIN s.age RENAME TO years",
        "ALTER FUNCTION s.f RENAME TO ff", "ALTER SEQUENCE s.numbers RENAME TO counts",
        "ALTER TABLE s.t SET SCHEMA public", "DROP VIEW s.over; DROP VIEW s.joined; DROP VIEW s.moods",
        "DROP POLICY p ON s.u; COMMENT ON TABLE s.t IS NULL",
        "DROP FUNCTION s.sum_a(); DROP TABLE s.u CASCADE", "DROP SCHEMA s CASCADE"}) {
    session.execute("BEGIN");
    session.execute(sql);
    const SchemaSnapshot whole = read_snapshot(session, Dialect::postgres);
    EXPECT_EQ(differing(watch.update(SchemaWatch::Changed::here), whole), "") << sql;
    watch.undo();
    EXPECT_EQ(differing(watch.update(), whole), "") << sql;
    EXPECT_NE(watch.now().fingerprint(), before.fingerprint()) << sql;
    session.execute("ROLLBACK");
    watch.undo();
    EXPECT_EQ(watch.now().fingerprint(), before.fingerprint()) << sql;
    EXPECT_EQ(watch.update().fingerprint(), before.fingerprint()) << sql;
  }
}

/// What came and went between two updates of the dearer kind.
TEST(SchemaWatchOfPostgres, ForgetsWhatTheCheaperUpdateFound) {
  AnyDatabase database(Dialect::postgres);
  auto& session = database.session();
  SchemaWatch watch(session, Dialect::postgres);
  watch.update();
  session.execute("BEGIN; CREATE TABLE t (a integer); CREATE VIEW v AS SELECT a FROM t");
  watch.update(SchemaWatch::Changed::here);
  session.execute("COMMIT");
  session.execute("BEGIN; DROP TABLE t CASCADE");
  watch.update();
  EXPECT_EQ(differing(watch.now(), read_snapshot(session, Dialect::postgres)), "");
  session.execute("ROLLBACK");
  watch.undo();
  session.execute("DROP VIEW v");
  watch.update();
  EXPECT_EQ(differing(watch.now(), read_snapshot(session, Dialect::postgres)), "");
}

/// Rights are no part of the definition, but whoever makes the object anew has to know of them.
TEST(SchemaWatchOfPostgres, KnowsWhatHasRightsOfItsOwn) {
  AnyDatabase database(Dialect::postgres);
  auto& session = database.session();
  session.execute("CREATE VIEW v AS SELECT 1 AS a");
  SchemaWatch watch(session, Dialect::postgres);
  watch.update();
  session.execute("BEGIN; GRANT SELECT ON v TO PUBLIC");
  watch.update(SchemaWatch::Changed::here);
  session.execute("COMMIT");
  for (const SchemaObject* object : watch.now().objects())
    EXPECT_EQ(object->has_grants, object->name == "public.v");
}

/// What a rolled-back transaction made is not remembered as something that could be gone.
TEST(SchemaWatchOfPostgres, ForgetsWhatWasRolledBack) {
  AnyDatabase database(Dialect::postgres);
  auto& session = database.session();
  session.execute("CREATE TABLE t (a integer); CREATE INDEX gone ON t (a)");
  SchemaWatch watch(session, Dialect::postgres);
  watch.update();
  session.execute("BEGIN; CREATE INDEX never ON t (a); DROP INDEX gone");
  watch.update();
  session.execute("ROLLBACK");
  watch.undo();
  const auto other = *database.target().open("");
  session.execute("BEGIN; DROP INDEX gone; CREATE INDEX another ON t (a); COMMENT ON TABLE t IS 'x'");
  EXPECT_EQ(differing(watch.update(), read_snapshot(session, Dialect::postgres)), "");
  session.execute("COMMIT");
}

TEST(SchemaWatchOfPostgres, OutlivesWhatAMigrationMakesOfTheSession) {
  AnyDatabase database(Dialect::postgres);
  auto& session = database.session();
  SchemaWatch watch(session, Dialect::postgres);
  watch.update();
  watch.update();
  session.execute("BEGIN; CREATE TABLE public.t (a integer); DEALLOCATE ALL; SET search_path = pg_catalog");
  watch.update();
  EXPECT_EQ(differing(watch.now(), read_snapshot(session, Dialect::postgres)), "");
  session.execute("COMMIT");
  session.execute("DISCARD ALL");
  session.execute("CREATE TABLE u (a integer)");
  watch.update();
  EXPECT_EQ(differing(watch.now(), read_snapshot(session, Dialect::postgres)), "");
}

/// The cheaper update asks the server's own count of what the transaction wrote, where there is one.
TEST(SchemaWatchOfPostgres, SeesAlsoWithoutTheServersCounts) {
  AnyDatabase database(Dialect::postgres);
  const auto name = database.session().query("SELECT current_database()").at(0).at(0);
  for (const char* counts : {"on", "off"}) {
    const auto opened = store::open_any_session(
        {test::postgres_url("postgres", name), fmt::format("-ctrack_counts={}", counts)});
    ASSERT_TRUE(opened) << opened.error().message;
    auto& session = **opened;
    SchemaWatch watch(session, Dialect::postgres);
    watch.update();
    const std::string schema = fmt::format("counts_{}", counts);
    for (const std::string& sql :
         {fmt::format("CREATE SCHEMA {}", schema),
          fmt::format("CREATE FUNCTION {}.f() RETURNS integer LANGUAGE sql RETURN 1", schema),
          fmt::format("CREATE DOMAIN {}.d AS integer CHECK (VALUE > 0)", schema),
          fmt::format("CREATE TABLE {0}.t (a serial, b {0}.d)", schema),
          fmt::format("COMMENT ON SCHEMA {} IS 'x'", schema), fmt::format("DROP FUNCTION {}.f()", schema),
          fmt::format("CREATE TYPE {}.e AS ENUM ('a')", schema),
          fmt::format("ALTER TYPE {}.e ADD VALUE 'b'", schema),
          fmt::format("ALTER SEQUENCE {}.t_a_seq INCREMENT BY 2", schema),
          fmt::format("GRANT SELECT ON {}.t TO PUBLIC", schema)}) {
      session.execute("BEGIN");
      session.execute(sql);
      watch.update(SchemaWatch::Changed::here);
      session.execute("COMMIT");
      EXPECT_EQ(differing(watch.now(), read_snapshot(session, Dialect::postgres)), "") << sql;
    }
    for (const SchemaObject* object : watch.now().objects()) {
      if (object->kind == "table") EXPECT_TRUE(object->has_grants) << object->name;
    }
  }
}

}  // namespace
}  // namespace guildhall::migrate
