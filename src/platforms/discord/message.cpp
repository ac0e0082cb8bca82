#include "platforms/discord/message.h"

#include <algorithm>

#include "base/graphemes.h"
#include "base/text.h"

namespace guildhall::discord {
namespace {

constexpr std::size_t kLongestTitle = 256;
constexpr std::size_t kLongestDescription = 4'096;
constexpr std::size_t kMostFields = 25;
constexpr std::size_t kLongestFieldName = 256;
constexpr std::size_t kLongestFieldValue = 1'024;
constexpr std::size_t kLongestFooter = 2'048;
constexpr std::size_t kLongestAuthor = 256;
/// A field has both a name and a value; this is one that nobody sees.
constexpr std::string_view kNothingSeen = "\u200B";

/// Fits the texts of a message's embeds, one after the other, as long as there is room for them.
class EmbedWriter {
 public:
  /// Empty: the embed says nothing.
  json::Object write(const Embed& embed) {
    json::Object written;
    if (auto title = take(embed.title, kLongestTitle); !title.empty()) written["title"] = std::move(title);
    if (auto author = take(embed.author, kLongestAuthor); !author.empty())
      written["author"] = json::Object{{"name", std::move(author)}};
    if (auto text = take(embed.description, kLongestDescription); !text.empty())
      written["description"] = std::move(text);
    if (auto fields = take_fields(embed.fields); !fields.empty()) written["fields"] = std::move(fields);
    if (auto footer = take(embed.footer, kLongestFooter); !footer.empty())
      written["footer"] = json::Object{{"text", std::move(footer)}};
    if (written.empty()) return written;
    if (embed.color) written["color"] = *embed.color & 0xFF'FF'FFU;
    if (embed.at) written["timestamp"] = format_rfc3339(*embed.at);
    return written;
  }

 private:
  std::string take(std::string_view text, std::size_t limit) {
    std::string fitted = fit_text(text, std::min(limit, left_));
    left_ -= utf16_length(fitted);
    return fitted;
  }

  std::string take_or_nothing(std::string_view text, std::size_t limit) {
    std::string fitted = take(text, limit);
    if (fitted.empty()) fitted = take(kNothingSeen, limit);
    return fitted;
  }

  json::Array take_fields(const std::vector<EmbedField>& fields) {
    json::Array written;
    for (const EmbedField& field : fields) {
      const bool room = left_ > kLongestFieldName && written.size() < kMostFields;
      if (!room) break;
      json::Object one{{"name", take_or_nothing(field.name, kLongestFieldName)},
                       {"value", take_or_nothing(field.value, kLongestFieldValue)}};
      if (field.beside) one["inline"] = true;
      written.push_back(std::move(one));
    }
    return written;
  }

  std::size_t left_ = kLongestEmbeds;
};

json::Array embeds_json(const std::vector<Embed>& embeds) {
  json::Array written;
  EmbedWriter writer;
  for (const Embed& embed : embeds) {
    if (written.size() == kMostEmbeds) break;
    if (json::Object one = writer.write(embed); !one.empty()) written.push_back(std::move(one));
  }
  return written;
}

Result<json::Object> body_json(const MessageBody& message, bool all) {
  std::string text = fit_text(message.text, kLongestMessage);
  json::Array embeds = embeds_json(message.embeds);
  auto rows = rows_json(message.rows);
  if (!rows) return std::unexpected(rows.error());
  if (text.empty() && embeds.empty() && rows->empty())
    return fail(ErrorCode::invalid, "a Discord message cannot be empty");
  json::Object mentions{{"parse", json::Array{}}};
  if (!message.pings.empty()) {
    json::Array users;
    for (const DiscordUserId user : message.pings) users.emplace_back(user.str());
    mentions["users"] = std::move(users);
  }
  json::Object written{{"allowed_mentions", std::move(mentions)}};
  if (all || !text.empty()) written["content"] = std::move(text);
  if (all || !embeds.empty()) written["embeds"] = std::move(embeds);
  if (all || !rows->empty()) written["components"] = *std::move(rows);
  return written;
}

}  // namespace

Result<json::Object> message_json(const MessageBody& message) { return body_json(message, false); }

Result<json::Object> edited_message_json(const MessageBody& message) { return body_json(message, true); }

}  // namespace guildhall::discord
