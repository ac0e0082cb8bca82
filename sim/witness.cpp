#include "sim/witness.h"

#include <array>

namespace guildhall::sim {
namespace {

constexpr std::array<std::string_view, 4> kOutcomes = {"accepted", "refused", "lost", "unsent"};
constexpr std::string_view kChat = "chat.message.sent";
constexpr std::string_view kStatus = "livestream.status.updated";

json::Value micros_or_null(std::optional<TimePoint> at) {
  if (!at) return nullptr;
  return to_micros(*at);
}

json::Object fact_json(const KickFact& fact) {
  return {{"event", fact.event},
          {"message_id", fact.message_id},
          {"broadcaster", std::to_string(fact.broadcaster)},
          {"actor", fact.actor ? json::Value(std::to_string(*fact.actor)) : json::Value(nullptr)},
          {"actor_name", fact.actor_name},
          {"subscriber", fact.subscriber},
          {"bot", fact.bot},
          {"at", to_micros(fact.at)},
          {"count", fact.count},
          {"started_at", micros_or_null(fact.started_at)},
          {"ended_at", micros_or_null(fact.ended_at)}};
}

/// Does this kind of answer end the waiting? A deferral only promises one.
bool settles(std::string_view how) { return how != "deferred" && how != "followup" && how != "edited"; }

json::Object counts_json(const std::map<std::string, std::int64_t>& counts) {
  json::Object out;
  for (const auto& [name, count] : counts) out[name] = count;
  return out;
}

}  // namespace

void Witness::note(std::string_view kind, json::Object line) {
  recall(kind, line);
  journal_.write(kind, std::move(line));
}

void Witness::trying(const KickFact& fact) { note("trying", fact_json(fact)); }

void Witness::told(const KickFact& fact, const Delivery& delivery) {
  json::Object line = fact_json(fact);
  line["outcome"] = kOutcomes[static_cast<std::size_t>(delivery.outcome)];
  line["signed_at"] = delivery.signed_at;
  line["accepted_at"] = micros_or_null(delivery.accepted_at);
  line["statuses"] = json::Array(delivery.statuses.begin(), delivery.statuses.end());
  note("told", std::move(line));
}

void Witness::forged(std::string_view message_id, int status) {
  note("forged", {{"message_id", message_id}, {"status", status}});
}

void Witness::went_live(KickId broadcaster, TimePoint started_at) {
  note("live", {{"broadcaster", std::to_string(broadcaster)}, {"started_at", to_micros(started_at)}});
}

void Witness::went_offline(KickId broadcaster, TimePoint started_at, TimePoint ended_at) {
  note("live", {{"broadcaster", std::to_string(broadcaster)},
                {"started_at", to_micros(started_at)},
                {"ended_at", to_micros(ended_at)}});
}

void Witness::chat_sent(KickId broadcaster, std::string_view type, std::string_view content, TimePoint at) {
  note("chat_sent", {{"broadcaster", std::to_string(broadcaster)},
                     {"type", type},
                     {"content", content},
                     {"at", to_micros(at)}});
}

void Witness::dispatched(std::string_view event, Snowflake server, Snowflake user, std::size_t sessions,
                         TimePoint at) {
  note("dispatched", {{"event", event},
                      {"server", std::to_string(server)},
                      {"user", std::to_string(user)},
                      {"sessions", sessions},
                      {"at", to_micros(at)}});
}

void Witness::asked(Snowflake interaction, Snowflake server, Snowflake user, std::string_view what,
                    TimePoint at) {
  note("asked", {{"interaction", std::to_string(interaction)},
                 {"server", std::to_string(server)},
                 {"user", std::to_string(user)},
                 {"what", what},
                 {"at", to_micros(at)}});
}

void Witness::answered(Snowflake interaction, std::string_view how, bool ephemeral, std::string_view content,
                       TimePoint at) {
  note("answered", {{"interaction", std::to_string(interaction)},
                    {"how", how},
                    {"ephemeral", ephemeral},
                    {"content", content},
                    {"at", to_micros(at)}});
}

void Witness::late(Snowflake interaction, TimePoint at) {
  note("late", {{"interaction", std::to_string(interaction)}, {"at", to_micros(at)}});
}

void Witness::posted(Snowflake server, Snowflake channel, std::string_view content, TimePoint at) {
  note("posted", {{"server", std::to_string(server)},
                  {"channel", std::to_string(channel)},
                  {"content", content},
                  {"at", to_micros(at)}});
}

void Witness::recall(std::string_view kind, const json::Value& line) {
  if (kind == "trying") trying_[json::text_or(line, "message_id", "")] = line;
  if (kind == "told") take_told(line);
  if (kind == "live") take_live(line);
  if (kind == "forged" && json::integer(line, "status").value_or(0) / 100 == 2) ++forged_accepted_;
  if (kind == "chat_sent") ++streams_[json::text_or(line, "broadcaster", "")].chat_sent;
  if (kind == "dispatched") ++discord_[json::text_or(line, "event", "")];
  if (kind == "late") ++late_;
  if (kind == "posted") ++posted_;
  if (kind == "answered" && settles(json::text_or(line, "how", ""))) ++answered_;
  if (kind == "asked") {
    ++asked_;
    ++by_name_[json::text_or(line, "what", "")];
  }
}

void Witness::take_told(const json::Value& line) {
  trying_.erase(json::text_or(line, "message_id", ""));
  Stream& stream = streams_[json::text_or(line, "broadcaster", "")];
  const std::string event = json::text_or(line, "event", "");
  const std::string outcome = json::text_or(line, "outcome", "");
  ++stream.counts[event][outcome];
  if (outcome != "accepted" && outcome != "lost") return;
  if (event == kStatus && outcome == "accepted") mark_told(stream, line);
  if (event == kChat) return take_message(stream, line, outcome == "accepted");
  json::Object kept;
  for (const char* key : {"event", "message_id", "at", "actor", "count", "outcome"}) {
    const json::Value* value = json::find(line, key);
    kept[key] = value == nullptr ? json::Value(nullptr) : *value;
  }
  stream.events.emplace_back(std::move(kept));
}

void Witness::take_message(Stream& stream, const json::Value& line, bool accepted) {
  Chatter& chatter = stream.viewers[json::text_or(line, "actor", "")];
  chatter.name = json::text_or(line, "actor_name", "");
  chatter.bot = json::boolean(line, "bot").value_or(false);
  auto& moments = accepted ? chatter.messages : chatter.uncertain;
  moments.push_back({json::integer(line, "at").value_or(0), json::boolean(line, "subscriber").value_or(false),
                     json::integer(line, "accepted_at")});
}

void Witness::take_live(const json::Value& line) {
  Stream& stream = streams_[json::text_or(line, "broadcaster", "")];
  const std::int64_t started_at = json::integer(line, "started_at").value_or(0);
  if (const auto ended_at = json::integer(line, "ended_at")) {
    for (Period& period : stream.live) {
      if (period.started_at == started_at) period.ended_at = ended_at;
    }
  } else {
    stream.live.push_back({started_at, std::nullopt, std::nullopt, std::nullopt});
  }
}

void Witness::mark_told(Stream& stream, const json::Value& line) {
  const bool end = json::integer(line, "ended_at").has_value();
  for (Period& period : stream.live) {
    if (period.started_at == json::integer(line, "started_at"))
      (end ? period.end_told_at : period.start_told_at) = json::integer(line, "accepted_at");
  }
}

std::optional<TimePoint> Witness::live_since(KickId broadcaster) const {
  const auto found = streams_.find(std::to_string(broadcaster));
  if (found == streams_.end() || found->second.live.empty()) return std::nullopt;
  const Period& last = found->second.live.back();
  if (last.ended_at) return std::nullopt;
  return from_micros(last.started_at);
}

json::Object Witness::report_stream(const Stream& stream) {
  const auto or_null = [](std::optional<std::int64_t> at) {
    return at ? json::Value(*at) : json::Value(nullptr);
  };
  const auto moments = [&](const std::vector<Moment>& list) {
    json::Array out;
    for (const Moment& moment : list)
      out.push_back({{"at", moment.at},
                     {"subscriber", moment.subscriber},
                     {"accepted_at", or_null(moment.accepted_at)}});
    return out;
  };
  json::Array viewers;
  for (const auto& [id, chatter] : stream.viewers) {
    viewers.push_back({{"id", id},
                       {"name", chatter.name},
                       {"bot", chatter.bot},
                       {"messages", moments(chatter.messages)},
                       {"uncertain", moments(chatter.uncertain)}});
  }
  json::Array live;
  for (const Period& period : stream.live) {
    live.push_back({{"started_at", period.started_at},
                    {"ended_at", or_null(period.ended_at)},
                    {"start_told_at", or_null(period.start_told_at)},
                    {"end_told_at", or_null(period.end_told_at)}});
  }
  json::Object counts;
  for (const auto& [event, outcomes] : stream.counts) counts[event] = counts_json(outcomes);
  return {{"viewers", std::move(viewers)},
          {"live", std::move(live)},
          {"events", json::Array(stream.events.begin(), stream.events.end())},
          {"counts", std::move(counts)},
          {"chat_sent", stream.chat_sent}};
}

json::Object Witness::report(World& world) const {
  auto streams = streams_;
  for (const auto& [message_id, line] : trying_) {
    if (json::text_or(line, "event", "") != kChat) continue;
    take_message(streams[json::text_or(line, "broadcaster", "")], line, false);
  }
  json::Array channels;
  for (const auto& [broadcaster, stream] : streams) {
    json::Object channel = report_stream(stream);
    channel["broadcaster_user_id"] = broadcaster;
    const KickChannel* known = world.kick_channel(static_cast<KickId>(std::stoll(broadcaster)));
    channel["slug"] = known == nullptr ? "" : known->slug;
    channels.emplace_back(std::move(channel));
  }
  return {{"channels", std::move(channels)},
          {"discord", counts_json(discord_)},
          {"posted", posted_},
          {"commands",
           {{"asked", asked_}, {"answered", answered_}, {"late", late_}, {"by_name", counts_json(by_name_)}}},
          {"forged_accepted", forged_accepted_}};
}

}  // namespace guildhall::sim
