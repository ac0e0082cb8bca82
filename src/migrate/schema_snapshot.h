// What a database's schema is at one moment, in words that do not depend on where or how it was made: neither
// on numbers that the database gives, nor on the search path, the locale, the session's settings or the order
// of columns. Two databases with one fingerprint have the same schema.
//
// Read: tables (persistence, partitions, inheritance, row security, storage parameters), columns, constraints
// and indexes with their validity, views, materialised views, functions, procedures, aggregates, triggers,
// rules, policies, types, domains, sequences' parameters, extended statistics, schemas, extensions, comments.
// Not read: rows, owners, rights, tablespaces, what belongs to an extension or to the database itself, and
// the rarer kinds of PostgreSQL (operators, casts, collations, text search, publications, event triggers).
// Whoever needs to know what changed under a run of migrations keeps a SchemaWatch (schema_watch.h).
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "migrate/dialect.h"
#include "store/schema_session.h"

namespace guildhall::migrate {

/// What the tool keeps in a database beside the schema that it is about, and what its forerunner kept: such
/// a table or view is never part of a snapshot, in whichever schema it lies, nor what hangs on it.
inline constexpr std::string_view kToolRelations[] = {
    "migration_journal",          "migration_journal_version",   "migration_lock",
    "migration_readers",          "drizzle_migrations",          "guildhall_conversion",
    "guildhall_conversion_steps", "guildhall_conversion_before", "guildhall_conversion_sums",
    "guildhall_conversion_facts", "guildhall_conversion_map",    "guildhall_conversion_refused"};
/// PostgreSQL: the tool's own schema, which is not part of one either (what others put there is), and how
/// its functions there are named.
inline constexpr std::string_view kToolSchema = "guildhall";
inline constexpr std::string_view kToolFunctions = "migration_journal_";

struct SchemaObject {
  /// "table", "column", "constraint", "index", "view", "materialized view", "function", "procedure",
  /// "aggregate", "trigger", "rule", "policy", "enum", "domain", "domain constraint", "type" (of columns),
  /// "range type", "sequence", "statistics", "schema", "extension".
  std::string kind;
  /// Quoted where SQL wants it, and qualified: `public."Users".name`, `public.f(integer)`.
  std::string name;
  /// The table, view or domain that it is part of, named like that; "" for what stands alone.
  std::string of = {};
  /// As it is called within that, quoted; an index: with its schema.
  std::string own = {};
  /// What it is, in a fixed order: ("type", "integer"), ("not null", "yes"). Never with an empty value.
  std::vector<std::pair<std::string, std::string>> properties = {};
  /// SQLite: the statement that made it, as it was written. Not part of its definition.
  std::string sql = {};
  /// PostgreSQL: has rights or an owner of its own that a new one would not have. Not part of its definition.
  bool has_grants = false;

  /// "" when it has none of that name.
  std::string_view property(std::string_view wanted) const;
  /// "type integer, not null, default 0".
  std::string definition() const;
  /// For people: "column public.users.name", "trigger t on public.users".
  std::string title() const;
  bool same_definition(const SchemaObject& other) const { return properties == other.properties; }
};

/// What is read together, because a change of one of them may be a change of another: a table with all that
/// is part of it, or one object that stands alone.
struct SchemaPart {
  std::string id;  // of this database alone, to find it again
  std::vector<SchemaObject> objects;
  std::string digest;  // of what they are; not of the id

  SchemaPart(std::string id, std::vector<SchemaObject> objects);
};

class SchemaSnapshot {
 public:
  using Part = std::shared_ptr<const SchemaPart>;

  SchemaSnapshot() = default;
  explicit SchemaSnapshot(std::vector<Part> parts);

  /// 64 hex digits: SHA-256 over the sorted SHA-256 sums of the parts, each over its objects' lines, sorted
  /// bytewise.
  std::string fingerprint() const;
  /// Ordered by their ids. Copies of a snapshot share them.
  const std::vector<Part>& parts() const { return parts_; }
  /// nullptr when there is none.
  const SchemaPart* find(std::string_view id) const;
  /// Takes away the parts with these ids and puts others in their place; `ids` holds those of `parts` too.
  void replace(const std::vector<std::string>& ids, std::vector<Part> parts);
  /// Ordered by kind and name, bytewise. They live as long as the snapshot or a copy of it.
  std::vector<const SchemaObject*> objects() const;

 private:
  std::vector<Part> parts_;
};

struct SnapshotOptions {
  bool comments = true;
  /// The order of a table's columns counts too.
  bool strict_order = false;
  /// In a database of Guildhall's own false: what seals its servers' rows off (row-level security, policies,
  /// the mark and the pins of a server's file) is made from the declared tables and compared with those.
  bool seal = true;
};

/// Outside of a transaction it reads in one of its own; within one it leaves the session's settings as they
/// are. Throws DatabaseError.
SchemaSnapshot read_snapshot(store::SchemaSession& session, Dialect dialect,
                             const SnapshotOptions& options = {});

struct SchemaDifference {
  enum class Kind { missing, added, changed };
  Kind kind;
  SchemaObject from;  // empty when it was added
  SchemaObject to;    // empty when it is missing

  const SchemaObject& object() const { return kind == Kind::missing ? from : to; }
  /// One line for people: "changed column public.t.a: default 1 -> default 2".
  std::string text() const;
};

/// What is otherwise in `to` than in `from`, ordered by kind and name. Snapshots of two databases may be
/// compared, when they were read with the same options.
std::vector<SchemaDifference> differences(const SchemaSnapshot& from, const SchemaSnapshot& to);

}  // namespace guildhall::migrate
