// multipart/form-data as clients send files: the message as "payload_json", the files as "files[n]".
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "sim/mint.h"

namespace guildhall::sim {

struct FormPart {
  std::string name;
  std::string filename;
  std::string content_type;
  std::string bytes;
};

/// Empty when the body is not of that form.
std::optional<std::vector<FormPart>> read_form(std::string_view content_type, std::string_view body);

/// The JSON of a form. In the message's `attachments` each that names a file of the form becomes a whole
/// attachment with an id of its own; a file that none names is added. Empty: no JSON, or an attachment whose
/// file is missing.
std::optional<json::Value> message_of_form(const std::vector<FormPart>& parts, Mint& mint);

}  // namespace guildhall::sim
