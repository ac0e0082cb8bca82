#include "platforms/discord/event_router.h"

#include <fmt/format.h>

#include <algorithm>
#include <exception>

#include "base/log.h"
#include "platforms/discord/parse.h"

namespace guildhall::discord {
namespace {

constexpr std::string_view kEventsName = "guildhall_discord_events_total";
constexpr std::string_view kEventsHelp = "Events that came over the gateway.";

}  // namespace

/// The most frequent first.
const std::array<EventRouter::Event, EventRouter::kEventCount> EventRouter::kEvents{{
    {"MESSAGE_CREATE", &EventRouter::message_created},
    {"INTERACTION_CREATE", &EventRouter::interaction_created},
    {"GUILD_MEMBER_ADD", &EventRouter::member_joined},
    {"GUILD_MEMBER_REMOVE", &EventRouter::member_left},
    {"GUILD_CREATE", &EventRouter::guild_created},
    {"GUILD_UPDATE", &EventRouter::guild_updated},
    {"GUILD_DELETE", &EventRouter::guild_deleted},
    {"READY", &EventRouter::ready},
    {"RESUMED", &EventRouter::nothing_to_tell},
    {"GUILD_ROLE_CREATE", &EventRouter::permissions_changed},
    {"GUILD_ROLE_UPDATE", &EventRouter::permissions_changed},
    {"GUILD_ROLE_DELETE", &EventRouter::permissions_changed},
    {"CHANNEL_UPDATE", &EventRouter::permissions_changed},
    {"GUILD_MEMBER_UPDATE", &EventRouter::member_updated},
}};

EventRouter::EventRouter(GatewayHandler& handler, State& state, Shard shard, Metrics& metrics,
                         std::shared_ptr<Receipts> receipts)
    : handler_(handler),
      state_(state),
      shard_(shard),
      receipts_(std::move(receipts)),
      others_(metrics.counter(kEventsName, kEventsHelp, "event=\"other\"")),
      unusable_(metrics.counter("guildhall_discord_events_unusable_total",
                                "Events that lacked an id, or whose handling failed.")) {
  for (std::size_t i = 0; i < kEventCount; ++i) {
    counters_[i] = &metrics.counter(kEventsName, kEventsHelp, fmt::format("event=\"{}\"", kEvents[i].name));
  }
}

template <class F>
bool EventRouter::guarded(std::string_view event, F handle) {
  try {
    return handle();
  } catch (const std::exception& e) {
    log::error("discord event failed", {log::field("event", event), log::field("error", e.what())});
    return false;
  }
}

const EventRouter::Event* EventRouter::find(std::string_view event) {
  const auto known = std::ranges::find(kEvents, event, &Event::name);
  return known == kEvents.end() ? nullptr : &*known;
}

bool EventRouter::wants(std::string_view event) const {
  return find(event) != nullptr || state_.wants(event);
}

void EventRouter::route(std::string_view event, const json::Value* data,
                        std::optional<std::int64_t> sequence) {
  sequence_ = sequence;
  const Event* known = find(event);
  (known == nullptr ? others_ : *counters_[static_cast<std::size_t>(known - kEvents.data())]).add();
  if (data == nullptr) return;
  const bool usable = guarded(event, [&] {
    state_.apply(event, *data);
    return known == nullptr || (this->*known->handle)(*data);
  });
  if (!usable) unusable_.add();
}

Receipt EventRouter::receipt() const {
  return receipts_ && sequence_ ? receipts_->receipt(*sequence_) : Receipt();
}

void EventRouter::intents_refused(Intents refused) {
  guarded("intents refused", [&] {
    handler_.on_intents_refused(refused);
    return true;
  });
}

bool EventRouter::ready(const json::Value& data) {
  auto ready = read_ready(data);
  if (!ready) return false;
  session_ = json::text_or(data, "session_id", "");
  ready->shard = shard_;
  guilds_ = {ready->guilds.begin(), ready->guilds.end()};
  pending_ = guilds_;
  state_.session_began(ready->self.id, shard_, guilds_);
  handler_.on_ready(std::move(*ready), receipt());
  return true;
}

bool EventRouter::guild_created(const json::Value& data) {
  auto guild = read_guild(data);
  if (!guild) return false;
  const bool known = !guilds_.insert(guild->id).second;
  pending_.erase(guild->id);
  if (guild->unavailable) {
    handler_.on_guild_unavailable(guild->id);
  } else {
    handler_.on_guild(std::move(*guild), known ? GuildArrival::filled : GuildArrival::joined, receipt());
  }
  return true;
}

bool EventRouter::guild_updated(const json::Value& data) {
  const auto guild = read_id<ServerId>(data, "id");
  if (!guild) return false;
  if (auto name = json::text(data, "name")) handler_.on_guild_renamed(*guild, std::move(*name), receipt());
  return true;
}

bool EventRouter::guild_deleted(const json::Value& data) {
  const auto guild = read_guild(data);
  if (!guild) return false;
  pending_.erase(guild->id);
  if (guild->unavailable) {
    guilds_.insert(guild->id);
    handler_.on_guild_unavailable(guild->id);
  } else {
    guilds_.erase(guild->id);
    handler_.on_guild_removed(guild->id, receipt());
  }
  return true;
}

bool EventRouter::member_joined(const json::Value& data) {
  auto join = read_member_join(data);
  if (!join) return false;
  handler_.on_member_joined(std::move(*join), receipt());
  return true;
}

bool EventRouter::member_left(const json::Value& data) {
  auto leave = read_member_leave(data);
  if (!leave || !sequence_) return false;
  leave->event_id = fmt::format("{}:{}", session_, *sequence_);
  handler_.on_member_left(std::move(*leave), receipt());
  return true;
}

bool EventRouter::message_created(const json::Value& data) {
  auto message = read_message(data);
  if (!message) return false;
  handler_.on_message(std::move(*message));
  return true;
}

bool EventRouter::interaction_created(const json::Value& data) {
  auto interaction = read_interaction(data);
  if (!interaction) return false;
  handler_.on_interaction(std::move(*interaction));
  return true;
}

bool EventRouter::permissions_changed(const json::Value& data) {
  const auto guild = read_id<ServerId>(data, "guild_id");
  if (!guild) return false;
  handler_.on_permissions_changed(*guild);
  return true;
}

/// Of others it is no concern of the bot's.
bool EventRouter::member_updated(const json::Value& data) {
  const json::Value* user = json::find(data, "user");
  const auto id = user == nullptr ? std::nullopt : read_id<DiscordUserId>(*user, "id");
  if (!id) return false;
  return *id != state_.self() || permissions_changed(data);
}

bool EventRouter::nothing_to_tell(const json::Value&) { return true; }

}  // namespace guildhall::discord
