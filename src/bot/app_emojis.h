// The emojis that the application itself has in Discord, which people write as app:NAME in a button. Discord
// is asked for them when one is needed; what it said holds for ten minutes, and for one where a name is not
// among them.
#pragma once

#include <chrono>
#include <functional>
#include <map>
#include <string>
#include <string_view>

#include "base/error.h"
#include "base/task.h"

namespace guildhall::bot {

/// How such an emoji begins where people write it.
inline constexpr std::string_view kAppEmoji = "app:";

/// Lives on one loop.
class AppEmojis {
 public:
  /// As messages write them (<:name:id>), by name.
  using Emojis = std::map<std::string, std::string, std::less<>>;
  using Ask = std::function<Task<Result<Emojis>>()>;

  explicit AppEmojis(Ask ask) : ask_(std::move(ask)) {}

  /// As messages write it; empty: there is none of that name, or nobody can say.
  Task<std::string> find(std::string name);

 private:
  Ask ask_;
  Emojis known_;
  std::chrono::steady_clock::time_point asked_at_{};
  bool asking_ = false;
};

}  // namespace guildhall::bot
