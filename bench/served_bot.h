// The whole bot as `guildhall run` puts it together, without its web pages, connected to a stub.
#pragma once

#include <functional>
#include <memory>

#include "base/secrets.h"
#include "bench/stub_discord.h"
#include "bot/discord_bridge.h"
#include "bot/kick_bridge.h"
#include "sim/signing.h"
#include "tests/support/test_world.h"

namespace guildhall::bench {

/// A server's id as Discord gives them.
std::int64_t server_id(std::size_t number);

/// Looks again and again until it is true; throws after two minutes.
void wait_until(std::string_view what, const std::function<bool()>& reached);

class ServedBot {
 public:
  /// `configure`: what is not as usual.
  explicit ServedBot(const std::function<void(Config&)>& configure = {});
  ~ServedBot();

  /// Discord tells of so many more servers; returns when all of them are known and at rest.
  void add_servers(std::size_t count);
  /// The text of one server's GUILD_CREATE.
  static std::string server_json(std::size_t number);

  /// Events whose transaction is committed. Throws when one failed or was refused.
  std::int64_t committed();
  /// How many transactions and how many group commits there were.
  struct Commits {
    std::int64_t units = 0;
    std::int64_t groups = 0;
  };
  Commits commits();

  test::TestWorld world;
  StubDiscord discord;
  sim::SigningKey signing_key = sim::SigningKey::generate();

  net::Loops& loops() { return loops_; }
  bot::KickBridge& kick() { return *kick_; }
  bot::Dispatcher& dispatcher() { return dispatcher_; }
  const Secrets& secrets() const { return *secrets_; }

 private:
  void connect();
  /// Until nothing is written any more.
  void settle();
  Task<void> run_discord();

  std::size_t servers_ = 0;
  net::Loops loops_{2};
  bot::TopicHub topics_;
  net::HttpClient http_{loops_.main(), {}};
  bot::Dispatcher dispatcher_{loops_, world.declarations, world.clock, topics_, world.metrics};
  std::unique_ptr<Secrets> secrets_;
  std::unique_ptr<bot::DiscordBridge> discord_bridge_;
  bot::OAuthStates oauth_states_{world.tenancy->global(), world.clock};
  std::unique_ptr<bot::KickBridge> kick_;
};

}  // namespace guildhall::bench
