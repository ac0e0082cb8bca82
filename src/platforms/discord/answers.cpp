#include "platforms/discord/answers.h"

#include <algorithm>

#include "base/graphemes.h"

namespace guildhall::discord {
namespace {

constexpr int kEphemeral = 1 << 6;
constexpr std::size_t kMostChoices = 25;
constexpr std::size_t kLongestChoice = 100;

/// Discord's number of each alternative, in their order.
constexpr int kNumbers[] = {1, 4, 5, 6, 7, 8, 9};
static_assert(std::size(kNumbers) == std::variant_size_v<FirstAnswer>);

bool suits(const Asked& asked, const FirstAnswer& answer) {
  const bool says = std::holds_alternative<Say>(answer) || std::holds_alternative<Defer>(answer);
  const bool changes = std::holds_alternative<Update>(answer) || std::holds_alternative<DeferUpdate>(answer);
  switch (asked.type) {
    case InteractionType::ping: return std::holds_alternative<Pong>(answer);
    case InteractionType::command: return says || std::holds_alternative<Ask>(answer);
    case InteractionType::component: return says || changes || std::holds_alternative<Ask>(answer);
    case InteractionType::autocomplete: return std::holds_alternative<Suggest>(answer);
    case InteractionType::modal: return says || (changes && asked.from_message);
  }
  return false;
}

json::Object choices_json(const std::vector<CommandChoice>& choices) {
  json::Array written;
  for (const CommandChoice& choice : choices) {
    if (written.size() == kMostChoices) break;
    std::string name = fit_text(choice.name, kLongestChoice);
    // A value is taken back as it is: one that is too long must not become another.
    if (!name.empty() && !choice.value.empty() && fit_text(choice.value, kLongestChoice) == choice.value)
      written.push_back(json::Object{{"name", std::move(name)}, {"value", choice.value}});
  }
  return {{"choices", std::move(written)}};
}

json::Object flags_json(bool only_for_caller) {
  json::Object data;
  if (only_for_caller) data["flags"] = kEphemeral;
  return data;
}

struct DataOf {
  Result<json::Object> operator()(const Pong&) const { return json::Object{}; }
  Result<json::Object> operator()(const Say& say) const { return say_json(say); }
  Result<json::Object> operator()(const Defer& defer) const { return flags_json(defer.only_for_caller); }
  Result<json::Object> operator()(const DeferUpdate&) const { return json::Object{}; }
  Result<json::Object> operator()(const Update& update) const { return edited_message_json(update.message); }
  Result<json::Object> operator()(const Suggest& suggest) const { return choices_json(suggest.choices); }
  Result<json::Object> operator()(const Ask& ask) const { return modal_json(ask.modal); }
};

}  // namespace

Asked asked(const Interaction& interaction) {
  return {interaction.id, interaction.token, interaction.type, interaction.message.has_value()};
}

Result<json::Object> say_json(const Say& say) {
  auto written = message_json(say.message);
  if (written && say.only_for_caller) (*written)["flags"] = kEphemeral;
  return written;
}

Result<json::Object> answer_json(const Asked& asked, const FirstAnswer& answer) {
  if (!suits(asked, answer)) return fail(ErrorCode::invalid, "Discord takes no such answer to this");
  auto data = std::visit(DataOf{}, answer);
  if (!data) return std::unexpected(data.error());
  json::Object written{{"type", kNumbers[answer.index()]}};
  if (!data->empty()) written["data"] = *std::move(data);
  return written;
}

}  // namespace guildhall::discord
