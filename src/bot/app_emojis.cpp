#include "bot/app_emojis.h"

#include "base/log.h"
#include "net/loops.h"

namespace guildhall::bot {
namespace {

constexpr std::chrono::minutes kHolds{10};
constexpr std::chrono::minutes kMissingHolds{1};
/// How often whoever waits for another's question looks.
constexpr std::chrono::milliseconds kLook{20};

}  // namespace

Task<std::string> AppEmojis::find(std::string name) {
  while (asking_) co_await net::sleep_for(kLook);
  const auto now = std::chrono::steady_clock::now();
  const bool never = asked_at_ == std::chrono::steady_clock::time_point();
  if (never || now - asked_at_ >= (known_.contains(name) ? kHolds : kMissingHolds)) {
    asked_at_ = now;
    asking_ = true;
    auto told = co_await ask_();
    asking_ = false;
    if (told) known_ = *std::move(told);
    if (!told)
      log::warning("the application's emojis are not known", {log::field("error", told.error().message)});
  }
  const auto found = known_.find(name);
  co_return found == known_.end() ? "" : found->second;
}

}  // namespace guildhall::bot
