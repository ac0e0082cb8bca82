#include "doctor/examples.h"

#include <fmt/format.h>

#include <algorithm>

namespace guildhall::doctor {
namespace {

using bot::ArgumentKind;
using bot::SettingSpec;

std::optional<SettingExample> text_example(const SettingSpec& spec, const Marks& marks) {
  if (!spec.choices.empty()) return SettingExample{spec.choices[marks.number % spec.choices.size()]};
  const std::string buttons = fmt::format(R"([{{"label":"{}","url":"https://example.org/"}}])", marks.canary);
  for (const std::string& text : {marks.canary, marks.prefix, std::string("4242"), buttons}) {
    if (bot::SettingRegistry::check(spec, text)) return SettingExample{text};
  }
  const std::string zone = marks.number == 0 ? "Europe/Berlin" : "Europe/Lisbon";
  if (bot::SettingRegistry::check(spec, zone)) return SettingExample{zone, false};
  return std::nullopt;
}

/// Each way to write down one argument.
std::vector<std::string> texts_of(const bot::ArgumentSpec& spec, bot::Door door, const Named& named,
                                  const std::string& text, const std::function<std::int64_t()>& amount) {
  switch (spec.kind) {
    case ArgumentKind::person:
      if (door == bot::Door::chat) return {"@" + named.viewer};
      return {door == bot::Door::prefix ? fmt::format("<@{}>", named.member) : named.member, named.viewer};
    case ArgumentKind::integer:
      return {fmt::format("{}", std::clamp(amount(), spec.least, std::max(spec.least, spec.most)))};
    case ArgumentKind::choice: return spec.choices;
    case ArgumentKind::text: return {spec.name == "role" ? kRoleExample : text};
  }
  return {};
}

}  // namespace

std::optional<SettingExample> setting_example(const SettingSpec& spec, const Marks& marks) {
  switch (spec.type) {
    case SettingSpec::Type::integer: {
      const auto number = spec.least + 2 + 3 * static_cast<std::int64_t>(marks.number);
      return SettingExample{fmt::format("{}", std::min(number, spec.most))};
    }
    case SettingSpec::Type::boolean:
      if (spec.key == spec.owner + "_enabled") return SettingExample{"true"};
      return SettingExample{spec.builtin == "true" ? "false" : "true", false};
    case SettingSpec::Type::text: return text_example(spec, marks);
  }
  return std::nullopt;
}

std::vector<CallExample> call_examples(const bot::CommandSpec& command, bot::Door door, const Named& named,
                                       const std::string& text, const std::function<std::int64_t()>& amount) {
  std::vector<CallExample> needed(1);
  std::vector<CallExample> whole(1);
  for (const bot::ArgumentSpec& spec : command.arguments) {
    const auto texts = texts_of(spec, door, named, text, amount);
    if (spec.required) needed.front().emplace(spec.name, texts.front());
    std::vector<CallExample> longer;
    for (const CallExample& example : whole) {
      for (const std::string& one : texts) longer.emplace_back(example).emplace(spec.name, one);
    }
    whole = std::move(longer);
  }
  if (std::find(whole.begin(), whole.end(), needed.front()) == whole.end())
    whole.insert(whole.begin(), needed.front());
  return whole;
}

std::string words_of(const bot::CommandSpec& command, const CallExample& example) {
  std::string words = command.path;
  for (const bot::ArgumentSpec& spec : command.arguments) {
    if (const auto found = example.find(spec.name); found != example.end()) words += " " + found->second;
  }
  return words;
}

bool takes_person(const bot::CommandSpec& command) {
  return std::any_of(command.arguments.begin(), command.arguments.end(),
                     [](const auto& spec) { return spec.kind == ArgumentKind::person; });
}

}  // namespace guildhall::doctor
