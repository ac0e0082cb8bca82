#include "sim/load.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "sim/texts.h"

namespace guildhall::sim {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

/// While the bot comes up, so many servers are tried at once.
constexpr std::size_t kTriedAtOnce = 50;
constexpr milliseconds kTryAgain{250};
constexpr milliseconds kStep{1};
/// What is told before others of the loop get their turn, where it fell behind.
constexpr std::size_t kMostInAStep = 64;
/// An answer that comes later is none.
constexpr milliseconds kLastAnswer{3'500};

/// Somebody who is in no server yet.
Snowflake add_wanderer(Stage& stage) {
  DiscordUser person;
  person.id = stage.mint.snowflake();
  person.username = "wanderer";
  stage.world.users[person.id] = person;
  return person.id;
}

}  // namespace

double LoadReport::percentile(double share) const {
  if (answer_ms.empty()) return 0;
  const auto rank = static_cast<std::size_t>(std::ceil(share * static_cast<double>(answer_ms.size())));
  return answer_ms[std::clamp<std::size_t>(rank, 1, answer_ms.size()) - 1];
}

Load::Load(Discord& discord, LoadOptions options)
    : discord_(discord),
      options_(std::move(options)),
      random_(mix(options_.seed ^ 0x6c6f6164U)),
      wanderer_(add_wanderer(discord.stage)) {
  for (const Server& server : discord_.stage.world.servers) {
    Place place{server.id, server.chat().id, {}};
    for (const auto& [user, member] : server.members) {
      if (user != discord_.stage.world.bot.id) place.people.push_back(user);
    }
    places_.push_back(std::move(place));
  }
  discord_.interactions.on_first_answer = [this](const Interaction& interaction) { see(interaction); };
}

Load::~Load() { discord_.interactions.on_first_answer = nullptr; }

void Load::see(const Interaction& interaction) {
  if (interaction.asked < begun_) {
    answered_.insert(interaction.server);
    return;
  }
  const std::chrono::duration<double, std::milli> took = *interaction.first_answered - interaction.asked;
  report_.answer_ms.push_back(took.count());
  if (interaction.state == Interaction::State::deferred) ++report_.deferred;
}

// Before --------------------------------------------------------------------------------------------

Task<Result<void>> Load::wait_for_bot(std::chrono::seconds patience) {
  const auto end = steady_clock::now() + patience;
  for (;;) {
    std::size_t tried = 0;
    for (const Place& place : places_) {
      if (answered_.contains(place.server)) continue;
      if (const auto asked = ask(place); !asked) refused_ = asked.error().message;
      if (++tried == kTriedAtOnce) break;
    }
    if (tried == 0) co_return Result<void>{};
    if (steady_clock::now() > end) {
      co_return fail(ErrorCode::unavailable,
                     fmt::format("the bot answered /{} in {} of {} servers within {} s{}", options_.command,
                                 answered_.size(), places_.size(), patience.count(),
                                 refused_.empty() ? "" : "; the last call failed: " + refused_),
                     "Has it registered the command? --command names another.");
    }
    const bool on = co_await discord_.stage.naps.rest(kTryAgain);
    if (!on) co_return fail(ErrorCode::unavailable, "stopped");
  }
}

Result<Snowflake> Load::ask(const Place& place) {
  // Nobody would be there to answer.
  if (discord_.gateway.connections() == 0) return fail(ErrorCode::unavailable, "no bot is connected");
  return discord_.command(place.server, place.channel, random_.pick(place.people),
                          {.name = options_.command});
}

// The events ----------------------------------------------------------------------------------------

void Load::tell_one() {
  Place& place = random_.pick(places_);
  const auto dice = static_cast<int>(random_.below(100));
  const LoadMix& mix = options_.mix;
  if (dice < mix.messages) return tell_message(place);
  if (dice < mix.messages + mix.commands) return tell_command(place);
  if (dice < mix.messages + mix.commands + mix.members) return tell_member(place);
  tell_other(place);
}

/// Nobody asks for it again, and thousands of them a second would fill the memory.
void Load::tell_message(const Place& place) {
  const auto said =
      discord_.say(place.server, place.channel, random_.pick(place.people), everyday_text(random_));
  if (!said) return;
  discord_.messages.erase(place.channel, *said);
  ++report_.messages;
}

void Load::tell_command(const Place& place) {
  if (ask(place)) ++report_.commands;
}

void Load::tell_member(Place& place) {
  const auto told = place.wanderer_is_here ? discord_.leave(place.server, wanderer_)
                                           : discord_.join(place.server, wanderer_);
  if (!told) return;
  place.wanderer_is_here = !place.wanderer_is_here;
  ++report_.members;
}

void Load::tell_other(const Place& place) {
  const auto told = discord_.update_member(place.server, random_.pick(place.people),
                                           fmt::format("captain {}", random_.below(1'000)), std::nullopt);
  if (told) ++report_.others;
}

Task<void> Load::tell_evenly() {
  const auto begin = steady_clock::now();
  const double pace = options_.events_per_second;
  const auto all = static_cast<std::size_t>(std::chrono::duration<double>(options_.lasts).count() * pace);
  std::size_t told = 0;
  while (told < all) {
    const std::chrono::duration<double> elapsed = steady_clock::now() - begin;
    const std::size_t due = std::min(all, static_cast<std::size_t>(elapsed.count() * pace));
    for (std::size_t step = 0; told < due && step < kMostInAStep; ++step, ++told) tell_one();
    const bool on = co_await discord_.stage.naps.rest(kStep);
    if (!on) break;
  }
  report_.took = steady_clock::now() - begin;
}

Task<void> Load::wait_for_answers() {
  const auto end = steady_clock::now() + kLastAnswer;
  while (report_.unanswered() > 0 && steady_clock::now() < end) {
    const bool on = co_await discord_.stage.naps.rest(milliseconds(10));
    if (!on) co_return;
  }
}

Task<LoadReport> Load::run() {
  begun_ = steady_clock::now();
  co_await tell_evenly();
  co_await wait_for_answers();
  std::ranges::sort(report_.answer_ms);
  co_return std::move(report_);
}

}  // namespace guildhall::sim
