// The shards of the bot that this process serves. With several processes each has its fair share; whose a
// shard is, and where its session stands, lies in the database (leases.h). What a process gives back when it
// ends, or what a killed one leaves, the others take up within a second or half a minute, and resume: no
// event is missed.
#pragma once

#include <atomic>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>

#include "bot/leases.h"
#include "platforms/discord/gateway.h"

namespace guildhall::bot {

struct DiscordShardsOptions {
  /// The shard is chosen here.
  discord::GatewayOptions gateway;
  /// How many there are; 0: as many as Discord thinks right. While other processes serve another number it is
  /// theirs.
  int count = 0;
  /// Of the leases.
  std::string holder;
  std::string predecessors;
};

/// Lives on one loop; only `stop` may be called from elsewhere.
class DiscordShards {
 public:
  /// All that is referred to outlives it.
  struct Surroundings {
    boost::asio::io_context& loop;
    tenancy::GlobalScope global;
    discord::GatewayHandler& handler;
    discord::State& state;
    discord::GatewayConnector connector;
    discord::GatewayDiscovery discovery;
    std::shared_ptr<discord::Timing> timing;
    Metrics& metrics;
    /// Told when there are others than before: how many processes serve the bot now, this one among them.
    std::function<void(std::size_t processes)> on_processes;
  };

  DiscordShards(Surroundings surroundings, DiscordShardsOptions options);
  ~DiscordShards();

  /// Returns after `stop`, when every session is on record and given back, or with what cannot be mended by
  /// trying again: `token_refused`, `configuration`. Called once.
  Task<Result<void>> run();
  void stop();

  /// Is the session that brings this server's events up, and here?
  bool is_up(ServerId server) const;
  /// Of all that are served here together: connected only if each is, and if every shard of the bot has
  /// somebody.
  discord::GatewayHealth health() const;

 private:
  struct Running;

  // How many shards there are.
  Task<Result<int>> settle_count();
  Task<Result<int>> count_wished();
  Task<Result<discord::GatewayInfo>> ask_discord();
  Task<int> try_to_agree(int wished);
  Task<std::set<std::string>> living_holders();
  Task<int> agree(int wished, std::set<std::string> living);
  // Who serves them.
  Task<void> look_after();
  Task<void> show_life();
  Task<void> join();
  Task<std::size_t> count_processes();
  bool lies_idle(const Lease& seen) const;
  Task<void> share(const std::vector<Lease>& shards, std::size_t processes);
  Task<void> take(const Lease& seen);
  Task<void> serve(int index);
  void hand_over_one();
  void leave(Running& one);
  void doubt(const std::string& trouble);
  Task<void> fence();
  Task<void> end();
  Task<void> pause(std::chrono::nanoseconds time);

  Surroundings around_;
  DiscordShardsOptions options_;
  std::shared_ptr<Leases> leases_;
  std::shared_ptr<discord::IdentifyTurns> turns_;
  std::shared_ptr<boost::asio::steady_timer> timer_;
  std::shared_ptr<boost::asio::steady_timer> fence_timer_;
  std::map<int, std::unique_ptr<Running>> running_;  // by the index of the shard
  std::atomic<std::size_t> served_ = 0;
  bool all_served_ = false;
  std::size_t processes_ = 1;
  bool had_company_ = false;  // of other processes, from which what is taken comes
  std::optional<discord::SteadyTime> beaten_at_;
  std::optional<Error> failed_;
  bool stopping_ = false;
  bool fencing_ = false;
  bool ended_ = false;
};

store::TxTask<void> rehearse_discord_shards(store::GlobalTx& tx, TimePoint now);

void declare_discord_shards(store::StatementRegistry& statements);

}  // namespace guildhall::bot
