// Statements are constants: a name, the SQL written out in full, and two plain structs described with
// BOOST_DESCRIBE_STRUCT whose member names are the names in the SQL:
//
//   struct BalanceParams { PersonId person; };
//   BOOST_DESCRIBE_STRUCT(BalanceParams, (), (person))
//   struct BalanceRow { std::int64_t balance; };
//   BOOST_DESCRIBE_STRUCT(BalanceRow, (), (balance))
//   inline constexpr Statement<BalanceParams, BalanceRow> kBalance{
//       "points.balance",
//       "SELECT balance FROM balances WHERE discord_server_id = :server AND holder_id = :person"};
//
// `:server` is never a parameter: the scope binds it. A room registers its statements at start; the
// gate (tenancy/seal.h) looks at each one before anything runs.
//
// Dialect shared by SQLite and PostgreSQL; where the two must differ, `postgres` holds the second text.
#pragma once

#include <boost/describe.hpp>
#include <boost/mp11.hpp>
#include <cstdint>
#include <string>
#include <string_view>
#include <type_traits>
#include <unordered_map>
#include <vector>

#include "store/value.h"

namespace guildhall::store {

struct NoParams {};
BOOST_DESCRIBE_STRUCT(NoParams, (), ())
struct NoRow {};
BOOST_DESCRIBE_STRUCT(NoRow, (), ())

/// How much one run of a statement may cost. A bounded one touches a few rows by key, or lists with a
/// limit: it may share a connection with others in a pipeline. An open one gets a connection of its own.
enum class Cost { open, bounded };

/// On one server's rows; binds :server. Runs through a ServerScope only.
template <class Params, class Row>
struct Statement {
  std::string_view name;
  std::string_view sql;
  std::string_view postgres = {};
  Cost cost = Cost::open;
};

/// On tables that belong to no server (class G) and on the registry of servers.
template <class Params, class Row>
struct GlobalStatement {
  std::string_view name;
  std::string_view sql;
  std::string_view postgres = {};
  Cost cost = Cost::open;
};

/// On the rows of several servers at once. Runs through the cross-server door only; `reason` is what
/// the audit row says.
template <class Params, class Row>
struct CrossServerStatement {
  std::string_view name;
  std::string_view reason;
  std::string_view sql;
  std::string_view postgres = {};
};

enum class Access { server, global, cross_server };

/// A registered statement without its C++ types.
struct StatementInfo {
  struct Parameter {
    std::string name;
    ValueType type;
  };

  const void* key = nullptr;
  std::string owner;  // the room or feature that registered it
  std::string name;
  Access access = Access::server;
  Cost cost = Cost::open;
  std::string reason;
  std::string sqlite;
  std::string postgres;
  std::vector<Parameter> parameters;  // in the order of the parameter struct's members
  std::vector<std::string> columns;   // that the row struct wants, in its order
};

template <class Struct, class F>
void for_each_member(F f) {
  boost::mp11::mp_for_each<boost::describe::describe_members<Struct, boost::describe::mod_any_access>>(f);
}

template <class Params>
std::vector<Value> encode(const Params& params) {
  std::vector<Value> values;
  for_each_member<Params>([&](auto member) {
    const auto& field = params.*member.pointer;
    values.push_back(Codec<std::remove_cvref_t<decltype(field)>>::encode(field));
  });
  return values;
}

/// `columns[i]` is where the i-th member of Row stands in the answer.
template <class Row>
Row decode(const Cells& cells, const std::vector<int>& columns) {
  Row row{};
  std::size_t i = 0;
  for_each_member<Row>([&](auto member) {
    auto& field = row.*member.pointer;
    field = Codec<std::remove_cvref_t<decltype(field)>>::decode(cells, columns[i++]);
  });
  return row;
}

/// Every statement of the program. Filled at start, then only read.
class StatementRegistry {
 public:
  template <class... Statements>
  void add(std::string_view owner, const Statements&... statements) {
    (add_one(owner, statements), ...);
  }

  const std::vector<StatementInfo>& all() const { return statements_; }
  /// Throws std::logic_error when the statement was never registered.
  std::size_t index_of(const void* key) const;

 private:
  template <class P, class R>
  void add_one(std::string_view owner, const Statement<P, R>& s) {
    insert(make<P, R>(owner, s, Access::server, s.cost));
  }
  template <class P, class R>
  void add_one(std::string_view owner, const GlobalStatement<P, R>& s) {
    insert(make<P, R>(owner, s, Access::global, s.cost));
  }
  template <class P, class R>
  void add_one(std::string_view owner, const CrossServerStatement<P, R>& s) {
    auto info = make<P, R>(owner, s, Access::cross_server, Cost::open);
    info.reason = s.reason;
    insert(std::move(info));
  }

  template <class P, class R, class S>
  static StatementInfo make(std::string_view owner, const S& s, Access access, Cost cost) {
    StatementInfo info{&s,
                       std::string(owner),
                       std::string(s.name),
                       access,
                       cost,
                       {},
                       std::string(s.sql),
                       std::string(s.postgres.empty() ? s.sql : s.postgres),
                       {},
                       {}};
    for_each_member<P>([&](auto member) {
      using Field = std::remove_cvref_t<decltype(std::declval<P>().*member.pointer)>;
      info.parameters.push_back({member.name, Codec<Field>::type});
    });
    for_each_member<R>([&](auto member) { info.columns.emplace_back(member.name); });
    return info;
  }

  void insert(StatementInfo info);

  std::vector<StatementInfo> statements_;
  std::unordered_map<const void*, std::size_t> by_key_;
};

}  // namespace guildhall::store
