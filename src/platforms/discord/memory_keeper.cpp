#include "platforms/discord/memory_keeper.h"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <exception>

#include "base/log.h"
#include "net/loops.h"

namespace guildhall::discord {

Task<GatewayMemory> MemoryKeeper::load() {
  try {
    co_return co_await store_->load();
  } catch (const std::exception& e) {
    log::warning("discord session not loaded", {log::field("error", e.what())});
  }
  co_return GatewayMemory{};
}

void MemoryKeeper::save_soon(GatewayMemory memory) {
  next_ = std::move(memory);
  if (writing_) return;
  writing_ = true;
  done_.expires_after(std::chrono::seconds(10));
  net::spawn(loop_, "discord session save", [self = shared_from_this()] { return write_all(self); });
}

Task<void> MemoryKeeper::flush() {
  if (writing_) co_await done_.async_wait(boost::asio::as_tuple(boost::asio::use_awaitable));
}

Task<void> MemoryKeeper::write_all(std::shared_ptr<MemoryKeeper> self) {
  while (self->next_) {
    GatewayMemory memory = std::move(*self->next_);
    self->next_.reset();
    try {
      co_await self->store_->save(std::move(memory));
    } catch (const std::exception& e) {
      log::warning("discord session not saved", {log::field("error", e.what())});
    }
  }
  self->writing_ = false;
  self->done_.cancel();
}

}  // namespace guildhall::discord
