// Load: so many events a second of a stated mix, for a bot that is connected, and how long its answers took.
#pragma once

#include <chrono>
#include <cstdint>
#include <set>
#include <string>
#include <vector>

#include "sim/discord.h"
#include "sim/random.h"

namespace guildhall::sim {

/// What of a hundred events are messages, slash commands, members who come and go, and changes of names.
struct LoadMix {
  int messages = 80;
  int commands = 10;
  int members = 5;
  int others = 5;
};

struct LoadOptions {
  double events_per_second = 1'000;
  std::chrono::milliseconds lasts{10'000};
  LoadMix mix;
  std::string command = "points";  // needs no option
  std::uint64_t seed = 1;
};

struct LoadReport {
  std::size_t messages = 0;
  std::size_t commands = 0;
  std::size_t members = 0;
  std::size_t others = 0;
  std::chrono::duration<double> took{0};  // to tell all of them
  /// Of each command that was answered in time: from the moment when its event was queued for the connection
  /// until the whole answer was here, in milliseconds; ascending.
  std::vector<double> answer_ms;
  std::size_t deferred = 0;  // of them, by a promise only

  std::size_t events() const { return messages + commands + members + others; }
  std::size_t unanswered() const { return commands - answer_ms.size(); }
  /// The time within which that share of the answers came, by nearest rank; 0 without any.
  double percentile(double share) const;
};

/// Lives on the simulation's loop, and as long as what it runs.
class Load {
 public:
  Load(Discord& discord, LoadOptions options);
  ~Load();
  Load(const Load&) = delete;
  Load& operator=(const Load&) = delete;

  /// Until the command is answered in every server: then the bot has taken all of them in. Error
  /// `unavailable`: it is not, within the time; says why.
  Task<Result<void>> wait_for_bot(std::chrono::seconds patience);
  /// Tells the events, evenly, and waits for the last answers. Where this machine cannot keep the pace, the
  /// report's time says so.
  Task<LoadReport> run();

 private:
  struct Place {
    Snowflake server = 0;
    Snowflake channel = 0;
    std::vector<Snowflake> people;
    bool wanderer_is_here = false;
  };

  void see(const Interaction& interaction);
  Result<Snowflake> ask(const Place& place);
  void tell_one();
  void tell_message(const Place& place);
  void tell_command(const Place& place);
  void tell_member(Place& place);
  void tell_other(const Place& place);
  Task<void> tell_evenly();
  Task<void> wait_for_answers();

  Discord& discord_;
  LoadOptions options_;
  Random random_;
  std::vector<Place> places_;
  Snowflake wanderer_ = 0;        // comes to every server and goes
  std::set<Snowflake> answered_;  // servers, before the load begins
  std::string refused_;           // why the last command could not be asked
  std::chrono::steady_clock::time_point begun_ = std::chrono::steady_clock::time_point::max();
  LoadReport report_;
};

}  // namespace guildhall::sim
