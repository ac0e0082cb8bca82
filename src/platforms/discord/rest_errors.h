// Refusals of the HTTP API as errors in words for people. Source: developer documentation, "Opcodes
// and Status Codes"; the JSON code decides, not the HTTP status.
#pragma once

#include <string_view>

#include "base/error.h"

namespace guildhall::discord {

/// `status` is 400 or more. Never shows what was sent.
Error api_error(int status, std::string_view body);

}  // namespace guildhall::discord
