#include "sim/kick.h"

#include <fmt/format.h>

#include <algorithm>

#include "sim/kick_shapes.h"

namespace guildhall::sim {
namespace {

constexpr std::size_t kSentKept = 1'000;
constexpr std::chrono::hours kMonth{30 * 24};

std::unexpected<Error> missing(std::string_view what) {
  return fail(ErrorCode::not_found, fmt::format("there is no such {}", what));
}

}  // namespace

Kick::Kick(Stage& stage, KickWebhooks& webhooks, KickSubscriptions& subscriptions, KickSocket& socket)
    : stage_(stage),
      webhooks_(webhooks),
      subscriptions_(subscriptions),
      socket_(socket),
      random_(mix(stage.seed ^ 0x4B69636BU)) {
  webhooks_.on_attempt(
      [this](const std::string& event, bool taken) { subscriptions_.attempted(event, taken); });
}

void Kick::resume_streams() {
  for (KickChannel& channel : stage_.world.kick_channels) {
    if (const auto since = stage_.witness.live_since(channel.broadcaster))
      channel.live_since = format_rfc3339(*since);
  }
}

void Kick::recall(std::string_view kind, const json::Value& line) {
  const KickId user = json::id(line, "user").value_or(0);
  if (kind == "kick_renamed") stage_.world.rename_kick_user(user, json::text_or(line, "username", ""));
  KickChannel* channel = stage_.world.kick_channel(json::id(line, "broadcaster").value_or(0));
  if (kind == "kick_moderator" && channel != nullptr)
    viewer_in(*channel, user).moderator = json::boolean(line, "moderator").value_or(false);
}

void Kick::set_webhook(std::string url) {
  if (url.empty()) subscriptions_.clear();
  webhooks_.set_address(std::move(url));
}

Viewer& Kick::viewer_in(KickChannel& channel, KickId user) {
  if (Viewer* viewer = channel.viewer(user)) return *viewer;
  return channel.viewers.emplace_back(Viewer{user, 0, false, false});
}

Result<KickChannel*> Kick::channel_of(std::string_view slug) {
  KickChannel* channel = stage_.world.kick_channel(slug);
  if (channel == nullptr) return missing("channel");
  return channel;
}

Result<const KickUser*> Kick::user_of(KickId id) const {
  const KickUser* user = stage_.world.kick_user(id);
  if (user == nullptr) return missing("viewer");
  return user;
}

const KickUser& Kick::streamer(const KickChannel& channel) const {
  return *stage_.world.kick_user(channel.broadcaster);
}

Kick::Written Kick::written(TimePoint at) {
  Written out;
  out.text = kick_shapes::time_text(at, random_);
  out.at = *parse_rfc3339(out.text);
  return out;
}

KickFact Kick::fact(std::string event, const KickChannel& channel, std::optional<KickId> actor,
                    TimePoint at) const {
  KickFact out;
  out.event = std::move(event);
  out.broadcaster = channel.broadcaster;
  out.actor = actor;
  if (const KickUser* user = actor ? stage_.world.kick_user(*actor) : nullptr)
    out.actor_name = user->username;
  out.at = at;
  return out;
}

void Kick::tell(KickFact fact, json::Object body) {
  const auto subscription = subscriptions_.wanted(fact.broadcaster, fact.event);
  if (!subscription) return stage_.witness.told(fact, {});
  webhooks_.send({std::move(fact), *subscription, std::move(body)});
}

// Chat ----------------------------------------------------------------------------------------------

Result<std::string> Kick::chat(std::string_view slug, KickId id, std::string content) {
  const auto channel = channel_of(slug);
  if (!channel) return std::unexpected(channel.error());
  const auto user = user_of(id);
  if (!user) return std::unexpected(user.error());
  if ((*channel)->is_banned(id, stage_.clock.now())) return fail(ErrorCode::forbidden, "is banned there");
  std::string message_id = stage_.mint.uuid();
  tell_chat(**channel, **user, viewer_in(**channel, id), message_id, std::move(content));
  return message_id;
}

void Kick::tell_chat(KickChannel& channel, const KickUser& user, const Viewer& viewer,
                     const std::string& message_id, std::string content) {
  const Written now = written(stage_.clock.now());
  KickFact told = fact("chat.message.sent", channel, user.id, now.at);
  told.subscriber = viewer.subscriber_months > 0;
  told.bot = viewer.bot;
  socket_.tell_chat(channel,
                    {&user, kick_shapes::badges(user, channel, viewer), message_id, content, now.text});
  const kick_shapes::ChatText text{&streamer(channel), kick_shapes::sender(user, channel, viewer), message_id,
                                   std::move(content), now.text};
  tell(std::move(told), kick_shapes::chat_message(text, random_));
}

std::string Kick::speak(KickChannel& channel, bool as_bot, const std::string& content,
                        const std::string& reply_to) {
  const TimePoint now = stage_.clock.now();
  const std::string message_id = stage_.mint.uuid();
  const std::string type = as_bot ? "bot" : "user";
  auto& sent = sent_[channel.broadcaster];
  sent.push_back({message_id, type, content, reply_to, now});
  if (sent.size() > kSentKept) sent.pop_front();
  stage_.witness.chat_sent(channel.broadcaster, type, content, now);
  // The application hears itself, like everybody else.
  const KickUser& speaker = as_bot ? stage_.world.kick_bot : streamer(channel);
  tell_chat(channel, speaker, {speaker.id, 0, false, as_bot}, message_id, content);
  return message_id;
}

const std::deque<SentChat>& Kick::sent(KickId broadcaster) const {
  static const std::deque<SentChat> kNone;
  const auto found = sent_.find(broadcaster);
  return found == sent_.end() ? kNone : found->second;
}

// Subscriptions, follows, gifts ---------------------------------------------------------------------

Result<void> Kick::gift(std::string_view slug, std::optional<KickId> gifter, std::size_t count) {
  const auto channel = channel_of(slug);
  if (!channel) return std::unexpected(channel.error());
  const KickUser* giver = gifter ? stage_.world.kick_user(*gifter) : nullptr;
  if (gifter && giver == nullptr) return missing("viewer");
  std::vector<const KickUser*> giftees;
  for (Viewer& viewer : (*channel)->viewers) {
    const bool eligible = viewer.subscriber_months == 0 && !viewer.bot &&
                          viewer.user != (*channel)->broadcaster && viewer.user != gifter;
    if (giftees.size() == count) break;
    if (!eligible) continue;
    viewer.subscriber_months = 1;
    giftees.push_back(stage_.world.kick_user(viewer.user));
  }
  if (giftees.empty())
    return fail(ErrorCode::conflict, "every viewer of this channel is a subscriber already");
  const Written now = written(stage_.clock.now());
  KickFact told = fact("channel.subscription.gifts", **channel, gifter, now.at);
  told.count = static_cast<std::int64_t>(giftees.size());
  tell(std::move(told),
       kick_shapes::gifts(streamer(**channel), giver, giftees, now.text, written(now.at + kMonth).text));
  // Kick does not say whether a gift also counts as new; both have been seen.
  if (random_.chance(50)) tell_subscription(**channel, *giftees.front(), false, 1);
  return {};
}

Result<void> Kick::subscribe(std::string_view slug, KickId id) {
  const auto channel = channel_of(slug);
  if (!channel) return std::unexpected(channel.error());
  const auto user = user_of(id);
  if (!user) return std::unexpected(user.error());
  Viewer& viewer = viewer_in(**channel, id);
  const bool renewal = viewer.subscriber_months > 0;
  ++viewer.subscriber_months;
  tell_subscription(**channel, **user, renewal, viewer.subscriber_months);
  return {};
}

void Kick::tell_subscription(KickChannel& channel, const KickUser& user, bool renewal, int months) {
  const Written now = written(stage_.clock.now());
  KickFact told =
      fact(renewal ? "channel.subscription.renewal" : "channel.subscription.new", channel, user.id, now.at);
  told.subscriber = true;
  tell(std::move(told),
       kick_shapes::subscription(streamer(channel), user, months, now.text, written(now.at + kMonth).text));
}

Result<void> Kick::follow(std::string_view slug, KickId id) {
  const auto channel = channel_of(slug);
  if (!channel) return std::unexpected(channel.error());
  const auto user = user_of(id);
  if (!user) return std::unexpected(user.error());
  tell(fact("channel.followed", **channel, id, stage_.clock.now()),
       kick_shapes::followed(streamer(**channel), **user));
  return {};
}

Result<void> Kick::give_kicks(std::string_view slug, KickId id, int amount) {
  const auto channel = channel_of(slug);
  if (!channel) return std::unexpected(channel.error());
  const auto user = user_of(id);
  if (!user) return std::unexpected(user.error());
  const Written now = written(stage_.clock.now());
  KickFact told = fact("kicks.gifted", **channel, id, now.at);
  told.count = amount;
  tell(std::move(told), kick_shapes::kicks(streamer(**channel), **user, amount, now.text));
  return {};
}

// Rewards -------------------------------------------------------------------------------------------

Result<std::string> Kick::redeem(std::string_view slug, KickId id, Reward reward, std::string input) {
  const auto channel = channel_of(slug);
  if (!channel) return std::unexpected(channel.error());
  if (const auto user = user_of(id); !user) return std::unexpected(user.error());
  std::string redemption = stage_.mint.ulid();
  redemptions_[redemption] = {(*channel)->broadcaster, id, std::move(reward), std::move(input),
                              written(stage_.clock.now())};
  tell_redemption(redemption);
  return redemption;
}

Result<void> Kick::settle_redemption(const std::string& id, bool accepted) {
  const auto found = redemptions_.find(id);
  if (found == redemptions_.end()) return missing("redemption");
  if (found->second.status != "pending") return fail(ErrorCode::conflict, "is settled already");
  found->second.status = accepted ? "accepted" : "rejected";
  tell_redemption(id);
  return {};
}

/// The same id and moment each time that its status changes.
void Kick::tell_redemption(const std::string& id) {
  const Redemption& told = redemptions_.at(id);
  const KickChannel& channel = *stage_.world.kick_channel(told.broadcaster);
  const kick_shapes::RedemptionText text{id,
                                         told.status,
                                         told.input,
                                         told.reward.title,
                                         told.reward.cost,
                                         told.redeemed_at.text,
                                         stage_.world.kick_user(told.user)};
  tell(fact("channel.reward.redemption.updated", channel, told.user, told.redeemed_at.at),
       kick_shapes::redemption(streamer(channel), text));
}

// Moderators and names ------------------------------------------------------------------------------

Result<void> Kick::set_moderator(std::string_view slug, KickId id, bool moderator) {
  const auto channel = channel_of(slug);
  if (!channel) return std::unexpected(channel.error());
  if (const auto user = user_of(id); !user) return std::unexpected(user.error());
  viewer_in(**channel, id).moderator = moderator;
  stage_.journal.write("kick_moderator", {{"broadcaster", std::to_string((*channel)->broadcaster)},
                                          {"user", std::to_string(id)},
                                          {"moderator", moderator}});
  return {};
}

Result<void> Kick::ban(std::string_view slug, Ban ban) {
  const auto channel = channel_of(slug);
  if (!channel) return std::unexpected(channel.error());
  const auto user = user_of(ban.user);
  if (!user) return std::unexpected(user.error());
  const auto moderator = user_of(ban.moderator);
  if (!moderator) return std::unexpected(moderator.error());
  const Viewer* by = (*channel)->viewer(ban.moderator);
  const bool may = ban.moderator == (*channel)->broadcaster || (by != nullptr && by->moderator);
  if (!may) return fail(ErrorCode::forbidden, "only the streamer and his moderators ban");
  const Written now = written(stage_.clock.now());
  std::optional<Written> until;
  if (ban.length) until = written(now.at + *ban.length);
  (*channel)->bans[ban.user] = until ? std::optional(until->at) : std::nullopt;
  const kick_shapes::BanText text{*moderator, *user, std::move(ban.reason), now.text,
                                  until ? std::optional(until->text) : std::nullopt};
  tell(fact("moderation.banned", **channel, ban.user, now.at),
       kick_shapes::banned(streamer(**channel), text));
  return {};
}

Result<void> Kick::rename(KickId id, std::string username) {
  if (const auto user = user_of(id); !user) return std::unexpected(user.error());
  const bool renamed = stage_.world.rename_kick_user(id, username);
  if (!renamed) return fail(ErrorCode::conflict, "somebody else is called so");
  stage_.journal.write("kick_renamed", {{"user", std::to_string(id)}, {"username", std::move(username)}});
  return {};
}

// Streams -------------------------------------------------------------------------------------------

Result<void> Kick::go_live(std::string_view slug, std::string title) {
  const auto channel = channel_of(slug);
  if (!channel) return std::unexpected(channel.error());
  if ((*channel)->live_since) return fail(ErrorCode::conflict, "is live already");
  const Written now = written(stage_.clock.now());
  if (!title.empty()) (*channel)->title = std::move(title);
  (*channel)->live_since = now.text;
  stage_.witness.went_live((*channel)->broadcaster, now.at);
  KickFact told = fact("livestream.status.updated", **channel, std::nullopt, now.at);
  told.started_at = now.at;
  tell(std::move(told), kick_shapes::status(streamer(**channel), true, (*channel)->title, now.text, ""));
  return {};
}

Result<void> Kick::go_offline(std::string_view slug) {
  const auto channel = channel_of(slug);
  if (!channel) return std::unexpected(channel.error());
  if (!(*channel)->live_since) return fail(ErrorCode::conflict, "is not live");
  const std::string started_text = *(*channel)->live_since;
  const TimePoint started_at = *parse_rfc3339(started_text);
  // The spelling may be cruder than the clock, but no stream ends before it started.
  Written now = written(stage_.clock.now());
  if (now.at < started_at) now = {started_text, started_at};
  (*channel)->live_since.reset();
  stage_.witness.went_offline((*channel)->broadcaster, started_at, now.at);
  KickFact told = fact("livestream.status.updated", **channel, std::nullopt, now.at);
  told.started_at = started_at;
  told.ended_at = now.at;
  tell(std::move(told),
       kick_shapes::status(streamer(**channel), false, (*channel)->title, started_text, now.text));
  return {};
}

Result<void> Kick::retitle(std::string_view slug, std::string title, std::string category) {
  const auto channel = channel_of(slug);
  if (!channel) return std::unexpected(channel.error());
  if (!title.empty()) (*channel)->title = std::move(title);
  if (!category.empty()) (*channel)->category = std::move(category);
  tell(fact("livestream.metadata.updated", **channel, std::nullopt, stage_.clock.now()),
       kick_shapes::metadata(streamer(**channel), (*channel)->title, (*channel)->category));
  return {};
}

}  // namespace guildhall::sim
