#include "migrate/drizzle_list.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "base/json.h"

namespace guildhall::migrate {
namespace {

namespace fs = std::filesystem;

constexpr const char* kFile = "meta/_journal.json";

std::optional<std::string> read_list(const std::string& directory) {
  std::ifstream input(fs::path(directory) / kFile, std::ios::binary);
  if (!input) return std::nullopt;
  std::stringstream content;
  content << input.rdbuf();
  return content.str();
}

void add(MigrationSet& set, std::string code, Level level, std::string name, std::string text,
         std::string hint = {}) {
  set.findings.push_back({std::move(code), level, std::move(name), 0, std::move(text), std::move(hint)});
}

std::int64_t number_in(std::string_view tag) {
  std::int64_t number = 0;
  for (const char c : tag) {
    if (c < '0' || c > '9') break;
    number = number * 10 + (c - '0');
  }
  return number;
}

void check_entry(const DrizzleEntry& entry, const DrizzleEntry* before, const std::string& directory,
                 MigrationSet& set) {
  if (set.find(entry.tag) == nullptr) {
    add(set, "E-TAG", Level::error, entry.tag, fmt::format("is in {}, and there is no such file", kFile),
        fmt::format("Bring {}.sql back, or take the entry out of the list.", entry.tag));
  }
  if (entry.index != number_in(entry.tag)) {
    add(set, "W-INDEX", Level::warning, entry.tag, fmt::format("is number {} in {}", entry.index, kFile),
        "The name decides; the list is not followed.");
  }
  if (before != nullptr && entry.when_ms <= before->when_ms) {
    add(set, "W-WHEN", Level::warning, entry.tag,
        fmt::format("is no later than {} in {}: Drizzle passes over it in silence", before->tag, kFile),
        "Here the number decides, not the time.");
  }
  const auto snapshot = fs::path(directory) / fmt::format("meta/{}_snapshot.json", entry.tag.substr(0, 4));
  std::error_code failed;
  if (!fs::exists(snapshot, failed)) {
    add(set, "W-SNAPSHOT", Level::warning, entry.tag,
        fmt::format("has no {}: what Drizzle generates next may hold it again",
                    snapshot.filename().string()));
  }
}

}  // namespace

void add_drizzle_list(const std::string& directory, bool required, Dialect dialect, MigrationSet& set) {
  const auto content = read_list(directory);
  if (!content) {
    if (required)
      add(set, "E-LAYOUT", Level::error, kFile, "is not there: this is no directory of Drizzle's",
          "Leave --layout away.");
    return;
  }
  const auto list = json::parse(*content);
  if (!list || !list->is_object() || json::find(*list, "entries") == nullptr) {
    add(set, "E-LIST", Level::error, kFile,
        list ? "is no list of Drizzle's" : fmt::format("cannot be read: {}", list.error().message),
        "Bring it back from the repository, or use --layout plain.");
    return;
  }
  if (const auto version = json::text_or(*list, "version", ""); version != "7")
    add(set, "W-LIST", Level::warning, kFile, fmt::format("has version '{}'; known is 7", version));
  if (const auto listed = drizzle_dialect(directory); listed && *listed != dialect)
    add(set, "E-DIALECT", Level::error, kFile,
        fmt::format("says that the files are for {}", json::text_or(*list, "dialect", "")),
        "Name a database of that kind with --url.");
  for (const json::Value& entry : json::array(*list, "entries")) {
    set.generated.push_back({json::integer(entry, "idx").value_or(-1),
                             json::integer(entry, "when").value_or(0), json::text_or(entry, "tag", "")});
  }
  const DrizzleEntry* before = nullptr;
  for (const DrizzleEntry& entry : set.generated) {
    check_entry(entry, before, directory, set);
    before = &entry;
  }
  for (const Migration& migration : set.migrations) {
    if (std::ranges::find(set.generated, migration.name, &DrizzleEntry::tag) == set.generated.end())
      add(set, "I-HANDWRITTEN", Level::info, migration.name,
          fmt::format("is not in {}: hand-written", kFile));
  }
}

std::optional<Dialect> drizzle_dialect(const std::string& directory) {
  const auto content = read_list(directory);
  if (!content) return std::nullopt;
  const auto list = json::parse(*content);
  const std::string dialect = list ? json::text_or(*list, "dialect", "") : "";
  if (dialect == "postgresql" || dialect == "pg") return Dialect::postgres;
  if (dialect == "sqlite") return Dialect::sqlite;
  return std::nullopt;
}

}  // namespace guildhall::migrate
