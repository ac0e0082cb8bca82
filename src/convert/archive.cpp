#include "convert/archive.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <optional>

#include "convert/postgres_steps.h"
#include "convert/sql_names.h"

namespace guildhall::convert {
namespace {

using migrate::Exit;
using migrate::Outcome;
using store::quoted_name;
using store::quoted_text;

constexpr std::string_view kArchive = "guildhall_archive";
/// What it is called until everything is in it.
constexpr std::string_view kCopies = "guildhall_archive_in_the_making";
/// Who was kept, and when.
constexpr std::string_view kKept = "guildhall_kept";
/// The function behind kHomeTrigger.
constexpr std::string_view kRefusing = "guildhall.refuse_other_servers";

std::string archived(std::string_view table) { return fmt::format("{}.{}", kArchive, quoted_name(table)); }
std::string copied(std::string_view table) { return fmt::format("{}.{}", kCopies, quoted_name(table)); }

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

std::int64_t count_of(store::SchemaSession& session, const std::string& table,
                      const std::string& condition = "true") {
  return std::stoll(
      session.query(fmt::format("SELECT count(*) FROM {} AS t WHERE {}", table, condition))[0][0]);
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
                     "AND NOT attisdropped AND attgenerated = '' ORDER BY attnum",
                     {table}))
    names.push_back(row[0]);
  return names;
}

/// In SHARE ROW EXCLUSIVE MODE.
void lock_tables(store::SchemaSession& session, const Scheme& scheme,
                 const std::vector<const SchemeTable*>& tables) {
  std::vector<std::string> names;
  for (const SchemeTable* one : tables) names.push_back(qualified(*scheme.schema, one->name()));
  session.execute(fmt::format("LOCK TABLE {} IN SHARE ROW EXCLUSIVE MODE", fmt::join(names, ", ")));
}

/// Rows that are put aside or come back are none that come or go: triggers of others do nothing meanwhile.
/// What they have made is in the rows.
class QuietTriggers {
 public:
  QuietTriggers(store::SchemaSession& session, const Scheme& scheme,
                const std::vector<const SchemeTable*>& tables)
      : session_(session) {
    for (const SchemeTable* one : tables) {
      const std::string table = qualified(*scheme.schema, one->name());
      for (const auto& row :
           session.query("SELECT quote_ident(tgname), CASE tgenabled WHEN 'A' THEN 'ENABLE ALWAYS' "
                         "WHEN 'R' THEN 'ENABLE REPLICA' ELSE 'ENABLE' END FROM pg_trigger WHERE "
                         "tgrelid = to_regclass($1) AND NOT tgisinternal AND tgparentid = 0 AND "
                         "tgenabled <> 'D'",
                         {table})) {
        session.execute(fmt::format("ALTER TABLE {} DISABLE TRIGGER {}", table, row[0]));
        again_.push_back(fmt::format("ALTER TABLE {} {} TRIGGER {}", table, row[1], row[0]));
      }
    }
  }
  /// As they were. Without it, the transaction does not come to its end.
  void end() const {
    for (const std::string& statement : again_) session_.execute(statement);
  }

 private:
  store::SchemaSession& session_;
  std::vector<std::string> again_;
};

class Archiving {
 public:
  Archiving(store::SchemaSession& session, const Scheme& scheme, const OldSchema& before)
      : session_(session), scheme_(scheme), before_(before) {}

  Steps copies(const std::vector<const SchemeTable*>& tables) const {
    Steps steps{{.table = "",
                 .what = "place for rows of other servers",
                 .lock = LockLevel::none,
                 .statements = {fmt::format("DROP SCHEMA IF EXISTS {} CASCADE", kCopies),
                                fmt::format("CREATE SCHEMA {}", kCopies)}}};
    for (const SchemeTable* one : tables) {
      if (key_of(*one).empty()) continue;
      steps.push_back(
          {.table = one->name(),
           .what = "rows of other servers copied",
           .lock = LockLevel::access_share,
           .statements = {fmt::format("CREATE TABLE {} AS {}", copied(one->name()), rows_to_copy(*one)),
                          fmt::format("ANALYZE {}", copied(one->name()))},
           .bytes = one->table->bytes,
           .grows_with_size = true});
    }
    return steps;
  }

  Outcome<Archived> put_aside(const std::vector<const SchemeTable*>& tables) {
    lock_tables(session_, scheme_, tables);
    for (const SchemeTable* one : tables) {
      if (auto same = check_columns(*one); !same) return std::unexpected(same.error());
    }
    session_.execute(
        fmt::format("ALTER SCHEMA {1} RENAME TO {0}; CREATE TABLE {0}.{2} (home bigint NOT NULL, at "
                    "timestamptz NOT NULL DEFAULT clock_timestamp()); INSERT INTO {0}.{2} (home) "
                    "VALUES ({3})",
                    kArchive, kCopies, kKept, scheme_.home));
    copy_registry();
    for (const SchemeTable* one : tables) {
      if (!key_of(*one).empty()) {
        catch_up(*one);
      } else if (auto done = copy(*one); !done) {
        return std::unexpected(done.error());
      }
      archived_.push_back({one->name(), count_of(session_, archived(one->name()))});
    }
    const QuietTriggers quiet(session_, scheme_, tables);
    for (auto one = tables.rbegin(); one != tables.rend(); ++one) {
      if (auto done = remove(**one); !done) return std::unexpected(done.error());
    }
    quiet.end();
    keep_others_out(tables);
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

  /// The scheme is of before the copies were made.
  Outcome<void> check_columns(const SchemeTable& one) {
    std::vector<std::string> known = columns_of(*one.table);
    std::vector<std::string> found = columns_of(session_, qualified(*scheme_.schema, one.name()));
    std::ranges::sort(known);
    std::ranges::sort(found);
    if (known == found) return {};
    return migrate::stop(
        Exit::refused, "CV-CHANGED",
        fmt::format("columns of {} were made or dropped while its rows were copied", one.name()),
        "Run the same command again. Nothing was changed.");
  }

  /// Their old rows are put aside, and there is no place for new ones: who still writes some is told.
  void keep_others_out(const std::vector<const SchemeTable*>& tables) {
    session_.execute(
        fmt::format("CREATE OR REPLACE FUNCTION {}() RETURNS trigger LANGUAGE plpgsql AS $function$ BEGIN "
                    "RAISE EXCEPTION "
                    "USING ERRCODE = 'check_violation', MESSAGE = format('%I takes rows of server {} alone: "
                    "the others are "
                    "put aside, and the conversion is taken back', TG_TABLE_NAME); END $function$",
                    kRefusing, scheme_.home));
    for (const SchemeTable* one : tables) {
      // A partition has it from the whole.
      if (one->table->relation == Relation::partition) continue;
      session_.execute(
          fmt::format("CREATE TRIGGER {} BEFORE INSERT OR UPDATE ON {} FOR EACH ROW WHEN (NEW.{} NOT "
                      "IN (0, {})) EXECUTE FUNCTION {}()",
                      kHomeTrigger, qualified(*scheme_.schema, one->name()), quoted_name(one->column()),
                      scheme_.home, kRefusing));
    }
  }

  /// Of rows t.
  std::string others(const SchemeTable& one) const {
    const std::string column = fmt::format("t.{}", quoted_name(one.column()));
    if (!one.is_override()) return fmt::format("{} <> {}", column, scheme_.home);
    std::string condition = fmt::format("{} NOT IN (0, {})", column, scheme_.home);
    const Table* old = before_.find(one.name());
    for (const Index& key : old == nullptr ? std::vector<Index>{} : old->indexes) {
      if (key.is_unique && !key.has(one.column()))
        condition += fmt::format(" OR ({} = 0 AND {})", column, has_homes_twin(one, key));
    }
    return fmt::format("({})", condition);
  }

  /// SQL: the key has no room for row t beside a row of the home. An expression in it, or its condition,
  /// names columns alone: they are those of the table that is nearest.
  std::string has_homes_twin(const SchemeTable& one, const Index& key) const {
    std::vector<std::string> parts;
    std::vector<std::string> equal;
    for (const IndexPart& part : key.parts) {
      const std::string name = fmt::format("guildhall_part{}", parts.size());
      parts.push_back(fmt::format("{} AS {}", compared_sql(part, "o"), name));
      equal.push_back(fmt::format("homes.{} {} {}", name,
                                  key.nulls_not_distinct ? "IS NOT DISTINCT FROM" : "=",
                                  compared_sql(part, "t")));
    }
    const std::string condition = key.predicate.empty() ? "true" : key.predicate;
    return fmt::format(
        "({0}) AND EXISTS (SELECT FROM (SELECT {1} FROM {2} AS o WHERE o.{3} = {4} AND ({0})) AS "
        "homes WHERE {5})",
        condition, fmt::join(parts, ", "), qualified(*scheme_.schema, one.name()), quoted_name(one.column()),
        scheme_.home, fmt::join(equal, " AND "));
  }

  /// Not those of tables that inherit from it: each has an archive of its own.
  std::string rows_of(const SchemeTable& one) const {
    return "ONLY " + qualified(*scheme_.schema, one.name());
  }

  /// By which a copy is known to be of a row.
  static std::vector<std::string> key_of(const SchemeTable& one) {
    for (const Index& index : one.table->indexes) {
      if (index.is_primary) return index.columns();
    }
    return {};
  }

  /// SQL: `t` has the key of its copy `a`.
  static std::string is_of(const SchemeTable& one) {
    std::vector<std::string> equal;
    for (const std::string& name : key_of(one))
      equal.push_back(fmt::format("a.{0} = t.{0}", quoted_name(name)));
    return fmt::to_string(fmt::join(equal, " AND "));
  }

  /// SQL: all of it is the same, in columns of whatever type.
  static std::string is_equal(const SchemeTable& one) {
    const std::vector<std::string> columns = columns_of(*one.table);
    return fmt::format("ROW({})::text = ROW({})::text", column_list(columns, "a."),
                       column_list(columns, "t."));
  }

  std::string rows_to_copy(const SchemeTable& one) const {
    return fmt::format("SELECT {} FROM {} AS t WHERE {}", column_list(columns_of(*one.table), "t."),
                       rows_of(one), others(one));
  }

  Outcome<void> copy(const SchemeTable& one) {
    session_.execute(fmt::format("CREATE TABLE {} AS {}", archived(one.name()), rows_to_copy(one)));
    const std::vector<std::string> columns = columns_of(*one.table);
    if (content_of(session_, rows_of(one), columns, others(one)) ==
        content_of(session_, archived(one.name()), columns, ""))
      return {};
    return migrate::stop(Exit::failed, "CV-ARCHIVE",
                         fmt::format("the archive of {} is not what it is of", one.name()));
  }

  /// What has changed or gone since goes, what has come is copied.
  void catch_up(const SchemeTable& one) {
    session_.execute(
        fmt::format("DELETE FROM {} AS a WHERE NOT EXISTS (SELECT FROM {} AS t WHERE {} AND {} AND {})",
                    archived(one.name()), rows_of(one), is_of(one), is_equal(one), others(one)));
    session_.execute(fmt::format("INSERT INTO {} {} AND NOT EXISTS (SELECT FROM {} AS a WHERE {})",
                                 archived(one.name()), rows_to_copy(one), archived(one.name()), is_of(one)));
  }

  /// So many as were copied, and none is left: what a foreign key would take along is no longer there by
  /// then.
  Outcome<void> remove(const SchemeTable& one) {
    const bool has_key = !key_of(one).empty();
    const std::int64_t gone =
        session_.run(has_key ? fmt::format("DELETE FROM {} AS t USING {} AS a WHERE {}", rows_of(one),
                                           archived(one.name()), is_of(one))
                             : fmt::format("DELETE FROM {} AS t WHERE {}", rows_of(one), others(one)));
    const auto put_aside = std::ranges::find(archived_, one.name(), &ArchivedTable::table)->rows;
    const std::int64_t left = count_of(session_, rows_of(one), others(one));
    if (gone == put_aside && left == 0) return {};
    return migrate::stop(Exit::failed, "CV-ARCHIVE",
                         fmt::format("{} rows of {} were archived, {} deleted, and {} are left", put_aside,
                                     one.name(), gone, left));
  }

  store::SchemaSession& session_;
  const Scheme& scheme_;
  const OldSchema& before_;
  Archived archived_;
};

Outcome<void> check_place(store::SchemaSession& session) {
  if (!has_archive(session)) return {};
  return migrate::stop(Exit::refused, "CV-ARCHIVE", fmt::format("there is a schema {} already", kArchive),
                       "Bring it back first, with 'guildhall convert restore', or rename it.");
}

class Restoring {
 public:
  Restoring(store::SchemaSession& session, const Scheme& scheme) : session_(session), scheme_(scheme) {}

  Outcome<Archived> restore() {
    const auto kept = session_.query(fmt::format("SELECT home FROM {}.{}", kArchive, kKept));
    if (kept.empty() || std::stoll(kept[0][0]) != scheme_.home)
      return migrate::stop(
          Exit::refused, "CV-HOME",
          "the archive was made beside the rows of another server than this conversion's home");
    for (const auto& row : session_.query(
             "SELECT relname FROM pg_class WHERE relnamespace = $1::regnamespace AND relkind = 'r'",
             {std::string(kArchive)}))
      left_.insert(row[0]);
    left_.erase(std::string(kKept));
    restore_registry();
    std::vector<const SchemeTable*> tables;
    for (const SchemeTable& one : scheme_.tables) {
      if (left_.erase(one.name()) != 0) tables.push_back(&one);
    }
    if (!tables.empty()) lock_tables(session_, scheme_, tables);
    const QuietTriggers quiet(session_, scheme_, tables);
    for (const SchemeTable* one : tables) {
      if (auto done = put_back(*one); !done) return std::unexpected(done.error());
    }
    quiet.end();
    let_others_in(session_);
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
      const Column* column = scheme_.registry() == nullptr ? nullptr : scheme_.registry()->column(name);
      if (column != nullptr && !column->is_generated) columns.push_back(name);
    }
    session_.execute(fmt::format(
        "INSERT INTO {0} ({1}) OVERRIDING SYSTEM VALUE SELECT {1} FROM {2} ON CONFLICT DO NOTHING",
        qualified(*scheme_.schema, registry), column_list(columns), archived(registry)));
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

Outcome<Steps> copy_steps(store::SchemaSession& session, const Scheme& scheme, const OldSchema& before,
                          const std::vector<const SchemeTable*>& tables) {
  if (auto free = check_place(session); !free) return std::unexpected(free.error());
  return Archiving(session, scheme, before).copies(tables);
}

void drop_copies(store::SchemaSession& session) {
  session.execute(fmt::format("DROP SCHEMA IF EXISTS {} CASCADE", kCopies));
}

void let_others_in(store::SchemaSession& session) {
  session.execute(fmt::format("DROP FUNCTION IF EXISTS {}() CASCADE", kRefusing));
}

Outcome<Archived> archive_others(store::SchemaSession& session, const Scheme& scheme, const OldSchema& before,
                                 const std::vector<const SchemeTable*>& tables) {
  if (auto free = check_place(session); !free) return std::unexpected(free.error());
  return Archiving(session, scheme, before).put_aside(tables);
}

bool has_archive(store::SchemaSession& session) {
  return !session.query("SELECT 1 FROM pg_namespace WHERE nspname = $1", {std::string(kArchive)}).empty();
}

Outcome<Archived> restore_archive(store::SchemaSession& session, const Scheme& scheme) {
  return Restoring(session, scheme).restore();
}

}  // namespace guildhall::convert
