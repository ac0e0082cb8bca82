// sim: simulated Discord and Kick over real sockets on the loopback interface, for the demo, the tests
// and the load harness.
//
//   world.h       the invented people and places      members.h  what they do, from the seed
//   discord*.h, gateway*.h, interactions.h, components.h, ...   Discord: REST, gateway, OAuth, limits, codes
//   kick*.h       Kick: OAuth, API, signed webhooks, the chat socket of its own site
//   faults.h      switches for everything that goes wrong on the real ones
//   load.h        so many events a second, and how long the answers took
//   witness.h     what the bot was told and what it took: tests recompute totals from it
//   control.h     the HTTP interface by which a test or a person moves all of this
//
// The command line and the tests call it. It promises that everything follows from the seed and the
// clock, that all state lives on one loop, and that it shares no wire struct and no code with
// src/platforms: else both could be wrong together. It never talks to anything but the loopback
// interface and the webhook address it was given.
#pragma once

#include <boost/asio/io_context.hpp>
#include <filesystem>
#include <memory>
#include <string>

#include "base/clock.h"
#include "base/error.h"
#include "sim/discord_gateway.h"
#include "sim/interactions.h"
#include "sim/world.h"

namespace guildhall::sim {

class Discord;
class Witness;

/// 0: any free port.
struct SimPorts {
  std::uint16_t discord_rest = 0;
  std::uint16_t discord_gateway = 0;
  std::uint16_t kick_oauth = 0;
  std::uint16_t kick_api = 0;
  std::uint16_t kick_site = 0;
  std::uint16_t kick_socket = 0;
  std::uint16_t control = 0;
};

struct SimOptions {
  std::uint64_t seed = 1;
  const Clock* clock = nullptr;  // required; outlives the simulation
  WorldSize size;
  SimPorts ports;
  std::string kick_webhook;          // empty: nothing is sent yet
  std::size_t webhooks_at_once = 1;  // per channel; with 1 they come in order
  bool webhooks_unasked = true;      // while the application has never subscribed, everything is sent
  double events_per_minute = 6;      // of the members, on the clock
  std::filesystem::path log_file;    // the witness and the registrations, kept across restarts
  std::filesystem::path key_file;    // Kick's signing key, kept across restarts
  GatewayOptions gateway;
  InteractionDeadlines interactions;
};

class Simulation {
 public:
  /// Listens on 127.0.0.1. `loop` outlives the simulation. Errors: `port_in_use`, `configuration`;
  /// `invalid` and `failed` for the files.
  static Result<std::unique_ptr<Simulation>> start(boost::asio::io_context& loop, SimOptions options);
  ~Simulation();

  /// One line of JSON with the addresses and secrets that a client needs.
  const std::string& contract_json() const { return contract_; }

  // From any thread; they take effect on the loop.
  void set_kick_webhook(std::string url);
  /// The one address that the simulated Discord leads back to.
  void set_discord_redirect(std::string url);
  /// Members act until stop_members().
  void start_members();
  void stop_members();
  /// Ends listeners, connections and waits; the loop runs empty of them soon after.
  void stop();

  /// For code that runs on the loop.
  const Witness& witness() const;
  World& world();
  Discord& discord();

 private:
  struct Parts;
  struct Servers;
  Simulation(std::shared_ptr<Parts> parts, std::unique_ptr<Servers> servers);

  std::shared_ptr<Parts> parts_;
  std::unique_ptr<Servers> servers_;
  std::string contract_;
};

}  // namespace guildhall::sim
