// Saves a gateway's session beside its work: one save at a time, the newest always last. A store that
// throws is logged and costs the session after the next start, never the connection.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <memory>
#include <optional>

#include "platforms/discord/session.h"

namespace guildhall::discord {

class SessionKeeper : public std::enable_shared_from_this<SessionKeeper> {
 public:
  SessionKeeper(boost::asio::io_context& loop, std::shared_ptr<SessionStore> store)
      : loop_(loop), store_(std::move(store)), done_(loop) {}

  Task<std::optional<SavedSession>> load();
  /// Returns at once; of several states only the last one need be written.
  void save_soon(std::optional<SavedSession> session);
  /// Returns when everything is written, or after 10 s.
  Task<void> flush();

 private:
  static Task<void> write_all(std::shared_ptr<SessionKeeper> self);

  boost::asio::io_context& loop_;
  std::shared_ptr<SessionStore> store_;
  std::optional<std::optional<SavedSession>> next_;
  bool writing_ = false;
  boost::asio::steady_timer done_;
};

}  // namespace guildhall::discord
