#include "sim/discord_gateway.h"

#include <gmock/gmock.h>
#include <zlib.h>
#include <zstd.h>

#include <set>

#include "base/text.h"
#include "sim/gateway_testing.h"

namespace guildhall::sim {
namespace {

using testing::SizeIs;

TEST_F(GatewayTest, ReadyNamesUnavailableServersThatThenArrive) {
  Socket socket = connect();
  EXPECT_GT(*json::integer(read(*socket).at("d"), "heartbeat_interval"), 1'000);
  send(*socket, 2, identify_data());
  const json::Value hello = read_to(*socket, "READY");
  const json::Array& guilds = json::array(hello.at("d"), "guilds");
  ASSERT_THAT(guilds, SizeIs(3));
  EXPECT_EQ(json::boolean(guilds[0], "unavailable"), true);
  EXPECT_TRUE(json::text_or(hello.at("d"), "resume_gateway_url", "").starts_with("ws://127.0.0.1:"));
  for (int i = 0; i < 3; ++i) {
    const json::Value guild = read_to(*socket, "GUILD_CREATE");
    EXPECT_THAT(json::array(guild.at("d"), "members"), SizeIs(1)) << "the bot alone, without presences";
    EXPECT_GT(*json::integer(guild.at("d"), "member_count"), 10);
  }
}

TEST_F(GatewayTest, BeatsAreAcknowledgedAndAskedFor) {
  Socket socket = ready(identify_data());
  send(*socket, 1, last_seq_);
  EXPECT_EQ(json::integer(read(*socket), "op"), 11);
  control("POST", "/discord/gateway", {{"do", "heartbeat"}});
  EXPECT_EQ(json::integer(read(*socket), "op"), 1);
  control("POST", "/faults", {{"gateway_withhold_acks", true}});
  send(*socket, 1, last_seq_);
  control("POST", "/discord/gateway", {{"do", "reconnect"}});
  EXPECT_EQ(json::integer(read(*socket), "op"), 7) << "and no acknowledgement before it";
}

TEST_F(GatewayTest, WrongIdentifiesCloseWithTheirCodes) {
  const auto code = [&](const char* key, const json::Value& value) {
    Socket socket = connect();
    json::Object data = identify_data();
    data[key] = value;
    send(*socket, 2, std::move(data));
    return closed_with(*socket);
  };
  EXPECT_EQ(code("token", json::Value("Bearer " + text("discord", "token"))), 4004);
  EXPECT_EQ(code("intents", 1 << 30), 4013);
  EXPECT_EQ(code("intents", "513"), 4013);
  EXPECT_EQ(code("intents", 1 << 8), 4014);
  EXPECT_EQ(code("shard", json::Array{2, 2}), 4010);
  control("POST", "/faults", {{"gateway_no_privileged", true}});
  EXPECT_EQ(code("intents", kAllIntents), 4014);
}

TEST_F(GatewayTest, WrongFramesCloseWithTheirCodes) {
  Socket socket = ready(identify_data());
  send(*socket, 2, identify_data());
  EXPECT_EQ(closed_with(*socket), 4005);
  socket = ready(identify_data());
  send(*socket, 77, nullptr);
  EXPECT_EQ(closed_with(*socket), 4001);
  socket = ready(identify_data());
  run(write(*socket, "{\"op\":"));
  EXPECT_EQ(closed_with(*socket), 4002);
  socket = ready(identify_data());
  send(*socket, 3, json::Value(std::string(4'096, 'x')));
  EXPECT_EQ(closed_with(*socket), 4002);
  socket = connect();
  send(*socket, 8, json::Object{});
  EXPECT_EQ(closed_with(*socket), 4003);
  socket = connect("?encoding=json");
  EXPECT_EQ(closed_with(*socket), 4012);
}

TEST_F(GatewayTest, TooManyFramesCloseTheConnection) {
  Socket socket = ready(identify_data());
  for (int i = 0; i < 120; ++i) send(*socket, 1, last_seq_);
  EXPECT_EQ(closed_with(*socket), 4008);
}

TEST_F(GatewayTest, IdentifiesNeedSpaceAndABudget) {
  end();
  options_.gateway.identify_spacing = std::chrono::hours(1);
  options_.gateway.identifies_per_day = 2;
  start();
  ready(identify_data());
  const json::Value bot = body_of(rest("GET", "gateway/bot"));
  EXPECT_EQ(json::integer(bot.at("session_start_limit"), "remaining"), 1);
  Socket second = connect();
  read(*second);
  send(*second, 2, identify_data());
  const json::Value refused = read(*second);
  EXPECT_EQ(json::integer(refused, "op"), 9);
  EXPECT_EQ(json::boolean(refused, "d"), false);
  Socket third = connect();
  send(*third, 2, identify_data());
  EXPECT_EQ(closed_with(*third), 4004) << "the budget is spent and the token reset";
}

TEST_F(GatewayTest, ShardsOfDifferentKeysIdentifyAtOnce) {
  end();
  options_.gateway.identify_spacing = std::chrono::hours(1);
  options_.gateway.shards = 4;
  options_.gateway.identifies_at_once = 2;
  start();
  const json::Value bot = body_of(rest("GET", "gateway/bot"));
  EXPECT_EQ(json::integer(bot, "shards"), 4);
  EXPECT_EQ(json::integer(bot.at("session_start_limit"), "max_concurrency"), 2);
  json::Object data = identify_data();
  for (const int shard : {0, 1}) {
    data["shard"] = json::Array{shard, 4};
    ready(data);
  }
  for (const int shard : {2, 3}) {
    Socket socket = connect();
    read(*socket);
    data["shard"] = json::Array{shard, 4};
    send(*socket, 2, data);
    EXPECT_EQ(json::integer(read(*socket), "op"), 9);
  }
}

TEST_F(GatewayTest, IntentsDecideWhatIsTold) {
  Socket socket = ready(identify_data(kGuilds | kMessages));
  const json::Value joined = control("POST", "/discord/member-join", {{"guild", id(server(0).id)}});
  say("secret");
  say("<@" + text("discord", "application_id") + "> you");
  const json::Value first = read(*socket);
  EXPECT_EQ(json::text_or(first, "t", ""), "MESSAGE_CREATE")
      << "the join needs an intent that was not asked for";
  EXPECT_EQ(content_of(first), "");
  EXPECT_NE(content_of(read(*socket)), "") << "who mentions the bot is read";
  rest("POST", "channels/" + id(server(0).chat().id) + "/messages", {{"content", "mine"}});
  EXPECT_EQ(content_of(read(*socket)), "mine");
}

TEST_F(GatewayTest, MessagesCarryTheMemberWithoutTheUser) {
  Socket socket = ready(identify_data());
  say("hello");
  const json::Value frame = read_to(*socket, "MESSAGE_CREATE");
  EXPECT_EQ(content_of(frame), "hello");
  EXPECT_EQ(json::text_or(frame.at("d"), "guild_id", ""), id(server(0).id));
  EXPECT_TRUE(frame.at("d").at("member").as_object().contains("roles"));
  EXPECT_FALSE(frame.at("d").at("member").as_object().contains("user"));
}

TEST_F(GatewayTest, ResumeReplaysWhatWasMissedInOrder) {
  Socket socket = ready(identify_data());
  run(close(*socket, 4'000));
  say("one");
  say("two");
  Socket again = connect();
  read(*again);
  send(*again, 6, {{"token", text("discord", "token")}, {"session_id", session_}, {"seq", last_seq_}});
  const json::Value one = read(*again);
  const json::Value two = read(*again);
  EXPECT_EQ(content_of(one), "one");
  EXPECT_EQ(content_of(two), "two");
  EXPECT_EQ(*json::integer(one, "s"), last_seq_ + 1);
  EXPECT_EQ(*json::integer(two, "s"), last_seq_ + 2);
  EXPECT_EQ(json::text_or(read(*again), "t", ""), "RESUMED");
  say("three");
  EXPECT_EQ(content_of(read(*again)), "three");
}

TEST_F(GatewayTest, ResumeOfWhatIsNotThereIsRefused) {
  const auto answer = [&](json::Object data) {
    Socket socket = connect();
    read(*socket);
    send(*socket, 6, std::move(data));
    const json::Value frame = read(*socket);
    return frame.is_null() ? socket->close_code() : *json::integer(frame, "op");
  };
  Socket socket = ready(identify_data());
  const std::string token = text("discord", "token");
  EXPECT_EQ(answer({{"token", token}, {"session_id", session_}, {"seq", last_seq_ + 99}}), 4007);
  EXPECT_EQ(answer({{"token", token}, {"session_id", "other"}, {"seq", last_seq_}}), 9);
  EXPECT_EQ(answer({{"token", "x"}, {"session_id", session_}, {"seq", last_seq_}}), 4004);
  run(close(*socket, 1'000));
  EXPECT_EQ(answer({{"token", token}, {"session_id", session_}, {"seq", last_seq_}}), 9)
      << "1000 ends the session";
  ready(identify_data());
  control("POST", "/faults", {{"gateway_refuse_resumes", true}});
  EXPECT_EQ(answer({{"token", token}, {"session_id", session_}, {"seq", last_seq_}}), 9);
}

TEST_F(GatewayTest, InvalidSessionAllowsANewIdentify) {
  Socket socket = ready(identify_data());
  control("POST", "/discord/gateway", {{"do", "invalid-session"}});
  const json::Value frame = read(*socket);
  EXPECT_EQ(json::integer(frame, "op"), 9);
  EXPECT_EQ(json::boolean(frame, "d"), false);
  send(*socket, 2, identify_data());
  EXPECT_FALSE(read_to(*socket, "READY").is_null());
}

TEST_F(GatewayTest, ClosesWithAnyCodeOrNone) {
  Socket socket = ready(identify_data());
  control("POST", "/discord/gateway", {{"do", "close"}, {"code", 4'009}});
  EXPECT_EQ(closed_with(*socket), 4009);
  socket = ready(identify_data());
  control("POST", "/discord/gateway", {{"do", "close"}});
  const std::uint16_t none = closed_with(*socket);
  EXPECT_TRUE(none == 0 || none == 1005) << none;
}

TEST_F(GatewayTest, OutageAndRemovalDiffer) {
  Socket socket = ready(identify_data());
  const json::Value guild{{"guild", id(server(1).id)}};
  control("POST", "/discord/outage", guild);
  EXPECT_EQ(json::boolean(read_to(*socket, "GUILD_DELETE").at("d"), "unavailable"), true);
  control("POST", "/discord/outage-end", guild);
  EXPECT_EQ(json::text_or(read(*socket), "t", ""), "GUILD_CREATE");
  control("POST", "/discord/guild-leave", guild);
  EXPECT_EQ(read_to(*socket, "GUILD_DELETE").at("d").as_object().if_contains("unavailable"), nullptr);
  EXPECT_EQ(code_of(rest("GET", "guilds/" + id(server(1).id))), 10004);
}

TEST_F(GatewayTest, ShardsHearOfTheirServersOnly) {
  json::Object data = identify_data();
  const std::uint64_t shard = (server(0).id >> 22) % 2;
  data["shard"] = json::Array{1 - shard, 2};
  Socket other = ready(data);
  data["shard"] = json::Array{shard, 2};
  Socket own = ready(data);
  say("here");
  EXPECT_EQ(content_of(read_to(*own, "MESSAGE_CREATE")), "here");
  control("POST", "/discord/gateway", {{"do", "heartbeat"}});
  EXPECT_EQ(json::integer(read(*other), "op"), 1) << "nothing came before";
}

TEST_F(GatewayTest, TwoSessionsOfOneShardAreNoted) {
  const auto twice = [&] { return json::integer(control("GET", "/healthz"), "shards_served_twice"); };
  json::Object data = identify_data();
  data["shard"] = json::Array{0, 2};
  Socket first = ready(data);
  data["shard"] = json::Array{1, 2};
  Socket other = ready(data);
  EXPECT_EQ(twice(), 0);
  Socket again = ready(data);
  EXPECT_EQ(twice(), 1);
}

TEST_F(GatewayTest, FaultsDoubleDispatchesAndTurnIdsIntoNumbers) {
  Socket socket = ready(identify_data());
  control("POST", "/faults", {{"gateway_duplicates", true}, {"gateway_numeric_ids", true}});
  say("hello");
  const json::Value first = read(*socket);
  const json::Value second = read(*socket);
  EXPECT_EQ(first.at("d"), second.at("d"));
  EXPECT_EQ(*json::integer(first, "s") + 1, *json::integer(second, "s"));
  EXPECT_TRUE(first.at("d").at("guild_id").is_number());
  EXPECT_TRUE(first.at("d").at("author").at("id").is_number());
}

TEST_F(GatewayTest, CommandsCarryTypedOptionsAndWhoIsMeant) {
  const json::Array options{
      json::Object{{"type", 6}, {"name", "to"}, {"description", "d"}, {"required", true}},
      json::Object{{"type", 4}, {"name", "amount"}, {"description", "d"}}};
  const json::Array commands{json::Object{{"name", "give"}, {"description", "d"}, {"options", options}}};
  rest("PUT", "applications/" + text("discord", "application_id") + "/commands", commands);
  Socket socket = ready(identify_data());
  const std::string owner = id(server(0).owner);
  control("POST", "/discord/command",
          {{"guild", id(server(0).id)},
           {"user", owner},
           {"name", "give"},
           {"options", {{"to", owner}, {"amount", 5}}}});
  const json::Value event = read_to(*socket, "INTERACTION_CREATE").at("d");
  const json::Array& given = json::array(event.at("data"), "options");
  ASSERT_THAT(given, SizeIs(2));
  EXPECT_EQ(given[0].at("value"), json::Value(owner));
  EXPECT_EQ(given[1].at("value"), json::Value(5));
  EXPECT_TRUE(event.at("data").at("resolved").at("users").as_object().contains(owner));
  EXPECT_FALSE(event.at("data").at("resolved").at("members").at(owner).as_object().contains("user"));
  EXPECT_TRUE(event.at("member").at("permissions").is_string());
}

TEST_F(GatewayTest, MemberListsComeInChunksAndNotTooOften) {
  Socket socket = ready(identify_data());
  const json::Object request{{"guild_id", id(server(0).id)}, {"query", ""}, {"limit", 0}, {"nonce", "n"}};
  send(*socket, 8, request);
  const json::Value chunk = read_to(*socket, "GUILD_MEMBERS_CHUNK");
  EXPECT_EQ(json::array(chunk.at("d"), "members").size(), server(0).members.size());
  EXPECT_EQ(json::text_or(chunk.at("d"), "nonce", ""), "n");
  send(*socket, 8, request);
  EXPECT_EQ(json::text_or(read(*socket), "t", ""), "RATE_LIMITED");
}

TEST_F(GatewayTest, AFullListComesInChunksOfAThousand) {
  end();
  options_.size.servers = 1;
  options_.size.members = 2'100;
  start();
  Socket socket = ready(identify_data());
  send(*socket, 8, {{"guild_id", id(server(0).id)}, {"query", ""}, {"limit", 0}, {"nonce", "all"}});
  std::set<std::string> seen;
  for (int index = 0; index < 3; ++index) {
    const json::Value chunk = read_to(*socket, "GUILD_MEMBERS_CHUNK").at("d");
    EXPECT_EQ(json::integer(chunk, "chunk_index"), index);
    EXPECT_EQ(json::integer(chunk, "chunk_count"), 3);
    EXPECT_EQ(json::text(chunk, "nonce"), "all");
    EXPECT_THAT(json::array(chunk, "members"), SizeIs(index < 2 ? 1'000 : 101));
    for (const json::Value& member : json::array(chunk, "members"))
      seen.insert(json::text_or(member.at("user"), "id", ""));
  }
  EXPECT_THAT(seen, SizeIs(2'101)) << "with the bot, and each once";
}

TEST_F(GatewayTest, SomeMembersAreAskedForByIdOrByTheBeginningOfTheirName) {
  Socket socket = ready(identify_data());
  const auto ask = [&](json::Object request) {
    request["guild_id"] = id(server(0).id);
    send(*socket, 8, std::move(request));
    return read_to(*socket, "GUILD_MEMBERS_CHUNK").at("d");
  };
  const std::string owner = id(server(0).owner);
  const json::Value by_id =
      ask({{"user_ids", json::Array{owner, owner, "5", 6}}, {"nonce", std::string(33, 'n')}});
  EXPECT_THAT(json::array(by_id, "members"), SizeIs(1));
  EXPECT_EQ(json::array(by_id, "not_found"), (json::Array{"5", 6})) << "as they were written";
  EXPECT_FALSE(json::text(by_id, "nonce").has_value()) << "it was too long";
  EXPECT_THAT(json::array(ask({{"user_ids", owner}}), "members"), SizeIs(1));
  const std::string name = sim_->world().users.at(server(0).owner).username;
  const json::Value by_name = ask({{"query", to_lower_ascii(name).substr(0, 5)}, {"limit", 1}});
  ASSERT_THAT(json::array(by_name, "members"), SizeIs(1));
  EXPECT_TRUE(
      json::text_or(by_name.at("members").at(0).at("user"), "username", "").starts_with(name.substr(0, 5)));
  EXPECT_EQ(by_name.as_object().if_contains("not_found"), nullptr);
  EXPECT_THAT(json::array(ask({{"query", ""}, {"limit", 7}}), "members"), SizeIs(7));
}

TEST_F(GatewayTest, WithoutTheIntentTheFullListIsNotGivenAndNonsenseEndsTheConnection) {
  Socket socket = ready(identify_data(kGuilds | kMessages));
  send(*socket, 8, {{"guild_id", id(server(0).id)}, {"query", ""}, {"limit", 0}});
  send(*socket, 8, {{"guild_id", "5"}, {"query", "a"}, {"limit", 1}});
  send(*socket, 3, {{"since", nullptr}, {"activities", json::Array{}}, {"status", "idle"}, {"afk", false}});
  send(*socket, 1, last_seq_);
  EXPECT_EQ(json::integer(read(*socket), "op"), 11) << "nothing came before";
  send(*socket, 8, {{"guild_id", id(server(0).id)}});
  EXPECT_EQ(closed_with(*socket), 4002);
}

TEST_F(GatewayTest, ASilentClientIsDropped) {
  end();
  options_.gateway.heartbeat_interval = std::chrono::milliseconds(20);
  start();
  Socket socket = connect();
  EXPECT_EQ(closed_with(*socket), 4009);
}

TEST_F(GatewayTest, ZlibStreamIsOneStreamPerConnection) {
  Socket socket = connect("?v=10&encoding=json&compress=zlib-stream");
  z_stream stream{};
  ASSERT_EQ(inflateInit(&stream), Z_OK);
  const auto next = [&] {
    std::string packed = run(read_text(*socket));
    EXPECT_TRUE(packed.ends_with(std::string("\x00\x00\xFF\xFF", 4)));
    std::string plain(1 << 20, '\0');
    stream.next_in = reinterpret_cast<Bytef*>(packed.data());
    stream.avail_in = static_cast<uInt>(packed.size());
    stream.next_out = reinterpret_cast<Bytef*>(plain.data());
    stream.avail_out = static_cast<uInt>(plain.size());
    EXPECT_EQ(inflate(&stream, Z_SYNC_FLUSH), Z_OK);
    plain.resize(plain.size() - stream.avail_out);
    return *json::parse(plain);
  };
  EXPECT_EQ(json::integer(next(), "op"), 10);
  send(*socket, 2, identify_data());
  EXPECT_EQ(json::text_or(next(), "t", ""), "READY");
  EXPECT_EQ(json::text_or(next(), "t", ""), "GUILD_CREATE");
  inflateEnd(&stream);
}

TEST_F(GatewayTest, ZstdStreamIsOneFrameWithoutEndPerConnection) {
  Socket socket = connect("?v=10&encoding=json&compress=zstd-stream");
  ZSTD_DStream* const stream = ZSTD_createDStream();
  const auto next = [&] {
    const std::string packed = run(read_text(*socket));
    std::string plain(1 << 20, '\0');
    ZSTD_inBuffer in{packed.data(), packed.size(), 0};
    ZSTD_outBuffer out{plain.data(), plain.size(), 0};
    EXPECT_GT(ZSTD_decompressStream(stream, &out, &in), 0U) << "the frame ended";
    EXPECT_EQ(in.pos, in.size);
    plain.resize(out.pos);
    return *json::parse(plain);
  };
  EXPECT_EQ(json::integer(next(), "op"), 10);
  send(*socket, 2, identify_data());
  EXPECT_EQ(json::text_or(next(), "t", ""), "READY");
  EXPECT_EQ(json::text_or(next(), "t", ""), "GUILD_CREATE");
  ZSTD_freeDStream(stream);
}

TEST_F(GatewayTest, AnUnknownCompressionIsRefused) {
  EXPECT_EQ(closed_with(*connect("?v=10&encoding=json&compress=lz4-stream")), 4002);
}

}  // namespace
}  // namespace guildhall::sim
