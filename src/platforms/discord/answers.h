// The first answers that Discord takes to an interaction, one type each: none of them can carry what it
// would refuse there. A deferral says only who will see the answer, and nothing but messages follow one, so
// no modal can. Source: documentation "Interaction Callback Type".
#pragma once

#include <string>
#include <variant>
#include <vector>

#include "platforms/discord/commands_json.h"
#include "platforms/discord/message.h"
#include "platforms/discord/types.h"

namespace guildhall::discord {

/// To Discord's question whether anybody listens (over HTTP alone).
struct Pong {};
struct Say {
  MessageBody message;
  bool only_for_caller = false;
};
/// "Thinking": the answer comes later, and is as public as this says.
struct Defer {
  bool only_for_caller = false;
};
/// Of a component: nothing is seen until the message is changed, or another one follows.
struct DeferUpdate {};
/// Of a component: its message says this from now on.
struct Update {
  MessageBody message;
};
/// To a person who is typing an argument. At most 25 go out; there is no putting off.
struct Suggest {
  std::vector<CommandChoice> choices;
};
/// Opens a form.
struct Ask {
  Modal modal;
};

using FirstAnswer = std::variant<Pong, Say, Defer, DeferUpdate, Update, Suggest, Ask>;

/// Whose interaction is answered, and what may answer it.
struct Asked {
  InteractionId id;
  std::string token;
  InteractionType type = InteractionType::command;
  bool from_message = false;  // a modal: it was opened from one
};
Asked asked(const Interaction& interaction);

/// As a message of its own.
Result<json::Object> say_json(const Say& say);

/// The body of the callback. Errors `invalid`: this is no answer to such an interaction, or the message,
/// the choices or the modal cannot be mended.
Result<json::Object> answer_json(const Asked& asked, const FirstAnswer& answer);

}  // namespace guildhall::discord
