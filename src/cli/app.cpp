#include "cli/app.h"

#include <fmt/format.h>

#include <algorithm>
#include <boost/asio/co_spawn.hpp>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <sstream>

#include "base/crypto.h"
#include "base/log.h"
#include "bot/discord_checkup.h"
#include "bot/installation_checkup.h"
#include "bot/process_state.h"
#include "web/web_server.h"

namespace guildhall::cli {
namespace {

constexpr std::size_t kMostLoops = 8;
constexpr std::chrono::milliseconds kLookForChanges{250};
/// `guildhall keys rotate` waits for that (keys_commands.cpp).
constexpr std::chrono::seconds kLookForKeys{5};
/// At the end, for what is under way.
constexpr std::chrono::seconds kLastWord{5};
/// How often it is looked whether ticks are due.
constexpr Duration kLookForTicks = std::chrono::seconds(5);

std::size_t loop_count() {
  return std::clamp<std::size_t>(std::thread::hardware_concurrency(), 1, kMostLoops);
}

Result<std::optional<RsaPublicKey>> pinned_key(const Config& config) {
  if (config.kick_public_key_file.empty()) return std::optional<RsaPublicKey>{};
  std::ifstream input(config.kick_public_key_file);
  std::stringstream pem;
  pem << input.rdbuf();
  auto key = RsaPublicKey::from_pem(pem.str());
  if (!key) {
    return fail(ErrorCode::configuration, fmt::format("kick.public_key_file: '{}' is {}",
                                                      config.kick_public_key_file, key.error().message));
  }
  return std::optional<RsaPublicKey>(*std::move(key));
}

bool has_sealed_tokens(tenancy::Tenancy& tenancy) {
  const auto channels = tenancy.channels().list();
  return std::any_of(channels.begin(), channels.end(),
                     [](const auto& channel) { return channel.token_state != "none"; });
}

}  // namespace

Result<Secrets> open_secrets(const Config& config, bool has_sealed_tokens) {
  const auto file = config.key_file();
  std::error_code ignored;
  if (!std::filesystem::exists(file, ignored) && config.secrets_key_file.empty() && !has_sealed_tokens) {
    if (auto made = Secrets::create(file); !made) return std::unexpected(made.error());
    log::info("key file made", {log::field("file", file.string())});
  }
  return Secrets::load(file);
}

App::App(const Config& config, const Clock& clock, Role role)
    : config_(config), clock_(clock), role_(role), run_(hex(random_bytes(8))), loops_(loop_count()) {}

Result<std::unique_ptr<App>> App::start(const Config& config, const Clock& clock,
                                        migrate::Interrupt* interrupt, Role role) {
  if (auto prepared = prepare_data_dir(config); !prepared) return std::unexpected(prepared.error());
  const auto place = store::find_place(config);
  if (!place) return std::unexpected(place.error());
  std::unique_ptr<App> app(new App(config, clock, role));
  if (auto taken = app->take_lock(*place); !taken) return std::unexpected(taken.error());
  if (auto opened = app->open(interrupt); !opened) return std::unexpected(opened.error());
  app->start_platforms();
  if (role == Role::everything) {
    // From here on requests come in; everything behind them is there.
    if (auto listening = app->start_web(); !listening) return std::unexpected(listening.error());
  }
  app->loops_.start();
  return app;
}

/// There is one that does everything; of those beside it there may be any number.
Result<void> App::take_lock(const store::DatabasePlace& place) {
  if (role_ != Role::everything) {
    if (place.layout != store::Layout::postgres)
      return fail(ErrorCode::usage, "--roles: several processes need PostgreSQL",
                  "`guildhall move` takes a SQLite database there (docs/guide).");
    if (config_.discord_token.empty())
      return fail(ErrorCode::configuration, "--roles discord: discord.token is not set");
    return {};
  }
  auto lock = InstanceLock::take(place, Exclusive::bot);
  if (!lock) return std::unexpected(lock.error());
  lock_ = *std::move(lock);
  lock_->on_taken([this](const Error& error) { give_up(error); });
  return {};
}

Result<void> App::open(migrate::Interrupt* interrupt) {
  auto workspace = Workspace::open(config_, clock_, Purpose::bot, interrupt);
  if (!workspace) return std::unexpected(workspace.error());
  workspace_ = *std::move(workspace);
  if (auto there = check_shared_key(); !there) return there;
  auto secrets = open_secrets(config_, has_sealed_tokens(workspace_->tenancy()));
  if (!secrets) return std::unexpected(secrets.error());
  secrets_ = *std::move(secrets);
  const auto key = pinned_key(config_);
  if (!key) return std::unexpected(key.error());

  net::HttpClientOptions http;
  http.ca_file = config_.net_ca_file;
  http.user_agent = fmt::format("Guildhall/{}", GUILDHALL_VERSION);
  http_ = std::make_unique<net::HttpClient>(loops_.main(), http);
  const auto& declarations = workspace_->declarations();
  dispatcher_ =
      std::make_unique<bot::Dispatcher>(loops_, declarations, clock_, topics_, workspace_->metrics());
  const auto place = store::find_place(config_);
  if (!place) return std::unexpected(place.error());
  ticks_ = std::make_unique<bot::TickRunner>(workspace_->tenancy(), declarations, clock_,
                                             workspace_->metrics(), bot::chunks_at_once(place->layout));
  ticks_->on_ticked([this](const std::vector<ServerId>& servers) {
    for (const ServerId server : servers) {
      for (const char* what : {"overview", "points", "watchtime"})
        topics_.publish(bot::server_topic(server, what));
    }
    topics_.publish("servers");
  });
  due_ =
      std::make_unique<bot::DueWorker>(workspace_->tenancy(), declarations, clock_,
                                       [this](tenancy::ServerScope scope, const bot::ServerContext& context) {
                                         dispatcher_->tell(scope, context);
                                       });
  const bot::BridgeServices services{
      loops_.main(), config_, clock_, workspace_->metrics(), workspace_->tenancy(), declarations,
      *dispatcher_,  topics_, *http_};
  oauth_states_ = std::make_unique<bot::OAuthStates>(workspace_->tenancy().global(), people_clock_);
  start_discord(services);
  if (role_ == Role::everything && !config_.kick_client_id.empty())
    kick_ = std::make_unique<bot::KickBridge>(services, *secrets_, *oauth_states_, *key);
  outbox_ = std::make_unique<bot::OutboxSender>(
      loops_, workspace_->tenancy(), clock_, workspace_->metrics(),
      [this](ServerId server, bot::Outgoing message) -> Task<Result<std::string>> {
        if (!discord_) co_return fail(ErrorCode::unavailable, "Discord is not configured");
        co_return co_await discord_->send(server, std::move(message));
      });
  outbox_->on_refusals([this](ServerId server) { topics_.publish(bot::server_topic(server, "overview")); });
  outbox_->on_lost_posts([this](tenancy::ServerScope scope) { dispatcher_->refresh(scope); });
  dispatcher_->on_outbox([this](tenancy::ServerScope scope) { outbox_->wake(scope); });
  if (discord_) follow_discord();
  return {};
}

void App::follow_discord() {
  roles_ = std::make_unique<bot::RoleWorker>(loops_, workspace_->tenancy(), workspace_->declarations(),
                                             clock_, [this](ServerId server, bot::RoleChange change) {
                                               return discord_->change_role(server, std::move(change));
                                             });
  roles_->on_names(
      [this](ServerId server, std::string role) { return discord_->role_name(server, std::move(role)); });
  roles_->on_outbox([this](tenancy::ServerScope scope) { outbox_->wake(scope); });
  discord_->on_permissions([this](ServerId server) {
    const auto scope = workspace_->tenancy().scopes().for_job(server);
    if (!scope) return;
    outbox_->resume(*scope);
    roles_->resume(*scope);
  });
}

/// Several processes need the same one: what one of them has signed comes to the other.
Result<void> App::check_shared_key() const {
  std::error_code ignored;
  const auto file = config_.key_file();
  if (role_ == Role::everything || std::filesystem::exists(file, ignored)) return {};
  return fail(ErrorCode::configuration,
              fmt::format("--roles discord: the key file '{}' is not there", file.string()),
              "Copy it from the process that does everything (secrets.key_file).");
}

/// One that does everything is alone in that: what holds leases under its name is a run of it that has ended.
void App::start_discord(const bot::BridgeServices& services) {
  if (config_.discord_token.empty()) return;
  const std::string name = role_ == Role::everything ? "everything " : "discord ";
  discord_ = std::make_unique<bot::DiscordBridge>(services, *secrets_, name + hex(random_bytes(8)),
                                                  role_ == Role::everything ? name : "");
}

void App::start_platforms() {
  auto& loop = loops_.main();
  if (discord_) net::spawn(loop, "discord", [this] { return run_discord(); });
  if (!discord_) log::warning("discord is not configured", {log::field("key", "discord.token")});
  if (kick_) kick_->start();
  if (role_ == Role::everything)
    net::repeat(loop, "ticks", clock_.real(kLookForTicks),
                [this]() -> Task<void> { co_await ticks_->run_due(); });
  net::repeat(loop, "outbox", clock_.real(std::chrono::minutes(1)), [this] { return outbox_->sweep(); });
  if (roles_)
    net::repeat(loop, "roles", clock_.real(std::chrono::minutes(1)), [this] { return roles_->sweep(); });
  if (role_ == Role::everything)
    net::repeat(loop, "due work", clock_.real(std::chrono::minutes(1)), [this] { return due_->run_due(); });
  net::repeat(loop, "schema reader", bot::kSchemaHeartbeat, [this] { return workspace_->renew_reader(); });
  net::repeat(loop, "keys", kLookForKeys, [this] { return look_at_keys(); });
  net::repeat(loop, "database", kLookForChanges, [this] { return look_at_database(); });
  // Servers without Discord have no gateway event that would wake them.
  for (const auto& server : workspace_->tenancy().servers().list()) {
    if (const auto scope = workspace_->tenancy().scopes().for_job(server.discord_server_id))
      dispatcher_->refresh(*scope);
  }
}

web::KickDoor App::kick_door() {
  web::KickDoor door;
  if (!kick_) return door;
  door.start_connect = [this](std::string session, ServerId server) {
    return kick_->start_connect(std::move(session), server);
  };
  door.finish_connect = [this](std::string state, std::string code, std::string session,
                               tenancy::Granter granter, std::string address,
                               web::KickDoor::Allowed allowed) {
    return kick_->finish_connect(std::move(state), std::move(code),
                                 {std::move(session), std::move(granter), std::move(address)},
                                 std::move(allowed));
  };
  door.disconnect = [this](ServerId server, tenancy::Actor actor) {
    return kick_->disconnect(server, std::move(actor));
  };
  door.withdraw = [this](tenancy::ChannelKey channel, tenancy::Granter granter,
                         std::optional<ServerId> server) {
    return kick_->withdraw(std::move(channel), std::move(granter), server);
  };
  door.channel_problem = [this](ServerId server) { return kick_->channel_problem(server); };
  door.gaps = [this](ServerId server) { return kick_->gaps(server); };
  return door;
}

web::AccountDoor App::account_door() {
  web::AccountDoor door;
  if (!kick_) return door;
  door.address = [this](std::string browser, ServerId server, std::string back_to) {
    return kick_->accounts().begin(std::move(browser), server, std::move(back_to));
  };
  door.came = [this](std::string state, std::string browser) -> Task<std::optional<web::AccountDoor::Came>> {
    auto came = co_await kick_->accounts().returned(std::move(state), std::move(browser));
    if (!came) co_return std::nullopt;
    co_return web::AccountDoor::Came{std::move(came->verifier), std::move(came->back_to)};
  };
  door.account = [this](std::string code, std::string verifier) -> Task<Result<bot::PlatformUser>> {
    const auto user = co_await kick_->accounts().account(std::move(code), std::move(verifier));
    if (!user) co_return std::unexpected(user.error());
    co_return bot::PlatformUser{bot::kKick, user->id, user->name};
  };
  return door;
}

web::DiscordDoor App::discord_door() {
  web::DiscordDoor door;
  if (!discord_ || config_.discord_client_secret.empty()) return door;
  access_ = std::make_unique<bot::DashboardAccess>(
      loops_.main(), discord::system_timing(),
      [this](ServerId server, DiscordUserId user) { return discord_->standing(server, user); });
  door.address = [this](std::string state, std::string challenge) {
    return discord_->sign_in_address(std::move(state), std::move(challenge));
  };
  door.person = [this](std::string code, std::string verifier) -> Task<Result<web::DiscordDoor::Person>> {
    const auto came = co_await discord_->sign_in(std::move(code), std::move(verifier));
    if (!came) co_return std::unexpected(came.error());
    co_return web::DiscordDoor::Person{came->user.id, came->user.display_name, came->servers};
  };
  door.place = [this](ServerId server, DiscordUserId user) -> Task<Result<web::DiscordDoor::Place>> {
    const auto place = co_await access_->of(server, user);
    if (!place) co_return std::unexpected(place.error());
    co_return web::DiscordDoor::Place{place->access, [place = *place](const bot::Settings& settings) {
                                        return bot::with_roles(place.access, place.roles, settings);
                                      }};
  };
  door.is_operator = [this](DiscordUserId user) { return config_.is_operator(user); };
  return door;
}

Result<void> App::start_web() {
  sessions_ = std::make_unique<web::Sessions>(workspace_->tenancy().global(), people_clock_);
  doors_ = {kick_door(), account_door(), discord_door(), [this](ServerId server) { return unsent(server); },
            [this] { return check_up(); }};
  sign_in_ =
      std::make_unique<web::DiscordSignIn>(workspace_->tenancy(), *sessions_, *oauth_states_, doors_.discord);
  api_ = std::make_unique<web::Api>(loops_.main(), workspace_->tenancy(), workspace_->declarations(),
                                    *dispatcher_, topics_, *sessions_, clock_, doors_);
  pages_ = std::make_unique<bot::PageLinks>(config_, *secrets_);
  link_pages_ = std::make_unique<web::LinkPages>(
      workspace_->tenancy(), workspace_->declarations(), *dispatcher_, *sessions_, *pages_,
      web::LinkPages::Clocks{clock_, people_clock_}, doors_.accounts, workspace_->metrics());
  web::WebRoutes routes{
      *api_, *sessions_, *sign_in_, *link_pages_, workspace_->metrics(), {}, {}, run_, [this] {
        return not_ready();
      }};
  if (kick_)
    routes.kick_webhook = [this](net::HttpRequest request) {
      return kick_->handle_webhook(std::move(request));
    };
  if (discord_)
    routes.discord_interactions = [this](net::HttpRequest request) {
      return discord_->handle_posted(std::move(request));
    };
  auto server = web::start_web_server(loops_.main(), config_, std::move(routes));
  if (!server) return std::unexpected(server.error());
  server_ = *std::move(server);
  // With port 0 the system chose one; addresses that we hand out name it.
  auto listen = *parse_listen(config_.web_listen);
  config_.web_listen =
      fmt::format("{}:{}", listen.host.find(':') == std::string::npos ? listen.host : "[" + listen.host + "]",
                  server_->port());
  // `guildhall login-code` beside us prints addresses that lead here.
  net::run_to_end(bot::ProcessState(workspace_->tenancy().global()).write(kWebUrl, config_.public_url()));
  log::info("listening", {log::field("address", config_.web_listen)});
  return {};
}

/// Of a server whose events come to another process nothing is said: there they may have been allowed since.
std::vector<Error> App::unsent(ServerId server) const {
  if (!discord_ || !discord_->serves(server)) return {};
  return outbox_->refusals(server);
}

Task<void> App::run_discord() {
  const auto ended = co_await discord_->run();
  if (ended || stopping_) co_return;
  log::error("discord refused us",
             {log::field("error", ended.error().message), log::field("hint", ended.error().hint)});
  refused_ = ended.error();
  if (role_ != Role::everything || !is_first_run()) give_up(ended.error());
}

bool App::is_first_run() const { return workspace_->tenancy().servers().list().empty(); }

Task<bot::Checkup> App::check_up() {
  const auto send = [this](net::HttpRequest request) { return http_->send(std::move(request)); };
  const auto channels = workspace_->tenancy().channels().list();
  const bool listens = std::ranges::any_of(channels, [this](const tenancy::Channel& channel) {
    return !workspace_->tenancy().channels().servers_of(channel.key()).empty();
  });
  bot::InstallationCheckup installation(config_, {run_, listens, kick_ ? kick_->last_heard() : std::nullopt},
                                        send);
  bot::Checkup checkup;
  checkup.findings = co_await installation.run();
  if (!discord_) {
    checkup.findings.push_back(
        {"token", bot::Finding::Level::problem, "discord.token is not set",
         "docs/guide/discord.md tells how to make the application and where the token is."});
    co_return checkup;
  }
  bot::DiscordCheckup discord(loops_.main(), workspace_->declarations(), *http_, clock_,
                              workspace_->metrics());
  bot::Checkup seen = co_await discord.run({});
  std::ranges::move(seen.findings, std::back_inserter(checkup.findings));
  checkup.invite = std::move(seen.invite);
  co_return checkup;
}

void App::give_up(const Error& error) {
  const std::scoped_lock lock(mutex_);
  fatal_ = error;
  stop();
}

/// What it holds then is used; while it cannot be read, what it held before.
Task<void> App::look_at_keys() {
  if (auto read = secrets_->refresh(); !read)
    log::error("the key file cannot be read any more", {log::field("error", read.error().message)});
  co_return;
}

Task<void> App::look_at_database() {
  const bool changed = co_await workspace_->tenancy().global().changed_elsewhere();
  if (!changed) co_return;
  const auto servers = co_await workspace_->tenancy().servers().reload();
  co_await workspace_->tenancy().channels().load();
  for (const ServerId server : servers) {
    if (const auto scope = workspace_->tenancy().scopes().for_job(server)) dispatcher_->refresh(*scope);
  }
}

Task<std::vector<std::string>> App::not_ready() {
  std::vector<std::string> reasons;
  try {
    co_await workspace_->tenancy().global().read([](store::GlobalTx&) -> store::TxTask<void> { co_return; });
  } catch (const store::DatabaseError&) {
    reasons.emplace_back("the database does not answer");
  }
  if (refused_) {
    reasons.push_back(refused_->message);
  } else if (discord_ && !discord_->health().connected) {
    reasons.emplace_back("Discord is not connected");
  }
  co_return reasons;
}

std::string App::url() const { return fmt::format("http://127.0.0.1:{}", server_->port()); }

Result<void> App::wait() {
  stopping_.wait(false);
  const std::scoped_lock lock(mutex_);
  if (fatal_) return std::unexpected(*fatal_);
  return {};
}

void App::stop() {
  stopping_ = true;
  stopping_.notify_all();
}

App::~App() {
  if (lock_) lock_->on_taken(nullptr);
  stopping_ = true;
  if (server_) server_->stop();
  if (outbox_) outbox_->stop();
  if (roles_) roles_->stop();
  if (discord_) discord_->stop();
  if (kick_) kick_->stop();
  // What is under way ends and is answered; what is left then lies in the database for the next start.
  if (!loops_.drain(kLastWord)) log::warning("stopped with work under way");
  if (workspace_) net::spawn(loops_.main(), "schema reader", [this] { return workspace_->end_reader(); });
  loops_.drain(kLastWord);
  loops_.stop();
}

}  // namespace guildhall::cli
