#include "bot/discord_interactions.h"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>

#include "base/log.h"
#include "bot/discord_bridge.h"

namespace guildhall::bot {
namespace {

/// Discord gives three seconds for the first answer; after this much a deferral goes out instead.
constexpr std::chrono::milliseconds kPatience{1'800};

}  // namespace

/// One interaction until it is answered: by a message if that comes soon, by a deferral and an edit
/// otherwise. Lives on the bridge's loop.
class DiscordInteractions::Pending : public std::enable_shared_from_this<Pending> {
 public:
  Pending(DiscordInteractions& owner, discord::Interaction interaction, bool private_deferral)
      : owner_(owner),
        interaction_(std::move(interaction)),
        private_(private_deferral),
        timer_(owner.services_.loop) {}

  void start() {
    boost::asio::co_spawn(owner_.services_.loop, defer_when_late(shared_from_this()), boost::asio::detached);
  }

  /// In place of `start`, of an interaction that Discord tells of once more: it is ours to answer only when
  /// nobody has answered it and its time is not over. False: it is not, and must come to nothing.
  static Task<bool> claim(std::shared_ptr<Pending> self) {
    const auto deferred =
        co_await self->owner_.rest_.defer(self->interaction_.id, self->interaction_.token, self->private_);
    self->deferred_ = deferred.has_value();
    co_return self->deferred_;
  }

  /// From any thread.
  void answer(Answer answer) {
    net::spawn(owner_.services_.loop, "discord.answer",
               [self = shared_from_this(), answer = std::move(answer)] { return give(self, answer); });
  }

 private:
  static Task<void> defer_when_late(std::shared_ptr<Pending> self) {
    co_await self->owner_.timing_->wait(self->timer_, self->owner_.timing_->now() + kPatience);
    if (self->answered_) co_return;
    self->deferring_ = true;
    const auto deferred =
        co_await self->owner_.rest_.defer(self->interaction_.id, self->interaction_.token, self->private_);
    if (!deferred) self->report("deferral", deferred.error());
    self->deferring_ = false;
    self->deferred_ = true;
    self->timer_.cancel();
  }

  static Task<void> give(std::shared_ptr<Pending> self, Answer answer) {
    auto& rest = self->owner_.rest_;
    const std::string text = fit_message(std::move(answer.text), discord::kLongestMessage);
    self->answered_ = true;
    if (self->deferring_) {  // its outcome decides how to go on
      co_await self->owner_.timing_->wait(self->timer_,
                                          self->owner_.timing_->now() + std::chrono::seconds(10));
    }
    if (!self->deferred_) {
      self->timer_.cancel();
      const auto given =
          co_await rest.answer(self->interaction_.id, self->interaction_.token, text, answer.private_answer);
      if (given) co_return;
      // The call may have arrived although its answer was lost: only an edit cannot say it twice.
      self->report("answer", given.error());
      if (given.error().code != ErrorCode::timeout && given.error().code != ErrorCode::unavailable) co_return;
    }
    const auto edited =
        co_await rest.edit_answer(self->interaction_.application, self->interaction_.token, text);
    if (!edited) self->report("late answer", edited.error());
  }

  void report(std::string_view what, const Error& error) const {
    const std::string server = interaction_.guild ? interaction_.guild->str() : "";
    log::warning("interaction not answered", {log::field("step", what), log::field("server", server),
                                              log::field("error", error.message)});
  }

  DiscordInteractions& owner_;
  discord::Interaction interaction_;
  bool private_;
  boost::asio::steady_timer timer_;
  bool answered_ = false;
  bool deferring_ = false;
  bool deferred_ = false;
};

DiscordInteractions::DiscordInteractions(const BridgeServices& services, discord::RestClient& rest,
                                         std::shared_ptr<discord::Timing> timing)
    : services_(services), rest_(rest), timing_(std::move(timing)) {}

DiscordInteractions::~DiscordInteractions() = default;

std::string DiscordInteractions::say_plainly(std::string_view key) const {
  return services_.declarations.texts.text(services_.config.language, key);
}

void DiscordInteractions::take(std::optional<tenancy::ServerScope> scope, discord::Interaction interaction,
                               bool told_again) {
  if (interaction.type != discord::InteractionType::command) return;
  const CommandSpec* command = services_.declarations.commands.find_slash(interaction.command);
  const auto pending =
      std::make_shared<Pending>(*this, interaction, command != nullptr && command->private_answer);
  if (scope && command != nullptr && told_again) {
    net::spawn(services_.loop, "discord.told_again",
               [this, scope = *scope, pending, interaction = std::move(interaction)] {
                 return take_up(scope, pending, interaction);
               });
    return;
  }
  pending->start();
  if (!scope || command == nullptr) {
    pending->answer({say_plainly(!interaction.guild ? "common.servers_only"
                                 : !scope           ? "common.not_ready"
                                                    : "common.unknown_command"),
                     true});
    return;
  }
  call(*scope, pending, std::move(interaction));
}

/// A session that is resumed repeats what came last. An earlier process may have answered that it failed:
/// then it must not be done after all.
Task<void> DiscordInteractions::take_up(tenancy::ServerScope scope, std::shared_ptr<Pending> pending,
                                        discord::Interaction interaction) {
  if (co_await Pending::claim(pending)) call(scope, std::move(pending), std::move(interaction));
}

void DiscordInteractions::call(tenancy::ServerScope scope, std::shared_ptr<Pending> pending,
                               discord::Interaction interaction) {
  CommandRequest request;
  request.door = Door::slash;
  request.caller = {{kDiscord, interaction.user.id.str(), interaction.user.display_name},
                    (interaction.permissions & discord::kAdministrator) != 0};
  request.place = interaction.channel ? "discord:" + interaction.channel->str() : "";
  request.operation_id = "discord:" + interaction.id.str();
  request.slash_name = interaction.command;
  request.options = interaction.options;
  for (const auto& [id, name] : interaction.users) request.person_names[id.str()] = name;
  services_.dispatcher.submit(scope, std::move(request),
                              [this, pending](Outcome outcome, std::optional<Answer> answer) {
                                if (answer) return pending->answer(*std::move(answer));
                                if (outcome == Outcome::overloaded)
                                  pending->answer({say_plainly("common.busy"), true});
                              });
}

}  // namespace guildhall::bot
