// What the operator has to set right outside Discord: the address of the dashboard, what he must keep, who
// may open everything, and the application at Kick. Each fault with the way out of it. Only reads.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/config.h"
#include "bot/finding.h"
#include "platforms/kick/client.h"

namespace guildhall::bot {

/// With this header /healthz says which run of which process answers there.
inline constexpr const char* kRunHeader = "guildhall-run";

class InstallationCheckup {
 public:
  /// What the running process knows by itself.
  struct Facts {
    std::string run;                      // what /healthz answers in kRunHeader
    bool listens = false;                 // some server listens to a channel
    std::optional<TimePoint> kick_heard;  // when Kick last posted anything, since the start
  };

  /// `config` outlives it. `send`: how platforms and the dashboard's own address are asked.
  InstallationCheckup(const Config& config, Facts facts, kick::Client::Send send);

  Task<std::vector<Finding>> run();

 private:
  Task<void> check_address();
  Task<void> check_way_here();
  void check_keeping();
  void check_operators();
  Task<void> check_kick();
  Task<void> check_redirect();
  void check_webhooks();
  void add(std::string topic, Finding::Level level, std::string text, std::string hint = {});

  const Config& config_;
  const Facts facts_;
  kick::Client::Send send_;
  kick::Client kick_;
  bool is_local_ = false;  // the address leads nowhere from other machines
  std::vector<Finding> findings_;
};

}  // namespace guildhall::bot
