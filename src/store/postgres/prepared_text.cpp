#include "store/postgres/prepared_text.h"

#include <fmt/format.h>

#include <algorithm>
#include <unordered_set>

namespace guildhall::store::postgres {
namespace {

PreparedText prepared(const StatementInfo& info, std::string name, std::string written,
                      Oid (*type)(ValueType)) {
  PreparedText text{std::move(name), std::move(written), {}, {}, {}};
  text.sql = number_parameters(text.written);
  for (const std::string& parameter : text.sql.names) {
    const auto& all = info.parameters;
    const auto found = std::ranges::find(all, parameter, &StatementInfo::Parameter::name);
    text.sources.push_back(found == all.end() ? -1 : static_cast<int>(found - all.begin()));
    text.types.push_back(found == all.end() ? oid_of(ValueType::integer) : type(found->type));
  }
  return text;
}

void append(std::string& bytes, std::int64_t number, int size) {
  for (int shift = (size - 1) * 8; shift >= 0; shift -= 8)
    bytes += static_cast<char>((number >> shift) & 0xFF);
}

/// So that no two different values, and no two lists of them, make the same bytes.
void append_to_key(std::string& key, const Value& value) {
  const auto* text = std::get_if<std::string>(&value);
  const auto* number = std::get_if<std::int64_t>(&value);
  std::string bytes;
  if (number != nullptr) {
    bytes = std::to_string(*number);
  } else if (text != nullptr) {
    bytes = *text;
  } else if (const auto* blob = std::get_if<Blob>(&value)) {
    bytes = blob->bytes;
  }
  key += fmt::format("{} {} {}", value.index(), bytes.size(), bytes);
}

}  // namespace

PreparedTexts prepared_texts(const StatementInfo& info, std::size_t index) {
  PreparedTexts texts;
  texts.one = prepared(info, fmt::format("s{}", index), info.postgres, oid_of);
  ArrayForm arrays = array_form(info.postgres);
  if (arrays.text.empty()) return texts;
  texts.many = prepared(info, fmt::format("m{}", index), std::move(arrays.text), array_oid_of);
  for (const std::string& name : arrays.distinct) {
    const auto found = std::ranges::find(info.parameters, name, &StatementInfo::Parameter::name);
    texts.distinct.push_back(static_cast<std::size_t>(found - info.parameters.begin()));
  }
  return texts;
}

bool are_distinct(Calls calls, const std::vector<std::size_t>& parameters) {
  if (parameters.empty()) return true;
  std::unordered_set<std::string> met;
  for (const auto& call : calls) {
    std::string key;
    for (const std::size_t parameter : parameters) append_to_key(key, call[parameter]);
    if (!met.insert(std::move(key)).second) return false;
  }
  return true;
}

Blob array_of(ValueType type, Calls calls, std::size_t parameter) {
  const auto is_null = [&](const std::vector<Value>& call) {
    return std::holds_alternative<std::monostate>(call[parameter]);
  };
  Blob array;
  append(array.bytes, 1, 4);
  append(array.bytes, std::ranges::any_of(calls, is_null) ? 1 : 0, 4);
  append(array.bytes, oid_of(type), 4);
  append(array.bytes, static_cast<std::int64_t>(calls.size()), 4);
  append(array.bytes, 1, 4);
  for (const auto& call : calls) {
    if (is_null(call)) {
      append(array.bytes, -1, 4);
    } else if (const auto* number = std::get_if<std::int64_t>(&call[parameter])) {
      append(array.bytes, 8, 4);
      append(array.bytes, *number, 8);
    } else {
      const auto* text = std::get_if<std::string>(&call[parameter]);
      const std::string& bytes = text != nullptr ? *text : std::get<Blob>(call[parameter]).bytes;
      append(array.bytes, static_cast<std::int64_t>(bytes.size()), 4);
      array.bytes += bytes;
    }
  }
  return array;
}

}  // namespace guildhall::store::postgres
