// Files that go with a message, as multipart/form-data: the message as "payload_json", the files as
// "files[n]". Source: developer documentation, "Uploading Files".
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "base/json.h"

namespace guildhall::discord {

struct Upload {
  std::string name;  // with its ending, by which people and Discord tell what it is
  std::string bytes;
  std::string content_type = "application/octet-stream";
  std::string description = {};  // for those who cannot see it; at most 1024 characters
};

inline constexpr std::size_t kMostFiles = 10;
/// Bytes of one file, where nobody has said otherwise; an interaction brings a limit of its own.
inline constexpr std::size_t kLargestFile = std::size_t{10} << 20;
/// Bytes of a whole request.
inline constexpr std::size_t kLargestRequest = std::size_t{25} << 20;

/// Adds the files to the message's `attachments`; those that an edit lists there already are kept, others
/// not. Errors: `too_large` (a file of more than `largest` bytes, all together, or too many), `invalid`
/// (without a name).
Result<void> attach(json::Object& message, const std::vector<Upload>& files, std::size_t largest);

struct Multipart {
  std::string content_type;
  std::string body;
};

Multipart multipart(std::string_view payload_json, const std::vector<Upload>& files);

}  // namespace guildhall::discord
