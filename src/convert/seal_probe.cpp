#include "convert/seal_probe.h"

#include <fmt/format.h>

#include <algorithm>

#include "convert/rows.h"
#include "migrate/looking.h"
#include "store/quoting.h"

namespace guildhall::convert {
namespace {

constexpr auto kLongest = std::chrono::minutes(1);
/// An id that no server has: the greatest there can be.
constexpr std::string_view kNobody = "9223372036854775807";
/// What a policy answers where no server is set: the setting was never there, or is empty again.
constexpr std::string_view kUnset = "42704";
constexpr std::string_view kEmpty = "22P02";
constexpr std::string_view kNoRight = "42501";

class Probing {
 public:
  Probing(migrate::Looking& looking, const Scheme& scheme, const std::string& role, const Sums& sums)
      : looking_(looking), scheme_(scheme), role_(role), sums_(sums) {}

  SealProbe run() {
    if (!become()) return std::move(found_);
    for (const SchemeTable& table : scheme_.tables) without_server(table);
    if (!set_server(std::string(kNobody))) return std::move(found_);
    for (const SchemeTable& table : scheme_.tables) as_nobody(table);
    if (scheme_.home == 0 || !set_server(std::to_string(scheme_.home))) return std::move(found_);
    for (const SchemeTable& table : scheme_.tables) as_home(table);
    return std::move(found_);
  }

 private:
  bool become() {
    const auto rows =
        looking_.ask("SELECT rolsuper OR rolbypassrls FROM pg_roles WHERE rolname = $1", {role_});
    if (!rows || rows->empty()) {
      found_.unknown.push_back(fmt::format("there is no role {}", role_));
      return false;
    }
    if (rows->at(0).at(0) == "t") {
      found_.leaks.push_back(
          fmt::format("the role {} is not bound by row security (SUPERUSER or BYPASSRLS)", role_));
      return false;
    }
    const auto became = looking_.ask(fmt::format("SET LOCAL ROLE {}", store::quoted_name(role_)));
    if (!became) {
      found_.unknown.push_back(
          fmt::format("the seal could not be tried out as {}: {}", role_, became.error().message));
      return false;
    }
    return true;
  }

  bool set_server(const std::string& server) {
    const auto set = looking_.ask("SELECT set_config('guildhall.server_id', $1, true)", {server});
    if (!set) found_.unknown.push_back(fmt::format("the server could not be set: {}", set.error().message));
    return set.has_value();
  }

  std::int64_t rows_of(const SchemeTable& table) const {
    const Measured* measured = sums_.find(table.name());
    return measured == nullptr ? 0 : all_of(measured->all).rows;
  }

  std::int64_t rows_of_home(const SchemeTable& table) const {
    const Measured* measured = sums_.find(table.name());
    if (measured == nullptr) return 0;
    const auto found = std::ranges::find(measured->servers, std::to_string(scheme_.home), &ServerSum::server);
    return found == measured->servers.end() ? 0 : found->amount.rows;
  }

  /// Not the role's right to read at all: then there is nothing to try.
  bool is_closed(const SchemeTable& table, const migrate::Unanswered& why) {
    if (why.sqlstate != kNoRight) return false;
    found_.unknown.push_back(fmt::format("{} may not read {} at all: {}", role_, table.name(), why.message));
    return true;
  }

  void without_server(const SchemeTable& table) {
    const auto rows = looking_.ask(fmt::format("SELECT 1 FROM {} LIMIT 1", of(table)));
    if (!rows) {
      if (rows.error().sqlstate != kUnset && rows.error().sqlstate != kEmpty &&
          !is_closed(table, rows.error()))
        found_.unknown.push_back(fmt::format("{}: {}", table.name(), rows.error().message));
      return;
    }
    if (!rows->empty()) {
      found_.leaks.push_back(fmt::format("rows of {} can be read without naming a server", table.name()));
    } else if (rows_of(table) > 0) {
      found_.leaks.push_back(
          fmt::format("{} answers no rows, and no error, to who names no server", table.name()));
    }
  }

  /// Of a table of settings, the rows of all servers are everybody's.
  std::string not_of(const SchemeTable& table, std::string_view server) const {
    const std::string column = column_sql("t", table.column());
    return fmt::format("SELECT count(*) FROM {} t WHERE {} IS DISTINCT FROM {}{}", of(table), column, server,
                       table.is_override() ? fmt::format(" AND {} IS DISTINCT FROM 0", column) : "");
  }

  void as_nobody(const SchemeTable& table) {
    const auto rows = looking_.ask(not_of(table, kNobody));
    if (!rows) return say_unknown(table, rows.error());
    if (rows->at(0).at(0) != "0")
      found_.leaks.push_back(fmt::format("{} rows of {} can be read as a server that does not exist",
                                         rows->at(0)[0], table.name()));
  }

  void as_home(const SchemeTable& table) {
    const auto foreign = looking_.ask(not_of(table, std::to_string(scheme_.home)));
    if (!foreign) return say_unknown(table, foreign.error());
    if (foreign->at(0).at(0) != "0")
      found_.leaks.push_back(fmt::format("{} rows of other servers in {} can be read as server {}",
                                         foreign->at(0)[0], table.name(), scheme_.home));
    const auto own = looking_.ask(fmt::format("SELECT 1 FROM {} t WHERE {} = {} LIMIT 1", of(table),
                                              column_sql("t", table.column()), scheme_.home));
    if (own && own->empty() && rows_of_home(table) > 0)
      found_.leaks.push_back(
          fmt::format("server {} cannot read its own rows of {}", scheme_.home, table.name()));
  }

  void say_unknown(const SchemeTable& table, const migrate::Unanswered& why) {
    if (why.sqlstate != kNoRight)
      found_.unknown.push_back(fmt::format("{} could not be tried: {}", table.name(), why.message));
  }

  std::string of(const SchemeTable& table) const { return qualified(*scheme_.schema, table.name()); }

  migrate::Looking& looking_;
  const Scheme& scheme_;
  const std::string& role_;
  const Sums& sums_;
  SealProbe found_;
};

}  // namespace

SealProbe probe_seal(store::SchemaSession& session, const Scheme& scheme, const std::string& role,
                     const Sums& sums) {
  migrate::Looking looking(session, migrate::Dialect::postgres, kLongest);
  return Probing(looking, scheme, role, sums).run();
}

}  // namespace guildhall::convert
