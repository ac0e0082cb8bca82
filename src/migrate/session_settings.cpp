#include "migrate/session_settings.h"

#include <fmt/format.h>

#include "migrate/pooled_session.h"

namespace guildhall::migrate {
namespace {

constexpr std::string_view kCommon =
    "-ctimezone=UTC -ctcp_keepalives_idle=10 -ctcp_keepalives_interval=5 -ctcp_keepalives_count=3";
constexpr std::string_view kCheck = "client_connection_check_interval";  // unknown before PostgreSQL 14

}  // namespace

Result<std::unique_ptr<store::SchemaSession>> open_with_settings(const OpenSession& open,
                                                                 const std::string& settings) {
  const std::string all = fmt::format("{} {}", kCommon, settings);
  auto session = open(fmt::format("{} -c{}=5s", all, kCheck));
  if (session || session.error().message.find(kCheck) == std::string::npos ||
      speaks_of_pooler(session.error()))
    return session;
  return open(all);
}

void fix_search_path(store::SchemaSession& session) {
  constexpr std::string_view kUser = "\"$user\"";
  if (!session.stays_the_same()) return;
  const auto row = session.query("SELECT current_setting('search_path'), quote_ident(current_user)").at(0);
  const auto at = row[0].find(kUser);
  if (at == std::string::npos) return;
  session.query("SELECT set_config('search_path', $1, false)",
                {std::string(row[0]).replace(at, kUser.size(), row[1])});
}

}  // namespace guildhall::migrate
