#include "convert/archive.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <optional>

#include "convert/sql_names.h"

namespace guildhall::convert {
namespace {

using migrate::Exit;
using migrate::Outcome;
using store::quoted_name;
using store::quoted_text;

constexpr std::string_view kArchive = "guildhall_archive";

std::string archived(std::string_view table) { return fmt::format("{}.{}", kArchive, quoted_name(table)); }

/// Rows and their hash over these columns, whatever their order.
struct Content {
  std::string rows;
  std::string hash;
  friend bool operator==(const Content&, const Content&) = default;
};

Content content_of(store::SchemaSession& session, const std::string& table,
                   const std::vector<std::string>& columns, const std::string& condition) {
  const auto row = session.query(fmt::format(
      "SELECT count(*), coalesce(sum(hashtextextended(ROW({})::text, 0)::numeric), 0) FROM {} AS t{}{}",
      column_list(columns, "t."), table, condition.empty() ? "" : " WHERE ", condition))[0];
  return {row[0], row[1]};
}

std::vector<std::string> columns_of(const Table& table) {
  std::vector<std::string> names;
  for (const Column& column : table.columns) {
    if (!column.is_generated) names.push_back(column.name);
  }
  return names;
}

std::vector<std::string> columns_of(store::SchemaSession& session, const std::string& table) {
  std::vector<std::string> names;
  for (const auto& row :
       session.query("SELECT attname FROM pg_attribute WHERE attrelid = to_regclass($1) AND attnum > 0 "
                     "AND NOT attisdropped ORDER BY attnum",
                     {table}))
    names.push_back(row[0]);
  return names;
}

class Archiving {
 public:
  Archiving(store::SchemaSession& session, const Scheme& scheme, const OldSchema& before)
      : session_(session), scheme_(scheme), before_(before) {}

  Outcome<Archived> put_aside(const std::vector<const SchemeTable*>& tables) {
    std::vector<std::string> names;
    for (const SchemeTable* one : tables) names.push_back(qualified(*scheme_.schema, one->name()));
    session_.execute(fmt::format("LOCK TABLE {} IN SHARE ROW EXCLUSIVE MODE", fmt::join(names, ", ")));
    session_.execute(
        fmt::format("CREATE SCHEMA {0}; CREATE TABLE {0}.kept (home bigint NOT NULL, at timestamptz NOT NULL "
                    "DEFAULT clock_timestamp()); INSERT INTO {0}.kept (home) VALUES ({1})",
                    kArchive, scheme_.home));
    copy_registry();
    for (const SchemeTable* one : tables) {
      if (auto done = copy(*one); !done) return std::unexpected(done.error());
    }
    for (auto one = tables.rbegin(); one != tables.rend(); ++one) {
      if (auto done = remove(**one); !done) return std::unexpected(done.error());
    }
    return archived_;
  }

 private:
  void copy_registry() {
    const Table* registry = scheme_.registry();
    if (registry == nullptr) return;
    session_.execute(fmt::format("CREATE TABLE {} AS SELECT * FROM {} WHERE {} <> {}",
                                 archived(registry->name), qualified(*scheme_.schema, registry->name),
                                 quoted_name(scheme_.description.registry.column), scheme_.home));
  }

  /// Of rows t.
  std::string others(const SchemeTable& one) const {
    const std::string column = fmt::format("t.{}", quoted_name(one.column()));
    if (!one.is_override()) return fmt::format("{} <> {}", column, scheme_.home);
    std::string condition = fmt::format("{} NOT IN (0, {})", column, scheme_.home);
    const Table* old = before_.find(one.name());
    for (const Index& key : old == nullptr ? std::vector<Index>{} : old->indexes) {
      if (!key.is_unique || key.has(one.column()) || key.columns().empty()) continue;
      std::vector<std::string> equal;
      for (const std::string& name : key.columns())
        equal.push_back(fmt::format("o.{0} = t.{0}", quoted_name(name)));
      condition += fmt::format(" OR ({} = 0 AND EXISTS (SELECT 1 FROM {} AS o WHERE o.{} = {} AND {}))",
                               column, qualified(*scheme_.schema, one.name()), quoted_name(one.column()),
                               scheme_.home, fmt::join(equal, " AND "));
    }
    return fmt::format("({})", condition);
  }

  /// Not those of tables that inherit from it: each has an archive of its own.
  std::string rows_of(const SchemeTable& one) const {
    return "ONLY " + qualified(*scheme_.schema, one.name());
  }

  Outcome<void> copy(const SchemeTable& one) {
    const std::string table = rows_of(one);
    const std::vector<std::string> columns = columns_of(*one.table);
    session_.execute(fmt::format("CREATE TABLE {} AS SELECT {} FROM {} AS t WHERE {}", archived(one.name()),
                                 column_list(columns, "t."), table, others(one)));
    const Content there = content_of(session_, table, columns, others(one));
    const Content here = content_of(session_, archived(one.name()), columns, "");
    if (there != here)
      return migrate::stop(Exit::failed, "CV-ARCHIVE",
                           fmt::format("the archive of {} is not what it is of", one.name()));
    archived_.push_back({one.name(), std::stoll(here.rows)});
    return {};
  }

  /// So many as were copied: what a foreign key would take along is no longer there by then.
  Outcome<void> remove(const SchemeTable& one) {
    const std::int64_t gone =
        session_.run(fmt::format("DELETE FROM {} AS t WHERE {}", rows_of(one), others(one)));
    const auto copied = std::ranges::find(archived_, one.name(), &ArchivedTable::table)->rows;
    if (gone == copied) return {};
    return migrate::stop(Exit::failed, "CV-ARCHIVE",
                         fmt::format("{} rows of {} were archived and {} deleted", copied, one.name(), gone));
  }

  store::SchemaSession& session_;
  const Scheme& scheme_;
  const OldSchema& before_;
  Archived archived_;
};

class Restoring {
 public:
  Restoring(store::SchemaSession& session, const Scheme& scheme) : session_(session), scheme_(scheme) {}

  Outcome<Archived> restore() {
    const auto kept = session_.query(fmt::format("SELECT home FROM {}.kept", kArchive));
    if (kept.empty() || std::stoll(kept[0][0]) != scheme_.home)
      return migrate::stop(
          Exit::refused, "CV-HOME",
          "the archive was made beside the rows of another server than this conversion's home");
    for (const auto& row : session_.query(
             "SELECT relname FROM pg_class WHERE relnamespace = $1::regnamespace AND relkind = 'r'",
             {std::string(kArchive)}))
      left_.insert(row[0]);
    left_.erase("kept");
    restore_registry();
    for (const SchemeTable& one : scheme_.tables) {
      if (left_.erase(one.name()) == 0) continue;
      if (auto done = put_back(one); !done) return std::unexpected(done.error());
    }
    if (!left_.empty())
      return migrate::stop(
          Exit::refused, "CV-ARCHIVE",
          fmt::format("the archive has rows of tables that are not here: {}", fmt::join(left_, ", ")));
    session_.execute(fmt::format("DROP SCHEMA {} CASCADE", kArchive));
    return restored_;
  }

 private:
  void restore_registry() {
    const std::string& registry = scheme_.description.registry.table;
    if (left_.erase(registry) == 0) return;
    std::vector<std::string> columns;
    for (const std::string& name : columns_of(session_, archived(registry))) {
      if (scheme_.registry() != nullptr && scheme_.registry()->column(name) != nullptr)
        columns.push_back(name);
    }
    session_.execute(fmt::format("INSERT INTO {0} ({1}) SELECT {1} FROM {2} ON CONFLICT DO NOTHING",
                                 qualified(*scheme_.schema, registry), column_list(columns),
                                 archived(registry)));
  }

  Outcome<void> put_back(const SchemeTable& one) {
    const std::vector<std::string> columns = columns_of(session_, archived(one.name()));
    for (const std::string& name : columns) {
      if (one.table->column(name) == nullptr)
        return migrate::stop(
            Exit::refused, "CV-ARCHIVE",
            fmt::format("{} has no column {} any more, and the archive does", one.name(), name));
    }
    const std::string table = qualified(*scheme_.schema, one.name());
    session_.execute(fmt::format("INSERT INTO {0} ({1}) OVERRIDING SYSTEM VALUE SELECT {1} FROM {2}", table,
                                 column_list(columns), archived(one.name())));
    // All servers' rows of an override are some of many.
    const std::string server = fmt::format("t.{}", quoted_name(one.column()));
    const std::string of_servers = fmt::format("{} <> 0", server);
    const Content wanted = content_of(session_, archived(one.name()), columns, of_servers);
    const Content found =
        content_of(session_, "ONLY " + table, columns,
                   fmt::format("{} AND EXISTS (SELECT 1 FROM {} AS a WHERE a.{} = {})", of_servers,
                               archived(one.name()), quoted_name(one.column()), server));
    // Whoever came back has nothing else yet: what is the servers' is what was put aside of them.
    if (found != wanted)
      return migrate::stop(
          Exit::failed, "CV-ARCHIVE",
          fmt::format("what came back into {} is not what was put aside", one.name()),
          "Did one of those servers get rows of its own meanwhile? Then they have to be joined by hand.");
    restored_.push_back({one.name(), std::stoll(wanted.rows)});
    return {};
  }

  store::SchemaSession& session_;
  const Scheme& scheme_;
  std::set<std::string> left_;
  Archived restored_;
};

}  // namespace

std::vector<const SchemeTable*> tables_to_clear(const Scheme& scheme, const std::set<std::string>& lost) {
  std::set<std::string> names = lost;
  for (bool more = true; more;) {
    more = false;
    for (const SchemeTable& one : scheme.tables) {
      const bool refers = std::ranges::any_of(one.table->foreign_keys, [&](const ForeignKey& key) {
        return key.table != one.name() && names.contains(key.table) && scheme.find(key.table) != nullptr;
      });
      if (refers && names.insert(one.name()).second) more = true;
    }
  }
  std::vector<const SchemeTable*> tables;
  for (const SchemeTable& one : scheme.tables) {
    if (names.contains(one.name())) tables.push_back(&one);
  }
  return tables;
}

Outcome<Archived> archive_others(store::SchemaSession& session, const Scheme& scheme, const OldSchema& before,
                                 const std::vector<const SchemeTable*>& tables) {
  if (has_archive(session))
    return migrate::stop(Exit::refused, "CV-ARCHIVE", fmt::format("there is a schema {} already", kArchive),
                         "Bring it back first, with 'guildhall convert restore', or rename it.");
  return Archiving(session, scheme, before).put_aside(tables);
}

bool has_archive(store::SchemaSession& session) {
  return !session.query("SELECT 1 FROM pg_namespace WHERE nspname = $1", {std::string(kArchive)}).empty();
}

Outcome<Archived> restore_archive(store::SchemaSession& session, const Scheme& scheme) {
  return Restoring(session, scheme).restore();
}

}  // namespace guildhall::convert
