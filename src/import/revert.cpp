#include "import/revert.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "base/descriptor.h"
#include "base/files.h"
#include "base/text.h"
#include "bot/feature.h"
#include "bot/import_trace.h"
#include "convert/sql_names.h"
#include "net/run_to_end.h"
#include "store/quoting.h"
#include "store/sqlite/sqlite_session.h"

namespace guildhall::importing {
namespace {

namespace fs = std::filesystem;
using store::quoted_name;
using store::quoted_text;
using store::TxTask;
using store::Value;
using store::ValueRow;
using store::ValueType;

constexpr std::int64_t kMinute = 60'000'000;
constexpr const char* kSource = "kick";

std::unexpected<Error> file_error(std::string_view doing, const fs::path& file) {
  return fail(ErrorCode::failed, fmt::format("{} '{}': {}", doing, file.string(), std::strerror(errno)),
              "Name a file in a folder where this user may write and there is room: --write FILE.");
}

/// Says how far it is, and ends it.
class Progress {
 public:
  explicit Progress(const WayBackOptions& options) : options_(options) {}

  void begin(std::string what) {
    what_ = std::move(what);
    done_ = 0;
    options_.say(what_ + " ...");
  }
  /// So many more. False: stopped.
  bool more(std::size_t count) {
    done_ += count;
    if (const auto now = std::chrono::steady_clock::now(); now - said_ >= options_.between_lines) {
      options_.say(fmt::format("{}: {}", what_, done_));
      said_ = now;
    }
    return !options_.is_stopped();
  }

 private:
  const WayBackOptions& options_;
  std::string what_;
  std::size_t done_ = 0;
  std::chrono::steady_clock::time_point said_ = std::chrono::steady_clock::now();
};

// --- what is here, with names and people put together

/// What a person's amounts are of.
enum class Item { minutes, points };
constexpr std::array<std::pair<Item, const char*>, 2> kItems{
    {{Item::minutes, "watchtime"}, {Item::points, "points"}}};

constexpr const char* kTables = R"sql(
PRAGMA journal_mode = OFF;
PRAGMA synchronous = OFF;
PRAGMA cache_size = -32000;
CREATE TABLE people (person INTEGER PRIMARY KEY, watched_us INTEGER, points INTEGER);
CREATE TABLE viewers (folded TEXT, person INTEGER, name TEXT, seen INTEGER, id TEXT);
CREATE TABLE linked (id TEXT PRIMARY KEY, person INTEGER, home INTEGER) WITHOUT ROWID;
CREATE TABLE carried (item INTEGER, folded TEXT, old_key TEXT, amount INTEGER, at INTEGER);
CREATE TABLE parts (item INTEGER, old_key TEXT, home INTEGER, amount INTEGER);
CREATE TABLE booked (old_key TEXT, times INTEGER, holder INTEGER);
BEGIN;
)sql";

/// Of several users with one name, and of several names of one person, the newest counts.
constexpr const char* kWhoIsWho[] = {
    "CREATE TABLE named (folded TEXT PRIMARY KEY, person INTEGER) WITHOUT ROWID",
    "INSERT INTO named SELECT folded, person FROM (SELECT folded, person, row_number() OVER (PARTITION BY "
    "folded ORDER BY seen DESC, id) AS place FROM viewers) WHERE place = 1",
    "CREATE TABLE names (person INTEGER PRIMARY KEY, name TEXT, folded TEXT, since INTEGER)",
    "INSERT INTO names SELECT person, name, folded, since FROM (SELECT person, name, folded, min(seen) OVER "
    "(PARTITION BY person) AS since, row_number() OVER (PARTITION BY person ORDER BY seen DESC, id) AS place "
    "FROM viewers) WHERE place = 1",
    "CREATE TABLE homes (home INTEGER PRIMARY KEY, person INTEGER)",
    "INSERT INTO homes SELECT home, person FROM linked",
    "INSERT OR IGNORE INTO homes SELECT person, person FROM viewers v WHERE NOT EXISTS (SELECT 1 FROM linked "
    "l WHERE l.id = v.id)"};

/// Whose an old name is: as it was noted when it was booked.
constexpr const char* kByNote[] = {
    "CREATE TABLE accounted (item INTEGER, old_key TEXT, person INTEGER, amount INTEGER, PRIMARY KEY (item, "
    "old_key, person)) WITHOUT ROWID",
    "INSERT INTO accounted SELECT p.item, p.old_key, h.person, p.amount FROM parts p CROSS JOIN homes h "
    "WHERE h.home = p.home ON CONFLICT DO UPDATE SET amount = amount + excluded.amount",
    "DROP TABLE parts",
    "CREATE TABLE rest (item INTEGER, old_key TEXT, folded TEXT, at INTEGER, amount INTEGER, person INTEGER)",
    "INSERT INTO rest SELECT item, old_key, folded, at, amount - COALESCE(known, 0), NULL FROM (SELECT c.*, "
    "(SELECT sum(a.amount) FROM accounted a WHERE a.item = c.item AND a.old_key = c.old_key) AS known FROM "
    "carried c) WHERE known IS NULL OR known <> amount"};

/// Of the rest: as the ledger says; by the name, of the one who was known when it was booked, if that is one;
/// as the ledger says of somebody who was linked then. A later owner of the name never had it.
constexpr const char* kOfRest[] = {
    "CREATE INDEX booked_key ON booked (old_key, times, holder)",
    "UPDATE rest SET person = (SELECT h.person FROM booked b JOIN homes h ON h.home = b.holder WHERE "
    "b.old_key = rest.old_key ORDER BY b.times LIMIT 1)",
    "CREATE INDEX viewers_name ON viewers (folded, seen, person)",
    "UPDATE rest SET person = (SELECT CASE WHEN min(v.person) = max(v.person) THEN min(v.person) END FROM "
    "viewers v WHERE v.folded = rest.folded AND v.seen <= rest.at) WHERE person IS NULL",
    "UPDATE rest SET person = (SELECT b.holder FROM booked b JOIN names n ON n.person = b.holder WHERE "
    "b.old_key = rest.old_key ORDER BY b.times LIMIT 1) WHERE person IS NULL",
    // Nothing is doubled by a row in which there was nothing.
    "UPDATE rest SET person = (SELECT n.person FROM named n WHERE n.folded = rest.folded) WHERE person IS "
    "NULL AND amount = 0",
    "INSERT INTO accounted SELECT item, old_key, person, amount FROM rest WHERE person IS NOT NULL "
    "ON CONFLICT DO UPDATE SET amount = amount + excluded.amount",
    "CREATE TABLE lost (item INTEGER, old_key TEXT, at INTEGER, amount INTEGER)",
    "INSERT INTO lost SELECT item, old_key, at, amount FROM rest WHERE person IS NULL AND amount <> 0"};

/// What changes for whom. Amounts of watch time are microseconds; a minute that is not full is not given
/// back.
constexpr const char* kChanges[] = {
    "CREATE TABLE shared (person INTEGER, item INTEGER, PRIMARY KEY (person, item)) WITHOUT ROWID",
    "INSERT OR IGNORE INTO shared SELECT a.person, a.item FROM (SELECT item, old_key FROM accounted GROUP BY "
    "item, old_key HAVING count(*) > 1 UNION SELECT item, old_key FROM lost) k CROSS JOIN accounted a "
    "WHERE a.item = k.item AND a.old_key = k.old_key",
    "CREATE TABLE brought (person INTEGER, item INTEGER, old_key TEXT, amount INTEGER, PRIMARY KEY (person, "
    "item, old_key)) WITHOUT ROWID",
    "INSERT INTO brought SELECT person, item, old_key, amount FROM accounted ORDER BY 1, 2, 3",
    "DROP TABLE accounted",
    "CREATE TABLE changes (person INTEGER PRIMARY KEY, minutes INTEGER, points INTEGER, name TEXT, folded "
    "TEXT, since INTEGER)",
    "INSERT INTO changes SELECT person, minutes, points, name, folded, since FROM (SELECT p.person, "
    "(p.watched_us - (SELECT COALESCE(sum(amount), 0) FROM brought b WHERE b.person = p.person AND item = "
    "0)) "
    "/ 60000000 AS minutes, "
    "p.points - (SELECT COALESCE(sum(amount), 0) FROM brought b WHERE b.person = p.person AND item = 1) "
    "AS points, "
    "COALESCE(n.name, '') AS name, n.folded, n.since "
    "FROM people p LEFT JOIN names n ON n.person = p.person) WHERE minutes <> 0 OR points <> 0"};

/// What is told instead of being written: `reason` is one of LeftOut, from 1.
constexpr const char* kLeaveOut[] = {
    "CREATE INDEX carried_name ON carried (folded, item)",
    "CREATE TABLE left_out (person INTEGER, item INTEGER, name TEXT, amount INTEGER, reason INTEGER, PRIMARY "
    "KEY (person, item)) WITHOUT ROWID",
    "INSERT INTO left_out SELECT person, item, name, amount, reason FROM (SELECT c.person, i.item, c.name, "
    "CASE i.item WHEN 0 THEN c.minutes ELSE c.points END AS amount, CASE "
    "WHEN EXISTS (SELECT 1 FROM shared s WHERE s.person = c.person AND s.item = i.item) THEN 2 "
    "WHEN EXISTS (SELECT 1 FROM brought b WHERE b.person = c.person AND b.item = i.item) THEN 0 "
    "WHEN c.since <= (SELECT max(at) FROM lost l WHERE l.item = i.item) THEN 1 "
    "WHEN (SELECT n.person FROM named n WHERE n.folded = c.folded) <> c.person THEN 3 "
    "WHEN EXISTS (SELECT 1 FROM carried o WHERE o.item = i.item AND o.folded = c.folded) THEN 3 "
    "ELSE 0 END AS reason "
    "FROM changes c CROSS JOIN (SELECT 0 AS item UNION ALL SELECT 1) i WHERE c.name <> '') "
    "WHERE reason > 0 AND amount <> 0",
    "UPDATE changes SET minutes = 0 WHERE person IN (SELECT person FROM left_out WHERE item = 0)",
    "UPDATE changes SET points = 0 WHERE person IN (SELECT person FROM left_out WHERE item = 1)",
    "DELETE FROM changes WHERE minutes = 0 AND points = 0"};

constexpr std::array<std::span<const char* const>, 5> kPutTogether{kWhoIsWho, kByNote, kOfRest, kChanges,
                                                                   kLeaveOut};

/// A passing file: SQLite makes one without a name, which is gone with the connection, however that ends.
class Workbench {
 public:
  Workbench() : session_("", store::sqlite::Role::guest) { session_.execute(kTables); }

  void add(const std::vector<bot::Standing>& page) {
    std::vector<ValueRow> rows;
    rows.reserve(page.size());
    for (const bot::Standing& one : page)
      rows.push_back({one.person_id.value(), std::int64_t{one.watched_us.count()}, one.points});
    session_.insert("people", columns({"person", "watched_us", "points"}), rows);
  }
  void add(const std::vector<bot::Viewer>& page) {
    std::vector<ValueRow> rows;
    rows.reserve(page.size());
    for (const bot::Viewer& one : page)
      rows.push_back({one.folded_name, one.person_id.value(), to_lower_ascii(one.name),
                      to_micros(one.first_seen_at), one.platform_user_id});
    session_.insert("viewers", columns({"folded", "person", "name", "seen", "id"}), rows);
  }
  void add(const std::vector<bot::LinkedViewer>& page) {
    std::vector<ValueRow> rows;
    for (const bot::LinkedViewer& one : page)
      rows.push_back({one.platform_user_id, one.person_id.value(), one.home_person_id.value()});
    session_.insert("linked", columns({"id", "person", "home"}), rows);
  }
  void add(Item item, const std::vector<bot::OldName>& page) {
    const auto number_of = static_cast<std::int64_t>(item);
    std::vector<ValueRow> rows;
    std::vector<ValueRow> parts;
    rows.reserve(page.size());
    parts.reserve(page.size());
    for (const bot::OldName& one : page) {
      std::int64_t left = one.credited - one.debited;
      rows.push_back(
          {number_of, fold_name(bot::kept_name(one.old_key)), one.old_key, left, to_micros(one.carried_at)});
      for (const bot::Part& part : bot::parse_parts(one.value)) {
        parts.push_back({number_of, one.old_key, part.home.value(), part.amount});
        left -= part.amount;
      }
      needs_ledger_ = needs_ledger_ || left != 0;
    }
    session_.insert("carried", columns({"item", "folded", "old_key", "amount", "at"}), rows);
    if (!parts.empty()) session_.insert("parts", columns({"item", "old_key", "home", "amount"}), parts);
  }
  /// Something was carried before it was noted for whom.
  bool needs_ledger() const { return needs_ledger_; }
  void add(const std::vector<bot::BookedPoints>& page) {
    std::vector<ValueRow> rows;
    for (const bot::BookedPoints& one : page) {
      if (auto booking = bot::parse_points_operation(kSource, one.operation_id))
        rows.push_back({std::move(booking->key), booking->times, one.holder_id.value()});
    }
    if (!rows.empty()) session_.insert("booked", columns({"old_key", "times", "holder"}), rows);
  }

  /// Behind the last `add`. False: stopped.
  bool put_together(const WayBackOptions& options) {
    options.say("putting names and people together ...");
    for (const auto& step : kPutTogether) {
      for (const char* sql : step) {
        if (options.is_stopped()) return false;
        session_.run(sql);
      }
    }
    return true;
  }

  WayBack totals() {
    const auto row = session_.read(
        "SELECT count(*) FILTER (WHERE name <> ''), COALESCE(sum(minutes) FILTER (WHERE name <> ''), 0), "
        "COALESCE(sum(points) FILTER (WHERE name <> ''), 0), count(*) FILTER (WHERE name = ''), "
        "COALESCE(sum(points) FILTER (WHERE name = ''), 0) FROM changes",
        {})[0];
    WayBack back{number(row[0]), number(row[1]), number(row[2]), number(row[3]), number(row[4])};
    for (const ValueRow& lost : session_.read(
             "SELECT item, old_key, CASE item WHEN 0 THEN amount / 60000000 ELSE amount END FROM lost "
             "ORDER BY item, old_key",
             {}))
      back.lost.push_back({measure(lost[0]), std::get<std::string>(lost[1]), number(lost[2])});
    for (const ValueRow& out : session_.read(
             "SELECT item, name, amount, reason FROM left_out ORDER BY reason, item, name, person", {}))
      back.left_out.push_back({measure(out[0]), std::get<std::string>(out[1]), number(out[2]),
                               static_cast<LeftOut::Reason>(number(out[3]) - 1)});
    return back;
  }

  /// What was carried under one old name; watch time in microseconds.
  struct Brought {
    std::string old_key;
    std::int64_t amount = 0;
  };
  struct Change {
    std::int64_t person = 0;
    std::int64_t minutes = 0;  // since
    std::int64_t points = 0;
    std::string name;                                  // in lower case, for whom was not carried
    std::array<std::vector<Brought>, 2> brought = {};  // by Item, in the order of the old names
  };
  /// The next people behind this one who have both a name and something to give back.
  std::vector<Change> changes(std::int64_t behind, std::int64_t at_once) {
    std::vector<Change> page;
    for (const ValueRow& row :
         session_.read("SELECT person, minutes, points, name FROM changes WHERE person > $1 AND name <> '' "
                       "ORDER BY person LIMIT $2",
                       {behind, at_once}))
      page.push_back({number(row[0]), number(row[1]), number(row[2]), std::get<std::string>(row[3])});
    if (page.empty()) return page;
    auto change = page.begin();
    for (const ValueRow& row : session_.read("SELECT person, item, old_key, amount FROM brought WHERE person "
                                             "BETWEEN $1 AND $2 ORDER BY 1, 2, 3",
                                             {page.front().person, page.back().person})) {
      while (change->person < number(row[0])) ++change;
      if (change->person == number(row[0]))
        change->brought.at(static_cast<std::size_t>(number(row[1])))
            .push_back({std::get<std::string>(row[2]), number(row[3])});
    }
    return page;
  }

 private:
  static std::int64_t number(const Value& value) { return std::get<std::int64_t>(value); }
  static std::string measure(const Value& item) {
    return number(item) == static_cast<std::int64_t>(Item::minutes) ? "minutes" : "points";
  }
  static std::vector<store::Column> columns(std::initializer_list<const char*> names) {
    std::vector<store::Column> all;
    for (const char* name : names) all.push_back({name});
    return all;
  }

  store::sqlite::SqliteSession session_;
  bool needs_ledger_ = false;
};

/// Everything that is asked of this side, at one moment, a page for each statement. Nothing: stopped.
std::unique_ptr<Workbench> read_here(const tenancy::ServerScope& scope, const WayBackOptions& options) {
  return net::run_to_end(scope.read([&](store::Tx& tx) -> TxTask<std::unique_ptr<Workbench>> {
    auto workbench = std::make_unique<Workbench>();
    Progress progress(options);
    progress.begin("people");
    for (PersonId last(0);;) {
      const auto page = co_await bot::standings(tx, last, options.at_once);
      if (page.empty()) break;
      last = page.back().person_id;
      workbench->add(page);
      if (!progress.more(page.size())) co_return nullptr;
    }
    progress.begin("names");
    for (std::string last;;) {
      const auto page = co_await bot::viewers(tx, bot::kKick, last, options.at_once);
      if (page.empty()) break;
      last = page.back().platform_user_id;
      workbench->add(page);
      if (!progress.more(page.size())) co_return nullptr;
    }
    progress.begin("links");
    for (std::string last;;) {
      const auto page = co_await bot::linked_viewers(tx, bot::kKick, last, options.at_once);
      if (page.empty()) break;
      last = page.back().platform_user_id;
      workbench->add(page);
      if (!progress.more(page.size())) co_return nullptr;
    }
    for (const auto& [item, name] : kItems) {
      progress.begin(fmt::format("what was carried of {}", name));
      for (std::string last;;) {
        const auto page = co_await bot::old_names_behind(tx, kSource, name, last, options.at_once);
        if (page.empty()) break;
        last = page.back().old_key;
        workbench->add(item, page);
        if (!progress.more(page.size())) co_return nullptr;
      }
    }
    if (workbench->needs_ledger()) progress.begin("whom the ledger names");
    for (std::string last; workbench->needs_ledger();) {
      const auto page = co_await bot::booked_points_behind(tx, kSource, last, options.at_once);
      if (page.empty()) break;
      last = page.back().operation_id;
      workbench->add(page);
      if (!progress.more(page.size())) co_return nullptr;
    }
    co_return workbench;
  }));
}

// --- the script

/// SQL for one table of the old bot.
class TableScript {
 public:
  TableScript(const OldDatabase& old, std::string table, std::string key)
      : table_(std::move(table)),
        key_(std::move(key)),
        target_(convert::qualified(*old.scheme().schema, table_)),
        own_(old.is_own(table_)),
        column_(old.server_column(table_)),
        server_(old.server().str()) {}

  /// A row of that name with nothing in it, where there is none.
  std::string make(const std::string& name) const {
    const std::string server_name = column_ ? ", " + quoted_name(*column_) : "";
    return fmt::format(
        "INSERT INTO {0} ({1}{2}) SELECT {3}{4} WHERE NOT EXISTS (SELECT 1 FROM {0} t WHERE {5});\n", target_,
        quoted_name(key_), server_name, quoted_text(name), column_ ? ", " + server_ : "", where(name));
  }
  std::string change(const std::string& name, const std::string& set, const std::string& expected) const {
    return fmt::format("UPDATE {} t SET {} WHERE {} AND {};\n", target_, set, where(name), expected);
  }

 private:
  std::string where(const std::string& name) const {
    return fmt::format("t.{} = {} AND {}", quoted_name(key_), quoted_text(name), own_);
  }

  std::string table_;
  std::string key_;
  std::string target_;
  std::string own_;
  std::optional<std::string> column_;
  std::string server_;
};

/// One old name whose figure changes by `more`.
struct Share {
  std::string name;
  std::int64_t there = 0;  // as it was carried
  std::int64_t more = 0;
};

/// What came since goes to the first of his old names; what went is taken from each as far as it reaches, as
/// no figure there may fall below 0.
std::vector<Share> shares(const std::vector<Workbench::Brought>& brought, const std::string& name,
                          std::int64_t unit, std::int64_t more) {
  if (brought.empty()) return {{name, 0, more}};
  if (more > 0) return {{brought.front().old_key, brought.front().amount / unit, more}};
  std::vector<Share> all;
  for (const Workbench::Brought& one : brought) {
    const std::int64_t there = one.amount / unit;
    const std::int64_t taken = std::min(there, -more);
    if (taken <= 0) continue;
    all.push_back({one.old_key, there, -taken});
    more += taken;
  }
  return all;
}

class Script {
 public:
  explicit Script(const OldDatabase& old)
      : watchtime_(old, "watchtime", "username"), user_points_(old, "user_points", "kick_username") {}

  std::string begin(ServerId server, const WayBack& back) const {
    return fmt::format(
        "-- What was earned and spent in Guildhall since server {} was taken over: {} minutes and {} points "
        "of "
        "{}\n"
        "-- people. A row that has another figure than was taken over stays as it is.\n"
        "SET client_encoding = 'UTF8';\nSET standard_conforming_strings = on;\nBEGIN;\n",
        server.str(), back.minutes, back.points, back.people);
  }
  std::string of(const Workbench::Change& change) const {
    std::string sql;
    if (change.minutes != 0) {
      for (const Share& one : shares(change.brought[0], change.name, kMinute, change.minutes)) {
        sql += watchtime_.make(one.name);
        sql += watchtime_.change(one.name, fmt::format("minutes = {}", one.there + one.more),
                                 fmt::format("greatest(coalesce(t.minutes, 0), 0) = {}", one.there));
      }
    }
    if (change.points != 0) {
      for (const Share& one : shares(change.brought[1], change.name, 1, change.points)) {
        sql += user_points_.make(one.name);
        sql += user_points_.change(
            one.name,
            fmt::format("points = {0}, {1} = coalesce(t.{1}, 0) + {2}", one.there + one.more,
                        one.more > 0 ? "total_earned" : "total_spent", one.more > 0 ? one.more : -one.more),
            fmt::format("greatest(coalesce(t.points, 0), 0) = {}", one.there));
      }
    }
    return sql;
  }
  static std::string end() { return "COMMIT;\n"; }

 private:
  TableScript watchtime_;
  TableScript user_points_;
};

// --- its file

/// Has its name when it is complete; until then it is another one, which goes with the object. Whoever writes
/// holds a lock on it, which ends with its process: what a killed run left is begun anew.
class NewFile {
 public:
  explicit NewFile(fs::path file) : file_(std::move(file)), partial_(file_.string() + ".partial") {}
  NewFile(const NewFile&) = delete;
  NewFile& operator=(const NewFile&) = delete;
  ~NewFile() {
    // Under its lock still: nobody else has it open for writing.
    if (opened_ && !is_named_) ::unlink(partial_.c_str());
  }

  /// Errors: `conflict` (another run writes it), `failed`.
  Result<void> open() {
    while (!opened_) {
      auto opened =
          std::make_unique<Descriptor>(::open(partial_.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0666));
      if (opened->number() < 0) return file_error("cannot make", partial_);
      if (::flock(opened->number(), LOCK_EX | LOCK_NB) != 0) {
        if (errno == EINTR) continue;
        if (errno != EWOULDBLOCK) return file_error("cannot lock", partial_);
        return fail(ErrorCode::conflict, fmt::format("another run is writing '{}'", partial_.string()),
                    "Wait for it, or name another file: --write FILE.");
      }
      if (is_ours(*opened)) opened_ = std::move(opened);
    }
    return ::ftruncate(opened_->number(), 0) == 0 ? Result<void>{} : file_error("cannot write", partial_);
  }
  Result<void> write(std::string_view text) {
    while (!text.empty()) {
      const ssize_t written = ::write(opened_->number(), text.data(), text.size());
      if (written < 0 && errno == EINTR) continue;
      if (written < 0) return file_error("cannot write", partial_);
      text.remove_prefix(static_cast<std::size_t>(written));
    }
    return {};
  }
  Result<void> give_name() {
    if (::fsync(opened_->number()) != 0) return file_error("cannot bring to the disk", partial_);
    errno = rename_to_new(partial_, file_);
    if (errno != 0) return file_error("cannot name", file_);
    is_named_ = true;
    const fs::path folder = file_.has_parent_path() ? file_.parent_path() : fs::path(".");
    errno = sync_folder(folder);
    if (errno != 0) return file_error("cannot bring to the disk", folder);
    return {};
  }

 private:
  /// Is what was opened and locked still what has the name, and has no other? Before the lock another run may
  /// have ended, and a file that it has finished is not written to.
  bool is_ours(const Descriptor& opened) const {
    struct stat of_opened{};
    struct stat of_name{};
    if (::fstat(opened.number(), &of_opened) != 0 || ::stat(partial_.c_str(), &of_name) != 0) return false;
    if (of_opened.st_dev != of_name.st_dev || of_opened.st_ino != of_name.st_ino) return false;
    if (of_opened.st_nlink > 1) ::unlink(partial_.c_str());
    return of_opened.st_nlink == 1;
  }

  fs::path file_;
  fs::path partial_;
  std::unique_ptr<Descriptor> opened_;
  bool is_named_ = false;
};

std::unexpected<Error> stopped() {
  return fail(ErrorCode::failed, "stopped; no script was written", "Run the same command again.");
}

}  // namespace

Result<WayBack> write_way_back(const OldDatabase& old, const tenancy::ServerScope& scope,
                               const fs::path& file, const WayBackOptions& options) {
  std::error_code ignored;
  if (fs::exists(file, ignored))
    return fail(ErrorCode::usage, fmt::format("--write: '{}' is there already", file.string()),
                "Name a new file.");
  NewFile out(file);
  if (auto opened = out.open(); !opened) return std::unexpected(opened.error());
  const auto workbench = read_here(scope, options);
  if (!workbench || !workbench->put_together(options)) return stopped();
  const WayBack back = workbench->totals();
  const Script script(old);
  if (auto begun = out.write(script.begin(scope.server(), back)); !begun)
    return std::unexpected(begun.error());
  Progress progress(options);
  progress.begin(fmt::format("writing what changes for {} people", back.people));
  for (std::int64_t last = 0;;) {
    const auto page = workbench->changes(last, options.at_once);
    if (page.empty()) break;
    last = page.back().person;
    std::string sql;
    for (const Workbench::Change& change : page) sql += script.of(change);
    if (auto written = out.write(sql); !written) return std::unexpected(written.error());
    if (!progress.more(page.size())) return stopped();
  }
  if (auto ended = out.write(Script::end()); !ended) return std::unexpected(ended.error());
  if (auto named = out.give_name(); !named) return std::unexpected(named.error());
  return back;
}

}  // namespace guildhall::importing
