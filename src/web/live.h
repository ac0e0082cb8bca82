// /api/v1/events: server-sent events that say which topic changed, never what is in it, and of servers that
// the session may open alone. At most two per second and topic; a comment every 15 s; `resync` after a gap,
// and where a server is not open any more; `gone` when the session ends.
#pragma once

#include <boost/asio/io_context.hpp>
#include <chrono>
#include <functional>
#include <memory>
#include <optional>

#include "bot/topics.h"
#include "net/http.h"
#include "web/sessions.h"

namespace guildhall::web {

/// All of it outlives the streams.
struct LiveSources {
  boost::asio::io_context& loop;
  bot::TopicHub& topics;
  Sessions& sessions;
  /// Does it hear of every server there is?
  std::function<bool(const Session& session)> sees_all;
  /// May that session look at that server? Nothing: nobody can say just now.
  std::function<Task<std::optional<bool>>(Session session, ServerId server)> may_see;
  /// Kept as long as the stream goes on.
  std::shared_ptr<void> place = {};
  /// So long the last answer counts while nobody can say.
  std::chrono::milliseconds believes_for{60'000};
  /// How often that is asked.
  std::chrono::milliseconds looks_every{10'000};
};

/// An endless response for one browser.
net::HttpResponse stream_events(LiveSources sources, const net::HttpRequest& request, Session session);

}  // namespace guildhall::web
