#include "web/live.h"

#include <fmt/format.h>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <map>
#include <memory>

#include "net/loops.h"

namespace guildhall::web {
namespace {

constexpr std::chrono::milliseconds kPause{500};  // two messages per second and topic
constexpr std::chrono::seconds kHeartbeat{15};
/// A revoked session's page closes within this time.
constexpr std::chrono::seconds kCheckRights{4};
constexpr std::size_t kMostTopics = 2'000;

/// What one browser has yet to be told. Filled from any thread, emptied on the loop.
class Mailbox : public std::enable_shared_from_this<Mailbox> {
 public:
  explicit Mailbox(boost::asio::io_context& loop) : loop_(loop), timer_(loop) {}

  void put(const std::string& topic, std::uint64_t version) {
    boost::asio::post(loop_, [self = shared_from_this(), topic, version] {
      if (self->changes_.size() >= kMostTopics && !self->changes_.contains(topic)) {
        self->changes_.clear();
        self->overflowed_ = true;
      }
      self->changes_[topic] = version;
      self->timer_.cancel();
    });
  }

  /// Waits for news, at most `time`; the text to send, which may be empty.
  Task<std::string> take(std::chrono::seconds time) {
    if (changes_.empty() && !overflowed_) {
      timer_.expires_after(time);
      co_await timer_.async_wait(boost::asio::as_tuple(boost::asio::use_awaitable));
    }
    std::string text;
    if (std::exchange(overflowed_, false)) text += "event: resync\ndata: {}\n\n";
    for (const auto& [topic, version] : changes_) {
      text += fmt::format("id: {0}\nevent: change\ndata: {{\"topic\":\"{1}\",\"version\":{0}}}\n\n", version,
                          topic);
    }
    changes_.clear();
    co_return text;
  }

 private:
  boost::asio::io_context& loop_;
  boost::asio::steady_timer timer_;
  std::map<std::string, std::uint64_t> changes_;
  bool overflowed_ = false;
};

Task<void> write_events(net::EventStream& out, std::shared_ptr<Mailbox> mailbox,
                        std::shared_ptr<void> listening, Sessions& sessions, Session session, bool had_gap) {
  bool alive =
      co_await out.send(had_gap ? "retry: 1000\n\nevent: resync\ndata: {}\n\n" : "retry: 1000\n\n:\n\n");
  auto spoke = std::chrono::steady_clock::now();
  auto checked = spoke;
  while (alive) {
    std::string text = co_await mailbox->take(kCheckRights);
    const auto now = std::chrono::steady_clock::now();
    if (now - checked >= kCheckRights) {
      checked = now;
      const auto still = co_await sessions.find_by_hash(session.hash);
      if (!still) {
        co_await out.send("event: gone\ndata: {}\n\n");
        co_return;
      }
    }
    if (text.empty() && now - spoke >= kHeartbeat) text = ":\n\n";
    if (text.empty()) continue;
    alive = co_await out.send(std::move(text));
    spoke = now;
    co_await net::sleep_for(kPause);
  }
  listening.reset();
}

}  // namespace

net::HttpResponse stream_events(boost::asio::io_context& loop, bot::TopicHub& topics, Sessions& sessions,
                                const net::HttpRequest& request, Session session) {
  auto mailbox = std::make_shared<Mailbox>(loop);
  auto listening = topics.listen(
      [mailbox](const std::string& topic, std::uint64_t version) { mailbox->put(topic, version); });
  const bool had_gap = request.header("last-event-id").has_value();
  net::HttpResponse response;
  response.headers = {
      {"content-type", "text/event-stream"}, {"cache-control", "no-cache"}, {"x-accel-buffering", "no"}};
  response.stream = [mailbox, listening, &sessions, session, had_gap](net::EventStream& out) {
    return write_events(out, mailbox, listening, sessions, session, had_gap);
  };
  return response;
}

}  // namespace guildhall::web
