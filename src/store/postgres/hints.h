// "Something that you hold in memory changed": hints between processes on one database, over LISTEN and
// NOTIFY on a connection of its own. A hint may be lost, so after each new connection everything counts
// as changed. Hints go out after the commit, folded to one per 100 ms, never inside a transaction with data.
#pragma once

#include <atomic>
#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/thread_pool.hpp>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "store/postgres/libpq.h"

namespace guildhall::store::postgres {

/// Lives on the database's loop, but for `take`.
class Hints : public std::enable_shared_from_this<Hints> {
 public:
  using Send = std::function<void(const std::string& payload)>;

  Hints(boost::asio::io_context& loop, boost::asio::thread_pool& connector, std::string url, Send send);

  void start() { connect(); }
  /// Answers with the payload of what was announced and is not sent yet.
  std::optional<std::string> stop();
  ~Hints() {
    if (socket_) socket_->release();  // libpq closes it
  }
  /// This process changed something: tells the others soon.
  void announce();
  /// Did another process announce something since the last call? From any thread.
  bool take() { return heard_.exchange(false); }

 private:
  void connect();
  void listen();
  void read();
  void connect_later();

  boost::asio::io_context& loop_;
  boost::asio::thread_pool& connector_;
  std::string url_;
  Send send_;
  std::string own_name_;
  ConnectionPtr connection_;
  std::unique_ptr<boost::asio::posix::stream_descriptor> socket_;
  boost::asio::steady_timer retry_{loop_};
  boost::asio::steady_timer fold_{loop_};
  bool announcing_ = false;
  bool stopped_ = false;
  std::atomic<bool> heard_ = false;
};

}  // namespace guildhall::store::postgres
