// What the bot may do in a server and what not, what stands in its audit log, and who came by which invite.
#include <gmock/gmock.h>

#include "sim/gateway_testing.h"
#include "sim/permissions.h"

namespace guildhall::sim {
namespace {

using namespace permission;  // NOLINT: a list of bits
using testing::ElementsAre;
using testing::SizeIs;

constexpr std::int64_t kModeration = 1 << 2;
constexpr std::int64_t kInvites = 1 << 6;

class InAServer : public GatewayTest {
 protected:
  std::string guild(const std::string& more = "") { return "guilds/" + id(server(0).id) + more; }
  std::string channel(std::size_t index, const std::string& more = "") {
    return "channels/" + id(server(0).channels[index].id) + more;
  }
  void act(const std::string& what, json::Object body) {
    body["guild"] = id(server(0).id);
    control("POST", "/discord/" + what, body);
  }
  /// The bot's role loses and gains these bits.
  void change_bot(std::uint64_t without, std::uint64_t with = 0) {
    const Role& role = server(0).roles[3];
    act("role-permissions",
        {{"role", id(role.id)}, {"permissions", id((role.permissions & ~without) | with)}});
    const Role& everyone = server(0).roles[0];
    act("role-permissions",
        {{"role", id(everyone.id)}, {"permissions", id(everyone.permissions & ~without)}});
  }
  std::int64_t code(const std::string& method, const std::string& path, const json::Value& body = nullptr) {
    const auto response = rest(method, path, body);
    return response.status < 300 ? response.status : code_of(response);
  }
  Snowflake plain_member() {
    for (const auto& [user, member] : server(0).members) {
      if (user != server(0).owner && member.roles.empty()) return user;
    }
    return 0;
  }
  std::string member(Snowflake user) { return guild("/members/" + id(user)); }
  std::string moderator() {
    for (const auto& [user, one] : server(0).members) {
      if (!one.roles.empty() && one.roles[0] == server(0).roles[4].id) return id(user);
    }
    return "";
  }
  /// Dispatches up to this one, by name.
  std::vector<std::string> events_to(net::WebSocket& socket, std::string_view last) {
    std::vector<std::string> names;
    do {
      names.push_back(json::text_or(read(socket), "t", ""));
    } while (names.back() != last);
    return names;
  }
};

// Permissions -----------------------------------------------------------------------------------------

struct Needs {
  std::string method;
  std::string path;  // {g} the server, {c} its first channel, {u} a member, {r} a role, {m} a message
  std::uint64_t bits;
  std::string body = {};
  std::int64_t success = 204;
};

class EachDeed : public InAServer, public testing::WithParamInterface<Needs> {};

/// Without its permission a deed is refused by its code, with it it is done.
TEST_P(EachDeed, NeedsItsPermission) {
  const Needs& needs = GetParam();
  const json::Value said = body_of(rest("POST", channel(0, "/messages"), {{"content", "x"}}));
  std::string path = needs.path;
  const auto fill = [&](std::string_view mark, const std::string& with) {
    if (const auto at = path.find(mark); at != std::string::npos) path.replace(at, mark.size(), with);
  };
  fill("{g}", guild());
  fill("{c}", channel(0));
  fill("{u}", id(plain_member()));
  fill("{r}", id(server(0).roles[1].id));
  fill("{m}", json::text_or(said, "id", ""));
  const json::Value body = needs.body.empty() ? json::Value(nullptr) : *json::parse(needs.body);
  change_bot(needs.bits);
  EXPECT_EQ(code(needs.method, path, body), 50013);
  change_bot(0, needs.bits);
  EXPECT_EQ(code(needs.method, path, body), needs.success);
}

INSTANTIATE_TEST_SUITE_P(
    Discord, EachDeed,
    testing::Values(
        Needs{"PATCH", "{g}/members/{u}", kManageNicknames, R"({"nick":"Owl"})", 200},
        Needs{"PATCH", "{g}/members/{u}", kModerateMembers,
              R"({"communication_disabled_until":"2026-05-29T00:00:00+00:00"})", 200},
        Needs{"PATCH", "{g}/members/{u}", kManageRoles, R"({"roles":[]})", 200},
        Needs{"PUT", "{g}/members/{u}/roles/{r}", kManageRoles},
        Needs{"DELETE", "{g}/members/{u}", kKickMembers}, Needs{"PUT", "{g}/bans/{u}", kBanMembers, "{}"},
        Needs{"POST", "{g}/roles", kManageRoles, R"({"name":"Reader"})", 200},
        Needs{"POST", "{g}/channels", kManageChannels, R"({"name":"desk"})", 201},
        Needs{"PATCH", "{c}", kManageChannels, R"({"topic":"t"})", 200},
        Needs{"DELETE", "{c}", kManageChannels, "", 200},
        Needs{"PUT", "{c}/permissions/{r}", kManageRoles, R"({"type":0,"allow":"0","deny":"2048"})"},
        Needs{"GET", "{g}/audit-logs", kViewAuditLog, "", 200},
        Needs{"GET", "{g}/vanity-url", kManageGuild, "", 200},
        Needs{"POST", "{c}/invites", kCreateInvite, "{}", 200},
        Needs{"POST", "{c}/messages", kSendMessages, R"({"content":"x"})", 200},
        Needs{"POST", "{c}/messages", kEmbedLinks, R"({"embeds":[{"title":"t"}]})", 200},
        Needs{"PUT", "{c}/messages/pins/{m}", kPinMessages},
        Needs{"PUT", "{c}/messages/{m}/reactions/%F0%9F%91%8D/@me", kAddReactions},
        Needs{"POST", "{c}/threads", kCreatePublicThreads, R"({"name":"talk","type":11})", 201},
        Needs{"POST", "{c}/threads", kCreatePrivateThreads, R"({"name":"talk"})", 201},
        Needs{"POST", "{c}/messages/{m}/threads", kCreatePublicThreads, R"({"name":"talk"})", 201},
        Needs{"POST", "{c}/webhooks", kManageWebhooks, R"({"name":"news"})", 200}));

TEST_F(InAServer, OverwritesOfAChannelDecideThere) {
  const json::Value words{{"content", "x"}};
  act("overwrite", {{"id", id(server(0).roles[3].id)}, {"deny", id(kSendMessages)}});
  EXPECT_EQ(code("POST", channel(0, "/messages"), words), 50013);
  EXPECT_EQ(code("POST", channel(1, "/messages"), words), 200);
  act("overwrite", {{"id", text("discord", "application_id")}, {"allow", id(kSendMessages)}});
  EXPECT_EQ(code("POST", channel(0, "/messages"), words), 200) << "the member's own counts last";
  act("overwrite", {{"id", text("discord", "application_id")}, {"deny", id(kViewChannel)}});
  EXPECT_EQ(code("GET", channel(0)), 50001);
}

TEST_F(InAServer, AReplyNeedsTheHistoryAndAListOfMessagesIsEmptyWithoutIt) {
  const json::Value said = body_of(rest("POST", channel(0, "/messages"), {{"content", "x"}}));
  change_bot(kReadMessageHistory);
  const json::Value reply{{"content", "y"}, {"message_reference", {{"message_id", said.at("id")}}}};
  EXPECT_EQ(code("POST", channel(0, "/messages"), reply), 160002);
  EXPECT_THAT(body_of(rest("GET", channel(0, "/messages"))).as_array(), SizeIs(0));
}

TEST_F(InAServer, WhoIsTimedOutOnlyReadsUntilItIsOver) {
  const std::string bot = text("discord", "application_id");
  act("time-out", {{"user", bot}, {"seconds", 60}});
  EXPECT_EQ(code("POST", channel(0, "/messages"), {{"content", "x"}}), 50013);
  EXPECT_EQ(code("GET", channel(0, "/messages")), 200);
  clock_.advance(std::chrono::seconds(61));
  EXPECT_EQ(code("POST", channel(0, "/messages"), {{"content", "x"}}), 200);
}

TEST_F(InAServer, MembersAreChangedFieldByField) {
  change_bot(0, kManageNicknames | kModerateMembers);
  Socket socket = ready(identify_data());
  const Snowflake user = plain_member();
  const json::Value changed = body_of(
      rest("PATCH", member(user), {{"nick", "Owl"}, {"roles", json::Array{id(server(0).roles[2].id)}}}));
  EXPECT_EQ(json::text(changed, "nick"), "Owl");
  const json::Value told = read_to(*socket, "GUILD_MEMBER_UPDATE").at("d");
  EXPECT_EQ(told.at("roles"), (json::Array{id(server(0).roles[2].id)})) << "the whole list";
  EXPECT_EQ(code("PATCH", member(user), {{"roles", json::Array{id(server(0).roles[4].id)}}}), 50013)
      << "above the bot's";
  EXPECT_EQ(code("PATCH", member(user), {{"roles", json::Array{"5"}}}), 10011);
  EXPECT_EQ(code("PATCH", member(server(0).owner), {{"nick", "x"}}), 50013);
  EXPECT_EQ(code("PATCH", member(user), {{"nick", std::string(33, 'x')}}), 50035);
  const json::Value never{{"communication_disabled_until", "2027-05-29T00:00:00+00:00"}};
  EXPECT_EQ(code("PATCH", member(user), never), 50035) << "more than 28 days";
  EXPECT_EQ(code("PATCH", member(5), {{"nick", "x"}}), 10007);
  const json::Value back = body_of(rest("PATCH", member(user), {{"nick", nullptr}}));
  EXPECT_TRUE(back.at("nick").is_null());
}

TEST_F(InAServer, TheListOfMembersNeedsTheSwitchOfItsIntent) {
  control("POST", "/faults", {{"gateway_no_privileged", true}});
  EXPECT_EQ(code("GET", guild("/members?limit=5")), 50001);
}

// Threads ---------------------------------------------------------------------------------------------

TEST_F(InAServer, ThreadsComeAreWrittenInRestAndGo) {
  Socket socket = ready(identify_data());
  const json::Value made = body_of(rest("POST", channel(0, "/threads"), {{"name", "talk"}, {"type", 11}}));
  EXPECT_EQ(made.at("parent_id"), json::Value(id(server(0).channels[0].id)));
  EXPECT_EQ(json::text(read_to(*socket, "THREAD_CREATE").at("d"), "name"), "talk");
  const std::string thread = "channels/" + json::text_or(made, "id", "");
  EXPECT_EQ(code("POST", thread + "/messages", {{"content", "x"}}), 200);
  EXPECT_EQ(json::integer(read_to(*socket, "MESSAGE_CREATE").at("d"), "channel_type"), 11);
  EXPECT_THAT(body_of(rest("GET", guild("/channels"))).as_array(), SizeIs(server(0).channels.size()));
  EXPECT_EQ(code("PATCH", thread, {{"archived", true}}), 200);
  EXPECT_EQ(code("POST", thread + "/messages", {{"content", "x"}}), 50083);
  EXPECT_EQ(code("PATCH", thread, {{"archived", false}}), 200);
  EXPECT_EQ(code("DELETE", thread), 50013);
  change_bot(0, kManageThreads);
  EXPECT_EQ(code("DELETE", thread), 200);
  EXPECT_EQ(read_to(*socket, "THREAD_DELETE").at("d").at("id"), made.at("id"));
  EXPECT_EQ(code("GET", thread), 10003);
}

TEST_F(InAServer, AMessageHasOneThreadWhichGoesWithItsChannel) {
  const std::string message =
      json::text_or(body_of(rest("POST", channel(0, "/messages"), {{"content", "x"}})), "id", "");
  const std::string path = channel(0, "/messages/" + message + "/threads");
  EXPECT_EQ(body_of(rest("POST", path, {{"name", "talk"}})).at("id"), json::Value(message));
  EXPECT_EQ(code("POST", path, {{"name", "talk"}}), 160004);
  EXPECT_EQ(code("POST", channel(6, "/threads"), {{"name", "talk"}, {"type", 11}}), 50024) << "voice";
  EXPECT_EQ(code("DELETE", channel(0)), 200);
  EXPECT_EQ(code("GET", "channels/" + message), 10003);
}

// The audit log ---------------------------------------------------------------------------------------

TEST_F(InAServer, AnEntryIsToldToWhoMayReadIt) {
  Socket socket = ready(identify_data(kAllIntents | kModeration));
  const std::string user = id(plain_member());
  act("kick", {{"user", user}, {"reason", "spam"}});
  const json::Value entry = read_to(*socket, "GUILD_AUDIT_LOG_ENTRY_CREATE").at("d");
  EXPECT_EQ(json::integer(entry, "action_type"), 20);
  EXPECT_EQ(json::text(entry, "target_id"), user);
  EXPECT_EQ(json::text(entry, "user_id"), id(server(0).owner));
  EXPECT_EQ(json::text(entry, "reason"), "spam");
  EXPECT_EQ(json::text(entry, "guild_id"), id(server(0).id));
  const json::Value log = body_of(rest("GET", guild("/audit-logs?limit=1")));
  EXPECT_EQ(log.at("audit_log_entries").at(0).at("id"), entry.at("id"));
  read_to(*socket, "GUILD_MEMBER_REMOVE");
  change_bot(kViewAuditLog);
  act("kick", {{"user", id(plain_member())}});
  EXPECT_THAT(events_to(*socket, "GUILD_MEMBER_REMOVE"),
              ElementsAre("GUILD_ROLE_UPDATE", "GUILD_ROLE_UPDATE", "GUILD_MEMBER_REMOVE"));
}

TEST_F(InAServer, ABanIsToldAsBanAndLeavingAndHoldsFromThen) {
  Socket socket = ready(identify_data(kAllIntents | kModeration));
  const std::string user = id(plain_member());
  act("ban", {{"user", user}, {"by", moderator()}});
  EXPECT_THAT(events_to(*socket, "GUILD_BAN_ADD"),
              ElementsAre("GUILD_AUDIT_LOG_ENTRY_CREATE", "GUILD_MEMBER_REMOVE", "GUILD_BAN_ADD"));
  net::HttpRequest again{"POST", json::text_or(contract_, "control", "") + "/discord/member-join"};
  again.body = json::write(json::Object{{"guild", id(server(0).id)}, {"user", user}});
  EXPECT_EQ(SimTest::send(again).status, 403);
  again.url = json::text_or(contract_, "control", "") + "/discord/kick";
  again.body = json::write(
      json::Object{{"guild", id(server(0).id)}, {"user", moderator()}, {"by", id(plain_member())}});
  EXPECT_EQ(SimTest::send(again).status, 403) << "who has no permission kicks nobody";
}

// Invites ---------------------------------------------------------------------------------------------

TEST_F(InAServer, AnInvitesLastUseEndsItBeforeTheMemberIsThere) {
  Socket socket = ready(identify_data(kAllIntents | kInvites));
  const json::Value made = control("POST", "/discord/invite", {{"guild", id(server(0).id)}, {"max_uses", 2}});
  const json::Value told = read_to(*socket, "INVITE_CREATE").at("d");
  EXPECT_EQ(told.at("code"), made.at("invite"));
  EXPECT_EQ(json::integer(told, "uses"), 0);
  EXPECT_EQ(json::text(told.at("inviter"), "id"), id(server(0).owner));
  EXPECT_EQ(told.as_object().if_contains("guild"), nullptr);
  act("member-join", {{"invite", made.at("invite")}});
  EXPECT_EQ(json::text_or(read(*socket), "t", ""), "GUILD_MEMBER_ADD");
  change_bot(0, kManageGuild);
  const json::Value listed = body_of(rest("GET", guild("/invites")));
  EXPECT_EQ(json::integer(listed.at(0), "uses"), 1);
  act("member-join", {{"invite", made.at("invite")}});
  const auto events = events_to(*socket, "GUILD_MEMBER_ADD");
  EXPECT_EQ(events[events.size() - 2], "INVITE_DELETE");
  EXPECT_THAT(body_of(rest("GET", guild("/invites"))).as_array(), SizeIs(0));
}

TEST_F(InAServer, InvitesAreToldOnlyWhereTheBotManagesTheChannel) {
  Socket socket = ready(identify_data(kAllIntents | kInvites));
  act("overwrite", {{"id", id(server(0).roles[3].id)}, {"deny", id(kManageChannels)}});
  act("invite", {});
  act("invite", {{"channel", id(server(0).channels[1].id)}});
  EXPECT_EQ(json::text(read_to(*socket, "INVITE_CREATE").at("d"), "channel_id"),
            id(server(0).channels[1].id));
}

TEST_F(InAServer, InvitesGrowOldAndTheServersOwnAddressCountsItsUses) {
  change_bot(0, kManageGuild);
  EXPECT_EQ(code("POST", channel(0, "/invites"), {{"max_age", 604'801}}), 50035);
  const json::Value hour = body_of(rest("POST", channel(0, "/invites"), {{"max_age", 3'600}}));
  EXPECT_FALSE(hour.at("expires_at").is_null());
  clock_.advance(std::chrono::hours(1));
  EXPECT_THAT(body_of(rest("GET", guild("/invites"))).as_array(), SizeIs(0));
  EXPECT_TRUE(body_of(rest("GET", guild("/vanity-url"))).at("code").is_null());
  act("vanity", {{"code", "harbor"}});
  act("member-join", {{"invite", "harbor"}});
  const json::Value vanity = body_of(rest("GET", guild("/vanity-url")));
  EXPECT_EQ(json::text(vanity, "code"), "harbor");
  EXPECT_EQ(json::integer(vanity, "uses"), 1);
}

}  // namespace
}  // namespace guildhall::sim
