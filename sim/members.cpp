#include "sim/members.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "sim/texts.h"

namespace guildhall::sim {
namespace {

using std::chrono::minutes;
using What = Step::What;

constexpr std::size_t kMostTalkers = 5;
constexpr std::size_t kFewestMembers = 6;
constexpr std::size_t kLongestKickChat = 500;
constexpr std::size_t kLongestDiscordMessage = 2'000;
constexpr std::array<std::string_view, 6> kChatCommands = {"!points",      "!points",        "!watchtime",
                                                           "!leaderboard", "!leaderboard 5", "!POINTS "};
constexpr std::array<std::string_view, 5> kTitles = {
    "Building a lighthouse", "Puzzle night", "Viewers pick the map", "Cozy farming", "One more attempt"};
constexpr std::array<std::string_view, 4> kAskedFor = {"points", "leaderboard", "watchtime", "help"};

/// A value that the option takes, for the options a person has to fill in.
json::Value sample_value(const json::Value& option, const Server& server, std::size_t choice) {
  const json::Array& choices = json::array(option, "choices");
  if (!choices.empty()) return choices[choice % choices.size()].at("value");
  switch (json::integer(option, "type").value_or(3)) {
    case 4:
    case 10: return json::integer(option, "min_value").value_or(1);
    case 5: return true;
    case 6: {
      auto member = server.members.begin();
      std::advance(member, static_cast<std::ptrdiff_t>(choice % server.members.size()));
      return json::Value(std::to_string(member->first));
    }
    default: return "lantern";
  }
}

/// Options as a person fills them in: what is required, and one sub-command where there are some.
json::Object sample_options(const json::Array& definitions, const Server& server, std::size_t choice) {
  json::Object out;
  const bool nested = !definitions.empty() && json::integer(definitions[0], "type").value_or(3) <= 2;
  if (nested) {
    const json::Value& taken = definitions[choice % definitions.size()];
    out[json::text_or(taken, "name", "")] = sample_options(json::array(taken, "options"), server, choice);
    return out;
  }
  for (const json::Value& option : definitions) {
    const bool required = json::boolean(option, "required").value_or(false);
    if (required) out[json::text_or(option, "name", "")] = sample_value(option, server, choice);
  }
  return out;
}

/// Is this a command that any member may try?
bool is_for_members(const json::Object& command, Snowflake server) {
  const std::string_view name = command.at("name").as_string();
  const bool known = std::any_of(kAskedFor.begin(), kAskedFor.end(),
                                 [&](std::string_view start) { return name.starts_with(start); });
  const json::Value& scope = command.at("guild_id");
  const bool here = scope.is_null() || scope == json::Value(std::to_string(server));
  return known && here && command.at("type") == json::Value(1) &&
         command.at("default_member_permissions").is_null();
}

}  // namespace

// What they do --------------------------------------------------------------------------------------

Script::Script(std::uint64_t seed, WorldSize size, double events_per_minute)
    : random_(mix(seed ^ 0x53637269U)),
      size_(size),
      mean_gap_(60e6 / events_per_minute),
      streams_(size.kick_channels) {
  for (std::size_t i = 0; i < streams_.size(); ++i) {
    streams_[i].changes_at = minutes(20) * static_cast<int>(i);
    streams_[i].talks_until = minutes(10);
  }
}

Step Script::next() {
  if (auto change = stream_change()) return *change;
  const Duration wait = gap();
  elapsed_ += wait;
  const std::size_t channel = streams_.empty() ? 0 : random_.below(streams_.size());
  const bool talking = !streams_.empty() && !is_silent(streams_[channel]);
  Step step;
  if (talking && random_.chance(70)) {
    step = kick_step();
    step.place = channel;
    if (step.what == What::kick_chat) step.person = talker(streams_[channel]);
  } else {
    step = discord_step();
  }
  step.after = wait;
  return step;
}

/// Streams go on and off by the clock, between the other steps.
std::optional<Step> Script::stream_change() {
  for (std::size_t i = 0; i < streams_.size(); ++i) {
    Stream& stream = streams_[i];
    if (stream.changes_at > elapsed_) continue;
    stream.live = !stream.live;
    stream.changes_at = elapsed_ + minutes(stream.live ? random_.between(35, 70) : random_.between(8, 20));
    return Step{Duration(0), stream.live ? What::go_live : What::go_offline, i, 0,
                std::string(random_.pick(kTitles))};
  }
  return std::nullopt;
}

bool Script::is_silent(Stream& stream) {
  if (elapsed_ >= stream.talks_until) {
    stream.silent_until = elapsed_ + minutes(random_.between(3, 8));
    stream.talks_until = stream.silent_until + minutes(random_.between(8, 25));
  }
  return elapsed_ < stream.silent_until;
}

Step Script::kick_step() {
  Step step;
  step.person = random_.below(1'000'000);
  const auto dice = random_.below(100);
  if (dice < 88) {
    step.what = What::kick_chat;
    step.text = chat_text();
  } else if (dice < 91) {
    step.what = What::subscribe;
  } else if (dice < 93) {
    step.what = random_.chance(30) ? What::gift_unnamed : What::gift;
  } else if (dice < 97) {
    step.what = What::follow;
  } else if (dice < 98) {
    step.what = What::give_kicks;
  } else {
    step.what = What::retitle;
    step.text = random_.pick(kTitles);
  }
  return step;
}

std::string Script::chat_text() {
  if (random_.chance(12)) return std::string(random_.pick(kChatCommands));
  if (random_.chance(4)) return hostile_text(random_, kLongestKickChat);
  std::string text = everyday_text(random_);
  if (random_.chance(10)) text += fmt::format(" [emote:{}:Wave]", 37'000 + random_.below(50));
  return text;
}

Step Script::discord_step() {
  Step step;
  step.place = random_.below(size_.servers);
  step.person = random_.below(1'000'000);
  const auto dice = random_.below(100);
  if (dice < 45) {
    step.what = What::discord_message;
    step.text = random_.chance(6) ? hostile_text(random_, kLongestDiscordMessage) : everyday_text(random_);
  } else if (dice < 60) {
    step.what = What::discord_message;
    step.text = "!points";
  } else if (dice < 84) {
    step.what = What::slash_command;
  } else {
    step.what = dice < 92 ? What::join : What::leave;
  }
  return step;
}

/// Mostly somebody who is in the middle of a talk; now and then a new one.
std::size_t Script::talker(Stream& stream) {
  const bool fresh = stream.talkers.empty() || (stream.talkers.size() < kMostTalkers && random_.chance(25));
  if (fresh) stream.talkers.push_back({random_.below(size_.viewers + 1), random_.between(1, 7)});
  const std::size_t index = fresh ? stream.talkers.size() - 1 : random_.below(stream.talkers.size());
  Talker& chosen = stream.talkers[index];
  const std::size_t person = chosen.person;
  if (--chosen.messages_left <= 0)
    stream.talkers.erase(stream.talkers.begin() + static_cast<std::ptrdiff_t>(index));
  return person;
}

/// Bursts and pauses with the wanted mean.
Duration Script::gap() {
  const auto dice = random_.below(100);
  const double factor = dice < 60 ? 0.2 : dice < 85 ? 1.0 : 4.2;
  return Duration(static_cast<std::int64_t>(mean_gap_ * factor));
}

// When they do it -----------------------------------------------------------------------------------

Members::Members(Stage& stage, Discord& discord, Kick& kick, Script script)
    : stage_(stage), discord_(discord), kick_(kick), script_(std::move(script)) {}

void Members::start() {
  const std::uint64_t generation = ++generation_;
  stage_.spawn("members", [this, generation] { return act(generation); });
}

Task<void> Members::act(std::uint64_t generation) {
  TimePoint due = stage_.clock.now();
  while (generation == generation_) {
    const Step step = script_.next();
    // After a standstill of the machine they do not make up for what they missed.
    due = std::max(due + step.after, stage_.clock.now() - minutes(1));
    const Duration wait = std::max(due - stage_.clock.now(), Duration(0));
    const bool on = co_await stage_.naps.rest(stage_.clock.real(wait));
    if (!on) co_return;
    if (generation == generation_) perform(step);
  }
}

/// A step that no longer fits the world (live already, nobody left to leave) is no error: people also
/// try what does not work.
void Members::perform(const Step& step) {
  const bool on_discord = step.what >= What::discord_message;
  if (on_discord) perform_discord(step);
  if (!on_discord) perform_kick(step);
}

void Members::perform_kick(const Step& step) {
  const KickChannel& channel = stage_.world.kick_channels[step.place];
  const std::string slug = channel.slug;
  const KickId person = channel.viewers[step.person % channel.viewers.size()].user;
  switch (step.what) {
    case What::go_live: (void)kick_.go_live(slug, step.text); break;
    case What::go_offline: (void)kick_.go_offline(slug); break;
    case What::retitle: (void)kick_.retitle(slug, step.text, ""); break;
    case What::kick_chat: (void)kick_.chat(slug, person, step.text); break;
    case What::gift: (void)kick_.gift(slug, person, 1 + step.person % 5); break;
    case What::gift_unnamed: (void)kick_.gift(slug, std::nullopt, 1 + step.person % 5); break;
    case What::subscribe: (void)kick_.subscribe(slug, person); break;
    case What::follow: (void)kick_.follow(slug, person); break;
    default: (void)kick_.give_kicks(slug, person, 100); break;
  }
}

void Members::perform_discord(const Step& step) {
  const Server& server = stage_.world.servers[step.place];
  if (step.what == What::join) {
    const auto outsiders = discord_.outsiders(server.id);
    if (!outsiders.empty()) (void)discord_.join(server.id, outsiders[step.person % outsiders.size()]);
    return;
  }
  std::vector<Snowflake> people;
  for (const auto& [user, member] : server.members) {
    if (user != stage_.world.bot.id) people.push_back(user);
  }
  if (people.empty()) return;
  const Snowflake person = people[step.person % people.size()];
  if (step.what == What::discord_message) (void)discord_.say(server.id, server.chat().id, person, step.text);
  if (step.what == What::slash_command) ask_slash_command(server, person, step.person);
  if (step.what == What::leave && people.size() > kFewestMembers) (void)discord_.leave(server.id, person);
}

void Members::ask_slash_command(const Server& server, Snowflake user, std::size_t choice) {
  if (!server.bot_present || server.outage) return;
  std::vector<json::Object> usable;
  for (const json::Value& command : discord_.commands.all()) {
    if (is_for_members(command.get_object(), server.id)) usable.push_back(command.get_object());
  }
  if (usable.empty()) return;
  const json::Object& command = usable[choice % usable.size()];
  const json::Value* options = command.if_contains("options");
  Discord::CommandWords words{std::string(command.at("name").as_string())};
  if (options != nullptr && options->is_array())
    words.options = sample_options(options->get_array(), server, choice);
  (void)discord_.command(server.id, server.chat().id, user, words);
}

}  // namespace guildhall::sim
