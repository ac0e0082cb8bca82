#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "base/text.h"
#include "sim/discord_checks.h"

namespace guildhall::sim {
namespace {

constexpr std::string_view kTooLong = "BASE_TYPE_BAD_LENGTH";
constexpr std::string_view kRequired = "BASE_TYPE_REQUIRED";
constexpr std::string_view kChoices = "BASE_TYPE_CHOICES";
constexpr std::string_view kWrongType = "BASE_TYPE_BAD_TYPE";

/// A text field of at most `longest` UTF-16 units; its length, 0 when absent.
std::size_t check_text(const json::Value& object, std::string_view key, const std::string& path,
                       std::size_t longest, bool required, Complaints& complaints) {
  const json::Value* value = json::find(object, key);
  if (value == nullptr) {
    if (required) complaints.add(field_at(path, key), kRequired, "This field is required");
    return 0;
  }
  if (!value->is_string()) {
    complaints.add(field_at(path, key), "STRING_TYPE_CONVERT", "Could not interpret as string.");
    return 0;
  }
  const std::size_t length = utf16_length(value->get_string());
  if (length > longest) {
    complaints.add(field_at(path, key), "BASE_TYPE_MAX_LENGTH",
                   fmt::format("Must be {} or fewer in length.", longest));
  }
  if (required && length == 0) complaints.add(field_at(path, key), kRequired, "This field is required");
  return length;
}

std::size_t check_embed(const json::Value& embed, const std::string& path, Complaints& complaints) {
  std::size_t total = check_text(embed, "title", path, 256, false, complaints) +
                      check_text(embed, "description", path, 4096, false, complaints);
  if (const json::Value* footer = json::find(embed, "footer")) {
    total += check_text(*footer, "text", field_at(path, "footer"), 2048, true, complaints);
  }
  if (const json::Value* author = json::find(embed, "author")) {
    total += check_text(*author, "name", field_at(path, "author"), 256, true, complaints);
  }
  const json::Array& fields = json::array(embed, "fields");
  if (fields.size() > 25)
    complaints.add(field_at(path, "fields"), kTooLong, "Must be 25 or fewer in length.");
  for (std::size_t i = 0; i < fields.size(); ++i) {
    const std::string place = field_at(field_at(path, "fields"), i);
    total += check_text(fields[i], "name", place, 256, true, complaints);
    total += check_text(fields[i], "value", place, 1024, true, complaints);
  }
  return total;
}

void check_embeds(const json::Value& body, const std::string& path, Complaints& complaints) {
  const json::Array& embeds = json::array(body, "embeds");
  const std::string place = field_at(path, "embeds");
  if (embeds.size() > 10) complaints.add(place, kTooLong, "Must be 10 or fewer in length.");
  std::size_t total = 0;
  for (std::size_t i = 0; i < embeds.size(); ++i)
    total += check_embed(embeds[i], field_at(place, i), complaints);
  if (total > 6000)
    complaints.add(place, "MAX_EMBED_SIZE_EXCEEDED", "Embed size exceeds maximum size of 6000");
}

/// Mentions of one kind may be parsed from the text or listed, not both.
void check_allowed_mentions(const json::Value& body, const std::string& path, Complaints& complaints) {
  const json::Value* allowed = json::find(body, "allowed_mentions");
  if (allowed == nullptr) return;
  const std::string place = field_at(path, "allowed_mentions");
  for (const json::Value& kind : json::array(*allowed, "parse")) {
    const std::string_view name = kind.is_string() ? std::string_view(kind.get_string()) : "";
    if (name != "users" && name != "roles" && name != "everyone") {
      complaints.add(field_at(place, "parse"), kChoices,
                     "Value must be one of {'users', 'roles', 'everyone'}.");
    } else if (name != "everyone" && !json::array(*allowed, name).empty()) {
      complaints.add(place, "MESSAGE_ALLOWED_MENTIONS_PARSE_EXCLUSIVE",
                     fmt::format("parse:[\"{0}\"] and {0}: [ids...] are mutually exclusive.", name));
    }
  }
  for (const char* kind : {"users", "roles"}) {
    if (json::array(*allowed, kind).size() > 100)
      complaints.add(field_at(place, kind), kTooLong, "Must be 100 or fewer.");
  }
}

class ComponentCheck {
 public:
  ComponentCheck(std::string path, bool v2, Complaints& complaints)
      : path_(std::move(path)), v2_(v2), complaints_(complaints) {}

  void rows(const json::Array& rows) {
    if (!v2_ && rows.size() > 5) complaints_.add(path_, kTooLong, "Must be 5 or fewer in length.");
    for (std::size_t i = 0; i < rows.size(); ++i) component(rows[i], field_at(path_, i), true);
    if (count_ > 40) complaints_.add(path_, kTooLong, "Must be 40 or fewer in length.");
  }

  /// Of a modal: labels with one field each, or texts.
  void parts(const json::Array& parts) {
    if (parts.empty() || parts.size() > 5)
      complaints_.add(path_, kTooLong, "Must be between 1 and 5 in length.");
    for (std::size_t i = 0; i < parts.size(); ++i) {
      const std::string place = field_at(path_, i);
      const auto type = json::integer(parts[i], "type").value_or(0);
      if (type == 10) {
        check_text(parts[i], "content", place, 4000, true, complaints_);
      } else if (type == 18) {
        label(parts[i], place);
      } else {
        complaints_.add(field_at(place, "type"), kChoices, "Value must be one of {10, 18}.");
      }
    }
  }

 private:
  void label(const json::Value& value, const std::string& path) {
    check_text(value, "label", path, 45, true, complaints_);
    check_text(value, "description", path, 100, false, complaints_);
    const std::string place = field_at(path, "component");
    const json::Value* field = json::find(value, "component");
    if (field == nullptr) return complaints_.add(place, kRequired, "This field is required");
    if (json::find(*field, "disabled") != nullptr)
      complaints_.add(field_at(place, "disabled"), kChoices, "No field of a modal can be disabled.");
    const auto type = json::integer(*field, "type").value_or(0);
    switch (type) {
      case 3:
      case 5:
      case 6:
      case 7:
      case 8: return modal_select(*field, place, type);
      case 4: return text_input(*field, place);
      case 21: return group(*field, place, 2);
      case 22: return group(*field, place, 1);
      case 19:
      case 23: return custom_id(*field, place);
      default: complaints_.add(field_at(place, "type"), kChoices, "This is no field of a modal.");
    }
  }

  void modal_select(const json::Value& value, const std::string& path, std::int64_t type) {
    select(value, path, type);
    const bool may_be_empty = json::integer(value, "min_values") == 0;
    if (may_be_empty && json::boolean(value, "required").value_or(true))
      complaints_.add(field_at(path, "min_values"), kChoices, "Must be 1 or more where it is required.");
  }

  void text_input(const json::Value& value, const std::string& path) {
    custom_id(value, path);
    check_text(value, "value", path, 4000, false, complaints_);
    check_text(value, "placeholder", path, 100, false, complaints_);
    const auto style = json::integer(value, "style").value_or(0);
    if (style != 1 && style != 2) complaints_.add(field_at(path, "style"), kChoices, "Must be 1 or 2.");
    check_range(value, path, "min_length", "max_length", {0, 1, 4000});
  }

  /// Of radio buttons or boxes.
  void group(const json::Value& value, const std::string& path, std::size_t least) {
    custom_id(value, path);
    options(value, path, least, 10);
  }

  struct Range {
    std::int64_t least;         // of the lower end
    std::int64_t least_of_end;  // of the upper end
    std::int64_t most;
  };
  void check_range(const json::Value& value, const std::string& path, std::string_view from,
                   std::string_view to, Range range) {
    const auto begin = json::integer(value, from).value_or(range.least_of_end);
    const auto end = json::integer(value, to).value_or(std::max(begin, range.least_of_end));
    if (begin < range.least || begin > range.most || end < range.least_of_end || end > range.most ||
        begin > end)
      complaints_.add(field_at(path, from), kChoices, "These limits are none.");
  }
  void component(const json::Value& value, const std::string& path, bool top) {
    ++count_;
    const auto type = json::integer(value, "type").value_or(0);
    const bool v2_only = type >= 9;
    if (type < 1 || type > 23 || (top && !v2_ && type != 1) || (v2_only && !v2_)) {
      complaints_.add(field_at(path, "type"), kChoices,
                      "Value of field \"type\" must be one of the allowed types.");
      return;
    }
    if (type == 1) return row(value, path);
    if (type == 2) button(value, path);
    if (type == 3 || (type >= 5 && type <= 8)) select(value, path, type);
    if (type == 10) check_text(value, "content", path, 4000, true, complaints_);
    const json::Array& inner = json::array(value, "components");
    for (std::size_t i = 0; i < inner.size(); ++i)
      component(inner[i], field_at(field_at(path, "components"), i), false);
    if (const json::Value* accessory = json::find(value, "accessory"))
      component(*accessory, field_at(path, "accessory"), false);
  }

  void row(const json::Value& value, const std::string& path) {
    const json::Array& parts = json::array(value, "components");
    const std::string place = field_at(path, "components");
    if (parts.empty() || parts.size() > 5)
      complaints_.add(place, kTooLong, "Must be between 1 and 5 in length.");
    for (std::size_t i = 0; i < parts.size(); ++i) {
      const auto type = json::integer(parts[i], "type").value_or(0);
      if (type != 2 && parts.size() > 1) {
        complaints_.add(place, "COMPONENT_LAYOUT_WIDTH_EXCEEDED",
                        "The specified component exceeds the maximum width");
      }
      if (type < 2 || type > 8 || type == 4) {
        complaints_.add(field_at(field_at(place, i), "type"), kChoices,
                        "Value must be one of {2, 3, 5, 6, 7, 8}.");
      } else {
        component(parts[i], field_at(place, i), false);
      }
    }
  }

  void button(const json::Value& value, const std::string& path) {
    const auto style = json::integer(value, "style").value_or(0);
    check_text(value, "label", path, 80, false, complaints_);
    if (style < 1 || style > 6)
      complaints_.add(field_at(path, "style"), kChoices, "Value must be one of {1, 2, 3, 4, 5, 6}.");
    if (style == 5) check_text(value, "url", path, 512, true, complaints_);
    if (style >= 1 && style <= 4) custom_id(value, path);
  }

  void select(const json::Value& value, const std::string& path, std::int64_t type) {
    custom_id(value, path);
    check_text(value, "placeholder", path, 150, false, complaints_);
    check_range(value, path, "min_values", "max_values", {0, 1, 25});
    if (type == 3) options(value, path, 1, 25);
  }

  void options(const json::Value& value, const std::string& path, std::size_t least, std::size_t most) {
    const json::Array& options = json::array(value, "options");
    if (options.size() < least || options.size() > most)
      complaints_.add(field_at(path, "options"), kTooLong,
                      fmt::format("Must be between {} and {} in length.", least, most));
    std::set<std::string> values;
    std::int64_t chosen = 0;
    for (std::size_t i = 0; i < options.size(); ++i) {
      const std::string place = field_at(field_at(path, "options"), i);
      check_text(options[i], "label", place, 100, true, complaints_);
      check_text(options[i], "value", place, 100, true, complaints_);
      check_text(options[i], "description", place, 100, false, complaints_);
      if (!values.insert(json::text_or(options[i], "value", "")).second)
        complaints_.add(field_at(place, "value"), "SELECT_COMPONENT_OPTION_VALUE_DUPLICATED",
                        "The specified option value is already used");
      if (json::boolean(options[i], "default").value_or(false)) ++chosen;
    }
    if (chosen > json::integer(value, "max_values").value_or(1))
      complaints_.add(field_at(path, "options"), kTooLong, "More are chosen than may be.");
  }

  void custom_id(const json::Value& value, const std::string& path) {
    check_text(value, "custom_id", path, 100, true, complaints_);
    if (!custom_ids_.insert(json::text_or(value, "custom_id", "")).second) {
      complaints_.add(field_at(path, "custom_id"), "COMPONENT_CUSTOM_ID_DUPLICATED",
                      "Component custom id cannot be duplicated");
    }
  }

  std::string path_;
  bool v2_;
  Complaints& complaints_;
  std::set<std::string> custom_ids_;
  std::size_t count_ = 0;
};

void check_v2(const json::Value& body, const std::string& path, Complaints& complaints) {
  for (const char* key : {"content", "embeds", "poll", "sticker_ids"}) {
    const json::Value* value = json::find(body, key);
    const bool filled = value != nullptr && !(value->is_string() && value->get_string().empty()) &&
                        !(value->is_array() && value->get_array().empty());
    if (filled) {
      complaints.add(
          field_at(path, key), "MESSAGE_CANNOT_USE_LEGACY_FIELDS_WITH_COMPONENTS_V2",
          fmt::format("The '{}' field cannot be used when using MessageFlags.IS_COMPONENTS_V2", key));
    }
  }
}

void check_fields(const json::Value& body, const std::string& path, Complaints& complaints) {
  const bool v2 = (json::integer(body, "flags").value_or(0) & kComponentsV2) != 0;
  if (v2) check_v2(body, path, complaints);
  check_text(body, "content", path, 2000, false, complaints);
  check_embeds(body, path, complaints);
  check_allowed_mentions(body, path, complaints);
  ComponentCheck(field_at(path, "components"), v2, complaints).rows(json::array(body, "components"));
  if (const json::Value* nonce = json::find(body, "nonce"); nonce != nullptr && !nonce->is_int64()) {
    check_text(body, "nonce", path, 25, false, complaints);
  }
  for (const char* key : {"embeds", "components"}) {
    const json::Value* value = json::find(body, key);
    if (value != nullptr && !value->is_array())
      complaints.add(field_at(path, key), kWrongType, "Only lists are allowed.");
  }
}

bool has_content(const json::Value& body) {
  return !trim(json::text_or(body, "content", "")).empty() || !json::array(body, "embeds").empty() ||
         !json::array(body, "components").empty() || json::find(body, "poll") != nullptr ||
         !json::array(body, "sticker_ids").empty() || !json::array(body, "attachments").empty();
}

std::expected<void, ApiError> check_at(const json::Value& body, const std::string& path, bool edit) {
  if (!body.is_object()) return api_error::make(400, 50109, "The request body contains invalid JSON.");
  Complaints complaints;
  check_fields(body, path, complaints);
  if (!complaints.empty()) return complaints.refuse();
  if (!edit && !has_content(body)) return api_error::make(400, 50006, "Cannot send an empty message");
  return {};
}

std::expected<void, ApiError> check_choices(const json::Value& data) {
  Complaints complaints;
  const json::Array& choices = json::array(data, "choices");
  if (choices.size() > 25) complaints.add("data.choices", kTooLong, "Must be 25 or fewer in length.");
  for (std::size_t i = 0; i < choices.size(); ++i) {
    check_text(choices[i], "name", fmt::format("data.choices.{}", i), 100, true, complaints);
  }
  if (!complaints.empty()) return complaints.refuse();
  return {};
}

std::expected<void, ApiError> check_modal(const json::Value& data) {
  Complaints complaints;
  check_text(data, "title", "data", 45, true, complaints);
  check_text(data, "custom_id", "data", 100, true, complaints);
  ComponentCheck("data.components", true, complaints).parts(json::array(data, "components"));
  if (!complaints.empty()) return complaints.refuse();
  return {};
}

std::expected<void, ApiError> check_deferral(const json::Value& data) {
  Complaints complaints;
  if ((json::integer(data, "flags").value_or(0) & ~kEphemeral) != 0) {
    complaints.add("data.flags", "INTERACTION_CALLBACK_DEFERRED_FLAGS",
                   "Only the EPHEMERAL flag may be set on a deferral.");
    return complaints.refuse();
  }
  return {};
}

}  // namespace

std::expected<void, ApiError> check_message(const json::Value& body, bool edit) {
  return check_at(body, "", edit);
}

std::expected<void, ApiError> check_callback(const json::Value& body) {
  static const json::Value kNothing = json::Object{};
  const auto type = json::integer(body, "type");
  const json::Value* given = json::find(body, "data");
  const json::Value& data = given == nullptr ? kNothing : *given;
  switch (type.value_or(0)) {
    case 4: return check_at(data, "data", false);
    case 5: return check_deferral(data);
    case 6: return {};
    case 7: return check_at(data, "data", true);
    case 8: return check_choices(data);
    case 9: return check_modal(data);
    default: break;
  }
  Complaints complaints;
  complaints.add("type", kChoices, "Value must be one of {4, 5, 6, 7, 8, 9}.");
  return complaints.refuse();
}

}  // namespace guildhall::sim
