// Interactions and their answers: 3 seconds for the first, 15 minutes for the rest, both in real time;
// 10062 for one that is gone, 40060 for one that was answered, visibility fixed by the first answer. They go
// over the gateway, or to the address that the application has named: one of them, never both.
#pragma once

#include <chrono>
#include <deque>
#include <functional>
#include <optional>
#include <vector>

#include "sim/discord_error.h"
#include "sim/discord_gateway.h"
#include "sim/discord_messages.h"
#include "sim/interaction_endpoint.h"
#include "sim/stage.h"

namespace guildhall::sim {

struct InteractionDeadlines {
  std::chrono::milliseconds first_answer{3'000};
  std::chrono::milliseconds life{900'000};
};

struct Interaction {
  enum class State { waiting, deferred, answered, dead };
  using Time = std::chrono::steady_clock::time_point;

  Snowflake id = 0;
  std::string token;
  int type = 2;  // 2 command, 3 component, 4 an option that is being typed, 5 a form that was filled in
  Snowflake server = 0;
  Snowflake channel = 0;
  Snowflake user = 0;
  std::string what;  // "points", "leaderboard", or a component's custom_id
  TimePoint asked_at;
  Time asked;  // real time
  std::optional<Time> first_answered;
  State state = State::waiting;
  int answer_type = 0;  // of the first answer: 4, 5, 6, ...
  bool ephemeral = false;
  bool taken_back = false;  // what a deferral promised
  json::Value modal;        // what a modal answer showed
  json::Value choices;      // what was offered to the person who types
  std::optional<Snowflake> original;
  std::vector<Snowflake> followups;
};

class Interactions {
 public:
  Interactions(Stage& stage, Gateway& gateway, Messages& messages, InteractionDeadlines deadlines)
      : stage_(stage), gateway_(gateway), messages_(messages), deadlines_(deadlines), endpoint_(stage) {}

  InteractionEndpoint& endpoint() { return endpoint_; }

  /// A person asks: tells the bot and starts the clock. `data` is the event's, `source` the message of
  /// a component, or of that which opened a form.
  Snowflake ask(int type, const Server& server, const Channel& channel, Snowflake user, std::string what,
                json::Object data, const Message* source);

  ApiAnswer callback(Snowflake id, const std::string& token, const json::Value& body, bool with_response);
  // The webhook routes of an answered interaction. `message`: an id, or none for @original.
  ApiAnswer read(const std::string& token, std::optional<Snowflake> message);
  ApiAnswer edit(const std::string& token, std::optional<Snowflake> message, const json::Value& body);
  ApiAnswer erase(const std::string& token, std::optional<Snowflake> message);
  ApiAnswer followup(const std::string& token, const json::Value& body);

  /// Null: there is none, or it is long ago.
  Interaction* find(Snowflake id);

  /// Told of each first answer, where somebody counts them.
  std::function<void(const Interaction&)> on_first_answer;

  /// The last few thousand, oldest first, or the one asked for, with their answers.
  json::Array list(std::optional<Snowflake> only) const;

 private:
  Task<void> expire(Snowflake id);
  /// The reply to the request is the first answer, or a promise of one (202).
  Task<void> tell(Snowflake id, std::string event);
  void give_up(Interaction& interaction);
  Interaction* find_by_token(const std::string& token);
  /// The answered interaction, or the error that its routes give.
  std::expected<Interaction*, ApiError> usable(const std::string& token);
  std::expected<Message*, ApiError> message_of(Interaction& interaction, std::optional<Snowflake> message);
  std::optional<ApiError> refuse_callback(const Interaction* interaction, const std::string& token,
                                          int type) const;
  void answer(Interaction& interaction, const json::Value& body);
  const Message& post(const Interaction& interaction, const json::Value& fields, bool ephemeral,
                      std::int64_t extra_flags);
  void update_source(Interaction& interaction, const json::Value& fields);
  void announce_edit(const Message& message);
  json::Object event_of(const Interaction& interaction, json::Object data, const Message* source) const;
  json::Object callback_response(const Interaction& interaction) const;
  json::Object describe(const Interaction& interaction) const;

  Stage& stage_;
  Gateway& gateway_;
  Messages& messages_;
  InteractionDeadlines deadlines_;
  InteractionEndpoint endpoint_;
  std::deque<Interaction> all_;
};

}  // namespace guildhall::sim
