#include "convert/put_back.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <functional>
#include <initializer_list>
#include <iterator>
#include <map>
#include <set>

#include "convert/sql_names.h"

namespace guildhall::convert {
namespace {

using store::quoted_name;
using store::quoted_text;

constexpr std::string_view kWhere = "each as it was: table guildhall.guildhall_conversion_refused";
/// Rows that are named of one constraint.
constexpr int kMostNamed = 3;

/// What the database, or somebody's trigger with a code of its own, says of the row: not of the connection,
/// the transaction, the server or a lock.
bool is_about_the_row(const store::DatabaseError& error) {
  const std::string_view state = error.sqlstate();
  const auto is_of = [&](std::string_view begin) { return state.starts_with(begin); };
  return !state.empty() &&
         std::ranges::none_of(
             std::initializer_list<std::string_view>{"08", "25", "40", "53", "55P03", "57", "58", "XX"},
             is_of);
}

/// Those that such rows had: what was added since gets its default.
std::set<std::string> columns_of_rows(store::SchemaSession& session, std::int64_t conversion,
                                      const std::string& table) {
  std::set<std::string> columns;
  for (const auto& row :
       session.query("SELECT DISTINCT jsonb_object_keys(row_text::jsonb) FROM "
                     "guildhall.guildhall_conversion_refused WHERE conversion = $1::bigint AND table_name "
                     "= $2 AND done = 'put aside'",
                     {std::to_string(conversion), table}))
    columns.insert(row[0]);
  return columns;
}

/// Puts in the rows of one table, or the one of that number; how many there are again.
std::size_t insert_rows(store::SchemaSession& session, std::int64_t conversion, const OldSchema& schema,
                        const Table& table, const std::string& number = "") {
  std::vector<std::string> columns;
  const auto had = columns_of_rows(session, conversion, table.name);
  for (const Column& column : table.columns) {
    if (!column.is_generated && had.contains(column.name)) columns.push_back(column.name);
  }
  return session
      .query(
          fmt::format(
              "INSERT INTO {0} ({1}) OVERRIDING SYSTEM VALUE SELECT {2} FROM "
              "guildhall.guildhall_conversion_refused AS gone, jsonb_populate_record(NULL::{0}, "
              "gone.row_text::jsonb) AS was WHERE gone.conversion = $1::bigint AND gone.table_name = $2 AND "
              "gone.done = 'put aside'{3} ORDER BY gone.seq ON CONFLICT DO NOTHING RETURNING 1",
              qualified(schema, table.name), column_list(columns), column_list(columns, "was."),
              number.empty() ? "" : fmt::format(" AND gone.seq = {}", number)),
          {std::to_string(conversion), table.name})
      .size();
}

/// Within the open transaction; false, and nothing is done, where the database has something against a row.
bool within_savepoint(store::SchemaSession& session, const std::function<void()>& attempt) {
  session.execute("SAVEPOINT row_comes_back");
  try {
    attempt();
    session.execute("RELEASE SAVEPOINT row_comes_back");
    return true;
  } catch (const store::DatabaseError& error) {
    if (!is_about_the_row(error)) throw;
    session.execute("ROLLBACK TO SAVEPOINT row_comes_back; RELEASE SAVEPOINT row_comes_back");
    return false;
  }
}

/// All at once; where that is refused each by itself, so that one does not keep the others out.
std::size_t put_back(store::SchemaSession& session, std::int64_t conversion, const OldSchema& schema,
                     const Table& table) {
  std::size_t back = 0;
  const auto all = [&] { back = insert_rows(session, conversion, schema, table); };
  if (within_savepoint(session, all)) return back;
  back = 0;
  for (const auto& row : session.query(
           "SELECT seq FROM guildhall.guildhall_conversion_refused WHERE conversion = $1::bigint AND "
           "table_name = $2 AND done = 'put aside' ORDER BY seq",
           {std::to_string(conversion), table.name})) {
    std::size_t one = 0;
    if (within_savepoint(session, [&] { one = insert_rows(session, conversion, schema, table, row[0]); }))
      back += one;
  }
  return back;
}

/// What is asked of rows that were put aside, of one table.
class Places {
 public:
  Places(store::SchemaSession& session, const Scheme& scheme, const SchemeTable& table, const Table& old,
         const MadeThings& made, std::int64_t conversion)
      : session_(session), scheme_(scheme), table_(table), old_(old), made_(made), conversion_(conversion) {}

  std::vector<std::string> missing() {
    for (const Column& column : old_.columns) ask_column(column);
    std::set<std::string> asked;
    for (const Check& check : old_.checks) {
      asked.insert(check.name);
      ask_check(check);
    }
    for (const Check& check : table_.table->checks) {
      if (!made_.contains({"check", table_.name(), check.name}) && asked.insert(check.name).second)
        ask_check(check);
    }
    for (const ForeignKey& key : old_.foreign_keys) {
      asked.insert(key.name);
      ask_parent(key);
    }
    for (const ForeignKey& key : table_.table->foreign_keys) {
      if (!made_.contains({"reference", table_.name(), key.name}) && asked.insert(key.name).second)
        ask_parent(key);
    }
    return std::move(missing_);
  }

 private:
  /// Nothing but the table's own columns can be named in `condition`, as in its constraints. One whose place
  /// is taken is told of at the end, and is no reason to stop.
  void ask(const std::string& condition, const std::string& reason) {
    const std::string table = qualified(*scheme_.schema, table_.name());
    const std::string name = quoted_name(table_.name());
    for (const auto& row : session_.query(
             fmt::format(
                 "SELECT {0} FROM (SELECT (jsonb_populate_record(NULL::{1}, row_text::jsonb)).* FROM "
                 "guildhall.guildhall_conversion_refused WHERE conversion = $1::bigint AND table_name = "
                 "$2 AND done = 'put aside' ORDER BY seq) AS {2} WHERE {3} LIMIT {4}",
                 key_text(), table, name, condition, kMostNamed),
             {std::to_string(conversion_), table_.name()}))
      missing_.push_back(fmt::format("the row ({}) of {}: {}", row[0], table_.name(), reason));
  }

  /// What a person knows the row by: its old primary key, or all of it.
  std::string key_text() const {
    const auto key = std::ranges::find_if(old_.indexes, &Index::is_primary);
    const std::vector<std::string> columns =
        key == old_.indexes.end() ? std::vector<std::string>{} : key->columns();
    if (columns.empty()) return fmt::format("to_jsonb({}.*)::text", quoted_name(table_.name()));
    std::vector<std::string> parts;
    for (const std::string& column : columns)
      parts.push_back(
          fmt::format("{} || coalesce({}::text, 'NULL')", quoted_text(column + " "), quoted_name(column)));
    return fmt::format("concat_ws(', ', {})", fmt::join(parts, ", "));
  }

  void ask_column(const Column& column) {
    if (!column.not_null || column.is_generated || table_.table->column(column.name) == nullptr) return;
    ask(fmt::format("{} IS NULL", quoted_name(column.name)), fmt::format("it has no {}", column.name));
  }

  void ask_check(const Check& check) {
    if (table_.table->check(check.name) == nullptr) return;
    ask(fmt::format("NOT coalesce(({}), true)", check.expression), fmt::format("the check {}", check.name));
  }

  /// Its parent is there.
  void ask_parent(const ForeignKey& key) {
    const Table* parent = scheme_.schema->find(key.table);
    if (parent == nullptr || key.has(table_.column())) return;
    std::vector<std::string> given;
    std::vector<std::string> equal;
    for (std::size_t at = 0; at < key.columns.size(); ++at) {
      const std::string column =
          fmt::format("{}.{}", quoted_name(table_.name()), quoted_name(key.columns[at]));
      given.push_back(fmt::format("{} IS NOT NULL", column));
      equal.push_back(fmt::format("parent_row.{} = {}", quoted_name(key.referenced[at]), column));
    }
    ask(fmt::format("{} AND NOT EXISTS (SELECT FROM {} AS parent_row WHERE {})", fmt::join(given, " AND "),
                    qualified(*scheme_.schema, key.table), fmt::join(equal, " AND ")),
        fmt::format("the row of {} that it belongs to is gone ({})", key.table, key.name));
  }

  store::SchemaSession& session_;
  const Scheme& scheme_;
  const SchemeTable& table_;
  const Table& old_;
  const MadeThings& made_;
  const std::int64_t conversion_;
  std::vector<std::string> missing_;
};

/// Tables with a foreign key to the registry, each with SQL for whether a row of it refers to server $1.
std::vector<std::pair<std::string, std::string>> references_to(store::SchemaSession& session,
                                                               const std::string& registry) {
  std::vector<std::pair<std::string, std::string>> found;
  for (const auto& row : session.query(
           "SELECT conrelid::regclass, format('SELECT 1 FROM ONLY %s WHERE (%s) IN (SELECT %s FROM %s WHERE "
           "', conrelid::regclass, (SELECT string_agg(quote_ident(attname), ', ' ORDER BY at) FROM "
           "unnest(conkey) WITH ORDINALITY k(num, at) JOIN pg_attribute ON attrelid = conrelid AND attnum = "
           "num), (SELECT string_agg(quote_ident(attname), ', ' ORDER BY at) FROM unnest(confkey) WITH "
           "ORDINALITY k(num, at) JOIN pg_attribute ON attrelid = confrelid AND attnum = num), "
           "confrelid::regclass) FROM pg_constraint WHERE contype = 'f' AND confrelid = $1::regclass ORDER "
           "BY "
           "1",
           {registry}))
    found.emplace_back(row[0], row[1]);
  return found;
}

}  // namespace

void put_back_rows(store::SchemaSession& session, const Records& records, std::int64_t conversion,
                   const OldSchema& schema, const std::function<void(const std::string&)>& say) {
  std::map<std::string, std::size_t> put_aside;
  std::map<std::string, std::size_t> merged;
  for (const Refused& row : records.refused(conversion)) {
    if (schema.find(row.table) == nullptr) continue;
    if (row.done == "put aside") ++put_aside[row.table];
    if (row.done == "merged") ++merged[row.table];
  }
  for (const auto& [name, rows] : merged)
    say(fmt::format("{}: {} rows were added to others, and live on in them; {}", name, rows, kWhere));
  for (const auto& [name, rows] : put_aside) {
    const std::size_t back = put_back(session, conversion, schema, *schema.find(name));
    say(fmt::format("{}: {} rows that had been put aside are there again", name, back));
    if (back < rows)
      say(fmt::format("{}: of {} the place is taken by now, or closed; {}", name, rows - back, kWhere));
  }
}

std::vector<std::string> rows_without_place(store::SchemaSession& session, const Scheme& scheme,
                                            const OldSchema& before, const MadeThings& made,
                                            std::int64_t conversion) {
  std::vector<std::string> all;
  for (const auto& row : session.query(
           "SELECT DISTINCT table_name FROM guildhall.guildhall_conversion_refused WHERE conversion "
           "= $1::bigint AND done = 'put aside' ORDER BY 1",
           {std::to_string(conversion)})) {
    const SchemeTable* table = scheme.find(row[0]);
    const Table* old = before.find(row[0]);
    if (table == nullptr || old == nullptr) continue;
    std::ranges::move(Places(session, scheme, *table, *old, made, conversion).missing(),
                      std::back_inserter(all));
  }
  return all;
}

std::string remove_server(store::SchemaSession& session, const Scheme& scheme, const std::string& server) {
  const std::string registry = qualified(*scheme.schema, scheme.description.registry.table);
  const std::string is_it = fmt::format("{} = $1::bigint", quoted_name(scheme.description.registry.column));
  std::string reason;
  session.execute("BEGIN");
  try {
    // Whoever is about to refer to it waits, and finds it gone.
    session.query(fmt::format("SELECT 1 FROM {} WHERE {} FOR UPDATE", registry, is_it), {server});
    for (const auto& [table, question] : references_to(session, registry)) {
      if (reason.empty() && !session.query(fmt::format("{}{}) LIMIT 1", question, is_it), {server}).empty())
        reason = fmt::format("rows of {} refer to it", table);
    }
    if (reason.empty()) session.query(fmt::format("DELETE FROM {} WHERE {}", registry, is_it), {server});
    session.execute("COMMIT");
  } catch (const store::DatabaseError& error) {
    if (session.in_transaction()) session.execute("ROLLBACK");
    if (!is_about_the_row(error)) throw;
    reason = error.what();
  }
  return reason;
}

}  // namespace guildhall::convert
