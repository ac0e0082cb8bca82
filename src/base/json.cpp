#include "base/json.h"

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <charconv>

#include "base/text.h"

namespace guildhall::json {

Result<Value> parse(std::string_view text) {
  boost::system::error_code error;
  boost::json::parse_options options;
  options.max_depth = 32;
  Value value = boost::json::parse(text, error, {}, options);
  if (error) return fail(ErrorCode::invalid, "not valid JSON: " + error.message());
  return value;
}

std::string write(const Value& value) { return boost::json::serialize(value); }

const Value* find(const Value& object, std::string_view key) {
  const Object* members = object.if_object();
  const Value* found = members == nullptr ? nullptr : members->if_contains(key);
  return found == nullptr || found->is_null() ? nullptr : found;
}

std::optional<std::string> text(const Value& object, std::string_view key) {
  const Value* found = find(object, key);
  if (found == nullptr || !found->is_string()) return std::nullopt;
  return clean_utf8(std::string_view(found->get_string()));
}

std::string text_or(const Value& object, std::string_view key, std::string_view otherwise) {
  return text(object, key).value_or(std::string(otherwise));
}

std::optional<std::int64_t> integer(const Value& object, std::string_view key) {
  const Value* found = find(object, key);
  if (found == nullptr) return std::nullopt;
  if (found->is_int64()) return found->get_int64();
  if (found->is_uint64() && found->get_uint64() <= INT64_MAX)
    return static_cast<std::int64_t>(found->get_uint64());
  return std::nullopt;
}

std::optional<std::int64_t> id(const Value& object, std::string_view key) {
  const Value* found = find(object, key);
  if (found == nullptr || !found->is_string()) return integer(object, key);
  const std::string_view digits = found->get_string();
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
  if (error != std::errc{} || end != digits.data() + digits.size() || digits.empty()) return std::nullopt;
  return value;
}

std::optional<double> number(const Value& object, std::string_view key) {
  const Value* found = find(object, key);
  if (found == nullptr || !found->is_number()) return std::nullopt;
  return found->is_double()  ? found->get_double()
         : found->is_int64() ? static_cast<double>(found->get_int64())
                             : static_cast<double>(found->get_uint64());
}

std::optional<bool> boolean(const Value& object, std::string_view key) {
  const Value* found = find(object, key);
  if (found == nullptr || !found->is_bool()) return std::nullopt;
  return found->get_bool();
}

std::optional<TimePoint> time(const Value& object, std::string_view key) {
  const auto written = text(object, key);
  if (!written) return std::nullopt;
  const auto parsed = parse_rfc3339(*written);
  if (!parsed) return std::nullopt;
  return *parsed;
}

const Array& array(const Value& object, std::string_view key) {
  static const Array kEmpty;
  const Value* found = find(object, key);
  return found != nullptr && found->is_array() ? found->get_array() : kEmpty;
}

}  // namespace guildhall::json
