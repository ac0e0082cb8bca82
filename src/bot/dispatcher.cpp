#include "bot/dispatcher.h"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/post.hpp>
#include <deque>
#include <unordered_map>

#include "base/crypto.h"
#include "base/log.h"
#include "base/mutation.h"
#include "base/text.h"
#include "bot/recent_ids.h"

namespace guildhall::bot {
namespace {

using store::Tx;
using store::TxTask;
using tenancy::ServerScope;

/// Events of one server that may be under way at once; what comes on top is refused.
constexpr std::size_t kMostUnderWay = 2'000;
constexpr std::size_t kRemembered = 4'096;
constexpr std::size_t kMostCooldowns = 10'000;

/// Nothing is wrong with what was to be written.
bool is_passing(store::DbCode code) {
  using enum store::DbCode;
  switch (code) {
    case serialisation:
    case deadlock:
    case busy:
    case timed_out:
    case full:
    case connection_lost:
    case unreachable:
    case read_only:
    case overloaded: return true;
    default: return false;
  }
}

/// What one attempt of a transaction brought.
struct Unit {
  ServerContext context;
  std::optional<Reply> reply;
};

}  // namespace

/// A server's place on its loop. Everything here runs on that loop alone.
class Dispatcher::Lane : public std::enable_shared_from_this<Lane> {
 public:
  Lane(Dispatcher& owner, ServerId server) : owner_(owner), server_(server), loop_(owner.loops_.of(server)) {}

  /// From any thread: runs `start` on the loop, in order, once the settings are there; or tells `refuse` why
  /// not.
  void when_ready(ServerScope scope, std::function<void()> start, std::function<void(Outcome)> refuse) {
    boost::asio::post(
        loop_, [self = shared_from_this(), scope, start = std::move(start), refuse = std::move(refuse)] {
          if (self->under_way_ + self->waiting_.size() >= kMostUnderWay) {
            self->owner_.overloaded_.add();
            refuse(Outcome::overloaded);
            return;
          }
          if (self->settings_ && self->waiting_.empty()) {
            start();
            return;
          }
          self->waiting_.push_back({start, refuse});
          self->load(scope);
        });
  }

  void forget_settings(ServerScope scope) {
    boost::asio::post(loop_, [self = shared_from_this(), scope] {
      self->settings_ = nullptr;
      ++self->forgotten_;
      self->load(scope);
    });
  }

  /// From any thread.
  std::size_t under_way() const { return under_way_; }
  const Settings& settings() const { return *settings_; }
  ServerContext context() const {
    return {server_, owner_.clock_.now(), settings_, &owner_.declarations_.texts};
  }
  RecentIds& recent() { return recent_; }

  /// Runs one transaction and tells the outcome. Called on the loop: the transaction is submitted
  /// before this returns.
  void run(ServerScope scope, Body body, std::function<void(Outcome, Unit)> done) {
    ++under_way_;
    net::spawn(loop_, "event",
               [self = shared_from_this(), scope, body = std::move(body), done = std::move(done)]() mutable {
                 return perform(std::move(self), scope, std::move(body), std::move(done));
               });
  }

  /// How many seconds the caller has to wait; starts the cooldown when it is none.
  std::int64_t cool_down(const CommandSpec& command, const Caller& caller, const std::string& place) {
    if (command.cooldown.count() == 0 || caller.permission == Permission::administrator) return 0;
    const TimePoint now = owner_.clock_.now();
    if (cooldowns_.size() > kMostCooldowns)
      std::erase_if(cooldowns_, [&](const auto& entry) { return entry.second <= now; });
    TimePoint& until = cooldowns_[cooldown_of(command, caller, place)];
    // A clock that jumped back must not lock anybody out.
    if (until > now && until <= now + command.cooldown) {
      return std::chrono::ceil<std::chrono::seconds>(until - now).count();
    }
    until = now + command.cooldown;
    return 0;
  }
  /// The call came to nothing: nobody waits for it.
  void end_cooldown(const CommandSpec& command, const Caller& caller, const std::string& place) {
    cooldowns_.erase(cooldown_of(command, caller, place));
  }

 private:
  static std::string cooldown_of(const CommandSpec& command, const Caller& caller, const std::string& place) {
    const std::string who = command.cooldown_per_place ? place : caller.user.platform + ":" + caller.user.id;
    return command.path + " " + who;
  }

  static Task<void> perform(std::shared_ptr<Lane> self, ServerScope scope, Body body,
                            std::function<void(Outcome, Unit)> done) {
    const auto begin = std::chrono::steady_clock::now();
    const TimePoint now = self->owner_.clock_.now();
    const SettingsPtr settings = self->settings_;
    const Catalogue* texts = &self->owner_.declarations_.texts;
    std::string trouble;
    Outcome outcome = Outcome::failed;
    std::optional<Unit> unit;
    try {
      unit = co_await scope.transact([&](Tx& tx) -> TxTask<Unit> {
        Unit made{{scope.server(), now, settings, texts}, std::nullopt};
        made.reply = co_await body(tx, made.context);
        co_return made;
      });
    } catch (const store::DatabaseError& error) {
      trouble = error.what();
      if (is_passing(error.code())) outcome = Outcome::postponed;
    } catch (const std::exception& error) {
      trouble = error.what();
    }
    --self->under_way_;
    if (!unit) {
      done(outcome, self->report(trouble, now, settings));
      co_return;
    }
    self->owner_.committed_.add();
    self->owner_.seconds_.observe(
        std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count());
    self->owner_.tell(scope, unit->context);
    done(Outcome::committed, *std::move(unit));
  }

  /// The user sees one plain sentence with an id that is in the log.
  Unit report(const std::string& trouble, TimePoint now, SettingsPtr settings) {
    const std::string id = hex(random_bytes(4));
    owner_.failed_.add();
    log::error("event failed",
               {log::field("id", id), log::field("server", server_.str()), log::field("error", trouble)});
    return Unit{{server_, now, std::move(settings), &owner_.declarations_.texts},
                refuse("common.failed", {{"id", id}})};
  }

  void load(ServerScope scope) {
    if (std::exchange(loading_, true)) return;
    net::spawn(loop_, "settings", [self = shared_from_this(), scope] { return read_settings(self, scope); });
  }

  /// Reads the settings, lets the features follow them, and starts what has waited.
  static Task<void> read_settings(std::shared_ptr<Lane> self, ServerScope scope) {
    const Declarations& declarations = self->owner_.declarations_;
    const TimePoint now = self->owner_.clock_.now();
    const std::uint64_t forgotten = self->forgotten_;
    std::string trouble;
    bool passes = false;
    try {
      auto unit = co_await scope.transact([&](Tx& tx) -> TxTask<Unit> {
        Unit made{
            {scope.server(), now, co_await load_settings(tx, declarations.settings, *declarations.config),
             &declarations.texts},
            std::nullopt};
        for (const auto& handler : declarations.on_settings) co_await handler(tx, made.context);
        co_return made;
      });
      self->settings_ = unit.context.settings;
      if (unit.context.outbox) self->owner_.wake_outbox(scope);
    } catch (const store::DatabaseError& error) {
      trouble = error.what();
      passes = is_passing(error.code());
    } catch (const std::exception& error) {
      trouble = error.what();
    }
    self->loading_ = false;
    if (trouble.empty() && forgotten != self->forgotten_) {  // they may have been read before the change
      self->settings_ = nullptr;
      self->load(scope);
      co_return;
    }
    if (!trouble.empty()) {
      log::error("settings cannot be read",
                 {log::field("server", self->server_.str()), log::field("error", trouble)});
      // Without settings nothing can be handled. What may pass is waited for, while the bound of the queue
      // holds; for a database that is damaged nothing waits, or the others would wait with it.
      if (!passes) self->refuse_waiting();
      co_await net::sleep_for(std::chrono::seconds(1));
      if (!self->waiting_.empty()) self->load(scope);
      co_return;
    }
    while (!self->waiting_.empty() && self->settings_) {
      const auto next = std::move(self->waiting_.front());
      self->waiting_.pop_front();
      next.start();
    }
  }

  void refuse_waiting() {
    for (const Waiting& one : std::exchange(waiting_, {})) {
      owner_.failed_.add();
      one.refuse(Outcome::failed);
    }
  }

  Dispatcher& owner_;
  ServerId server_;
  boost::asio::io_context& loop_;
  SettingsPtr settings_;
  bool loading_ = false;
  std::uint64_t forgotten_ = 0;  // how often
  struct Waiting {
    std::function<void()> start;
    std::function<void(Outcome)> refuse;
  };
  std::deque<Waiting> waiting_;
  std::atomic<std::size_t> under_way_ = 0;
  RecentIds recent_{kRemembered};
  std::unordered_map<std::string, TimePoint> cooldowns_;
};

namespace {

std::string render(const ServerContext& context, const Reply& reply, Door door) {
  const bool chat = door == Door::chat;
  std::string text;
  for (const Message& line : reply.lines) {
    if (!text.empty()) text += chat ? " · " : "\n";
    text += context.texts->render(context.language(), line, chat ? Markup::plain : Markup::discord);
  }
  return text;
}

Answer answer_of(const ServerContext& context, const Reply& reply, Door door, bool private_command) {
  Answer answer{render(context, reply, door), private_command || reply.refused};
  answer.replaces = reply.replaces && !reply.refused;
  if (door == Door::chat) return answer;
  answer.language = context.language();
  for (const Offer& offer : reply.offers) {
    answer.offers.push_back({context.texts->render(answer.language, offer.label, Markup::plain), offer.call,
                             offer.enabled, offer.for_all, offer.page});
  }
  return answer;
}

/// A call whose command and arguments are known, or the reply that ends it.
struct Prepared {
  const CommandSpec* command = nullptr;
  CommandCall call;
  std::optional<Reply> refusal;
};

std::map<std::string, ArgumentValue, std::less<>> read_options(const CommandSpec& command,
                                                               const CommandRequest& request,
                                                               std::optional<Reply>& refusal) {
  std::map<std::string, ArgumentValue, std::less<>> arguments;
  for (const ArgumentSpec& spec : command.arguments) {
    const auto option = request.options.find(spec.name);
    if (option == request.options.end()) continue;
    auto value = read_argument(spec, option->second, kDiscord, refusal);
    if (!value) return arguments;
    if (auto* person = std::get_if<PersonArgument>(&*value)) {
      const auto name = request.person_names.find(person->id);
      if (name != request.person_names.end()) person->name = name->second;
    }
    arguments.emplace(spec.name, std::move(*value));
  }
  refusal = refuse_missing(command, arguments);
  return arguments;
}

/// Nothing: not a call of ours.
std::optional<Prepared> prepare(const CommandRegistry& commands, const Settings& settings,
                                const CommandRequest& request) {
  Prepared prepared;
  prepared.call = {request.door, request.caller, request.place, request.operation_id, {}};
  if (request.door == Door::slash || request.door == Door::button) {
    prepared.command = commands.find(request.door, request.slash_name);
    if (prepared.command == nullptr) return std::nullopt;
    prepared.call.arguments = read_options(*prepared.command, request, prepared.refusal);
    return prepared;
  }
  const std::string prefix = settings.get(kCommandPrefix);
  if (!request.line.starts_with(prefix)) return std::nullopt;
  const auto parsed = commands.parse(request.door, std::string_view(request.line).substr(prefix.size()));
  if (!parsed) return std::nullopt;
  prepared.command = parsed->command;
  auto read = read_words(*parsed, request.caller.user.platform);
  prepared.call.arguments = std::move(read.arguments);
  prepared.refusal = std::move(read.refusal);
  return prepared;
}

/// May this be called here by this caller? The same for every door. Nothing: yes.
std::optional<Reply> check_rules(const Settings& settings, const Prepared& prepared) {
  const CommandSpec& command = *prepared.command;
  if (!settings.is_on(command.owner)) return refuse("common.feature_off");
  if (prepared.call.caller.permission < command.permission)
    return refuse(command.permission == Permission::manager ? "common.managers_only"
                                                            : "common.administrators_only");
  return std::nullopt;
}

}  // namespace

Dispatcher::Dispatcher(net::Loops& loops, const Declarations& declarations, const Clock& clock,
                       TopicHub& topics, Metrics& metrics)
    : loops_(loops),
      declarations_(declarations),
      clock_(clock),
      topics_(topics),
      committed_(
          metrics.counter("guildhall_events_total", "Events handled, by outcome.", "outcome=\"committed\"")),
      failed_(metrics.counter("guildhall_events_total", "Events handled, by outcome.", "outcome=\"failed\"")),
      overloaded_(
          metrics.counter("guildhall_events_total", "Events handled, by outcome.", "outcome=\"overloaded\"")),
      commands_(metrics.counter("guildhall_commands_total", "Commands answered.")),
      seconds_(metrics.histogram("guildhall_event_seconds", "Time from an event's start to its commit.")) {
  metrics.gauge("guildhall_events_longest_line", "Events of one server that are under way, at most.",
                [this] { return static_cast<double>(longest_line()); });
  metrics.gauge("guildhall_events_line_limit", "Events of one server that may be under way.",
                [] { return static_cast<double>(kMostUnderWay); });
}

Dispatcher::~Dispatcher() = default;

std::size_t Dispatcher::longest_line() {
  const std::scoped_lock lock(mutex_);
  std::size_t longest = 0;
  for (const auto& [server, lane] : lanes_) longest = std::max(longest, lane->under_way());
  return longest;
}

std::shared_ptr<Dispatcher::Lane> Dispatcher::lane(ServerId server) {
  const std::scoped_lock lock(mutex_);
  auto& found = lanes_[mutated(Mutation::lane_shared) ? ServerId(1) : server];
  if (!found) found = std::make_shared<Lane>(*this, server);
  return found;
}

template <class Event>
void Dispatcher::submit_event(ServerScope scope, Event event, Done done) {
  auto place = lane(scope.server());
  auto start = [this, place, scope, event = std::move(event), done] {
    auto body = [this, event](Tx& tx, ServerContext& context) -> TxTask<std::optional<Reply>> {
      for (const auto& handler : declarations_.handlers<Event>()) co_await handler(tx, context, event);
      co_return std::nullopt;
    };
    place->run(scope, std::move(body), [done](Outcome outcome, const Unit&) { done(outcome); });
  };
  place->when_ready(scope, std::move(start), done);
}

void Dispatcher::submit(ServerScope scope, StreamStatus event, Done done) {
  submit_event(scope, std::move(event), std::move(done));
}
void Dispatcher::submit(ServerScope scope, StreamsOver event, Done done) {
  submit_event(scope, event, std::move(done));
}
void Dispatcher::submit(ServerScope scope, GiftedSubs event, Done done) {
  submit_event(scope, std::move(event), std::move(done));
}
void Dispatcher::submit(ServerScope scope, MemberJoined event, Done done) {
  submit_event(scope, std::move(event), std::move(done));
}
void Dispatcher::submit(ServerScope scope, MemberLeft event, Done done) {
  submit_event(scope, std::move(event), std::move(done));
}

void Dispatcher::submit(ServerScope scope, ChatMessage event, Answered answered) {
  auto place = lane(scope.server());
  auto start = [this, place, scope, event = std::move(event), answered] {
    CommandRequest request;
    request.door = Door::chat;
    request.caller = {{event.channel.platform, event.sender.id, event.sender.name}};
    request.place = "chat:" + event.channel.platform_user_id;
    request.operation_id = "chat:" + event.message_id;
    request.line = event.text;
    auto prepared =
        event.sender.bot ? std::nullopt : prepare(declarations_.commands, place->settings(), request);
    // A message that comes twice counts once anyhow; it must not be answered twice either.
    if (prepared && !place->recent().add(event.message_id) && !mutated(Mutation::webhook_repeated))
      prepared.reset();
    // In a busy chat a refusal is noise: who may not, or not yet, gets no answer.
    if (prepared && (check_rules(place->settings(), *prepared) ||
                     place->cool_down(*prepared->command, prepared->call.caller, prepared->call.place) > 0)) {
      prepared.reset();
    }
    auto body = [this, event, prepared](Tx& tx, ServerContext& context) -> TxTask<std::optional<Reply>> {
      for (const auto& handler : declarations_.on_chat) co_await handler(tx, context, event);
      if (!prepared) co_return std::nullopt;
      if (prepared->refusal) co_return *prepared->refusal;
      Reply reply = co_await prepared->command->handler(tx, context, prepared->call);
      co_return reply;
    };
    place->run(scope, std::move(body),
               [this, place, prepared, event, answered](Outcome outcome, const Unit& unit) {
                 if (outcome != Outcome::committed && prepared) {
                   // The platform delivers it again, and then it is a call like the first time.
                   place->recent().forget(event.message_id);
                   place->end_cooldown(*prepared->command, prepared->call.caller, prepared->call.place);
                 }
                 if (outcome != Outcome::committed || !unit.reply) return answered(outcome, std::nullopt);
                 commands_.add();
                 answered(outcome, answer_of(unit.context, *unit.reply, Door::chat, false));
               });
  };
  place->when_ready(scope, std::move(start),
                    [answered](Outcome outcome) { answered(outcome, std::nullopt); });
}

void Dispatcher::submit(ServerScope scope, CommandRequest request, Answered answered) {
  auto place = lane(scope.server());
  auto start = [this, place, scope, request = std::move(request), answered] {
    if (!request.refusal.empty())
      return answered(Outcome::committed,
                      answer_of(place->context(), refuse(request.refusal), request.door, true));
    const auto prepared = prepare(declarations_.commands, place->settings(), request);
    if (!prepared || !place->recent().add(request.operation_id))
      return answered(Outcome::committed, std::nullopt);
    auto refusal = check_rules(place->settings(), *prepared);
    if (!refusal) refusal = prepared->refusal;
    // What is offered goes on with what was asked before.
    const bool cools = !refusal && request.door != Door::button;
    if (const auto wait = cools ? place->cool_down(*prepared->command, request.caller, request.place) : 0;
        wait > 0) {
      refusal = refuse("common.cooldown", {{"seconds", wait}});
    }
    const bool private_command = prepared->command->private_answer;
    auto body = [prepared, refusal](Tx& tx, ServerContext& context) -> TxTask<std::optional<Reply>> {
      if (refusal) co_return *refusal;
      Reply reply = co_await prepared->command->handler(tx, context, prepared->call);
      co_return reply;
    };
    place->run(scope, std::move(body),
               [this, place, prepared, refusal, cools, answered, private_command, door = request.door](
                   Outcome outcome, const Unit& unit) {
                 commands_.add();
                 if (outcome != Outcome::committed && cools && !refusal)
                   place->end_cooldown(*prepared->command, prepared->call.caller, prepared->call.place);
                 answered(outcome, answer_of(unit.context, *unit.reply, door, private_command));
               });
  };
  place->when_ready(scope, std::move(start),
                    [answered](Outcome outcome) { answered(outcome, std::nullopt); });
}

void Dispatcher::tell(ServerScope scope, const ServerContext& context) {
  for (const std::string& what : context.changed) topics_.publish(server_topic(scope.server(), what));
  if (context.changed.contains("overview")) topics_.publish("servers");
  if (context.outbox) wake_outbox(scope);
}

void Dispatcher::refresh(ServerScope scope) {
  lane(scope.server())->forget_settings(scope);
  for (const char* what : {"settings", "overview", "points", "watchtime", "activity"}) {
    topics_.publish(server_topic(scope.server(), what));
  }
  topics_.publish("servers");
}

}  // namespace guildhall::bot
