#include "bot/kick_chat_fallback.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "base/json.h"
#include "base/log.h"
#include "base/text.h"
#include "bot/persons.h"
#include "bot/process_state.h"
#include "net/loops.h"
#include "platforms/kick/chatroom.h"

namespace guildhall::bot {
namespace {

constexpr std::chrono::milliseconds kLook{200};
constexpr Duration kLongestSitePause = std::chrono::hours(1);
/// Between two questions to the site.
constexpr Duration kBetweenQuestions = std::chrono::seconds(2);
/// Under this name the process keeps the numbers that it found.
constexpr const char* kFound = "kick.chatrooms";

kick::ChatSocketOptions socket_options(const Config& config) {
  return {config.chat_socket_url(), config.kick_chat_socket_app_key, config.net_ca_file};
}

}  // namespace

KickChatFallback::KickChatFallback(BridgeServices services, Hooks hooks)
    : services_(services),
      hooks_(std::move(hooks)),
      socket_(services.loop, services.clock, services.metrics, socket_options(services.config),
              {hooks_.chat, [this] { tell(); }}),
      configured_(services.config.chatrooms()) {}

void KickChatFallback::start() {
  socket_.start();
  net::repeat(services_.loop, "kick.chatrooms", kLook, [this] { return look_up(); });
}

void KickChatFallback::stop() {
  stopped_ = true;
  socket_.listen_to({});
}

void KickChatFallback::listen_to(const std::vector<tenancy::Channel>& channels) {
  std::set<std::string> wanted;
  for (const tenancy::Channel& one : channels) {
    wanted.insert(one.platform_user_id);
    Channel& channel = channels_[one.platform_user_id];
    channel.streamer = {one.platform_user_id, one.name, one.slug};
    channel.room = known_room(channel);
  }
  std::erase_if(channels_, [&](const auto& entry) {
    const bool left = !wanted.contains(entry.first);
    if (left) hooks_.tell(entry.first, "");
    return left;
  });
  follow();
}

/// What the site has said was compared with whose channel it is; a name in the operator's list may be
/// somebody else's by now.
std::int64_t KickChatFallback::known_room(const Channel& channel) const {
  if (const auto found = found_.find(channel.streamer.id); found != found_.end()) return found->second;
  const auto said = configured_.find(to_lower_ascii(channel.streamer.slug));
  return said == configured_.end() ? 0 : said->second;
}

/// Where two claim a number, the site's word is better than that of a list which a new name may have made
/// wrong.
void KickChatFallback::follow() {
  kick::Chatrooms rooms;
  for (const bool by_site : {true, false}) {
    for (auto& [broadcaster, channel] : channels_) {
      const auto found = found_.find(broadcaster);
      const bool is_sure = found != found_.end() && found->second == channel.room;
      if (channel.room == 0 || is_sure != by_site) continue;
      if (rooms.emplace(channel.room, channel.streamer).second) continue;
      channel.room = 0;
      channel.trouble = "it is another channel's";
    }
  }
  if (!stopped_) socket_.listen_to(std::move(rooms));
  tell();
}

void KickChatFallback::tell() const {
  for (const auto& [broadcaster, channel] : channels_) hooks_.tell(broadcaster, word_of(channel));
}

std::string KickChatFallback::word_of(const Channel& channel) const {
  if (channel.room == 0 && channel.trouble.empty()) return "";
  if (channel.room == 0) return fmt::format("its chatroom is not known: {}", channel.trouble);
  if (!socket_.refusal().empty())
    return fmt::format("Kick's chat socket does not take us: {}", socket_.refusal());
  if (!socket_.trouble().empty())
    return fmt::format("Kick's chat socket cannot be reached: {}", socket_.trouble());
  return socket_.hears(channel.room) ? "its chat comes through Kick's chat socket meanwhile" : "";
}

/// One after the other: the site takes many questions at once for an attack.
Task<void> KickChatFallback::look_up() {
  const TimePoint now = services_.clock.now();
  if (now < ask_site_at_) co_return;
  if (!loaded_) {
    ask_site_at_ = now + kBetweenQuestions;  // where the database fails
    co_await load();
    ask_site_at_ = now;
  }
  const auto due = std::ranges::find_if(
      channels_, [&](const auto& entry) { return entry.second.room == 0 && entry.second.look_up_at <= now; });
  if (due != channels_.end()) co_await look_up(due->first);
}

Task<void> KickChatFallback::load() {
  const auto kept = json::parse(co_await ProcessState(services_.tenancy.global()).read(kFound));
  loaded_ = true;
  if (!kept || !kept->is_object()) co_return;
  for (const auto& [broadcaster, room] : kept->get_object()) {
    if (room.is_int64() && room.get_int64() > 0) found_.emplace(broadcaster, room.get_int64());
  }
  for (auto& [broadcaster, channel] : channels_) channel.room = known_room(channel);
  follow();
}

/// What is to happen next is settled first: whatever fails then, the site is not asked again at once.
Task<void> KickChatFallback::look_up(std::string broadcaster) {
  Channel& asked = channels_.at(broadcaster);
  const std::string slug = asked.streamer.slug;
  const TimePoint now = services_.clock.now();
  ask_site_at_ = now + kBetweenQuestions;
  asked.look_up_at = now + asked.pause;
  asked.pause = std::min(2 * asked.pause, kLongestSitePause);
  const auto room = co_await kick::find_chatroom(
      [&http = services_.http](net::HttpRequest request) { return http.send(std::move(request)); },
      services_.config.kick_chat_socket_site_url, slug, broadcaster);
  note_site(room);
  if (room) found_[broadcaster] = *room;
  if (const auto wanted = channels_.find(broadcaster); wanted != channels_.end()) {
    wanted->second.room = room.value_or(0);
    wanted->second.trouble = room ? "" : room.error().message;
    follow();
  }
  if (room) co_await keep_found();
}

/// That it does not know a channel, or knows it as another's, is about that channel; anything else is about
/// us.
void KickChatFallback::note_site(const Result<std::int64_t>& answer) {
  const bool is_about_channel =
      answer || answer.error().code == ErrorCode::not_found || answer.error().code == ErrorCode::conflict;
  if (!is_about_channel) ask_site_at_ = services_.clock.now() + site_pause_;
  site_pause_ = is_about_channel ? kFirstPause : std::min(2 * site_pause_, kLongestSitePause);
}

/// Those of channels that are still known here.
Task<void> KickChatFallback::keep_found() {
  std::erase_if(
      found_, [this](const auto& entry) { return !services_.tenancy.channels().find({kKick, entry.first}); });
  json::Object kept;
  for (const auto& [whose, number] : found_) kept[whose] = number;
  co_await ProcessState(services_.tenancy.global()).write(kFound, json::write(kept));
}

}  // namespace guildhall::bot
