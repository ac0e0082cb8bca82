#include "convert/row_map.h"

#include <fmt/format.h>

#include <algorithm>
#include <fstream>
#include <map>
#include <optional>
#include <sstream>
#include <tuple>
#include <utility>

#include "base/crypto.h"
#include "base/json.h"
#include "base/text.h"
#include "convert/scheme.h"

namespace guildhall::convert {
namespace {

using migrate::Outcome;

struct Field {
  std::string text = {};
  bool is_quoted = false;
};

struct Record {
  std::vector<Field> fields = {};
  std::size_t line = 0;
};

std::unexpected<migrate::Problem> wrong(const std::string& file, std::size_t line, std::string_view text,
                                        std::string hint = {}) {
  return migrate::stop(migrate::Exit::usage, "CV-MAP", fmt::format("{} line {}: {}", file, line, text),
                       std::move(hint));
}

/// One line of fields after another.
class Reader {
 public:
  Reader(std::string_view content, const std::string& file) : rest_(content), file_(file) {
    constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";
    if (rest_.starts_with(kByteOrderMark)) rest_.remove_prefix(kByteOrderMark.size());
  }

  /// Nothing at the end of the file.
  Outcome<std::optional<Record>> next() {
    while (!rest_.empty() && (rest_.front() == '\n' || rest_.front() == '\r')) pass_line_end();
    if (rest_.empty()) return std::nullopt;
    Record record{.line = line_};
    for (bool goes_on = true; goes_on;) {
      auto field = next_field(record.line);
      if (!field) return std::unexpected(field.error());
      record.fields.push_back(*std::move(field));
      goes_on = !rest_.empty() && rest_.front() == ',';
      if (goes_on) rest_.remove_prefix(1);
    }
    return record;
  }

 private:
  void pass_line_end() {
    if (rest_.front() == '\n') ++line_;
    rest_.remove_prefix(1);
  }

  Outcome<Field> next_field(std::size_t line) {
    if (!rest_.starts_with('"')) {
      const std::size_t end = std::min(rest_.find_first_of(",\r\n"), rest_.size());
      Field field{std::string(rest_.substr(0, end))};
      rest_.remove_prefix(end);
      if (field.text.contains('"'))
        return wrong(file_, line, "a quote within a field that has none around it");
      return field;
    }
    Field field{.is_quoted = true};
    for (rest_.remove_prefix(1); !rest_.empty(); rest_.remove_prefix(1)) {
      if (rest_.front() == '\n') ++line_;
      if (rest_.front() != '"') {
        field.text += rest_.front();
        continue;
      }
      rest_.remove_prefix(1);
      if (!rest_.starts_with('"')) return end_of_quoted(std::move(field), line);
      field.text += '"';
    }
    return wrong(file_, line, "a quote that nothing ends");
  }

  Outcome<Field> end_of_quoted(Field field, std::size_t line) const {
    if (rest_.empty() || std::string_view(",\r\n").contains(rest_.front())) return field;
    return wrong(file_, line, "something stands behind the end of a quoted field");
  }

  std::string_view rest_;
  const std::string& file_;
  std::size_t line_ = 1;
};

bool is_header(const Record& record) {
  return record.fields.size() >= 3 && record.fields[0].text == "table" && record.fields[1].text == "key" &&
         record.fields[2].text == "server";
}

Outcome<MapLine> line_of(const Record& record, const std::string& file) {
  const auto& fields = record.fields;
  if (fields.size() != 3 && fields.size() != 4)
    return wrong(file, record.line,
                 fmt::format("{} field{}, and not table, key, server and perhaps a reason", fields.size(),
                             fields.size() == 1 ? "" : "s"));
  if (fields[0].text.empty()) return wrong(file, record.line, "no table is named");
  const auto server = parse_server(fields[2].text);
  if (!server)
    return wrong(file, record.line, fmt::format("'{}' is not the id of a Discord server", fields[2].text),
                 "It is a whole number above 0.");
  return MapLine{.table = fields[0].text,
                 .key = fields[1].text,
                 .is_all = fields[1].text == "*" && !fields[1].is_quoted,
                 .server = *server,
                 .line = record.line};
}

std::string quoted_field(std::string_view text) {
  const bool is_plain = text != "*" && text.find_first_of(",\"\r\n") == std::string_view::npos;
  if (is_plain) return std::string(text);
  std::string quoted = "\"";
  for (const char c : text) quoted += c == '"' ? std::string("\"\"") : std::string(1, c);
  return quoted + '"';
}

}  // namespace

Outcome<RowMap> parse_row_map(std::string_view content, const std::string& file) {
  if (!is_clean_utf8(content))
    return migrate::stop(migrate::Exit::usage, "CV-MAP", fmt::format("{} is not text in UTF-8", file));
  RowMap map{.file = file, .hash = hex(sha256(content))};
  std::map<std::tuple<bool, std::string, std::string>, std::size_t> seen;
  Reader reader(content, file);
  for (bool is_first = true;; is_first = false) {
    auto record = reader.next();
    if (!record) return std::unexpected(record.error());
    if (!*record) return map;
    if (is_first && is_header(**record)) continue;
    auto line = line_of(**record, file);
    if (!line) return std::unexpected(line.error());
    const auto [at, is_new] = seen.try_emplace({line->is_all, line->table, line->key}, line->line);
    if (!is_new)
      return wrong(
          file, line->line,
          fmt::format("'{}' of {} has a server in line {} already", line->key, line->table, at->second));
    map.lines.push_back(*std::move(line));
  }
}

Outcome<RowMap> read_row_map(const std::string& file) {
  std::ifstream input(file, std::ios::binary);
  std::stringstream content;
  content << input.rdbuf();
  if (!input || !content)
    return migrate::stop(migrate::Exit::usage, "CV-MAP",
                         fmt::format("'{}' is no file that can be read", file),
                         "'guildhall convert plan --write-map FILE' writes one to begin with.");
  return parse_row_map(content.str(), file);
}

std::string map_line(std::string_view table, const std::vector<std::string>& key, std::string_view server,
                     std::string_view reason) {
  std::string text = key.empty() ? "" : key.front();
  if (key.size() > 1) text = json::write(json::Array(key.begin(), key.end()));
  return fmt::format("{},{},{},{}\n", quoted_field(table), quoted_field(text), server, quoted_field(reason));
}

std::vector<std::string> key_values(const std::string& key, std::size_t columns) {
  if (columns == 1) return {key};
  const auto parsed = json::parse(key);
  if (!parsed || !parsed->is_array() || parsed->as_array().size() != columns) return {};
  std::vector<std::string> values;
  for (const auto& value : parsed->as_array()) {
    if (!value.is_string()) return {};
    values.emplace_back(value.as_string());
  }
  return values;
}

}  // namespace guildhall::convert
