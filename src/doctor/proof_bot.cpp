#include "doctor/proof_bot.h"

#include <fmt/format.h>

#include "bot/due_work.h"
#include "doctor/ground.h"

namespace guildhall::doctor {
namespace {

/// Nothing of the proof takes nearly as long.
constexpr std::chrono::seconds kPatience{60};
/// The servers' lives lie in the past, so that they leave no mark that is later than now.
constexpr Duration kLifeBegan = std::chrono::hours(24);

template <class T>
T value_of(std::future<T>& future) {
  if (future.wait_for(kPatience) != std::future_status::ready)
    throw ErrorException({ErrorCode::timeout, "an event of the proof was never handled"});
  return future.get();
}

bot::Dispatcher::Answered keep(const std::shared_ptr<std::promise<Said>>& promise) {
  return [promise](bot::Outcome outcome, const std::optional<bot::Answer>& answer) {
    Said said;
    said.outcome = outcome;
    said.answered = answer && !answer->text.empty();
    said.private_answer = answer && answer->private_answer;
    if (answer) said.text = answer->text;
    promise->set_value(std::move(said));
  };
}

}  // namespace

ProofBot::ProofBot(const Installation& installation)
    : installation_(installation),
      declarations_(installation.declarations),
      channel_{bot::kKick, kFirstServer.str()},
      clock_(installation.clock.now() - kLifeBegan) {}

Result<std::unique_ptr<ProofBot>> ProofBot::open(const Installation& installation) {
  std::unique_ptr<ProofBot> bot(new ProofBot(installation));
  if (auto started = bot->start(); !started) return std::unexpected(started.error());
  return bot;
}

Result<void> ProofBot::start() {
  tenancy::OpenOptions options;
  options.servers = tenancy::kReservedServers;
  options.observer = &recorder_;
  auto opened = installation_.open(std::move(options), metrics_);
  if (!opened) return std::unexpected(opened.error());
  tenancy_ = *std::move(opened);
  net::run_to_end(tenancy_->load());
  plant(*tenancy_, clock_.now());
  listening_ = topics_.listen([this](const std::string& topic, std::uint64_t) {
    const std::scoped_lock lock(mutex_);
    heard_.push_back(topic);
  });
  dispatcher_ = std::make_unique<bot::Dispatcher>(loops_, declarations_, clock_, topics_, metrics_);
  restarted_ = std::make_unique<bot::Dispatcher>(loops_, declarations_, clock_, topics_, metrics_);
  ticks_ = std::make_unique<bot::TickRunner>(*tenancy_, declarations_, clock_, metrics_);
  sessions_ = std::make_unique<web::Sessions>(tenancy_->global(), installation_.clock);
  api_ = std::make_unique<web::Api>(loops_.main(), *tenancy_, declarations_, *dispatcher_, topics_,
                                    *sessions_, clock_, doors_);
  const std::string code = net::run_to_end(sessions_->make_login_code({web::kProof, "command_line"}));
  const auto cookie = net::run_to_end(sessions_->sign_in(code, web::kProof));
  const auto session = cookie ? net::run_to_end(sessions_->find(*cookie)) : std::nullopt;
  if (!session) return fail(ErrorCode::failed, "the proof could not sign in at the dashboard");
  cookie_ = *cookie;
  csrf_ = session->csrf_token;
  loops_.start();
  return {};
}

ProofBot::~ProofBot() {
  loops_.drain(kPatience);
  loops_.stop();
}

tenancy::ServerScope ProofBot::scope(ServerId server) const {
  const auto scope = tenancy_->scopes().for_operator(server);
  if (!scope) throw ErrorException(scope.error());
  return *scope;
}

tenancy::ServerScope ProofBot::checked(tenancy::ServerScope scope, ServerId asked, const char* from) {
  ++scopes_;
  if (scope.server() != asked) wrong_scopes_.emplace_back(from);
  return scope;
}

tenancy::ServerScope ProofBot::discord_scope(ServerId server) {
  const auto scope = tenancy_->scopes().for_discord_event(server);
  if (!scope) throw ErrorException({ErrorCode::failed, "an event of the proof found no server"});
  return checked(*scope, server, "an event of Discord");
}

/// Both servers listen to the channel; the other is inactive while this one lives, and gets no event.
tenancy::ServerScope ProofBot::channel_scope(ServerId server) {
  constexpr const char* kFrom = "an event of a channel";
  const auto scopes = tenancy_->scopes().for_channel_event(channel_);
  if (scopes.empty()) throw ErrorException({ErrorCode::failed, "an event of the proof found no server"});
  for (const auto& scope : scopes) {
    if (scope.server() != server && !tenancy_->servers().is_active(scope.server()))
      wrong_scopes_.emplace_back(kFrom);
  }
  const auto own = std::ranges::find(scopes, server, &tenancy::ServerScope::server);
  return checked(own == scopes.end() ? scopes.front() : *own, server, kFrom);
}

bot::Dispatcher::Done ProofBot::expect() {
  auto promise = std::make_shared<std::promise<bot::Outcome>>();
  under_way_.push_back(promise->get_future());
  return [promise](bot::Outcome outcome) { promise->set_value(outcome); };
}

void ProofBot::tell_channel(ServerId server, bot::StreamStatus event) {
  dispatcher_->submit(channel_scope(server), std::move(event), expect());
}

void ProofBot::tell_channel(ServerId server, bot::GiftedSubs event) {
  dispatcher_->submit(channel_scope(server), std::move(event), expect());
}

void ProofBot::chat(ServerId server, bot::ChatMessage event) {
  dispatcher_->submit(
      channel_scope(server), std::move(event),
      [done = expect()](bot::Outcome outcome, const std::optional<bot::Answer>&) { done(outcome); });
}

void ProofBot::wait() {
  bool failed = false;
  for (auto& future : std::exchange(under_way_, {}))
    failed = value_of(future) != bot::Outcome::committed || failed;
  if (failed) throw ErrorException({ErrorCode::failed, "an event was not committed"});
}

Said ProofBot::call_chat(ServerId server, bot::ChatMessage event) {
  auto promise = std::make_shared<std::promise<Said>>();
  auto future = promise->get_future();
  dispatcher_->submit(channel_scope(server), std::move(event), keep(promise));
  return value_of(future);
}

Said ProofBot::call(ServerId server, bot::CommandRequest request, bool restarted) {
  auto promise = std::make_shared<std::promise<Said>>();
  auto future = promise->get_future();
  (restarted ? restarted_ : dispatcher_)->submit(discord_scope(server), std::move(request), keep(promise));
  return value_of(future);
}

void ProofBot::refresh(ServerId server) {
  dispatcher_->refresh(scope(server));
  settle(server);
}

void ProofBot::settle(ServerId server) {
  bot::CommandRequest nothing;  // behind it in the server's queue
  nothing.door = bot::Door::prefix;
  call(server, std::move(nothing));
}

void ProofBot::tick() { net::run_to_end(ticks_->run_due()); }

bot::OutboxSender& ProofBot::sender(bot::OutboxSender::Send send) {
  return *senders_.emplace_back(
      std::make_unique<bot::OutboxSender>(loops_, *tenancy_, clock_, metrics_, std::move(send)));
}

std::vector<std::string> ProofBot::deliver(ServerId server, std::size_t count) {
  auto& unheard = sender([](ServerId, bot::Outgoing) -> Task<Result<std::string>> {
    co_return fail(ErrorCode::unavailable, "the proof does not answer");
  });
  unheard.stop();  // it would go on trying
  const auto scope = tenancy_->scopes().for_job(server);
  if (!scope) throw ErrorException({ErrorCode::failed, "a job of the proof found no server"});
  unheard.wake(checked(*scope, server, "a job"));
  loops_.drain(kPatience);
  auto given = std::make_shared<std::vector<std::string>>();
  auto& heard = sender([given, count](ServerId, bot::Outgoing message) -> Task<Result<std::string>> {
    given->push_back(std::move(message.body.text));
    if (given->size() == 1) co_return fail(ErrorCode::not_found, "the proof refuses one");
    if (given->size() > count) co_return fail(ErrorCode::unavailable, "the proof has enough");
    co_return std::to_string(given->size());
  });
  heard.stop();
  net::run_to_end(heard.sweep());
  loops_.drain(kPatience);
  return *given;
}

void ProofBot::work_due() {
  bot::DueWorker worker(*tenancy_, declarations_, clock_,
                        [](tenancy::ServerScope, const bot::ServerContext&) {});
  net::run_to_end(worker.run_due());
}

void ProofBot::change_roles() {
  const auto done = [](ServerId, bot::RoleChange) -> Task<Result<bot::RoleAnswer>> {
    co_return bot::RoleAnswer::done;
  };
  auto& worker = *role_workers_.emplace_back(
      std::make_unique<bot::RoleWorker>(loops_, *tenancy_, declarations_, clock_, done));
  net::run_to_end(worker.sweep());
  loops_.drain(kPatience);
}

net::HttpResponse ProofBot::request(const std::string& method, const std::string& path,
                                    std::map<std::string, std::string, std::less<>> query,
                                    const std::string& body) {
  net::HttpRequest request;
  request.method = method;
  request.url = "/api/v1" + path;
  for (auto& [name, value] : query) request.query[name] = std::move(value);
  request.headers = {{"cookie", fmt::format("{}={}", web::kSessionCookie, cookie_)}, {"x-csrf-token", csrf_}};
  request.body = body;
  request.peer = "127.0.0.1";
  return net::run_to_end(api_->handle(std::move(request)));
}

tenancy::ServerRows ProofBot::rows(ServerId server) const {
  return net::run_to_end(declarations_.rows.read(scope(server), tenancy_->global()));
}

std::vector<std::string> ProofBot::take_topics() {
  const std::scoped_lock lock(mutex_);
  return std::exchange(heard_, {});
}

}  // namespace guildhall::doctor
