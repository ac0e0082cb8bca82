#include "bot/discord_bridge.h"

#include <fmt/format.h>

#include <algorithm>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <charconv>

#include "base/log.h"
#include "bot/discord_commands.h"
#include "bot/discord_needs.h"
#include "platforms/discord/foresight.h"
#include "platforms/discord/permissions.h"
#include "platforms/discord/protocol.h"
#include "platforms/discord/rest_errors.h"

namespace guildhall::bot {
namespace {

constexpr std::chrono::minutes kAskAgain{1};
/// What cannot be handled for so long is lost.
constexpr std::chrono::minutes kDeliverFor{10};
constexpr int kMostRegistrations = 5;
/// Then what is known of them is found out anew.
constexpr std::size_t kMostChannels = 20'000;
/// What goes wrong with the events of a server is said once in so long.
constexpr std::chrono::minutes kWarnAgain{1};
constexpr const char* kProjectUrl = "https://guildhall.example";

/// One of the three, which the configuration was checked for.
discord::Compression compression_of(const Config& config) {
  if (config.discord_compression == "none") return discord::Compression::none;
  return config.discord_compression == "zlib" ? discord::Compression::zlib : discord::Compression::zstd;
}

discord::GatewayOptions gateway_options(const Config& config, const Declarations& declared) {
  return {.token = config.discord_token,
          .intents = discord_intents_for(declared),
          .gateway_url = config.discord_gateway_url,
          .compression = compression_of(config),
          .presence = config.discord_presence};
}

/// For whose key the configuration was checked, where there is one.
std::optional<discord::PostedInteractions> posted_interactions(const Config& config, const Clock& clock) {
  auto key = Ed25519PublicKey::from_hex(config.discord_public_key);
  if (!key) return std::nullopt;
  return discord::PostedInteractions(clock, *std::move(key));
}

/// The one of the list with that id; null: there is none.
const json::Value* with_id(const json::Array& list, std::int64_t id) {
  const auto* found = std::ranges::find_if(list, [&](const auto& one) { return json::id(one, "id") == id; });
  return found == list.end() ? nullptr : found;
}

Counter& posted_counter(Metrics& metrics, std::string_view outcome) {
  return metrics.counter("guildhall_discord_posted_interactions_total",
                         "Interactions that came over HTTP, by outcome.",
                         fmt::format("outcome=\"{}\"", outcome));
}

/// A number, for which the configuration was checked, or "auto".
int shard_count(const Config& config) {
  int count = 0;
  std::from_chars(config.discord_shards.data(), config.discord_shards.data() + config.discord_shards.size(),
                  count);
  return count;
}

}  // namespace

discord::RestOptions rest_options(const Config& config) {
  return {config.discord_api_url, config.discord_token, kProjectUrl};
}

DiscordBridge::DiscordBridge(BridgeServices services, const Secrets& secrets, std::string holder,
                             std::string predecessors)
    : services_(services),
      timing_(discord::system_timing()),
      rest_(services.loop, rest_options(services.config), discord::http_sender(services.http), timing_,
            services.metrics),
      interactions_(services_, secrets, rest_, timing_),
      sign_in_options_{services.config.discord_api_url, services.config.discord_client_secret, kProjectUrl},
      sign_in_(sign_in_options_, discord::http_sender(services.http)),
      posted_(posted_interactions(services.config, services.clock)),
      posted_taken_(posted_counter(services.metrics, "taken")),
      posted_refused_(posted_counter(services.metrics, "refused")),
      lost_(services.metrics.counter("guildhall_discord_events_lost_total",
                                     "Members' comings and goings that were given up: not written for too "
                                     "long, or too many of one server.")),
      passed_over_(services.metrics.counter("guildhall_discord_messages_passed_over_total",
                                            "Messages that nobody looked at: too many were under way.")),
      state_(discord_state_for(services.declarations), services.metrics),
      shards_({services.loop, services.tenancy.global(), *this, state_,
               discord::websocket_connector({services.config.net_ca_file}),
               [this] { return rest_.gateway_info(); }, timing_, services.metrics,
               [this](std::size_t processes) { rest_.share_limits(processes); }},
              {gateway_options(services.config, services.declarations), shard_count(services.config),
               std::move(holder), std::move(predecessors)}) {
  rest_.foresee([this](const discord::RestCall& call) { return foresee(call); });
  services.metrics.gauge("guildhall_discord_events_under_way",
                         "Messages and members' comings and goings that are being handled.",
                         [under_way = under_way_] { return static_cast<double>(under_way->all()); });
}

DiscordBridge::~DiscordBridge() = default;

/// What is remembered of a server is good only as long as its events come to this process.
Result<void> DiscordBridge::foresee(const discord::RestCall& call) const {
  const auto server = call.in_guild();
  if (!server || !shards_.is_up(*server)) return {};
  return discord::foresee(state_, call, timing_->wall());
}

/// A new version has other commands, and sessions are resumed: no READY tells that it is there.
Task<Result<void>> DiscordBridge::run() {
  net::spawn(services_.loop, "discord.register_commands", [this] { return register_commands(); });
  co_return co_await shards_.run();
}

void DiscordBridge::stop() { shards_.stop(); }

Task<Result<AppEmojis::Emojis>> DiscordBridge::read_emojis() {
  const auto own = co_await application();
  if (!own) co_return std::unexpected(own.error());
  co_return co_await rest_.application_emojis(*own);
}

/// Those of the application's own, by which people know them by name.
Task<Outgoing> DiscordBridge::with_emojis(Outgoing message) {
  for (LinkButton& button : message.body.buttons) {
    if (button.emoji.starts_with(kAppEmoji))
      button.emoji = co_await emojis_.find(button.emoji.substr(kAppEmoji.size()));
  }
  co_return message;
}

Task<Result<std::string>> DiscordBridge::send(ServerId server, Outgoing message) {
  const bool has_own = std::ranges::any_of(
      message.body.buttons, [](const LinkButton& button) { return button.emoji.starts_with(kAppEmoji); });
  if (has_own)
    message = co_await boost::asio::co_spawn(services_.loop, with_emojis(std::move(message)),
                                             boost::asio::use_awaitable);
  if (!message.member.empty()) co_return co_await send_direct(server, std::move(message));
  const auto channel = DiscordChannelId::parse(message.channel_id);
  if (!channel) co_return fail(ErrorCode::invalid, "not a channel's id");
  const auto own =
      co_await boost::asio::co_spawn(services_.loop, prepare(server, *channel), boost::asio::use_awaitable);
  if (!own) co_return std::unexpected(own.error());
  if (!message.edits.empty()) co_return co_await edit(server, *channel, std::move(message));
  co_return co_await create(server, *channel, std::move(message), server);
}

/// `guild`: whose channel it is; none of a direct one.
Task<Result<std::string>> DiscordBridge::create(ServerId server, DiscordChannelId channel, Outgoing message,
                                                std::optional<ServerId> guild) {
  discord::NewMessage fresh;
  fresh.body = interactions_.body_of(message.body, server);
  if (const auto pinged = DiscordUserId::parse(message.pings)) fresh.body.pings = {*pinged};
  fresh.nonce = std::move(message.nonce);
  fresh.guild = guild;
  const auto sent = co_await rest_.create_message(channel, std::move(fresh));
  if (!sent) co_return std::unexpected(sent.error());
  co_return sent->str();
}

Task<Result<std::string>> DiscordBridge::send_direct(ServerId server, Outgoing message) {
  const auto member = DiscordUserId::parse(message.member);
  if (!member) co_return fail(ErrorCode::invalid, "not a user's id");
  const auto channel = co_await rest_.direct_channel(*member);
  if (!channel) co_return std::unexpected(channel.error());
  co_return co_await create(server, *channel, std::move(message), std::nullopt);
}

Task<Result<std::string>> DiscordBridge::edit(ServerId server, DiscordChannelId channel, Outgoing message) {
  const auto id = discord::MessageId::parse(message.edits);
  if (!id) co_return fail(ErrorCode::not_found, "not a message's id");
  Result<void> done;
  if (message.takes_away) {
    done = co_await rest_.delete_messages(server, channel, {*id}, "");
  } else {
    done = co_await rest_.edit_message(server, channel, *id, interactions_.body_of(message.body, server));
  }
  if (!done) co_return std::unexpected(done.error());
  co_return message.edits;
}

void DiscordBridge::on_ready(discord::Ready ready, discord::Receipt receipt) {
  log::info("discord ready",
            {log::field("shard", ready.shard.index), log::field("servers", ready.guilds.size())});
  net::spawn(services_.loop, "discord.leave_missing",
             [this, ready = std::move(ready), receipt = std::move(receipt)] { return leave_missing(ready); });
}

void DiscordBridge::on_intents_refused(discord::Intents refused) {
  log::warning("discord refused intents", {log::field("intents", discord::privileged_names(refused))});
}

void DiscordBridge::on_guild(discord::GuildSnapshot guild, discord::GuildArrival, discord::Receipt receipt) {
  on_permissions_changed(guild.id);
  net::spawn(services_.loop, "discord.arrive",
             [this, id = guild.id, name = guild.name, receipt = std::move(receipt)] {
               return carry_through(id, "discord.arrive", [this, id, name] { return arrive(id, name); });
             });
}

void DiscordBridge::on_guild_renamed(ServerId guild, std::string name, discord::Receipt receipt) {
  net::spawn(
      services_.loop, "discord.rename", [this, guild, name = std::move(name), receipt = std::move(receipt)] {
        return carry_through(guild, "discord.rename", [this, guild, name] { return arrive(guild, name); });
      });
}

void DiscordBridge::on_guild_unavailable(ServerId guild) {
  // An outage on Discord's side is not leaving: nothing of the server stops or is marked.
  log::warning("server unavailable", {log::field("server", guild.str())});
}

void DiscordBridge::on_guild_removed(ServerId guild, discord::Receipt receipt) {
  net::spawn(services_.loop, "discord.leave", [this, guild, receipt = std::move(receipt)] {
    return carry_through(guild, "discord.leave", [this, guild] { return leave(guild); });
  });
}

/// Messages are no reason to stop: they are passed over, and what comes behind them, interactions above all,
/// has not to wait. With so many comings and goings under way the database takes nothing of several servers,
/// and an interaction could only be told so.
bool DiscordBridge::is_full() const { return under_way_->is_full(); }

void DiscordBridge::on_permissions_changed(ServerId guild) {
  rest_.permissions_changed(guild);
  if (permissions_listener_) permissions_listener_(guild);
}

/// Until the event is committed, or fails by itself, which it would again.
struct DiscordBridge::OnItsWay {
  discord::Receipt receipt;
  UnderWay::Place place;
  std::chrono::steady_clock::time_point give_up = std::chrono::steady_clock::now() + kDeliverFor;
  int failures = 0;
};

template <class Event>
void DiscordBridge::deliver(tenancy::ServerScope scope, Event event, discord::Receipt receipt) {
  auto place = under_way_->take(scope.server());
  if (!place) return give_up(scope.server());
  submit(scope, std::move(event), std::make_shared<OnItsWay>(std::move(receipt), std::move(place)));
}

/// What the database does not take, or a full queue, is submitted again in a while.
template <class Event>
void DiscordBridge::submit(tenancy::ServerScope scope, Event event, std::shared_ptr<OnItsWay> on_its_way) {
  services_.dispatcher.submit(scope, event, [this, scope, event, on_its_way](Outcome outcome) {
    if (outcome != Outcome::overloaded && outcome != Outcome::postponed) return;
    net::spawn(services_.loop, "discord.deliver", [this, scope, event, on_its_way]() -> Task<void> {
      if (std::chrono::steady_clock::now() > on_its_way->give_up) co_return give_up(scope.server());
      co_await net::sleep_for(discord::backoff(++on_its_way->failures, timing_->random()));
      submit(scope, event, on_its_way);
    });
  });
}

/// Its receipt goes. As long as older events are open, a session that is resumed after a restart is told it
/// again all the same.
void DiscordBridge::give_up(ServerId server) {
  lost_.add();
  warn("members' comings and goings given up", server);
}

void DiscordBridge::warn(const std::string& trouble, ServerId server) {
  const auto now = std::chrono::steady_clock::now();
  auto& again = warn_again_[{trouble, server}];
  if (now < again) return;
  again = now + kWarnAgain;
  log::warning(trouble, {log::field("server", server.str())});
}

void DiscordBridge::on_member_joined(discord::MemberJoin join, discord::Receipt receipt) {
  const auto scope = services_.tenancy.scopes().for_discord_event(join.guild);
  if (!scope) return;
  deliver(*scope,
          MemberJoined{join.user.id, join.user.display_name, join.joined_at.value_or(services_.clock.now())},
          std::move(receipt));
}

void DiscordBridge::on_member_left(discord::MemberLeave leave, discord::Receipt receipt) {
  const auto scope = services_.tenancy.scopes().for_discord_event(leave.guild);
  if (!scope) return;
  // Discord gives no moment.
  deliver(
      *scope,
      MemberLeft{leave.user.id, leave.user.display_name, std::move(leave.event_id), services_.clock.now()},
      std::move(receipt));
}

void DiscordBridge::on_message(discord::Message message) {
  const bool human = !message.author.bot && !message.webhook;
  const bool plain =
      message.type == discord::MessageType::plain || message.type == discord::MessageType::reply;
  if (!human || !plain || !message.guild || message.content.empty()) return;
  auto place = under_way_->take_for_message(*message.guild);
  if (!place) {
    passed_over_.add();
    return warn("messages passed over", *message.guild);
  }
  net::spawn(services_.loop, "discord.message",
             [this, message = std::move(message), place = std::move(place)] {
               return handle_message(message, place);
             });
}

Permission DiscordBridge::permission_of(const discord::Message& message) const {
  const auto held = state_.guild_permissions(*message.guild, message.author.id, message.roles);
  return permission_by(held.value_or(0));
}

/// A resumed session tells of no guild again, so it is asked for: once, and after a failure not again at
/// every message.
Task<void> DiscordBridge::know_guild(ServerId server) {
  const auto now = std::chrono::steady_clock::now();
  auto& asked = guild_asked_[server];
  if (state_.knows(server) || now < asked) co_return;
  asked = now + kAskAgain;
  const auto guild = co_await rest_.guild(server);
  // What came over the gateway meanwhile is newer.
  if (guild && !state_.knows(server)) state_.put_guild(*guild);
}

bool DiscordBridge::is_open(ServerId server, DiscordChannelId channel) const {
  return (state_.own_permissions(server, channel, timing_->wall()).value_or(0) & discord::kSendMessages) != 0;
}

/// What decides of the bot's permissions in a channel that something is posted to, or that has refused an
/// answer: asked for once, and from then on events tell of it; but events get lost, so of a channel that
/// seems shut it is asked for again. Where an answer fails to come, the message is sent all the same.
Task<void> DiscordBridge::know_channel(ServerId server, DiscordChannelId channel) {
  if (is_open(server, channel) || !shards_.is_up(server)) co_return;
  const auto now = std::chrono::steady_clock::now();
  if (channel_asked_.size() >= kMostChannels) channel_asked_.clear();
  auto& asked = channel_asked_[{server, channel}];
  if (now < asked) co_return;
  asked = now + kAskAgain;
  co_await know_guild(server);
  const auto channels = co_await rest_.call(discord::routes::kChannels, {.guild = server}, server);
  if (!channels || !channels->is_array()) co_return;
  const json::Value* listed = with_id(channels->get_array(), channel.value());
  if (listed != nullptr) {
    note_home(channel, server);
    state_.remember_channel(server, *listed);
  }
  const bool known = listed != nullptr || co_await know_thread(server, channel, *channels);
  if (known && !is_open(server, channel)) co_await know_again(server);
}

/// Threads are not listed, and have the permissions of their channel.
Task<bool> DiscordBridge::know_thread(ServerId server, DiscordChannelId thread, json::Value channels) {
  const auto told = co_await rest_.call(discord::routes::kChannel, {.guild = server}, thread);
  if (!told) co_return false;
  note_home(thread, ServerId(json::id(*told, "guild_id").value_or(0)));
  const json::Value* parent = with_id(channels.as_array(), json::id(*told, "parent_id").value_or(0));
  if (parent == nullptr) co_return false;
  state_.remember_channel(server, *parent);
  state_.remember_channel(server, *told);
  co_return true;
}

/// Roles, and which of them the bot has: they shut it out of a channel as well as the channel itself.
Task<void> DiscordBridge::know_again(ServerId server) {
  const auto now = std::chrono::steady_clock::now();
  if (auto& asked = guild_asked_[server]; now >= asked) {
    asked = now + kAskAgain;
    if (const auto guild = co_await rest_.guild(server)) state_.put_guild(*guild);
  }
  auto& asked = self_asked_[server];
  if (now < asked) co_return;
  asked = now + kAskAgain;
  const auto self = co_await rest_.call(discord::routes::kMember, {.guild = server}, server, state_.self());
  if (!self || !self->is_object()) co_return;
  json::Object member = self->get_object();
  member["guild_id"] = server.str();
  state_.apply("GUILD_MEMBER_UPDATE", member);
}

Task<Result<void>> DiscordBridge::prepare(ServerId server, DiscordChannelId channel) {
  co_await know_channel(server, channel);
  co_return co_await require_own(server, channel);
}

void DiscordBridge::note_home(DiscordChannelId channel, ServerId server) {
  if (homes_.size() >= kMostChannels) homes_.clear();
  homes_.insert_or_assign(channel, server);
}

/// A setting names any channel that somebody writes there, and the bot may well write in another server's.
/// Where nobody says whose it is, nothing is posted.
Task<Result<void>> DiscordBridge::require_own(ServerId server, DiscordChannelId channel) {
  auto home = homes_.find(channel);
  if (home == homes_.end()) {
    const auto told = co_await rest_.call(discord::routes::kChannel, {.guild = server}, channel);
    if (!told) co_return std::unexpected(told.error());
    note_home(channel, ServerId(json::id(*told, "guild_id").value_or(0)));
    home = homes_.find(channel);
  }
  if (home->second == server) co_return Result<void>{};
  co_return fail(ErrorCode::invalid,
                 fmt::format("channel {} does not belong to this Discord server", channel.str()),
                 "Choose one of the server's own channels.");
}

/// `place` is given back with the reply.
Task<void> DiscordBridge::handle_message(discord::Message message, UnderWay::Place place) {
  const ServerId server = *message.guild;
  const auto scope = services_.tenancy.scopes().for_discord_event(server);
  if (!scope) co_return;
  co_await know_guild(server);
  CommandRequest request;
  request.door = Door::prefix;
  request.caller.user = {kDiscord, message.author.id.str(), message.author.display_name};
  request.caller.permission = permission_of(message);
  request.place = "discord:" + message.channel.str();
  request.operation_id = "discord:" + message.id.str();
  request.line = message.content;
  services_.dispatcher.submit(
      *scope, std::move(request), [this, message, place](Outcome, std::optional<Answer> answer) {
        if (!answer) return;
        net::spawn(services_.loop, "discord.reply",
                   [this, message, answer = *std::move(answer), place] { return reply(message, answer); });
      });
}

/// As Discord says, or as was foreseen.
bool DiscordBridge::lacks_history_alone(const discord::Message& message, const Error& error) const {
  if (error.code != ErrorCode::forbidden) return false;
  if (discord::api_code::of(error) == discord::api_code::kNoMessageHistory) return true;
  constexpr auto kToReply = discord::kViewChannel | discord::kSendMessages | discord::kReadMessageHistory;
  return state_.own_lacks(*message.guild, message.channel, kToReply) == discord::kReadMessageHistory;
}

/// Where it is the history alone that the bot may not read, without which it cannot reply, it speaks without.
/// Permissions are not looked up before: people write in many more channels than the few in which the bot may
/// not answer, and each of those refuses once, and is known from then on.
Task<void> DiscordBridge::reply(discord::Message message, Answer answer) {
  discord::NewMessage said;
  said.body = interactions_.body_of(answer, *message.guild, message.author.id.str());
  // The nonce makes a repeated call harmless; the answer belongs to this one message.
  said.nonce = "re-" + message.id.str();
  said.reply_to = message.id;
  said.urgency = discord::Urgency::person;
  said.guild = message.guild;
  auto sent = co_await rest_.create_message(message.channel, said);
  if (!sent && lacks_history_alone(message, sent.error())) {
    said.reply_to.reset();
    sent = co_await rest_.create_message(message.channel, std::move(said));
  }
  if (sent) co_return;
  if (sent.error().code == ErrorCode::forbidden) co_await know_channel(*message.guild, message.channel);
  log::warning("reply not sent",
               {log::field("server", message.guild->str()), log::field("error", sent.error().message)});
}

/// Taken up as soon as it is read, and put off in time whatever waits in its server's line (Pending): it may
/// overtake messages that were read before it. Nothing relies on their order, each being a call by itself in
/// a transaction by itself, and Discord promises none between them.
void DiscordBridge::on_interaction(discord::Interaction interaction) {
  const auto scope =
      interaction.guild ? services_.tenancy.scopes().for_discord_event(*interaction.guild) : std::nullopt;
  // A session that is resumed repeats what came last.
  const bool told_again = interaction.guild && !shards_.is_up(*interaction.guild);
  interactions_.take(scope, std::move(interaction), told_again);
}

Task<net::HttpResponse> DiscordBridge::handle_posted(net::HttpRequest request) {
  if (!posted_) co_return net::make_response(404, "text/plain", "not found\n");
  auto interaction = posted_->read(request);
  if (!interaction) {
    // Nothing to worry about: Discord looks in this way whether we do look at signatures.
    posted_refused_.add();
    log::info("posted interaction refused", {log::field("reason", interaction.error().message)});
    const bool forged = interaction.error().code == ErrorCode::unauthenticated;
    co_return net::make_response(forged ? 401 : 400, "text/plain", "");
  }
  posted_taken_.add();
  if (interaction->type == discord::InteractionType::ping) {
    const auto pong = discord::answer_json(discord::asked(*interaction), discord::Pong{});
    co_return net::make_response(200, "application/json", json::write(*pong));
  }
  const auto scope =
      interaction->guild ? services_.tenancy.scopes().for_discord_event(*interaction->guild) : std::nullopt;
  co_return co_await interactions_.take_posted(scope, *std::move(interaction));
}

Task<void> DiscordBridge::carry_through(ServerId server, std::string_view what,
                                        std::function<Task<void>()> step) {
  const auto told = ++told_[server];
  for (int failures = 1; told == told_[server]; ++failures) {
    std::string trouble;
    try {
      co_await step();
      co_return;
    } catch (const std::exception& error) {
      trouble = error.what();
    }
    log::warning("not written; it is tried again", {log::field("server", server.str()),
                                                    log::field("task", what), log::field("error", trouble)});
    co_await net::sleep_for(discord::backoff(failures, timing_->random()));
  }
}

Task<void> DiscordBridge::arrive(ServerId server, std::string name) {
  const auto arrival = co_await services_.tenancy.servers().arrived(server, name, services_.clock.now());
  if (arrival != tenancy::Arrival::known) {
    log::info("server arrived",
              {log::field("server", server.str()), log::field("new", arrival == tenancy::Arrival::added)});
  }
  if (const auto scope = services_.tenancy.scopes().for_discord_event(server))
    services_.dispatcher.refresh(*scope);
}

Task<void> DiscordBridge::leave(ServerId server) {
  const bool was_active = co_await services_.tenancy.servers().left(server, services_.clock.now());
  if (!was_active) co_return;
  log::info("server left", {log::field("server", server.str())});
  services_.topics.publish("servers");
}

Task<void> DiscordBridge::leave_missing(discord::Ready ready) {
  const std::set<ServerId> present(ready.guilds.begin(), ready.guilds.end());
  for (const auto& server : services_.tenancy.servers().list()) {
    const bool told_of = server.discord_server_id.value() > 0 && ready.shard.has(server.discord_server_id);
    if (told_of && server.state == "active" && !present.contains(server.discord_server_id)) {
      const ServerId gone = server.discord_server_id;
      co_await carry_through(gone, "discord.leave_missing", [this, gone] { return leave(gone); });
    }
  }
}

Task<void> DiscordBridge::register_commands() {
  for (int failures = 1; failures <= kMostRegistrations; ++failures) {
    const auto changed = co_await sync_commands();
    if (changed && *changed) log::info("commands registered");
    if (changed || changed.error().code == ErrorCode::token_refused) co_return;
    log::error("commands not registered", {log::field("error", changed.error().message)});
    co_await net::sleep_for(discord::backoff(failures, timing_->random()));
  }
}

Task<Result<bool>> DiscordBridge::sync_commands() {
  const auto application = co_await rest_.application();
  if (!application) co_return std::unexpected(application.error());
  co_return co_await rest_.sync_commands(application->id, command_definitions(services_.declarations));
}

}  // namespace guildhall::bot
