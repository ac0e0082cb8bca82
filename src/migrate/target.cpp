#include "migrate/target.h"

#include <fmt/format.h>

#include <filesystem>

#include "store/postgres/address.h"

namespace guildhall::migrate {

Result<Target> any_target(const std::string& url, Missing missing) {
  const auto place = store::find_place(url, ".");
  if (!place || place->layout == store::Layout::sqlite_per_server) {
    return fail(ErrorCode::usage,
                fmt::format("--url: '{}' is neither sqlite:FILE nor postgres://USER@HOST/DATABASE",
                            store::shown_url(url)));
  }
  Target target;
  target.url = url;
  target.name = place->name();
  if (place->layout == store::Layout::sqlite) {
    target.dialect = Dialect::sqlite;
    target.database = std::filesystem::path(place->path).stem().string();
  } else {
    const auto parameters = store::connection_parameters(url);
    if (!parameters) return std::unexpected(parameters.error());
    const auto part = [&](const std::string& keyword) {
      const auto found = parameters->find(keyword);
      return found == parameters->end() ? std::string() : found->second;
    };
    target.database = part("dbname").empty() ? part("user") : part("dbname");
    const std::string host = part("host").empty() ? "this machine" : part("host");
    target.name =
        fmt::format("{} on {}{}{}", target.database, host, part("port").empty() ? "" : ":", part("port"));
  }
  target.open = [url, missing](const std::string& settings) {
    return store::open_any_session({url, settings, missing == Missing::is_made});
  };
  return target;
}

std::string own_table(Dialect dialect, std::string_view name) {
  return (dialect == Dialect::postgres ? "guildhall." : "") + std::string(name);
}

std::string_view now_of(Dialect dialect) {
  return dialect == Dialect::postgres ? "clock_timestamp()"
                                      : "CAST((julianday('now') - 2440587.5) * 86400000000.0 AS INTEGER)";
}

}  // namespace guildhall::migrate
