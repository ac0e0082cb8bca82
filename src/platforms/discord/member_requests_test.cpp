#include "platforms/discord/member_requests.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/json.h"
#include "platforms/discord/gateway_testing.h"

namespace guildhall::discord {
namespace {

using namespace std::chrono_literals;  // NOLINT
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

/// Discord's end tells of guilds with one of their members, and lists the others when it is asked to.
struct MembersTest : GatewayTest {
  MembersTest() { remembered = &demanding; }

  State demanding{{.channels = false, .members = true}, metrics};
  int sequence = 1;

  void guild(int id, int members) {
    event("GUILD_CREATE",
          fmt::format(R"({{"id":"{}","roles":[{{"id":"5"}}],"member_count":{},)"
                      R"("members":[{{"user":{{"id":"99"}},"roles":[]}}]}})",
                      id, members),
          ++sequence);
  }
  /// What the present peer was asked for.
  std::vector<json::Value> requests() {
    std::vector<json::Value> found;
    for (const std::string& frame : peer().from_client) {
      const json::Value parsed = *json::parse(frame);
      if (json::integer(parsed, "op") == 8) found.push_back(*json::find(parsed, "d"));
    }
    return found;
  }
  std::vector<std::string> guilds_asked_for() {
    std::vector<std::string> guilds;
    for (const json::Value& request : requests()) guilds.push_back(json::text_or(request, "guild_id", ""));
    return guilds;
  }
  void chunk(const json::Value& request, int index, int count, int user) {
    event(
        "GUILD_MEMBERS_CHUNK",
        fmt::format(
            R"({{"guild_id":"{}","members":[{{"user":{{"id":"{}"}},"roles":["5"]}}],"chunk_index":{},)"
            R"("chunk_count":{},"nonce":"{}"}})",
            json::text_or(request, "guild_id", ""), user, index, count, json::text_or(request, "nonce", "")),
        ++sequence);
  }
  std::optional<std::vector<RoleId>> roles_of(int guild, int user) {
    return demanding.roles_of(ServerId(guild), DiscordUserId(user));
  }
  void expect_outcomes(int complete, int incomplete) {
    const std::string name = "guildhall_discord_member_lists_total";
    EXPECT_THAT(metrics.text(), HasSubstr(fmt::format("{}{{outcome=\"complete\"}} {}\n", name, complete)));
    EXPECT_THAT(metrics.text(),
                HasSubstr(fmt::format("{}{{outcome=\"incomplete\"}} {}\n", name, incomplete)));
  }
};

TEST_F(MembersTest, ThoseOfALargeGuildAreAskedFor) {
  come_up("[]", 300'000);
  guild(7, 3);
  guild(8, 1);
  ASSERT_EQ(requests().size(), 1U) << "the other one has nobody else";
  const json::Value request = requests().front();
  EXPECT_EQ(json::text(request, "guild_id"), "7");
  EXPECT_EQ(json::text(request, "query"), "");
  EXPECT_EQ(json::integer(request, "limit"), 0);
  EXPECT_LE(json::text_or(request, "nonce", "").size(), 32U);
  chunk(request, 0, 2, 50);
  chunk(request, 1, 2, 51);
  EXPECT_THAT(roles_of(7, 50), testing::Optional(ElementsAre(RoleId(5))));
  EXPECT_THAT(roles_of(7, 51), testing::Optional(ElementsAre(RoleId(5))));
  expect_outcomes(1, 0);
  advance(2min);
  EXPECT_EQ(requests().size(), 1U);
}

TEST_F(MembersTest, ListsThatComeMixedAreToldApart) {
  come_up();
  guild(7, 3);
  guild(8, 3);
  const auto asked_for = requests();
  ASSERT_EQ(asked_for.size(), 2U);
  chunk(asked_for[0], 1, 2, 50);
  chunk(asked_for[1], 0, 2, 60);
  chunk(asked_for[1], 0, 2, 60);
  expect_outcomes(0, 0);
  chunk(asked_for[0], 0, 2, 51);
  expect_outcomes(1, 0);
  chunk(asked_for[1], 1, 2, 61);
  expect_outcomes(2, 0);
}

TEST_F(MembersTest, AListThatDoesNotComeToItsEndIsAskedForThriceAndThenLeftAsItIs) {
  come_up("[]", 10'000);
  guild(7, 3);
  for (std::size_t tries = 1; tries <= 3; ++tries) {
    ASSERT_EQ(requests().size(), tries);
    chunk(requests().back(), 0, 2, 50);
    for (int i = 0; i < 6; ++i) {
      advance(9900ms);
      say(R"({"op":11})");
    }
    ASSERT_EQ(requests().size(), tries) << "the rest may still come";
    advance(1s);
  }
  expect_outcomes(0, 1);
  EXPECT_TRUE(roles_of(7, 50));
  advance(5s);
  EXPECT_EQ(requests().size(), 3U);
  EXPECT_EQ(peers.size(), 1U);
}

TEST_F(MembersTest, AListMayTakeAsLongAsItGoesOn) {
  come_up("[]", 300'000);
  guild(7, 3);
  const json::Value request = requests().front();
  for (int i = 0; i < 3; ++i) {
    advance(45s);
    chunk(request, i, 3, 50 + i);
  }
  expect_outcomes(1, 0);
  EXPECT_EQ(requests().size(), 1U);
}

/// The rest of the list came, and lies behind what nobody reads.
TEST_F(MembersTest, WhileNothingIsReadNoListIsLate) {
  come_up("[]", 300'000);
  guild(7, 3);
  chunk(requests().front(), 0, 2, 50);
  advance(20ms);
  listener.full = true;
  message("that was waited for", ++sequence);
  chunk(requests().front(), 1, 2, 51);
  advance(2min);
  listener.full = false;
  advance(10s);
  expect_outcomes(1, 0);
  EXPECT_EQ(requests().size(), 1U) << "it was taken for lost";
}

TEST_F(MembersTest, AListIsLateAlsoWhereNothingWasReadForAWhile) {
  come_up("[]", 300'000);
  guild(7, 3);
  chunk(requests().front(), 0, 2, 50);
  advance(30s);
  listener.full = true;
  message("that was waited for", ++sequence);
  advance(2min);
  listener.full = false;
  advance(29s);
  EXPECT_EQ(requests().size(), 1U);
  advance(2s);
  EXPECT_EQ(requests().size(), 2U);
}

TEST_F(MembersTest, ARefusedListIsAskedForWhenDiscordSays) {
  come_up("[]", 300'000);
  guild(7, 3);
  event("RATE_LIMITED",
        fmt::format(R"({{"opcode":8,"retry_after":40.5,"meta":{{"guild_id":"7","nonce":"{}"}}}})",
                    json::text_or(requests().front(), "nonce", "")),
        ++sequence);
  advance(40s);
  EXPECT_EQ(requests().size(), 1U);
  advance(1s);
  EXPECT_EQ(requests().size(), 2U);
}

TEST_F(MembersTest, WithALostConnectionTheyAreAskedForAgainOnceTheSessionIsUp) {
  come_up();
  guild(7, 3);
  const json::Value lost = requests().front();
  close(1006);
  advance(2s);
  hello();
  advance(10s);
  EXPECT_THAT(ops(), ElementsAre(6));
  event("RESUMED", "{}", ++sequence);
  EXPECT_THAT(requests(), IsEmpty()) << "within 30 s of the first time";
  chunk(lost, 0, 1, 50);
  EXPECT_TRUE(roles_of(7, 50)) << "what comes late is of use";
  advance(18s);
  EXPECT_THAT(guilds_asked_for(), ElementsAre("7"));
}

TEST_F(MembersTest, AGuildThatIsToldAnewIsAskedForAnewAndOneThatIsGoneIsNot) {
  come_up("[]", 300'000);
  for (int id = 1; id <= 6; ++id) guild(id, 3);
  EXPECT_THAT(guilds_asked_for(), ElementsAre("1", "2", "3", "4")) << "so many at once";
  event("GUILD_DELETE", R"({"id":"5"})", ++sequence);
  event("GUILD_DELETE", R"({"id":"1","unavailable":true})", ++sequence);
  EXPECT_THAT(guilds_asked_for(), ElementsAre("1", "2", "3", "4", "6"));
  chunk(requests()[1], 0, 1, 50);
  guild(1, 3);
  advance(29s);
  EXPECT_EQ(requests().size(), 5U);
  advance(2s);
  EXPECT_EQ(guilds_asked_for().back(), "1");
}

TEST_F(MembersTest, NoneAreAskedForWithoutTheIntent) {
  begin();
  hello();
  close(4014);
  advance(10s);
  hello();
  ready();
  guild(7, 3);
  EXPECT_TRUE(demanding.knows(ServerId(7)));
  EXPECT_THAT(requests(), IsEmpty());
}

/// However much there is to ask for, beats go out in time, those that are asked for too, and Discord's limit
/// is kept.
TEST_F(MembersTest, ListsTakeTheRoomThatBeatsLeave) {
  come_up("[]", 10'000);
  for (int id = 1; id <= 400; ++id) guild(id, 3);
  std::size_t answered = 0;
  const auto answer_all = [&] {
    for (auto asked_for = requests(); answered < asked_for.size(); asked_for = requests()) {
      for (; answered < asked_for.size(); ++answered) chunk(asked_for[answered], 0, 1, 50);
    }
  };
  std::deque<std::size_t> sent{0};  // until each second
  for (int second = 1; second <= 300; ++second) {
    answer_all();
    sent.push_back(peer().from_client.size());
    if (sent.size() > 61) sent.pop_front();
    EXPECT_LE(sent.back() - sent.front(), 120U) << second;
    if (second == 30) {
      const auto before = beats();
      say(R"({"op":1,"d":null})");
      EXPECT_EQ(beats(), before + 1);
    }
    advance(1s);
    if (second % 10 == 5) say(R"({"op":11})");
  }
  EXPECT_EQ(requests().size(), 400U);
  EXPECT_EQ(beats(), 31);
  EXPECT_EQ(peers.size(), 1U);
}

}  // namespace
}  // namespace guildhall::discord
