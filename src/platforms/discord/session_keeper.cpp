#include "platforms/discord/session_keeper.h"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <exception>

#include "base/log.h"
#include "net/loops.h"

namespace guildhall::discord {

Task<std::optional<SavedSession>> SessionKeeper::load() {
  try {
    co_return co_await store_->load();
  } catch (const std::exception& e) {
    log::warning("discord session not loaded", {log::field("error", e.what())});
  }
  co_return std::nullopt;
}

void SessionKeeper::save_soon(std::optional<SavedSession> session) {
  next_ = std::move(session);
  if (writing_) return;
  writing_ = true;
  done_.expires_after(std::chrono::seconds(10));
  net::spawn(loop_, "discord session save", [self = shared_from_this()] { return write_all(self); });
}

Task<void> SessionKeeper::flush() {
  if (writing_) co_await done_.async_wait(boost::asio::as_tuple(boost::asio::use_awaitable));
}

Task<void> SessionKeeper::write_all(std::shared_ptr<SessionKeeper> self) {
  while (self->next_) {
    std::optional<SavedSession> session = std::move(*self->next_);
    self->next_.reset();
    try {
      co_await self->store_->save(std::move(session));
    } catch (const std::exception& e) {
      log::warning("discord session not saved", {log::field("error", e.what())});
    }
  }
  self->writing_ = false;
  self->done_.cancel();
}

}  // namespace guildhall::discord
