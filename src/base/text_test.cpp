#include "base/text.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace guildhall {
namespace {

using testing::ElementsAre;

TEST(Text, CleanUtf8HasNoBrokenSequenceAndNoNul) {
  EXPECT_TRUE(is_clean_utf8("grüße 🎲"));
  EXPECT_FALSE(is_clean_utf8(std::string("a\0b", 3)));
  EXPECT_FALSE(is_clean_utf8("a\xC3"));
  EXPECT_FALSE(is_clean_utf8("\xED\xA0\x80"));  // a lone surrogate
  EXPECT_EQ(clean_utf8(std::string("a\0b\xFFz", 5)), "a\uFFFDb\uFFFDz");
  EXPECT_EQ(clean_utf8("grüße"), "grüße");
}

TEST(Text, FoldedNamesMeetWhereTheyShould) {
  EXPECT_EQ(fold_name("  NightOwl_7 "), fold_name("nightowl_7"));
  EXPECT_EQ(fold_name("ÄRGER"), fold_name("a\u0308rger"));  // composed and decomposed
  EXPECT_EQ(fold_name("STRASSE"), fold_name("straße"));
  EXPECT_NE(fold_name("night_owl"), fold_name("nightowl"));
}

TEST(Text, AmountsAreWholeNumbersInPlainDigits) {
  EXPECT_EQ(parse_amount("250"), 250);
  EXPECT_EQ(parse_amount("-1"), -1);
  EXPECT_EQ(parse_amount("9000000000000000"), kLargestAmount);
  for (const char* text : {"", "1e3", "1.5", "１２", "+5", "0x10", " 5", "5 ", "five", "--5", "1,000"}) {
    EXPECT_EQ(parse_amount(text).error().code, ErrorCode::invalid) << text;
  }
  for (const char* text : {"9000000000000001", "-9000000000000001", "99999999999999999999"}) {
    EXPECT_EQ(parse_amount(text).error().code, ErrorCode::too_large) << text;
  }
}

TEST(Text, ChatIsSplitAtWordsAndNeverInsideACharacter) {
  EXPECT_THAT(split_for_chat("one two three", 7), ElementsAre("one two", "three"));
  EXPECT_THAT(split_for_chat("abcdefgh", 3), ElementsAre("abc", "def", "gh"));
  EXPECT_THAT(split_for_chat("äöü äöü", 3), ElementsAre("äöü", "äöü"));
  EXPECT_THAT(split_for_chat("   ", 3), ElementsAre());
  std::string joined;
  for (const auto& piece : split_for_chat(std::string(1'300, 'x'), 500)) {
    EXPECT_LE(piece.size(), 500U);
    joined += piece;
  }
  EXPECT_EQ(joined.size(), 1'300U);
}

TEST(Text, ShortensByCharacters) {
  EXPECT_EQ(shorten("abc", 3), "abc");
  EXPECT_EQ(shorten("äöüß", 3), "äö…");
}

TEST(Text, CountsAsDiscordDoes) { EXPECT_EQ(utf16_length("aä🎲"), 4U); }

TEST(Text, SuggestsWhatWasMeant) {
  const std::vector<std::string> known{"points_per_5min", "kick_channel", "language"};
  EXPECT_EQ(closest("kick_chanel", known), "kick_channel");
  EXPECT_EQ(closest("something else", known), std::nullopt);
}

TEST(Text, MarkdownAndMentionsAreDisarmed) {
  EXPECT_EQ(escape_markdown("*a* <@1> @everyone [x](y)"), "\\*a\\* \\<\\@1\\> \\@everyone \\[x\\]\\(y\\)");
}

TEST(Text, GroupsDigits) {
  EXPECT_EQ(group_digits(1'234'567, ","), "1,234,567");
  EXPECT_EQ(group_digits(-1'000, "."), "-1.000");
  EXPECT_EQ(group_digits(999, ","), "999");
}

}  // namespace
}  // namespace guildhall
