#include "store/postgres/connection.h"

#include <fmt/format.h>

#include <algorithm>
#include <boost/asio/post.hpp>
#include <cstdlib>

#include "base/mutation.h"

namespace guildhall::store::postgres {

namespace asio = boost::asio;

/// Of one command, whose arrays are held three times: as values, as bytes and in libpq's buffer.
constexpr std::size_t kRowsOfArrays = 5'000;

using boost::system::error_code;

std::shared_ptr<Connection> Connection::adopt(asio::io_context& loop, ConnectionPtr connection,
                                              std::function<void()> lost) {
  if (PQsetnonblocking(connection.get(), 1) != 0 || PQenterPipelineMode(connection.get()) != 1)
    throw connection_error(connection.get(), "cannot use a pipeline");
  std::shared_ptr<Connection> adopted(new Connection(loop, std::move(connection), std::move(lost)));
  adopted->listen_for_answers();
  return adopted;
}

Connection::Connection(asio::io_context& loop, ConnectionPtr connection, std::function<void()> lost)
    : loop_(loop),
      connection_(std::move(connection)),
      socket_(loop, PQsocket(connection_.get())),
      on_lost_(std::move(lost)) {}

Connection::~Connection() {
  socket_.release();  // libpq closes it
}

void Connection::command(const char* sql) { send_prepared(sql, sql, {}, Parameters{}, {Reply::fixed}); }

void Connection::set_scope(ServerId server) {
  if (mutated(Mutation::scope_unsent)) return;
  const Value text = server.str();
  Parameters parameters;
  parameters.add(text);
  constexpr const char* kKept = "SELECT set_config('guildhall.server_id', $1, false)";
  const char* sql =
      mutated(Mutation::scope_kept) ? kKept : "SELECT set_config('guildhall.server_id', $1, true)";
  send_prepared("scope", sql, {oid_of(ValueType::text)}, parameters, {Reply::fixed});
}

void Connection::set_scope_and_lock(ServerId server) {
  if (mutated(Mutation::scope_unsent) || mutated(Mutation::scope_kept)) {
    set_scope(server);
    return lock(server);
  }
  const Value text = server.str();
  const Value number = server.value();
  Parameters parameters;
  parameters.reserve(2);
  parameters.add(text);
  parameters.add(number);
  send_prepared("scope and lock",
                "SELECT set_config('guildhall.server_id', $1, true), pg_advisory_xact_lock($2)",
                {oid_of(ValueType::text), oid_of(ValueType::integer)}, parameters, {Reply::fixed});
}

void Connection::lock(ServerId server) {
  const Value number = server.value();
  Parameters parameters;
  parameters.reserve(1);
  parameters.add(number);
  send_prepared("lock", "SELECT pg_advisory_xact_lock($1)", {oid_of(ValueType::integer)}, parameters,
                {Reply::fixed});
}

void Connection::lock_range(ServerRange range) {
  const Value first = range.first.value();
  const Value last = range.last.value();
  Parameters parameters;
  parameters.reserve(2);
  parameters.add(first);
  parameters.add(last);
  // In the order of the ids, as everybody who takes several.
  send_prepared("lock range",
                "SELECT pg_advisory_xact_lock(discord_server_id) FROM (SELECT discord_server_id FROM servers "
                "WHERE discord_server_id BETWEEN $1 AND $2 ORDER BY discord_server_id) s",
                {oid_of(ValueType::integer), oid_of(ValueType::integer)}, parameters, {Reply::fixed});
}

void Connection::notify(const std::string& payload) {
  const Value text = payload;
  Parameters parameters;
  parameters.add(text);
  send_prepared("notify", "SELECT pg_notify('guildhall', $1)", {oid_of(ValueType::text)}, parameters,
                {Reply::fixed});
}

void Connection::run(const StatementInfo& info, const PreparedTexts& texts, ServerId server,
                     Execution& execution) {
  const Value own_server = server.value();
  const std::size_t at_once = execution.many && texts.many ? kRowsOfArrays : execution.calls.size();
  for (Calls rest = execution.calls; !rest.empty();) {
    const Calls next = rest.first(std::min(rest.size(), at_once));
    if (execution.many && texts.many && are_distinct(next, texts.distinct)) {
      run_arrays(info, *texts.many, own_server, next, execution);
    } else {
      run_each(info, texts.one, own_server, next, execution);
    }
    rest = rest.subspan(next.size());
  }
}

void Connection::run_each(const StatementInfo& info, const PreparedText& text, const Value& server,
                          Calls calls, Execution& execution) {
  for (const auto& values : calls) {
    Parameters parameters;
    parameters.reserve(text.sources.size());
    for (const int source : text.sources)
      parameters.add(source < 0 ? server : values[static_cast<std::size_t>(source)]);
    send_prepared(text.name, text.sql.text.c_str(), text.types, parameters, {Reply::rows, &info, &execution});
  }
}

void Connection::run_arrays(const StatementInfo& info, const PreparedText& text, const Value& server,
                            Calls calls, Execution& execution) {
  std::vector<Value> arrays;
  arrays.reserve(text.sources.size());
  Parameters parameters;
  parameters.reserve(text.sources.size());
  for (const int source : text.sources) {
    if (source >= 0) {
      const auto parameter = static_cast<std::size_t>(source);
      arrays.emplace_back(array_of(info.parameters[parameter].type, calls, parameter));
    }
    parameters.add(source < 0 ? server : arrays.back());
  }
  send_prepared(text.name, text.sql.text.c_str(), text.types, parameters, {Reply::rows, &info, &execution});
}

void Connection::end_group(Done done) {
  groups_.push_back({std::move(done)});
  if (lost_) {
    // What was given to a lost connection was never sent.
    asio::post(loop_, [self = shared_from_this()] {
      auto groups = std::exchange(self->groups_, {});
      for (Group& group : groups) group.done(group.error);
    });
    groups_.back().error =
        std::make_exception_ptr(DatabaseError(DbCode::connection_lost, "", "the connection is lost"));
    return;
  }
  expect(PQpipelineSync(connection_.get()) == 1, {Reply::sync});
  flush();
  listen_for_answers();
}

void Connection::prepare_once(const std::string& name, const char* sql, const std::vector<Oid>& types) {
  const auto place = std::lower_bound(prepared_.begin(), prepared_.end(), name);
  if (place != prepared_.end() && *place == name) return;
  prepared_.insert(place, name);
  expect(
      PQsendPrepare(connection_.get(), name.c_str(), sql, static_cast<int>(types.size()), types.data()) == 1,
      {Reply::prepare, nullptr, nullptr, name});
}

void Connection::send_prepared(const std::string& name, const char* sql, const std::vector<Oid>& types,
                               const Parameters& parameters, Expected expected) {
  if (lost_) return;
  prepare_once(name, sql, types);
  expect(PQsendQueryPrepared(connection_.get(), name.c_str(), parameters.count(), parameters.pointers(),
                             parameters.lengths(), parameters.formats(), 1) == 1,
         std::move(expected));
}

void Connection::expect(bool sent, Expected expected) {
  expected_.push_back(std::move(expected));
  if (!sent) lose(PQerrorMessage(connection_.get()));
}

void Connection::flush() {
  if (lost_ || writing_) return;
  const int rest = PQflush(connection_.get());
  if (rest < 0) return lose(PQerrorMessage(connection_.get()));
  if (rest == 0) return;
  // The socket is full: the server may wait for us to read, so both are waited for.
  writing_ = true;
  socket_.async_wait(asio::posix::stream_descriptor::wait_write,
                     [self = shared_from_this()](error_code error) {
                       self->writing_ = false;
                       if (!error) self->flush();
                     });
}

void Connection::listen_for_answers() {
  if (lost_ || reading_) return;
  reading_ = true;
  socket_.async_wait(asio::posix::stream_descriptor::wait_read,
                     [self = shared_from_this()](error_code error) {
                       self->reading_ = false;
                       if (!error) self->read_answers();
                     });
}

void Connection::read_answers() {
  if (lost_) return;
  if (PQconsumeInput(connection_.get()) != 1) return lose(PQerrorMessage(connection_.get()));
  while (!lost_ && !expected_.empty() && PQisBusy(connection_.get()) == 0 && read_one()) {
  }
  if (lost_) return;
  flush();
  // Also when nothing is expected: that is how an end of the connection is noticed.
  if (PQstatus(connection_.get()) == CONNECTION_BAD) return lose(PQerrorMessage(connection_.get()));
  listen_for_answers();
}

bool Connection::read_one() {
  const ResultPtr result(PQgetResult(connection_.get()));
  if (expected_.front().reply == Reply::sync) {
    if (result == nullptr || PQresultStatus(result.get()) != PGRES_PIPELINE_SYNC) return result != nullptr;
    expected_.pop_front();
    Group group = std::move(groups_.front());
    groups_.pop_front();
    if (!groups_.empty()) groups_.front().since = std::chrono::steady_clock::now();  // its turn begins
    group.done(group.error);
    if (closing_ && groups_.empty()) close();
    return true;
  }
  if (result == nullptr) {
    expected_.pop_front();  // the end of this command's answer
    return true;
  }
  take(expected_.front(), result.get());
  return true;
}

void Connection::take(const Expected& expected, PGresult* result) {
  switch (PQresultStatus(result)) {
    case PGRES_TUPLES_OK:
    case PGRES_COMMAND_OK:
      if (expected.reply == Reply::rows) take_rows(expected, result);
      return;
    case PGRES_PIPELINE_ABORTED:
      if (expected.reply == Reply::prepare) std::erase(prepared_, expected.prepares);
      return;
    default:
      if (expected.reply == Reply::prepare) std::erase(prepared_, expected.prepares);
      fail_group(error_of(result, expected.info == nullptr ? "transaction" : expected.info->name));
  }
}

void Connection::take_rows(const Expected& expected, PGresult* result) {
  Execution& execution = *expected.execution;
  if (execution.error) return;
  try {
    std::vector<int> columns;
    for (const std::string& column : expected.info->columns)
      columns.push_back(PQfnumber(result, column.c_str()));
    RowCells cells(result);
    for (int row = 0; row < PQntuples(result); ++row) {
      cells.go_to(row);
      execution.row(cells, columns);
    }
    // Of a SELECT libpq counts the rows that it answered.
    if (std::string_view(PQcmdStatus(result)).starts_with("SELECT")) return;
    execution.changes += std::strtoll(PQcmdTuples(result), nullptr, 10);
  } catch (...) {
    execution.error = std::current_exception();
  }
}

void Connection::fail_group(const DatabaseError& error) {
  Group& group = groups_.front();
  if (!group.error) group.error = std::make_exception_ptr(error);
}

void Connection::lose(std::string_view why) {
  if (std::exchange(lost_, true)) return;
  const auto error = std::make_exception_ptr(
      DatabaseError(DbCode::connection_lost, "", fmt::format("the connection is lost: {}", why)));
  error_code ignored;
  socket_.cancel(ignored);
  expected_.clear();
  // Not from within whoever is sending right now.
  asio::post(loop_, [self = shared_from_this(), error] {
    auto groups = std::exchange(self->groups_, {});
    for (Group& group : groups) group.done(group.error ? group.error : error);
    if (self->on_lost_) self->on_lost_();
    self->on_lost_ = nullptr;
  });
}

}  // namespace guildhall::store::postgres
