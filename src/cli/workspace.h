// Everything that a command on Guildhall's own data needs, opened in the right order: folder, schema,
// declarations, tenancy.
#pragma once

#include <filesystem>
#include <memory>

#include "base/clock.h"
#include "base/metrics.h"
#include "bot/feature.h"
#include "cli/command.h"
#include "cli/instance_lock.h"
#include "doctor/isolation.h"
#include "net/loops.h"
#include "tenancy/scopes.h"

namespace guildhall::cli {

/// Statements, tables and the rest of what every room declares. `config` must outlive it.
std::unique_ptr<bot::Declarations> declare_everything(const Config& config);

/// Where backups lie that are taken before the schema is changed.
std::filesystem::path backups_folder(const Config& config);

class Workspace {
 public:
  /// Errors: `configuration` (folder), `storage`, `schema`, `refused_by_guard`. Clears away what an
  /// interrupted isolation proof left.
  static Result<std::unique_ptr<Workspace>> open(const Config& config, const Clock& clock);

  const Config& config() const { return config_; }
  const Clock& clock() const { return *clock_; }
  Metrics& metrics() { return metrics_; }
  const bot::Declarations& declarations() const { return *declarations_; }
  tenancy::Tenancy& tenancy() { return *tenancy_; }

  /// The database once more, for the isolation proof.
  doctor::Installation installation() const;

  /// A scope for the server that the operator named.
  Result<tenancy::ServerScope> scope(const std::string& server) const;

 private:
  Workspace(const Config& config, const Clock& clock);
  Result<void> sweep_proof() const;
  Result<std::unique_ptr<tenancy::Tenancy>> open_tenancy(tenancy::OpenOptions options,
                                                         Metrics& metrics) const;

  Config config_;
  const Clock* clock_;
  Metrics metrics_;
  std::unique_ptr<bot::Declarations> declarations_;
  std::unique_ptr<tenancy::Tenancy> tenancy_;
};

/// The operator at the command line, as the audit log names him.
inline tenancy::Actor command_line_operator() { return {"operator", "command_line"}; }

/// "--server ID" of commands on one server.
inline OptionSpec server_option() {
  return {"--server", "ID", "the server, as `guildhall server list` shows it", true};
}

/// The one isolation proof of this database. Error `other_instance`: it is running.
Result<std::unique_ptr<InstanceLock>> take_proof_lock(const Config& config);

/// Data folder and key file exist, or are made; error names the folder.
Result<void> prepare_data_dir(const Config& config);

}  // namespace guildhall::cli
