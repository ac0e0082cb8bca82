// What people choose and fill in. Discord's own client lets nothing else through; others may.
#pragma once

#include <string_view>
#include <vector>

#include "base/error.h"
#include "base/json.h"
#include "sim/world.h"

namespace guildhall::sim {

inline constexpr int kButton = 2;
inline constexpr int kTextInput = 4;

/// The component with that custom_id, wherever it is nested; null: there is none.
const json::Value* component_of(const json::Value& part, std::string_view custom_id);

/// Can this be pressed, or these be chosen there? Errors: `conflict` (it is disabled), `invalid`.
Result<void> check_choice(const json::Value& component, const json::Array& values);

/// Can a form be sent like this? `fields`: by custom id, a text or a list of values. Error `invalid`.
Result<void> check_fields(const json::Value& form, const json::Object& fields);
/// The form as it comes back, whatever is written in it.
json::Array filled_in(const json::Value& form, const json::Object& fields);

/// Of a select that names users: which ones.
std::vector<Snowflake> users_in(const json::Value& component, const json::Array& values);
std::vector<Snowflake> users_in(const json::Value& form, const json::Object& fields);

}  // namespace guildhall::sim
