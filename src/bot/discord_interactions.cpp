#include "bot/discord_interactions.h"

#include <utility>

#include "base/log.h"
#include "bot/discord_bridge.h"
#include "bot/discord_commands.h"
#include "platforms/discord/permissions.h"

namespace guildhall::bot {
namespace {

/// Discord gives three seconds for the first answer; after this much a deferral goes out instead.
constexpr std::chrono::milliseconds kPatience{1'800};
/// Then Discord has given up the request, or is about to.
constexpr std::chrono::milliseconds kRequestPatience{2'500};
/// A recorded request is believed for five minutes before and after the time that it bears: for ten at most,
/// where our clock is slow.
constexpr std::chrono::minutes kRememberFor{11};
/// Then 150 each second; of more the oldest are forgotten early.
constexpr std::size_t kMostRemembered = 100'000;

/// Who leafs through a list presses twice or thrice a second, and not for long; after that a member takes up
/// a transaction a second at most.
constexpr int kPressesAtOnce = 10;
constexpr std::chrono::milliseconds kPressEvery{1'000};
/// Discord asks about twice a second while somebody types, and a name has at most 25 letters.
constexpr int kStrokesAtOnce = 30;
constexpr std::chrono::milliseconds kStrokeEvery{500};

/// A form does not bring back the name of the user whom it is about. Of one server.
constexpr std::size_t kMostNames = 20;

bool calls(discord::InteractionType type) {
  using enum discord::InteractionType;
  return type == command || type == component || type == modal;
}

/// False: there is no room for it.
bool add_row(std::vector<discord::Row>& rows, discord::Select select) {
  if (rows.size() == discord::kMostRows) return false;
  rows.emplace_back(std::move(select));
  return true;
}
bool add_to_row(std::vector<discord::Row>& rows, std::variant<discord::Button, discord::LinkButton> button) {
  auto* last = rows.empty() ? nullptr : std::get_if<discord::ButtonRow>(&rows.back());
  if (last == nullptr || last->size() == discord::kButtonsInARow) {
    if (rows.size() == discord::kMostRows) return false;
    last = &std::get<discord::ButtonRow>(rows.emplace_back(discord::ButtonRow()));
  }
  last->emplace_back(std::move(button));
  return true;
}

}  // namespace

/// The open request that brought an interaction. Lives on the bridge's loop.
class DiscordInteractions::Request {
 public:
  explicit Request(boost::asio::io_context& loop) : timer_(loop) {}

  bool is_open() const { return !response_; }
  void answer(const json::Object& body) {
    respond(net::make_response(200, "application/json", json::write(body)));
  }
  /// Answers come by calls of their own.
  void let_go() {
    net::HttpResponse later;
    later.status = 202;
    if (is_open()) respond(std::move(later));
  }

  static Task<net::HttpResponse> wait(RequestPtr self, std::shared_ptr<discord::Timing> timing) {
    if (self->is_open()) co_await timing->wait(self->timer_, timing->now() + kRequestPatience);
    self->let_go();
    co_return *self->response_;
  }

 private:
  void respond(net::HttpResponse response) {
    response_ = std::move(response);
    timer_.cancel();
  }

  boost::asio::steady_timer timer_;
  std::optional<net::HttpResponse> response_;
};

/// One interaction until it is answered: by a message if that comes soon, by a deferral and what follows it
/// otherwise. Lives on the bridge's loop.
class DiscordInteractions::Pending : public std::enable_shared_from_this<Pending> {
 public:
  Pending(DiscordInteractions& owner, discord::Interaction interaction, RequestPtr request,
          bool private_deferral)
      : owner_(owner),
        interaction_(std::move(interaction)),
        request_(std::move(request)),
        private_(private_deferral),
        timer_(owner.services_.loop) {}

  void start() {
    net::spawn(owner_.services_.loop, "discord.defer",
               [self = shared_from_this()] { return defer_when_late(self); });
  }

  /// In place of `start`, of an interaction that Discord tells of once more: it is ours to answer only when
  /// nobody has answered it and its time is not over. False: it is not, and must come to nothing.
  static Task<bool> claim(std::shared_ptr<Pending> self) {
    const auto deferred = co_await defer(self);
    self->deferred_ = deferred.has_value();
    co_return self->deferred_;
  }

  /// From any thread. `briefly`: by one call, though everybody may see it then: there may be thousands.
  void answer(Answer answer, bool briefly = false) {
    net::spawn(owner_.services_.loop, "discord.answer",
               [self = shared_from_this(), answer = std::move(answer), briefly] {
                 self->briefly_ = briefly;
                 return give_in_turn(self, answer);
               });
  }

 private:
  bool is_press() const { return interaction_.type == discord::InteractionType::component; }

  /// After a button nothing is seen of it, so that what follows can still be for everybody or for one. By a
  /// call of its own: only of that do we hear that it has arrived, before which nothing may follow.
  static Task<Result<void>> defer(std::shared_ptr<Pending> self) {
    if (self->request_) self->request_->let_go();
    discord::Asked asked = discord::asked(self->interaction_);
    discord::FirstAnswer deferral = discord::Defer{self->private_};
    if (self->is_press()) deferral = discord::DeferUpdate{};
    co_return co_await self->owner_.rest_.answer(std::move(asked), std::move(deferral));
  }

  static Task<void> defer_when_late(std::shared_ptr<Pending> self) {
    co_await self->owner_.timing_->wait(self->timer_, self->owner_.timing_->now() + kPatience);
    if (self->answered_) co_return;
    self->deferring_ = self->tried_to_defer_ = true;
    const auto deferred = co_await defer(self);
    if (!deferred) self->report("deferral", deferred.error());
    self->deferring_ = false;
    self->deferred_ = true;
    self->timer_.cancel();
  }

  /// Whatever changes a message waits for what changes it already, whose retries would otherwise bring back
  /// what was before. An interaction that waits too long is deferred meanwhile.
  static Task<void> give_in_turn(std::shared_ptr<Pending> self, Answer answer) {
    if (!self->is_press() || !answer.replaces || !self->interaction_.message)
      co_return co_await give(self, std::move(answer));
    co_await self->owner_.change_latest(*self->interaction_.message,
                                        [self, answer = std::move(answer)] { return change(self, answer); });
  }

  static Task<bool> change(std::shared_ptr<Pending> self, Answer answer) {
    co_await give(self, std::move(answer));
    co_return self->given_;
  }

  static Task<void> give(std::shared_ptr<Pending> self, Answer answer) {
    self->answered_ = true;
    if (self->deferring_) {  // its outcome decides how to go on
      co_await self->owner_.timing_->wait(self->timer_,
                                          self->owner_.timing_->now() + std::chrono::seconds(10));
    }
    const bool replaces = self->is_press() && answer.replaces;
    discord::Say say;
    say.message = self->owner_.body_of(answer, self->interaction_.guild.value_or(ServerId()),
                                       self->interaction_.user.id.str());
    say.only_for_caller = answer.private_answer || self->private_;
    if (!self->deferred_) {
      self->timer_.cancel();
      const bool settled = co_await give_at_once(self, say, replaces);
      if (settled) co_return;
    }
    co_await give_later(self, std::move(say), replaces);
  }

  /// False: the call may have arrived although its answer was lost. Only an edit cannot say it twice.
  static Task<bool> give_at_once(std::shared_ptr<Pending> self, discord::Say say, bool replaces) {
    discord::Asked asked = discord::asked(self->interaction_);
    discord::FirstAnswer first;
    if (replaces) {
      first = discord::Update{std::move(say.message)};
    } else {
      first = std::move(say);
    }
    const auto given = co_await self->owner_.answer_first(self->request_, std::move(asked), std::move(first));
    self->given_ = given.has_value();
    if (given) co_return true;
    self->report("answer", given.error());
    const ErrorCode code = given.error().code;
    // A deferral whose answer was slow to come had arrived.
    if (code == ErrorCode::conflict && self->tried_to_defer_) self->deferred_ = true;
    const bool lost = code == ErrorCode::timeout || code == ErrorCode::unavailable;
    co_return !lost && !self->deferred_;
  }

  static Task<void> give_later(std::shared_ptr<Pending> self, discord::Say say, bool replaces) {
    const bool deferred_press = self->deferred_ && self->is_press();
    const bool promised_to_all = self->deferred_ && !self->is_press() && !self->private_;
    // Behind a deferred button the "original" is the button's own message, which stays as it is.
    if (deferred_press && !replaces) {
      co_await say_beside(self, std::move(say));
    } else if (promised_to_all && say.only_for_caller && !self->briefly_) {
      co_await take_back(self, std::move(say));
    } else {
      co_await edit(self, std::move(say));
    }
  }

  static Task<void> say_beside(std::shared_ptr<Pending> self, discord::Say say) {
    std::string token = self->interaction_.token;
    const auto said = co_await self->owner_.rest_.follow_up(self->interaction_.application, std::move(token),
                                                            std::move(say));
    if (!said) self->report("late answer", said.error());
  }

  /// Who sees an answer is fixed by its deferral: what only the caller may see is another message.
  static Task<void> take_back(std::shared_ptr<Pending> self, discord::Say say) {
    std::string token = self->interaction_.token;
    const auto gone =
        co_await self->owner_.rest_.delete_answer(self->interaction_.application, std::move(token));
    if (gone || gone.error().code == ErrorCode::not_found)
      co_return co_await say_beside(self, std::move(say));
    // As long as it is there, it would be filled by what follows.
    self->report("deferral taken back", gone.error());
  }

  static Task<void> edit(std::shared_ptr<Pending> self, discord::Say say) {
    std::string token = self->interaction_.token;
    const auto given = co_await self->owner_.rest_.edit_answer(self->interaction_.application,
                                                               std::move(token), say.message);
    self->given_ = given.has_value();
    if (given) co_return;
    self->report("late answer", given.error());
    const bool too_late =
        given.error().code == ErrorCode::unauthenticated;  // the token's 15 minutes are over
    const bool for_all = !say.only_for_caller && !self->is_press();
    if (too_late && for_all) co_await give_in_channel(self, std::move(say.message));
  }

  static Task<void> give_in_channel(std::shared_ptr<Pending> self, discord::MessageBody body) {
    if (!self->interaction_.channel) co_return;
    discord::NewMessage message;
    message.body = std::move(body);
    message.nonce = "in-" + self->interaction_.id.str();
    message.urgency = discord::Urgency::person;
    message.guild = self->interaction_.guild;
    const auto sent =
        co_await self->owner_.rest_.create_message(*self->interaction_.channel, std::move(message));
    if (!sent) self->report("answer in the channel", sent.error());
  }

  void report(std::string_view what, const Error& error) const {
    const std::string server = interaction_.guild ? interaction_.guild->str() : "";
    log::warning("interaction not answered", {log::field("step", what), log::field("server", server),
                                              log::field("error", error.message)});
  }

  DiscordInteractions& owner_;
  discord::Interaction interaction_;
  RequestPtr request_;
  bool private_;
  bool briefly_ = false;
  boost::asio::steady_timer timer_;
  bool answered_ = false;
  bool deferring_ = false;
  bool tried_to_defer_ = false;
  bool deferred_ = false;
  bool given_ = false;  // its answer is where it belongs
};

DiscordInteractions::DiscordInteractions(const BridgeServices& services, const Secrets& secrets,
                                         discord::RestClient& rest, std::shared_ptr<discord::Timing> timing)
    : services_(services),
      rest_(rest),
      timing_(std::move(timing)),
      offer_ids_(secrets, services.declarations.commands, Door::button),
      form_ids_(secrets, services.declarations.commands, Door::slash),
      pages_(services.config, secrets),
      presses_(kPressesAtOnce, kPressEvery),
      strokes_(kStrokesAtOnce, kStrokeEvery) {}

DiscordInteractions::~DiscordInteractions() = default;

std::string DiscordInteractions::say_plainly(std::string_view key) const {
  return services_.declarations.texts.text(services_.config.language, key);
}

void DiscordInteractions::take(std::optional<tenancy::ServerScope> scope, discord::Interaction interaction,
                               bool told_again) {
  begin(scope, std::move(interaction), told_again, nullptr);
}

Task<net::HttpResponse> DiscordInteractions::take_posted(std::optional<tenancy::ServerScope> scope,
                                                         discord::Interaction interaction) {
  auto request = std::make_shared<Request>(services_.loop);
  const bool begun = begin(scope, std::move(interaction), false, request);
  if (!begun) co_return net::make_response(409, "text/plain", "");
  co_return co_await Request::wait(std::move(request), timing_);
}

bool DiscordInteractions::is_new(discord::InteractionId id) {
  const discord::SteadyTime now = timing_->now();
  const auto is_over = [&](const Taken& oldest) {
    return now - oldest.at > kRememberFor || taken_order_.size() >= kMostRemembered;
  };
  while (!taken_order_.empty() && is_over(taken_order_.front())) {
    taken_.erase(taken_order_.front().id);
    taken_order_.pop_front();
  }
  if (!taken_.insert(id).second) return false;
  taken_order_.push_back({id, now});
  return true;
}

bool DiscordInteractions::begin(std::optional<tenancy::ServerScope> scope, discord::Interaction interaction,
                                bool told_again, RequestPtr request) {
  if (interaction.type == discord::InteractionType::autocomplete) {
    // What is typed changes nothing, and comes so often that it would drive out what does.
    if (scope && !told_again)
      net::spawn(services_.loop, "discord.suggest",
                 [this, scope = *scope, interaction = std::move(interaction), request = std::move(request)] {
                   return suggest(scope, interaction, request);
                 });
    return scope.has_value();
  }
  if (!calls(interaction.type) || !is_new(interaction.id)) return false;
  if (interaction.guild && scope) {
    serve(*scope, std::move(interaction), told_again, std::move(request));
    return true;
  }
  const char* key = interaction.guild ? "common.not_ready" : "common.servers_only";
  const auto pending = std::make_shared<Pending>(*this, std::move(interaction), std::move(request), true);
  pending->start();
  pending->answer({say_plainly(key), true});
  return true;
}

void DiscordInteractions::serve(tenancy::ServerScope scope, discord::Interaction interaction, bool told_again,
                                RequestPtr request) {
  Wish wish = wish_of(interaction);
  if (wish.form) {
    net::spawn(
        services_.loop, "discord.form",
        [this, interaction = std::move(interaction), request = std::move(request),
         ask = discord::Ask{*std::move(wish.form)}] { return answer_once(interaction, request, ask); });
    return;
  }
  const auto pending =
      std::make_shared<Pending>(*this, std::move(interaction), std::move(request), wish.private_answer);
  if (told_again) {
    net::spawn(
        services_.loop, "discord.told_again",
        [this, scope, pending, wished = std::move(wish.request)] { return take_up(scope, pending, wished); });
    return;
  }
  pending->start();
  call(scope, pending, std::move(wish.request));
}

Task<Result<void>> DiscordInteractions::answer_first(RequestPtr request, discord::Asked asked,
                                                     discord::FirstAnswer answer) {
  if (!request || !request->is_open()) co_return co_await rest_.answer(std::move(asked), std::move(answer));
  const auto body = discord::answer_json(asked, answer);
  if (!body) co_return std::unexpected(body.error());
  request->answer(*body);
  co_return Result<void>{};
}

Task<void> DiscordInteractions::change_latest(discord::MessageId message, Change change) {
  const auto [line, idle] = changes_.try_emplace(message);
  std::vector<Change>& waiting = line->second;
  waiting.push_back(std::move(change));
  if (!idle) co_return;
  while (!waiting.empty()) {
    const Change latest = std::move(waiting.back());
    waiting.pop_back();
    const auto older = static_cast<std::ptrdiff_t>(waiting.size());
    const bool made = co_await latest();
    if (made) waiting.erase(waiting.begin(), waiting.begin() + older);
  }
  changes_.erase(line);
}

/// A session that is resumed repeats what came last. An earlier process may have answered that it failed:
/// then it must not be done after all.
Task<void> DiscordInteractions::take_up(tenancy::ServerScope scope, std::shared_ptr<Pending> pending,
                                        CommandRequest request) {
  const bool claimed = co_await Pending::claim(pending);
  if (claimed) call(scope, std::move(pending), std::move(request));
}

DiscordInteractions::Wish DiscordInteractions::wish_of(const discord::Interaction& interaction) {
  Wish wish = interaction.type == discord::InteractionType::command ? command_wish(interaction)
                                                                    : offered_wish(interaction);
  CommandRequest& request = wish.request;
  request.caller = {{kDiscord, interaction.user.id.str(), interaction.user.display_name},
                    permission_by(interaction.permissions),
                    interaction.user.name};
  request.place = interaction.channel ? "discord:" + interaction.channel->str() : "";
  request.operation_id = "discord:" + interaction.id.str();
  for (const auto& [id, name] : interaction.users) request.person_names[id.str()] = name;
  return wish;
}

DiscordInteractions::Wish DiscordInteractions::command_wish(const discord::Interaction& interaction) {
  Wish wish;
  wish.request.door = Door::slash;
  const CommandSpec* command = called_command(services_.declarations, interaction);
  if (command == nullptr) {
    wish.request.refusal = "common.unknown_command";
    return wish;
  }
  wish.private_answer = command->private_answer || interaction.kind != discord::CommandKind::slash;
  wish.request.slash_name = command->slash_name();
  auto options = called_options(*command, interaction);
  if (options) {
    wish.request.options = *std::move(options);
  } else {
    wish.request.refusal = "common.one_person";
  }
  if (interaction.kind == discord::CommandKind::user_menu)
    wish.form = form_for(*command, wish.request, interaction);
  return wish;
}

std::optional<discord::Modal> DiscordInteractions::form_for(const CommandSpec& command,
                                                            const CommandRequest& request,
                                                            const discord::Interaction& interaction) {
  const OfferedCall call{command.path, request.options, left_open(command)};
  if (call.open.empty() || !may_call(command, interaction)) return std::nullopt;
  auto id = form_ids_.make(*interaction.guild, call, interaction.user.id.str());
  if (!id) {
    log::warning("form left out", {log::field("command", command.path)});
    return std::nullopt;
  }
  const Catalogue& texts = services_.declarations.texts;
  const std::string language = interaction.locale.substr(0, 2);
  const DiscordUserId about(interaction.target.value_or(0));
  const auto name = interaction.users.find(about);
  const Message title{"form.title",
                      {{"action", texts.text(language, command.menu_key())},
                       {"name", MemberText{name == interaction.users.end() ? about.str() : name->second}}}};
  remember_names(interaction);
  discord::Modal form = form_of(command, call, texts.render(language, title, Markup::plain), texts, language);
  form.custom_id = *std::move(id);
  return form;
}

void DiscordInteractions::remember_names(const discord::Interaction& interaction) {
  auto& names = names_[*interaction.guild];
  for (const auto& [id, name] : interaction.users) {
    std::erase_if(names, [&](const auto& known) { return known.first == id.str(); });
    names.emplace_back(id.str(), name);
  }
  while (names.size() > kMostNames) names.pop_front();
}

std::string DiscordInteractions::name_of(ServerId server, const std::string& user) const {
  const auto names = names_.find(server);
  if (names == names_.end()) return {};
  const auto known = std::ranges::find(names->second, user, &std::pair<std::string, std::string>::first);
  return known == names->second.end() ? "" : known->second;
}

DiscordInteractions::Wish DiscordInteractions::offered_wish(const discord::Interaction& interaction) {
  const bool form = interaction.type == discord::InteractionType::modal;
  Wish wish;
  wish.request.door = form ? Door::slash : Door::button;
  wish.private_answer = form;  // it was opened from a menu
  if (!presses_.take(*interaction.guild, interaction.user.id, timing_->now())) {
    wish.request.refusal = "common.slow_down";
    return wish;
  }
  const CustomIds& ids = form ? form_ids_ : offer_ids_;
  auto call = ids.read(*interaction.guild, interaction.user.id.str(), interaction.custom_id);
  if (call) {
    fill_in(*call, interaction);
    for (const auto& [argument, value] : call->options) {
      std::string name = name_of(*interaction.guild, value);
      if (!name.empty()) wish.request.person_names[value] = std::move(name);
    }
    wish.request.slash_name = std::move(call->command);
    wish.request.options = std::move(call->options);
  } else {
    wish.request.refusal = call.error().code == ErrorCode::forbidden  ? "common.offer_not_yours"
                           : call.error().code == ErrorCode::conflict ? "common.offer_outdated"
                                                                      : "common.offer_unknown";
  }
  return wish;
}

Task<void> DiscordInteractions::suggest(tenancy::ServerScope scope, discord::Interaction interaction,
                                        RequestPtr request) {
  discord::Suggest suggest;
  suggest.choices = co_await choices(scope, interaction);
  co_await answer_once(std::move(interaction), std::move(request), std::move(suggest));
}

Task<void> DiscordInteractions::answer_once(discord::Interaction interaction, RequestPtr request,
                                            discord::FirstAnswer answer) {
  const std::string_view step = std::holds_alternative<discord::Ask>(answer) ? "form" : "choices";
  discord::Asked asked = discord::asked(interaction);
  const auto given = co_await answer_first(std::move(request), std::move(asked), std::move(answer));
  if (!given)
    log::warning("interaction not answered",
                 {log::field("step", step), log::field("server", interaction.guild->str()),
                  log::field("error", given.error().message)});
}

Task<std::vector<discord::CommandChoice>> DiscordInteractions::choices(tenancy::ServerScope scope,
                                                                       discord::Interaction interaction) {
  std::vector<discord::CommandChoice> choices;
  const CommandSpec* command = called_command(services_.declarations, interaction);
  const bool allowed = command != nullptr && may_call(*command, interaction);
  if (!allowed || !types_viewer(*command, interaction)) co_return choices;
  // Who types faster than that sees an empty list until the next stroke.
  if (!strokes_.take(scope.server(), interaction.user.id, timing_->now())) co_return choices;
  const std::string typed(typed_viewer(interaction.options[*interaction.focused]));
  const auto names =
      co_await scope.read([&typed](store::Tx& tx) { return names_beginning(tx, kKick, typed); });
  for (const std::string& name : names) choices.push_back({name, name});
  co_return choices;
}

void DiscordInteractions::call(tenancy::ServerScope scope, std::shared_ptr<Pending> pending,
                               CommandRequest request) {
  services_.dispatcher.submit(scope, std::move(request),
                              [this, pending](Outcome outcome, std::optional<Answer> answer) {
                                if (answer) return pending->answer(*std::move(answer));
                                if (outcome != Outcome::committed)
                                  pending->answer({say_plainly("common.busy"), true}, true);
                              });
}

discord::MessageBody DiscordInteractions::body_of(const Answer& answer, ServerId server,
                                                  const std::string& user) const {
  discord::MessageBody body(answer.text);
  for (const ShownOffer& offer : answer.offers) {
    if (offer.page) {
      const std::string address = pages_.address(server, *offer.page, timing_->wall());
      add_to_row(body.rows, discord::LinkButton{address, offer.label});
      continue;
    }
    const auto id = offer_ids_.make(server, offer.call, offer.for_all ? std::nullopt : std::optional(user));
    // Discord would refuse the whole message.
    if (!id || !add_offer(body.rows, offer, *id, answer.language))
      log::warning("offer left out", {log::field("command", offer.call.command),
                                      log::field("reason", id ? "too many" : "its arguments are too long")});
  }
  return body;
}

discord::MessageBody DiscordInteractions::body_of(const PostBody& post, ServerId server) const {
  discord::MessageBody body(post.text);
  for (const LinkButton& button : post.buttons) {
    if (!button.command.empty()) {
      auto id = offer_ids_.make(server, {button.command, {}}, std::nullopt);
      if (id)
        add_to_row(body.rows, discord::Button{*std::move(id), button.label, discord::ButtonStyle::primary});
      continue;
    }
    discord::LinkButton shown{button.url, button.label};
    if (button.page) shown.url = pages_.address(server, *button.page, timing_->wall());
    shown.emoji = button.emoji;
    add_to_row(body.rows, std::move(shown));
  }
  return body;
}

bool DiscordInteractions::add_offer(std::vector<discord::Row>& rows, const ShownOffer& offer, std::string id,
                                    std::string_view language) const {
  if (offer.call.open.empty())
    return add_to_row(
        rows, discord::Button{std::move(id), offer.label, discord::ButtonStyle::secondary, !offer.enabled});
  const Declarations& declarations = services_.declarations;
  const CommandSpec& command = declarations.commands.at(Door::button, offer.call.command);
  discord::Select select = select_of(command, offer.call, declarations.texts, language);
  select.custom_id = std::move(id);
  select.placeholder = offer.label;
  select.disabled = !offer.enabled;
  return add_row(rows, std::move(select));
}

}  // namespace guildhall::bot
