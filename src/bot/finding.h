// What a look at the installation has found: each fault with the way out of it.
#pragma once

#include <boost/json/object.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "base/ids.h"

namespace guildhall::bot {

/// One line of the report.
struct Finding {
  enum class Level { ok, warning, problem };

  std::string topic;  // "address", "storage", "keys", "operators"; "token", "interactions", "sign-in",
                      // "intents", "sessions", "commands", "server", "permissions", "role", "clock";
                      // "kick", "kick-redirect", "kick-webhooks"
  Level level = Level::ok;
  std::string text;
  std::string hint = {};  // the way out, or empty
  std::optional<ServerId> server = {};
  ErrorCode code = ErrorCode::failed;  // of a problem
};

struct Checkup {
  std::vector<Finding> findings;
  std::string invite;  // empty where Discord does not say which application it is
};

/// "ok", "warn", "problem".
std::string_view word_of(Finding::Level level);
/// {"topic","level","text","hint","server"?}
boost::json::object to_json(const Finding& finding);

}  // namespace guildhall::bot
