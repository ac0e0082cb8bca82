// The messages of the simulated Discord, the last few thousand of every channel.
#pragma once

#include <deque>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "base/json.h"
#include "sim/stage.h"

namespace guildhall::sim {

struct Message {
  Snowflake id = 0;
  Snowflake channel = 0;
  Snowflake server = 0;  // 0: a direct message
  Snowflake author = 0;
  bool ephemeral = false;
  std::string nonce;
  std::chrono::steady_clock::time_point made;
  json::Object body;  // the message object, without what only the gateway adds
  std::map<std::string, std::set<Snowflake>> reactions = {};
};

/// {"id", "name"} of an emoji as paths name it: itself, or "name:id".
json::Object emoji_of(const std::string& text);

struct MessageDraft {
  Snowflake channel = 0;
  Snowflake server = 0;
  Snowflake author = 0;
  bool ephemeral = false;
  json::Value fields;       // as a bot sends them: content, embeds, components, allowed_mentions, ...
  json::Object extra = {};  // interaction_metadata and the like
};

class Messages {
 public:
  explicit Messages(Stage& stage) : stage_(stage) {}

  Message& add(MessageDraft draft);
  /// Takes over the fields that are there; null clears.
  void edit(Message& message, const json::Value& fields);
  void erase(Snowflake channel, Snowflake id);

  Message* find(Snowflake channel, Snowflake id);
  /// Puts an emoji of that person on a message, or takes it away; false: it was so already.
  bool react(Message& message, Snowflake user, const std::string& emoji, bool add);
  /// The message that the author sent with this nonce in the last few minutes.
  Message* find_nonce(Snowflake channel, Snowflake author, const std::string& nonce);
  /// Oldest first.
  const std::deque<Message>& of(Snowflake channel) const;

 private:
  /// Whom the text of `body` mentions, as far as the sender's `fields` allow.
  void resolve_mentions(const Message& message, const json::Value& fields, json::Object& body) const;

  Stage& stage_;
  std::map<Snowflake, std::deque<Message>> channels_;
};

/// What the gateway sends of a message in a server: with guild_id and the author's membership.
json::Object message_event(World& world, const Message& message);

}  // namespace guildhall::sim
