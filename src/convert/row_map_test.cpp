#include "convert/row_map.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>

namespace guildhall::convert {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

std::string problem(std::string_view content) {
  const auto map = parse_row_map(content, "map.csv");
  return map ? "" : map.error().finding.text;
}

TEST(RowMap, ReadsLinesWithEveryKindOfQuote) {
  const auto map = parse_row_map(
      "\xEF\xBB\xBF"
      "table,key,server,reason\r\n"
      "points,alice,5\r\n"
      "\n"
      "points,\"say \"\"hi\"\",\nbob\",7,asked him\n"
      "points,*,9223372036854775807,\n"
      "points,\"*\",5\n"
      "pairs,\"[\"\"a\"\",\"\"b\"\"]\",7",
      "map.csv");
  ASSERT_TRUE(map) << map.error().finding.text;
  std::vector<std::string> keys;
  std::vector<std::size_t> lines;
  for (const MapLine& line : map->lines) {
    keys.push_back(line.key);
    lines.push_back(line.line);
  }
  EXPECT_THAT(keys, ElementsAre("alice", "say \"hi\",\nbob", "*", "*", "[\"a\",\"b\"]"));
  EXPECT_THAT(lines, ElementsAre(2U, 4U, 6U, 7U, 8U));
  EXPECT_TRUE(map->lines[2].is_all);
  EXPECT_EQ(map->lines[2].server, 9'223'372'036'854'775'807);
  EXPECT_FALSE(map->lines[3].is_all) << "in quotes it is a key like any other";
  EXPECT_THAT(key_values(map->lines[4].key, 2), ElementsAre("a", "b"));
  EXPECT_THAT(key_values("[\"a\"]", 2), IsEmpty());
  EXPECT_THAT(key_values("[1,2]", 2), IsEmpty());
}

TEST(RowMap, WhatItWritesItReads) {
  for (const std::string key : {"alice", "*", "a,b", "\"", "line\nend", " "}) {
    const auto map = parse_row_map(map_line("points", {key}, "5", "by, \"somebody\""), "map.csv");
    ASSERT_TRUE(map) << key << ": " << map.error().finding.text;
    EXPECT_EQ(map->lines.at(0).key, key);
    EXPECT_FALSE(map->lines.at(0).is_all);
  }
  const auto pair = parse_row_map(map_line("pairs", {"a\"", "b"}, "5", ""), "map.csv");
  ASSERT_TRUE(pair);
  EXPECT_THAT(key_values(pair->lines.at(0).key, 2), ElementsAre("a\"", "b"));
}

TEST(RowMap, BadLinesAreNamedWithWhatIsWrong) {
  constexpr std::array<std::pair<std::string_view, const char*>, 13> kWrong{{
      {"points,alice", "map.csv line 1: 2 fields"},
      {"a,b,5,c,d", "line 1: 5 fields"},
      {"\npoints", "line 2: 1 field,"},
      {",alice,5", "line 1: no table"},
      {"points,alice,", "'' is not the id"},
      {"points,alice,0", "'0' is not the id"},
      {"points,alice,-5", "'-5' is not the id"},
      {"points,alice,five", "'five' is not the id"},
      {"points,alice,9223372036854775808", "'9223372036854775808' is not the id"},
      {"points,alice,5\npoints,alice,7", "line 2: 'alice' of points has a server in line 1 already"},
      {"points,*,5\npoints,bob,5\npoints,*,7", "line 3: '*' of points has a server in line 1"},
      {"points,\"alice,5", "line 1: a quote that nothing ends"},
      {"points,\"a\"b,5", "something stands behind the end"},
  }};
  for (const auto& [content, text] : kWrong) EXPECT_THAT(problem(content), HasSubstr(text)) << content;
  EXPECT_THAT(problem("points,a\"b,5"), HasSubstr("a quote within a field"));
  EXPECT_THAT(problem("points,\xFF,5"), HasSubstr("UTF-8"));
  const auto missing = read_row_map("/nowhere/map.csv");
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().exit, migrate::Exit::usage);
  EXPECT_THAT(missing.error().finding.text, HasSubstr("'/nowhere/map.csv' is no file"));
}

}  // namespace
}  // namespace guildhall::convert
