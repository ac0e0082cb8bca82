// What a statement does, as far as its words tell: which tables it makes, changes and writes to, each action
// of an ALTER TABLE, what an index is over. Lint, prechecks and plan are built on it, and so is the count of
// what a way back takes with it.
//
// Names, types and expressions are as they are written; `name_key` makes names comparable. What the words do
// not tell (what a function does, what a DO block puts together at run time) is marked `opaque`.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "migrate/sql_statements.h"

namespace guildhall::migrate {

enum class ConstraintKind { check, unique, primary_key, foreign_key, exclude };

struct Constraint {
  ConstraintKind kind = ConstraintKind::check;
  std::string name;                                  // "" where the database chooses one
  std::string expression = {};                       // of a CHECK, without its parentheses
  std::vector<std::string> columns = {};             // of a key; of a column's own constraint: that column
  std::string referenced = {};                       // table of a foreign key
  std::vector<std::string> referenced_columns = {};  // empty: its primary key
  std::string index = {};                            // USING INDEX
  bool not_valid = false;
  bool nulls_not_distinct = false;
};

struct ColumnDefinition {
  std::string name;
  std::string type;  // "" where SQLite was told none
  bool not_null = false;
  bool identity = false;                // GENERATED ... AS IDENTITY
  bool generated = false;               // GENERATED ALWAYS AS (...) STORED
  std::string default_expression = {};  // "" where there is none
  std::vector<Constraint> constraints = {};
};

enum class ActionKind {
  add_column,
  drop_column,
  set_not_null,
  drop_not_null,
  alter_type,
  set_default,
  drop_default,
  add_constraint,
  validate_constraint,
  drop_constraint,
  rename_table,
  rename_column,
  rename_constraint,
  enable_row_security,
  change_owner,
  set_schema,
  set_parameters,  // SET (...), SET STATISTICS, CLUSTER ON
  rebuild,         // SET LOGGED, SET UNLOGGED, SET TABLESPACE, SET ACCESS METHOD
  attach_partition,
  detach_partition,
  change_trigger,  // ENABLE TRIGGER, DISABLE TRIGGER
  other
};

struct TableAction {
  ActionKind kind = ActionKind::other;
  std::string name = {};                        // column or constraint; of a change of owner the role
  std::string new_name = {};                    // of a renaming
  std::string expression = {};                  // SET DEFAULT expression; TYPE ... USING expression
  std::optional<ColumnDefinition> column = {};  // added; of a change of type: its name and new type
  std::optional<Constraint> constraint = {};
  bool tolerant = false;    // IF EXISTS, IF NOT EXISTS
  bool concurrent = false;  // DETACH PARTITION CONCURRENTLY
};

struct IndexDefinition {
  std::string name;  // "" where the database chooses one
  std::string table;
  bool unique = false;
  std::vector<std::string> keys = {};  // columns, or expressions with their parentheses, with their COLLATE
  std::string where = {};
  bool nulls_not_distinct = false;
};

struct StatementReading {
  SqlStatement statement;
  std::string tag;        // command_tag
  std::string object;     // the name of what is created, altered or dropped
  std::string table;      // the one that is created, altered, indexed, or that a trigger or policy is on
  bool tolerant = false;  // IF EXISTS, IF NOT EXISTS
  bool replaces = false;  // OR REPLACE
  bool temporary = false;
  bool concurrent = false;
  bool has_where = false;                      // of UPDATE and DELETE: their own
  bool opaque = false;                         // may write what the words do not tell
  bool swallows = false;                       // within a block that takes "exists already" for success
  bool conditional = false;                    // within IF, LOOP or CASE of a block
  std::vector<std::string> names = {};         // all that DROP, TRUNCATE or LOCK TABLE names
  std::vector<std::string> writes = {};        // whose rows are changed
  std::vector<std::string> roles = {};         // that have to be there
  std::vector<ColumnDefinition> columns = {};  // CREATE TABLE
  std::vector<Constraint> constraints = {};    // CREATE TABLE, beside its columns
  bool has_own_shape = true;  // CREATE TABLE: not PARTITION OF, OF type, LIKE, INHERITS or AS query
  std::vector<TableAction> actions = {};      // ALTER TABLE
  std::optional<IndexDefinition> index = {};  // CREATE INDEX
  std::vector<StatementReading> inner = {};   // PostgreSQL: of a DO block, what can be read of it

  std::size_t line() const { return statement.line; }
};

StatementReading read_statement(const SqlStatement& statement, Dialect dialect);

/// Each of them, and before a DO block what it does, in the order in which it happens.
std::vector<const StatementReading*> with_inner(const std::vector<StatementReading>& readings);

/// A name as it is compared: `public.` and `main.` left away, quotes taken off, and folded to lower case
/// where the database does not tell the cases apart.
std::string name_key(std::string_view written, Dialect dialect);

/// The tokens of a name or an expression, without white space, quotes of names, casts and parentheses, in
/// lower case: two texts with one such form very likely mean the same.
std::string loose_form(std::string_view sql, Dialect dialect);

}  // namespace guildhall::migrate
