// Many texts as one value for PostgreSQL: one question about all of them is one round trip.
#pragma once

#include <string>
#include <vector>

namespace guildhall::migrate {

/// {"a","b \"c\""}: for a parameter that is cast to text[].
std::string text_array(const std::vector<std::string>& texts);

}  // namespace guildhall::migrate
