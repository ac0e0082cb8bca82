// Everything that a command on Guildhall's own data needs, opened in the right order: folder, schema,
// declarations, tenancy.
#pragma once

#include <filesystem>
#include <memory>
#include <optional>

#include "base/clock.h"
#include "base/metrics.h"
#include "bot/feature.h"
#include "bot/schema_reader.h"
#include "cli/command.h"
#include "cli/instance_lock.h"
#include "doctor/isolation.h"
#include "migrate/interrupt.h"
#include "net/loops.h"
#include "tenancy/scopes.h"

namespace guildhall::cli {

/// Statements, tables and the rest of what every room declares. `config` must outlive it.
std::unique_ptr<bot::Declarations> declare_everything(const Config& config);

/// Where backups lie that are taken before the schema is changed.
std::filesystem::path backups_folder(const Config& config);

/// What a workspace is opened for.
enum class Purpose {
  /// One answer or one change. A schema that is older than the program is left to programs of its time.
  command,
  /// To run on it. The schema is brought up to date, and then, before anything else is read, the bot has a
  /// row
  /// of its own in migration_readers.
  bot,
};

class Workspace {
 public:
  /// Errors: `configuration` (folder), `storage`, `schema`, `refused_by_guard`, and `failed` where
  /// `interrupt` ended a change of the schema. Clears away what an interrupted isolation proof left.
  static Result<std::unique_ptr<Workspace>> open(const Config& config, const Clock& clock,
                                                 Purpose purpose = Purpose::command,
                                                 migrate::Interrupt* interrupt = nullptr);
  /// Takes the bot's row away, where `end_reader` did not.
  ~Workspace();
  Workspace(const Workspace&) = delete;
  Workspace& operator=(const Workspace&) = delete;

  const Config& config() const { return config_; }
  const Clock& clock() const { return *clock_; }
  Metrics& metrics() { return metrics_; }
  const bot::Declarations& declarations() const { return *declarations_; }
  tenancy::Tenancy& tenancy() { return *tenancy_; }

  /// The database once more, for the isolation proof.
  doctor::Installation installation() const;

  /// The bot's heartbeat for whoever changes the schema, every bot::kSchemaHeartbeat.
  Task<void> renew_reader();
  /// Once nothing is read any more; on the loop that renews it.
  Task<void> end_reader();

  /// A scope for the server that the operator named. Errors: `usage`, `not_found`, and `schema` where its own
  /// file is older than the program.
  Result<tenancy::ServerScope> scope(const std::string& server) const;

 private:
  Workspace(const Config& config, const Clock& clock, Purpose purpose);
  /// Nobody takes away from now on what this program needs; and nobody did a moment ago.
  Result<void> announce(const store::DatabasePlace& place);
  Result<void> sweep_proof() const;
  Result<void> look_at_file(ServerId server) const;
  Result<std::unique_ptr<tenancy::Tenancy>> open_tenancy(tenancy::OpenOptions options,
                                                         Metrics& metrics) const;

  Config config_;
  const Clock* clock_;
  Purpose purpose_;
  Metrics metrics_;
  std::unique_ptr<bot::Declarations> declarations_;
  std::unique_ptr<tenancy::Tenancy> tenancy_;
  std::optional<bot::SchemaReader> reader_;  // the bot's
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
