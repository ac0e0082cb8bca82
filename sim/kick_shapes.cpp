#include "sim/kick_shapes.h"

#include <fmt/format.h>

#include <charconv>

#include "base/clock.h"

namespace guildhall::sim::kick_shapes {
namespace {

constexpr std::string_view kZeroDate = "0001-01-01T00:00:00Z";

json::Object named(const KickUser& user) {
  return {{"user_id", user.id},
          {"username", user.username},
          {"is_verified", false},
          {"profile_picture", ""},
          {"channel_slug", user.slug}};
}

json::Object category(std::string_view name) { return {{"id", 15}, {"name", name}, {"thumbnail", ""}}; }

std::size_t characters(std::string_view text) {
  std::size_t count = 0;
  for (const char c : text) count += (static_cast<unsigned char>(c) & 0xC0) != 0x80 ? 1 : 0;
  return count;
}

/// The emotes written in the text as [emote:ID:NAME], with inclusive character positions.
json::Array emotes_in(std::string_view content, Random& random) {
  json::Array out;
  constexpr std::string_view kOpening = "[emote:";
  for (auto start = content.find(kOpening); start != std::string_view::npos;
       start = content.find(kOpening, start + 1)) {
    const auto end = content.find(']', start);
    if (end == std::string_view::npos) break;
    const std::string_view inside = content.substr(start + kOpening.size(), end - start - kOpening.size());
    std::int64_t id = 0;
    std::from_chars(inside.data(), inside.data() + inside.size(), id);
    const std::size_t first = characters(content.substr(0, start));
    const std::size_t last = first + characters(content.substr(start, end - start));
    out.push_back(
        json::Object{{"emote_id", random.chance(50) ? json::Value(id) : json::Value(std::to_string(id))},
                     {"positions", json::Array{json::Object{{"s", first}, {"e", last}}}}});
  }
  return out;
}

}  // namespace

std::string time_text(TimePoint at, Random& random) {
  const auto seconds = std::chrono::floor<std::chrono::seconds>(at);
  switch (random.below(3)) {
    case 0: return format_rfc3339(seconds);
    case 1: return format_rfc3339(std::chrono::floor<std::chrono::milliseconds>(at));
    default: break;
  }
  std::string shifted = format_rfc3339(seconds + std::chrono::hours(11));
  shifted.pop_back();
  return shifted + "+11:00";
}

json::Object person(const KickUser& user) {
  json::Object out = named(user);
  out["is_anonymous"] = false;
  out["identity"] = nullptr;
  return out;
}

json::Object nobody() {
  json::Object out{{"is_anonymous", true}};
  for (const char* key :
       {"user_id", "username", "is_verified", "profile_picture", "channel_slug", "identity"}) {
    out[key] = nullptr;
  }
  return out;
}

json::Array badges(const KickUser& user, const KickChannel& channel, const Viewer& viewer) {
  json::Array out;
  const auto add = [&](const char* text, const char* type) {
    out.push_back(json::Object{{"text", text}, {"type", type}});
    return &out.back().get_object();
  };
  if (user.id == channel.broadcaster) add("Broadcaster", "broadcaster");
  if (viewer.moderator) add("Moderator", "moderator");
  if (viewer.bot) add("Bot", "bot");
  if (viewer.subscriber_months > 0) (*add("Subscriber", "subscriber"))["count"] = viewer.subscriber_months;
  return out;
}

json::Object sender(const KickUser& user, const KickChannel& channel, const Viewer& viewer) {
  json::Object out = person(user);
  out["identity"] = json::Object{{"username_color", "#75FD46"}, {"badges", badges(user, channel, viewer)}};
  return out;
}

json::Object chat_message(const ChatText& text, Random& random) {
  json::Array found = emotes_in(text.content, random);
  json::Value emotes = nullptr;
  if (!found.empty() || random.chance(30)) emotes = std::move(found);
  json::Object out{{"message_id", text.message_id}, {"broadcaster", person(*text.broadcaster)},
                   {"sender", text.sender},         {"content", text.content},
                   {"emotes", std::move(emotes)},   {"created_at", text.created_at}};
  if (random.chance(50)) out["replies_to"] = nullptr;
  if (random.chance(20)) out["unannounced_field"] = json::Object{{"level", 3}};
  return out;
}

json::Object status(const KickUser& broadcaster, bool live, std::string_view title,
                    std::string_view started_at, std::string_view ended_at) {
  return {{"broadcaster", person(broadcaster)},
          {"is_live", live},
          {"title", title},
          {"started_at", started_at},
          {"ended_at", live ? json::Value(nullptr) : json::Value(ended_at)}};
}

json::Object metadata(const KickUser& broadcaster, std::string_view title, std::string_view category_name) {
  return {{"broadcaster", person(broadcaster)},
          {"metadata",
           {{"title", title},
            {"language", "en"},
            {"has_mature_content", false},
            {"category", category(category_name)},
            {"Category", category(category_name)}}}};
}

json::Object subscription(const KickUser& broadcaster, const KickUser& subscriber, int months,
                          std::string_view created_at, std::string_view expires_at) {
  return {{"broadcaster", person(broadcaster)},
          {"subscriber", person(subscriber)},
          {"duration", months},
          {"created_at", created_at},
          {"expires_at", expires_at}};
}

json::Object gifts(const KickUser& broadcaster, const KickUser* gifter,
                   const std::vector<const KickUser*>& giftees, std::string_view created_at,
                   std::string_view expires_at) {
  json::Array list;
  for (const KickUser* giftee : giftees) list.emplace_back(person(*giftee));
  return {{"broadcaster", person(broadcaster)},
          {"gifter", gifter == nullptr ? nobody() : person(*gifter)},
          {"giftees", std::move(list)},
          {"created_at", created_at},
          {"expires_at", expires_at}};
}

json::Object followed(const KickUser& broadcaster, const KickUser& follower) {
  return {{"broadcaster", person(broadcaster)}, {"follower", person(follower)}};
}

json::Object kicks(const KickUser& broadcaster, const KickUser& sender, int amount,
                   std::string_view created_at) {
  return {{"broadcaster", named(broadcaster)},
          {"sender", named(sender)},
          {"gift",
           {{"amount", amount},
            {"name", "Full Send"},
            {"type", "BASIC"},
            {"tier", "BASIC"},
            {"message", "w"},
            {"pinned_time_seconds", 0}}},
          {"created_at", created_at}};
}

/// Every reward of a title is the same one.
json::Object redemption(const KickUser& broadcaster, const RedemptionText& text) {
  return {{"id", text.id},
          {"user_input", text.input},
          {"status", text.status},
          {"redeemed_at", text.redeemed_at},
          {"reward",
           {{"id", fmt::format("reward-{}", text.title)},
            {"title", text.title},
            {"cost", text.cost},
            {"description", ""}}},
          {"redeemer", named(*text.redeemer)},
          {"broadcaster", named(broadcaster)}};
}

json::Object banned(const KickUser& broadcaster, const BanText& text) {
  return {{"broadcaster", person(broadcaster)},
          {"moderator", person(*text.moderator)},
          {"banned_user", person(*text.user)},
          {"metadata",
           {{"reason", text.reason},
            {"created_at", text.created_at},
            {"expires_at", text.expires_at ? json::Value(*text.expires_at) : json::Value(nullptr)}}}};
}

json::Object channel(const KickChannel& channel) {
  const bool live = channel.live_since.has_value();
  std::int64_t subscribers = 0;
  for (const Viewer& viewer : channel.viewers) subscribers += viewer.subscriber_months > 0 ? 1 : 0;
  return {{"broadcaster_user_id", channel.broadcaster},
          {"slug", channel.slug},
          {"channel_description", ""},
          {"banner_picture", ""},
          {"stream_title", channel.title},
          {"category", category(channel.category)},
          {"stream",
           {{"is_live", live},
            {"is_mature", false},
            {"language", live ? "en" : ""},
            {"start_time", live ? std::string_view(*channel.live_since) : kZeroDate},
            {"thumbnail", ""},
            {"viewer_count", live ? channel.viewers.size() : 0},
            {"custom_tags", json::Array{}},
            {"url", ""},
            {"key", ""}}},
          {"active_subscribers_count", subscribers},
          {"canceled_subscribers_count", 0}};
}

json::Object livestream(const KickUser& broadcaster, const KickChannel& channel) {
  return {{"broadcaster_user_id", broadcaster.id},
          {"channel_id", broadcaster.id + 500'000},
          {"slug", channel.slug},
          {"stream_title", channel.title},
          {"category", category(channel.category)},
          {"started_at", channel.live_since.value_or(std::string(kZeroDate))},
          {"viewer_count", channel.viewers.size()},
          {"language", "en"},
          {"thumbnail", ""},
          {"has_mature_content", false},
          {"custom_tags", json::Array{}},
          {"profile_picture", ""}};
}

json::Object user(const KickUser& user) {
  return {{"user_id", user.id}, {"name", user.username}, {"profile_picture", ""}};
}

std::string with_spaces(std::string_view json) {
  std::string out = " ";
  bool inside_text = false;
  for (std::size_t i = 0; i < json.size(); ++i) {
    out += json[i];
    if (inside_text && json[i] == '\\') {
      out += json[++i];
    } else if (json[i] == '"') {
      inside_text = !inside_text;
    } else if (!inside_text && (json[i] == ':' || json[i] == ',')) {
      out += json[i] == ':' ? "  " : "\r\n\t";
    }
  }
  return out + " \n";
}

}  // namespace guildhall::sim::kick_shapes
