#include "migrate/variants.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/any_database.h"

namespace guildhall::migrate {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::UnorderedElementsAre;

class VariantsInPostgres : public test::OnPostgres {
 protected:
  /// The texts of what is otherwise.
  std::vector<std::string> compare(const std::string& postgres, const std::string& sqlite) {
    const std::vector<EmbeddedFile> files{{"0001_core.postgres.sql", postgres},
                                          {"0001_core.sqlite.sql", sqlite}};
    const MigrationSet one = read_migrations(files, "test", Dialect::postgres);
    const MigrationSet other = read_migrations(files, "test", Dialect::sqlite);
    EXPECT_TRUE(has_variants(one, other));
    const auto found = compare_variants(target(), one, other, "");
    if (!found) {
      ADD_FAILURE() << found.error().finding.text;
      return {};
    }
    std::vector<std::string> texts;
    for (const Finding& finding : *found) {
      EXPECT_EQ(finding.code, "E-VARIANT");
      texts.push_back(finding.text);
    }
    return texts;
  }
};

TEST_F(VariantsInPostgres, OneSchemaInTwoLanguages) {
  EXPECT_THAT(compare("CREATE TABLE users (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, name "
                      "varchar(20) NOT NULL UNIQUE, "
                      "active boolean, made timestamptz, share double precision, picture bytea, more "
                      "jsonb);\nCREATE TABLE "
                      "entries (user_id bigint REFERENCES users (id), n integer, PRIMARY KEY (user_id, "
                      "n));\nCREATE INDEX e ON "
                      "entries (n);\nCREATE UNIQUE INDEX m ON users (made, share);",
                      "CREATE TABLE users (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, active "
                      "INTEGER, made TEXT, share "
                      "REAL, picture BLOB, more TEXT);\nCREATE TABLE entries (user_id INTEGER REFERENCES "
                      "users (id), n INTEGER, "
                      "PRIMARY KEY (user_id, n));\nCREATE UNIQUE INDEX other_name ON users (made, share);"),
              IsEmpty());
}

TEST_F(VariantsInPostgres, WhatIsOtherwiseIsNamed) {
  EXPECT_THAT(
      compare("CREATE TABLE t (id integer PRIMARY KEY, a text NOT NULL, b integer UNIQUE, c "
              "integer);\nCREATE TABLE "
              "here (id integer PRIMARY KEY);",
              "CREATE TABLE t (id INTEGER PRIMARY KEY, a TEXT, b TEXT, d INTEGER REFERENCES t (id));\nCREATE "
              "TABLE there "
              "(id INTEGER PRIMARY KEY);"),
      UnorderedElementsAre(
          "column t.a may be NULL in SQLite alone", "column t.b is integer in PostgreSQL and TEXT in SQLite",
          "column t.c is there in PostgreSQL alone", "column t.d is there in SQLite alone",
          "unique (b) of table t is there in PostgreSQL alone",
          "(d) refers to t of table t is there in SQLite alone", "table here is there in PostgreSQL alone",
          "table there is there in SQLite alone"));
}

TEST_F(VariantsInPostgres, OneThatDoesNotGoUpIsNamed) {
  EXPECT_THAT(compare("CREATE TABLE t (id integer PRIMARY KEY);",
                      "CREATE TABLE t (id INTEGER PRIMARY KEY);\nDROP TABLE "
                      "nowhere;"),
              ElementsAre(HasSubstr("does not go up in an empty database of SQLite")));
}

TEST_F(VariantsInPostgres, OneFileForBothIsNone) {
  const std::vector<EmbeddedFile> files{{"0001_core.sql", "CREATE TABLE t (id integer PRIMARY KEY);"}};
  EXPECT_FALSE(has_variants(read_migrations(files, "test", Dialect::postgres),
                            read_migrations(files, "test", Dialect::sqlite)));
}

}  // namespace
}  // namespace guildhall::migrate
