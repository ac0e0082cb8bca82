// The event subscriptions of the application: which webhooks of which channel are sent.
#pragma once

#include <expected>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "sim/stage.h"

namespace guildhall::sim {

struct EventSubscription {
  std::string id;
  KickId broadcaster = 0;
  std::string event;
  std::string created_at;
};

class KickSubscriptions {
 public:
  /// `unasked`: while the application has never subscribed to anything, everything is sent.
  KickSubscriptions(Stage& stage, bool unasked) : stage_(stage), unasked_(unasked) {}

  const std::vector<EventSubscription>& all() const { return all_; }
  /// The id of the new or existing subscription; empty when the cap is reached.
  std::string add(KickId broadcaster, const std::string& event);
  /// False: there was none.
  bool erase(std::string_view id);
  /// Webhooks were switched off in the application's settings, which ends all of them.
  void clear();
  /// Some webhook of the event was tried. An application that has taken none for more than a day is
  /// unsubscribed from the event, in every channel.
  void attempted(const std::string& event, bool taken);

  /// The subscription under which the event is sent, if it is.
  std::optional<std::string> wanted(KickId broadcaster, std::string_view event);

  /// A line of kind "subscriptions" that an earlier run wrote.
  void recall(const json::Value& line);

 private:
  void remember();

  Stage& stage_;
  bool unasked_;
  bool ever_asked_ = false;
  std::vector<EventSubscription> all_;
  std::map<std::string, TimePoint> failing_since_;  // by event
};

/// The events that this Kick knows.
bool is_kick_event(std::string_view name);

}  // namespace guildhall::sim
