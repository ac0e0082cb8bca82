#include "migrate/dump_reader.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace guildhall::migrate {
namespace {

using testing::HasSubstr;
using testing::Pair;
using testing::UnorderedElementsAre;

constexpr std::string_view kDump =
    "--\n"
    "-- PostgreSQL database dump\n"
    "--\n"
    "\n"
    "\\restrict abc\n"
    "\n"
    "SET row_security = off;\n"
    "CREATE FUNCTION public.f() RETURNS text\n"
    "    AS $$select 'CREATE TABLE public.none ();\n"
    "COPY public.none (a) FROM stdin;\n"
    "1\n"
    "\\.\n"
    "'$$;\n"
    "CREATE TABLE public.\"A \"\"b\" (\n"
    "    id integer\n"
    ");\n"
    "CREATE UNLOGGED TABLE public.users (\n"
    "    name text\n"
    ");\n"
    "COPY public.\"A \"\"b\" (id) FROM stdin;\n"
    "1\n"
    "COPY public.users (name) FROM stdin;\n"
    "2\n"
    "\\.\n"
    "\n"
    "COPY public.users (name) FROM stdin;\n"
    "\\.\n"
    "ALTER TABLE public.users ADD CONSTRAINT c CHECK (name <> ';\n');\n"
    "--\n"
    "-- PostgreSQL database dump complete\n"
    "--\n"
    "\n"
    "\\unrestrict abc\n"
    "\n";

TEST(DumpReader, FindsTablesAndRows) {
  const auto found = read_dump(kDump);
  ASSERT_TRUE(found) << found.error().message;
  EXPECT_THAT(found->tables,
              UnorderedElementsAre(table_key("public.\"A \"\"b\""), table_key("public.users")));
  EXPECT_THAT(found->rows, UnorderedElementsAre(Pair(table_key("public.\"A \"\"b\""), 3),
                                                Pair(table_key("public.users"), 0)));
  EXPECT_TRUE(found->is_restricted);
  EXPECT_TRUE(has_trailer(kDump));
}

TEST(DumpReader, ATableHasOneKey) {
  EXPECT_EQ(table_key("Public.Users"), table_key("\"public\".\"users\""));
  EXPECT_NE(table_key("public.\"Users\""), table_key("public.users"));
  EXPECT_NE(table_key("\"a.b\".c"), table_key("a.\"b.c\""));
  EXPECT_EQ(table_key("1"), "");
  EXPECT_EQ(table_key("'"), "");
}

/// Wherever it is cut before its last statement: it is noticed by the trailer, and where something was open
/// by what is read, too.
TEST(DumpReader, ADumpThatIsCutIsNoticed) {
  const auto complete = kDump.find("complete");
  for (std::size_t length = 0; length < complete; ++length)
    EXPECT_FALSE(has_trailer(kDump.substr(0, length))) << length;
  for (const std::string_view until : {"'CREATE", "1\nCOPY", "2\n\\", "name <> '"}) {
    const std::string cut(kDump.substr(0, kDump.find(until) + until.size()));
    EXPECT_FALSE(read_dump(cut)) << until;
  }
}

TEST(DumpReader, ErrorsNameTheLine) {
  const auto rows = read_dump(kDump.substr(0, kDump.find("2\n")));
  ASSERT_FALSE(rows);
  EXPECT_THAT(rows.error().message, HasSubstr("line 20: the rows of \"public\".\"A \"\"b\" have no end"));
  std::string altered(kDump);
  altered.replace(altered.find("SET row"), 3, "\\! ls");
  const auto command = read_dump(altered);
  ASSERT_FALSE(command);
  EXPECT_EQ(command.error().code, ErrorCode::invalid);
  EXPECT_THAT(command.error().message, HasSubstr("line 7: '\\! ls"));
  altered = kDump;
  altered.replace(altered.find("<> ';"), 4, "<>  ");
  const auto literal = read_dump(altered);
  ASSERT_FALSE(literal);
  EXPECT_THAT(literal.error().message, HasSubstr("counted from its line 28 on: "));
}

TEST(DumpReader, ADumpMayBeginWithRows) {
  EXPECT_THAT(read_dump("COPY a.b (x) FROM stdin;\n1\n\\.\n")->rows,
              UnorderedElementsAre(Pair(table_key("a.b"), 1)));
  EXPECT_THAT(read_dump("COPY a.b TO stdout;\nCOPY a.b (x) FROM stdin;\n1\n\\.\n")->rows,
              UnorderedElementsAre(Pair(table_key("a.b"), 1)));
  EXPECT_TRUE(read_dump("")->tables.empty());
}

}  // namespace
}  // namespace guildhall::migrate
