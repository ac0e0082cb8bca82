#include "store/place.h"

#include <fmt/format.h>

#include <filesystem>

#include "store/sqlite/server_files.h"

namespace guildhall::store {
namespace {

constexpr std::string_view kFile = "sqlite:";
constexpr std::string_view kFolder = "sqlite-per-server:";

/// "postgres://user:word@host:5432/db?x=y" -> "host:5432/db". A word may hold what elsewhere divides.
std::string without_secrets(std::string_view url) {
  url.remove_prefix(url.find("://") + 3);
  if (const auto at = url.rfind('@'); at != std::string_view::npos) url.remove_prefix(at + 1);
  return std::string(url.substr(0, url.find('?')));
}

}  // namespace

std::string shown_url(std::string_view url) {
  const auto scheme = url.find("://");
  const auto at = url.rfind('@');
  if (at == std::string_view::npos) return std::string(url);
  const auto begin = scheme == std::string_view::npos || scheme > at ? 0 : scheme + 3;
  return fmt::format("{}...{}", url.substr(0, begin), url.substr(at));
}

std::string DatabasePlace::file() const {
  return layout == Layout::sqlite_per_server ? sqlite::directory_file(path) : path;
}

std::string DatabasePlace::file_of(ServerId server) const { return sqlite::server_file(path, server); }

std::string DatabasePlace::name() const { return layout == Layout::postgres ? without_secrets(url) : path; }

Result<DatabasePlace> find_place(const std::string& url, const std::string& data_dir) {
  DatabasePlace place;
  place.url = url;
  if (url.starts_with("postgres://") || url.starts_with("postgresql://")) {
    place.layout = Layout::postgres;
    return place;
  }
  for (const auto& [scheme, layout] :
       {std::pair{kFile, Layout::sqlite}, std::pair{kFolder, Layout::sqlite_per_server}}) {
    if (!url.starts_with(scheme) || url.size() == scheme.size()) continue;
    const std::filesystem::path path = url.substr(scheme.size());
    const auto whole = path.is_absolute() ? path : std::filesystem::path(data_dir) / path;
    place.layout = layout;
    // A folder is the same with a slash behind it, and what is named after it lies beside it.
    place.path = (whole.has_filename() ? whole : whole.parent_path()).string();
    return place;
  }
  return fail(ErrorCode::configuration,
              fmt::format("database.url: '{}' is none of sqlite:FILE, sqlite-per-server:DIR and "
                          "postgres://USER:PASSWORD@HOST/DATABASE",
                          shown_url(url)),
              "Leave the key out for one SQLite file, guildhall.db in data.dir.");
}

Result<void> check_addresses(const DatabasePlace& place) {
  if (place.layout != Layout::postgres || !place.tick_url.empty()) return {};
  return fail(ErrorCode::configuration,
              "database.tick_url is missing: set-based work on several servers has a login of its own",
              "`guildhall setup postgres` prints the three addresses of the configuration.");
}

Result<DatabasePlace> find_place(const Config& config) {
  auto place = find_place(config.database_url, config.data_dir);
  if (!place) return place;
  place->tick_url = config.database_tick_url;
  place->migrate_url = config.database_migrate_url;
  if (auto complete = check_addresses(*place); !complete) return std::unexpected(complete.error());
  return place;
}

}  // namespace guildhall::store
