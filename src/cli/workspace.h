// Everything that a command on Guildhall's own data needs, opened in the right order: folder, schema,
// declarations, tenancy.
#pragma once

#include <memory>

#include "base/clock.h"
#include "base/metrics.h"
#include "bot/feature.h"
#include "cli/command.h"
#include "net/loops.h"
#include "tenancy/scopes.h"

namespace guildhall::cli {

class Workspace {
 public:
  /// Errors: `configuration` (folder), `storage`, `schema`, `refused_by_guard`.
  static Result<std::unique_ptr<Workspace>> open(const Config& config, const Clock& clock);

  /// The class of every table of the program, without a database.
  static tenancy::TableCatalog declared_tables(const Config& config);

  const Config& config() const { return config_; }
  const Clock& clock() const { return *clock_; }
  Metrics& metrics() { return metrics_; }
  const bot::Declarations& declarations() const { return declarations_; }
  tenancy::Tenancy& tenancy() { return *tenancy_; }

  /// A scope for the server that the operator named with --server.
  Result<tenancy::ServerScope> scope(const std::string& server) const;

 private:
  Workspace(const Config& config, const Clock& clock);

  Config config_;
  const Clock* clock_;
  Metrics metrics_;
  bot::Declarations declarations_;
  std::unique_ptr<tenancy::Tenancy> tenancy_;
};

/// The operator at the command line, as the audit log names him.
inline tenancy::Actor command_line_operator() { return {"operator", "command_line"}; }

/// "--server ID" of commands on one server.
inline OptionSpec server_option() {
  return {"--server", "ID", "the server, as `guildhall server list` shows it", true};
}

/// Data folder and key file exist, or are made; error names the folder.
Result<void> prepare_data_dir(const Config& config);

}  // namespace guildhall::cli
