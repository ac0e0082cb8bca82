// The running bot: every room put together, from the data folder to the port.
#pragma once

#include <atomic>
#include <memory>
#include <optional>
#include <string>

#include "base/secrets.h"
#include "bot/dashboard_access.h"
#include "bot/discord_bridge.h"
#include "bot/dispatcher.h"
#include "bot/due_work.h"
#include "bot/jobs.h"
#include "bot/kick_bridge.h"
#include "bot/oauth_states.h"
#include "bot/outbox.h"
#include "bot/page_links.h"
#include "bot/role_changes.h"
#include "bot/topics.h"
#include "cli/instance_lock.h"
#include "cli/workspace.h"
#include "net/http_client.h"
#include "net/http_server.h"
#include "web/api.h"
#include "web/discord_sign_in.h"
#include "web/link_pages.h"
#include "web/sessions.h"

namespace guildhall::cli {

/// What a process does. One does everything; others may stand beside it on PostgreSQL and share Discord's
/// shards with it, which goes on while any of them does.
enum class Role { everything, discord };

/// Under this name the running process keeps the dashboard's address (bot/process_state.h).
inline constexpr const char* kWebUrl = "web.url";

class App {
 public:
  /// Opens everything and starts it. Errors: `configuration` (folder, keys; no token for the role `discord`),
  /// `usage` (a role on SQLite), `other_instance`, `storage`, `schema`, `port_in_use`, and `failed` where
  /// `interrupt` ended a change of the schema.
  static Result<std::unique_ptr<App>> start(const Config& config, const Clock& clock,
                                            migrate::Interrupt* interrupt = nullptr,
                                            Role role = Role::everything);
  /// Stops taking work, finishes what is under way, closes.
  ~App();

  /// Where this machine reaches it, if its role has a dashboard.
  std::string url() const;
  /// No server has come yet: somebody sets it up.
  bool is_first_run() const;
  /// As browsers reach it.
  std::string public_url() const { return config_.public_url(); }
  Workspace& workspace() { return *workspace_; }
  net::Loops& loops() { return loops_; }
  web::Sessions& sessions() { return *sessions_; }
  net::HttpClient& http() { return *http_; }
  bot::Dispatcher& dispatcher() { return *dispatcher_; }

  /// Ends when `stop` is called, or when a platform refused us for good: then with its error. On a first run
  /// it goes on all the same, so that the dashboard can say what is wrong.
  Result<void> wait();
  /// From any thread, a signal's handler included.
  void stop();

 private:
  App(const Config& config, const Clock& clock, Role role);

  Result<void> take_lock(const store::DatabasePlace& place);
  Result<void> open(migrate::Interrupt* interrupt);
  Result<void> check_shared_key() const;
  void start_discord(const bot::BridgeServices& services);
  void follow_discord();
  void start_platforms();
  web::KickDoor kick_door();
  web::AccountDoor account_door();
  web::DiscordDoor discord_door();
  Result<void> start_web();
  /// What the operator has to set right. On the main loop.
  Task<bot::Checkup> check_up();
  Task<void> run_discord();
  /// Why a server's messages do not appear in Discord. On the main loop.
  std::vector<Error> unsent(ServerId server) const;
  /// Ends the run with that error.
  void give_up(const Error& error);
  Task<void> look_at_keys();
  /// Notices what other processes changed in the database.
  Task<void> look_at_database();
  Task<std::vector<std::string>> not_ready();

  Config config_;
  const Clock& clock_;
  const Role role_;
  const std::string run_;  // by which /healthz tells this run from others
  /// Codes and sessions are for people: fifteen minutes are theirs, however fast the world runs.
  SystemClock people_clock_;
  std::unique_ptr<InstanceLock> lock_;  // of the one that does everything
  net::Loops loops_;
  bot::TopicHub topics_;
  std::optional<Secrets> secrets_;
  std::unique_ptr<Workspace> workspace_;
  std::unique_ptr<net::HttpClient> http_;
  std::unique_ptr<bot::Dispatcher> dispatcher_;
  std::unique_ptr<bot::TickRunner> ticks_;
  std::unique_ptr<bot::DueWorker> due_;
  std::unique_ptr<bot::OAuthStates> oauth_states_;
  std::unique_ptr<bot::DiscordBridge> discord_;
  std::unique_ptr<bot::DashboardAccess> access_;
  std::unique_ptr<bot::KickBridge> kick_;
  std::unique_ptr<bot::OutboxSender> outbox_;
  std::unique_ptr<bot::RoleWorker> roles_;  // where there is Discord
  std::unique_ptr<web::Sessions> sessions_;
  web::Doors doors_;
  std::unique_ptr<web::DiscordSignIn> sign_in_;
  std::unique_ptr<web::Api> api_;
  std::unique_ptr<bot::PageLinks> pages_;
  std::unique_ptr<web::LinkPages> link_pages_;
  std::unique_ptr<net::HttpServer> server_;
  std::optional<Error> refused_;  // by Discord, on a first run
  std::atomic<bool> stopping_{false};
  std::mutex mutex_;
  std::optional<Error> fatal_;
};

/// The key file of stored tokens; makes the standard one at the first start. Error `configuration`
/// when it is missing although tokens are stored that it seals.
Result<Secrets> open_secrets(const Config& config, bool has_sealed_tokens);

}  // namespace guildhall::cli
