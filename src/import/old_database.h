// An old bot's database on PostgreSQL, converted or not: where a table says whose its rows are, that is
// followed; what says nothing is the home server's, as `guildhall convert` has it (convert/description.h).
//
// Times without a zone are read in the zone of the database's session, which is what wrote them.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "bot/imports.h"
#include "convert/run.h"

namespace guildhall::importing {

struct Whose {
  std::optional<std::int64_t> server;  // whose rows are taken over
  std::optional<std::int64_t> home;    // whose those are that name no server; that one, if it is not said
};

class OldDatabase {
 public:
  /// `preset`: the description by which it is read, "kick". Errors: `usage` (an address that cannot be
  /// meant), `storage`, `forbidden` (tables that the login may not read), `refused_by_guard` (another
  /// program's database, or servers to choose from).
  static Result<OldDatabase> open(const std::string& url, const std::string& preset, const Whose& whose);

  ServerId server() const { return ServerId(server_); }
  ServerId home() const { return ServerId(look_.scheme.home); }
  /// As its registry calls the server, or "".
  std::string server_name() const;
  bool is_converted() const { return look_.has_begun(); }
  const std::string& zone() const { return zone_; }
  const std::string& name() const { return session_->name(); }
  store::SchemaSession& session() { return *session_; }
  const convert::Scheme& scheme() const { return look_.scheme; }

  /// From here on everything is read as it is at this moment.
  void begin_reading();
  void end_reading();

  /// SQL: whether a row of the table, called t, is the server's.
  std::string is_own(const std::string& table) const;
  /// Where a row of the table says whose it is; nothing: it does not.
  std::optional<std::string> server_column(const std::string& table) const;

  /// Which of the importer's tables is here, or nullptr.
  const bot::OldSource* source_of(const bot::Importer& importer) const;
  /// All rows of the server in the order of their keys, bytewise, so many at a time. Within a reading.
  void read_all(const bot::OldSource& source, std::size_t at_once,
                const std::function<void(std::vector<bot::OldRow>)>& take);
  /// The rows of these keys, in the order of the keys; a key without a row is left out.
  std::vector<bot::OldRow> read_keys(const bot::OldSource& source, const std::vector<std::string>& keys);
  /// Each value of the column in the server's rows, in no order. Within a reading.
  void read_names(const bot::OldSource& source, const std::string& column,
                  const std::function<void(const std::string&)>& take);

  struct TableRows {
    std::string table;
    std::int64_t rows = 0;  // of the server
  };
  /// Tables that none of these importers reads, with a row at least.
  std::vector<TableRows> other_tables(const std::vector<bot::Importer>& importers);

 private:
  explicit OldDatabase(std::unique_ptr<store::SchemaSession> session) : session_(std::move(session)) {}
  Result<void> check_rights();
  Result<void> choose(const Whose& whose);
  std::string query_of(const bot::OldSource& source, const std::string& condition) const;
  std::string condition_of(const bot::OldSource& source) const;

  std::unique_ptr<store::SchemaSession> session_;
  convert::Look look_;
  std::int64_t server_ = 0;
  std::string zone_;
};

}  // namespace guildhall::importing
