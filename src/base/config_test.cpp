#include "base/config.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "tests/support/test_world.h"

namespace guildhall {
namespace {

using testing::AllOf;
using testing::HasSubstr;

class Configuration : public testing::Test {
 protected:
  Result<Config> load(const std::string& toml, ConfigInput input = {}) {
    const auto file = folder_.path() / "guildhall.toml";
    std::ofstream(file) << toml;
    input.file = file;
    return load_config(input);
  }
  test::TemporaryFolder folder_;
};

TEST_F(Configuration, FlagsBeatEnvironmentBeatsFile) {
  ConfigInput input;
  const std::string toml =
      "language = \"de\"\n[web]\nlisten = \"127.0.0.1:1\"\n[data]\ndir = \"from-file\"\n";
  input.environment = {
      {"GUILDHALL_WEB_LISTEN", "127.0.0.1:2"}, {"GUILDHALL_DATA_DIR", "from-environment"}, {"PATH", "/bin"}};
  input.flags = {{"data.dir", "from-flag"}};
  const auto config = load(toml, input);
  ASSERT_TRUE(config);
  EXPECT_EQ(config->language, "de");
  EXPECT_EQ(config->web_listen, "127.0.0.1:2");
  EXPECT_EQ(config->data_dir, "from-flag");
  EXPECT_THAT(config->sources.at("language"), HasSubstr("guildhall.toml"));
  EXPECT_EQ(config->sources.at("web.listen"), "environment GUILDHALL_WEB_LISTEN");
  EXPECT_EQ(config->sources.at("data.dir"), "flag");
  EXPECT_EQ(config->sources.at("time_zone"), "default");
}

TEST_F(Configuration, AnUnknownKeyIsAnErrorWithLineAndSuggestion) {
  const auto config = load("language = \"en\"\n[discord]\ntokn = \"x\"\n");
  ASSERT_FALSE(config);
  EXPECT_EQ(config.error().code, ErrorCode::configuration);
  EXPECT_THAT(config.error().message, HasSubstr("line 3: unknown key 'discord.tokn'"));
  EXPECT_EQ(config.error().hint, "Did you mean 'discord.token'?");

  ConfigInput input;
  input.environment = {{"GUILDHALL_DISCORD_TOKN", "x"}};
  EXPECT_EQ(load("", input).error().hint, "Did you mean 'GUILDHALL_DISCORD_TOKEN'?");
}

TEST_F(Configuration, TheChatSocketIsOffUntilItHasAKey) {
  const auto usual = load("");
  EXPECT_EQ(usual->kick_chat_socket_app_key, "");
  EXPECT_EQ(usual->chat_socket_url(), "wss://ws-us2.pusher.com");
  const std::string app = "[kick]\nclient_id = \"a\"\nclient_secret = \"b\"\n[kick.chat_socket]\n";
  const auto config = load(app +
                           "app_key = \"0123456789abcdef\"\ncluster = \"eu\"\n"
                           "chatrooms = \"Night-Owl=668, fox=12\"");
  ASSERT_TRUE(config) << config.error().message;
  EXPECT_EQ(config->chat_socket_url(), "wss://ws-eu.pusher.com");
  EXPECT_EQ(config->chatrooms(), (std::map<std::string, std::int64_t>{{"night-owl", 668}, {"fox", 12}}));
  EXPECT_EQ(load(app + "url = \"ws://127.0.0.1:1\"")->chat_socket_url(), "ws://127.0.0.1:1");
}

TEST_F(Configuration, WrongAddressesAndNumbersOfTheChatSocketAreRefused) {
  for (const auto& [key, value] : {std::pair{"app_key", "a/../b"},
                                   {"app_key", "key"},
                                   {"cluster", ""},
                                   {"cluster", "evil.example/"},
                                   {"url", "https://kick.com"},
                                   {"site_url", "kick.com"},
                                   {"chatrooms", "owl"},
                                   {"chatrooms", "owl=0"},
                                   {"chatrooms", "=5"},
                                   {"chatrooms", "owl=5,OWL=6"},
                                   {"chatrooms", "owl=5,fox=5"}}) {
    const auto config = load(fmt::format("[kick.chat_socket]\n{} = \"{}\"", key, value));
    ASSERT_FALSE(config) << key << " " << value;
    EXPECT_THAT(config.error().message, HasSubstr(fmt::format("kick.chat_socket.{} (file", key)));
  }
}

TEST_F(Configuration, WrongValuesNameKeyAndSource) {
  EXPECT_THAT(load("language = \"fr\"").error().message, HasSubstr("language (file"));
  EXPECT_THAT(load("time_zone = \"Mars/Olympus\"").error().message, HasSubstr("time_zone"));
  EXPECT_THAT(load("[web]\nlisten = \"somewhere\"").error().message, HasSubstr("web.listen"));
  EXPECT_TRUE(load("[discord]\npresence = \"" + std::string(128, 'x') + "\""));
  EXPECT_THAT(load("[discord]\npresence = \"" + std::string(129, 'x') + "\"").error().message,
              HasSubstr("discord.presence"));
  EXPECT_THAT(load("[web]\nlisten = \"127.0.0.1:99999\"").error().message, HasSubstr("web.listen"));
  EXPECT_THAT(load("[kick]\napi_url = \"api.kick.com\"").error().message, HasSubstr("https://"));
  EXPECT_THAT(load("[discord]\npublic_key = \"1e93\"").error().message,
              AllOf(HasSubstr("discord.public_key (file"), HasSubstr("General Information")));
  EXPECT_TRUE(load("[discord]\npublic_key = \"" + std::string(64, 'C') + "\""));
  EXPECT_THAT(load("language = 5").error().message, HasSubstr("must be text"));
  EXPECT_THAT(load("language = ").error().message, HasSubstr("line 1"));
}

TEST_F(Configuration, ANamedFileMustExistAndBeAFile) {
  ConfigInput input;
  for (const auto& file : {folder_.path() / "nowhere.toml", folder_.path()}) {
    input.file = file;
    EXPECT_THAT(load_config(input).error().message, HasSubstr("cannot read"));
  }
}

TEST_F(Configuration, AFileThatIsNoTextIsRefusedInWords) {
  for (const std::string& content : {std::string("[\0web]\n", 7), std::string("language = \"\xC3\"\n")}) {
    const auto refused = load(content);
    ASSERT_FALSE(refused);
    EXPECT_THAT(refused.error().message, HasSubstr("guildhall.toml: is not text"));
  }
}

TEST_F(Configuration, ATypingErrorNamesItsLineWhateverItIs) {
  for (const char* wrong :
       {"[$x]", "[", "[]", "[[", "a", "= 1", "a = ", "a = [", "a = {b", "a.=1", "\"\"\"a = 1"}) {
    const auto refused = load(std::string("language = \"de\"\n") + wrong);
    ASSERT_FALSE(refused) << wrong;
    EXPECT_THAT(refused.error().message, HasSubstr("guildhall.toml line 2: ")) << wrong;
  }
}

TEST_F(Configuration, SecretsComeFromFilesToo) {
  const auto file = folder_.path() / "token";
  std::ofstream(file) << "  secret-token\n";
  ConfigInput input;
  input.environment = {{"GUILDHALL_DISCORD_TOKEN_FILE", file.string()}};
  EXPECT_EQ(load("", input)->discord_token, "secret-token");
  input.environment = {{"GUILDHALL_DISCORD_TOKEN_FILE", (folder_.path() / "nowhere").string()}};
  EXPECT_THAT(load("", input).error().message, HasSubstr("GUILDHALL_DISCORD_TOKEN_FILE"));
  input.environment = {{"GUILDHALL_DISCORD_TOKEN_FILE", folder_.path().string()}};
  EXPECT_THAT(load("", input).error().message, HasSubstr("GUILDHALL_DISCORD_TOKEN_FILE"));
}

TEST_F(Configuration, SecretsAreMasked) {
  const auto config = *load("[discord]\ntoken = \"abc\"\n[database]\nurl = \"postgres://me:word@host/db\"\n");
  for (const ConfigKey& key : config_keys()) {
    if (key.name == "discord.token") EXPECT_EQ(masked(key, config), "********");
    if (key.name == "database.url") EXPECT_EQ(masked(key, config), "postgres://me:********@host/db");
  }
}

}  // namespace
}  // namespace guildhall
