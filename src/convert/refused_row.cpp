#include "convert/refused_row.h"

#include "base/json.h"

namespace guildhall::convert {
namespace {

/// Numbers in quotes, so that reading them changes none.
std::string with_quoted_numbers(const std::string& text) {
  std::string out;
  bool in_text = false, in_number = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    const bool begins_number = !in_text && !in_number && (c == '-' || (c >= '0' && c <= '9'));
    const bool ends_number = in_number && (c == ',' || c == '}' || c == ']' || c == ' ' || c == '\n');
    if (begins_number || ends_number) out += '"';
    in_number = begins_number || (in_number && !ends_number);
    if (c == '"') in_text = !in_text;
    out += c;
    if (in_text && c == '\\' && i + 1 < text.size()) out += text[++i];
  }
  return out;
}

}  // namespace

std::optional<boost::json::object> parse_refused_row(const std::string& row) {
  const auto parsed = json::parse(with_quoted_numbers(row));
  if (!parsed || !parsed->is_object()) return std::nullopt;
  json::Object object;
  for (const auto& [column, value] : parsed->as_object()) {
    if (value.is_null() || value.is_string()) {
      object[column] = value;
    } else {
      object[column] = json::write(value);
    }
  }
  return object;
}

}  // namespace guildhall::convert
