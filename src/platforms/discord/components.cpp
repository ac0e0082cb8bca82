#include "platforms/discord/components.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <set>

#include "base/graphemes.h"
#include "base/text.h"

namespace guildhall::discord {
namespace {

/// Discord's numbers of what we make.
enum Type : int {
  kActionRow = 1,
  kButton = 2,
  kTextInput = 4,
  kLabel = 18,
  kFileUpload = 19,
  kRadioGroup = 21,
  kCheckboxGroup = 22,
  kCheckbox = 23,
};
constexpr int kLinkStyle = 5;

constexpr std::size_t kLongestLabel = 80;
constexpr std::size_t kLongestUrl = 512;
constexpr std::size_t kLongestOption = 100;
constexpr std::size_t kMostOptions = 25;
constexpr std::size_t kMostGroupOptions = 10;
constexpr std::size_t kLongestPlaceholder = 150;
constexpr std::size_t kLongestInput = 4'000;
constexpr std::size_t kLongestInputPlaceholder = 100;
constexpr std::size_t kLongestTitle = 45;
constexpr std::size_t kLongestDescription = 100;
constexpr std::size_t kMostFields = 5;

/// "<:name:id>" and "<a:name:id>" are of a server, everything else is Unicode's.
json::Object emoji_json(std::string_view emoji) {
  const auto name = emoji.find(':');
  const auto id = emoji.rfind(':');
  if (!emoji.starts_with('<') || !emoji.ends_with('>') || name == id) return {{"name", emoji}};
  return {{"name", emoji.substr(name + 1, id - name - 1)},
          {"id", emoji.substr(id + 1, emoji.size() - id - 2)},
          {"animated", emoji.starts_with("<a:")}};
}

/// Writes components; the first thing that Discord would refuse is remembered.
class Writer {
 public:
  json::Object operator()(const Button& button) {
    return {{"type", kButton},
            {"style", static_cast<int>(button.style)},
            {"label", shown(button.label, kLongestLabel, "a button's label")},
            {"custom_id", custom_id(button.custom_id)},
            {"disabled", button.disabled}};
  }

  json::Object operator()(const LinkButton& button) {
    const bool web = button.url.starts_with("https://") || button.url.starts_with("http://");
    require(web && utf16_length(button.url) <= kLongestUrl, "a button's address");
    json::Object written{{"type", kButton},
                         {"style", kLinkStyle},
                         {"label", shown(button.label, kLongestLabel, "a button's label")},
                         {"url", button.url},
                         {"disabled", button.disabled}};
    if (!button.emoji.empty()) written["emoji"] = emoji_json(button.emoji);
    return written;
  }

  json::Object operator()(const Select& select) {
    json::Object written =
        choice(static_cast<int>(select.kind), select.custom_id, select.least, select.most, kMostOptions);
    if (select.kind == SelectKind::text) {
      written["options"] = options(select.options, 1, kMostOptions);
      require(select.most <= static_cast<int>(select.options.size()), "the number of what may be chosen");
    }
    if (!select.channel_types.empty())
      written["channel_types"] = json::Array(select.channel_types.begin(), select.channel_types.end());
    if (!select.placeholder.empty())
      written["placeholder"] = fit_text(select.placeholder, kLongestPlaceholder);
    if (select.disabled) written["disabled"] = true;
    return written;
  }

  json::Object operator()(const ButtonRow& row) {
    require(!row.empty() && row.size() <= kButtonsInARow, "the number of buttons in a row");
    json::Array buttons;
    for (const auto& button : row) buttons.push_back(std::visit(*this, button));
    return {{"type", kActionRow}, {"components", std::move(buttons)}};
  }

  json::Object operator()(const TextInput& input) {
    const auto most = static_cast<std::size_t>(std::clamp(input.most, 1, static_cast<int>(kLongestInput)));
    require(input.least >= 0 && input.least <= static_cast<int>(most), "the length of a text");
    json::Object written{{"type", kTextInput},
                         {"custom_id", custom_id(input.custom_id)},
                         {"style", input.paragraph ? 2 : 1},
                         {"min_length", input.least},
                         {"max_length", most},
                         {"required", input.required}};
    if (!input.value.empty()) written["value"] = fit_text(input.value, most);
    if (!input.placeholder.empty())
      written["placeholder"] = fit_text(input.placeholder, kLongestInputPlaceholder);
    return written;
  }

  json::Object operator()(const FileUpload& upload) {
    return choice(kFileUpload, upload.custom_id, upload.least, upload.most, kMostGroupOptions);
  }

  json::Object operator()(const RadioGroup& group) {
    return {{"type", kRadioGroup},
            {"custom_id", custom_id(group.custom_id)},
            {"options", options(group.options, 2, kMostGroupOptions)},
            {"required", group.required}};
  }

  json::Object operator()(const CheckboxGroup& group) {
    json::Object written =
        choice(kCheckboxGroup, group.custom_id, group.least, group.most, kMostGroupOptions);
    written["options"] = options(group.options, 1, kMostGroupOptions);
    return written;
  }

  json::Object operator()(const Checkbox& box) {
    return {{"type", kCheckbox}, {"custom_id", custom_id(box.custom_id)}, {"default", box.checked}};
  }

  json::Object field(const Field& field) {
    json::Object input = std::visit(*this, field.input);
    // Only in a modal may nothing be chosen, and only where it is said in so many words.
    if (const auto least = input.if_contains("min_values"); least != nullptr)
      input["required"] = *least != json::Value(0);
    require(!input.contains("disabled"), "a disabled field of a modal");
    json::Object written{{"type", kLabel},
                         {"label", shown(field.label, kLongestTitle, "a field's label")},
                         {"component", std::move(input)}};
    if (!field.description.empty()) written["description"] = fit_text(field.description, kLongestDescription);
    return written;
  }

  std::string custom_id(const std::string& id) {
    require(!id.empty() && utf16_length(id) <= kLongestCustomId, "a custom id's length");
    require(custom_ids_.insert(id).second, "a custom id used twice");
    return id;
  }

  std::string shown(const std::string& text, std::size_t limit, std::string_view what) {
    std::string fitted = fit_text(text, limit);
    require(!fitted.empty(), what);
    return fitted;
  }

  void require(bool right, std::string_view what) {
    if (!right && !error_) error_ = fmt::format("Discord would refuse {}", what);
  }

  template <class Json>
  Result<Json> finish(Json written) {
    if (error_) return fail(ErrorCode::invalid, *error_);
    return written;
  }

 private:
  json::Object choice(int type, const std::string& id, int least, int most, std::size_t limit) {
    require(least >= 0 && most >= 1 && least <= most && most <= static_cast<int>(limit),
            "the number of what may be chosen");
    return {{"type", type}, {"custom_id", custom_id(id)}, {"min_values", least}, {"max_values", most}};
  }

  json::Array options(const std::vector<Option>& options, std::size_t least, std::size_t most) {
    require(options.size() >= least && options.size() <= most, "the number of options");
    json::Array written;
    std::set<std::string_view> values;
    for (const Option& option : options) {
      require(!option.value.empty() && utf16_length(option.value) <= kLongestOption, "an option's value");
      require(values.insert(option.value).second, "an option twice");
      json::Object one{{"label", shown(option.label, kLongestOption, "an option's label")},
                       {"value", option.value}};
      if (!option.description.empty()) one["description"] = fit_text(option.description, kLongestOption);
      if (option.chosen) one["default"] = true;
      written.emplace_back(std::move(one));
    }
    return written;
  }

  std::set<std::string> custom_ids_;
  std::optional<std::string> error_;
};

}  // namespace

Result<json::Array> rows_json(const std::vector<Row>& rows) {
  Writer writer;
  writer.require(rows.size() <= kMostRows, "the number of rows");
  json::Array written;
  for (const Row& row : rows) {
    if (const auto* select = std::get_if<Select>(&row)) {
      written.push_back(json::Object{{"type", kActionRow}, {"components", json::Array{writer(*select)}}});
    } else {
      written.push_back(writer(std::get<ButtonRow>(row)));
    }
  }
  return writer.finish(std::move(written));
}

Result<json::Object> modal_json(const Modal& modal) {
  Writer writer;
  writer.require(!modal.fields.empty() && modal.fields.size() <= kMostFields, "the number of fields");
  writer.require(!modal.custom_id.empty() && utf16_length(modal.custom_id) <= kLongestCustomId,
                 "a custom id's length");
  json::Array fields;
  for (const Field& field : modal.fields) fields.push_back(writer.field(field));
  json::Object written{{"custom_id", modal.custom_id},
                       {"title", writer.shown(modal.title, kLongestTitle, "a modal's title")},
                       {"components", std::move(fields)}};
  return writer.finish(std::move(written));
}

}  // namespace guildhall::discord
