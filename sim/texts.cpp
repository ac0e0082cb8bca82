#include "sim/texts.h"

#include <array>
#include <string_view>

namespace guildhall::sim {
namespace {

constexpr std::array<std::string_view, 24> kOpenings = {"that jump was",
                                                        "the boss music is",
                                                        "anyone else thinks this map is",
                                                        "my cat finds this",
                                                        "the soundtrack tonight is",
                                                        "this build looks",
                                                        "chat, that was",
                                                        "the new overlay is",
                                                        "yesterday's stream was",
                                                        "the timing there was",
                                                        "I say the left door is",
                                                        "speedrun plan sounds",
                                                        "that chest is",
                                                        "the lighting here is",
                                                        "the puzzle room is",
                                                        "last round felt",
                                                        "the raffle last week was",
                                                        "this sandwich is",
                                                        "the intro is",
                                                        "patch notes look",
                                                        "the hat on that npc is",
                                                        "rainy evening streams are",
                                                        "the warm-up was",
                                                        "my connection is"};
constexpr std::array<std::string_view, 12> kVerdicts = {
    "unreal", "so close",   "way too good", "suspicious", "a classic", "pure chaos",
    "cozy",   "underrated", "unbeatable",   "haunted",    "worth it",  "ridiculous"};
constexpr std::array<std::string_view, 12> kHostile = {
    "@everyone @here free tickets at the door",
    "**bold _both__ ||spoiler|| ```code block that never ends",
    "<script>alert('chat')</script><img src=x onerror=alert(1)>",
    "\u202Edrawkcab si siht\u202C and \u05E9\u05DC\u05D5\u05DD \u0645\u0631\u062D\u0628\u0627",
    "in\u200Bvis\u200Bible\u2060 sp\uFEFFaces \u200D\u200C",
    "'; DROP TABLE persons; --",
    "\U0001F469\u200D\U0001F469\u200D\U0001F467\u200D\U0001F466 \U0001F3F3\uFE0F\u200D\U0001F308 "
    "\U0001F1E9\U0001F1EA",
    "Z\u0351\u036B\u0343\u036A\u0302\u036B\u033Da\u0343\u036B\u0363lgo was here",
    "{\"json\": [null, 1e999, \"\\u0000\"]} %s %n {} ${HOME} $(id)",
    "<@1> <@&1> <#1> <:fake:1> <t:0:R> [link](https://example.invalid)",
    "!points -1 99999999999999999999 \u0661\u0662\u0663 1e9",
    "\u200F\u2066!leaderboard\u2069"};

/// Two UTF-16 units each, so that counting characters instead is noticed.
std::string wall_of_emoji(std::size_t units) {
  std::string out;
  for (std::size_t i = 0; i + 2 <= units; i += 2) out += "\U0001F525";
  return out;
}

}  // namespace

std::string everyday_text(Random& random) {
  return std::string(random.pick(kOpenings)) + " " + std::string(random.pick(kVerdicts));
}

std::string hostile_text(Random& random, std::size_t longest) {
  const std::size_t choice = random.below(kHostile.size() + 2);
  if (choice < kHostile.size()) return std::string(kHostile[choice]);
  if (choice == kHostile.size()) return std::string(longest, 'w');
  return wall_of_emoji(longest);
}

}  // namespace guildhall::sim
