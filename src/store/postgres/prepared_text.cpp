#include "store/postgres/prepared_text.h"

#include <fmt/format.h>

#include <algorithm>

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

}  // namespace

PreparedTexts prepared_texts(const StatementInfo& info, std::size_t index) {
  PreparedTexts texts;
  texts.one = prepared(info, fmt::format("s{}", index), info.postgres, oid_of);
  std::string arrays = array_form(info.postgres);
  if (!arrays.empty())
    texts.many = prepared(info, fmt::format("m{}", index), std::move(arrays), array_oid_of);
  return texts;
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
