#include "sim/kick_socket.h"

#include <fmt/format.h>

#include "base/crypto.h"

namespace guildhall::sim {
namespace {

constexpr std::uint16_t kNoSuchApp = 4001;
constexpr std::uint16_t kOtherProtocol = 4007;
constexpr std::int64_t kUsualActivity = 120;  // seconds

/// `data` of what this side says is a text that holds JSON.
std::string frame(std::string_view event, const json::Value& data, std::string_view channel = {}) {
  json::Object out{{"event", event}, {"data", json::write(data)}};
  if (!channel.empty()) out["channel"] = channel;
  return json::write(out);
}

std::string channel_name(KickId broadcaster) {
  return fmt::format("chatrooms.{}.v2", chatroom_of(broadcaster));
}

}  // namespace

KickId chatroom_of(KickId broadcaster) { return broadcaster + 7'000'000; }

KickSocket::KickSocket(Stage& stage)
    : stage_(stage),
      app_key_(hex(sha256(fmt::format("chat socket {}", stage.seed))).substr(0, 20)),
      random_(mix(stage.seed ^ 0x50757368U)) {}

std::optional<std::pair<std::uint16_t, std::string>> KickSocket::refusal(
    const net::HttpRequest& request) const {
  if (request.url != "/app/" + app_key_)
    return std::pair(kNoSuchApp, std::string("App key not in this cluster. Did you forget to specify it?"));
  const auto protocol = request.query.find("protocol");
  if (protocol == request.query.end() || protocol->second != "7")
    return std::pair(kOtherProtocol, std::string("Unsupported protocol version"));
  return std::nullopt;
}

Task<void> KickSocket::serve(std::shared_ptr<net::WebSocket> socket, net::HttpRequest request) {
  if (const auto no = refusal(request)) {
    co_await socket->write(frame("pusher:error", {{"code", no->first}, {"message", no->second}}));
    co_return co_await socket->close(no->first);
  }
  const auto asked = stage_.faults.value(Fault::kick_socket_activity);
  const json::Value greeting{
      {"socket_id", fmt::format("{}.{}", random_.below(1'000'000), connections_.size())},
      {"activity_timeout", asked > 0 ? asked : kUsualActivity}};
  const auto connection = connections_.insert(connections_.end(), Connection{socket});
  co_await socket->write(frame("pusher:connection_established", greeting));
  while (true) {
    const auto message = co_await socket->read();
    if (!message) break;
    receive(*connection, *message);
  }
  connections_.erase(connection);
}

void KickSocket::receive(Connection& connection, std::string_view text) {
  const auto said = json::parse(text);
  if (!said) return;
  const std::string event = json::text_or(*said, "event", "");
  const json::Value* data = json::find(*said, "data");
  const std::string channel = data == nullptr ? "" : json::text_or(*data, "channel", "");
  if (event == "pusher:pong") ++pongs_;
  if (event == "pusher:ping") {
    ++pings_;
    if (!stage_.faults.on(Fault::kick_socket_mute)) send(connection, frame("pusher:pong", json::Object{}));
  }
  if (event == "pusher:unsubscribe") connection.channels.erase(channel);
  if (event != "pusher:subscribe" || channel.empty()) return;
  connection.channels.insert(channel);
  send(connection, frame("pusher_internal:subscription_succeeded", json::Object{}, channel));
}

void KickSocket::send(const Connection& connection, std::string text) {
  stage_.spawn("kick socket", [socket = connection.socket, text = std::move(text)]() -> Task<void> {
    co_await socket->write(text);
  });
}

void KickSocket::tell_chat(const KickChannel& channel, Said said) {
  const std::string name = channel_name(channel.broadcaster);
  const json::Value data{{"id", said.message_id},
                         {"chatroom_id", chatroom_of(channel.broadcaster)},
                         {"content", said.content},
                         {"type", "message"},
                         {"created_at", said.created_at},
                         {"sender",
                          {{"id", said.sender->id},
                           {"username", said.sender->username},
                           {"slug", said.sender->slug},
                           {"identity", {{"color", "#75FD46"}, {"badges", std::move(said.badges)}}}}}};
  // Both ways of writing its name have been seen.
  const std::string text =
      frame(random_.chance(20) ? "ChatMessageEvent" : "App\\Events\\ChatMessageEvent", data, name);
  for (const Connection& one : connections_) {
    if (one.channels.contains(name)) send(one, text);
  }
}

void KickSocket::send_all(const std::string& text) {
  for (const Connection& one : connections_) send(one, text);
}

void KickSocket::close_all(std::uint16_t code) {
  for (Connection& one : connections_) {
    if (std::exchange(one.closing, true)) continue;
    stage_.spawn("kick socket close",
                 [socket = one.socket, code]() -> Task<void> { co_await socket->close(code); });
  }
}

json::Object KickSocket::describe() const {
  std::set<std::string> channels;
  for (const Connection& one : connections_) channels.insert(one.channels.begin(), one.channels.end());
  return {{"connections", connections_.size()},
          {"pings", pings_},
          {"pongs", pongs_},
          {"channels", json::Array(channels.begin(), channels.end())}};
}

net::HttpResponse KickSocket::answer(const net::HttpRequest& request) {
  if (stage_.faults.on(Fault::kick_site_403))
    return net::make_response(403, "text/html", "<html><title>Just a moment...</title></html>");
  const auto slug = match_path("api/v2/channels/{}", request.url);
  const KickChannel* channel = slug ? stage_.world.kick_channel(std::string_view(slug->front())) : nullptr;
  if (channel == nullptr) return json_response(404, json::Object{{"message", "Not Found"}});
  const KickId id = channel->broadcaster + 500'000;
  return json_response(200, json::Object{{"id", id},
                                         {"user_id", channel->broadcaster},
                                         {"slug", channel->slug},
                                         {"is_banned", false},
                                         {"chatroom",
                                          {{"id", chatroom_of(channel->broadcaster)},
                                           {"chatable_type", "App\\Models\\Channel"},
                                           {"channel_id", id}}}});
}

}  // namespace guildhall::sim
