// Members and viewers act by themselves: they join, leave, chat in bursts and fall silent, subscribe,
// gift and ask for their points, and the streams go live in turns. What they do follows from the seed
// alone (Script); when they do it, from the clock.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "sim/discord.h"
#include "sim/kick.h"

namespace guildhall::sim {

/// One thing that somebody does.
struct Step {
  enum class What {
    go_live,
    go_offline,
    retitle,
    kick_chat,
    gift,
    gift_unnamed,
    subscribe,
    follow,
    give_kicks,
    discord_message,
    slash_command,
    join,
    leave,
  };

  Duration after{0};  // since the step before
  What what = What::kick_chat;
  std::size_t place = 0;   // which Kick channel, or which Discord server
  std::size_t person = 0;  // which of the people there, modulo their number
  std::string text;        // what is written

  friend bool operator==(const Step&, const Step&) = default;
};

/// The endless list of steps of a seed.
class Script {
 public:
  Script(std::uint64_t seed, WorldSize size, double events_per_minute);
  Step next();

 private:
  struct Talker {
    std::size_t person = 0;
    std::int64_t messages_left = 0;
  };
  struct Stream {
    bool live = false;
    Duration changes_at{0};
    Duration silent_until{0};
    Duration talks_until{0};
    std::vector<Talker> talkers;
  };

  std::optional<Step> stream_change();
  /// Every chat falls silent for some minutes now and then.
  bool is_silent(Stream& stream);
  Step kick_step();
  Step discord_step();
  std::size_t talker(Stream& stream);
  std::string chat_text();
  Duration gap();

  Random random_;
  WorldSize size_;
  double mean_gap_;  // microseconds
  Duration elapsed_{0};
  std::vector<Stream> streams_;
};

class Members {
 public:
  Members(Stage& stage, Discord& discord, Kick& kick, Script script);

  void start();
  void stop() { ++generation_; }

 private:
  Task<void> act(std::uint64_t generation);
  void perform(const Step& step);
  void perform_kick(const Step& step);
  void perform_discord(const Step& step);
  void ask_slash_command(const Server& server, Snowflake user, std::size_t choice);

  Stage& stage_;
  Discord& discord_;
  Kick& kick_;
  Script script_;
  std::uint64_t generation_ = 0;
};

}  // namespace guildhall::sim
