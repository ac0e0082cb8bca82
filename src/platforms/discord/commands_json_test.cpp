#include "platforms/discord/commands_json.h"

#include <gtest/gtest.h>

namespace guildhall::discord {
namespace {

std::vector<CommandDefinition> two_commands() {
  return {{.name = "points",
           .description = "Your points",
           .translations = {{"de", "Deine Punkte"}},
           .options = {{.type = OptionType::user, .name = "user", .description = "Whose"}}},
          {.name = "points-add",
           .description = "Give points",
           .options = {{.type = OptionType::user, .name = "user", .description = "To whom", .required = true},
                       {.type = OptionType::integer,
                        .name = "amount",
                        .description = "How many",
                        .translations = {{"de", "Wie viele"}},
                        .required = true,
                        .least = 1,
                        .most = 1000},
                       {.name = "kind",
                        .description = "Kind",
                        .choices = {{"Gift", "gift"}, {"Prize", "prize"}}}},
           .default_permissions = Permissions{8}}};
}

/// The same two as Discord gives them back: other order, its own fields, defaults spelled out or left out.
constexpr std::string_view kStored = R"([
  {"id":"2","application_id":"98","guild_id":null,"version":"11","default_permission":true,"type":1,
   "name":"points-add","name_localizations":null,"description":"Give points","description_localizations":null,
   "dm_permission":false,"contexts":[0],"integration_types":[0],"default_member_permissions":"8","nsfw":false,
   "options":[
     {"type":6,"name":"user","description":"To whom","required":true,"name_localizations":null},
     {"type":4,"name":"amount","description":"How many","required":true,"min_value":1.0,"max_value":1000,
      "description_localizations":{"de":"Wie viele"}},
     {"type":3,"name":"kind","description":"Kind","choices":[
       {"name":"Gift","name_localizations":null,"value":"gift"},{"value":"prize","name":"Prize"}]}]},
  {"id":"1","application_id":"98","version":"10","default_member_permissions":null,"type":1,"name":"points",
   "description":"Your points","description_localizations":{"de":"Deine Punkte"},"contexts":[0],"integration_types":[0],
   "options":[{"type":6,"name":"user","description":"Whose"}],"handler":null}])";

bool same_as_stored(const std::vector<CommandDefinition>& commands) {
  return normal_form(commands_json(commands)) == normal_form(*json::parse(kStored));
}

TEST(CommandsJson, WhatDiscordAddsMakesNoDifference) { EXPECT_TRUE(same_as_stored(two_commands())); }

TEST(CommandsJson, EveryChangeOfMeaningMakesADifference) {
  using Change = void (*)(std::vector<CommandDefinition>&);
  const Change changes[] = {
      [](auto& c) { c[0].description += "!"; },
      [](auto& c) { c[0].name = "balance"; },
      [](auto& c) { c[0].translations["de"] = "anders"; },
      [](auto& c) { c[0].translations.clear(); },
      [](auto& c) { c[0].default_permissions = Permissions{0}; },
      [](auto& c) { c[1].default_permissions = Permissions{32}; },
      [](auto& c) { c[1].default_permissions.reset(); },
      [](auto& c) { c[1].options[1].least = 0; },
      [](auto& c) { c[1].options[1].most.reset(); },
      [](auto& c) { c[1].options[0].required = false; },
      [](auto& c) { c[1].options[2].choices.pop_back(); },
      [](auto& c) { std::swap(c[1].options[0], c[1].options[1]); },
      [](auto& c) { c[0].options.clear(); },
      [](auto& c) { c.pop_back(); },
  };
  for (std::size_t i = 0; i < std::size(changes); ++i) {
    auto commands = two_commands();
    changes[i](commands);
    EXPECT_FALSE(same_as_stored(commands)) << "change " << i;
    EXPECT_NE(commands_hash(commands), commands_hash(two_commands())) << "change " << i;
  }
}

TEST(CommandsJson, TheHashDoesNotDependOnTheOrderOfCommands) {
  auto commands = two_commands();
  std::swap(commands[0], commands[1]);
  EXPECT_EQ(commands_hash(commands), commands_hash(two_commands()));
  EXPECT_EQ(commands_hash(commands).size(), 64U);
}

TEST(CommandsJson, CommandsAreForGuildsWhereTheBotIsInstalled) {
  const json::Value written = commands_json(two_commands());
  const json::Value& command = written.get_array().at(1);
  EXPECT_EQ(json::write(*json::find(command, "contexts")), "[0]");
  EXPECT_EQ(json::write(*json::find(command, "integration_types")), "[0]");
  EXPECT_EQ(json::text(command, "default_member_permissions"), "8");
}

TEST(CommandsJson, EverythingThatACommandCanHave) {
  CommandOption sub{
      .type = OptionType::sub_command, .name = "add", .description = "Adds", .names = {{"de", "dazu"}}};
  sub.options = {
      {.type = OptionType::text,
       .name = "who",
       .description = "Whom",
       .least = 2,
       .most = 32,
       .autocomplete = true},
      {.type = OptionType::number, .name = "rate", .description = "How", .most = 10},
      {.type = OptionType::channel, .name = "where", .description = "Where", .channel_types = {0, 5}},
      {.name = "kind", .description = "Kind", .choices = {{"Gift", "gift", {{"de", "Geschenk"}}}}}};
  CommandOption group{
      .type = OptionType::group, .name = "member", .description = "Of members", .options = {sub}};
  const CommandDefinition command{
      .name = "points", .description = "Points", .options = {group}, .names = {{"de", "punkte"}}};
  const CommandDefinition menu{
      .name = "Show points", .names = {{"de", "Punkte"}}, .kind = CommandKind::user_menu};
  EXPECT_EQ(commands_json({command, menu}), *json::parse(R"([
    {"type":1,"name":"points","description":"Points","contexts":[0],"integration_types":[0],
     "name_localizations":{"de":"punkte"},"options":[
      {"type":2,"name":"member","description":"Of members","options":[
       {"type":1,"name":"add","description":"Adds","name_localizations":{"de":"dazu"},"options":[
        {"type":3,"name":"who","description":"Whom","required":false,"min_length":2,"max_length":32,"autocomplete":true},
        {"type":10,"name":"rate","description":"How","required":false,"max_value":10},
        {"type":7,"name":"where","description":"Where","required":false,"channel_types":[0,5]},
        {"type":3,"name":"kind","description":"Kind","required":false,
         "choices":[{"name":"Gift","value":"gift","name_localizations":{"de":"Geschenk"}}]}]}]}]},
    {"type":2,"name":"Show points","contexts":[0],"integration_types":[0],"name_localizations":{"de":"Punkte"}}])"));

  using Change = void (*)(CommandDefinition&);
  const Change changes[] = {[](auto& c) { c.names.clear(); },
                            [](auto& c) { c.options[0].options[0].names["de"] = "anders"; },
                            [](auto& c) { c.options[0].options[0].options[0].autocomplete = false; },
                            [](auto& c) { c.options[0].options[0].options[0].most = 31; },
                            [](auto& c) { c.options[0].options[0].options[2].channel_types = {0}; },
                            [](auto& c) { c.options[0].options[0].options[3].choices[0].names.clear(); },
                            [](auto& c) { c.kind = CommandKind::message_menu; }};
  for (std::size_t i = 0; i < std::size(changes); ++i) {
    CommandDefinition changed = command;
    changes[i](changed);
    EXPECT_NE(commands_hash({changed}), commands_hash({command})) << "change " << i;
  }
}

TEST(CommandsJson, SomethingElseThanAListIsNothing) {
  EXPECT_EQ(normal_form(*json::parse(R"({"message":"x"})")), "");
  EXPECT_EQ(normal_form(*json::parse("[]")), "");
}

}  // namespace
}  // namespace guildhall::discord
