#include "cli/workspace.h"

#include <fmt/format.h>
#include <unistd.h>

#include <filesystem>
#include <utility>

#include "base/log.h"
#include "cli/demo_check.h"
#include "features/features.h"
#include "migrate/migrate.h"
#include "move/move.h"
#include "web/accounts.h"
#include "web/sessions.h"

namespace guildhall::cli {

Result<void> prepare_data_dir(const Config& config) {
  std::error_code error;
  std::filesystem::create_directories(config.data_dir, error);
  if (error || access(config.data_dir.c_str(), W_OK | X_OK) != 0) {
    return fail(
        ErrorCode::configuration, fmt::format("data.dir: cannot write to the folder '{}'", config.data_dir),
        "Choose another folder with --data-dir or data.dir, or give this user the right to write there.");
  }
  return {};
}

std::filesystem::path backups_folder(const Config& config) {
  return std::filesystem::path(config.data_dir) / "backups";
}

std::unique_ptr<bot::Declarations> declare_everything(const Config& config) {
  auto declarations = std::make_unique<bot::Declarations>(config);
  tenancy::Tenancy::declare(declarations->statements, declarations->tables);
  bot::declare_bot(*declarations);
  features::declare_all(*declarations);
  web::Accounts::declare(*declarations);
  web::Sessions::declare(*declarations);
  declare_demo_check(*declarations);
  declarations->rows.declare(declarations->statements, declarations->tables);
  return declarations;
}

Workspace::Workspace(const Config& config, const Clock& clock, Purpose purpose)
    : config_(config), clock_(&clock), purpose_(purpose), declarations_(declare_everything(config_)) {}

Result<std::unique_ptr<Workspace>> Workspace::open(const Config& config, const Clock& clock, Purpose purpose,
                                                   migrate::Interrupt* interrupt) {
  if (auto prepared = prepare_data_dir(config); !prepared) return std::unexpected(prepared.error());
  const auto place = store::find_place(config);
  if (!place) return std::unexpected(place.error());
  std::unique_ptr<Workspace> workspace(new Workspace(config, clock, purpose));
  const migrate::Preparation how{purpose == Purpose::bot, backups_folder(config), interrupt};
  const auto migrated = migrate::prepare_schema(*place, workspace->declarations_->tables, how);
  if (!migrated) return std::unexpected(migrated.error());
  if (auto whole = move::refuse_unfinished(*place); !whole) return std::unexpected(whole.error());
  auto tenancy = workspace->open_tenancy({}, workspace->metrics_);
  if (!tenancy) return std::unexpected(tenancy.error());
  workspace->tenancy_ = std::move(*tenancy);
  if (purpose == Purpose::bot) {
    if (auto announced = workspace->announce(*place); !announced) return std::unexpected(announced.error());
  }
  net::run_to_end(workspace->tenancy_->load());
  if (auto swept = workspace->sweep_proof(); !swept) return std::unexpected(swept.error());
  return workspace;
}

Task<void> Workspace::renew_reader() {
  if (reader_) co_await reader_->renew();
}

Task<void> Workspace::end_reader() {
  const auto reader = std::exchange(reader_, std::nullopt);
  if (reader) co_await reader->end();
}

/// After a start that did not come to its end.
Workspace::~Workspace() {
  if (!reader_) return;
  try {
    net::run_to_end(end_reader());
  } catch (const std::exception& error) {  // it counts as gone in two minutes
    log::warning("the row in migration_readers stays", {log::field("error", error.what())});
  }
}

Result<void> Workspace::announce(const store::DatabasePlace& place) {
  const auto& set = migrate::own_migrations(migrate::dialect_of(place.layout));
  reader_.emplace(tenancy_->global(), set.migrations.back().name);
  net::run_to_end(reader_->begin());
  return migrate::compare_schema(place);
}

Result<std::unique_ptr<tenancy::Tenancy>> Workspace::open_tenancy(tenancy::OpenOptions options,
                                                                  Metrics& metrics) const {
  options.files.prepare = migrate::file_preparation({purpose_ == Purpose::bot, backups_folder(config_)});
  return tenancy::Tenancy::open(*store::find_place(config_), declarations_->statements, declarations_->tables,
                                &metrics, std::move(options));
}

Result<std::unique_ptr<InstanceLock>> take_proof_lock(const Config& config) {
  const auto place = store::find_place(config);
  if (!place) return std::unexpected(place.error());
  return InstanceLock::take(*place, Exclusive::proof);
}

/// One that is under way holds the lock, and its servers are left to it.
Result<void> Workspace::sweep_proof() const {
  if (!tenancy_->servers().has_others()) return {};
  const auto lock = take_proof_lock(config_);
  if (!lock) return {};
  return doctor::sweep(installation());
}

doctor::Installation Workspace::installation() const {
  return {*declarations_, *clock_, [this](tenancy::OpenOptions options, Metrics& metrics) {
            return open_tenancy(std::move(options), metrics);
          }};
}

/// The same as of the whole database, before the work on it would say it in the middle.
Result<void> Workspace::look_at_file(ServerId server) const {
  const auto place = *store::find_place(config_);
  if (place.layout != store::Layout::sqlite_per_server || purpose_ == Purpose::bot) return {};
  const auto file = store::open_server_session(place, server);
  if (!file) return {};  // there is none yet, or the work names what is wrong with it
  const auto dialect = migrate::Dialect::sqlite;
  return migrate::check_version(**file, migrate::own_migrations(dialect), dialect);
}

Result<tenancy::ServerScope> Workspace::scope(const std::string& server) const {
  const auto id = ServerId::parse(server);
  if (!id)
    return fail(ErrorCode::usage, fmt::format("'{}' is not a server's id", server),
                "`guildhall server list` shows the servers.");
  if (auto usable = look_at_file(*id); !usable) return std::unexpected(usable.error());
  return tenancy_->scopes().for_operator(*id);
}

}  // namespace guildhall::cli
