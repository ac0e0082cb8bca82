#include "convert/draft.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <optional>

#include "convert/description.h"

namespace guildhall::convert {
namespace {

/// What programs call a server's id, and the table of servers.
constexpr std::string_view kServerColumns[] = {"discord_server_id", "guild_id", "server_id"};
constexpr std::string_view kRegistries[] = {"servers", "guilds"};

class Drafting {
 public:
  explicit Drafting(const OldSchema& schema) : schema_(schema) {
    description_.tenant_column = most_used();
    description_.registry = registry();
  }

  Draft draft() {
    for (const auto& [name, table] : schema_.tables) {
      if (table.relation == Relation::partition || name == description_.registry.table) continue;
      if (const auto column = server_column(table)) add(name, TableClass::tenant, *column);
    }
    for (bool found = true; found;) {
      found = false;
      for (const auto& [name, table] : schema_.tables) found = add_child(table) || found;
    }
    Draft draft;
    draft.text =
        "# Drafted from the catalog. A table without a class is one that the catalog says nothing of: give "
        "it\n"
        "# \"tenant\" (each row belongs to one server), \"override\" (settings), \"global\" (of no server), "
        "or\n"
        "# \"child\" with its parents.\n\n" +
        write_description(description_);
    for (const auto& [name, table] : schema_.tables) {
      if (table.relation == Relation::partition || name == description_.registry.table ||
          description_.find(name) != nullptr)
        continue;
      draft.undecided.push_back(name);
      draft.text += fmt::format("\n[table.\"{}\"]\n# class = \n", name);
    }
    return draft;
  }

 private:
  static std::optional<std::string> server_column(const Table& table) {
    for (const std::string_view name : kServerColumns) {
      if (table.column(name) != nullptr) return std::string(name);
    }
    return std::nullopt;
  }

  std::string most_used() const {
    std::string best(kServerColumns[0]);
    std::ptrdiff_t most = 0;
    for (const std::string_view name : kServerColumns) {
      const auto uses = std::ranges::count_if(
          schema_.tables, [&](const auto& entry) { return entry.second.column(name) != nullptr; });
      if (uses > most) best = name;
      most = std::max(most, uses);
    }
    return best;
  }

  Registry registry() const {
    Registry found{std::string(kRegistries[0]), description_.tenant_column};
    for (const std::string_view name : kRegistries) {
      const Table* table = schema_.find(name);
      if (table == nullptr) continue;
      found.table = name;
      for (const Index& index : table->indexes) {
        if (index.is_primary && index.parts.size() == 1) found.column = index.parts.front().column;
      }
      break;
    }
    return found;
  }

  void add(const std::string& name, TableClass table_class, const std::string& column) {
    TableRule& rule = description_.tables[name];
    rule.table = name;
    rule.table_class = table_class;
    rule.column = column;
  }

  bool add_child(const Table& table) {
    const TableRule* known = description_.find(table.name);
    if (table.name == description_.registry.table ||
        (known != nullptr && known->table_class == TableClass::child))
      return false;
    const std::string column = known == nullptr ? description_.tenant_column : known->column;
    for (const ForeignKey& key : table.foreign_keys) {
      // One that has the server already holds by itself.
      if (description_.find(key.table) == nullptr || key.table == table.name || key.has(column)) continue;
      add(table.name, TableClass::child, column);
      description_.tables[table.name].parents.push_back({key.table, key.columns, key.referenced});
      return true;
    }
    return false;
  }

  const OldSchema& schema_;
  Description description_;
};

}  // namespace

Draft draft_description(const OldSchema& schema) { return Drafting(schema).draft(); }

migrate::Outcome<Draft> write_draft(store::SchemaSession& session, migrate::Dialect dialect,
                                    const std::string& file) {
  if (std::filesystem::exists(file))
    return migrate::stop(migrate::Exit::usage, "CV-FILE", fmt::format("'{}' is there already", file),
                         "Name another file.");
  Draft draft = draft_description(read_old_schema(session, dialect));
  std::ofstream output(file, std::ios::binary);
  output << draft.text;
  output.close();
  if (!output)
    return migrate::stop(migrate::Exit::usage, "CV-FILE", fmt::format("'{}' cannot be written", file));
  return draft;
}

}  // namespace guildhall::convert
