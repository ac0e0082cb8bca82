// The gateway's protocol without its waits: frames, close codes, heartbeat, back-off.
// Source: gateway documentation, version 10.
#pragma once

#include <boost/json/monotonic_resource.hpp>
#include <boost/json/parser.hpp>
#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/json.h"
#include "platforms/discord/inflate.h"
#include "platforms/discord/session.h"
#include "platforms/discord/timing.h"

namespace guildhall::discord {

enum class Op : int {
  dispatch = 0,
  heartbeat = 1,
  identify = 2,
  presence = 3,
  resume = 6,
  reconnect = 7,
  request_members = 8,
  invalid_session = 9,
  hello = 10,
  heartbeat_ack = 11,
};

/// One message of the gateway; it lives until the next one is parsed, and as long as its text.
struct Frame {
  Op op = Op::dispatch;
  std::optional<std::int64_t> sequence;
  std::string_view event;             // of a dispatch
  std::string_view text;              // of the data
  const json::Value* data = nullptr;  // null until it is parsed
};

/// Parses into one buffer that is used over and over: a message costs no allocation of its own.
class FrameParser {
 public:
  FrameParser();
  /// What stands ahead of the data: most events are nobody's business, and their data is never parsed.
  /// Empty: not a frame.
  std::optional<Frame> parse(std::string_view text);
  /// Parses the data. False: it is no JSON.
  bool parse_data(Frame& frame);

 private:
  static constexpr std::size_t kBuffer = std::size_t{64} << 10;

  /// Null: not JSON.
  const json::Value* parse_value(std::string_view text);
  std::optional<Frame> parse_whole();

  std::string_view text_;  // of the present message

  std::unique_ptr<unsigned char[]> buffer_;
  std::optional<boost::json::monotonic_resource> memory_;  // of the present message
  boost::json::parser parser_;
};

/// No frame that goes out may be larger, in bytes.
inline constexpr std::size_t kLargestFrame = 4096;

/// What the members of a guild see of the bot: "watching the streams". "playing", "listening to", "watching"
/// and "competing in" are shown as such and anything else as it stands, "online", "idle", "dnd" or
/// "invisible" alone or with a comma in front is the dot beside the name: "idle, listening to you". Empty:
/// online, and nothing more.
json::Value presence_of(std::string_view text);

std::string identify_frame(const std::string& token, Intents intents, Shard shard,
                           std::string_view presence = {});
std::string presence_frame(std::string_view presence);
/// Asks for everybody in the guild, which takes the intent kGuildMembers; the chunks come with `nonce`, of 32
/// bytes at most.
std::string members_frame(ServerId guild, std::string_view nonce);
std::string resume_frame(const std::string& token, const SavedSession& session);
std::string heartbeat_frame(std::optional<std::int64_t> sequence);

/// The address with version, encoding and compression; Discord gives it without.
std::string gateway_address(std::string_view url, Compression compression);

/// What a close code of the other side (0: none was given) asks for.
enum class CloseAction { resume, identify, stop };
CloseAction close_action(int code);
/// For codes that ask to stop: what is wrong, in words for the operator.
Error close_error(int code);

/// How long to wait before the next attempt: 1 s at first, then 2, 4, ... to 60, of which a random half.
std::chrono::nanoseconds backoff(int failures, double random);

/// When to beat, and whether the other side still answers.
class Heartbeat {
 public:
  /// HELLO has come; the first beat is due after `jitter` (0 to 1) of the interval.
  void start(SteadyTime now, std::chrono::nanoseconds interval, double jitter);
  bool started() const { return interval_.count() > 0; }
  SteadyTime due() const { return due_; }
  std::chrono::nanoseconds interval() const { return interval_; }
  /// When the first scheduled beat went out that has had no answer, if there is one. Beats on request do not
  /// count: their answer may be under way.
  std::optional<SteadyTime> unanswered_since() const { return waiting_since_; }
  void sent(SteadyTime now);
  /// How long the answer took; empty when none was awaited.
  std::optional<std::chrono::nanoseconds> acknowledged(SteadyTime now);
  /// How many frames to keep free for beats in a minute.
  std::size_t reserve() const;

 private:
  std::chrono::nanoseconds interval_{0};
  SteadyTime due_;
  std::optional<SteadyTime> waiting_since_;
};

}  // namespace guildhall::discord
