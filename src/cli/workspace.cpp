#include "cli/workspace.h"

#include <fmt/format.h>
#include <unistd.h>

#include <filesystem>

#include "cli/demo_check.h"
#include "features/features.h"
#include "migrate/migrate.h"
#include "move/move.h"
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

Workspace::Workspace(const Config& config, const Clock& clock)
    : config_(config), clock_(&clock), declarations_(config_) {
  tenancy::Tenancy::declare(declarations_.statements, declarations_.tables);
  bot::declare_bot(declarations_);
  features::declare_all(declarations_);
  web::Sessions::declare(declarations_.statements);
  declare_demo_check(declarations_.statements);
}

tenancy::TableCatalog Workspace::declared_tables(const Config& config) {
  const SystemClock clock;
  return Workspace(config, clock).declarations_.tables;
}

Result<std::unique_ptr<Workspace>> Workspace::open(const Config& config, const Clock& clock) {
  if (auto prepared = prepare_data_dir(config); !prepared) return std::unexpected(prepared.error());
  const auto place = store::find_place(config);
  if (!place) return std::unexpected(place.error());
  std::unique_ptr<Workspace> workspace(new Workspace(config, clock));
  const auto migrated = migrate::prepare_schema(*place, workspace->declarations_.tables, clock.now());
  if (!migrated) return std::unexpected(migrated.error());
  if (auto whole = move::refuse_unfinished(*place); !whole) return std::unexpected(whole.error());
  auto tenancy =
      tenancy::Tenancy::open(*place, workspace->declarations_.statements, workspace->declarations_.tables,
                             &workspace->metrics_, {migrate::file_preparation(clock)});
  if (!tenancy) return std::unexpected(tenancy.error());
  workspace->tenancy_ = std::move(*tenancy);
  net::run_to_end(workspace->tenancy_->load());
  return workspace;
}

Result<tenancy::ServerScope> Workspace::scope(const std::string& server) const {
  const auto id = ServerId::parse(server);
  if (!id) return fail(ErrorCode::usage, fmt::format("--server: '{}' is not an id", server));
  return tenancy_->scopes().for_operator(*id);
}

}  // namespace guildhall::cli
