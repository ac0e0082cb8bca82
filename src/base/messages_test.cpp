#include "base/messages.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <regex>
#include <set>

#include "tests/support/test_world.h"

namespace guildhall {
namespace {

std::set<std::string> placeholders(const std::string& text) {
  static const std::regex kPlaceholder(R"(\{[a-z_]+\})");
  std::set<std::string> found;
  for (std::sregex_iterator it(text.begin(), text.end(), kPlaceholder), end; it != end; ++it)
    found.insert(it->str());
  return found;
}

TEST(Messages, AreTheSameInEveryLanguage) {
  const test::TestWorld world;
  const auto& english = world.declarations.texts.entries("en");
  const auto& german = world.declarations.texts.entries("de");
  ASSERT_GT(english.size(), 40U);
  for (const auto& [key, text] : english) {
    ASSERT_TRUE(german.contains(key)) << key << " has no German text";
    EXPECT_EQ(placeholders(text), placeholders(german.at(key))) << key;
  }
  EXPECT_EQ(english.size(), german.size());
}

TEST(Messages, DescribeEveryCommandArgumentAndSetting) {
  const test::TestWorld world;
  const auto& english = world.declarations.texts.entries("en");
  for (const auto& command : world.declarations.commands.all()) {
    EXPECT_TRUE(english.contains(command.description_key())) << command.path;
    for (const auto& argument : command.arguments)
      EXPECT_TRUE(english.contains("argument." + argument.name)) << argument.name;
  }
  for (const auto& [key, spec] : world.declarations.settings.all())
    EXPECT_TRUE(english.contains("setting." + key)) << key;
}

/// Discord takes small letters, digits, - and _, and each name once.
void expect_names(const std::set<std::string>& names, std::size_t count) {
  EXPECT_EQ(names.size(), count) << "two have one name";
  for (const std::string& name : names) {
    EXPECT_TRUE(std::regex_match(name, std::regex("[a-z0-9_-]{1,32}"))) << name;
  }
}

TEST(Messages, NameEveryCommandAndArgumentInEveryLanguage) {
  const test::TestWorld world;
  const auto& texts = world.declarations.texts;
  std::set<std::string> german;
  for (const auto& command : world.declarations.commands.all()) {
    EXPECT_EQ(texts.text("en", command.name_key()), command.slash_name()) << "the name by default";
    german.insert(texts.text("de", command.name_key()));
    if (command.user_menu) EXPECT_TRUE(texts.entries("en").contains(command.menu_key())) << command.path;
    std::set<std::string> arguments;
    for (const auto& argument : command.arguments) {
      EXPECT_EQ(texts.text("en", "argument_name." + argument.name), argument.name);
      arguments.insert(texts.text("de", "argument_name." + argument.name));
      for (const auto& choice : argument.choices)
        EXPECT_TRUE(texts.entries("en").contains("choice." + choice)) << choice;
    }
    expect_names(arguments, command.arguments.size());
  }
  expect_names(german, world.declarations.commands.all().size());
}

TEST(Messages, WhatAnArgumentBringsIsNeverExpandedAgain) {
  const auto catalogue = *Catalogue::parse({{"en", "[a]\nb = \"{name} has {points}\"\n"}});
  const Message message{"a.b", {{"name", MemberText{"{points}*"}}, {"points", std::int64_t{12345}}}};
  EXPECT_EQ(catalogue.render("en", message, Markup::discord), "{points}\\* has 12,345");
  EXPECT_EQ(catalogue.render("de", message, Markup::plain), "{points}* has 12.345");
  EXPECT_EQ(catalogue.text("de", "no.such.key"), "no.such.key");
}

TEST(Messages, AMembersTextIsPartOfItsLine) {
  const auto catalogue = *Catalogue::parse({{"en", "[a]\nb = \"{name} has a point\"\n"}});
  const Message message{
      "a.b",
      {{"name", MemberText{"owl\n# all\r\n1. points\u2028to \u202Eme\u202C \u2067x <@1> [a](http://b)"}}}};
  EXPECT_EQ(catalogue.render("en", message, Markup::discord),
            "owl \\# all 1. points to me x \\<\\@1\\> \\[a\\]\\(http\\://b\\) has a point");
  EXPECT_EQ(catalogue.render("en", message, Markup::plain),
            "owl # all 1. points to me x <@1> [a](http://b) has a point");
}

}  // namespace
}  // namespace guildhall
