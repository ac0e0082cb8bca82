#include "sim/kick_api.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/text.h"
#include "sim/kick_shapes.h"

namespace guildhall::sim {
namespace {

constexpr double kCallsPerMinute = 1'000;
constexpr std::size_t kLongestChat = 500;

net::HttpResponse ok(json::Value data) {
  return json_response(200, json::Object{{"data", std::move(data)}, {"message", "OK"}});
}

std::size_t characters(std::string_view text) {
  return static_cast<std::size_t>(std::count_if(
      text.begin(), text.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xC0) != 0x80; }));
}

}  // namespace

KickApi::KickApi(Stage& stage, Kick& kick, KickOAuth& oauth, KickSubscriptions& subscriptions,
                 std::string public_key)
    : stage_(stage),
      kick_(kick),
      oauth_(oauth),
      subscriptions_(subscriptions),
      public_key_(std::move(public_key)) {
  router_.add("GET", "public/v1/users", &KickApi::users);
  router_.add("GET", "public/v1/channels", &KickApi::channels);
  router_.add("GET", "public/v1/livestreams", &KickApi::livestreams);
  router_.add("POST", "public/v1/chat", &KickApi::chat);
  router_.add("GET", "public/v1/events/subscriptions", &KickApi::list_subscriptions);
  router_.add("POST", "public/v1/events/subscriptions", &KickApi::subscribe);
  router_.add("DELETE", "public/v1/events/subscriptions", &KickApi::unsubscribe);
}

net::HttpResponse KickApi::refuse(int status, std::string_view message) {
  text_next_ = !text_next_;
  json::Value data = json::Object{};
  if (text_next_) data = message;
  return json_response(status, json::Object{{"data", std::move(data)}, {"message", message}});
}

net::HttpResponse KickApi::too_many() {
  net::HttpResponse response = refuse(429, "Too Many Requests");
  const auto pause = stage_.faults.value(Fault::kick_retry_after);
  if (pause > 0) response.headers.emplace_back("Retry-After", std::to_string(pause));
  return response;
}

net::HttpResponse KickApi::answer(const net::HttpRequest& request) {
  if (auto struck = strike(request)) return *struck;
  if (request.method == "GET" && request.url == "/public/v1/public-key") {
    return ok(json::Object{{"public_key", public_key_}});
  }
  auto match = router_.find(request.method, request.url);
  if (match.route == nullptr)
    return refuse(match.path_known ? 405 : 404, match.path_known ? "Method Not Allowed" : "Not Found");
  const auto grant = oauth_.grant_of(request);
  if (!grant) return refuse(401, "Unauthorized");
  auto [bucket, added] = buckets_.try_emplace(grant->user, kCallsPerMinute, std::chrono::minutes(1));
  if (bucket->second.take(std::chrono::steady_clock::now()).count() > 0) return too_many();
  Call call{request, std::move(match.arguments)};
  if (!request.body.empty()) {
    auto body = json::parse(request.body);
    if (!body || !request.header("content-type").value_or("").starts_with("application/json")) {
      return refuse(400, "Invalid request body");
    }
    call.body = std::move(*body);
  }
  return (this->*match.route->handler)(call, *grant);
}

std::optional<net::HttpResponse> KickApi::strike(const net::HttpRequest& request) {
  if (stage_.faults.strikes(Fault::kick_429)) return too_many();
  if (stage_.faults.strikes(Fault::kick_5xx)) return refuse(503, "Service Unavailable");
  const bool bot_chat = request.url.ends_with("/chat") && request.body.find("\"bot\"") != std::string::npos;
  if (bot_chat && stage_.faults.strikes(Fault::kick_bot_chat_500))
    return refuse(500, "Internal Server Error");
  if (bot_chat && stage_.faults.strikes(Fault::kick_bot_chat_400)) return refuse(400, "Channel not found");
  return std::nullopt;
}

// Reading -------------------------------------------------------------------------------------------

net::HttpResponse KickApi::users(Call& call, const KickGrant& grant) {
  json::Array out;
  const auto ids = call.queries("id");
  for (const std::string& id : ids) {
    const KickUser* user = stage_.world.kick_user(static_cast<KickId>(number_of(id).value_or(0)));
    if (user != nullptr) out.emplace_back(kick_shapes::user(*user));
  }
  if (ids.empty() && grant.app) return refuse(400, "Invalid request");
  if (ids.empty()) {
    json::Object own = kick_shapes::user(*stage_.world.kick_user(grant.user));
    own["email"] = "";
    out.emplace_back(std::move(own));
  }
  return ok(std::move(out));
}

net::HttpResponse KickApi::channels(Call& call, const KickGrant& grant) {
  const auto ids = call.queries("broadcaster_user_id");
  const auto slugs = call.queries("slug");
  if (!ids.empty() && !slugs.empty()) return refuse(400, "Invalid request");
  json::Array out;
  const auto add = [&](const KickChannel* channel) {
    if (channel != nullptr) out.emplace_back(kick_shapes::channel(*channel));
  };
  for (const std::string& id : ids)
    add(stage_.world.kick_channel(static_cast<KickId>(number_of(id).value_or(0))));
  for (const std::string& slug : slugs) add(stage_.world.kick_channel(std::string_view(slug)));
  if (ids.empty() && slugs.empty()) add(stage_.world.kick_channel(grant.user));
  return ok(std::move(out));
}

net::HttpResponse KickApi::livestreams(Call& call, const KickGrant&) {
  const auto ids = call.queries("broadcaster_user_id");
  json::Array out;
  for (const KickChannel& channel : stage_.world.kick_channels) {
    const bool asked =
        ids.empty() || std::find(ids.begin(), ids.end(), std::to_string(channel.broadcaster)) != ids.end();
    if (!channel.live_since || !asked) continue;
    out.emplace_back(kick_shapes::livestream(*stage_.world.kick_user(channel.broadcaster), channel));
  }
  return ok(std::move(out));
}

// Chat ----------------------------------------------------------------------------------------------

net::HttpResponse KickApi::chat(Call& call, const KickGrant& grant) {
  if (grant.app || !grant.has_scope("chat:write")) return refuse(401, "Unauthorized");
  const std::string type = json::text_or(call.body, "type", "");
  const std::string content = json::text_or(call.body, "content", "");
  if (type != "bot" && type != "user") return refuse(400, "Invalid type");
  if (trim(content).empty() || characters(content) > kLongestChat) return refuse(400, "Invalid content");
  const bool as_bot = type == "bot";
  const auto named = json::integer(call.body, "broadcaster_user_id");
  if (!as_bot && !named) return refuse(400, "broadcaster_user_id is required");
  // A bot speaks where the token's owner is at home, whatever the body names.
  KickChannel* channel = stage_.world.kick_channel(as_bot ? grant.user : *named);
  if (channel == nullptr) return refuse(400, "Channel not found");
  if (!as_bot && channel->broadcaster != grant.user) return refuse(403, "Forbidden");
  const std::string reply_to = json::text_or(call.body, "reply_to_message_id", "");
  const std::string id = kick_.speak(*channel, as_bot, content, reply_to);
  return ok(json::Object{{"is_sent", true}, {"message_id", id}});
}

// Event subscriptions -------------------------------------------------------------------------------

net::HttpResponse KickApi::list_subscriptions(Call& call, const KickGrant& grant) {
  const auto wanted = call.query_number("broadcaster_user_id");
  json::Array out;
  for (const EventSubscription& one : subscriptions_.all()) {
    const bool foreign = !grant.app && one.broadcaster != grant.user;
    if (foreign || (wanted && static_cast<KickId>(*wanted) != one.broadcaster)) continue;
    out.push_back(json::Object{{"id", one.id},
                               {"app_id", oauth_.client_id()},
                               {"broadcaster_user_id", one.broadcaster},
                               {"event", one.event},
                               {"version", 1},
                               {"method", "webhook"},
                               {"created_at", one.created_at},
                               {"updated_at", one.created_at}});
  }
  return ok(std::move(out));
}

net::HttpResponse KickApi::subscribe(Call& call, const KickGrant& grant) {
  if (!grant.app && !grant.has_scope("events:subscribe")) return refuse(401, "Unauthorized");
  const KickId broadcaster =
      grant.app ? json::integer(call.body, "broadcaster_user_id").value_or(0) : grant.user;
  const json::Array& events = json::array(call.body, "events");
  if (json::text_or(call.body, "method", "webhook") != "webhook" || events.empty())
    return refuse(400, "Invalid request");
  if (stage_.world.kick_channel(broadcaster) == nullptr) return refuse(400, "Channel not found");
  json::Array out;
  bool full = false;
  bool failing = stage_.faults.strikes(Fault::kick_subscription_errors);
  for (const json::Value& event : events) {
    const std::string name = json::text_or(event, "name", "");
    const bool known = is_kick_event(name) && json::integer(event, "version").value_or(1) == 1;
    failing = failing || (name == "chat.message.sent" && stage_.faults.on(Fault::kick_chat_refused));
    const std::string id = known && !failing ? subscriptions_.add(broadcaster, name) : "";
    full = full || (known && !failing && id.empty());
    json::Object line{{"name", name}, {"version", 1}};
    if (id.empty()) line["error"] = failing ? "internal error" : "invalid event";
    if (!id.empty()) line["subscription_id"] = id;
    out.emplace_back(std::move(line));
    failing = false;
  }
  if (full) {
    return json_response(
        400, json::Object{{"data", "event subscription limit reached"}, {"message", "Bad Request"}});
  }
  return ok(std::move(out));
}

net::HttpResponse KickApi::unsubscribe(Call& call, const KickGrant& grant) {
  const auto ids = call.queries("id");
  if (ids.empty()) return refuse(400, "Invalid request");
  for (const std::string& id : ids) {
    const auto& all = subscriptions_.all();
    const auto found =
        std::find_if(all.begin(), all.end(), [&](const EventSubscription& one) { return one.id == id; });
    const bool own = found != all.end() && (grant.app || found->broadcaster == grant.user);
    if (own) subscriptions_.erase(id);
  }
  return {204, {}, "", {}};
}

}  // namespace guildhall::sim
