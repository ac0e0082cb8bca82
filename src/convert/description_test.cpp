#include "convert/description.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace guildhall::convert {
namespace {

using testing::AllOf;
using testing::HasSubstr;

constexpr std::string_view kTop =
    "tenant_column = \"server\"\n[registry]\ntable = \"servers\"\ncolumn = \"id\"\n";

std::string refusal(const std::string& rest) {
  const auto read = parse_description(std::string(kTop) + rest, "my.toml");
  if (read) return "it was read";
  EXPECT_EQ(read.error().exit, migrate::Exit::usage);
  return read.error().finding.text + " " + read.error().finding.hint;
}

TEST(Description, OfAPresetIsReadAndWrittenAndReadAgain) {
  for (const EmbeddedFile& preset : embedded_presets()) {
    const std::string name(preset.name.substr(0, preset.name.rfind('.')));
    const auto read = read_description(name);
    ASSERT_TRUE(read) << read.error().finding.text;
    const std::string text = write_description(*read);
    const auto again = parse_description(text, "again");
    ASSERT_TRUE(again) << again.error().finding.text;
    EXPECT_EQ(write_description(*again), text);
    EXPECT_EQ(again->tables.size(), read->tables.size());
  }
}

TEST(Description, SaysInWhichLineWhatIsWrong) {
  EXPECT_THAT(refusal("[table.a]\nclas = \"tenant\"\n"),
              AllOf(HasSubstr("my.toml line"), HasSubstr("table.a")));
  EXPECT_THAT(refusal("[table.a]\nclass = \"tenant\"\nfolde = [\"x\"]\n"),
              AllOf(HasSubstr("line 7"), HasSubstr("folde"), HasSubstr("'folded'")));
  EXPECT_THAT(refusal("[table.a]\nclass = \"tenent\"\n"), AllOf(HasSubstr("line 6"), HasSubstr("'tenant'")));
  EXPECT_THAT(refusal("[table.a]\nclass = \"tenant\"\nsums = \"points\"\n"), HasSubstr("line 7"));
  EXPECT_THAT(refusal("[table.a]\nclass = = 3\n"), HasSubstr("my.toml line 6"));
}

TEST(Description, LeavesNothingOpen) {
  EXPECT_THAT(refusal("[table.a]\n"), AllOf(HasSubstr("table.a.class"), HasSubstr("missing")));
  EXPECT_THAT(refusal("[table.a]\nclass = \"child\"\n"), HasSubstr("parents"));
  EXPECT_THAT(refusal("[table.a]\nclass = \"child\"\n"
                      "parents = [{ table = \"b\", columns = [\"b\"], referenced = [\"id\"] }]\n"),
              HasSubstr("parent 'b'"));
  EXPECT_THAT(refusal("[table.a]\nclass = \"child\"\n"
                      "parents = [{ table = \"a\", columns = [\"x\", \"y\"], referenced = [\"id\"] }]\n"),
              HasSubstr("as many columns"));
  EXPECT_THAT(refusal("[table.a]\nclass = \"tenant\"\nduplicates = \"newest\"\n"), HasSubstr("newest_by"));
  EXPECT_THAT(refusal("[table.a]\nclass = \"tenant\"\nabsent = \"all\"\n"), HasSubstr("override"));
  EXPECT_THAT(refusal("[table.servers]\nclass = \"tenant\"\n"), HasSubstr("registry.table"));
  const auto bare = parse_description("[registry]\ntable = \"s\"\ncolumn = \"id\"\n", "my.toml");
  ASSERT_FALSE(bare);
  EXPECT_THAT(bare.error().finding.text, HasSubstr("tenant_column"));
}

TEST(Description, OfNoFileNamesThePresets) {
  const auto read = read_description("/nowhere/my.toml");
  ASSERT_FALSE(read);
  EXPECT_THAT(read.error().finding.hint, AllOf(HasSubstr("kick"), HasSubstr("reading-club")));
}

}  // namespace
}  // namespace guildhall::convert
