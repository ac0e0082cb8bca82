// The HTTP calls that Guildhall makes as a bot. Every call waits for its turn behind Discord's limits
// (at most 60 s), is tried again where that cannot do anything twice, and never throws.
//
// Errors of every call: `token_refused` (from then on nothing is sent any more), `rate_limited`,
// `unavailable` and `timeout` (network, Discord's own faults), `forbidden`, `not_found`, `conflict`,
// `invalid`: with a sentence that says what Discord refused.
#pragma once

#include <boost/asio/io_context.hpp>
#include <memory>
#include <optional>
#include <string>
#include <type_traits>
#include <vector>

#include "base/error.h"
#include "base/json.h"
#include "base/metrics.h"
#include "base/task.h"
#include "net/http_client.h"
#include "platforms/discord/answers.h"
#include "platforms/discord/commands_json.h"
#include "platforms/discord/message.h"
#include "platforms/discord/rest_sender.h"
#include "platforms/discord/timing.h"
#include "platforms/discord/types.h"

namespace guildhall::discord {

struct RestOptions {
  std::string api_url = "https://discord.com/api";  // without the version
  std::string token;
  std::string project_url;  // Discord wants to know whose bot it is talking to
};

struct NewMessage {
  MessageBody body;
  /// At most 25 characters. With it a message is posted once however often it is sent within some
  /// minutes, and is sent again when an answer is lost.
  std::string nonce = {};
  std::optional<MessageId> reply_to = {};  // a deleted one does no harm
  std::vector<Upload> files = {};          // with any, the text may be empty
  Urgency urgency = Urgency::background;
  /// Whose part of the bot's requests per second it takes; where nobody says, the channel has one of its own.
  std::optional<ServerId> guild = {};
};

class RestClient {
 public:
  /// `metrics` outlives the client. Calls may be awaited on any loop; the work happens on `loop`.
  RestClient(boost::asio::io_context& loop, RestOptions options, HttpSender http,
             std::shared_ptr<Timing> timing, Metrics& metrics);

  /// Any call of rest_routes.h: call(routes::kBan, {.reason = "spam"}, guild, user). The answer's JSON, null
  /// when it has none. Errors besides: `too_large`, a text of more than kLongestMessage.
  template <class... Ids>
  Task<Result<json::Value>> call(const Route<Ids...>& route, CallOptions options,
                                 const std::type_identity_t<Ids>&... ids) {
    return send(make_call(route, {std::string_view(argument(ids))...}, std::move(options)));
  }

  /// A channel where Discord says that the bot cannot see or write is left in peace for a minute at first,
  /// for up to an hour where that stays so: such calls are `forbidden` without being sent. This ends that for
  /// a guild whose roles or channels have changed.
  void permissions_changed(ServerId guild);

  /// So many processes of the bot send with its token, this one among them: it keeps to its part of Discord's
  /// limits.
  void share_limits(std::size_t processes) { RestSender::share_among(sender_, processes); }

  /// Asked before a call that needs permissions is sent, on the client's loop (foresight.h): what is refused
  /// for certain is never sent. Set before the first call.
  void foresee(Foresight foresight) { sender_->foresee(std::move(foresight)); }

  Task<Result<GatewayInfo>> gateway_info();
  Task<Result<Application>> application();
  /// Its own emojis, as messages write them (<:name:id>), by name.
  Task<Result<std::map<std::string, std::string, std::less<>>>> application_emojis(ApplicationId application);
  /// The bot's own user.
  Task<Result<User>> self();
  /// As State::put_guild takes it, for guilds of a resumed session, which tells of none.
  Task<Result<json::Value>> guild(ServerId guild);

  /// Errors besides: `too_large` (files, as upload.h says), `invalid` (it says nothing, or its components
  /// cannot be mended).
  Task<Result<MessageId>> create_message(DiscordChannelId channel, NewMessage message);
  // `guild`: whose channel it is; none of a direct one. As of NewMessage; and what a guild does not allow is
  // foreseen.

  /// Errors as of create_message. Of a message that is over an hour old Discord lets few edits through.
  Task<Result<void>> edit_message(std::optional<ServerId> guild, DiscordChannelId channel, MessageId message,
                                  MessageBody body);
  /// Together what Discord lets be deleted together, the rest one by one. Gone already is as good as deleted.
  Task<Result<void>> delete_messages(std::optional<ServerId> guild, DiscordChannelId channel,
                                     std::vector<MessageId> messages, std::string reason);

  /// Changes a channel as PATCH /channels does. Name and topic can be changed about twice in ten minutes;
  /// beyond that such a change alone is `rate_limited`.
  Task<Result<void>> modify_channel(std::optional<ServerId> guild, DiscordChannelId channel,
                                    json::Object changes, std::string reason);
  /// Where this user reads the bot's direct messages.
  Task<Result<DiscordChannelId>> direct_channel(DiscordUserId user);

  /// The first answer to an interaction, within 3 s of its coming. Never sent twice: after `timeout` or
  /// `unavailable` go on with edit_answer, which finds the answer if it did arrive.
  Task<Result<void>> answer(Asked asked, FirstAnswer answer);
  /// Within 15 minutes: in place of the first answer, or of what a deferral promised. Of a component that
  /// was answered with DeferUpdate or Update it is the message with the component.
  Task<Result<void>> edit_answer(ApplicationId application, std::string token, MessageBody body);
  /// Within 15 minutes: takes the first answer away, or what a deferral promised.
  Task<Result<void>> delete_answer(ApplicationId application, std::string token);
  /// Within 15 minutes: one more message. Right after Defer it would fill the place of the answer.
  Task<Result<void>> follow_up(ApplicationId application, std::string token, Say say);

  /// The global commands as Discord has them, translations included.
  Task<Result<json::Value>> commands(ApplicationId application);
  /// Replaces all global commands, also those made elsewhere.
  Task<Result<void>> overwrite_commands(ApplicationId application, std::vector<CommandDefinition> commands);
  /// The same for one guild's own commands.
  Task<Result<void>> overwrite_guild_commands(ApplicationId application, ServerId guild,
                                              std::vector<CommandDefinition> commands);
  /// Overwrites only if Discord has something else; true if it did.
  Task<Result<bool>> sync_commands(ApplicationId application, std::vector<CommandDefinition> commands);

 private:
  template <class Tag>
  static std::string argument(StrongId<Tag> id) {
    return id.str();
  }
  static const std::string& argument(const std::string& text) { return text; }

  Task<Result<json::Value>> send(Result<RestCall> call);
  Task<Result<void>> delete_together(DiscordChannelId channel, std::vector<MessageId> messages,
                                     CallOptions options);

  std::shared_ptr<RestSender> sender_;
  std::shared_ptr<Timing> timing_;
};

/// `client` outlives the sender.
HttpSender http_sender(net::HttpClient& client);

}  // namespace guildhall::discord
