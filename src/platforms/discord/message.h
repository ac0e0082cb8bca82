// What a message says: text, embeds, and what is pressed below. Whatever is put in, what goes out is within
// Discord's limits, pings nobody and is valid UTF-8: too long a text is cut where a character ends
// (base/graphemes.h), and of too much the last goes. Texts of members are escaped before they come here
// (base/messages.h: MemberText). Source: documentation "Message", "Embed Limits"; lengths are UTF-16 units
// after trimming.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/error.h"
#include "base/ids.h"
#include "base/json.h"
#include "platforms/discord/components.h"

namespace guildhall::discord {

inline constexpr std::size_t kLongestMessage = 2'000;
inline constexpr std::size_t kMostEmbeds = 10;
inline constexpr std::size_t kLongestEmbeds = 6'000;  // all texts of all embeds of a message together

struct EmbedField {
  std::string name;     // at most 256
  std::string value;    // at most 1,024
  bool beside = false;  // other fields in one line
};

struct Embed {
  std::string title = {};                   // at most 256
  std::string description = {};             // at most 4,096
  std::vector<EmbedField> fields = {};      // at most 25
  std::string footer = {};                  // at most 2,048
  std::string author = {};                  // at most 256
  std::optional<std::uint32_t> color = {};  // 0xRRGGBB
  std::optional<TimePoint> at = {};
};

struct MessageBody {
  MessageBody() = default;
  /// Most messages are a text and nothing else.
  MessageBody(std::string words) : text(std::move(words)) {}  // NOLINT(google-explicit-constructor)
  MessageBody(const char* words) : text(words) {}             // NOLINT(google-explicit-constructor)

  std::string text;  // at most 2,000
  std::vector<Embed> embeds;
  std::vector<Row> rows;
  std::vector<DiscordUserId> pings;  // whom mentions in it notify; nobody else
};

/// A new message. Errors `invalid`: it says nothing, or its components cannot be mended.
Result<json::Object> message_json(const MessageBody& message);
/// In place of what a message said: what is empty here is empty then.
Result<json::Object> edited_message_json(const MessageBody& message);

}  // namespace guildhall::discord
