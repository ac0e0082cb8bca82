#include "migrate/schema_effect.h"

#include <fmt/format.h>

#include <algorithm>

namespace guildhall::migrate {
namespace {

/// Whose rows a statement writes, as it is written; "" when it is none that names a table.
std::string written_table(const SqlStatement& statement) {
  const auto& tokens = statement.tokens;
  const bool update = is_keyword(tokens[0], "update");
  for (std::size_t i = 0; i < tokens.size(); ++i) {
    const bool before_name = update ? i == 0 : is_keyword(tokens[i], "into") || is_keyword(tokens[i], "from");
    if (!before_name || i + 1 >= tokens.size()) continue;
    std::string name(tokens[i + 1].text);
    for (std::size_t next = i + 2; next + 1 < tokens.size() && is_symbol(tokens[next], "."); next += 2)
      name += "." + std::string(tokens[next + 1].text);
    return name;
  }
  return "";
}

std::string without_quotes(std::string name) {
  std::erase(name, '"');
  return name;
}

/// Rows that were there before: not those of a table that the migration made. What a block of code does
/// nobody knows.
bool changes_rows(const SqlStatement& statement, const std::vector<SchemaDifference>& changes) {
  const std::string tag = command_tag(statement);
  if (tag == "DO" || tag == "CALL" || tag == "TRUNCATE" || tag == "EXECUTE") return true;
  if (tag != "INSERT" && tag != "UPDATE" && tag != "DELETE" && tag != "MERGE") return false;
  const std::string table = without_quotes(written_table(statement));
  return std::ranges::none_of(changes, [&](const SchemaDifference& change) {
    return change.kind == SchemaDifference::Kind::added && change.to.kind == "table" &&
           (without_quotes(change.to.name) == table || without_quotes(change.to.name).ends_with("." + table));
  });
}

std::string opposite_of(const std::string& line) {
  if (line.starts_with("added ")) return "dropped " + line.substr(6);
  if (line.starts_with("dropped ")) return "added " + line.substr(8);
  return line;
}

}  // namespace

std::vector<std::string> change_lines(const std::vector<SchemaDifference>& changes) {
  std::vector<std::string> lines;
  for (const SchemaDifference& change : changes) {
    const char* what = change.kind == SchemaDifference::Kind::missing ? "dropped"
                       : change.kind == SchemaDifference::Kind::added ? "added"
                                                                      : "changed";
    lines.push_back(fmt::format("{} {}", what, change.object().title()));
  }
  return lines;
}

std::string not_undone(const std::vector<std::string>& made, const std::vector<std::string>& undone) {
  std::vector<std::string> wrong;
  for (const std::string& line : made) {
    if (std::ranges::find(undone, opposite_of(line)) == undone.end()) wrong.push_back("still there: " + line);
  }
  for (const std::string& line : undone) {
    if (std::ranges::find(made, opposite_of(line)) == made.end()) wrong.push_back("too much: " + line);
  }
  return fmt::format("{}", fmt::join(wrong, "; "));
}

DerivedDown derive_way_back(std::span<const SqlStatement> statements, const SchemaSnapshot& before,
                            const SchemaSnapshot& after, Dialect dialect) {
  const auto changes = differences(before, after);
  const bool changes_data = std::ranges::any_of(
      statements, [&](const SqlStatement& statement) { return changes_rows(statement, changes); });
  return derive_down(before, after, dialect, changes_data);
}

}  // namespace guildhall::migrate
