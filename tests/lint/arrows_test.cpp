// The arrows of the house: who may include whom, read from the includes themselves.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <map>
#include <regex>
#include <set>

namespace guildhall {
namespace {

namespace fs = std::filesystem;

const fs::path kRoot = GUILDHALL_SOURCE_DIR;

/// Each room with the rooms it may use besides itself.
const std::map<std::string, std::set<std::string>> kMayUse{
    {"base", {}},
    {"net", {"base"}},
    {"store", {"base"}},
    {"tenancy", {"base", "store"}},
    {"migrate", {"base", "store", "tenancy"}},
    {"move", {"base", "store", "tenancy", "migrate"}},
    {"convert", {"base", "store", "tenancy", "migrate"}},
    {"platforms/discord", {"base", "net"}},
    {"platforms/kick", {"base", "net"}},
    {"bot", {"base", "net", "store", "tenancy", "platforms/discord", "platforms/kick"}},
    {"features", {"base", "net", "store", "tenancy", "bot"}},
    {"import", {"base", "net", "store", "tenancy", "migrate", "convert", "bot", "features"}},
    {"web", {"base", "net", "store", "tenancy", "bot", "features"}},
    {"doctor", {"base", "net", "store", "tenancy", "bot", "features", "web"}},
    {"sim", {"base", "net"}},
    {"cli",
     {"base", "net", "store", "tenancy", "migrate", "move", "convert", "import", "platforms/discord",
      "platforms/kick", "bot", "features", "web", "doctor", "sim"}},
};

std::string room_of(const std::string& path) {
  std::string best;
  for (const auto& [room, others] : kMayUse) {
    if (path.starts_with(room + "/") && room.size() > best.size()) best = room;
  }
  return best;
}

struct Source {
  std::string path;  // as others include it: "bot/ledger.h"
  std::vector<std::string> own_includes;
  std::vector<std::string> system_includes;
};

std::vector<Source> sources() {
  std::vector<Source> found;
  for (const fs::path& top : {kRoot / "src", kRoot / "sim"}) {
    for (const auto& entry : fs::recursive_directory_iterator(top)) {
      const std::string name = entry.path().filename().string();
      if (!entry.is_regular_file() || (!name.ends_with(".h") && !name.ends_with(".cpp")) ||
          name.ends_with("_test.cpp"))
        continue;
      Source source{fs::relative(entry.path(), top.filename() == "src" ? top : kRoot).string(), {}, {}};
      std::ifstream input(entry.path());
      static const std::regex kInclude(R"(^\s*#\s*include\s*([<"])([^>"]+)[>"])");
      std::string line;
      while (std::getline(input, line)) {
        std::smatch match;
        if (std::regex_search(line, match, kInclude))
          (match[1] == "\"" ? source.own_includes : source.system_includes).push_back(match[2]);
      }
      found.push_back(std::move(source));
    }
  }
  return found;
}

TEST(Arrows, PointOneWay) {
  std::set<std::string> seen;
  for (const Source& source : sources()) {
    const std::string room = room_of(source.path);
    ASSERT_NE(room, "") << source.path << " stands in no room";
    seen.insert(room);
    for (const std::string& include : source.own_includes) {
      if (include.starts_with("tests/") || include == "light_pch.h") continue;
      const std::string other = room_of(include);
      EXPECT_TRUE(other == room || kMayUse.at(room).contains(other))
          << source.path << " may not include " << include;
    }
  }
  EXPECT_EQ(seen.size(), kMayUse.size()) << "a room without sources";
}

TEST(Arrows, FeaturesDoNotKnowEachOther) {
  for (const Source& source : sources()) {
    if (!source.path.starts_with("features/")) continue;
    const std::string own = source.path.substr(0, source.path.rfind('/') + 1);
    if (own == "features/") continue;  // the one list of features
    for (const std::string& include : source.own_includes) {
      EXPECT_FALSE(include.starts_with("features/") && !include.starts_with(own))
          << source.path << " includes " << include;
    }
  }
}

TEST(Arrows, HeavyLibrariesStayInTheirRooms) {
  const std::vector<std::pair<std::string, std::string>> rules{{"boost/beast", "net/"},
                                                               {"boost/asio/ssl", "net/"},
                                                               {"sqlite3.h", "store/sqlite/"},
                                                               {"CLI/", "cli/parse.cpp"},
                                                               {"spdlog/", "base/log.cpp"}};
  for (const Source& source : sources()) {
    for (const std::string& include : source.system_includes) {
      for (const auto& [library, room] : rules) {
        EXPECT_FALSE(include.starts_with(library) && !source.path.starts_with(room))
            << source.path << " includes " << include;
      }
    }
  }
}

/// Everything that a file knows by its includes, and by theirs.
std::set<std::string> reached(const std::string& path, const std::map<std::string, Source>& all) {
  std::set<std::string> known;
  std::vector<std::string> next{path};
  while (!next.empty()) {
    const auto found = all.find(next.back());
    next.pop_back();
    if (found == all.end()) continue;
    for (const std::string& include : found->second.own_includes) {
      if (known.insert(include).second) next.push_back(include);
    }
  }
  return known;
}

/// Servers set addresses (buttons of alerts), which are shown and never asked: whoever can ask goes to
/// Discord and Kick alone, as the operator has configured them.
TEST(Arrows, FeaturesAndSettingsGoToNoAddress) {
  const std::set<std::string> may_go{"net", "sim", "platforms/discord", "platforms/kick", "bot", "cli"};
  std::map<std::string, Source> all;
  for (Source& source : sources()) all.emplace(source.path, std::move(source));
  const std::vector<const char*> ways{"net/http_client.h", "net/websocket_client.h", "net/resolve.h"};
  EXPECT_TRUE(reached("bot/kick_bridge.cpp", all).contains(ways[0])) << "the includes are not followed";
  for (const auto& [path, source] : all) {
    if (may_go.contains(room_of(path))) continue;
    const auto known = reached(path, all);
    for (const char* way : ways) EXPECT_FALSE(known.contains(way)) << path << " reaches " << way;
  }
}

/// ... and within the bot those alone who speak with the platforms.
TEST(Arrows, WhoSpeaksWithThePlatformsIsNamed) {
  const std::set<std::string> ways{
      "net/http_client.h", "net/websocket_client.h",  "net/resolve.h",           "bot/discord_bridge.h",
      "bot/kick_bridge.h", "platforms/kick/client.h", "platforms/discord/rest.h"};
  const std::set<std::string> who{
      "bot/chat_sender.h", "bot/dashboard_access.h", "bot/installation_checkup.h", "cli/sim_check.cpp",
      "cli/app.h",         "cli/doctor_discord.cpp"};
  for (const Source& source : sources()) {
    const std::string room = room_of(source.path);
    if (room == "net" || room == "sim" || room.starts_with("platforms/") || who.contains(source.path) ||
        source.path.starts_with("bot/discord_") || source.path.starts_with("bot/kick_"))
      continue;
    for (const std::string& include : source.own_includes)
      EXPECT_FALSE(ways.contains(include)) << source.path << " includes " << include;
  }
}

/// The word "guild" is Discord's; above its room the thing is a server. Old bots' columns are called so, too.
TEST(Arrows, GuildIsAWordOfDiscordsRoom) {
  for (const Source& source : sources()) {
    if (source.path.starts_with("platforms/discord/") || source.path.starts_with("sim/") ||
        source.path.starts_with("bot/discord_") || source.path.starts_with("convert/"))
      continue;
    std::ifstream input(kRoot / "src" / source.path);
    const std::string text((std::istreambuf_iterator<char>(input)), {});
    static const std::regex kGuild(R"(\b[Gg]uild(s|_id|Id)?\b)");
    std::smatch match;
    EXPECT_FALSE(std::regex_search(text, match, kGuild)) << source.path << ": " << match.str();
  }
}

/// A ServerScope is made in five places; each is called from the one room that can prove what it says.
TEST(Arrows, ScopesAreMadeWhereTheyAreProved) {
  const std::map<std::string, std::vector<std::string>> callers{
      // The isolation proof asks in the place of each, for the reserved servers alone.
      {"for_discord_event", {"bot/discord_bridge.cpp", "doctor/proof_bot.cpp"}},
      {"for_channel_event", {"bot/kick_bridge.cpp", "doctor/proof_bot.cpp"}},
      {"for_session", {"web/api.cpp", "web/link_pages.cpp", "doctor/isolation.cpp", "doctor/ground.cpp"}},
      {"for_job",
       {"bot/due_work.cpp", "bot/outbox.cpp", "bot/role_changes.cpp", "bot/kick_bridge.cpp", "cli/app.cpp",
        "doctor/proof_bot.cpp"}},
      {"for_operator",
       {"cli/workspace.cpp", "doctor/proof_bot.cpp", "doctor/replay.cpp", "doctor/ground.cpp"}},
  };
  for (const Source& source : sources()) {
    if (source.path.starts_with("tenancy/") || source.path.starts_with("sim/")) continue;
    std::ifstream input(kRoot / "src" / source.path);
    const std::string text((std::istreambuf_iterator<char>(input)), {});
    for (const auto& [maker, files] : callers) {
      if (text.find(maker + "(") == std::string::npos) continue;
      EXPECT_THAT(files, testing::Contains(source.path)) << source.path << " calls " << maker;
    }
  }
}

/// No ambient server, and no time or randomness behind the injected clock's back.
TEST(Arrows, NothingAmbient) {
  for (const Source& source : sources()) {
    if (source.path.starts_with("base/clock") || source.path.starts_with("sim/")) continue;
    std::ifstream input(kRoot / "src" / source.path);
    const std::string text((std::istreambuf_iterator<char>(input)), {});
    EXPECT_EQ(text.find("system_clock::now"), std::string::npos) << source.path;
    const bool bot_and_above = source.path.starts_with("bot/") || source.path.starts_with("features/") ||
                               source.path.starts_with("web/") || source.path.starts_with("tenancy/");
    if (bot_and_above) EXPECT_EQ(text.find("thread_local"), std::string::npos) << source.path;
  }
}

/// Every folder says at its door what it is for.
TEST(Arrows, EveryRoomHasItsDoor) {
  for (const auto& [room, others] : kMayUse) {
    const std::string name = room.substr(room.rfind('/') + 1);
    const fs::path door = (room == "sim" ? kRoot / "sim" : kRoot / "src" / room) / (name + ".h");
    std::ifstream input(door);
    ASSERT_TRUE(input) << door;
    int lines = 0;
    std::string line;
    while (std::getline(input, line) && line.starts_with("//")) ++lines;
    EXPECT_GE(lines, 5) << door << " does not say what the room is for";
  }
}

}  // namespace
}  // namespace guildhall
