#include "tests/support/old_bot.h"

#include <fmt/format.h>

#include <algorithm>

#include "store/database_error.h"

namespace guildhall::test {
namespace {

using namespace std::chrono_literals;

constexpr auto kBetweenConnections = 20ms;
constexpr auto kBusyFor = 5s;  // as long as the old bot's driver waits

std::map<std::string, std::int64_t> read_totals(store::SchemaSession& session, const std::string& sql) {
  std::map<std::string, std::int64_t> totals;
  if (sql.empty()) return totals;
  for (const auto& row : session.query(sql))
    totals[row.at(0)] = row.at(1).empty() ? 0 : std::stoll(row.at(1));
  return totals;
}

double milliseconds(OldBot::Clock::duration duration) {
  return std::chrono::duration<double, std::milli>(duration).count();
}

/// Of sorted values.
double quantile(const std::vector<double>& values, double part) {
  if (values.empty()) return 0;
  return values[std::min(values.size() - 1,
                         static_cast<std::size_t>(part * static_cast<double>(values.size())))];
}

/// Goes through all numbers below `count`, each as often as the others.
std::int64_t spread(std::uint64_t number, std::int64_t count) {
  return static_cast<std::int64_t>(number * 7'919 % static_cast<std::uint64_t>(count));
}

/// SQLite says "busy" at once, and not after its timeout, where two would wait for each other.
void ask(store::SchemaSession& session, const std::string& sql, const std::vector<std::string>& values) {
  for (const auto latest = OldBot::Clock::now() + kBusyFor;;) try {
      session.query(sql, values);
      return;
    } catch (const store::DatabaseError& error) {
      if (error.code() != store::DbCode::busy || OldBot::Clock::now() > latest) throw;
    }
}

bool is_end_of_connection(const store::DatabaseError& error) {
  return error.code() == store::DbCode::connection_lost || error.code() == store::DbCode::unreachable;
}

}  // namespace

OldBot::OldBot(Open open, std::vector<OldBotWork> work) : open_(std::move(open)) {
  for (OldBotWork& one : work) {
    workers_.push_back(std::make_unique<Worker>());
    workers_.back()->work = std::move(one);
  }
}

OldBot::~OldBot() { stop(); }

void OldBot::start() {
  const auto session = open_();
  for (const auto& worker : workers_) worker->before = read_totals(*session, worker->work.totals);
  Clock::duration phase{};
  for (const auto& worker : workers_) {
    worker->thread =
        std::jthread([this, &one = *worker, phase](std::stop_token stop) { run(one, stop, phase); });
    phase += 1'000'003ns;  // so that they are not due all at once
  }
}

void OldBot::stop() {
  for (const auto& worker : workers_) worker->thread.request_stop();
  for (const auto& worker : workers_)
    if (worker->thread.joinable()) worker->thread.join();
}

void OldBot::wait_for(std::size_t more) const {
  std::unique_lock lock(mutex_);
  std::vector<std::size_t> wanted;
  for (const auto& worker : workers_) wanted.push_back(worker->turns + more);
  changed_.wait(lock, [&] {
    return std::ranges::equal(workers_, wanted,
                              [](const auto& worker, auto turns) { return worker->turns >= turns; });
  });
}

bool OldBot::wait_until(Clock::time_point when, std::stop_token stop) {
  std::unique_lock lock(mutex_);
  due_.wait_until(lock, stop, when, [] { return false; });
  return !stop.stop_requested();
}

std::unique_ptr<store::SchemaSession> OldBot::connect(Worker& worker, std::stop_token stop) {
  do {
    try {
      return open_();
    } catch (const std::exception& error) {
      const std::lock_guard lock(mutex_);
      worker.errors.emplace_back(Clock::now(), "no connection");
      if (worker.first_error.empty()) worker.first_error = error.what();
    }
  } while (wait_until(Clock::now() + kBetweenConnections, stop));
  return nullptr;
}

void OldBot::run(Worker& worker, std::stop_token stop, Clock::duration phase) {
  const auto period =
      std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(1 / worker.work.per_second));
  auto session = connect(worker, stop);
  for (auto due = Clock::now() + phase; session && wait_until(due, stop); due += period)
    if (!send(worker, *session, due)) session = connect(worker, stop);
}

bool OldBot::send(Worker& worker, store::SchemaSession& session, Clock::time_point due) {
  const OldBotWork::Call call = worker.work.call(worker.turns);
  bool stays_connected = true;
  std::string state;
  std::string words;
  try {
    ask(session, worker.work.sql, call.values);
  } catch (const store::DatabaseError& error) {
    stays_connected = !is_end_of_connection(error);
    state = error.sqlstate().empty() ? "no answer" : error.sqlstate();
    words = error.what();
  }
  const std::lock_guard lock(mutex_);
  const auto now = Clock::now();
  ++worker.turns;
  if (state.empty()) {
    worker.sent.push_back({due, now});
    if (call.amount != 0) worker.gains[call.key].sure += call.amount;
  } else {
    worker.errors.emplace_back(due, state);
    if (worker.first_error.empty()) worker.first_error = words;
  }
  if (!stays_connected) {
    worker.unknown.push_back(due);
    if (call.amount != 0) worker.gains[call.key].perhaps += call.amount;
  }
  changed_.notify_all();
  return stays_connected;
}

std::vector<OldBot::Report> OldBot::report(Clock::time_point since) const {
  const std::lock_guard lock(mutex_);
  std::vector<Report> reports;
  for (const auto& worker : workers_) {
    std::vector<double> delays;
    for (const Sent& one : worker->sent)
      if (one.due >= since) delays.push_back(milliseconds(one.answered - one.due));
    std::ranges::sort(delays);
    Report report{.name = worker->work.name,
                  .answered = delays.size(),
                  .median = quantile(delays, 0.5),
                  .p99 = quantile(delays, 0.99),
                  .longest = quantile(delays, 1),
                  .first_error = worker->first_error};
    report.over_100_ms = static_cast<std::size_t>(delays.end() - std::ranges::upper_bound(delays, 100.0));
    report.unknown = static_cast<std::size_t>(
        std::ranges::count_if(worker->unknown, [&](auto due) { return due >= since; }));
    for (const auto& [due, state] : worker->errors)
      if (due >= since) ++report.errors[state];
    reports.push_back(std::move(report));
  }
  return reports;
}

std::vector<std::string> OldBot::differences(store::SchemaSession& session) const {
  std::vector<std::string> found;
  for (const auto& worker : workers_) {
    auto gains = worker->gains;
    for (const auto& [key, total] : worker->before) gains.try_emplace(key);
    const auto after = read_totals(session, worker->work.totals);
    for (const auto& [key, total] : after) gains.try_emplace(key);
    for (const auto& [key, gain] : gains) {
      const auto at = [&](const auto& totals) { return totals.contains(key) ? totals.at(key) : 0; };
      const std::int64_t gained = at(after) - at(worker->before);
      if (gained >= gain.sure && gained <= gain.sure + gain.perhaps) continue;
      found.push_back(
          fmt::format("{}: {} has gained {}, but {} was answered and {} may have been done besides",
                      worker->work.name, key, gained, gain.sure, gain.perhaps));
    }
  }
  return found;
}

std::vector<OldBotWork> old_kick_work(std::int64_t viewers, double per_second) {
  const auto of_viewer = [viewers](std::uint64_t number) { return viewer_name(1 + spread(number, viewers)); };
  const auto totals = [&](std::string_view name, std::string_view total, std::string_view table) {
    return fmt::format("SELECT {0}, {1} FROM {2} WHERE {0} BETWEEN '{3}' AND '{4}' GROUP BY {0}", name, total,
                       table, viewer_name(1), viewer_name(viewers));
  };
  const auto adding = [of_viewer](std::int64_t amount) {
    return [of_viewer, amount](std::uint64_t number) {
      const std::string name = of_viewer(number);
      return OldBotWork::Call{{name}, name, amount};
    };
  };
  return {
      {"award points",
       "INSERT INTO user_points (kick_username, points, total_earned) VALUES ($1, 5, 5) "
       "ON CONFLICT (kick_username) DO UPDATE SET points = user_points.points + 5, "
       "total_earned = user_points.total_earned + 5, last_updated = CURRENT_TIMESTAMP",
       adding(5), totals("kick_username", "sum(points)", "user_points"), per_second},
      {"count watch time",
       "INSERT INTO watchtime (username, minutes, last_active) VALUES ($1, 1, CURRENT_TIMESTAMP) "
       "ON CONFLICT (username) DO UPDATE SET minutes = watchtime.minutes + 1, last_active = "
       "CURRENT_TIMESTAMP",
       adding(1), totals("username", "sum(minutes)", "watchtime"), per_second},
      {"convert watch time",
       "INSERT INTO points_watchtime_converted (kick_username, minutes_converted, points_awarded) "
       "VALUES ($1, 5, 1)",
       adding(5), totals("kick_username", "sum(minutes_converted)", "points_watchtime_converted"),
       per_second},
      {"sell",
       "INSERT INTO point_sales (item_id, kick_username, item_name, price_paid) VALUES (1, $1, 'Item 1', "
       "100)",
       adding(100), totals("kick_username", "sum(price_paid)", "point_sales"), per_second},
      {"show points", "SELECT points, total_earned FROM user_points WHERE kick_username = $1", adding(0), "",
       per_second},
  };
}

std::vector<OldBotWork> old_reading_work(std::int64_t members, double per_second) {
  const auto adding = [members](std::int64_t amount) {
    return [members, amount](std::uint64_t number) {
      const std::string member = std::to_string(reader_id(1 + spread(number, members)));
      return OldBotWork::Call{{member}, member, amount};
    };
  };
  const auto totals = [&](std::string_view total, std::string_view table) {
    return fmt::format("SELECT discord_id, {} FROM {} WHERE discord_id BETWEEN {} AND {} GROUP BY discord_id",
                       total, table, reader_id(1), reader_id(members));
  };
  return {
      {"read a chapter",
       "INSERT INTO user_manga_progress (discord_id, manga_id, current_chapter, title) VALUES ($1, 99, 1, "
       "'New') "
       "ON CONFLICT (discord_id, manga_id) DO UPDATE SET current_chapter = current_chapter + 1",
       adding(1), totals("sum(current_chapter) FILTER (WHERE manga_id = 99)", "user_manga_progress"),
       per_second},
      {"count manga", "UPDATE user_stats SET total_manga = total_manga + 1 WHERE discord_id = $1", adding(1),
       totals("sum(total_manga)", "user_stats"), per_second},
      {"show progress", "SELECT title, current_chapter FROM user_manga_progress WHERE discord_id = $1",
       adding(0), "", per_second},
  };
}

}  // namespace guildhall::test
