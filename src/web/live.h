// /api/v1/events: server-sent events that say which topic changed, never what is in it. At most two
// per second and topic; a comment every 15 s; `resync` after a gap; `gone` when the session ends.
#pragma once

#include <boost/asio/io_context.hpp>

#include "bot/topics.h"
#include "net/http.h"
#include "web/sessions.h"

namespace guildhall::web {

/// An endless response for one browser.
net::HttpResponse stream_events(boost::asio::io_context& loop, bot::TopicHub& topics, Sessions& sessions,
                                const net::HttpRequest& request, Session session);

}  // namespace guildhall::web
