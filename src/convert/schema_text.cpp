#include "convert/schema_text.h"

#include <boost/describe.hpp>
#include <boost/json.hpp>

#include "base/error.h"

namespace guildhall::migrate {

BOOST_DESCRIBE_ENUM(Dialect, sqlite, postgres)

}  // namespace guildhall::migrate

namespace guildhall::convert {

BOOST_DESCRIBE_STRUCT(Column, (),
                      (name, type, not_null, default_expression, is_generated, is_identity, has_grants))
BOOST_DESCRIBE_STRUCT(IndexPart, (), (column, sql))
BOOST_DESCRIBE_STRUCT(Index, (),
                      (name, parts, is_unique, is_primary, is_valid, is_exclusion, nulls_not_distinct, method,
                       included, predicate, constraint, definition, bytes))
BOOST_DESCRIBE_STRUCT(ForeignKey, (),
                      (name, columns, table, referenced, on_update, on_delete, set_columns, is_valid,
                       is_deferrable, is_deferred, matches_full, definition))
BOOST_DESCRIBE_STRUCT(Check, (), (name, expression, is_valid))
BOOST_DESCRIBE_STRUCT(Policy, (), (name, definition))
BOOST_DESCRIBE_STRUCT(Trigger, (), (name, definition))
BOOST_DESCRIBE_ENUM(Relation, table, partitioned, partition, inheriting, foreign)
BOOST_DESCRIBE_STRUCT(Table, (),
                      (name, relation, parent, is_unlogged, owner, is_owned, rows, bytes, index_bytes,
                       columns, indexes, foreign_keys, checks, policies, triggers, row_security,
                       row_security_forced, replica_identity, sql, is_strict, has_rowid))
BOOST_DESCRIBE_STRUCT(View, (), (name, is_materialized, invoker, definition, reads, constraints, grants))
BOOST_DESCRIBE_STRUCT(Routine, (), (name, mentions))
BOOST_DESCRIBE_STRUCT(OldSchema, (),
                      (dialect, schema, version, version_text, tables, views, routines, outside, publications,
                       is_in_recovery))

std::string schema_text(const OldSchema& schema) {
  return boost::json::serialize(boost::json::value_from(schema));
}

OldSchema parse_schema(std::string_view text) {
  boost::json::error_code broken;
  const boost::json::value value = boost::json::parse(text, broken);
  if (!broken) {
    if (auto schema = boost::json::try_value_to<OldSchema>(value); schema) return *std::move(schema);
  }
  throw ErrorException({ErrorCode::schema,
                        "the schema that was remembered here is of another version of this program",
                        "Go on with the version that began the conversion."});
}

}  // namespace guildhall::convert
