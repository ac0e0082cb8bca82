// The reference pages are written from the declarations. This test says when a page is behind; run it with
// GUILDHALL_WRITE_DOCS=1 to write the pages anew.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <functional>
#include <sstream>

#include "base/config.h"
#include "bot/feature.h"
#include "cli/command.h"
#include "cli/parse.h"
#include "features/features.h"

namespace guildhall {
namespace {

const bot::Declarations& declarations() {
  static const Config config;
  static const auto all = [] {
    auto made = std::make_unique<bot::Declarations>(config);
    bot::declare_bot(*made);
    features::declare_all(*made);
    return made;
  }();
  return *all;
}

std::string described(const std::string& key) { return declarations().texts.text("en", key); }

std::string cell(std::string text) {
  for (std::size_t at = 0; (at = text.find('|', at)) != std::string::npos; at += 2) text.insert(at, "\\");
  return text;
}

std::string code(std::string_view text) { return text.empty() ? "" : fmt::format("`{}`", text); }

std::string doors_of(const bot::CommandSpec& command) {
  std::vector<std::string> doors;
  if (command.open_at(bot::Door::slash)) doors.push_back(fmt::format("`/{}`", command.slash_name()));
  if (command.user_menu) doors.emplace_back("menu of a member");
  if (command.open_at(bot::Door::prefix)) doors.emplace_back("message in Discord");
  if (command.open_at(bot::Door::chat)) doors.emplace_back("stream chat");
  return fmt::format("{}", fmt::join(doors, ", "));
}

const char* who(bot::Permission permission) {
  switch (permission) {
    case bot::Permission::everyone: return "everyone";
    case bot::Permission::manager: return "managers";
    case bot::Permission::administrator: return "administrators";
  }
  return "";
}

std::string commands_page() {
  std::string page =
      "# Commands of the members\n\n"
      "In Discord each command is a slash command and can also be written as a message; in a stream's chat\n"
      "it is written as a message. Messages begin with the server's `command_prefix` (`!`). `<needed>`,\n"
      "`[optional]`. What stands in the menu of a member (under Apps) is about that member; a form asks for\n"
      "what else is needed. Managers have Discord's permission Manage Server; administrators may what they "
      "may.\n\n"
      "| command | also as | does | where | who | again after |\n| --- | --- | --- | --- | --- | --- |\n";
  for (const auto& command : declarations().commands.all()) {
    std::vector<std::string> aliases;
    for (const auto& alias : command.aliases) aliases.push_back(code(alias));
    page += fmt::format(
        "| `{}` | {} | {} | {} | {} | {} |\n", cell(bot::usage(command)), fmt::join(aliases, ", "),
        described(command.description_key()), doors_of(command), who(command.permission),
        command.cooldown.count() == 0
            ? ""
            : fmt::format("{} s for each {}",
                          std::chrono::duration_cast<std::chrono::seconds>(command.cooldown).count(),
                          command.cooldown_per_place ? "channel" : "person"));
  }
  return page;
}

std::string allowed(const bot::SettingSpec& spec) {
  if (!spec.choices.empty()) return fmt::format("`{}`", fmt::join(spec.choices, "`, `"));
  if (spec.type == bot::SettingSpec::Type::boolean) return "`true`, `false`";
  if (spec.type == bot::SettingSpec::Type::integer) return fmt::format("{} to {}", spec.least, spec.most);
  return "text";
}

std::string settings_page() {
  std::string page =
      "# Settings of a server\n\n"
      "Set in the dashboard or with `guildhall settings set --server ID KEY VALUE`; in effect at once. What "
      "a\n"
      "server has not set comes from the operator's default (`guildhall settings set --global`), then from "
      "the\n"
      "configuration of the process, then from here.\n\n"
      "| setting | does | allowed | built in | operator's default |\n| --- | --- | --- | --- | --- |\n";
  for (const auto& [key, spec] : declarations().settings.all()) {
    page += fmt::format("| `{}` | {} | {} | {} | {} |\n", key, described("setting." + key), allowed(spec),
                        code(spec.builtin), spec.has_default ? "yes" : "no");
  }
  return page;
}

std::string configuration_page() {
  std::string page =
      "# Configuration of the process\n\n"
      "Read from `guildhall.toml` (`[data]` `dir = \"…\"`), then from the environment, then from flags; "
      "later\n"
      "wins. A secret can also come from a file named by its variable with `_FILE` at the end.\n"
      "`guildhall config show` tells what is in force and where it comes from.\n\n"
      "| key | environment | default | what it is |\n| --- | --- | --- | --- |\n";
  const Config builtin;
  for (const ConfigKey& key : config_keys()) {
    std::string variable = "GUILDHALL_";
    for (const char c : key.name) variable += c == '.' ? '_' : static_cast<char>(std::toupper(c));
    page += fmt::format("| `{}` | `{}` | {} | {}{} |\n", key.name, variable, code(builtin.*key.member),
                        key.help, key.secret ? " (secret)" : "");
  }
  return page;
}

std::string command_line_page() {
  std::string page =
      "# The command line\n\n"
      "Exit codes: 0 done · 1 failed, or a mismatch found · 2 usage · 3 database unreachable or damaged ·\n"
      "4 another instance · 5 schema newer or drifted · 6 refused by a guard · 69 port in use ·\n"
      "77 token refused · 78 configuration.\n";
  for (const auto& command : cli::commands()) {
    page += fmt::format("\n## guildhall {}\n\n```text\n{}```\n", fmt::join(command.path, " "),
                        cli::help_of(command));
  }
  return page;
}

class ReferencePage : public testing::TestWithParam<std::pair<const char*, std::string (*)()>> {};

TEST_P(ReferencePage, SaysWhatIsDeclared) {
  const std::string file = fmt::format("{}/docs/reference/{}.md", GUILDHALL_SOURCE_DIR, GetParam().first);
  const std::string page = GetParam().second();
  if (std::getenv("GUILDHALL_WRITE_DOCS") != nullptr) std::ofstream(file) << page;
  std::stringstream written;
  written << std::ifstream(file).rdbuf();
  EXPECT_EQ(written.str(), page)
      << "GUILDHALL_WRITE_DOCS=1 build/release/tests/unit_tests --gtest_filter='*ReferencePage*'";
}

INSTANTIATE_TEST_SUITE_P(All, ReferencePage,
                         testing::Values(std::pair{"commands", &commands_page},
                                         std::pair{"settings", &settings_page},
                                         std::pair{"configuration", &configuration_page},
                                         std::pair{"command-line", &command_line_page}),
                         [](const auto& info) {
                           std::string name = info.param.first;
                           std::erase(name, '-');
                           return name;
                         });

}  // namespace
}  // namespace guildhall
