// Whom a command is about: the caller, or the user that an argument names.
#pragma once

#include <optional>
#include <string>

#include "bot/commands.h"

namespace guildhall::bot {

struct Target {
  PersonId person;
  std::string name;
  bool is_caller = false;
  std::optional<Reply> refusal;  // nobody of that name is known here
};

/// Looks; makes a person only of the caller himself.
store::TxTask<Target> find_target(store::Tx& tx, const CommandCall& call, std::string argument,
                                  TimePoint now);

/// For changes by an administrator: a Discord member who was never seen becomes a person.
store::TxTask<Target> find_or_make_target(store::Tx& tx, const CommandCall& call, std::string argument,
                                          TimePoint now);

/// The last part of the key of a text for a caller who has nothing to show yet: "none_yet" for a viewer, who
/// has to watch; in Discord "none_yet_link" for who has to link his viewer first, or "none_yet_discord" where
/// members do not do so themselves.
store::TxTask<std::string> none_yet(store::Tx& tx, const ServerContext& context, const CommandCall& call,
                                    const Target& target);

/// Below what was said about somebody else: a select of the server's members, to look at the next one in the
/// same place. `argument`: of the command, which is open at Door::button; it needs no others.
void offer_others(Reply& reply, const CommandCall& call, const Target& target, std::string command,
                  std::string argument);

}  // namespace guildhall::bot
