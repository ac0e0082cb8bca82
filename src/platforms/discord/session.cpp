#include "platforms/discord/session.h"

#include <fmt/ranges.h>

#include "base/json.h"
#include "platforms/discord/parse.h"

namespace guildhall::discord {
namespace {

json::Value session_json(const SavedSession& session) {
  json::Array guilds;
  for (const ServerId guild : session.guilds) guilds.emplace_back(guild.str());
  return json::Object{{"id", session.id},
                      {"resume_url", session.resume_url},
                      {"sequence", session.sequence},
                      {"intents", session.intents},
                      {"guilds", std::move(guilds)},
                      {"shard", json::Array{session.shard.index, session.shard.count}},
                      {"self", session.self.str()},
                      {"presence", session.presence}};
}

std::optional<SavedSession> session_of(const json::Value& saved) {
  const auto id = json::text(saved, "id");
  const auto resume_url = json::text(saved, "resume_url");
  const auto sequence = json::integer(saved, "sequence");
  if (!id || !resume_url || !sequence) return std::nullopt;
  SavedSession session{
      *id, *resume_url, *sequence, static_cast<Intents>(json::integer(saved, "intents").value_or(0)), {}};
  for (const json::Value& guild : json::array(saved, "guilds")) {
    const auto* text = guild.if_string();
    const auto guild_id = text != nullptr ? ServerId::parse(std::string_view(*text)) : std::nullopt;
    if (guild_id) session.guilds.push_back(*guild_id);
  }
  const json::Array& shard = json::array(saved, "shard");
  if (shard.size() == 2 && shard[0].is_int64() && shard[1].is_int64())
    session.shard = {static_cast<int>(shard[0].get_int64()), static_cast<int>(shard[1].get_int64())};
  session.self = DiscordUserId(json::id(saved, "self").value_or(0));
  session.presence = json::text_or(saved, "presence", "");
  return session;
}

}  // namespace

std::string privileged_names(Intents intents) {
  std::vector<std::string_view> names;
  if ((intents & kGuildPresences) != 0) names.emplace_back("Presence Intent");
  if ((intents & kGuildMembers) != 0) names.emplace_back("Server Members Intent");
  if ((intents & kMessageContent) != 0) names.emplace_back("Message Content Intent");
  return fmt::format("{}", fmt::join(names, ", "));
}

Intents switched_on(std::uint64_t application_flags) {
  const auto either = [&](int bit) { return (application_flags >> bit & 3) != 0; };
  return (either(12) ? kGuildPresences : 0) | (either(14) ? kGuildMembers : 0) |
         (either(18) ? kMessageContent : 0);
}

std::string write_session(const std::optional<SavedSession>& session) {
  json::Object written;
  if (session) written["session"] = session_json(*session);
  return json::write(written);
}

std::optional<SavedSession> read_session(std::string_view text) {
  const auto parsed = json::parse(text);
  const json::Value* session = parsed ? json::find(*parsed, "session") : nullptr;
  return session == nullptr ? std::nullopt : session_of(*session);
}

}  // namespace guildhall::discord
