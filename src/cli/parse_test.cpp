#include "cli/parse.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/test_world.h"

namespace guildhall::cli {
namespace {

using testing::HasSubstr;

const std::vector<Command>& some() {
  static const std::vector<Command> list{
      {{"run"}, "runs", "guildhall run", {}, {{"--speed", "N", "how fast"}}, {}},
      {{"thing"}, "shows", "guildhall thing", {{"NAME", "which", false}}, {}, {}, false},
      {{"thing", "set"},
       "sets",
       "guildhall thing set --server 5 KEY 1",
       {{"KEY", "which"}, {"VALUE", "what", false}},
       {{"--server", "ID", "where", true}, {"--force", "", "at once"}},
       {},
       false}};
  return list;
}

Result<Parsed> parse(std::vector<std::string> words) { return cli::parse(some(), words, {}); }

Error refusal(std::vector<std::string> words) {
  const auto parsed = parse(std::move(words));
  return parsed ? Error{ErrorCode::failed, "it was accepted"} : parsed.error();
}

TEST(Parse, TheLongestCommandWins) {
  EXPECT_EQ(parse({"thing"})->command, &some()[1]);
  EXPECT_EQ(parse({"thing", "other"})->command, &some()[1]);
  const auto set = parse({"thing", "set", "--server", "5", "key", "value"});
  ASSERT_TRUE(set) << set.error().message;
  EXPECT_EQ(set->command, &some()[2]);
  EXPECT_EQ(set->arguments.require("KEY"), "key");
  EXPECT_EQ(set->arguments.require("VALUE"), "value");
  EXPECT_EQ(set->arguments.require("--server"), "5");
  EXPECT_FALSE(set->arguments.has("--force"));
  EXPECT_FALSE(set->arguments.json);
}

TEST(Parse, OptionsStandAnywhereAfterTheCommandAndInBothForms) {
  const auto set = parse({"thing", "set", "key", "--json", "--server=-5", "--force", "-v"});
  ASSERT_TRUE(set) << set.error().message;
  EXPECT_EQ(set->arguments.require("--server"), "-5");
  EXPECT_TRUE(set->arguments.has("--force"));
  EXPECT_TRUE(set->arguments.json);
  EXPECT_TRUE(set->arguments.verbose);
}

TEST(Parse, ANegativeNumberIsAnArgument) {
  EXPECT_EQ(parse({"thing", "-5"})->arguments.require("NAME"), "-5");
}

TEST(Parse, WhatIsUnknownIsRefusedWithASuggestion) {
  EXPECT_EQ(refusal({"thign"}).code, ErrorCode::usage);
  EXPECT_THAT(refusal({"thign"}).hint, HasSubstr("guildhall thing"));
  EXPECT_THAT(refusal({"thing", "set", "--server", "1", "k", "--forse"}).message, HasSubstr("--forse"));
  EXPECT_THAT(refusal({"thing", "set", "--server", "1", "k", "--forse"}).hint, HasSubstr("'--force'"));
  EXPECT_EQ(refusal({"--what"}).code, ErrorCode::usage);
}

TEST(Parse, WhatIsMissingOrTooMuchIsNamed) {
  EXPECT_THAT(refusal({"thing", "set", "k"}).message, HasSubstr("--server ID is missing"));
  EXPECT_THAT(refusal({"thing", "set", "--server", "1"}).message, HasSubstr("KEY is missing"));
  EXPECT_THAT(refusal({"thing", "set", "--server", "1"}).hint, HasSubstr("guildhall thing set"));
  EXPECT_THAT(refusal({"thing", "a", "b"}).message, HasSubstr("'b' is one argument too many"));
  EXPECT_EQ(refusal({"thing", "set", "k", "--server"}).code, ErrorCode::usage);
}

TEST(Parse, HelpIsNeverAnErrorWhateverElseIsWrong) {
  EXPECT_THAT(*parse({})->help, HasSubstr("thing set"));
  EXPECT_THAT(*parse({"--help"})->help, HasSubstr("thing set"));
  EXPECT_THAT(*parse({"thing", "set", "--help"})->help, HasSubstr("--server ID"));
  EXPECT_THAT(*parse({"thing", "set", "-h"})->help, HasSubstr("Example:\n  guildhall thing set"));
  EXPECT_THAT(*parse({"--version"})->help, HasSubstr("guildhall "));
}

TEST(Parse, WholeNumbersHaveBounds) {
  const auto number = [](std::string typed) {
    const auto parsed = cli::parse(some(), {"thing", std::move(typed)}, {});
    return parsed->arguments.integer("NAME", 7, 1, 100);
  };
  EXPECT_EQ(number("100"), 100);
  EXPECT_EQ(parse({"thing"})->arguments.integer("NAME", 7, 1, 100), 7);
  for (const char* wrong : {"0", "101", "1e3", "1.5", "x", "-1", "+5", "９", "9223372036854775808"})
    EXPECT_EQ(number(wrong).error().code, ErrorCode::usage) << wrong;
}

TEST(Parse, FlagsReachTheConfigurationAndEnvironmentComesBefore) {
  const test::TemporaryFolder folder;
  const auto parsed = cli::parse(some(), {"run", "--data-dir", folder.path().string()},
                                 {{"GUILDHALL_DATA_DIR", "/elsewhere"}, {"GUILDHALL_LANGUAGE", "de"}});
  ASSERT_TRUE(parsed) << parsed.error().message;
  EXPECT_EQ(parsed->arguments.config.data_dir, folder.path().string());
  EXPECT_EQ(parsed->arguments.config.language, "de");
}

TEST(Parse, EveryCommandOfTheProgramHasHelpWithAnExample) {
  for (const Command& command : commands()) {
    std::vector<std::string> words = command.path;
    words.push_back("--help");
    const auto parsed = cli::parse(commands(), words, {});
    ASSERT_TRUE(parsed && parsed->help) << command.path.front();
    EXPECT_EQ(parsed->command, &command);
    EXPECT_THAT(*parsed->help, HasSubstr("Example:\n  guildhall " + command.path.front()));
    EXPECT_TRUE(command.run);
  }
}

}  // namespace
}  // namespace guildhall::cli
