#include "migrate/kept_settings.h"

#include <fmt/format.h>

#include "base/text.h"

namespace guildhall::migrate {

bool may_set_something(const SqlStatement& statement) {
  const std::string tag = command_tag(statement);
  return tag == "SET" || tag == "RESET" || tag == "DISCARD" || tag == "DO" || tag == "CALL" ||
         to_lower_ascii(statement.text).find("set_config") != std::string::npos;
}

KeptSettings::KeptSettings(store::SchemaSession& session) : session_(session) {
  for (const auto& row :
       session.query("SELECT NULL, quote_ident(current_setting('role')) UNION ALL SELECT name, setting FROM "
                     "pg_settings WHERE source = 'session'")) {
    if (row[0].empty()) {
      role_ = row[1];
    } else {
      set_.emplace_back(row[0], row[1]);
    }
  }
}

void KeptSettings::restore() const {
  // The role is none of those that RESET ALL sets back.
  session_.execute(fmt::format("RESET SESSION AUTHORIZATION; RESET ALL; SET ROLE {}", role_));
  for (const auto& [name, value] : set_) session_.query("SELECT set_config($1, $2, false)", {name, value});
}

void KeptSettings::act_as_then() const { session_.execute("SET LOCAL ROLE " + role_); }

}  // namespace guildhall::migrate
