#include "sim/components.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/text.h"

namespace guildhall::sim {
namespace {

constexpr int kTextSelect = 3;
constexpr int kUserSelect = 5;
constexpr int kMentionableSelect = 7;

std::int64_t type_of(const json::Value& component) { return json::integer(component, "type").value_or(0); }

std::unexpected<Error> wrong(const json::Value& component, std::string_view what) {
  return fail(ErrorCode::invalid, fmt::format("{}: {}", json::text_or(component, "custom_id", ""), what));
}

bool is_offered(const json::Value& select, const json::Value& value) {
  return std::ranges::any_of(json::array(select, "options"),
                             [&](const json::Value& option) { return option.at("value") == value; });
}

/// `call(component)` of each field.
template <class F>
void each_field(const json::Value& form, F call) {
  for (const json::Value& part : json::array(form, "components")) {
    if (const json::Value* component = json::find(part, "component")) call(*component);
  }
}

const json::Value* written_in(const json::Value& component, const json::Object& fields) {
  return fields.if_contains(json::text_or(component, "custom_id", ""));
}

json::Array chosen_in(const json::Value& component, const json::Object& fields) {
  const json::Value* chosen = written_in(component, fields);
  return chosen != nullptr && chosen->is_array() ? chosen->get_array() : json::Array{};
}

std::string text_in(const json::Value& component, const json::Object& fields) {
  const json::Value* text = written_in(component, fields);
  return text != nullptr && text->is_string() ? std::string(text->get_string()) : "";
}

Result<void> check_text(const json::Value& input, const std::string& text) {
  const auto length = static_cast<std::int64_t>(utf16_length(text));
  const bool required = json::boolean(input, "required").value_or(true);
  if (length == 0 && !required) return {};
  if (length == 0) return wrong(input, "something has to be written");
  if (length < json::integer(input, "min_length").value_or(0)) return wrong(input, "is too short");
  if (length > json::integer(input, "max_length").value_or(4'000)) return wrong(input, "is too long");
  return {};
}

}  // namespace

const json::Value* component_of(const json::Value& part, std::string_view custom_id) {
  if (json::text_or(part, "custom_id", "") == custom_id) return &part;
  for (const json::Value& inner : json::array(part, "components")) {
    if (const json::Value* found = component_of(inner, custom_id)) return found;
  }
  const json::Value* accessory = json::find(part, "accessory");
  return accessory == nullptr ? nullptr : component_of(*accessory, custom_id);
}

Result<void> check_choice(const json::Value& component, const json::Array& values) {
  if (json::boolean(component, "disabled").value_or(false)) return fail(ErrorCode::conflict, "is disabled");
  const auto count = static_cast<std::int64_t>(values.size());
  if (type_of(component) == kButton) {
    if (count > 0) return wrong(component, "nothing can be chosen from a button");
    return {};
  }
  if (count == 0 && json::boolean(component, "required") == false) return {};
  if (count < json::integer(component, "min_values").value_or(1)) return wrong(component, "too few");
  if (count > json::integer(component, "max_values").value_or(1)) return wrong(component, "too many");
  const bool all_offered =
      std::ranges::all_of(values, [&](const json::Value& value) { return is_offered(component, value); });
  if (type_of(component) == kTextSelect && !all_offered) return wrong(component, "is not offered");
  return {};
}

Result<void> check_fields(const json::Value& form, const json::Object& fields) {
  Result<void> right;
  each_field(form, [&](const json::Value& component) {
    if (!right) return;
    right = type_of(component) == kTextInput ? check_text(component, text_in(component, fields))
                                             : check_choice(component, chosen_in(component, fields));
  });
  return right;
}

json::Array filled_in(const json::Value& form, const json::Object& fields) {
  json::Array parts;
  int id = 0;
  each_field(form, [&](const json::Value& component) {
    json::Object filled{{"type", component.at("type")}, {"custom_id", component.at("custom_id")}};
    if (type_of(component) == kTextInput) {
      filled["value"] = text_in(component, fields);
    } else {
      filled["values"] = chosen_in(component, fields);
    }
    const int label = ++id;
    filled["id"] = ++id;
    parts.push_back(json::Object{{"type", 18}, {"id", label}, {"component", std::move(filled)}});
  });
  return parts;
}

std::vector<Snowflake> users_in(const json::Value& component, const json::Array& values) {
  std::vector<Snowflake> users;
  if (type_of(component) != kUserSelect && type_of(component) != kMentionableSelect) return users;
  for (const json::Value& value : values) {
    const json::Object one{{"id", value}};
    users.push_back(static_cast<Snowflake>(json::id(one, "id").value_or(0)));
  }
  return users;
}

std::vector<Snowflake> users_in(const json::Value& form, const json::Object& fields) {
  std::vector<Snowflake> users;
  each_field(form, [&](const json::Value& component) {
    std::ranges::copy(users_in(component, chosen_in(component, fields)), std::back_inserter(users));
  });
  return users;
}

}  // namespace guildhall::sim
