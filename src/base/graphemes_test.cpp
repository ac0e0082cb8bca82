#include "base/graphemes.h"

#include <gtest/gtest.h>
#include <utf8proc.h>

#include <random>
#include <vector>

#include "base/text.h"

namespace guildhall {
namespace {

constexpr std::string_view kFamily = "👩‍👩‍👧‍👦";  // 11 units, one character
constexpr std::string_view kFlags = "🇩🇪🇫🇷";                        // two characters of 4 units

TEST(Graphemes, StayWhole) {
  EXPECT_EQ(first_graphemes("abc", 2), "ab");
  EXPECT_EQ(first_graphemes("abc", 3), "abc");
  EXPECT_EQ(first_graphemes("ae\u0301x", 2), "a") << "a letter and its accent";
  EXPECT_EQ(first_graphemes("ae\u0301x", 3), "ae\u0301");
  EXPECT_EQ(first_graphemes(kFamily, 10), "");
  EXPECT_EQ(first_graphemes(kFamily, 11), kFamily);
  EXPECT_EQ(first_graphemes(kFlags, 7), "🇩🇪") << "a flag is two code points, and the next two are another";
  EXPECT_EQ(first_graphemes("👍🏽!", 3), "");
  EXPECT_EQ(first_graphemes("a\r\nb", 2), "a");
  EXPECT_EQ(first_graphemes("\u1100\u1161\u11A8", 2), "") << "a syllable of three parts";
}

TEST(Graphemes, WhiteSpaceIsWhatUnicodeCallsSo) {
  EXPECT_EQ(trim_unicode(" \u3000\u00A0a b\u2028\t"), "a b");
  EXPECT_EQ(trim_unicode(" \u3000\u00A0\u2028\t"), "");
  EXPECT_EQ(trim_unicode("\u200B"), "\u200B") << "of no width, but no white space";
}

TEST(Graphemes, WhatIsTooLongEndsAtALineOrAWord) {
  EXPECT_EQ(fit_text("  short ", 10), "short");
  EXPECT_EQ(fit_text("first line\nsecond line\nthird", 25), "first line\nsecond line\n…");
  EXPECT_EQ(fit_text("some words in a row", 12), "some words…");
  EXPECT_EQ(fit_text("a bcdefghijklm", 10), "a bcdefgh…") << "no word ends late enough";
  EXPECT_EQ(fit_text("abcdef", 3), "ab…");
  EXPECT_EQ(fit_text("abc", 0), "");
  EXPECT_EQ(fit_text(std::string("x\xFF\0y", 4), 10), "x\uFFFD\uFFFDy");
}

TEST(Graphemes, NoEscapeIsLeftOpen) {
  EXPECT_EQ(fit_text("abc\\*def", 5), "abc…");
  EXPECT_EQ(fit_text("abc\\\\def", 6), "abc\\\\…") << "an escaped backslash stays";
  EXPECT_EQ(fit_text("\\\\\\\\", 2), "…");
}

/// Random text of everything that is hard: accents, joined emoji, flags, broken bytes, white space.
std::string random_text(std::mt19937& random) {
  static const std::vector<std::string_view> kPieces{"a",
                                                     "Z",
                                                     "\u0301",
                                                     "\u0308\u0323",
                                                     kFamily,
                                                     kFlags,
                                                     "🇩",
                                                     "👍🏽",
                                                     "\u200D",
                                                     "\uFE0F",
                                                     "\u1100\u1161\u11A8",
                                                     "\u1112\u1161",
                                                     "क्षि",
                                                     "\xED\xA0\x80",
                                                     "\xFF",
                                                     " ",
                                                     "\n",
                                                     "\u3000",
                                                     "\\",
                                                     "*",
                                                     "\r\n",
                                                     "\u202E",
                                                     "𝕏",
                                                     "\xF0\x9F"};
  std::string text;
  for (auto pieces = random() % 60; pieces > 0; --pieces) text += kPieces[random() % kPieces.size()];
  return text;
}

/// By the library's other interface, which marks every beginning of a character by a byte 0xFF.
std::vector<std::string> characters_of(const std::string& text) {
  utf8proc_uint8_t* marked = nullptr;
  const auto length = utf8proc_map(reinterpret_cast<const utf8proc_uint8_t*>(text.data()),
                                   static_cast<utf8proc_ssize_t>(text.size()), &marked, UTF8PROC_CHARBOUND);
  EXPECT_GE(length, 0);
  std::vector<std::string> characters;
  for (utf8proc_ssize_t i = 0; i < length; ++i) {
    if (marked[i] == 0xFF) {
      characters.emplace_back();
    } else {
      characters.back() += static_cast<char>(marked[i]);
    }
  }
  free(marked);  // NOLINT: utf8proc allocates with malloc
  return characters;
}

TEST(Graphemes, WhateverComesFitsAndIsWhole) {
  std::mt19937 random(7);
  for (int round = 0; round < 3'000; ++round) {
    const std::string text = random_text(random);
    const std::size_t units = random() % 40;
    const std::string fitted = fit_text(text, units);
    ASSERT_TRUE(is_clean_utf8(fitted)) << text;
    ASSERT_LE(utf16_length(fitted), units) << text;
    ASSERT_EQ(trim_unicode(fitted), fitted) << text;
    ASSERT_EQ(fit_text(fitted, units), fitted) << "twice is once";

    const std::string clean = clean_utf8(text);
    std::string expected;
    for (const std::string& character : characters_of(clean)) {
      if (utf16_length(expected) + utf16_length(character) > units) break;
      expected += character;
    }
    ASSERT_EQ(first_graphemes(clean, units), expected) << text;
  }
}

}  // namespace
}  // namespace guildhall
