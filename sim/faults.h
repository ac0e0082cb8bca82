// Named switches that make the simulated platforms misbehave as the real ones do now and then.
// All are off at start. A switch holds a number: 0 off, 1 on; a *counted* one is the number of times
// that it still strikes, and a measure says how much.
#pragma once

#include <array>
#include <cstdint>

#include "base/error.h"
#include "base/json.h"

namespace guildhall::sim {

enum class Fault {
  discord_global_429,         // counted: answers 429 with scope global
  discord_user_429,           // counted: 429 with scope user, whatever the bucket holds
  discord_shared_429,         // counted: 429 with scope shared
  discord_cdn_429,            // counted: 429 as HTML without X-RateLimit headers
  discord_5xx,                // counted: 500 in JSON, 502, 503 and 520 as the edge's page, in turn
  discord_posted_5xx,         // counted: a message is written, and 502 answered all the same
  discord_token_5xx,          // counted: a question for tokens is answered 500, and changes nothing
  discord_cdn_403,            // counted: 403 as the edge's page: the address is blocked
  discord_slow_ms,            // measure: pause before each answer, in real time
  discord_down,               // 503 as the edge's page; gateway connections end before HELLO
  gateway_beat_ms,            // measure: the interval that HELLO asks for (0: as the options say)
  gateway_withhold_acks,      // beats are not acknowledged
  gateway_numeric_ids,        // ids in dispatches are numbers
  gateway_duplicates,         // every dispatch comes twice
  gateway_no_privileged,      // asking for privileged intents closes with 4014
  gateway_refuse_resumes,     // RESUME is answered INVALID_SESSION false
  gateway_early_reconnects,   // counted: RECONNECT instead of HELLO
  gateway_reconnects,         // counted: RECONNECT right behind READY or RESUMED
  gateway_early_invalid,      // counted: INVALID_SESSION false right behind HELLO
  gateway_refuse_identifies,  // counted: IDENTIFY is answered INVALID_SESSION false
  gateway_later_resumes,      // counted: RESUME is answered INVALID_SESSION true
  gateway_cut_replays,        // counted: a replay breaks off in the middle, closed without a code
  gateway_replay_overlap,     // measure: so many dispatches from before `seq` come again in a replay
  gateway_zombies,         // counted: nothing is said any more behind READY or RESUMED, nor a close answered
  gateway_reorder,         // dispatches of two servers change places
  gateway_lost,            // counted: dispatches that are never sent
  gateway_lost_chunks,     // counted: likewise, member chunks alone
  gateway_outage_creates,  // a server that is out at the start is told by GUILD_CREATE, as unavailable
  gateway_dead_guild,      // each start tells of a server more, and that the bot was thrown out of it
  kick_duplicates,         // every accepted webhook is sent again
  kick_delay_ms,           // measure: some deliveries, by chance, pause for up to so long and are overtaken
  kick_reorder,            // neighbours change places
  kick_lost,               // counted: events that are never sent
  kick_wrong_signature,    // each webhook is preceded by a copy with a wrong signature
  kick_late_seconds,       // measure: the signed timestamp is that much in the past
  kick_spaces,             // bodies carry spaces that JSON does not need
  kick_bot_chat_500,       // counted: POST chat of type bot answers 500
  kick_bot_chat_400,       // counted: POST chat of type bot answers 400 "Channel not found"
  kick_429,                // counted: API answers 429 without Retry-After
  kick_5xx,                // counted: API answers 503
  kick_subscription_errors,    // counted: the first event of a subscription request fails inside a 200
  kick_subscription_cap,       // measure: event subscriptions of the app (0: the real 1,000)
  kick_single_use_refresh,     // a refresh token works once
  kick_refresh_grace_seconds,  // measure: one that was used works again for so long (0: as long as it lives)
  kick_oauth_slow_ms,          // measure: pause between what OAuth does and its answer, in real time
  kick_retry_after,            // measure: seconds that a 429 names in Retry-After (0: it names none)
  kick_chat_refused,           // a subscription to chat fails inside a 200
  kick_site_403,               // the site keeps programs out
  kick_socket_mute,            // pings of the chat socket are not answered
  kick_socket_activity,        // measure: seconds of silence after which a ping is wished (0: the usual 120)
};
inline constexpr std::size_t kFaults = static_cast<std::size_t>(Fault::kick_socket_activity) + 1;

class Faults {
 public:
  bool on(Fault fault) const { return value(fault) != 0; }
  std::int64_t value(Fault fault) const { return values_[static_cast<std::size_t>(fault)]; }
  /// Does a counted fault strike now? Uses it up once.
  bool strikes(Fault fault);
  void set(Fault fault, std::int64_t value) { values_[static_cast<std::size_t>(fault)] = value; }

  /// {"kick_duplicates": true, "discord_5xx": 3}. Error `invalid`: an unknown name or a negative value;
  /// then nothing is changed.
  Result<void> set(const json::Value& switches);
  /// Every switch with its value.
  json::Object list() const;

 private:
  std::array<std::int64_t, kFaults> values_{};
};

}  // namespace guildhall::sim
