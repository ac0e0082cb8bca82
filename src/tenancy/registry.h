// Which servers there are, of the range that this Tenancy knows. A server appears when the bot joins it (or
// when the operator adds one without Discord) and becomes inactive when the bot leaves; nothing of its data
// goes with that.
#pragma once

#include <atomic>
#include <map>
#include <optional>
#include <shared_mutex>
#include <string>
#include <vector>

#include "base/clock.h"
#include "tenancy/scope.h"

namespace guildhall::tenancy {

struct ServerRow {
  ServerId discord_server_id;
  std::string name;
  std::string state;  // "active" or "inactive"
  TimePoint joined_at;
  std::int64_t revision = 0;
};
BOOST_DESCRIBE_STRUCT(ServerRow, (), (discord_server_id, name, state, joined_at, revision))

enum class Arrival { known, added, resumed };

/// Thread-safe: the map is read on every loop and changed only here.
class ServerRegistry {
 public:
  explicit ServerRegistry(GlobalScope global, store::ServerRange range = kAllServers)
      : global_(global), range_(range) {}

  static void declare(store::StatementRegistry& statements);

  /// Reads all rows again.
  Task<void> load();
  /// Makes the server known and active, under its present name. Throws ErrorException (`usage`) for a
  /// number outside the range.
  Task<Arrival> arrived(ServerId server, std::string name, TimePoint now);
  /// Marks it inactive; its rows stay. False when it was not active.
  Task<bool> left(ServerId server, TimePoint now);
  /// The same; returns the servers whose revision is new since it was asked last: their data changed.
  Task<std::vector<ServerId>> reload();

  bool is_known(ServerId server) const;
  bool is_active(ServerId server) const;
  std::optional<ServerRow> find(ServerId server) const;
  std::vector<ServerRow> list() const;
  /// The servers of this range are known here, and no others.
  const store::ServerRange& range() const { return range_; }
  /// Are there servers beyond the range, as of the last reading?
  bool has_others() const { return has_others_; }

 private:
  Task<std::vector<ServerRow>> read_all() const;

  GlobalScope global_;
  store::ServerRange range_;
  std::atomic<bool> has_others_ = false;
  std::atomic<std::uint64_t> tickets_ = 0;
  mutable std::shared_mutex mutex_;
  std::uint64_t shown_ = 0;  // the ticket of the reading that is shown
  std::map<ServerId, ServerRow> servers_;
  std::map<ServerId, std::int64_t> told_;  // revisions, as `reload` told them
};

/// Tells a bot that runs beside us that this server's data changed. Part of the change's transaction.
store::TxTask<void> bump_revision(store::Tx& tx);

}  // namespace guildhall::tenancy
