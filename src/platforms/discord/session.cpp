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
                      {"self", session.self.str()}};
}

std::optional<SavedSession> read_session(const json::Value& saved) {
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

void IdentifyBudget::spend(TimePoint now) {
  if (now >= resets_at) left = total;
  --left;
}

std::string write_memory(const GatewayMemory& memory) {
  json::Object written;
  if (memory.session) written["session"] = session_json(*memory.session);
  if (memory.budget) {
    written["budget"] = json::Object{{"total", memory.budget->total},
                                     {"left", memory.budget->left},
                                     {"resets_at", to_micros(memory.budget->resets_at)}};
  }
  return json::write(written);
}

GatewayMemory read_memory(std::string_view text) {
  GatewayMemory memory;
  const auto parsed = json::parse(text);
  if (!parsed) return memory;
  if (const json::Value* session = json::find(*parsed, "session")) memory.session = read_session(*session);
  if (const json::Value* budget = json::find(*parsed, "budget")) {
    memory.budget = IdentifyBudget{static_cast<int>(json::integer(*budget, "total").value_or(0)),
                                   static_cast<int>(json::integer(*budget, "left").value_or(0)),
                                   from_micros(json::integer(*budget, "resets_at").value_or(0))};
  }
  return memory;
}

}  // namespace guildhall::discord
