#include "convert/verify.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <set>
#include <utility>

#include "convert/attribution.h"
#include "convert/comparing.h"
#include "convert/rows.h"
#include "convert/seal_probe.h"
#include "convert/sqlite_online.h"
#include "convert/sqlite_proof.h"
#include "convert/sqlite_sums.h"
#include "convert/verify_file_way.h"
#include "migrate/looking.h"

namespace guildhall::convert {
namespace {

using migrate::Dialect;
using migrate::Level;

constexpr auto kAsLongAsItTakes = std::chrono::hours(24 * 7);

class Verifying {
 public:
  Verifying(store::SchemaSession& session, const Scheme& scheme, const VerifyOptions& options,
            const std::optional<Sums>& before, const std::optional<Sums>& converted,
            const std::vector<Before>& things)
      : session_(session),
        scheme_(scheme),
        options_(options),
        before_(before.value_or(Sums{})),
        converted_(converted),
        things_(things) {
    found_.writers = options.writers;
    found_.contracted = options.contracted;
    found_.is_compared = before.has_value() && options.proof == Proof::rows;
    found_.is_of_one_server = is_file_way(things);
    found_.converted = scheme.tables.size();
  }

  migrate::Outcome<Verification> run(std::vector<Refused> refused) {
    found_.refused = std::move(refused);
    {
      migrate::Looking looking(session_, scheme_.schema->dialect, kAsLongAsItTakes);
      auto sums = options_.proof == Proof::rows ? take_sums(session_, scheme_, {&before_, options_.reporting})
                                                : migrate::Outcome<Sums>(count_servers(session_, scheme_));
      if (!sums) return std::unexpected(sums.error());
      found_.sums = *std::move(sums);
      if (found_.is_compared) compare_sums();
      check_rows(looking);
      check_map(looking);
      if (options_.with_twins) found_.twins = find_twins(looking, scheme_);
    }
    if (found_.is_compared) compare_lists();
    check_keys();
    check_validity();
    if (found_.is_compared) check_file();
    if (found_.is_of_one_server) check_file_of_one();
    check_soundness();
    check_seal();
    found_.ok =
        std::ranges::none_of(found_.findings, [](const auto& one) { return one.level == Level::error; });
    return std::move(found_);
  }

 private:
  bool postgres() const { return scheme_.schema->dialect == Dialect::postgres; }

  void find(Level level, std::string code, std::string text, std::string hint = {}) {
    found_.findings.push_back({std::move(code), level, "", 0, std::move(text), std::move(hint)});
  }

  /// A question that is answered by what is found later: nothing is good.
  class Question {
   public:
    /// They are listed in the order in which they are put.
    Question(Verifying& of, std::string title, std::string good) : of_(of), place_(of.found_.checks.size()) {
      of_.found_.checks.push_back({std::move(title), true, std::move(good)});
    }

    void wrong(std::string code, std::string text, std::string hint = {}) {
      Answered& answer = of_.found_.checks[place_];
      answer.text = answer.holds ? text : answer.text + "; " + text;
      answer.holds = false;
      of_.find(Level::error, std::move(code), std::move(text), std::move(hint));
    }

   private:
    Verifying& of_;
    std::size_t place_;
  };

  std::string looked_at() const { return fmt::format("{} tables looked at", scheme_.tables.size()); }

  // --- rows

  void check_rows(migrate::Looking& looking) {
    Question servers(*this, "Every row has a server that is in the list of servers", looked_at());
    Question parents(*this, "Every row is of the same server as the row that it belongs to", looked_at());
    const std::set<std::string> listed = listed_servers();
    if (!found_.is_of_one_server && !listed.contains(std::to_string(scheme_.home)))
      servers.wrong("CV-UNLISTED", fmt::format("{} is not in the list of servers", scheme_.home));
    for (const SchemeTable& table : scheme_.tables) {
      if (!table.has_column()) {
        servers.wrong("CV-NOSERVER", fmt::format("{} has no column {}", table.name(), table.column()));
        continue;
      }
      const auto counts = count(looking, table, listed);
      if (!counts) {
        servers.wrong("CV-UNKNOWN", fmt::format("the rows of {} could not be looked at: {}", table.name(),
                                                counts.error().message));
        continue;
      }
      // What keeps 0 until contract has it until then.
      const bool may_be_zero =
          table.is_override() || (table.rule.zero == Zero::home_at_contract && !options_.contracted);
      say_servers(servers, table, *counts, may_be_zero);
      if (counts->contradicting > 0)
        parents.wrong("CV-CONTRADICT", fmt::format("{} rows of {} are another server's than their parent",
                                                   counts->contradicting, table.name()));
    }
  }

  /// The registry's; where there is none yet, it will have the home.
  std::set<std::string> listed_servers() {
    const Registry& registry = scheme_.description.registry;
    const Table* table = scheme_.registry();
    if (table == nullptr || table->column(registry.column) == nullptr) return {std::to_string(scheme_.home)};
    std::set<std::string> listed;
    for (const auto& row :
         session_.query(fmt::format("SELECT CAST({} AS text) FROM {} t", column_sql("t", registry.column),
                                    qualified(*scheme_.schema, registry.table))))
      listed.insert(row[0]);
    return listed;
  }

  std::expected<RowCounts, migrate::Unanswered> count(migrate::Looking& looking, const SchemeTable& table,
                                                      const std::set<std::string>& listed) {
    const Measured* rows = found_.sums.find(table.name());
    const bool are_counted = postgres() && rows != nullptr && has_number_column(scheme_, table) &&
                             known_parents(scheme_, table).empty();
    if (are_counted) return counts_by_server(*rows, listed);
    return count_rows(looking, scheme_, table);
  }

  /// A row that is gone is none of the map's matter, nor a second one of its key beside the one that is
  /// right.
  void check_map(migrate::Looking& looking) {
    if (!scheme_.attribution.is_on()) return;
    Question servers(*this, "Every row that named no server has the one that was found for it",
                     attributed_text());
    for (const SchemeTable& table : scheme_.tables) {
      const auto* key = scheme_.attribution.find(table.name());
      if (key == nullptr || !table.has_column()) continue;
      const std::string column = column_sql("c", table.column());
      const std::string zero = table.rule.zero == Zero::home_at_contract && !options_.contracted
                                   ? fmt::format(" OR {} = 0", column)
                                   : "";
      const std::string rows = fmt::format("(SELECT 1 FROM {} c WHERE {} = map.row_key",
                                           qualified(*scheme_.schema, table.name()), map_key_sql(*key, "c"));
      const auto count = looking.ask(fmt::format(
          "SELECT count(*) FROM {0} map WHERE {1} AND EXISTS {2} AND {3}) AND NOT EXISTS {2} AND ({4} = "
          "map.server{5}))",
          scheme_.attribution.relation, is_mapped(scheme_, table, "map"), rows,
          has_no_parent(scheme_, table, "c"), column, zero));
      if (!count) {
        servers.wrong("CV-UNKNOWN", fmt::format("the rows of {} could not be looked at: {}", table.name(),
                                                count.error().message));
      } else if (count->at(0).at(0) != "0") {
        say_misplaced(servers, fmt::format("{} rows of {} have another server than was found for them",
                                           count->at(0).at(0), table.name()));
      }
    }
  }

  /// While others write, a row may have been deleted and made anew.
  void say_misplaced(Question& servers, const std::string& text) {
    if (options_.writers == Writers::stopped) {
      servers.wrong("CV-MAP", text);
    } else {
      find(Level::warning, "CV-MAP", text,
           "The old program may have made them anew. Contract sets them right.");
    }
  }

  /// "user_points: 3 rows server 5's (links by kick_username), ..."
  std::string attributed_text() {
    std::vector<std::string> parts;
    for (const AttributedRows& one : attributed_rows(session_, scheme_.attribution))
      parts.push_back(fmt::format("{}: {} row{} server {}'s ({})", one.table, one.rows,
                                  one.rows == 1 ? "" : "s", one.server, one.reason));
    return parts.empty() ? "there were none" : fmt::format("{}", fmt::join(parts, ", "));
  }

  static void say_servers(Question& servers, const SchemeTable& table, const RowCounts& counts,
                          bool may_be_zero) {
    const auto wrong = [&](std::int64_t count, const char* code, const char* what) {
      if (count > 0) servers.wrong(code, fmt::format("{} rows of {} {}", count, table.name(), what));
    };
    wrong(counts.without_server, "CV-NOSERVER", "have no server");
    if (!may_be_zero) wrong(counts.zeros, "CV-ZERO", "have server 0");
    wrong(counts.negatives, "CV-RANGE", "have a server below 0");
    wrong(counts.no_numbers, "CV-TEXTID", "have a server that is no whole number");
    wrong(counts.unlisted, "CV-UNLISTED", "have a server that is not in the list of servers");
  }

  // --- sums

  void compare_sums() {
    const bool at_rest = options_.writers == Writers::stopped;
    Question rows(*this,
                  at_rest ? "No row was lost, added or changed"
                          : "No row was lost or changed, of those that nobody has written to since",
                  "every column of every row compared by sums");
    Question owners(
        *this,
        at_rest ? "Every row still belongs to the same person or thing"
                : "Every row that nobody has written to since still belongs to the same person or thing",
        "compared row by row");
    for (const Measured& was : before_.measured) {
      const SchemeTable* table = scheme_.find(was.measure.table);
      const Measured* is = found_.sums.find(was.measure.table, was.measure.kind);
      if (table == nullptr || is == nullptr) continue;  // take_sums has stopped at such
      if (was.measure.parent) {
        compare_owners(owners, was, *is);
      } else {
        compare_rows(rows, *table, was, *is);
      }
    }
    if (at_rest) compare_servers();
  }

  std::vector<Refused> taken_out(const std::string& table) const {
    std::vector<Refused> rows;
    for (const Refused& row : found_.refused) {
      if (row.table == table && !row.is_in_its_table()) rows.push_back(row);
    }
    return rows;
  }

  /// Of a row that is still there PostgreSQL's ways change the server alone, which is no part of the sums, as
  /// "moved" says of SQLite's; else it has another value at most. One that gave way touches the bucket of the
  /// one that it gave way to as well.
  Comparing how(const std::string& table) const {
    Comparing how{options_.writers, postgres()};
    for (const Refused& row : found_.refused) {
      if (row.table != table) continue;
      const bool is_as_it_was = row.is_in_its_table() && (postgres() || row.done == "moved");
      how.touched += is_as_it_was ? 0 : row.is_in_its_table() ? 1 : 2;
    }
    return how;
  }

  /// Where the conversion put down what it made of such a table, that has to be there, and what it made has
  /// to be explained by the refused rows.
  Comparison compare_with_refused(const Measured& was, const Measured& is) const {
    const std::string& table = was.measure.table;
    const Measured* made = converted_ ? converted_->find(table, was.measure.kind) : nullptr;
    if (made == nullptr) return compare(was, is, how(table));
    Comparison since = compare(*made, is, {options_.writers, postgres()});
    Comparing at_rest = how(table);
    at_rest.writers = Writers::stopped;
    if (since.verdict == Verdict::equal) since.verdict = compare(was, *made, at_rest).verdict;
    return since;
  }

  /// The rows that are missing are refused ones, with what they held.
  static bool is_explained(const SchemeTable& table, const Measured& was, const Measured& is,
                           const std::vector<Refused>& taken_out) {
    const std::int64_t gone = all_of(was.all).rows - all_of(is.all).rows;
    return gone == std::ssize(taken_out) && are_totals_explained(was, is, table.rule, taken_out);
  }

  void compare_rows(Question& question, const SchemeTable& table, const Measured& was, const Measured& is) {
    const std::vector<Refused> refused = taken_out(table.name());
    Comparison compared = compare_with_refused(was, is);
    TableComparison& shown = found_.tables.emplace_back();
    shown.table = table.name();
    shown.table_class = table.rule.table_class;
    shown.rows_before = all_of(was.all).rows;
    shown.rows_after = all_of(is.all).rows;
    shown.refused = std::ssize(refused);
    const std::int64_t gone = shown.rows_before - shown.rows_after;
    if (compared.verdict == Verdict::explained && !is_explained(table, was, is, refused))
      compared.verdict = Verdict::differs;
    shown.verdict = compared.verdict;
    shown.proven = compared.proven;
    for (const auto& [column, total] : was.totals) {
      const auto now = is.totals.find(column);
      shown.totals.push_back({column, total, now == is.totals.end() ? "" : now->second});
    }
    add_servers(shown, was, is);
    if (compared.verdict == Verdict::differs)
      question.wrong("CV-SUM",
                     fmt::format("{} has {} rows and had {}; they are not the same rows with the same values",
                                 table.name(), shown.rows_after, shown.rows_before),
                     "Go back to before (convert rollback, or the backup) and find out who changed them.");
    if (compared.verdict == Verdict::written && gone > shown.refused)
      find(Level::warning, "CV-FEWER",
           fmt::format("{} has {} rows fewer than before the conversion", table.name(), gone),
           "The old program may have deleted them. With all writers stopped it could be told.");
  }

  static void add_servers(TableComparison& shown, const Measured& was, const Measured& is) {
    const auto add = [&](const ServerSum& sum, std::int64_t ServerComparison::* side) {
      auto found = std::ranges::find(shown.servers, sum.server, &ServerComparison::server);
      if (found == shown.servers.end()) found = shown.servers.insert(found, {sum.server});
      (*found).*side = sum.amount.rows;
    };
    for (const ServerSum& sum : was.servers) add(sum, &ServerComparison::before);
    for (const ServerSum& sum : is.servers) add(sum, &ServerComparison::after);
  }

  /// Not while others write. Where rows are not the same ones, gave way or got their parent's server, there
  /// is nothing to compare with.
  void compare_servers() {
    Question question(*this, "Each server has the rows that it had", "rows and sums per server compared");
    for (const Measured& was : before_.measured) {
      const SchemeTable* table = scheme_.find(was.measure.table);
      const bool has_refused =
          std::ranges::find(found_.refused, was.measure.table, &Refused::table) != found_.refused.end();
      const bool is_mapped = table != nullptr && scheme_.attribution.find(table->name()) != nullptr;
      if (was.measure.parent || table == nullptr || !table->has_column() || has_refused || is_mapped)
        continue;
      const Measured& is = *found_.sums.find(was.measure.table);
      const auto expected = expected_servers(was, *table, scheme_.home, options_.contracted);
      if (all_of(was.all) != all_of(is.all) || !expected) continue;
      std::map<std::string, Amount> now;
      for (const ServerSum& sum : is.servers) now[sum.server] = sum.amount;
      if (now != *expected)
        question.wrong("CV-SERVERSUM",
                       fmt::format("{} should have rows of {}, and has rows of {}", table->name(),
                                   rows_by_server_text(*expected), rows_by_server_text(now)));
    }
  }

  /// "server 5: 3, server 7: 4"
  static std::string rows_by_server_text(const std::map<std::string, Amount>& servers) {
    std::vector<std::string> texts;
    for (const auto& [server, amount] : servers)
      texts.push_back(fmt::format("server {}: {}", server, amount.rows));
    return texts.empty() ? "none" : fmt::format("{}", fmt::join(texts, ", "));
  }

  void compare_owners(Question& question, const Measured& was, const Measured& is) {
    const Comparison compared = compare_with_refused(was, is);
    found_.owners.push_back({was.measure.table, was.measure.kind.substr(std::string_view("parent ").size()),
                             compared.verdict, compared.proven, all_of(was.all).rows});
    if (compared.verdict == Verdict::differs)
      question.wrong("CV-OWNER",
                     fmt::format("rows of {} lead to another row of {} than before", was.measure.table,
                                 found_.owners.back().parent),
                     "Ids were given anew: go back to before (convert rollback, or the backup).");
  }

  void compare_lists() {
    for (const Shown& was : before_.shown) {
      const auto is = std::ranges::find(found_.sums.shown, was.title, &Shown::title);
      if (is == found_.sums.shown.end()) continue;
      ListComparison& list = found_.lists.emplace_back();
      list.title = was.title;
      for (std::size_t i = 0; i < was.rows.size(); ++i)
        list.rows.push_back({was.rows[i].server, was.rows[i].name, was.rows[i].value, is->rows.at(i).value});
    }
  }

  // --- the schema

  void check_keys() {
    if (!options_.contracted) return;
    Question keys(*this, "No key holds between servers", looked_at());
    for (const SchemeTable& table : scheme_.tables) {
      for (const Index& index : table.table->indexes) {
        const bool holds_between = (index.is_unique || index.is_exclusion) && !index.has(table.column());
        if (holds_between && !is_row_number(*table.table, index))
          keys.wrong("CV-KEY", fmt::format("the key {} of {} does not have {}", index.name, table.name(),
                                           table.column()));
      }
      for (const ForeignKey& key : table.table->foreign_keys) {
        if (scheme_.find(key.table) != nullptr && !key.has(table.column()))
          keys.wrong(
              "CV-KEY",
              fmt::format("the foreign key {} of {} to {} does not have {}",
                          key.name.empty() ? fmt::format("({})", fmt::join(key.columns, ", ")) : key.name,
                          table.name(), key.table, table.column()));
      }
    }
  }

  /// SQLite: the number of the row itself, which no other column can stand beside.
  bool is_row_number(const Table& table, const Index& index) const {
    if (postgres() || !table.has_rowid || !index.is_primary || index.parts.size() != 1) return false;
    const Column* column = table.column(index.parts[0].column);
    return column != nullptr && (column->type == "INTEGER" || column->type == "integer");
  }

  void check_validity() {
    Question validity(*this, "Every constraint was checked and every index is finished", looked_at());
    for (const SchemeTable& table : scheme_.tables) {
      const auto wrong = [&](const char* what, const std::string& name) {
        validity.wrong("CV-INVALID", fmt::format("{} {} of {} is not valid", what, name, table.name()));
      };
      for (const Index& index : table.table->indexes) {
        if (!index.is_valid) wrong("the index", index.name);
      }
      for (const ForeignKey& key : table.table->foreign_keys) {
        if (!key.is_valid) wrong("the foreign key", key.name);
      }
      for (const Check& check : table.table->checks) {
        if (!check.is_valid) wrong("the check", check.name);
      }
    }
  }

  /// SQLite alone.
  void check_file() {
    if (postgres()) return;
    {
      Question references(*this, "References lead where they led", "PRAGMA foreign_key_check");
      // A row that was taken out takes its own references with it; the conversion compared them one by one.
      const std::optional<Amount>& was = converted_ ? converted_->violations : before_.violations;
      if (was && was != found_.sums.violations)
        references.wrong("CV-REFERENCE",
                         fmt::format("{} rows lead nowhere; before it were {}, and not the same ones",
                                     found_.sums.violations ? found_.sums.violations->rows : 0, was->rows));
    }
    Question sequences(*this, "No id is given a second time", "sqlite_sequence");
    for (const auto& [table, was] : before_.sequences) {
      const auto is = found_.sums.sequences.find(table);
      if (is == found_.sums.sequences.end() || is->second < was)
        sequences.wrong("CV-SEQUENCE", fmt::format("{} had counted its ids up to {} and is at {}", table, was,
                                                   is == found_.sums.sequences.end() ? 0 : is->second));
    }
  }

  void check_file_of_one() {
    if (!found_.is_compared)
      find(Level::warning, "CV-NOSUMS",
           "nothing was added up before the file became its server's own, so that its rows cannot be "
           "compared; "
           "that way writes none of them",
           "'guildhall convert apply --way file --sums' adds them up first.");
    answer("The file is marked as its server's own", "CV-MARKER", wrong_marks(session_, scheme_));
    answer("Every table is what it was, and has its column", "CV-SHAPE", changed_tables(scheme_, things_));
    if (!found_.is_compared)
      answer("No id is given a second time", "CV-SEQUENCE", lower_counters(session_, things_));
  }
  /// Before it commits, a conversion does not look each row up in each index (check_new_tables).
  void check_soundness() {
    if (postgres()) return;
    Question sound(*this, "SQLite finds the file sound", "PRAGMA integrity_check");
    if (const auto checked = check_integrity(session_); !checked)
      sound.wrong(checked.error().finding.code, checked.error().finding.text, checked.error().finding.hint);
    if (const auto left = replaced_tables(session_); !left.empty())
      find(Level::warning, "CV-LEFT",
           fmt::format("tables are there that were replaced already: {}", fmt::join(left, ", ")),
           "'guildhall convert apply' takes them away. Nothing else is to be done, and nothing is wrong.");
  }
  void answer(std::string title, const std::string& code, const std::vector<std::string>& wrong) {
    Question question(*this, std::move(title), looked_at());
    for (const std::string& text : wrong) question.wrong(code, text);
  }

  void check_seal() {
    if (options_.role.empty() || !postgres()) return;
    Question seal(*this, "The database itself keeps each server's rows apart",
                  fmt::format("tried out as {}, in a transaction that was rolled back", options_.role));
    for (const SchemeTable& table : scheme_.tables) {
      const Table& is = *table.table;
      if (!is.row_security || !is.row_security_forced)
        seal.wrong("CV-SEAL", fmt::format("row security of {} is not on and forced", table.name()));
      if (is.policies.empty()) seal.wrong("CV-SEAL", fmt::format("{} has no policy", table.name()));
    }
    const SealProbe probe = probe_seal(session_, scheme_, options_.role, found_.sums);
    for (const std::string& leak : probe.leaks) seal.wrong("CV-SEAL", leak);
    for (const std::string& unknown : probe.unknown)
      find(Level::warning, "CV-NOPROBE", unknown,
           fmt::format("GRANT {} to the role that runs the conversion to have it tried.", options_.role));
  }

  store::SchemaSession& session_;
  const Scheme& scheme_;
  const VerifyOptions& options_;
  const Sums before_;
  const std::optional<Sums> converted_;  // SQLite: of tables of which rows were refused
  const std::vector<Before>& things_;
  Verification found_;
};

/// Of a build that hashed in another way: nothing is known of the rows then.
migrate::Outcome<void> check_hashing_of(const std::optional<Sums>& sums, migrate::Dialect dialect,
                                        const std::string& begun_by) {
  const int hashing = hashing_of(dialect);
  if (!sums || sums->hashing == hashing) return {};
  return migrate::stop(
      migrate::Exit::refused, "CV-HASHING",
      fmt::format("the sums of before were hashed in another way (number {}) than this build of Guildhall "
                  "does (number {}): they cannot be compared, which says nothing of the rows",
                  sums->hashing, hashing),
      fmt::format("Go on with the build that began this conversion ({}); or take it back, 'guildhall convert "
                  "rollback', and apply it with this one, which adds everything up anew.",
                  begun_by.empty() ? "an earlier one" : begun_by));
}

}  // namespace

std::string_view name_of(Verdict verdict) {
  switch (verdict) {
    case Verdict::equal: return "equal";
    case Verdict::explained: return "explained";
    case Verdict::written: return "written";
    case Verdict::differs: return "differs";
  }
  std::unreachable();
}

migrate::Outcome<void> check_hashing(const Records& records, std::int64_t conversion,
                                     migrate::Dialect dialect) {
  const auto newest = records.newest();
  for (const std::string_view phase : {std::string_view("before"), std::string_view(kConvertedSums)}) {
    if (auto fits = check_hashing_of(remembered_sums(records, conversion, phase), dialect,
                                     newest ? newest->tool_version : "");
        !fits)
      return fits;
  }
  return {};
}

migrate::Outcome<Verification> verify(store::SchemaSession& session, const Scheme& scheme, Records& records,
                                      std::int64_t conversion, const VerifyOptions& options) {
  try {
    const auto before = remembered_sums(records, conversion, "before");
    const auto things = records.before(conversion);
    if (!before && !is_file_way(things))
      return migrate::stop(
          migrate::Exit::refused, "CV-NOSUMS",
          "nothing was added up before the conversion, so that there is nothing to compare with",
          "`guildhall convert apply` does so before anything else.");
    const auto converted = remembered_sums(records, conversion, kConvertedSums);
    if (options.proof == Proof::rows) {
      if (auto fits = check_hashing(records, conversion, scheme.schema->dialect); !fits)
        return std::unexpected(fits.error());
    }
    return Verifying(session, scheme, options, before, converted, things).run(records.refused(conversion));
  } catch (const store::DatabaseError& error) {
    return std::unexpected(migrate::problem_of(error));
  }
}

}  // namespace guildhall::convert
