// Threads: channels that hang on another one, beside it or at one of its messages.
#include "base/text.h"
#include "sim/discord_rest.h"
#include "sim/discord_shapes.h"
#include "sim/permissions.h"

namespace guildhall::sim {
namespace {

constexpr int kPublicThread = 11;
constexpr int kPrivateThread = 12;
constexpr std::size_t kLongestName = 100;

std::expected<std::string, ApiError> name_of(const json::Value& body) {
  const std::string name = json::text_or(body, "name", "");
  if (!name.empty() && utf16_length(name) <= kLongestName) return name;
  Complaints complaints;
  complaints.add("name", "BASE_TYPE_BAD_LENGTH", "Must be between 1 and 100 in length.");
  return complaints.refuse();
}

}  // namespace

bool DiscordRest::is_thread(const Place& place) {
  return place.server != nullptr && place.server->channel(place.channel)->is_thread();
}

ApiAnswer DiscordRest::start_thread(Call& call) {
  const auto type = static_cast<int>(json::integer(call.body, "type").value_or(kPrivateThread));
  const bool open = type == kPublicThread;
  const auto place =
      place_with(call, open ? permission::kCreatePublicThreads : permission::kCreatePrivateThreads);
  if (!place) return std::unexpected(place.error());
  return open_thread(call, *place, open ? kPublicThread : kPrivateThread, stage_.mint.snowflake());
}

ApiAnswer DiscordRest::start_thread_at(Call& call) {
  const auto place = place_with(call, permission::kCreatePublicThreads);
  if (!place) return std::unexpected(place.error());
  const auto message = named_message(call);
  if (!message) return std::unexpected(message.error());
  if (place->server->channel((*message)->id) != nullptr)
    return api_error::make(400, 160004, "A thread has already been created for this message");
  return open_thread(call, *place, kPublicThread, (*message)->id);
}

ApiAnswer DiscordRest::open_thread(Call& call, const Place& place, int type, Snowflake id) {
  const auto name = name_of(call.body);
  if (!name) return std::unexpected(name.error());
  if (place.server->channel(place.channel)->type != 0)
    return api_error::make(400, 50024, "Cannot execute action on this channel type");
  Channel thread{id, *name, type, 0, {}};
  thread.parent = place.channel;
  thread.starter = stage_.world.bot.id;
  thread.archive_changed_at = stage_.clock.now();
  place.server->threads.push_back(thread);
  audit(*place.server, audit_action::kThreadCreate, id, call);
  json::Object event = shapes::channel(*place.server, thread);
  const json::Object answer = event;
  event["newly_created"] = true;
  discord_.gateway.dispatch("THREAD_CREATE", place.server->id, event);
  return ApiReply{201, answer};
}

ApiAnswer DiscordRest::modify_thread(Call& call, const Place& place) {
  Channel& thread = *place.server->channel(place.channel);
  const bool own = thread.starter == stage_.world.bot.id;
  if (!own && (place.permissions & permission::kManageThreads) == 0) return api_error::missing_permissions();
  if (json::find(call.body, "name") != nullptr) {
    const auto name = name_of(call.body);
    if (!name) return std::unexpected(name.error());
    thread.name = *name;
  }
  if (const auto archived = json::boolean(call.body, "archived"); archived && *archived != thread.archived) {
    thread.archived = *archived;
    thread.archive_changed_at = stage_.clock.now();
  }
  audit(*place.server, audit_action::kThreadUpdate, thread.id, call);
  const json::Object shape = shapes::channel(*place.server, thread);
  discord_.gateway.dispatch("THREAD_UPDATE", place.server->id, shape);
  return ApiReply{200, shape};
}

ApiAnswer DiscordRest::delete_thread(Call& call, const Place& place) {
  if ((place.permissions & permission::kManageThreads) == 0) return api_error::missing_permissions();
  const Channel thread = *place.server->channel(place.channel);
  std::erase_if(place.server->threads, [&](const Channel& one) { return one.id == thread.id; });
  audit(*place.server, audit_action::kThreadDelete, thread.id, call);
  discord_.gateway.dispatch("THREAD_DELETE", place.server->id,
                            {{"id", std::to_string(thread.id)},
                             {"guild_id", std::to_string(place.server->id)},
                             {"parent_id", std::to_string(thread.parent)},
                             {"type", thread.type}});
  return ApiReply{200, shapes::channel(*place.server, thread)};
}

}  // namespace guildhall::sim
