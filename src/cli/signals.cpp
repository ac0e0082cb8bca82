#include "cli/signals.h"

#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>
#include <csignal>
#include <cstdlib>
#include <thread>

namespace guildhall::cli {

class Signals::Impl {
 public:
  Impl() : signals_(loop_, SIGINT, SIGTERM) { std::signal(SIGPIPE, SIG_IGN); }
  ~Impl() {
    loop_.stop();
    if (thread_.joinable()) thread_.join();
    if (stopping_.joinable()) stopping_.join();
  }

  void on_stop(std::function<void(int)> stop) {
    signals_.async_wait([this, stop = std::move(stop)](const boost::system::error_code& error, int signal) {
      if (error) return;
      signals_.async_wait([](const boost::system::error_code& again, int second) {
        if (!again) std::_Exit(128 + second);
      });
      // It may take its time, with a server that does not answer: the second signal is heard meanwhile.
      stopping_ = std::thread(stop, signal);
    });
    thread_ = std::thread([this] { loop_.run(); });
  }

 private:
  boost::asio::io_context loop_;
  boost::asio::signal_set signals_;
  std::thread thread_;
  std::thread stopping_;
};

Signals::Signals() : impl_(std::make_unique<Impl>()) {}
Signals::~Signals() = default;
void Signals::on_stop(std::function<void(int)> stop) { impl_->on_stop(std::move(stop)); }

}  // namespace guildhall::cli
