// The demo world: simulated Discord and Kick, and the real bot on the real database behind them, on a
// clock that runs faster.
#pragma once

#include <boost/json/object.hpp>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>

#include "cli/app.h"
#include "sim/sim.h"

namespace guildhall::cli {

struct DemoOptions {
  int speed = 30;
  std::int64_t seed = 1;
  std::int64_t events_per_minute = 6;
};

class Demo {
 public:
  /// Starts everything, binds the servers to their channels, connects the streamers and lets members
  /// act. Errors: those of App::start.
  static Result<std::unique_ptr<Demo>> start(Config config, DemoOptions options);
  ~Demo();

  App& app() { return *app_; }
  /// The dashboard with a fresh one-time code.
  std::string sign_in_url();
  /// By which a test or a person moves the simulated platforms; see sim/control.h.
  const std::string& control_url() const { return control_url_; }

  /// Lets the members rest and counts what happened; see demo_check.h.
  boost::json::object count();

 private:
  explicit Demo(Config config, DemoOptions options);

  Result<void> open_world();
  Task<Result<void>> set_up();
  Task<Result<void>> wait_for_servers();
  Task<Result<void>> link_members();
  Task<Result<void>> connect_streamers();

  struct Place {
    ServerId server;
    std::string channel;
  };

  Config config_;
  DemoOptions options_;
  std::filesystem::path clock_file_;
  std::unique_ptr<Clock> clock_;
  net::Loops sim_loops_{1};
  std::unique_ptr<sim::Simulation> simulation_;
  std::string control_url_;
  std::vector<Place> places_;
  std::vector<std::pair<std::string, std::string>> links_;  // member's id, viewer's name
  std::unique_ptr<App> app_;
};

}  // namespace guildhall::cli
