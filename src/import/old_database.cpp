#include "import/old_database.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <charconv>

#include "convert/sql_names.h"
#include "migrate/text_array.h"

namespace guildhall::importing {
namespace {

using convert::SchemeTable;
using migrate::Dialect;
using store::quoted_name;
using store::quoted_text;

std::unexpected<Error> error_of(const migrate::Problem& problem) {
  ErrorCode code = ErrorCode::failed;
  if (problem.exit == migrate::Exit::usage) code = ErrorCode::usage;
  if (problem.exit == migrate::Exit::no_database) code = ErrorCode::storage;
  if (problem.exit == migrate::Exit::refused) code = ErrorCode::refused_by_guard;
  return fail(code, problem.finding.text, problem.finding.hint);
}

std::int64_t number_of(const std::string& text) {
  std::int64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc{})
    throw ErrorException({ErrorCode::invalid, fmt::format("'{}' is beyond 64 bits", text)});
  return number;
}

bot::OldRow row_of(const std::vector<std::string>& cells) {
  bot::OldRow row;
  row.key = cells.front();
  for (std::size_t i = 3; i < cells.size(); ++i) row.numbers.push_back(number_of(cells[i]));
  row.text = cells[1];
  if (!cells[2].empty()) row.moment = from_micros(number_of(cells[2]));
  return row;
}

/// As the operator wrote it: the address stands behind --from.
Error of_from(Error error) {
  for (std::string* text : {&error.message, &error.hint}) {
    for (std::size_t at = text->find("--url"); at != std::string::npos; at = text->find("--url", at))
      text->replace(at, 5, "--from");
  }
  return error;
}

std::string shown(const convert::Candidate& candidate) {
  std::vector<std::string> sources;
  for (const auto& source : candidate.sources)
    sources.push_back(fmt::format("{} rows of {}", source.rows, source.table));
  return fmt::format("{}{}{} ({})", candidate.server, candidate.name.empty() ? "" : " ", candidate.name,
                     fmt::join(sources, ", "));
}

/// What is set there for the old bot's own short work is not meant for a reading of everything. By
/// statements, since a pooler refuses settings at the beginning; and since a limit of a millisecond may
/// strike at the lifting itself, that is asked for again.
void lift_timeouts(store::SchemaSession& session) {
  for (int left = 20;; --left) {
    try {
      session.execute("SET statement_timeout = 0");
      return session.execute("SET idle_in_transaction_session_timeout = 0");
    } catch (const store::DatabaseError& error) {
      if (error.code() != store::DbCode::timed_out || left == 0) throw;
    }
  }
}

}  // namespace

Result<OldDatabase> OldDatabase::open(const std::string& url, const std::string& preset, const Whose& whose) {
  if (url.starts_with("sqlite:"))
    return fail(ErrorCode::usage, "--from: the old bot for Kick keeps its data in PostgreSQL, not in a file",
                "Give its address: postgres://USER@HOST/DATABASE.");
  auto session = store::open_any_session({.url = url});
  if (!session) return std::unexpected(of_from(session.error()));
  OldDatabase old(*std::move(session));
  try {
    lift_timeouts(*old.session_);
    convert::Options options;
    const auto conversion = convert::Records(*old.session_, Dialect::postgres).newest();
    if (!conversion || conversion->state == convert::State::rolled_back) {
      auto description = convert::read_description(preset);
      if (!description) return error_of(description.error());
      options.description = *std::move(description);
    }
    auto found = convert::look(*old.session_, Dialect::postgres, options);
    if (!found) return error_of(found.error());
    old.look_ = *std::move(found);
    old.zone_ = old.session_->query("SELECT current_setting('TimeZone')")[0][0];
    if (auto readable = old.check_rights(); !readable) return std::unexpected(readable.error());
    if (auto chosen = old.choose(whose); !chosen) return std::unexpected(chosen.error());
  } catch (const store::DatabaseError& error) {
    return fail(ErrorCode::storage, fmt::format("the old database: {}", error.what()),
                "--from has to name a login that may read all tables of the old bot.");
  }
  return old;
}

/// Every table is read, if only to count its rows; and what cannot be read would not be missed among the
/// servers to choose from.
Result<void> OldDatabase::check_rights() {
  std::vector<std::string> tables;
  for (const auto& [name, table] : look_.schema->tables)
    tables.push_back(convert::qualified(*look_.schema, name));
  std::vector<std::string> closed;
  for (const auto& row : session_->query(
           "SELECT c.relname FROM pg_class c, pg_attribute a WHERE c.oid = ANY($1::regclass[]) AND "
           "a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped GROUP BY c.oid, c.relname HAVING NOT "
           "has_table_privilege(c.oid, 'SELECT') AND NOT bool_and(has_column_privilege(c.oid, a.attnum, "
           "'SELECT')) ORDER BY c.relname COLLATE \"C\"",
           {migrate::text_array(tables)}))
    closed.push_back(row[0]);
  if (closed.empty()) return {};
  const auto names = session_->query("SELECT current_user, current_schema()")[0];
  return fail(ErrorCode::forbidden,
              fmt::format("{}: the login of --from may not read {} of its tables: {}", session_->name(),
                          closed.size(), fmt::join(closed, ", ")),
              fmt::format("As their owner: GRANT SELECT ON ALL TABLES IN SCHEMA {} TO {}",
                          quoted_name(names[1]), quoted_name(names[0])));
}

Result<void> OldDatabase::choose(const Whose& whose) {
  if (look_.scheme.tables.empty())
    return fail(ErrorCode::refused_by_guard,
                fmt::format("{}: none of its {} tables is one of the old bot's", session_->name(),
                            look_.schema->tables.size()),
                "This is another program's database, or its tables are not in the first schema of the search "
                "path.");
  const bool begun = look_.has_begun();
  const bool several = look_.candidates.size() > 1;
  std::vector<std::string> lines;
  for (const convert::Candidate& candidate : look_.candidates) lines.push_back(shown(candidate));
  if (!whose.server && (several || (look_.candidates.empty() && !begun)))
    return fail(ErrorCode::refused_by_guard,
                several ? fmt::format("this database holds rows of {} servers: {}", lines.size(),
                                      fmt::join(lines, "; "))
                        : "nothing in this database says which server its rows belong to",
                "Say whose are taken over: --server ID.");
  if (begun && whose.home && *whose.home != look_.conversion->home)
    return fail(ErrorCode::refused_by_guard,
                fmt::format("the conversion of this database has server {} as its home, not {}",
                            look_.conversion->home, *whose.home));
  const auto said_home = begun ? std::optional(look_.conversion->home) : whose.home;
  if (whose.server && whose.server != said_home && !look_.candidates.empty() &&
      std::ranges::find(look_.candidates, *whose.server, &convert::Candidate::server) ==
          look_.candidates.end())
    return fail(ErrorCode::refused_by_guard,
                fmt::format("no row of this database names server {}; there are those of {}", *whose.server,
                            fmt::join(lines, "; ")),
                begun ? "Name one of these: --server ID."
                      : "Name one of these: --server ID. If the rows that name no server are its own, say "
                        "--home ID as well.");
  const std::int64_t only = look_.candidates.empty() ? 0 : look_.candidates.front().server;
  server_ = whose.server.value_or(only != 0 ? only : begun ? look_.conversion->home : 0);
  look_.scheme.home = begun ? look_.conversion->home : whose.home.value_or(server_);
  return {};
}

std::string OldDatabase::server_name() const {
  const auto found = std::ranges::find(look_.candidates, server_, &convert::Candidate::server);
  return found == look_.candidates.end() ? "" : found->name;
}

void OldDatabase::begin_reading() { session_->execute("BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY"); }

void OldDatabase::end_reading() { session_->execute("ROLLBACK"); }

const bot::OldSource* OldDatabase::source_of(const bot::Importer& importer) const {
  for (const bot::OldSource& source : importer.from) {
    const convert::Table* table = look_.schema->find(source.table);
    if (table != nullptr && table->column(source.key) != nullptr) return &source;
  }
  return nullptr;
}

std::string OldDatabase::is_own(const std::string& name) const {
  const SchemeTable* table = look_.scheme.find(name);
  const std::int64_t home = look_.scheme.home;
  if (table == nullptr) return server_ == home ? "true" : "false";
  if (table->is_child() && !table->has_column())
    return fmt::format("coalesce({}, {}) = {}", convert::server_of_parents(look_.scheme, *table), home,
                       server_);
  if (!table->has_column()) {
    const std::int64_t owner = table->absent_value(home);
    return owner == 0 || owner == server_ ? "true" : "false";
  }
  const std::string column = "t." + quoted_name(table->column());
  const bool takes_others = table->is_override() || server_ == home;
  const bool takes_zero =
      table->is_override() || (server_ == home && table->rule.zero != convert::Zero::refuse);
  return fmt::format("({0} = {1}{2}{3})", column, server_,
                     takes_others ? fmt::format(" OR {} IS NULL", column) : "",
                     takes_zero ? fmt::format(" OR {} = 0", column) : "");
}

std::optional<std::string> OldDatabase::server_column(const std::string& name) const {
  const SchemeTable* table = look_.scheme.find(name);
  return table != nullptr && table->has_column() ? std::optional(table->column()) : std::nullopt;
}

std::string OldDatabase::condition_of(const bot::OldSource& source) const {
  std::string condition =
      fmt::format("{} AND t.{} IS NOT NULL", is_own(source.table), quoted_name(source.key));
  const convert::Table* table = look_.schema->find(source.table);
  if (!source.only_column.empty() && table->column(source.only_column) != nullptr)
    condition +=
        fmt::format(" AND t.{} = {}", quoted_name(source.only_column), quoted_text(source.only_value));
  return condition;
}

/// Each key once, with what its rows come to together.
std::string OldDatabase::query_of(const bot::OldSource& source, const std::string& condition) const {
  const convert::Table& table = *look_.schema->find(source.table);
  const SchemeTable* scheme = look_.scheme.find(source.table);
  const auto is_there = [&](const std::string& column) {
    return !column.empty() && table.column(column) != nullptr;
  };
  std::string text = "''";
  if (is_there(source.text)) {
    // The row that names its server comes before the one that holds for all.
    const std::string named =
        scheme != nullptr && scheme->has_column()
            ? fmt::format("(t.{} IS NOT DISTINCT FROM {}) DESC, ", quoted_name(scheme->column()), server_)
            : "";
    text = fmt::format("coalesce((array_agg(t.{0}::text ORDER BY {1}t.{0}::text COLLATE \"C\"))[1], '')",
                       quoted_name(source.text), named);
  }
  std::string moment = "NULL";
  if (is_there(source.moment))
    moment = fmt::format(
        "(extract(epoch FROM max(t.{0}) FILTER (WHERE isfinite(t.{0}))::timestamptz) * 1000000)::bigint",
        quoted_name(source.moment));
  std::string sql =
      fmt::format("SELECT t.{}::text COLLATE \"C\", {}, {}", quoted_name(source.key), text, moment);
  for (const std::string& number : source.numbers)
    sql += is_there(number) ? fmt::format(", coalesce(sum(t.{}), 0)::bigint", quoted_name(number)) : ", 0";
  return fmt::format("{} FROM {} t WHERE {} GROUP BY 1 ORDER BY 1", sql,
                     convert::qualified(*look_.schema, source.table), condition);
}

void OldDatabase::read_all(const bot::OldSource& source, std::size_t at_once,
                           const std::function<void(std::vector<bot::OldRow>)>& take) {
  session_->execute(
      fmt::format("DECLARE guildhall_rows NO SCROLL CURSOR FOR {}", query_of(source, condition_of(source))));
  for (;;) {
    std::vector<bot::OldRow> rows;
    for (const auto& cells : session_->query(fmt::format("FETCH {} FROM guildhall_rows", at_once)))
      rows.push_back(row_of(cells));
    if (rows.empty()) break;
    take(std::move(rows));
  }
  session_->execute("CLOSE guildhall_rows");
}

std::vector<bot::OldRow> OldDatabase::read_keys(const bot::OldSource& source,
                                                const std::vector<std::string>& keys) {
  const convert::Column& key = *look_.schema->find(source.table)->column(source.key);
  const std::string condition =
      fmt::format("{} AND t.{} = ANY($1::{}[])", condition_of(source), quoted_name(source.key), key.type);
  std::vector<bot::OldRow> rows;
  for (const auto& cells : session_->query(query_of(source, condition), {migrate::text_array(keys)}))
    rows.push_back(row_of(cells));
  return rows;
}

void OldDatabase::read_names(const bot::OldSource& source, const std::string& column,
                             const std::function<void(const std::string&)>& take) {
  session_->execute(
      fmt::format("DECLARE guildhall_names NO SCROLL CURSOR FOR SELECT t.{}::text FROM {} t WHERE {} AND "
                  "t.{} IS NOT NULL",
                  quoted_name(column), convert::qualified(*look_.schema, source.table), condition_of(source),
                  quoted_name(column)));
  for (;;) {
    const auto rows = session_->query("FETCH 10000 FROM guildhall_names");
    if (rows.empty()) break;
    for (const auto& cells : rows) take(cells[0]);
  }
  session_->execute("CLOSE guildhall_names");
}

std::vector<OldDatabase::TableRows> OldDatabase::other_tables(const std::vector<bot::Importer>& importers) {
  std::vector<TableRows> others;
  for (const auto& [name, table] : look_.schema->tables) {
    const bool is_read = std::ranges::any_of(importers, [&](const bot::Importer& importer) {
      return std::ranges::any_of(importer.from, [&](const auto& source) { return source.table == name; });
    });
    if (is_read || name == look_.scheme.description.registry.table) continue;
    const SchemeTable* scheme = look_.scheme.find(name);
    const std::string joins = scheme != nullptr && scheme->is_child() && !scheme->has_column()
                                  ? convert::parent_joins(look_.scheme, *scheme, "t")
                                  : "";
    const std::int64_t rows = number_of(
        session_->query(fmt::format("SELECT count(*) FROM {} t {} WHERE {}",
                                    convert::qualified(*look_.schema, name), joins, is_own(name)))[0][0]);
    if (rows > 0) others.push_back({name, rows});
  }
  return others;
}

}  // namespace guildhall::importing
