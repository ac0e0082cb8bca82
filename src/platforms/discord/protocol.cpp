#include "platforms/discord/protocol.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace guildhall::discord {
namespace {

std::string frame(Op op, json::Value data) {
  return json::write(json::Object{{"op", static_cast<int>(op)}, {"d", std::move(data)}});
}

boost::json::parse_options parse_options() {
  boost::json::parse_options options;
  options.max_depth = 64;
  return options;
}

}  // namespace

FrameParser::FrameParser()
    : buffer_(std::make_unique<unsigned char[]>(kBuffer)), parser_({}, parse_options()) {}

std::optional<Frame> FrameParser::parse(std::string_view text) {
  static const json::Value kNothing;
  // A new resource each time: one that is released goes on doubling the blocks it asks for.
  parser_.reset();
  memory_.emplace(buffer_.get(), kBuffer);
  parser_.reset(&*memory_);
  boost::system::error_code error;
  parser_.write(text, error);
  if (error) return std::nullopt;
  // The value lives in the buffer as well, and nothing of it needs to be destroyed.
  void* place = memory_->allocate(sizeof(json::Value), alignof(json::Value));
  const auto* root = new (place) json::Value(parser_.release());
  const auto op = json::integer(*root, "op");
  if (!op) return std::nullopt;
  Frame read;
  read.op = static_cast<Op>(*op);
  read.sequence = json::integer(*root, "s");
  const json::Value* event = json::find(*root, "t");
  if (event != nullptr && event->is_string()) read.event = event->get_string();
  const json::Value* data = json::find(*root, "d");
  read.data = data != nullptr ? data : &kNothing;
  return read;
}

std::string identify_frame(const std::string& token, Intents intents) {
  return frame(
      Op::identify,
      json::Object{
          {"token", token},
          {"intents", intents},
          {"properties", json::Object{{"os", "linux"}, {"browser", "guildhall"}, {"device", "guildhall"}}},
          {"compress", false},
          {"shard", json::Array{0, 1}}});
}

std::string resume_frame(const std::string& token, const SavedSession& session) {
  return frame(Op::resume,
               json::Object{{"token", token}, {"session_id", session.id}, {"seq", session.sequence}});
}

std::string heartbeat_frame(std::optional<std::int64_t> sequence) {
  return frame(Op::heartbeat, sequence ? json::Value(*sequence) : json::Value(nullptr));
}

std::string gateway_address(std::string_view url) {
  return fmt::format("{}{}?v=10&encoding=json", url, url.ends_with('/') ? "" : "/");
}

CloseAction close_action(int code) {
  switch (code) {
    case 4003:
    case 4007:
    case 4009: return CloseAction::identify;
    case 4004:
    case 4010:
    case 4011:
    case 4012:
    case 4013:
    case 4014: return CloseAction::stop;
    default: return CloseAction::resume;
  }
}

Error close_error(int code) {
  switch (code) {
    case 4004:
      return {ErrorCode::token_refused, "Discord does not accept the bot's token",
              "copy the token anew from the developer portal (Bot, Reset Token) into discord.token"};
    case 4010:
      return {ErrorCode::configuration,
              "Discord refuses to serve this bot over one connection (invalid shard)",
              "a bot of this size needs sharding, which this version does not offer"};
    case 4011:
      return {ErrorCode::configuration, "the bot is in more than 2,500 servers, too many for one connection",
              "a bot of this size needs sharding, which this version does not offer"};
    case 4012:
      return {ErrorCode::configuration, "Discord no longer speaks version 10 of its gateway",
              "install a newer version of Guildhall"};
    case 4013:
      return {ErrorCode::configuration, "Discord does not know one of the intents that were asked for",
              "install a newer version of Guildhall"};
    case 4014:
      return {ErrorCode::configuration, "Discord does not allow the intents that were asked for",
              "switch them on in the developer portal (Bot, Privileged Gateway Intents)"};
    default: return {ErrorCode::unavailable, fmt::format("Discord ended the connection (code {})", code)};
  }
}

std::chrono::nanoseconds backoff(int failures, double random) {
  const double most = std::min(60.0, std::ldexp(1.0, std::clamp(failures, 0, 6)));
  const double seconds = std::max(1.0, most / 2 + most / 2 * random);
  return std::chrono::nanoseconds(static_cast<std::int64_t>(seconds * 1e9));
}

void Heartbeat::start(SteadyTime now, std::chrono::nanoseconds interval, double jitter) {
  interval_ = interval;
  due_ = now +
         std::chrono::nanoseconds(static_cast<std::int64_t>(static_cast<double>(interval.count()) * jitter));
}

void Heartbeat::sent(SteadyTime now) {
  waiting_since_ = now;
  due_ = now + interval_;
}

std::optional<std::chrono::nanoseconds> Heartbeat::acknowledged(SteadyTime now) {
  if (!waiting_since_) return std::nullopt;
  const auto took = now - *waiting_since_;
  waiting_since_.reset();
  return took;
}

std::size_t Heartbeat::reserve() const {
  if (!started()) return 1;
  const std::chrono::nanoseconds minute = std::chrono::minutes(1);
  return static_cast<std::size_t>((minute.count() + interval_.count() - 1) / interval_.count()) + 1;
}

}  // namespace guildhall::discord
