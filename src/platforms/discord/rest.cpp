#include "platforms/discord/rest.h"

#include <fmt/format.h>

#include "base/text.h"
#include "platforms/discord/parse.h"

namespace guildhall::discord {
namespace {

/// A call with the bot's token that only reads.
RestCall reading(std::string route, std::string path, std::string major = {}) {
  RestCall call;
  call.lane = {"GET", std::move(route), std::move(major)};
  call.path = std::move(path);
  call.repeatable = true;
  return call;
}

RestCall message_call(DiscordChannelId channel, const NewMessage& message, json::Object body) {
  if (!message.nonce.empty()) {
    body["nonce"] = message.nonce;
    body["enforce_nonce"] = true;
  }
  if (message.reply_to) {
    body["message_reference"] =
        json::Object{{"message_id", message.reply_to->str()}, {"fail_if_not_exists", false}};
  }
  RestCall call;
  call.lane = {"POST", "/channels/{}/messages", channel.str()};
  call.path = fmt::format("/channels/{}/messages", channel.str());
  call.body = json::write(body);
  call.repeatable = !message.nonce.empty();
  return call;
}

RestCall callback(const Asked& asked, const json::Object& body) {
  RestCall call;
  call.lane = {"POST", "/interactions/{}/{}/callback", asked.id.str(), false};
  call.path = fmt::format("/interactions/{}/{}/callback", asked.id.str(), net::percent_encode(asked.token));
  call.body = json::write(body);
  call.bot_token = false;
  call.callback = true;
  return call;
}

/// Below the webhook of an interaction: `tail` is "" for a new message.
RestCall webhook(std::string method, ApplicationId application, const std::string& token,
                 std::string_view tail, const json::Object& body) {
  RestCall call;
  call.lane = {std::move(method), fmt::format("/webhooks/{{}}/{{}}{}", tail), application.str() + "/" + token,
               false};
  call.path = fmt::format("/webhooks/{}/{}{}", application.str(), net::percent_encode(token), tail);
  call.body = json::write(body);
  call.bot_token = false;
  return call;
}

Result<void> done(const Result<json::Value>& answer) {
  if (!answer) return std::unexpected(answer.error());
  return {};
}

/// What `read` makes of the answer; an answer without its ids is Discord's fault.
template <class F>
auto understood(const Result<json::Value>& answer, F read)
    -> Result<typename decltype(read(*answer))::value_type> {
  if (!answer) return std::unexpected(answer.error());
  auto value = read(*answer);
  if (!value) return fail(ErrorCode::unavailable, "Discord's answer lacks what was asked for");
  return std::move(*value);
}

std::optional<Application> read_application(const json::Value& answer) {
  const auto id = read_id<ApplicationId>(answer, "id");
  if (!id) return std::nullopt;
  return Application{*id, json::text_or(answer, "name", "")};
}

}  // namespace

RestClient::RestClient(boost::asio::io_context& loop, RestOptions options, HttpSender http,
                       std::shared_ptr<Timing> timing, Metrics& metrics) {
  RestAddress address{std::move(options.api_url), std::move(options.token),
                      fmt::format("DiscordBot ({}, {})", options.project_url, GUILDHALL_VERSION)};
  sender_ =
      std::make_shared<RestSender>(loop, std::move(address), std::move(http), std::move(timing), metrics);
}

Task<Result<GatewayInfo>> RestClient::gateway_info() {
  const auto answer = co_await RestSender::send(sender_, reading("/gateway/bot", "/gateway/bot"));
  co_return understood(answer, read_gateway_info);
}

Task<Result<Application>> RestClient::application() {
  const auto answer = co_await RestSender::send(sender_, reading("/applications/@me", "/applications/@me"));
  co_return understood(answer, read_application);
}

Task<Result<User>> RestClient::self() {
  const auto answer = co_await RestSender::send(sender_, reading("/users/@me", "/users/@me"));
  co_return understood(answer, [](const json::Value& user) { return read_user(user); });
}

Task<Result<json::Value>> RestClient::guild(ServerId guild) {
  RestCall call = reading("/guilds/{}", fmt::format("/guilds/{}", guild.str()), guild.str());
  const auto answer = co_await RestSender::send(sender_, std::move(call));
  co_return understood(answer, [](const json::Value& guild) {
    return json::id(guild, "id") ? std::optional(guild) : std::nullopt;
  });
}

Task<Result<MessageId>> RestClient::create_message(DiscordChannelId channel, NewMessage message) {
  auto body = message_json(message.body);
  if (!body) co_return std::unexpected(body.error());
  RestCall call = message_call(channel, message, std::move(*body));
  const auto answer = co_await RestSender::send(sender_, std::move(call));
  co_return understood(answer, [](const json::Value& sent) { return read_id<MessageId>(sent, "id"); });
}

Task<Result<void>> RestClient::answer(Asked asked, FirstAnswer answer) {
  const auto body = answer_json(asked, answer);
  if (!body) co_return std::unexpected(body.error());
  RestCall call = callback(asked, *body);
  const auto sent = co_await RestSender::send(sender_, std::move(call));
  co_return done(sent);
}

Task<Result<void>> RestClient::edit_answer(ApplicationId application, std::string token, MessageBody body) {
  const auto written = edited_message_json(body);
  if (!written) co_return std::unexpected(written.error());
  RestCall call = webhook("PATCH", application, token, "/messages/@original", *written);
  call.repeatable = true;
  const auto sent = co_await RestSender::send(sender_, std::move(call));
  co_return done(sent);
}

Task<Result<void>> RestClient::follow_up(ApplicationId application, std::string token, Say say) {
  const auto written = say_json(say);
  if (!written) co_return std::unexpected(written.error());
  RestCall call = webhook("POST", application, token, "", *written);
  const auto sent = co_await RestSender::send(sender_, std::move(call));
  co_return done(sent);
}

Task<Result<json::Value>> RestClient::commands(ApplicationId application) {
  RestCall call =
      reading("/applications/{}/commands",
              fmt::format("/applications/{}/commands?with_localizations=true", application.str()));
  co_return co_await RestSender::send(sender_, std::move(call));
}

Task<Result<void>> RestClient::overwrite_commands(ApplicationId application,
                                                  std::vector<CommandDefinition> commands) {
  RestCall call;
  call.lane = {"PUT", "/applications/{}/commands", {}};
  call.path = fmt::format("/applications/{}/commands", application.str());
  call.body = json::write(commands_json(commands));
  call.repeatable = true;
  const auto answer = co_await RestSender::send(sender_, std::move(call));
  co_return done(answer);
}

Task<Result<bool>> RestClient::sync_commands(ApplicationId application,
                                             std::vector<CommandDefinition> wanted) {
  const auto present = co_await commands(application);
  if (!present) co_return std::unexpected(present.error());
  if (normal_form(*present) == normal_form(commands_json(wanted))) co_return false;
  const auto overwritten = co_await overwrite_commands(application, std::move(wanted));
  if (!overwritten) co_return std::unexpected(overwritten.error());
  co_return true;
}

HttpSender http_sender(net::HttpClient& client) {
  return [&client](net::HttpRequest request) { return client.send(std::move(request)); };
}

}  // namespace guildhall::discord
