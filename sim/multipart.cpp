#include "sim/multipart.h"

#include <fmt/format.h>

#include <map>

#include "base/text.h"
#include "net/url.h"
#include "sim/router.h"

namespace guildhall::sim {
namespace {

constexpr std::uint64_t kMostFiles = 10;
constexpr std::string_view kLineEnd = "\r\n";

/// The value of `key="value"` or `key=value` in a header.
std::string parameter(std::string_view header, std::string_view key) {
  const std::string start = "; " + std::string(key) + "=";
  const auto at = header.find(start);
  if (at == std::string_view::npos) return "";
  std::string_view value = header.substr(at + start.size());
  if (value.starts_with('"')) {
    value.remove_prefix(1);
    return std::string(value.substr(0, value.find('"')));
  }
  return std::string(value.substr(0, value.find(';')));
}

FormPart read_part(std::string_view text) {
  FormPart part;
  const auto head_end = text.find("\r\n\r\n");
  if (head_end == std::string_view::npos) return part;
  part.bytes = text.substr(head_end + 4);
  std::string_view head = text.substr(0, head_end);
  while (!head.empty()) {
    const auto end = std::min(head.find(kLineEnd), head.size());
    const std::string_view line = head.substr(0, end);
    head.remove_prefix(std::min(end + kLineEnd.size(), head.size()));
    const auto colon = line.find(':');
    if (colon == std::string_view::npos) continue;
    const std::string name = to_lower_ascii(line.substr(0, colon));
    const std::string_view value = trim(line.substr(colon + 1));
    if (name == "content-type") part.content_type = value;
    if (name != "content-disposition") continue;
    part.name = parameter(value, "name");
    part.filename = net::percent_decode(parameter(value, "filename"));
  }
  return part;
}

/// The files by their number.
std::map<std::uint64_t, const FormPart*> files_of(const std::vector<FormPart>& parts) {
  std::map<std::uint64_t, const FormPart*> files;
  for (const FormPart& part : parts) {
    if (!part.name.starts_with("files[") || !part.name.ends_with(']')) continue;
    const auto number = number_of(std::string_view(part.name).substr(6, part.name.size() - 7));
    if (number && *number < kMostFiles) files[*number] = &part;
  }
  return files;
}

json::Object attachment(const FormPart& file, const json::Value& described, Mint& mint) {
  const std::string id = std::to_string(mint.snowflake());
  const std::string name = json::text_or(described, "filename", file.filename);
  const std::string url =
      fmt::format("https://cdn.discordapp.com/attachments/{}/{}", id, net::percent_encode(name));
  json::Object out{{"id", id},   {"filename", name}, {"size", file.bytes.size()},
                   {"url", url}, {"proxy_url", url}, {"content_type", file.content_type}};
  if (const auto text = json::text(described, "description")) out["description"] = *text;
  return out;
}

}  // namespace

std::optional<std::vector<FormPart>> read_form(std::string_view content_type, std::string_view body) {
  const std::string boundary = "--" + parameter(content_type, "boundary");
  if (!content_type.starts_with("multipart/form-data") || boundary == "--") return std::nullopt;
  std::vector<FormPart> parts;
  while (body.starts_with(boundary + std::string(kLineEnd))) {
    body.remove_prefix(boundary.size() + kLineEnd.size());
    const auto end = body.find(std::string(kLineEnd) + boundary);
    if (end == std::string_view::npos) return std::nullopt;
    parts.push_back(read_part(body.substr(0, end)));
    body.remove_prefix(end + kLineEnd.size());
  }
  if (!body.starts_with(boundary + "--")) return std::nullopt;
  return parts;
}

std::optional<json::Value> message_of_form(const std::vector<FormPart>& parts, Mint& mint) {
  json::Value body = json::Object{};
  for (const FormPart& part : parts) {
    if (part.name != "payload_json") continue;
    auto parsed = json::parse(part.bytes);
    if (!parsed || !parsed->is_object()) return std::nullopt;
    body = std::move(*parsed);
  }
  json::Value* data = body.get_object().if_contains("data");  // of an interaction's callback
  json::Object& message = data != nullptr && data->is_object() ? data->get_object() : body.get_object();
  auto files = files_of(parts);
  json::Array whole;
  for (const json::Value& listed : json::array(message, "attachments")) {
    const auto number = static_cast<std::uint64_t>(json::id(listed, "id").value_or(0));
    const auto file = files.find(number);
    if (file == files.end() && number < kMostFiles) return std::nullopt;
    whole.push_back(file == files.end() ? listed : attachment(*file->second, listed, mint));
    if (file != files.end()) files.erase(file);
  }
  for (const auto& [number, file] : files) whole.push_back(attachment(*file, json::Object{}, mint));
  message["attachments"] = std::move(whole);
  return body;
}

}  // namespace guildhall::sim
