// What the bot may say where in Discord, and what it remembers of its servers.
#include "bot/discord_bridge.h"

#include <atomic>
#include <boost/asio/post.hpp>

#include "base/log.h"
#include "sim/discord.h"
#include "tests/support/discord_world.h"

namespace guildhall::bot {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;

class BridgeInDiscord : public InDiscord {
 protected:
  /// Posts to a channel as the outbox does; what is refused for.
  std::string post_to(std::size_t channel) {
    const auto sent = send(0, servers_[0].channels[channel].id);
    return sent ? "" : sent.error().message;
  }
  Result<std::string> send(std::size_t server, sim::Snowflake channel, PostBody body = {"news"},
                           std::string edits = "") {
    Outgoing message{id(channel), std::move(body), "", std::move(edits)};
    return net::run_to_end(bot_->bridge().send(ServerId(servers_[server].id), std::move(message)));
  }
  ErrorCode refused(std::size_t server, sim::Snowflake channel) {
    const auto sent = send(server, channel);
    return sent ? ErrorCode::failed : sent.error().code;
  }
  /// The platform's own hand: no event tells of it.
  void change(const std::function<void(sim::World&)>& act) {
    std::promise<void> done;
    boost::asio::post(sim_loops_.main(), [&] {
      act(sim_->world());
      done.set_value();
    });
    done.get_future().get();
  }
  bool under_way(std::size_t events) const {
    return world_.metrics.text().find(fmt::format("\nguildhall_discord_events_under_way {}\n", events)) !=
           std::string::npos;
  }
  std::int64_t count(const std::string& name, const std::string& labels) {
    return world_.metrics.counter(name, "", labels).value();
  }
  /// Of an interaction: is it waiting, deferred, answered, or too late?
  std::string state_of(const std::string& interaction) {
    return json::text_or(control("GET", "/discord/interactions?id=" + interaction).at(0), "state", "");
  }
  /// Somebody types an argument of a command; returns as soon as that is answered.
  void type(std::size_t server) {
    told("/discord/type", {{"guild", id(servers_[server].id)},
                           {"user", id(member(server, 0))},
                           {"name", "points"},
                           {"options", json::Object{{"viewer", "n"}}},
                           {"focused", "viewer"}});
  }
  /// What a moderator does; the answer, which has to have this status.
  json::Value moderate(std::string method, const std::string& path, std::string body, int status) {
    const json::Value& discord = contract_.at("discord");
    net::HttpRequest request{std::move(method), json::text_or(discord, "rest", "") + "/v10" + path};
    request.headers = {{"user-agent", "DiscordBot (https://p.test, 1)"},
                       {"authorization", "Bot " + json::text_or(discord, "token", "")},
                       {"content-type", "application/json"}};
    request.body = std::move(body);
    std::promise<net::HttpResponse> answered;
    net::spawn(sim_loops_.main(), "moderator", [this, &answered, request]() -> Task<void> {
      auto response = co_await http_.send(request);
      answered.set_value(response ? *std::move(response) : net::HttpResponse{});
    });
    const net::HttpResponse response = answered.get_future().get();
    EXPECT_EQ(response.status, status);
    return json::parse(response.body).value_or(json::Value(nullptr));
  }
  /// Changes the role at this place of the server's as the worker of roles does; what is refused for.
  Result<RoleAnswer> change_role(sim::Snowflake user, std::size_t role, std::string wanted) {
    return change_role(id(user), id(servers_[0].roles[role].id), std::move(wanted));
  }
  Result<RoleAnswer> change_role(std::string user, std::string role, std::string wanted) {
    RoleChange change{std::move(user), std::move(role), std::move(wanted), "watchtime"};
    return net::run_to_end(bot_->bridge().change_role(ServerId(servers_[0].id), std::move(change)));
  }
  std::string roles_of(sim::Snowflake user) {
    const std::string path = fmt::format("/guilds/{}/members/{}", servers_[0].id, user);
    return json::write(moderate("GET", path, "", 200).at("roles"));
  }
  /// What @everyone is denied in a channel.
  void deny(std::size_t channel, std::string permissions) {
    moderate("PUT",
             fmt::format("/channels/{}/permissions/{}", servers_[0].channels[channel].id, servers_[0].id),
             fmt::format(R"({{"type":0,"allow":"0","deny":"{}"}})", permissions), 204);
  }
};

TEST_F(BridgeInDiscord, WhatTheBotMayNotSayIsNotAskedOfDiscord) {
  const auto expect_refused = [&] {
    wait_until([&] { return bot_->bridge().health().connected; });
    EXPECT_EQ(post_to(0), "");
    EXPECT_THAT(post_to(4),
                HasSubstr("lacks \"Send Messages\" in channel " + id(servers_[0].channels[4].id)));
    EXPECT_THAT(post_to(5), HasSubstr("lacks \"View Channels\" in channel "));
    EXPECT_EQ(count("guildhall_discord_requests_total", "answer=\"4xx\""), 0) << "Discord was not asked";
  };
  expect_refused();
  bot_.reset();
  world_.reopen();
  run();
  expect_refused();
  EXPECT_EQ(count("guildhall_discord_events_total", "event=\"GUILD_CREATE\""), 2)
      << "of no server it was told again";

  deny(4, "0");
  wait_until([&] { return post_to(4).empty(); });
  deny(0, "2048");
  wait_until([&] { return !post_to(0).empty(); });
  EXPECT_THAT(post_to(0), HasSubstr("lacks \"Send Messages\""));
  EXPECT_LE(count("guildhall_discord_requests_total", "answer=\"4xx\""), 1) << "that was under way at most";
}

TEST_F(BridgeInDiscord, NothingIsPostedForAServerInAnothersChannel) {
  wait_until([&] { return bot_->bridge().health().connected; });
  const auto theirs = servers_[1].channels[0].id;
  const auto hidden = servers_[1].channels[5].id;
  control("POST", "/faults", {{"discord_cdn_403", 2}});
  EXPECT_NE(refused(0, theirs), ErrorCode::failed) << "nobody says whose it is";
  control("POST", "/faults", {{"discord_cdn_403", 0}});
  for (int i = 0; i < 2; ++i) EXPECT_EQ(refused(0, theirs), ErrorCode::invalid);
  EXPECT_THAT(send(0, theirs).error().message, HasSubstr("does not belong to this Discord server"));
  EXPECT_EQ(refused(0, hidden), ErrorCode::forbidden);
  EXPECT_EQ(messages(1).size(), 0U);

  EXPECT_TRUE(send(1, theirs)) << "that others tried closes nothing";
  EXPECT_EQ(messages(1).size(), 1U);
  EXPECT_TRUE(send(0, servers_[0].channels[0].id));
  EXPECT_EQ(messages(0).size(), 1U);
}

TEST_F(BridgeInDiscord, AButtonBearsAnEmojiOfTheApplicationByItsName) {
  wait_until([&] { return bot_->bridge().health().connected; });
  const LinkButton ours{"Watch", "https://kick.com/owl", "app:live"};
  const LinkButton unknown{"Shop", "https://shop.example/", "app:sold_out"};
  ASSERT_TRUE(send(0, servers_[0].channels[0].id, {"live", {ours, unknown}}));
  const auto posted = messages(0);
  ASSERT_EQ(posted.size(), 1U);
  const json::Value& buttons = posted[0].at("components").at(0).at("components");
  EXPECT_EQ(json::text_or(buttons.at(0).at("emoji"), "name", ""), "live");
  EXPECT_EQ(json::boolean(buttons.at(0).at("emoji"), "animated"), true);
  EXPECT_FALSE(buttons.at(1).as_object().contains("emoji")) << "one that is not there is left out";
}

TEST_F(BridgeInDiscord, AMessageIsEditedWhereItStandsUnlessItIsGone) {
  wait_until([&] { return bot_->bridge().health().connected; });
  const auto channel = servers_[0].channels[0].id;
  const LinkButton shop{"Shop", "https://shop.example/", "\U0001F6D2"};
  const auto sent = send(0, channel, {"live @everyone", {shop}});
  ASSERT_TRUE(sent) << sent.error().message;
  const auto edited = send(0, channel, {"over"}, *sent);
  ASSERT_TRUE(edited) << edited.error().message;
  EXPECT_EQ(*edited, *sent);
  ASSERT_EQ(messages(0).size(), 1U);
  EXPECT_EQ(json::text_or(messages(0)[0], "content", ""), "over");

  moderate("DELETE", fmt::format("/channels/{}/messages/{}", channel, *sent), "", 204);
  EXPECT_EQ(send(0, channel, {"over"}, *sent).error().code, ErrorCode::not_found);
  EXPECT_EQ(send(0, channel, {"over"}, "no id").error().code, ErrorCode::not_found);
}

TEST_F(BridgeInDiscord, AMemberIsToldInPrivateUnlessHeIsClosed) {
  wait_until([&] { return bot_->bridge().health().connected; });
  const std::string open = id(member(0, 0));
  const std::string closed = id(member(0, 1));
  change([&](sim::World& world) {
    world.users.at(member(0, 0)).closed_messages = false;
    world.users.at(member(0, 1)).closed_messages = true;
  });
  const auto tell = [&](const std::string& user) {
    Outgoing message;
    message.body = {"for you"};
    message.member = user;
    return net::run_to_end(bot_->bridge().send(ServerId(servers_[0].id), std::move(message)));
  };
  ASSERT_TRUE(tell(open));
  const json::Value direct = control("GET", "/discord/messages?user=" + open);
  ASSERT_EQ(direct.get_array().size(), 1U);
  EXPECT_EQ(json::text_or(direct.at(0), "content", ""), "for you");
  EXPECT_EQ(tell(closed).error().code, ErrorCode::forbidden);
  EXPECT_EQ(tell("nobody").error().code, ErrorCode::invalid);
}

TEST_F(BridgeInDiscord, AMentionPingsTheOneWhomItIsForAndIsTakenAway) {
  wait_until([&] { return bot_->bridge().health().connected; });
  Outgoing mention{id(servers_[0].channels[0].id), {fmt::format("<@{}> look", member(0, 0))}, "", ""};
  mention.pings = id(member(0, 0));
  const auto sent = net::run_to_end(bot_->bridge().send(ServerId(servers_[0].id), mention));
  ASSERT_TRUE(sent) << sent.error().message;
  ASSERT_EQ(messages(0).size(), 1U);
  ASSERT_EQ(messages(0)[0].at("mentions").get_array().size(), 1U);
  Outgoing away{mention.channel_id, {}, "", *sent};
  away.takes_away = true;
  for (int i = 0; i < 2; ++i) {
    const auto gone = net::run_to_end(bot_->bridge().send(ServerId(servers_[0].id), away));
    EXPECT_TRUE(gone) << "gone already is as good";
  }
  EXPECT_EQ(messages(0).size(), 0U);
}

TEST_F(BridgeInDiscord, AMemberIsGivenARoleAndItIsTakenAsOftenAsItIsWanted) {
  wait_until([&] { return bot_->bridge().health().connected; });
  const sim::Snowflake owner = servers_[0].owner;
  const std::string role = id(servers_[0].roles[1].id);
  for (int i = 0; i < 2; ++i) EXPECT_EQ(change_role(owner, 1, "add").value(), RoleAnswer::done);
  EXPECT_THAT(roles_of(owner), HasSubstr(role));
  for (int i = 0; i < 2; ++i) EXPECT_EQ(change_role(owner, 1, "remove").value(), RoleAnswer::done);
  EXPECT_THAT(roles_of(owner), Not(HasSubstr(role)));
}

TEST_F(BridgeInDiscord, WhatARoleIsCalledIsDiscordsWord) {
  wait_until([&] { return bot_->bridge().health().connected; });
  const auto name = [&](std::string role) {
    return net::run_to_end(bot_->bridge().role_name(ServerId(servers_[0].id), std::move(role)));
  };
  EXPECT_EQ(name(id(servers_[0].roles[1].id)), servers_[0].roles[1].name);
  EXPECT_EQ(name(id(servers_[0].roles[2].id)), servers_[0].roles[2].name);
  EXPECT_EQ(name("4711"), "");
}

TEST_F(BridgeInDiscord, OfARoleThatCannotBeGivenIsSaidWhy) {
  wait_until([&] { return bot_->bridge().health().connected; });
  const std::string owner = id(servers_[0].owner);
  const std::string role = id(servers_[0].roles[1].id);
  EXPECT_EQ(change_role("4711", role, "add").value(), RoleAnswer::no_member);
  EXPECT_EQ(change_role(owner, "4711", "add").value(), RoleAnswer::no_role);
  EXPECT_EQ(change_role(owner, "the first", "add").error().code, ErrorCode::invalid);

  const auto asked = count("guildhall_discord_requests_total", "answer=\"4xx\"");
  EXPECT_EQ(change_role(servers_[0].owner, 4, "add").error().code, ErrorCode::forbidden) << "above the bot's";
  EXPECT_EQ(count("guildhall_discord_requests_total", "answer=\"4xx\""), asked) << "Discord was not asked";
}

TEST_F(BridgeInDiscord, AThreadOfTheServerIsItsOwnAndHasItsChannelsPermissions) {
  wait_until([&] { return bot_->bridge().health().connected; });
  change([&](sim::World& world) {
    world.servers[0].roles.front().permissions |=
        discord::kCreatePublicThreads | discord::kSendMessagesInThreads;
  });
  const json::Value made = moderate("POST", fmt::format("/channels/{}/threads", servers_[0].channels[0].id),
                                    R"({"name":"talk","type":11})", 201);
  const auto thread = static_cast<sim::Snowflake>(json::id(made, "id").value_or(0));
  EXPECT_EQ(refused(1, thread), ErrorCode::invalid);

  deny(0, std::to_string(discord::kSendMessagesInThreads));
  EXPECT_THAT(send(0, thread).error().message,
              HasSubstr("lacks \"Send Messages in Threads\" in channel " + id(thread)));
  EXPECT_EQ(post_to(0), "") << "its channel is open";
  EXPECT_EQ(count("guildhall_discord_requests_total", "answer=\"4xx\""), 0) << "Discord was not asked";
  deny(0, "0");
  wait_until([&] { return send(0, thread).has_value(); });
}

TEST_F(BridgeInDiscord, AChannelThatRefusedAnAnswerIsKnownFromThenOn) {
  wait_until([&] { return bot_->bridge().health().connected; });
  std::atomic<int> refused = 0;
  const log::Capture capture([&](std::string_view line) {
    if (line.find("reply not sent") != std::string_view::npos) ++refused;
  });
  const auto say_in_rules = [&](std::string command) {
    const int before = refused;
    control("POST", "/discord/message",
            {{"guild", id(servers_[0].id)},
             {"channel", id(servers_[0].channels[4].id)},
             {"user", id(servers_[0].owner)},
             {"content", std::move(command)}});
    wait_until([&] { return refused == before + 1; });
  };
  say_in_rules("!points");
  EXPECT_EQ(count("guildhall_discord_requests_total", "answer=\"4xx\""), 1);
  // It opens what refused, and changes nothing there.
  control("POST", "/discord/role-permissions",
          {{"guild", id(servers_[0].id)}, {"role", id(servers_[0].roles[1].id)}, {"permissions", "0"}});
  wait_until([&] { return count("guildhall_discord_events_total", "event=\"GUILD_ROLE_UPDATE\"") == 1; });
  say_in_rules("!watchtime");
  EXPECT_EQ(count("guildhall_discord_requests_total", "answer=\"4xx\""), 1);
}

TEST_F(BridgeInDiscord, RolesOfWhichNoEventToldAreAskedForAgain) {
  wait_until([&] { return bot_->bridge().health().connected; });
  for (const std::size_t role : {0, 3}) {
    control("POST", "/discord/role-permissions",
            {{"guild", id(servers_[0].id)},
             {"role", id(servers_[0].roles[role].id)},
             {"permissions", std::to_string(discord::kViewChannel)}});
  }
  wait_until([&] { return count("guildhall_discord_events_total", "event=\"GUILD_ROLE_UPDATE\"") == 2; });
  change([](sim::World& world) { world.servers[0].roles.front().permissions |= discord::kSendMessages; });
  EXPECT_EQ(post_to(0), "");
}

TEST_F(BridgeInDiscord, WhereTheBotMayNotReplyItAnswersWithoutThat) {
  const auto answered = [&](std::string command) {
    const std::size_t before = messages(0).size();
    control("POST", "/discord/message",
            {{"guild", id(servers_[0].id)}, {"user", id(member(0, 0))}, {"content", std::move(command)}});
    json::Array all;
    wait_until([&] {
      all = messages(0);
      return all.size() == before + 2;
    });
    return all.back();
  };
  EXPECT_NE(json::find(answered("!points"), "message_reference"), nullptr);
  deny(0, "65536");
  for (const char* command : {"!watchtime", "!leaderboard"})
    EXPECT_EQ(json::find(answered(command), "message_reference"), nullptr);
  EXPECT_EQ(count("guildhall_discord_requests_total", "answer=\"4xx\""), 1)
      << "what is refused is not tried again";
}

/// What is never over would make the bot stop reading for good.
TEST_F(BridgeInDiscord, WhatIsUnderWayIsCountedUntilItIsOver) {
  const auto somebody = member(0, 0);
  const auto say = [&](std::string content) {
    control("POST", "/discord/message",
            {{"guild", id(servers_[0].id)}, {"user", id(somebody)}, {"content", std::move(content)}});
  };
  ask(0, somebody, {}, "points");  // its settings are there
  wait_until([&] { return under_way(0); });
  const auto other = world_.database->hold_writer(static_cast<std::int64_t>(servers_[0].id));
  say("!leaderboard points");
  say("that calls nothing");
  control("POST", "/discord/member-leave", {{"guild", id(servers_[0].id)}, {"user", id(somebody)}});
  type(1);  // what was told before that is taken
  wait_until([&] { return under_way(2); });
  other->execute("COMMIT");
  wait_until([&] { return under_way(0); });
}

TEST_F(BridgeInDiscord, ARaidOnAServerThatCannotBeWrittenDoesNotStopTheOthers) {
  const auto server = servers_[0].id;
  const auto raider = member(0, 0);
  std::atomic<int> said = 0;
  const log::Capture capture([&](std::string_view line) {
    if (line.find("comings and goings given up server=" + id(server)) != std::string_view::npos) ++said;
  });
  wait_until([&] { return under_way(0); });
  world_.touch(static_cast<std::int64_t>(server));
  const auto other = world_.database->hold_writer(static_cast<std::int64_t>(server));
  constexpr std::size_t kBeyond = 4;
  change([&](sim::World&) {
    for (std::size_t i = 0; i < (UnderWay::kMostKeptOfAServer + kBeyond) / 2; ++i) {
      EXPECT_TRUE(sim_->discord().leave(server, raider));
      EXPECT_TRUE(sim_->discord().join(server, raider));
    }
  });
  wait_until([&] { return count("guildhall_discord_events_lost_total", "") == kBeyond; });
  EXPECT_EQ(said, 1);
  EXPECT_TRUE(under_way(UnderWay::kMostKeptOfAServer));
  type(1);
  EXPECT_EQ(count("guildhall_discord_reading_pauses_total", ""), 0);
  other->execute("COMMIT");
  wait_until([&] { return under_way(0); });
}

/// Discord gives up on whoever presses or types after 3 s; a message waits for ever.
TEST_F(BridgeInDiscord, BehindTheMessagesOfABusyServerNobodyWaitsWhoTypesOrPresses) {
  const auto server = static_cast<std::int64_t>(servers_[0].id);
  const json::Object somebody{{"guild", id(servers_[0].id)}, {"user", id(member(0, 0))}};
  std::atomic<int> said = 0;
  const log::Capture capture([&](std::string_view line) {
    if (line.find("messages passed over server=" + std::to_string(server)) != std::string_view::npos) ++said;
  });
  give_points(0, 4);
  const json::Value list = ask(0, member(0, 0), {{"of", "points"}, {"count", 3}}).at("answer");
  wait_until([&] { return under_way(0); });
  const auto other = world_.database->hold_writer(server);
  // Its settings are read anew, and until they are there everything of the server waits.
  bot_->dispatcher().refresh(*world_.tenancy->scopes().for_operator(ServerId(server)));
  json::Object message = somebody;
  message["content"] = "hello";
  constexpr std::size_t kBeyond = 3;
  for (std::size_t i = 0; i < UnderWay::kMostMessagesOfAServer + kBeyond; ++i)
    control("POST", "/discord/message", message);
  wait_until([&] { return count("guildhall_discord_messages_passed_over_total", "") == kBeyond; });
  EXPECT_EQ(said, 1) << "a line is enough";
  EXPECT_TRUE(under_way(UnderWay::kMostMessagesOfAServer));

  json::Object command = somebody;
  command["name"] = "points";
  json::Object click = somebody;
  click["message"] = list.at("id");
  click["custom_id"] = next(list);
  std::vector<std::string> begun;
  for (const auto& [act, what] : {std::pair("/discord/command", command), std::pair("/discord/click", click)})
    begun.push_back(json::text_or(control("POST", act, what), "interaction", ""));
  type(0);
  for (const std::string& one : begun) wait_until([&] { return state_of(one) == "deferred"; });
  EXPECT_TRUE(under_way(UnderWay::kMostMessagesOfAServer)) << "they had not to be over first";
  other->execute("COMMIT");
  for (const std::string& one : begun) wait_until([&] { return state_of(one) == "answered"; });
  wait_until([&] { return under_way(0); });
}

class InDiscordWithMembers : public InDiscord {
 protected:
  InDiscordWithMembers() : InDiscord({.members = true}) {}
};

TEST_F(InDiscordWithMembers, WhereAFeatureNeedsThemAllAreAskedForAndRemembered) {
  std::size_t members = 0;
  for (const sim::Server& server : servers_) members += server.members.size();
  const std::string all = "\nguildhall_discord_members " + std::to_string(members) + "\n";
  wait_until([&] { return world_.metrics.text().find(all) != std::string::npos; });
  EXPECT_THAT(world_.metrics.text(),
              HasSubstr("guildhall_discord_member_lists_total{outcome=\"complete\"} 2\n"));
}

}  // namespace
}  // namespace guildhall::bot
