#include "sim/interactions.h"

#include <fmt/format.h>

#include "sim/discord_checks.h"
#include "sim/discord_shapes.h"
#include "sim/permissions.h"

namespace guildhall::sim {
namespace {

using std::chrono::steady_clock;
using State = Interaction::State;

constexpr std::size_t kKept = 10'000;
constexpr std::int64_t kLoading = 128;
constexpr int kComponent = 3;
constexpr int kAutocomplete = 4;
constexpr int kForm = 5;
enum CallbackType : int { kMessage = 4, kDefer = 5, kDeferUpdate = 6, kUpdate = 7, kChoices = 8, kModal = 9 };

std::string_view how_of(int callback) {
  switch (callback) {
    case kDefer:
    case kDeferUpdate: return "deferred";
    case kUpdate: return "update";
    case kChoices: return "choices";
    case kModal: return "modal";
    default: return "message";
  }
}

json::Value fields_of(const json::Value& body) {
  const json::Value* data = json::find(body, "data");
  return data == nullptr ? json::Value(json::Object{}) : *data;
}

std::string_view state_name(State state) {
  switch (state) {
    case State::waiting: return "waiting";
    case State::deferred: return "deferred";
    case State::answered: return "answered";
    case State::dead: break;
  }
  return "dead";
}

}  // namespace

Snowflake Interactions::ask(int type, const Server& server, const Channel& channel, Snowflake user,
                            std::string what, json::Object data, const Message* source) {
  Interaction interaction;
  interaction.id = stage_.mint.snowflake();
  interaction.token = stage_.mint.token(96);
  interaction.type = type;
  interaction.server = server.id;
  interaction.channel = channel.id;
  interaction.user = user;
  interaction.what = std::move(what);
  interaction.asked_at = stage_.clock.now();
  interaction.asked = steady_clock::now();
  if (source != nullptr) interaction.original = source->id;
  const Snowflake id = interaction.id;
  const json::Object event = event_of(interaction, std::move(data), source);
  if (type != kAutocomplete)
    stage_.witness.asked(id, server.id, user, interaction.what, interaction.asked_at);
  all_.push_back(std::move(interaction));
  if (all_.size() > kKept) all_.pop_front();
  if (endpoint_.counts()) {
    stage_.spawn("posted interaction", [this, id, body = json::write(event)] { return tell(id, body); });
  } else {
    gateway_.dispatch("INTERACTION_CREATE", server.id, event, user);
  }
  stage_.spawn("interaction deadline", [this, id] { return expire(id); });
  return id;
}

Task<void> Interactions::expire(Snowflake id) {
  const bool on = co_await stage_.naps.rest(deadlines_.first_answer);
  if (!on) co_return;
  if (Interaction* interaction = find(id)) give_up(*interaction);
}

void Interactions::give_up(Interaction& interaction) {
  if (interaction.state != State::waiting) return;
  interaction.state = State::dead;
  if (interaction.type != kAutocomplete) stage_.witness.late(interaction.id, stage_.clock.now());
}

Task<void> Interactions::tell(Snowflake id, std::string event) {
  constexpr int kAccepted = 202;  // the answer comes by the callback route
  const auto reply = co_await endpoint_.post(std::move(event));
  Interaction* interaction = find(id);
  if (reply.status == kAccepted || interaction == nullptr) co_return;
  const bool answered =
      reply.status == 200 && callback(id, interaction->token, reply.body, false).has_value();
  if (!answered) give_up(*interaction);
}

Interaction* Interactions::find(Snowflake id) {
  for (Interaction& interaction : all_) {
    if (interaction.id == id) return &interaction;
  }
  return nullptr;
}

json::Object Interactions::event_of(const Interaction& interaction, json::Object data,
                                    const Message* source) const {
  const Server& server = *stage_.world.server(interaction.server);
  const Channel& channel = *server.channel(interaction.channel);
  json::Object member = shapes::member(stage_.world, server.members.at(interaction.user));
  member["permissions"] =
      std::to_string(effective_permissions(server, interaction.user, channel, interaction.asked_at));
  json::Object event{
      {"id", std::to_string(interaction.id)},
      {"application_id", std::to_string(stage_.world.bot.id)},
      {"type", interaction.type},
      {"token", interaction.token},
      {"version", 1},
      {"guild_id", std::to_string(server.id)},
      {"guild", {{"id", std::to_string(server.id)}, {"locale", "en-US"}, {"features", json::Array{}}}},
      {"channel_id", std::to_string(channel.id)},
      {"channel", shapes::channel(server, channel)},
      {"member", std::move(member)},
      {"data", std::move(data)},
      {"app_permissions",
       std::to_string(effective_permissions(server, stage_.world.bot.id, channel, interaction.asked_at))},
      {"locale", "en-US"},
      {"guild_locale", "en-US"},
      {"entitlements", json::Array{}},
      {"entitlement_sku_ids", json::Array{}},
      {"authorizing_integration_owners", json::Object{{"0", std::to_string(server.id)}}},
      {"context", 0},
      {"attachment_size_limit", 10'485'760}};
  if (source != nullptr) event["message"] = source->body;
  return event;
}

// The first answer ----------------------------------------------------------------------------------

std::optional<ApiError> Interactions::refuse_callback(const Interaction* interaction,
                                                      const std::string& token, int type) const {
  if (interaction == nullptr || interaction->token != token) return api_error::unknown_interaction().error();
  if (interaction->state == State::deferred || interaction->state == State::answered) {
    return ApiError{400, 40060, "Interaction has already been acknowledged."};
  }
  const bool late = steady_clock::now() - interaction->asked > deadlines_.first_answer;
  if (late || interaction->state == State::dead) return api_error::unknown_interaction().error();
  const bool form = interaction->type == kForm;
  const bool typing = interaction->type == kAutocomplete;
  const bool of_message = interaction->type == kComponent || (form && interaction->original);
  const bool changes = type == kDeferUpdate || type == kUpdate;
  if ((changes && !of_message) || (form && type == kModal) || typing != (type == kChoices)) {
    return ApiError{400, 50035, "Invalid Form Body", {{"type", {{"_errors", json::Array{}}}}}};
  }
  return std::nullopt;
}

ApiAnswer Interactions::callback(Snowflake id, const std::string& token, const json::Value& body,
                                 bool with_response) {
  Interaction* interaction = find(id);
  const int type = static_cast<int>(json::integer(body, "type").value_or(0));
  if (const auto refused = refuse_callback(interaction, token, type)) return std::unexpected(*refused);
  if (const auto checked = check_callback(body); !checked) return std::unexpected(checked.error());
  answer(*interaction, body);
  if (!with_response) return ApiReply{204, nullptr};
  return ApiReply{200, callback_response(*interaction)};
}

void Interactions::answer(Interaction& interaction, const json::Value& body) {
  const int type = static_cast<int>(json::integer(body, "type").value_or(0));
  const json::Value fields = fields_of(body);
  interaction.answer_type = type;
  interaction.first_answered = steady_clock::now();
  interaction.ephemeral = (json::integer(fields, "flags").value_or(0) & kEphemeral) != 0;
  const bool deferral = type == kDefer || type == kDeferUpdate;
  interaction.state = deferral ? State::deferred : State::answered;
  if (type == kMessage) interaction.original = post(interaction, fields, interaction.ephemeral, 0).id;
  if (type == kDefer)
    interaction.original = post(interaction, json::Object{}, interaction.ephemeral, kLoading).id;
  if (type == kUpdate) update_source(interaction, fields);
  if (type == kModal) interaction.modal = fields;
  if (type == kChoices) interaction.choices = json::array(fields, "choices");
  if (on_first_answer) on_first_answer(interaction);
  if (interaction.type == kAutocomplete) return;  // nobody waits for it as for an answer
  stage_.witness.answered(interaction.id, how_of(type), interaction.ephemeral,
                          json::text_or(fields, "content", ""), stage_.clock.now());
}

const Message& Interactions::post(const Interaction& interaction, const json::Value& fields, bool ephemeral,
                                  std::int64_t extra_flags) {
  MessageDraft draft;
  draft.channel = interaction.channel;
  draft.server = interaction.server;
  draft.author = stage_.world.bot.id;
  draft.ephemeral = ephemeral;
  draft.fields = fields;
  draft.fields.as_object()["flags"] = json::integer(fields, "flags").value_or(0) | extra_flags;
  draft.extra = {{"application_id", std::to_string(stage_.world.bot.id)},
                 {"webhook_id", std::to_string(stage_.world.bot.id)},
                 {"interaction_metadata",
                  {{"id", std::to_string(interaction.id)},
                   {"type", interaction.type},
                   {"user", shapes::user(*stage_.world.user(interaction.user))},
                   {"authorizing_integration_owners", {{"0", std::to_string(interaction.server)}}}}}};
  const Message& message = messages_.add(std::move(draft));
  if (!ephemeral) gateway_.dispatch("MESSAGE_CREATE", message.server, message_event(stage_.world, message));
  return message;
}

void Interactions::update_source(Interaction& interaction, const json::Value& fields) {
  Message* source = messages_.find(interaction.channel, interaction.original.value_or(0));
  if (source == nullptr) return;
  messages_.edit(*source, fields);
  announce_edit(*source);
}

void Interactions::announce_edit(const Message& message) {
  if (!message.ephemeral)
    gateway_.dispatch("MESSAGE_UPDATE", message.server, message_event(stage_.world, message));
}

json::Object Interactions::callback_response(const Interaction& interaction) const {
  json::Object out{{"interaction",
                    {{"id", std::to_string(interaction.id)},
                     {"type", interaction.type},
                     {"response_message_loading", interaction.state == State::deferred},
                     {"response_message_ephemeral", interaction.ephemeral},
                     {"channel_id", std::to_string(interaction.channel)},
                     {"guild_id", std::to_string(interaction.server)}}}};
  Message* message =
      interaction.original ? messages_.find(interaction.channel, *interaction.original) : nullptr;
  if (message == nullptr) return out;
  out["interaction"].as_object()["response_message_id"] = std::to_string(message->id);
  out["resource"] = json::Object{{"type", interaction.answer_type}, {"message", message->body}};
  return out;
}

// Afterwards ----------------------------------------------------------------------------------------

Interaction* Interactions::find_by_token(const std::string& token) {
  for (Interaction& interaction : all_) {
    if (interaction.token == token) return &interaction;
  }
  return nullptr;
}

std::expected<Interaction*, ApiError> Interactions::usable(const std::string& token) {
  Interaction* interaction = find_by_token(token);
  const bool answered = interaction != nullptr && interaction->first_answered.has_value();
  if (!answered) return api_error::unknown_webhook();
  if (steady_clock::now() - interaction->asked > deadlines_.life) {
    return api_error::make(401, 50027, "Invalid Webhook Token");
  }
  return interaction;
}

std::expected<Message*, ApiError> Interactions::message_of(Interaction& interaction,
                                                           std::optional<Snowflake> message) {
  const auto& followups = interaction.followups;
  const bool own = !message || message == interaction.original ||
                   std::find(followups.begin(), followups.end(), *message) != followups.end();
  const auto id = message ? message : interaction.original;
  Message* found = own && id ? messages_.find(interaction.channel, *id) : nullptr;
  if (found == nullptr) return api_error::unknown_message();
  return found;
}

ApiAnswer Interactions::read(const std::string& token, std::optional<Snowflake> message) {
  const auto interaction = usable(token);
  if (!interaction) return std::unexpected(interaction.error());
  const auto found = message_of(**interaction, message);
  if (!found) return std::unexpected(found.error());
  return ApiReply{200, (*found)->body};
}

ApiAnswer Interactions::edit(const std::string& token, std::optional<Snowflake> message,
                             const json::Value& body) {
  const auto interaction = usable(token);
  if (!interaction) return std::unexpected(interaction.error());
  const auto found = message_of(**interaction, message);
  if (!found) return std::unexpected(found.error());
  if (const auto checked = check_message(body, true); !checked) return std::unexpected(checked.error());
  messages_.edit(**found, body);
  announce_edit(**found);
  const bool completes = !message && (*interaction)->state == State::deferred;
  if (completes) (*interaction)->state = State::answered;
  stage_.witness.answered((*interaction)->id, completes ? "completed" : "edited", (*found)->ephemeral,
                          json::text_or(body, "content", ""), stage_.clock.now());
  return ApiReply{200, (*found)->body};
}

ApiAnswer Interactions::erase(const std::string& token, std::optional<Snowflake> message) {
  const auto interaction = usable(token);
  if (!interaction) return std::unexpected(interaction.error());
  const auto found = message_of(**interaction, message);
  if (!found) return std::unexpected(found.error());
  const bool promised = !message && (*interaction)->state == State::deferred;
  if (promised && (*interaction)->answer_type == kDefer) (*interaction)->taken_back = true;
  messages_.erase((*interaction)->channel, (*found)->id);
  return ApiReply{204, nullptr};
}

ApiAnswer Interactions::followup(const std::string& token, const json::Value& body) {
  const auto interaction = usable(token);
  if (!interaction) return std::unexpected(interaction.error());
  if (const auto checked = check_message(body, false); !checked) return std::unexpected(checked.error());
  // Right after a deferral it fills the placeholder instead of adding a message, if that is still there.
  const bool promised = (*interaction)->state == State::deferred && (*interaction)->answer_type == kDefer;
  if (promised && !(*interaction)->taken_back) return edit(token, std::nullopt, body);
  const bool ephemeral = (json::integer(body, "flags").value_or(0) & kEphemeral) != 0;
  const Message& message = post(**interaction, body, ephemeral, 0);
  (*interaction)->followups.push_back(message.id);
  if (promised) (*interaction)->state = State::answered;
  stage_.witness.answered((*interaction)->id, promised ? "completed" : "followup", ephemeral,
                          json::text_or(body, "content", ""), stage_.clock.now());
  return ApiReply{200, message.body};
}

// For the control interface -------------------------------------------------------------------------

json::Object Interactions::describe(const Interaction& interaction) const {
  const auto message = [&](Snowflake id) {
    const Message* found = messages_.find(interaction.channel, id);
    return found == nullptr ? json::Value(nullptr) : json::Value(found->body);
  };
  const bool own_original = interaction.original && interaction.answer_type != 0;
  // What was said in place of a promise that was taken back is the answer.
  const bool replaced = interaction.taken_back && !interaction.followups.empty();
  const auto answer = replaced ? std::optional(interaction.followups.front()) : interaction.original;
  json::Array followups;
  for (const Snowflake id : interaction.followups) followups.push_back(message(id));
  json::Value after_ms = nullptr;
  if (interaction.first_answered) {
    after_ms =
        std::chrono::duration<double, std::milli>(*interaction.first_answered - interaction.asked).count();
  }
  return {{"id", std::to_string(interaction.id)},
          {"token", interaction.token},
          {"type", interaction.type},
          {"guild", std::to_string(interaction.server)},
          {"channel", std::to_string(interaction.channel)},
          {"user", std::to_string(interaction.user)},
          {"what", interaction.what},
          {"asked_at", format_rfc3339(interaction.asked_at)},
          {"state", state_name(interaction.state)},
          {"answer_type",
           interaction.answer_type == 0 ? json::Value(nullptr) : json::Value(interaction.answer_type)},
          {"deferred", interaction.answer_type == kDefer || interaction.answer_type == kDeferUpdate},
          {"ephemeral", interaction.ephemeral},
          {"taken_back", interaction.taken_back},
          {"first_answer_ms", after_ms},
          {"answer", own_original ? message(*answer) : json::Value(nullptr)},
          {"modal", interaction.modal},
          {"choices", interaction.choices},
          {"followups", std::move(followups)}};
}

json::Array Interactions::list(std::optional<Snowflake> only) const {
  json::Array out;
  for (const Interaction& interaction : all_) {
    if (!only || *only == interaction.id) out.emplace_back(describe(interaction));
  }
  return out;
}

}  // namespace guildhall::sim
