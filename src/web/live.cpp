#include "web/live.h"

#include <fmt/format.h>

#include <algorithm>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <map>
#include <memory>
#include <vector>

#include "net/all_of.h"
#include "net/loops.h"

namespace guildhall::web {
namespace {

constexpr std::chrono::milliseconds kPause{500};  // two messages per second and topic
constexpr std::chrono::seconds kHeartbeat{15};
/// A revoked session's page closes within this time.
constexpr std::chrono::seconds kCheckRights{4};
constexpr std::size_t kMostTopics = 2'000;
constexpr std::string_view kList = "servers";
const std::string kResync = "event: resync\ndata: {}\n\n";

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

  struct News {
    std::map<std::string, std::uint64_t> changes;  // topic -> version
    bool gap = false;                              // there was more
  };
  /// Waits for news, at most `time`.
  Task<News> take(std::chrono::steady_clock::duration time) {
    if (changes_.empty() && !overflowed_) {
      timer_.expires_after(time);
      co_await timer_.async_wait(boost::asio::as_tuple(boost::asio::use_awaitable));
    }
    co_return News{std::exchange(changes_, {}), std::exchange(overflowed_, false)};
  }

 private:
  boost::asio::io_context& loop_;
  boost::asio::steady_timer timer_;
  std::map<std::string, std::uint64_t> changes_;
  bool overflowed_ = false;
};

/// What a session hears of: everything, or its servers, as far as they are open to it.
class Hearing {
 public:
  Hearing(Session session, const LiveSources& sources)
      : session_(std::move(session)),
        sees_all_(sources.sees_all(session_)),
        may_see_(sources.may_see),
        believes_for_(sources.believes_for),
        looks_every_(sources.looks_every),
        place_(sources.place) {
    for (const ServerId server : session_.servers) known_.try_emplace(server);
  }

  const Session& session() const { return session_; }

  /// Is it of interest at all? From any thread: what that depends on never changes.
  bool concerns(const std::string& topic) const {
    if (sees_all_) return true;
    const auto server = bot::server_of_topic(topic);
    return server && known_.contains(*server);
  }

  Task<std::string> written(Mailbox::News news) {
    bool due = std::chrono::steady_clock::now() >= look_again_;
    // What its administrators set may open a server.
    for (const auto& [topic, version] : news.changes) due = due || topic.ends_with("/settings");
    const bool changed = due && !sees_all_ && co_await look();
    std::string text = news.gap || changed ? kResync : "";
    bool heard = false;
    for (const auto& [topic, version] : news.changes) {
      const auto server = bot::server_of_topic(topic);
      if (!sees_all_ && !(server && known_.at(*server).open)) continue;
      text += change(topic, version);
      heard = true;
    }
    // How often other servers change is nobody's business: of the list they hear when one of theirs does.
    if (heard && !sees_all_) text += change(kList, ++list_version_);
    co_return text;
  }

 private:
  struct Known {
    bool open = false;
    std::chrono::steady_clock::time_point told{};  // when somebody could say so
  };

  static std::string change(std::string_view topic, std::uint64_t version) {
    return fmt::format("id: {0}\nevent: change\ndata: {{\"topic\":\"{1}\",\"version\":{0}}}\n\n", version,
                       topic);
  }

  /// Is one open now that was not, or the other way round?
  Task<bool> look() {
    bool changed = false;
    std::vector<Task<void>> all;
    for (auto& [server, known] : known_) all.push_back(look_at(server, known, changed));
    co_await net::all_of(std::move(all));
    look_again_ = std::chrono::steady_clock::now() + looks_every_;
    co_return changed;
  }

  /// While nobody can say, it stays as it is, for a while.
  Task<void> look_at(ServerId server, Known& known, bool& changed) {
    const auto asked = std::chrono::steady_clock::now();
    const auto told = co_await may_see_(session_, server);
    if (told) known.told = asked;
    const bool believed = known.open && asked - known.told < believes_for_;
    const bool open = told.value_or(believed);
    changed = changed || open != known.open;
    known.open = open;
  }

  const Session session_;
  const bool sees_all_;
  std::function<Task<std::optional<bool>>(Session, ServerId)> may_see_;
  std::chrono::milliseconds believes_for_;
  std::chrono::milliseconds looks_every_;
  std::shared_ptr<void> place_;
  std::chrono::steady_clock::time_point look_again_{};
  std::map<ServerId, Known> known_;  // of whom it could hear
  std::uint64_t list_version_ = 0;
};

/// Looked up as often as need be; `checked`: when it was last.
Task<bool> session_has_ended(Sessions& sessions, std::string hash,
                             std::chrono::steady_clock::time_point& checked) {
  const auto now = std::chrono::steady_clock::now();
  if (now - checked < kCheckRights) co_return false;
  checked = now;
  const auto session = co_await sessions.find_by_hash(std::move(hash));
  co_return !session;
}

Task<void> write_events(net::EventStream& out, std::shared_ptr<Mailbox> mailbox,
                        std::shared_ptr<void> listening, Sessions& sessions, std::shared_ptr<Hearing> hearing,
                        bool had_gap) {
  bool alive = co_await out.send("retry: 1000\n\n" + (had_gap ? kResync : ":\n\n"));
  auto spoke = std::chrono::steady_clock::now();
  auto checked = spoke;
  const auto has_ended = [&] { return session_has_ended(sessions, hearing->session().hash, checked); };
  while (alive) {
    const auto left = checked + kCheckRights - std::chrono::steady_clock::now();
    auto news = co_await mailbox->take(std::max(left, std::chrono::steady_clock::duration::zero()));
    const bool told = !news.changes.empty();
    bool ended = co_await has_ended();
    std::string text;
    if (!ended) {
      text = co_await hearing->written(std::move(news));
      ended = co_await has_ended();  // Discord may have taken its time
    }
    if (ended) {
      co_await out.send("event: gone\ndata: {}\n\n");
      co_return;
    }
    const auto now = std::chrono::steady_clock::now();
    if (text.empty() && now - spoke >= kHeartbeat) text = ":\n\n";
    if (!text.empty()) {
      alive = co_await out.send(std::move(text));
      spoke = now;
    }
    if (told) co_await net::sleep_for(kPause);
  }
  listening.reset();
}

}  // namespace

net::HttpResponse stream_events(LiveSources sources, const net::HttpRequest& request, Session session) {
  auto mailbox = std::make_shared<Mailbox>(sources.loop);
  auto hearing = std::make_shared<Hearing>(std::move(session), sources);
  auto listening = sources.topics.listen([mailbox, hearing](const std::string& topic, std::uint64_t version) {
    if (hearing->concerns(topic)) mailbox->put(topic, version);
  });
  const bool had_gap = request.header("last-event-id").has_value();
  net::HttpResponse response;
  response.headers = {
      {"content-type", "text/event-stream"}, {"cache-control", "no-cache"}, {"x-accel-buffering", "no"}};
  response.stream = [mailbox, listening, &sessions = sources.sessions, hearing,
                     had_gap](net::EventStream& out) {
    return write_events(out, mailbox, listening, sessions, hearing, had_gap);
  };
  return response;
}

}  // namespace guildhall::web
