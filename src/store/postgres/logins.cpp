#include "store/postgres/logins.h"

#include <fmt/format.h>

#include "base/log.h"
#include "store/postgres/session.h"

namespace guildhall::store::postgres {
namespace {

constexpr std::string_view kOwner = "guildhall_owner";
constexpr std::string_view kSetUp =
    "`guildhall setup postgres --url ADMIN_URL` makes roles, database and schema.";

/// The address of whoever sets up.
constexpr std::string_view kAdministrator = "--url";

struct Address {
  std::string_view key;
  const std::string& url;
};

Address address_of(const DatabasePlace& place, Signer signer) {
  switch (signer) {
    case Signer::cross_server: return {"database.tick_url", place.tick_url};
    case Signer::migrate: return {"database.migrate_url", place.migrate_url};
    case Signer::bot: break;
  }
  return {"database.url", place.url};
}

/// What libpq says of a refused connection comes without a code; a server that speaks another language gets
/// the last line.
std::string_view way_out(std::string_view message) {
  const auto says = [message](std::string_view part) { return message.find(part) != std::string_view::npos; };
  if (says("password authentication failed") || says("no password supplied")) {
    return "The password stands in the address, in ~/.pgpass, or in a file that GUILDHALL_DATABASE_URL_FILE "
           "names; `guildhall setup postgres --new-passwords` makes new ones.";
  }
  if ((says("role \"") || says("database \"")) && says("does not exist")) return kSetUp;
  if (says("permission denied for database")) return kSetUp;
  if (says("no pg_hba.conf entry")) return "The server's pg_hba.conf must let this role in from here.";
  if (says("SSL") || says("certificate")) return "See sslmode and sslrootcert in the address.";
  return "Check that PostgreSQL runs there and that the address is right.";
}

/// Is it a database that Guildhall was set up in?
Result<void> check_is_ours(SchemaSession& session) {
  const Contents contents = look_at_contents(session);
  if (contents.schema_owner == kOwner) return {};
  if (!contents.schema_owner.empty()) {
    return fail(
        ErrorCode::refused_by_guard,
        fmt::format("database '{}' belongs to another program: its schema guildhall is {}'s, not {}'s",
                    session.name(), contents.schema_owner, kOwner),
        "Name a database of Guildhall's own in the configuration. " + std::string(kSetUp));
  }
  if (contents.others_tables) {
    return fail(
        ErrorCode::refused_by_guard,
        fmt::format("database '{}' belongs to another program: it has tables, and no schema guildhall",
                    session.name()),
        "Name a database of Guildhall's own in the configuration. " + std::string(kSetUp));
  }
  return fail(ErrorCode::schema, fmt::format("database '{}' was never set up", session.name()),
              std::string(kSetUp));
}

Result<void> act_as_owner(SchemaSession& session) {
  try {
    session.execute(fmt::format("SET ROLE {}", kOwner));
    return {};
  } catch (const DatabaseError& error) {
    return fail(ErrorCode::storage,
                fmt::format("database '{}': the login of database.migrate_url may not act as {}: {}",
                            session.name(), kOwner, error.what()),
                "It should be guildhall_migrate. " + std::string(kSetUp));
  }
}

}  // namespace

Error refusal(const std::string& name, std::string_view with, const DatabaseError& error) {
  const std::string_view way =
      with == kAdministrator
          ? "Check that PostgreSQL runs there and that --url names a login that may sign in; "
            "its password stands in the address or in ~/.pgpass."
          : way_out(error.what());
  return {ErrorCode::storage, fmt::format("database '{}' ({}): {}", name, with, error.what()),
          std::string(way)};
}

Result<void> check_server_version(const Session& session) {
  if (session.server_version() < 150'000) {
    return fail(ErrorCode::storage,
                fmt::format("PostgreSQL at '{}' is older than version 15", session.name()),
                "Guildhall needs PostgreSQL 15.");
  }
  if (session.server_version() >= 160'000)
    log::warning("this version of PostgreSQL is untested", {log::field("tested", "15")});
  return {};
}

Result<std::unique_ptr<SchemaSession>> open_session(const DatabasePlace& place, Signer signer,
                                                    const std::string& settings) {
  if (signer == Signer::cross_server) {
    if (auto complete = check_addresses(place); !complete) return std::unexpected(complete.error());
  }
  const auto [key, url] = address_of(place, signer);
  try {
    auto session =
        std::make_unique<Session>(url, place.name(), fmt::format("-csearch_path={} {}", kSchema, settings));
    if (auto known = check_server_version(*session); !known) return std::unexpected(known.error());
    if (auto ours = check_is_ours(*session); !ours) return std::unexpected(ours.error());
    if (signer == Signer::migrate) {
      if (auto owner = act_as_owner(*session); !owner) return std::unexpected(owner.error());
    }
    return session;
  } catch (const DatabaseError& error) {
    return std::unexpected(refusal(place.name(), key, error));
  }
}

Result<std::unique_ptr<SchemaSession>> open_guest_session(const std::string& url, const std::string& name,
                                                          const std::string& settings) {
  try {
    auto session = std::make_unique<Session>(url, name, settings);
    if (auto known = check_server_version(*session); !known) return std::unexpected(known.error());
    return session;
  } catch (const DatabaseError& error) {
    return std::unexpected(refusal(name, kAdministrator, error));
  }
}

Contents look_at_contents(SchemaSession& session) {
  const auto row =
      session
          .query(
              "SELECT coalesce((SELECT pg_get_userbyid(nspowner) FROM pg_namespace WHERE nspname = "
              "'guildhall'), "
              "''), count(*) FILTER (WHERE n.nspname = 'guildhall'), count(*) FILTER (WHERE n.nspname = "
              "'guildhall' AND c.relname = 'migration_journal'), count(*) FILTER (WHERE n.nspname <> "
              "'guildhall') FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.relkind IN "
              "('r', 'p') AND n.nspname <> 'information_schema' AND n.nspname NOT LIKE 'pg\\_%' AND NOT "
              "EXISTS "
              "(SELECT 1 FROM pg_depend d WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND "
              "d.deptype = 'e')")
          .at(0);
  return {row[0], row[1] != "0", row[2] != "0", row[3] != "0"};
}

std::string scram_verifier(const std::string& url, const std::string& role, const std::string& password) {
  const auto connection = connect(url, "");
  const std::unique_ptr<char, void (*)(void*)> verifier(
      PQencryptPasswordConn(connection.get(), password.c_str(), role.c_str(), "scram-sha-256"), PQfreemem);
  if (!verifier) throw connection_error(connection.get(), "making a verifier");
  return verifier.get();
}

}  // namespace guildhall::store::postgres

namespace guildhall::store {

Result<std::unique_ptr<SchemaSession>> open_postgres_session(const std::string& url) {
  DatabasePlace place;
  place.layout = Layout::postgres;
  place.url = url;
  try {
    auto session = std::make_unique<postgres::Session>(url, place.name());
    if (auto known = postgres::check_server_version(*session); !known) return std::unexpected(known.error());
    return session;
  } catch (const DatabaseError& error) {
    return std::unexpected(postgres::refusal(place.name(), postgres::kAdministrator, error));
  }
}

}  // namespace guildhall::store
