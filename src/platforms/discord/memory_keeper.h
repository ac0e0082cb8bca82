// Saves a gateway's memory beside its work: one save at a time, the newest always last. A store that
// throws is logged and costs the memory, never the connection.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <memory>
#include <optional>

#include "platforms/discord/session.h"

namespace guildhall::discord {

class MemoryKeeper : public std::enable_shared_from_this<MemoryKeeper> {
 public:
  MemoryKeeper(boost::asio::io_context& loop, std::shared_ptr<SessionStore> store)
      : loop_(loop), store_(std::move(store)), done_(loop) {}

  Task<GatewayMemory> load();
  /// Returns at once; of several memories only the last one need be written.
  void save_soon(GatewayMemory memory);
  /// Returns when everything is written, or after 10 s.
  Task<void> flush();

 private:
  static Task<void> write_all(std::shared_ptr<MemoryKeeper> self);

  boost::asio::io_context& loop_;
  std::shared_ptr<SessionStore> store_;
  std::optional<GatewayMemory> next_;
  bool writing_ = false;
  boost::asio::steady_timer done_;
};

}  // namespace guildhall::discord
