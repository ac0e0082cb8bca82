#include "bot/targets.h"

namespace guildhall::bot {
namespace {

store::TxTask<std::optional<Identity>> look_up(store::Tx& tx, const PersonArgument& wanted) {
  if (!wanted.id.empty()) co_return co_await find_identity(tx, wanted.platform, wanted.id);
  co_return co_await find_identity_by_name(tx, wanted.platform, wanted.name);
}

store::TxTask<Target> caller_of(store::Tx& tx, const CommandCall& call, TimePoint now) {
  const PersonId person = co_await person_of(tx, call.caller.user, now);
  co_return Target{person, call.caller.user.name, true, std::nullopt};
}

Target unknown(const PersonArgument& wanted) {
  Target target;
  const std::string& name = wanted.name.empty() ? wanted.id : wanted.name;
  target.refusal = refuse("common.unknown_person", {{"name", MemberText{name}}});
  return target;
}

}  // namespace

store::TxTask<Target> find_target(store::Tx& tx, const CommandCall& call, std::string argument,
                                  TimePoint now) {
  const auto wanted = call.person(argument);
  if (!wanted) co_return co_await caller_of(tx, call, now);
  const auto identity = co_await look_up(tx, *wanted);
  if (!identity) co_return unknown(*wanted);
  const bool is_caller =
      identity->platform == call.caller.user.platform && identity->platform_user_id == call.caller.user.id;
  co_return Target{identity->person_id, identity->name, is_caller, std::nullopt};
}

store::TxTask<Target> find_or_make_target(store::Tx& tx, const CommandCall& call, std::string argument,
                                          TimePoint now) {
  const auto wanted = call.person(argument);
  if (!wanted || wanted->platform != kDiscord || wanted->id.empty()) {
    co_return co_await find_target(tx, call, std::move(argument), now);
  }
  const PersonId person = co_await person_of(tx, {kDiscord, wanted->id, wanted->name}, now);
  const auto identity = co_await find_identity(tx, kDiscord, wanted->id);
  co_return Target{person, identity->name, wanted->id == call.caller.user.id, std::nullopt};
}

store::TxTask<std::string> none_yet(store::Tx& tx, const ServerContext& context, const CommandCall& call,
                                    const Target& target) {
  if (call.door == Door::chat) co_return "none_yet";
  for (const Identity& identity : co_await identities_of(tx, target.person)) {
    if (identity.platform != kDiscord) co_return "none_yet";
  }
  co_return context.settings->is_on("linking") ? "none_yet_link" : "none_yet_discord";
}

void offer_others(Reply& reply, const CommandCall& call, const Target& target, std::string command,
                  std::string argument) {
  reply.replaces = true;
  if (target.is_caller && call.door != Door::button) return;
  reply.offers.push_back({{"offer.others"}, {std::move(command), {}, {std::move(argument)}}});
}

}  // namespace guildhall::bot
