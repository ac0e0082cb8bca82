#include "migrate/full_place.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/any_database.h"

namespace guildhall::migrate {
namespace {

using testing::HasSubstr;

TEST(FullPlace, TheMessageTellsTheTablespace) {
  EXPECT_EQ(full_tablespace("could not extend file \"pg_tblspc/16412/PG_15_202209061/5/16413\": No space"),
            "16412");
  EXPECT_EQ(full_tablespace("could not extend file \"base/5/16413.1\": No space left on device"), "0");
  EXPECT_EQ(full_tablespace("could not write to file \"base/pgsql_tmp/pgsql_tmp12.0\""), "0");
  EXPECT_EQ(full_tablespace("could not extend file \"pg_tblspc/"), "");
  EXPECT_EQ(full_tablespace("out of memory"), "");
}

class FullPlaceInPostgres : public test::OnPostgres {};

TEST_F(FullPlaceInPostgres, TheDatabasesOwnIsNamed) {
  Problem problem;
  problem.sqlstate = "53100";
  problem.finding.text = "could not extend file \"base/5/16413\": No space left on device";
  name_full_place(problem, session(), target());
  EXPECT_THAT(problem.finding.text, HasSubstr("; full is tablespace pg_default ("));
  EXPECT_THAT(problem.finding.hint, HasSubstr("tablespace pg_default"));
  Problem memory;
  memory.sqlstate = "53200";
  memory.finding.text = "out of memory";
  name_full_place(memory, session(), target());
  EXPECT_EQ(memory.finding.text, "out of memory");
}

}  // namespace
}  // namespace guildhall::migrate
