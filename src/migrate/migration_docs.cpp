#include "migrate/migration_docs.h"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <span>

#include "base/text.h"
#include "migrate/statement_reading.h"

namespace guildhall::migrate {
namespace {

/// More than so many things are counted instead of named.
constexpr std::size_t kMostNamed = 6;

std::string_view trimmed(std::string_view text) {
  const auto begin = text.find_first_not_of(" \t\r-");
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(" \t\r") - begin + 1);
}

/// `-- Word: text` in the comments before the first statement, by the word in lower case.
std::map<std::string, std::string> read_comments(std::string_view sql) {
  std::map<std::string, std::string> found;
  while (!sql.empty()) {
    const auto end = std::min(sql.find('\n'), sql.size());
    const std::string_view line = sql.substr(0, end);
    sql.remove_prefix(std::min(end + 1, sql.size()));
    const std::string_view text = trimmed(line);
    if (text.empty()) continue;
    if (!line.starts_with("--")) break;
    const auto colon = text.find(':');
    if (colon == std::string_view::npos) continue;
    found.emplace(to_lower_ascii(text.substr(0, colon)), trimmed(text.substr(colon + 1)));
  }
  return found;
}

/// One thing that a statement makes, changes or takes away, and what kind of thing it is, for counting.
struct Change {
  std::string kind;  // "table"
  std::string text;  // "table users"
};

std::string said(std::string_view kind, std::string_view name) { return fmt::format("{} {}", kind, name); }

std::vector<Change> changes_of_table(const StatementReading& reading) {
  std::vector<Change> changes;
  for (const TableAction& action : reading.actions) {
    switch (action.kind) {
      case ActionKind::add_column:
        changes.push_back({"column", said("column", reading.table + "." + action.column->name)});
        break;
      case ActionKind::drop_column:
        changes.push_back({"dropped column", said("drops column", reading.table + "." + action.name)});
        break;
      case ActionKind::add_constraint:
        changes.push_back({"constraint", action.constraint && !action.constraint->name.empty()
                                             ? said("constraint", action.constraint->name)
                                             : said("constraint on", reading.table)});
        break;
      case ActionKind::drop_constraint:
        changes.push_back({"dropped constraint", said("drops constraint", action.name)});
        break;
      default: changes.push_back({"change", said("changes", reading.table)});
    }
  }
  return changes;
}

std::vector<Change> changes_of(const StatementReading& reading) {
  const std::string& tag = reading.tag;
  if (tag == "SELECT" || tag == "COMMENT" || tag == "SET" || tag == "DO") return {};
  if (tag == "ALTER TABLE" && !reading.actions.empty()) return changes_of_table(reading);
  if (tag == "CREATE INDEX" && reading.index)
    return {{"index", reading.index->name.empty() ? said("index on", reading.table)
                                                  : said("index", reading.index->name)}};
  if (tag.starts_with("CREATE ")) {
    const std::string kind = to_lower_ascii(std::string_view(tag).substr(7));
    return {{kind, said(kind, reading.object)}};
  }
  if (tag.starts_with("DROP ")) {
    std::vector<Change> changes;
    const std::string kind = to_lower_ascii(std::string_view(tag).substr(5));
    for (const std::string& name : reading.names)
      changes.push_back({"dropped " + kind, said("drops " + kind, name)});
    return changes;
  }
  if (!reading.writes.empty()) return {{"change of rows", said("rows of", reading.writes.front())}};
  return {{to_lower_ascii(tag), to_lower_ascii(tag)}};
}

/// "tables", "indexes", "policies".
std::string counted(std::size_t count, const std::string& kind) {
  if (count == 1) return fmt::format("1 {}", kind);
  if (kind == "change of rows") return fmt::format("{} changes of rows", count);
  if (kind.ends_with('y')) return fmt::format("{} {}ies", count, kind.substr(0, kind.size() - 1));
  return fmt::format("{} {}{}", count, kind, kind.ends_with('x') ? "es" : "s");
}

std::string changes_of(const Script& script, Dialect dialect) {
  std::vector<StatementReading> readings;
  for (const SqlStatement& statement : script.statements)
    readings.push_back(read_statement(statement, dialect));
  std::vector<Change> all;
  for (const StatementReading* reading : with_inner(readings)) {
    for (Change& one : changes_of(*reading)) {
      const bool is_known =
          std::ranges::any_of(all, [&](const Change& other) { return other.text == one.text; });
      if (!is_known) all.push_back(std::move(one));
    }
  }
  std::vector<std::string> parts;
  if (all.size() <= kMostNamed) {
    for (const Change& one : all) parts.push_back(one.text);
  } else {
    std::vector<std::pair<std::string, std::size_t>> counts;
    for (const Change& one : all) {
      const auto kind = std::ranges::find(counts, one.kind, &std::pair<std::string, std::size_t>::first);
      if (kind != counts.end()) ++kind->second;
      if (kind == counts.end()) counts.emplace_back(one.kind, 1);
    }
    for (const auto& [kind, count] : counts) parts.push_back(counted(count, kind));
  }
  return fmt::format("{}", fmt::join(parts, ", "));
}

std::string day_of(const MigrationSet& set, const std::string& name) {
  const auto generated = std::ranges::find(set.generated, name, &DrizzleEntry::tag);
  if (generated == set.generated.end()) return "";
  return fmt::format("{:%F}", std::chrono::floor<std::chrono::days>(from_micros(generated->when_ms * 1000)));
}

MigrationNote describe(const MigrationSet& set, const Standing& standing, Dialect dialect) {
  const Migration& migration = *standing.migration;
  const MigrationOptions& options = migration.up->options;
  const auto comments = read_comments(migration.up->sql);
  const auto either = [&](const std::string& option, const char* word) {
    const auto comment = comments.find(word);
    return !option.empty() ? option : comment != comments.end() ? comment->second : std::string();
  };
  MigrationNote note;
  note.name = migration.name;
  note.purpose = either(options.purpose, "purpose");
  note.date = either(options.date, "date");
  if (note.date.empty()) note.date = day_of(set, migration.name);
  note.changes = changes_of(*migration.up, dialect);
  note.risk = either(options.risk, "risk");
  note.impact = either(options.impact, "impact");
  const bool is_derived = standing.row && !standing.row->down_script.empty();
  note.way_back = migration.down ? migration.down->file : is_derived ? "derived" : "none";
  note.state = name_of(standing.state);
  return note;
}

std::string cell(std::string text) {
  for (std::size_t at = 0; (at = text.find('|', at)) != std::string::npos; at += 2) text.insert(at, "\\");
  return text.empty() ? "-" : text;
}

}  // namespace

std::vector<MigrationNote> describe(const MigrationSet& set, const std::vector<Standing>& standings,
                                    Dialect dialect) {
  std::vector<MigrationNote> notes;
  for (const Standing& one : standings) {
    if (one.migration != nullptr) notes.push_back(describe(set, one, dialect));
  }
  return notes;
}

std::string as_markdown(const std::vector<MigrationNote>& notes, bool with_state) {
  std::string text = fmt::format(
      "| migration | {}purpose | date | changes | way back | risk | impact |\n| --- {}| --- | --- | --- | "
      "--- "
      "| --- | --- |\n",
      with_state ? "state | " : "", with_state ? "| --- " : "");
  for (const MigrationNote& note : notes) {
    text += fmt::format("| {} | {}{} | {} | {} | {} | {} | {} |\n", note.name,
                        with_state ? note.state + " | " : "", cell(note.purpose), cell(note.date),
                        cell(note.changes), cell(note.way_back), cell(note.risk), cell(note.impact));
  }
  return text;
}

}  // namespace guildhall::migrate
