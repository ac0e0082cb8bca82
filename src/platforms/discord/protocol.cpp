#include "platforms/discord/protocol.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>

#include "base/text.h"

namespace guildhall::discord {
namespace {

std::string frame(Op op, json::Value data) {
  return json::write(json::Object{{"op", static_cast<int>(op)}, {"d", std::move(data)}});
}

/// Source: gateway documentation, "Activity Types".
struct ActivityKind {
  std::string_view word;
  int type;
};
constexpr std::array<ActivityKind, 4> kActivityKinds{
    {{"playing ", 0}, {"listening to ", 2}, {"watching ", 3}, {"competing in ", 5}}};
/// Shows its "state"; the name is a matter of form.
constexpr int kCustomActivity = 4;
constexpr std::array<std::string_view, 4> kStatuses{"online", "idle", "dnd", "invisible"};

json::Object activity_of(std::string_view text) {
  for (const auto& [word, type] : kActivityKinds) {
    if (text.starts_with(word))
      return json::Object{{"name", std::string(text.substr(word.size()))}, {"type", type}};
  }
  return json::Object{{"name", "Custom Status"}, {"type", kCustomActivity}, {"state", std::string(text)}};
}

/// The status that a presence begins with; empty: none.
std::string_view status_in(std::string_view presence) {
  const std::string_view word = presence.substr(0, presence.find(','));
  const auto known = std::ranges::find(kStatuses, word);
  return known == kStatuses.end() ? std::string_view() : *known;
}

boost::json::parse_options parse_options() {
  boost::json::parse_options options;
  options.max_depth = 64;
  return options;
}

/// Reads a frame up to its data, if that comes last: as Discord writes it.
class HeadReader {
 public:
  explicit HeadReader(std::string_view text) : rest_(text) {}

  std::optional<Frame> read() {
    if (!take('{')) return std::nullopt;
    for (;;) {
      const auto key = text();
      if (!key || !take(':')) return std::nullopt;
      if (*key == "d") return with_data();
      if (!member(*key) || !take(',')) return std::nullopt;
    }
  }

 private:
  bool member(std::string_view key) {
    if (key == "t") return null_or([&] { return (event_ = text()).has_value(); });
    if (key == "s") return null_or([&] { return (sequence_ = number()).has_value(); });
    return key == "op" && (op_ = number()).has_value();
  }

  std::optional<Frame> with_data() {
    if (!op_ || (*op_ == 0 && (!event_ || !sequence_))) return std::nullopt;
    while (!rest_.empty() && is_space(rest_.back())) rest_.remove_suffix(1);
    if (!rest_.ends_with('}')) return std::nullopt;
    rest_.remove_suffix(1);
    return Frame{static_cast<Op>(*op_), sequence_, event_.value_or(""), rest_, nullptr};
  }

  template <class Read>
  bool null_or(Read read) {
    skip_space();
    if (!rest_.starts_with("null")) return read();
    rest_.remove_prefix(4);
    return true;
  }

  bool take(char wanted) {
    skip_space();
    if (!rest_.starts_with(wanted)) return false;
    rest_.remove_prefix(1);
    return true;
  }

  /// One without escapes, as no key and no name of an event has any.
  std::optional<std::string_view> text() {
    if (!take('"')) return std::nullopt;
    const std::size_t end = rest_.find_first_of("\"\\");
    if (end == std::string_view::npos || rest_[end] != '"') return std::nullopt;
    const std::string_view found = rest_.substr(0, end);
    rest_.remove_prefix(end + 1);
    return found;
  }

  std::optional<std::int64_t> number() {
    skip_space();
    std::int64_t value = 0;
    const auto [end, error] = std::from_chars(rest_.data(), rest_.data() + rest_.size(), value);
    if (error != std::errc{}) return std::nullopt;
    rest_.remove_prefix(static_cast<std::size_t>(end - rest_.data()));
    return value;
  }

  static bool is_space(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }
  void skip_space() {
    while (!rest_.empty() && is_space(rest_.front())) rest_.remove_prefix(1);
  }

  std::string_view rest_;
  std::optional<std::int64_t> op_;
  std::optional<std::int64_t> sequence_;
  std::optional<std::string_view> event_;
};

}  // namespace

FrameParser::FrameParser()
    : buffer_(std::make_unique<unsigned char[]>(kBuffer)), parser_({}, parse_options()) {}

std::optional<Frame> FrameParser::parse(std::string_view text) {
  text_ = text;
  auto head = HeadReader(text).read();
  return head ? head : parse_whole();
}

bool FrameParser::parse_data(Frame& frame) {
  if (frame.data == nullptr) frame.data = parse_value(frame.text);
  if (frame.data != nullptr) return true;
  // Something stands behind the data.
  const auto whole = parse_whole();
  if (whole) frame = *whole;
  return whole.has_value();
}

const json::Value* FrameParser::parse_value(std::string_view text) {
  // A new resource each time: one that is released goes on doubling the blocks it asks for.
  parser_.reset();
  memory_.emplace(buffer_.get(), kBuffer);
  parser_.reset(&*memory_);
  boost::system::error_code error;
  parser_.write(text, error);
  if (error) return nullptr;
  // The value lives in the buffer as well, and nothing of it needs to be destroyed.
  void* place = memory_->allocate(sizeof(json::Value), alignof(json::Value));
  return new (place) json::Value(parser_.release());
}

/// In any order, as every one is right.
std::optional<Frame> FrameParser::parse_whole() {
  static const json::Value kNothing;
  const json::Value* root = parse_value(text_);
  const auto op = root == nullptr ? std::nullopt : json::integer(*root, "op");
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

json::Value presence_of(std::string_view text) {
  const std::string_view status = status_in(text);
  if (!status.empty()) text = trim(text.substr(std::min(text.size(), status.size() + 1)));
  json::Array activities;
  if (!text.empty()) activities.push_back(activity_of(text));
  return json::Object{{"since", nullptr},
                      {"activities", std::move(activities)},
                      {"status", std::string(status.empty() ? kStatuses.front() : status)},
                      {"afk", false}};
}

std::string identify_frame(const std::string& token, Intents intents, Shard shard,
                           std::string_view presence) {
  json::Object data{
      {"token", token},
      {"intents", intents},
      {"properties", json::Object{{"os", "linux"}, {"browser", "guildhall"}, {"device", "guildhall"}}},
      {"compress", false},
      {"shard", json::Array{shard.index, shard.count}}};
  if (!presence.empty()) data["presence"] = presence_of(presence);
  return frame(Op::identify, std::move(data));
}

std::string presence_frame(std::string_view presence) { return frame(Op::presence, presence_of(presence)); }

std::string members_frame(ServerId guild, std::string_view nonce) {
  return frame(
      Op::request_members,
      json::Object{{"guild_id", guild.str()}, {"query", ""}, {"limit", 0}, {"nonce", std::string(nonce)}});
}

std::string resume_frame(const std::string& token, const SavedSession& session) {
  return frame(Op::resume,
               json::Object{{"token", token}, {"session_id", session.id}, {"seq", session.sequence}});
}

std::string heartbeat_frame(std::optional<std::int64_t> sequence) {
  return frame(Op::heartbeat, sequence ? json::Value(*sequence) : json::Value(nullptr));
}

std::string gateway_address(std::string_view url, Compression compression) {
  const std::string_view stream = stream_name(compression);
  return fmt::format("{}{}?v=10&encoding=json{}{}", url, url.ends_with('/') ? "" : "/",
                     stream.empty() ? "" : "&compress=", stream);
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
      return {ErrorCode::configuration, "Discord does not accept this number of shards",
              "set discord.shards to auto, which takes the number that Discord names"};
    case 4011:
      return {ErrorCode::configuration, "a shard has more than 2,500 servers, too many for one connection",
              "set discord.shards to auto or to a larger number, and start all processes anew"};
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
  if (!waiting_since_) waiting_since_ = now;
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
