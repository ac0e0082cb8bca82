#include "migrate/sql_lexer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace guildhall::migrate {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

std::vector<std::string> texts(std::string_view sql, Dialect dialect = Dialect::postgres) {
  std::vector<std::string> found;
  const auto tokens = lex(sql, dialect);
  if (!tokens) return {"error: " + tokens.error().message};
  for (const Token& token : *tokens) found.emplace_back(token.text);
  return found;
}

TEST(SqlLexer, PostgresTextsEndWhereTheyEnd) {
  EXPECT_THAT(texts("'it''s' 'a\\' E'b\\'c' e'\\\\' X'1F' B'01' U&'\\0041'"),
              ElementsAre("'it''s'", "'a\\'", "E'b\\'c'", "e'\\\\'", "X'1F'", "B'01'", "U&'\\0041'"));
  EXPECT_THAT(texts("$$a;'b$$ $x$ $$ $y$ $x$ a$1$ $12"),
              ElementsAre("$$a;'b$$", "$x$ $$ $y$ $x$", "a$1$", "$12"));
  EXPECT_THAT(texts("E'a'\n  'b\\'c' -- more\n'd' 'e'"), ElementsAre("E'a'\n  'b\\'c' -- more\n'd'", "'e'"))
      << "a literal goes on in the next line";
  EXPECT_THAT(texts("\"a\"\"b;\" U&\"\\0061\" Größe _x9"),
              ElementsAre("\"a\"\"b;\"", "U&\"\\0061\"", "Größe", "_x9"));
}

TEST(SqlLexer, PostgresCommentsHoldComments) {
  EXPECT_THAT(texts("a /* b /* c */ ; */ d -- e ; 'f\ng"),
              ElementsAre("a", "/* b /* c */ ; */", "d", "-- e ; 'f", "g"));
  EXPECT_THAT(texts("-- a\rDROP"), ElementsAre("-- a", "DROP")) << "a carriage return ends the line";
  EXPECT_THAT(texts("a--b"), ElementsAre("a", "--b"));
  EXPECT_THAT(texts("a+/*b*/c"), ElementsAre("a", "+", "/*b*/", "c"));
}

TEST(SqlLexer, OperatorsAreAsPostgresReadsThem) {
  EXPECT_THAT(texts("a=-1 b@-1 c::int d<=e f->>'g' h:=1"),
              ElementsAre("a", "=", "-", "1", "b", "@-", "1", "c", "::", "int", "d", "<=", "e", "f", "->>",
                          "'g'", "h", ":=", "1"));
  EXPECT_THAT(texts("1.5e-3 .5 7. 1..2 12abc 1e x"),
              ElementsAre("1.5e-3", ".5", "7.", "1", ".", ".2", "12", "abc", "1", "e", "x"));
}

TEST(SqlLexer, SqliteHasItsOwnQuotes) {
  EXPECT_THAT(texts("'a\\' \"b\"\"c\" [d;'] `e``f` x'00' ?1 :g @h $i 0xFF", Dialect::sqlite),
              ElementsAre("'a\\'", "\"b\"\"c\"", "[d;']", "`e``f`", "x'00'", "?1", ":g", "@h", "$i", "0xFF"));
  EXPECT_THAT(texts("a /* b /* c */ d */ e", Dialect::sqlite),
              ElementsAre("a", "/* b /* c */", "d", "*/", "e"));
  EXPECT_THAT(texts("a /* to the end", Dialect::sqlite), ElementsAre("a", "/* to the end"));
}

TEST(SqlLexer, AByteOrderMarkIsWhatTheDatabaseTakesItFor) {
  const std::string sql = "\uFEFFa; \uFEFFb";
  EXPECT_THAT(texts(sql), ElementsAre("\uFEFFa", ";", "\uFEFFb"));
  EXPECT_THAT(texts(sql, Dialect::sqlite), ElementsAre("a", ";", "b"));
}

TEST(SqlLexer, ABackslashIsForPsql) {
  const auto tokens = lex("SELECT 1;\n\\connect other\nSELECT 2", Dialect::postgres);
  ASSERT_TRUE(tokens);
  ASSERT_EQ(tokens->size(), 6U);
  EXPECT_EQ((*tokens)[3].kind, TokenKind::psql_command);
  EXPECT_EQ((*tokens)[3].text, "\\connect other");
  EXPECT_EQ((*tokens)[3].line, 2U);
}

TEST(SqlLexer, LinesAreCounted) {
  const auto tokens = lex("a\r\nb '\n' c\n\nd", Dialect::postgres);
  ASSERT_TRUE(tokens);
  std::vector<std::size_t> lines;
  for (const Token& token : *tokens) lines.push_back(token.line);
  EXPECT_THAT(lines, ElementsAre(1U, 2U, 2U, 3U, 5U));
}

TEST(SqlLexer, WhatHasNoEndIsNamedWithItsLine) {
  const auto error = [](std::string_view sql) { return texts(sql).front(); };
  EXPECT_EQ(error("a\n'b"), "error: line 2: a text in quotes has no end");
  EXPECT_EQ(error("a\n\nE'b\\'"), "error: line 3: a text in quotes has no end");
  EXPECT_EQ(error("\"b"), "error: line 1: a name in quotes has no end");
  EXPECT_EQ(error("/* /* */"), "error: line 1: a comment has no end");
  EXPECT_EQ(error("$a$ $b$"), "error: line 1: a text in $a$ has no end");
  EXPECT_EQ(error("$a b"), "error: line 1: '$' begins neither a parameter nor a text");
  EXPECT_EQ(error("a\n {"), "error: line 2: no SQL has the character '{'");
  EXPECT_EQ(error(std::string_view("\0", 1)), "error: line 1: no SQL has the character 0x00");
}

}  // namespace
}  // namespace guildhall::migrate
