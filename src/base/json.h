// Tolerant reading of other people's JSON: an absent, null or oddly typed field is an empty optional,
// an unknown field is ignored, an id may be a string or a number. Nothing here throws on content.
#pragma once

#include <boost/json/object.hpp>
#include <boost/json/value.hpp>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/error.h"

namespace guildhall::json {

using Value = boost::json::value;
using Object = boost::json::object;
using Array = boost::json::array;

/// Parses one JSON text. Error `invalid`: not JSON, not UTF-8, or nested deeper than 32.
Result<Value> parse(std::string_view text);
std::string write(const Value& value);

/// The member `key` of an object, or nullptr when it is absent or null.
const Value* find(const Value& object, std::string_view key);
/// Follows several keys: find(v, "data", "user", "id").
template <class... Keys>
const Value* find(const Value& object, std::string_view first, Keys... rest) {
  const Value* inner = find(object, first);
  return inner == nullptr ? nullptr : find(*inner, rest...);
}

std::optional<std::string> text(const Value& object, std::string_view key);
std::string text_or(const Value& object, std::string_view key, std::string_view otherwise);
std::optional<std::int64_t> integer(const Value& object, std::string_view key);
/// An integer, or a decimal string that holds one (ids, permission sets).
std::optional<std::int64_t> id(const Value& object, std::string_view key);
std::optional<double> number(const Value& object, std::string_view key);
std::optional<bool> boolean(const Value& object, std::string_view key);
std::optional<TimePoint> time(const Value& object, std::string_view key);
/// The array `key`, or an empty one.
const Array& array(const Value& object, std::string_view key);

}  // namespace guildhall::json
