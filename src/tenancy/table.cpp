#include "tenancy/table.h"

namespace guildhall::tenancy {

store::TableHomes TableCatalog::homes() const {
  store::TableHomes homes;
  for (const auto& [name, spec] : tables_) {
    const bool copied = spec.shared || name == "servers";
    homes[name] = has_servers_rows(spec) ? store::TableHome::server
                  : copied               ? store::TableHome::copied
                                         : store::TableHome::directory;
  }
  return homes;
}

void declare_core_tables(TableCatalog& catalog) {
  catalog.add({"servers", TableClass::registry, "tenancy", true, false, true});
  catalog.add({"counters", TableClass::tenant, "tenancy", true});
  catalog.add({"persons", TableClass::tenant, "bot"});
  catalog.add({"identities", TableClass::tenant, "bot", true});
  catalog.add({"links", TableClass::tenant, "bot"});
  catalog.add({"balances", TableClass::tenant, "bot", true});
  catalog.add({"ledger", TableClass::tenant, "bot", true});
  catalog.add({"ledger_postings", TableClass::tenant, "bot", true, false, false, true});
  catalog.add({"watchtime", TableClass::tenant, "bot", true});
  catalog.add({"settings", TableClass::tenant, "bot", true});
  // When something is due, and nothing of what: it lies beside the servers, also with a file for each.
  catalog.add({"jobs", TableClass::registry, "bot", true});
  catalog.add({"outbox", TableClass::tenant, "bot", true});
  catalog.add({"posts", TableClass::tenant, "bot"});
  catalog.add({"activity", TableClass::tenant, "bot"});
  catalog.add({"audit_log", TableClass::tenant, "tenancy"});
  catalog.add({"setting_defaults", TableClass::global, "bot", false, true});
  for (const char* name : {"channels", "channel_bindings"})
    catalog.add({name, TableClass::global, "tenancy", false, false, true});
  for (const char* name :
       {"sessions", "disabled_accounts", "login_codes", "oauth_states", "process_state", "leases",
        "channel_subscriptions", "channel_hearing", "channel_gaps", "operator_log", "cross_server_log",
        "migration_journal", "migration_journal_version", "migration_lock", "migration_readers"}) {
    catalog.add({name, TableClass::global, "core"});
  }
}

}  // namespace guildhall::tenancy
