#include "platforms/discord/upload.h"

#include <fmt/format.h>

#include "base/crypto.h"
#include "base/text.h"

namespace guildhall::discord {
namespace {

constexpr std::size_t kLongestDescription = 1024;
constexpr std::size_t kMebibyte = std::size_t{1} << 20;
/// For the message, the parts' heads and their ends.
constexpr std::size_t kBesideFiles = std::size_t{64} << 10;

std::unexpected<Error> too_large(std::string_view what, std::size_t most) {
  return fail(ErrorCode::too_large, fmt::format("{} has at most {} MiB", what, most / kMebibyte));
}

Result<void> check_sizes(const std::vector<Upload>& files, std::size_t largest) {
  if (files.size() > kMostFiles) {
    return fail(ErrorCode::too_large, fmt::format("a Discord message has at most {} files", kMostFiles));
  }
  std::size_t sum = kBesideFiles;
  for (const Upload& file : files) {
    if (file.name.empty()) return fail(ErrorCode::invalid, "a file needs a name");
    if (file.bytes.size() > largest) return too_large("a file for Discord", largest);
    sum += file.bytes.size();
  }
  if (sum > kLargestRequest) return too_large("a Discord message with its files", kLargestRequest);
  return {};
}

/// Within the quotes of a part's head. Source: HTML, "multipart/form-data encoding algorithm".
std::string quoted(std::string_view name) {
  std::string out;
  for (const char c : name) {
    if (c == '"' || c == '\r' || c == '\n') {
      out += fmt::format("%{:02X}", static_cast<unsigned char>(c));
    } else {
      out += c;
    }
  }
  return out;
}

}  // namespace

Result<void> attach(json::Object& message, const std::vector<Upload>& files, std::size_t largest) {
  if (auto fits = check_sizes(files, largest); !fits) return fits;
  json::Value& listed = message["attachments"];
  if (!listed.is_array()) listed.emplace_array();
  for (std::size_t i = 0; i < files.size(); ++i) {
    json::Object entry{{"id", std::to_string(i)}, {"filename", files[i].name}};
    if (!files[i].description.empty()) {
      entry["description"] = shorten(files[i].description, kLongestDescription);
    }
    listed.get_array().push_back(std::move(entry));
  }
  return {};
}

Multipart multipart(std::string_view payload_json, const std::vector<Upload>& files) {
  const std::string boundary = "guildhall-" + hex(random_bytes(16));
  Multipart form{"multipart/form-data; boundary=" + boundary, {}};
  std::size_t size = payload_json.size() + kBesideFiles;
  for (const Upload& file : files) size += file.bytes.size();
  form.body.reserve(size);
  const auto add = [&](std::string_view disposition, std::string_view type, std::string_view content) {
    form.body.append("--")
        .append(boundary)
        .append("\r\nContent-Disposition: form-data; ")
        .append(disposition);
    form.body.append("\r\nContent-Type: ").append(type).append("\r\n\r\n").append(content).append("\r\n");
  };
  add("name=\"payload_json\"", "application/json", payload_json);
  for (std::size_t i = 0; i < files.size(); ++i) {
    const auto name = fmt::format("name=\"files[{}]\"; filename=\"{}\"", i, quoted(files[i].name));
    add(name, quoted(files[i].content_type), files[i].bytes);
  }
  form.body.append("--").append(boundary).append("--\r\n");
  return form;
}

}  // namespace guildhall::discord
