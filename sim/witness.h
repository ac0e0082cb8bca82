// The witness: what every platform told the bot, and whether the bot took it. A test recomputes from
// it what has to be in the bot's database. Every fact is one line of the journal and the state here is
// nothing but the sum of those lines, so a restarted simulation remembers all of it.
//
// Moments are those that stood in the JSON that was sent, in microseconds; ids are strings.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/json.h"
#include "sim/journal.h"
#include "sim/world.h"

namespace guildhall::sim {

/// How the telling of one Kick event ended.
enum class Outcome {
  accepted,  // answered 2xx
  refused,   // every attempt was answered, none with 2xx
  lost,      // some attempt got no answer and none a 2xx: the bot may have it or not
  unsent,    // never tried: no address, nobody subscribed, too old, or dropped by a fault
};

/// One Kick event as it was told.
struct KickFact {
  std::string event;  // "chat.message.sent"
  std::string message_id;
  KickId broadcaster = 0;
  std::optional<KickId> actor;  // who wrote, gave, followed; none: anonymous, or the channel itself
  std::string actor_name;
  bool subscriber = false;
  bool bot = false;
  TimePoint at;                         // created_at and the like
  std::int64_t count = 1;               // gifted subscriptions
  std::optional<TimePoint> started_at;  // of the stream, for livestream.status.updated
  std::optional<TimePoint> ended_at;
};

struct Delivery {
  Outcome outcome = Outcome::unsent;
  std::string signed_at;  // the header's timestamp
  std::optional<TimePoint> accepted_at;
  std::vector<int> statuses;  // of the attempts, 0 for none
};

class Witness {
 public:
  explicit Witness(Journal& journal) : journal_(journal) {}

  /// A first attempt begins: until `told` says how it ended, the bot may have the event or not.
  void trying(const KickFact& fact);
  void told(const KickFact& fact, const Delivery& delivery);
  /// A webhook with a wrong signature was answered with that status.
  void forged(std::string_view message_id, int status);
  void went_live(KickId broadcaster, TimePoint started_at);
  void went_offline(KickId broadcaster, TimePoint started_at, TimePoint ended_at);
  /// What the bot wrote into a Kick chat.
  void chat_sent(KickId broadcaster, std::string_view type, std::string_view content, TimePoint at);

  /// A dispatch about `user` (0: none) that so many gateway sessions were told.
  void dispatched(std::string_view event, Snowflake server, Snowflake user, std::size_t sessions,
                  TimePoint at);
  /// An interaction and each answer to it. `how`: message, deferred, completed (the first edit of a
  /// deferral), update, modal, choices, edited, followup. `late`: the deadline passed without one.
  void asked(Snowflake interaction, Snowflake server, Snowflake user, std::string_view what, TimePoint at);
  void answered(Snowflake interaction, std::string_view how, bool ephemeral, std::string_view content,
                TimePoint at);
  void late(Snowflake interaction, TimePoint at);
  /// What the bot posted by itself.
  void posted(Snowflake server, Snowflake channel, std::string_view content, TimePoint at);

  /// A line that an earlier run wrote.
  void recall(std::string_view kind, const json::Value& line);

  /// When the stream started that was told last and has not ended.
  std::optional<TimePoint> live_since(KickId broadcaster) const;

  /// {"channels": [{broadcaster_user_id, slug,
  ///     "viewers": [{id, name, bot, "messages": [{at, subscriber, accepted_at}], "uncertain": [...]}],
  ///     (messages: accepted; uncertain: lost, or on the way)
  ///     "live": [{started_at, ended_at or null, start_told_at or null, end_told_at or null}],
  ///     "events": [{event, message_id, at, actor, count, outcome}]    (accepted or lost; without chat)
  ///     "counts": {"chat.message.sent": {"accepted": n, ...}}, "chat_sent": n}],
  ///  "discord": {"MESSAGE_CREATE": n, ...}, "posted": n,
  ///  "commands": {asked, answered, late, "by_name": {"points": n}}, "forged_accepted": n}
  json::Object report(World& world) const;

 private:
  struct Moment {
    std::int64_t at = 0;
    bool subscriber = false;
    std::optional<std::int64_t> accepted_at;
  };
  struct Chatter {
    std::string name;
    bool bot = false;
    std::vector<Moment> messages;
    std::vector<Moment> uncertain;
  };
  struct Period {
    std::int64_t started_at = 0;
    std::optional<std::int64_t> ended_at;
    std::optional<std::int64_t> start_told_at;
    std::optional<std::int64_t> end_told_at;
  };
  struct Stream {
    std::map<std::string, Chatter> viewers;
    std::vector<Period> live;
    std::vector<json::Value> events;
    std::map<std::string, std::map<std::string, std::int64_t>> counts;
    std::int64_t chat_sent = 0;
  };

  /// Takes the line over and keeps it.
  void note(std::string_view kind, json::Object line);
  void take_told(const json::Value& line);
  static void take_message(Stream& stream, const json::Value& line, bool accepted);
  void take_live(const json::Value& line);
  void mark_told(Stream& stream, const json::Value& line);
  static json::Object report_stream(const Stream& stream);

  Journal& journal_;
  std::map<std::string, Stream> streams_;      // by broadcaster
  std::map<std::string, json::Value> trying_;  // by message id
  std::map<std::string, std::int64_t> discord_;
  std::map<std::string, std::int64_t> by_name_;
  std::int64_t asked_ = 0;
  std::int64_t answered_ = 0;
  std::int64_t late_ = 0;
  std::int64_t posted_ = 0;
  std::int64_t forged_accepted_ = 0;
};

}  // namespace guildhall::sim
