#include "migrate/schema_drift.h"

#include <fmt/format.h>

#include <algorithm>
#include <expected>
#include <optional>
#include <set>

#include "migrate/schema_match.h"

namespace guildhall::migrate {
namespace {

/// The row of the journal that tells what the schema was when the tool last changed it.
const JournalRow* last_change(const std::vector<JournalRow>& rows) {
  const JournalRow* last = nullptr;
  for (const JournalRow& row : rows) {
    if (row.state == "applied" && !row.fingerprint_after.empty()) last = &row;
  }
  return last;
}

/// Objects by their titles, as the journal has them.
struct JournaledObjects {
  std::set<std::string> titles;
  bool from_nothing = false;  // there was no other before the first of them
};

/// What an empty database has of itself.
std::vector<SchemaSnapshot::Part> of_empty_database(const SchemaSnapshot& live,
                                                    const std::set<std::string>& made_since) {
  std::vector<SchemaSnapshot::Part> parts;
  for (const auto& part : live.parts()) {
    const bool is_own = std::ranges::all_of(part->objects, [&](const SchemaObject& object) {
      return (object.kind == "schema" || object.kind == "extension") && !made_since.contains(object.title());
    });
    if (is_own) parts.push_back(part);
  }
  return parts;
}

JournaledObjects journaled_objects(const std::vector<JournalRow>& rows, const SchemaSnapshot& live) {
  JournaledObjects objects;
  std::optional<std::string> at_first;
  for (const JournalRow& row : rows) {
    if (row.state != "applied" || row.direction == "repair") continue;
    if (!at_first) at_first = row.fingerprint_before;
    for (const std::string& line : lines_of(row.schema_changes)) {
      if (line.starts_with("added ")) objects.titles.insert(line.substr(6));
      if (line.starts_with("dropped ")) objects.titles.erase(line.substr(8));
    }
  }
  const SchemaSnapshot empty(of_empty_database(live, objects.titles));
  objects.from_nothing = at_first == empty.fingerprint();
  for (const SchemaObject* object : empty.objects()) objects.titles.insert(object->title());
  return objects;
}

class DriftSearch {
 public:
  DriftSearch(store::SchemaSession& session, const Target& target, const std::vector<JournalRow>& rows,
              const DriftOptions& options)
      : session_(session), target_(target), rows_(rows), options_(options) {}

  Findings run(const std::vector<Standing>& standings) {
    const JournalRow* last = last_change(rows_);
    if (last == nullptr) return {};
    expected_ = last->fingerprint_after;
    const SchemaSnapshot live = read_snapshot(session_, target_.dialect, target_.snapshot);
    found_ = live.fingerprint();
    if (found_ == expected_ && !options_.strict_order) return {};
    const auto made = make_again(standings);
    if (made) {
      compare_with_files(*made, standings);
    } else if (found_ == expected_) {
      add("W-ORDER", Level::warning, fmt::format("the order of columns cannot be compared: {}", made.error()),
          "");
    } else {
      compare_by_name(live, made.error());
    }
    return std::move(findings_);
  }

 private:
  void add(std::string code, Level level, std::string text, std::string hint) {
    findings_.push_back({std::move(code), level, target_.database, 0, std::move(text), std::move(hint)});
  }
  void differs(std::string text) {
    add("E-SCHEMA", Level::error, std::move(text), "Undo the change, or write it as a migration.");
  }
  std::string fingerprints() const {
    return found_ == expected_ ? "the schema is as the last migration left it, but for the order of columns"
                               : fmt::format("the schema is not what the last migration left ({}, not {})",
                                             found_.substr(0, 8), expected_.substr(0, 8));
  }
  SnapshotOptions detailed() const {
    SnapshotOptions options = target_.snapshot;
    options.strict_order = options_.strict_order;
    return options;
  }

  /// What the applied files make, or why that is not known.
  std::expected<SchemaSnapshot, std::string> make_again(const std::vector<Standing>& standings) {
    auto trial = TrialDatabase::make(target_, options_.scratch_url);
    if (!trial)
      return std::unexpected(fmt::format("no database to make it again in: {}", trial.error().finding.text));
    for (const Standing* one : in_order_of_application(standings)) {
      if (one->migration == nullptr) return std::unexpected(fmt::format("the file of {} is gone", one->name));
      if (const std::string failure = trial->apply(*one->migration); !failure.empty())
        return std::unexpected(fmt::format("{} alone does not apply: {}", one->name, failure));
    }
    if (trial->schema(target_.snapshot).fingerprint() == expected_) return trial->schema(detailed());
    return std::unexpected("the applied files make another schema than was there");
  }

  void compare_with_files(const SchemaSnapshot& made, const std::vector<Standing>& standings) {
    const auto lines = difference_lines(made, read_snapshot(session_, target_.dialect, detailed()));
    if (lines.empty()) return;
    add("I-SCHEMA", Level::info,
        fmt::format("{}; compared with what the {} applied files make in a database of its own",
                    fingerprints(), in_order_of_application(standings).size()),
        "");
    for (const std::string& line : lines) differs(line);
  }

  void compare_by_name(const SchemaSnapshot& live, const std::string& why) {
    const JournaledObjects known = journaled_objects(rows_, live);
    add("I-SCHEMA", Level::info,
        fmt::format("{}; compared by names with the journal{}, since {}", fingerprints(),
                    known.from_nothing ? "" : ", which does not know what was there before it", why),
        "");
    std::set<std::string> titles;
    for (const SchemaObject* object : live.objects()) titles.insert(object->title());
    const std::size_t before = findings_.size();
    for (const std::string& title : known.titles) {
      if (!titles.contains(title)) differs("missing " + title);
    }
    for (const std::string& title : titles) {
      if (known.from_nothing && !known.titles.contains(title)) differs("added " + title);
    }
    if (findings_.size() == before)
      differs("no object that the journal names is missing: one is defined otherwise, or is new");
  }

  store::SchemaSession& session_;
  const Target& target_;
  const std::vector<JournalRow>& rows_;
  const DriftOptions& options_;
  std::string expected_;  // fingerprints
  std::string found_;
  Findings findings_;
};

}  // namespace

Findings find_drift(store::SchemaSession& session, const Target& target, const std::vector<JournalRow>& rows,
                    const std::vector<Standing>& standings, const DriftOptions& options) {
  return DriftSearch(session, target, rows, options).run(standings);
}

}  // namespace guildhall::migrate
