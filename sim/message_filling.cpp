#include "sim/message_filling.h"

#include <algorithm>

namespace guildhall::sim {
namespace {

enum ComponentType : std::int64_t {
  kStringSelect = 3,
  kUserSelect = 5,
  kChannelSelect = 8,
  kThumbnail = 11,
  kSeparator = 14,
  kContainer = 17,
};

void set_missing(json::Object& object, std::string_view key, json::Value value) {
  if (!object.contains(key)) object[key] = std::move(value);
}

void add_defaults(json::Object& component, std::int64_t type) {
  if (type == kStringSelect || (type >= kUserSelect && type <= kChannelSelect)) {
    set_missing(component, "min_values", 1);
    set_missing(component, "max_values", 1);
  }
  if (type == kSeparator) {
    set_missing(component, "divider", true);
    set_missing(component, "spacing", 1);
  }
  if (type == kThumbnail) set_missing(component, "description", nullptr);
  if (type == kContainer) set_missing(component, "accent_color", nullptr);
  if (type == kThumbnail || type == kContainer) set_missing(component, "spoiler", false);
}

/// Numbers those that have none; `last` is the number given last.
void fill(json::Value& value, std::int64_t& last) {
  if (!value.is_object()) return;
  json::Object& component = value.get_object();
  if (json::integer(value, "id").value_or(0) == 0) component["id"] = ++last;
  add_defaults(component, json::integer(value, "type").value_or(0));
  if (json::Value* inner = component.if_contains("components"); inner != nullptr && inner->is_array()) {
    for (json::Value& one : inner->get_array()) fill(one, last);
  }
  if (json::Value* accessory = component.if_contains("accessory")) fill(*accessory, last);
}

/// The largest number that a bot gave itself.
std::int64_t largest_number(const json::Value& value) {
  std::int64_t largest = json::integer(value, "id").value_or(0);
  for (const json::Value& one : json::array(value, "components"))
    largest = std::max(largest, largest_number(one));
  const json::Value* accessory = json::find(value, "accessory");
  return accessory == nullptr ? largest : std::max(largest, largest_number(*accessory));
}

}  // namespace

json::Array filled_components(json::Array components) {
  std::int64_t last = 0;
  for (const json::Value& one : components) last = std::max(last, largest_number(one));
  for (json::Value& one : components) fill(one, last);
  return components;
}

json::Array filled_embeds(json::Array embeds) {
  for (json::Value& embed : embeds) {
    if (!embed.is_object()) continue;
    set_missing(embed.get_object(), "type", "rich");
    json::Value* fields = embed.get_object().if_contains("fields");
    if (fields == nullptr || !fields->is_array()) continue;
    for (json::Value& field : fields->get_array())
      if (field.is_object()) set_missing(field.get_object(), "inline", false);
  }
  return embeds;
}

}  // namespace guildhall::sim
