#include "tenancy/sealed_rows.h"

#include <fmt/format.h>

#include <algorithm>
#include <ranges>

namespace guildhall::tenancy {
namespace {

using store::GlobalStatement;
using store::GlobalTx;
using store::NoRow;
using store::Tx;
using store::TxTask;

/// The one reference to a server from a table of no server.
constexpr GlobalStatement<OneServerParams, NoRow> kUnbindAll{
    "tenancy.unbind_all", "DELETE FROM channel_bindings WHERE bound_server_id = :id"};

std::vector<std::string> as_lines(const store::RawAnswer& answer) {
  std::vector<std::string> lines;
  for (const auto& row : answer.rows) {
    std::string line;
    // Lengths, so that no text can look like two columns.
    for (const auto& cell : row) line += cell ? fmt::format("{}:{} ", cell->size(), *cell) : "- ";
    lines.push_back(std::move(line));
  }
  std::sort(lines.begin(), lines.end());
  return lines;
}

}  // namespace

template <class Table>
void SealedRows::make(std::deque<Table>& tables, const std::string& table, std::string_view parameter,
                      store::StatementRegistry& statements) {
  Table& made = tables.emplace_back();
  made.table = table;
  made.names[0] = "tenancy.read_rows." + table;
  made.names[1] = "tenancy.erase_rows." + table;
  made.texts[0] = fmt::format("SELECT * FROM {} WHERE {} = {}", table, kTenantColumn, parameter);
  made.texts[1] = fmt::format("DELETE FROM {} WHERE {} = {}", table, kTenantColumn, parameter);
  made.read.name = made.names[0];
  made.read.sql = made.texts[0];
  made.erase.name = made.names[1];
  made.erase.sql = made.texts[1];
  statements.add("tenancy", made.read, made.erase);
}

void SealedRows::declare(store::StatementRegistry& statements, const TableCatalog& tables) {
  statements.add("tenancy", kUnbindAll);
  for (const std::string& name : tables.in_order()) {
    const TableSpec& spec = *tables.find(name);
    if (spec.transient) continue;
    switch (spec.table_class) {
      case TableClass::tenant:
      case TableClass::child: make(own_, name, ":server", statements); break;
      case TableClass::registry: make(beside_, name, ":id", statements); break;
      case TableClass::global: break;
    }
  }
}

Task<ServerRows> SealedRows::read(ServerScope scope, GlobalScope global) const {
  ServerRows rows = co_await scope.read([this](Tx& tx) -> TxTask<ServerRows> {
    ServerRows found;
    for (const Own& table : own_) {
      const auto answer = co_await tx.raw(&table.read, {});
      found[table.table] = as_lines(answer);
    }
    co_return found;
  });
  const std::vector<store::Value> id{store::Codec<ServerId>::encode(scope.server())};
  ServerRows others = co_await global.read([this, id](GlobalTx& tx) -> TxTask<ServerRows> {
    ServerRows found;
    for (const Beside& table : beside_) {
      const auto answer = co_await tx.raw(&table.read, id);
      found[table.table] = as_lines(answer);
    }
    co_return found;
  });
  rows.merge(others);
  co_return rows;
}

Task<void> SealedRows::erase(ServerScope scope, GlobalScope global) const {
  co_await scope.transact([this](Tx& tx) -> TxTask<void> {
    for (const Own& table : own_ | std::views::reverse) co_await tx.change(table.erase);
  });
  const ServerId server = scope.server();
  co_await global.transact([this, server](GlobalTx& tx) -> TxTask<void> {
    co_await tx.change(kUnbindAll, {server});
    for (const Beside& table : beside_ | std::views::reverse) co_await tx.change(table.erase, {server});
  });
  co_await global.forget(server);
}

}  // namespace guildhall::tenancy
