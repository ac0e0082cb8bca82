#include "store/sqlite/row_reading.h"

#include <gtest/gtest.h>

#include "tests/support/temporary_folder.h"

namespace guildhall::store {
namespace {

class RowReadingOfSqlite : public testing::Test {
 protected:
  test::TemporaryFolder folder_;
  std::unique_ptr<SchemaSession> session_ =
      *open_any_session({.url = "sqlite:" + (folder_.path() / "a.db").string(), .may_make_file = true});
};

TEST_F(RowReadingOfSqlite, EachValueIsWhatItIsWhateverTheColumnSays) {
  int rows = 0;
  read_sqlite_rows(*session_, "SELECT NULL, -5, 1.5, CAST(x'610062' AS TEXT), x'0001'", [&](CellRow row) {
    ++rows;
    EXPECT_EQ(row.size(), 5U);
    EXPECT_EQ(row[0].kind, Cell::Kind::null);
    EXPECT_EQ(row[1].kind, Cell::Kind::integer);
    EXPECT_EQ(row[1].integer, -5);
    EXPECT_EQ(row[2].kind, Cell::Kind::real);
    EXPECT_EQ(row[2].real, 1.5);
    EXPECT_EQ(row[3].kind, Cell::Kind::text);
    EXPECT_EQ(row[3].bytes, std::string_view("a\0b", 3));
    EXPECT_EQ(row[4].kind, Cell::Kind::blob);
    EXPECT_EQ(row[4].bytes, std::string_view("\0\1", 2));
    return true;
  });
  EXPECT_EQ(rows, 1);
}

TEST_F(RowReadingOfSqlite, WhoeverHasSeenEnoughEndsIt) {
  int rows = 0;
  read_sqlite_rows(*session_, "VALUES (1), (2), (3)", [&](CellRow) { return ++rows < 2; });
  EXPECT_EQ(rows, 2);
}

TEST_F(RowReadingOfSqlite, WhatFailsOnTheWayIsThrown) {
  const auto read = [&](const std::string& sql) {
    read_sqlite_rows(*session_, sql, [](CellRow) { return true; });
  };
  EXPECT_THROW(read("SELECT * FROM nothing"), DatabaseError);
  EXPECT_THROW(read("SELECT abs(x) FROM (SELECT 1 AS x UNION ALL SELECT -9223372036854775808)"),
               DatabaseError);
}

}  // namespace
}  // namespace guildhall::store
