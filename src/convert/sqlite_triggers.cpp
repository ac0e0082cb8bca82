#include "convert/sqlite_triggers.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <optional>
#include <utility>
#include <vector>

#include "convert/sqlite_table_text.h"
#include "migrate/schema_reading.h"
#include "migrate/sql_lexer.h"
#include "store/quoting.h"

namespace guildhall::convert {
namespace {

using store::quoted_name;

/// The text with brackets around those of the columns that stand in double quotes.
std::string in_brackets(const std::string& sql, const std::set<std::string>& columns) {
  const auto tokens = migrate::lex(sql, migrate::Dialect::sqlite);
  if (!tokens) return sql;
  std::string text;
  const char* from = sql.data();
  for (const migrate::Token& token : *tokens) {
    if (!token.text.starts_with('"')) continue;
    const std::string name = unquoted(token.text);
    if (name.find(']') != std::string::npos ||
        std::ranges::none_of(columns, [&](const std::string& one) { return is_same_name(one, name); }))
      continue;
    text.append(from, token.text.data()).append("[" + name + "]");
    from = token.text.data() + token.text.size();
  }
  return text.append(from, sql.data() + sql.size());
}

/// Nothing where SQLite cannot read the statement: it names what is not there.
std::optional<store::SchemaSession::Rows> answer_of(store::SchemaSession& session, const std::string& sql,
                                                    const std::vector<std::string>& values = {}) {
  try {
    return session.query(sql, values);
  } catch (const store::DatabaseError& error) {
    if (error.code() != store::DbCode::other) throw;
    return std::nullopt;
  }
}

/// By event; the UPDATE changes all columns that can be changed. A view that cannot be read has none.
std::map<std::string, std::string> writes_of(store::SchemaSession& session, const std::string& table) {
  const std::string name = quoted_name(table);
  std::map<std::string, std::string> writes{{"DELETE", fmt::format("DELETE FROM {}", name)},
                                            {"INSERT", fmt::format("INSERT INTO {} DEFAULT VALUES", name)}};
  std::vector<std::string> same;
  const auto columns = answer_of(session, "SELECT name FROM pragma_table_info($1)", {table});
  for (const auto& column : columns.value_or(store::SchemaSession::Rows{}))
    same.push_back(fmt::format("{0} = {0}", quoted_name(column[0])));
  if (!same.empty()) writes["UPDATE"] = fmt::format("UPDATE {} SET {}", name, fmt::join(same, ", "));
  return writes;
}

/// On which a trigger runs, whose program is then within that of the statement. Views take no other writes.
std::set<std::string> events_of(store::SchemaSession& session, const std::string& table) {
  std::set<std::string> events;
  for (const auto& [event, statement] : writes_of(session, table)) {
    const auto steps = answer_of(session, "EXPLAIN " + statement);
    if (steps && std::ranges::any_of(*steps, [](const auto& step) { return step.at(1) == "Program"; }))
      events.insert(event);
  }
  return events;
}

}  // namespace

TriedTriggers try_triggers(store::SchemaSession& session, const std::set<std::string>& columns) {
  TriedTriggers triggers;
  for (auto& entry : migrate::sqlite_entries(session)) {
    if (entry.type == "trigger")
      triggers[entry.name] = {.table = std::move(entry.table), .definition = std::move(entry.sql)};
  }
  if (triggers.empty()) return triggers;
  session.execute("SAVEPOINT guildhall_trial");
  const auto drop = [&](const std::string& name) {
    session.execute(fmt::format("DROP TRIGGER {}", quoted_name(name)));
  };
  for (const auto& [name, trigger] : triggers) drop(name);
  for (auto& [name, trigger] : triggers) {
    session.execute(in_brackets(trigger.definition, columns));
    trigger.events = events_of(session, trigger.table);
    drop(name);
  }
  session.execute("ROLLBACK TO guildhall_trial; RELEASE guildhall_trial");
  return triggers;
}

}  // namespace guildhall::convert
