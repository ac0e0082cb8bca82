#include "platforms/discord/rest.h"

#include <fmt/format.h>

#include "base/text.h"
#include "platforms/discord/parse.h"

namespace guildhall::discord {
namespace {

constexpr int kMessageCallback = 4;
constexpr int kDeferredCallback = 5;
constexpr int kEphemeral = 1 << 6;

/// Every text that is sent to people is written here, so that none can ping anybody.
Result<json::Object> message_json(const std::string& content) {
  if (content.empty()) return fail(ErrorCode::invalid, "a Discord message cannot be empty");
  if (utf16_length(content) > kLongestMessage) {
    return fail(ErrorCode::too_large,
                fmt::format("a Discord message has at most {} characters", kLongestMessage));
  }
  return json::Object{{"content", content}, {"allowed_mentions", json::Object{{"parse", json::Array{}}}}};
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
  RestCall call(routes::kCreateMessage, {channel.str()});
  call.body = json::write(body);
  call.repeatable = !message.nonce.empty();
  call.urgency = message.urgency;
  call.guild = message.guild;
  return call;
}

RestCall callback(InteractionId interaction, const std::string& token, int type, json::Object data) {
  RestCall call(routes::kCallback, {interaction.str(), token});
  call.body = json::write(json::Object{{"type", type}, {"data", std::move(data)}});
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
  RestAddress address(options.api_url, options.token,
                      fmt::format("DiscordBot ({}, {})", options.project_url, GUILDHALL_VERSION));
  sender_ =
      std::make_shared<RestSender>(loop, std::move(address), std::move(http), std::move(timing), metrics);
}

Task<Result<GatewayInfo>> RestClient::gateway_info() {
  const auto answer = co_await RestSender::send(sender_, RestCall(routes::kGatewayInfo, {}));
  co_return understood(answer, read_gateway_info);
}

Task<Result<Application>> RestClient::application() {
  const auto answer = co_await RestSender::send(sender_, RestCall(routes::kApplication, {}));
  co_return understood(answer, read_application);
}

Task<Result<User>> RestClient::self() {
  const auto answer = co_await RestSender::send(sender_, RestCall(routes::kSelf, {}));
  co_return understood(answer, [](const json::Value& user) { return read_user(user); });
}

Task<Result<json::Value>> RestClient::guild(ServerId guild) {
  RestCall call(routes::kGuild, {guild.str()});
  const auto answer = co_await RestSender::send(sender_, std::move(call));
  co_return understood(answer, [](const json::Value& guild) {
    return json::id(guild, "id") ? std::optional(guild) : std::nullopt;
  });
}

Task<Result<MessageId>> RestClient::create_message(DiscordChannelId channel, NewMessage message) {
  auto body = message_json(message.content);
  if (!body) co_return std::unexpected(body.error());
  RestCall call = message_call(channel, message, std::move(*body));
  const auto answer = co_await RestSender::send(sender_, std::move(call));
  co_return understood(answer, [](const json::Value& sent) { return read_id<MessageId>(sent, "id"); });
}

Task<Result<void>> RestClient::answer(InteractionId interaction, std::string token, std::string content,
                                      bool only_for_caller) {
  auto data = message_json(content);
  if (!data) co_return std::unexpected(data.error());
  if (only_for_caller) (*data)["flags"] = kEphemeral;
  RestCall call = callback(interaction, token, kMessageCallback, std::move(*data));
  const auto answer = co_await RestSender::send(sender_, std::move(call));
  co_return done(answer);
}

Task<Result<void>> RestClient::defer(InteractionId interaction, std::string token, bool only_for_caller) {
  json::Object data;
  if (only_for_caller) data["flags"] = kEphemeral;
  RestCall call = callback(interaction, token, kDeferredCallback, std::move(data));
  const auto answer = co_await RestSender::send(sender_, std::move(call));
  co_return done(answer);
}

Task<Result<void>> RestClient::edit_answer(ApplicationId application, std::string token,
                                           std::string content) {
  const auto body = message_json(content);
  if (!body) co_return std::unexpected(body.error());
  RestCall call(routes::kEditAnswer, {application.str(), token});
  call.body = json::write(*body);
  const auto answer = co_await RestSender::send(sender_, std::move(call));
  co_return done(answer);
}

Task<Result<json::Value>> RestClient::commands(ApplicationId application) {
  RestCall call(routes::kCommands, {application.str()});
  call.path += "?with_localizations=true";
  co_return co_await RestSender::send(sender_, std::move(call));
}

Task<Result<void>> RestClient::overwrite_commands(ApplicationId application,
                                                  std::vector<CommandDefinition> commands) {
  RestCall call(routes::kOverwriteCommands, {application.str()});
  call.body = json::write(commands_json(commands));
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
  return [&client](const net::HttpRequest& request) { return client.exchange(request); };
}

}  // namespace guildhall::discord
