#include "platforms/discord/rest.h"

#include <fmt/format.h>

#include <algorithm>
#include <functional>

#include "platforms/discord/parse.h"

namespace guildhall::discord {
namespace {

constexpr std::size_t kMostTogether = 100;  // messages that are deleted by one call
/// Two weeks, and some time for the way.
constexpr auto kYoungEnough = std::chrono::days(14) - std::chrono::minutes(1);

/// With files it need say nothing besides.
Result<json::Object> written(const MessageBody& body, bool with_files) {
  const bool silent = body.text.empty() && body.embeds.empty() && body.rows.empty();
  return silent && with_files ? json::Object() : message_json(body);
}

Result<json::Object> new_message_json(const NewMessage& message) {
  auto body = written(message.body, !message.files.empty());
  if (!body) return body;
  if (!message.nonce.empty()) {
    (*body)["nonce"] = message.nonce;
    (*body)["enforce_nonce"] = true;
  }
  if (message.reply_to) {
    (*body)["message_reference"] =
        json::Object{{"message_id", message.reply_to->str()}, {"fail_if_not_exists", false}};
  }
  return body;
}

/// The first id of that moment. Source: developer documentation, "Snowflakes".
MessageId first_id_at(TimePoint moment) {
  constexpr std::int64_t kEpoch = 1'420'070'400'000;  // ms
  return MessageId((to_micros(moment) / 1'000 - kEpoch) << 22);
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
  Application application{*id, json::text_or(answer, "name", ""),
                          static_cast<std::uint64_t>(json::integer(answer, "flags").value_or(0)),
                          json::text_or(answer, "verify_key", ""),
                          json::text_or(answer, "interactions_endpoint_url", "")};
  for (const json::Value& redirect : json::array(answer, "redirect_uris")) {
    if (const auto* text = redirect.if_string()) application.redirects.emplace_back(*text);
  }
  return application;
}

}  // namespace

RestClient::RestClient(boost::asio::io_context& loop, RestOptions options, HttpSender http,
                       std::shared_ptr<Timing> timing, Metrics& metrics) {
  RestAddress address(options.api_url, options.token,
                      fmt::format("DiscordBot ({}, {})", options.project_url, GUILDHALL_VERSION));
  sender_ = std::make_shared<RestSender>(loop, std::move(address), std::move(http), timing, metrics);
  timing_ = std::move(timing);
}

Task<Result<json::Value>> RestClient::send(Result<RestCall> call) {
  if (!call) co_return std::unexpected(call.error());
  co_return co_await RestSender::send(sender_, *std::move(call));
}

void RestClient::permissions_changed(ServerId guild) { RestSender::lift_refusals(sender_, guild); }

Task<Result<GatewayInfo>> RestClient::gateway_info() {
  const auto answer = co_await call(routes::kGatewayInfo, {});
  co_return understood(answer, read_gateway_info);
}

Task<Result<Application>> RestClient::application() {
  const auto answer = co_await call(routes::kApplication, {});
  co_return understood(answer, read_application);
}

Task<Result<std::map<std::string, std::string, std::less<>>>> RestClient::application_emojis(
    ApplicationId application) {
  const auto answer = co_await call(routes::kApplicationEmojis, {}, application);
  if (!answer) co_return std::unexpected(answer.error());
  std::map<std::string, std::string, std::less<>> emojis;
  for (const json::Value& emoji : json::array(*answer, "items")) {
    const std::string name = json::text_or(emoji, "name", "");
    const auto id = json::id(emoji, "id");
    const bool animated = json::boolean(emoji, "animated").value_or(false);
    if (id && !name.empty()) emojis[name] = fmt::format("<{}:{}:{}>", animated ? "a" : "", name, *id);
  }
  co_return emojis;
}

Task<Result<User>> RestClient::self() {
  const auto answer = co_await call(routes::kSelf, {});
  co_return understood(answer, [](const json::Value& user) { return read_user(user); });
}

Task<Result<json::Value>> RestClient::guild(ServerId guild) {
  const auto answer = co_await call(routes::kGuild, {}, guild);
  co_return understood(answer, [](const json::Value& guild) {
    return json::id(guild, "id") ? std::optional(guild) : std::nullopt;
  });
}

Task<Result<MessageId>> RestClient::create_message(DiscordChannelId channel, NewMessage message) {
  auto body = new_message_json(message);
  if (!body) co_return std::unexpected(body.error());
  CallOptions options{.body = *std::move(body),
                      .files = std::move(message.files),
                      .urgency = message.urgency,
                      .guild = message.guild};
  const auto answer = co_await call(routes::kCreateMessage, std::move(options), channel);
  co_return understood(answer, [](const json::Value& sent) { return read_id<MessageId>(sent, "id"); });
}

Task<Result<void>> RestClient::edit_message(std::optional<ServerId> guild, DiscordChannelId channel,
                                            MessageId message, MessageBody body) {
  auto written = edited_message_json(body);
  if (!written) co_return std::unexpected(written.error());
  CallOptions options{.body = *std::move(written), .guild = guild};
  const auto answer = co_await call(routes::kEditMessage, std::move(options), channel, message);
  co_return done(answer);
}

Task<Result<void>> RestClient::delete_messages(std::optional<ServerId> guild, DiscordChannelId channel,
                                               std::vector<MessageId> messages, std::string reason) {
  std::ranges::sort(messages, std::greater());
  messages.erase(std::ranges::unique(messages).begin(), messages.end());
  const auto old =
      std::ranges::lower_bound(messages, first_id_at(timing_->wall() - kYoungEnough), std::greater());
  for (auto next = messages.begin(); next != messages.end();) {
    const auto young = static_cast<std::size_t>(std::max(old - next, std::ptrdiff_t{1}));
    const auto end = next + static_cast<std::ptrdiff_t>(std::min(young, kMostTogether));
    std::vector<MessageId> together(next, end);
    CallOptions options{.reason = reason, .guild = guild};
    const auto deleted = co_await delete_together(channel, std::move(together), std::move(options));
    if (!deleted) co_return std::unexpected(deleted.error());
    next = end;
  }
  co_return Result<void>{};
}

/// Those of one call: one, or 2 to 100 that are young enough.
Task<Result<void>> RestClient::delete_together(DiscordChannelId channel, std::vector<MessageId> messages,
                                               CallOptions options) {
  if (messages.size() == 1) {
    const auto answer = co_await call(routes::kDeleteMessage, std::move(options), channel, messages.front());
    if (!answer && answer.error().code == ErrorCode::not_found) co_return Result<void>{};
    co_return done(answer);
  }
  json::Array ids;
  for (const MessageId message : messages) ids.emplace_back(message.str());
  options.body = json::Object{{"messages", std::move(ids)}};
  const auto answer = co_await call(routes::kBulkDelete, std::move(options), channel);
  co_return done(answer);
}

Task<Result<void>> RestClient::modify_channel(std::optional<ServerId> guild, DiscordChannelId channel,
                                              json::Object changes, std::string reason) {
  const bool renames = changes.contains("name") || changes.contains("topic");
  CallOptions options{.body = std::move(changes), .reason = std::move(reason), .guild = guild};
  const auto& route = renames ? routes::kRenameChannel : routes::kModifyChannel;
  const auto answer = co_await call(route, std::move(options), channel);
  co_return done(answer);
}

Task<Result<DiscordChannelId>> RestClient::direct_channel(DiscordUserId user) {
  CallOptions options{.body = json::Object{{"recipient_id", user.str()}}};
  const auto answer = co_await call(routes::kOpenDirect, std::move(options));
  co_return understood(answer,
                       [](const json::Value& channel) { return read_id<DiscordChannelId>(channel, "id"); });
}

Task<Result<void>> RestClient::answer(Asked asked, FirstAnswer answer) {
  auto body = answer_json(asked, answer);
  if (!body) co_return std::unexpected(body.error());
  CallOptions options{.body = *std::move(body)};
  const auto sent = co_await call(routes::kCallback, std::move(options), asked.id, asked.token);
  co_return done(sent);
}

Task<Result<void>> RestClient::edit_answer(ApplicationId application, std::string token, MessageBody body) {
  auto written = edited_message_json(body);
  if (!written) co_return std::unexpected(written.error());
  CallOptions options{.body = *std::move(written)};
  const auto sent = co_await call(routes::kEditAnswer, std::move(options), application, token);
  co_return done(sent);
}

Task<Result<void>> RestClient::delete_answer(ApplicationId application, std::string token) {
  const auto sent = co_await call(routes::kDeleteAnswer, {}, application, token);
  co_return done(sent);
}

Task<Result<void>> RestClient::follow_up(ApplicationId application, std::string token, Say say) {
  auto written = say_json(say);
  if (!written) co_return std::unexpected(written.error());
  CallOptions options{.body = *std::move(written)};
  const auto sent = co_await call(routes::kFollowUp, std::move(options), application, token);
  co_return done(sent);
}

Task<Result<json::Value>> RestClient::commands(ApplicationId application) {
  return call(routes::kCommands, {}, application);
}

Task<Result<void>> RestClient::overwrite_commands(ApplicationId application,
                                                  std::vector<CommandDefinition> commands) {
  CallOptions options{.body = commands_json(commands)};
  const auto answer = co_await call(routes::kOverwriteCommands, std::move(options), application);
  co_return done(answer);
}

Task<Result<void>> RestClient::overwrite_guild_commands(ApplicationId application, ServerId guild,
                                                        std::vector<CommandDefinition> commands) {
  CallOptions options{.body = commands_json(commands)};
  const auto answer = co_await call(routes::kOverwriteGuildCommands, std::move(options), application, guild);
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
