#include "migrate/migration_files.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <fstream>
#include <iterator>
#include <map>
#include <set>

#include "base/text.h"
#include "migrate/checksums.h"
#include "migrate/drizzle_list.h"
#include "migrate/script_rules.h"

namespace guildhall::migrate {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kUpMark = "-- guildhall:up";
constexpr std::string_view kDownMark = "-- guildhall:down";

struct SourceFile {
  std::string name;
  std::string content;
};

struct FileName {
  std::string stem;
  std::int64_t number = 0;
  std::optional<Dialect> dialect;  // nothing: for both
  bool is_down = false;
};

/// "0004_add_entry_count": four digits or more, '_', then lower-case letters, digits and '_'.
std::optional<std::int64_t> number_of_stem(std::string_view stem) {
  const auto digits = std::min(stem.find_first_not_of("0123456789"), stem.size());
  if (digits < 4 || digits > 18 || digits + 1 >= stem.size() || stem[digits] != '_') return std::nullopt;
  if (stem.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789_", digits) != std::string_view::npos)
    return std::nullopt;
  std::int64_t number = 0;
  std::from_chars(stem.data(), stem.data() + digits, number);
  return number;
}

std::optional<FileName> read_name(std::string_view file) {
  FileName name;
  if (!file.ends_with(".sql")) return std::nullopt;
  file.remove_suffix(4);
  if (file.ends_with(".down")) {
    name.is_down = true;
    file.remove_suffix(5);
  }
  for (const auto& [ending, dialect] :
       {std::pair{std::string_view(".postgres"), Dialect::postgres}, {".sqlite", Dialect::sqlite}}) {
    if (!file.ends_with(ending)) continue;
    name.dialect = dialect;
    file.remove_suffix(ending.size());
    break;
  }
  const auto number = number_of_stem(file);
  if (!number) return std::nullopt;
  name.stem = file;
  name.number = *number;
  return name;
}

std::optional<std::string> read_whole(const fs::path& path) {
  std::ifstream input(path, std::ios::binary);
  if (!input) return std::nullopt;
  std::string content(std::istreambuf_iterator<char>(input), {});
  if (input.bad()) return std::nullopt;
  return content;
}

/// Is what a link leads to still within the directory?
bool stays_within(const fs::path& path, const fs::path& directory) {
  std::error_code failed;
  const auto real = fs::canonical(path, failed);
  if (failed) return false;
  const auto root = fs::canonical(directory, failed);
  const auto relative = real.lexically_relative(root);
  return !failed && !relative.empty() && *relative.begin() != "..";
}

void add(Findings& findings, std::string code, Level level, std::string name, std::string text,
         std::string hint = {}, std::size_t line = 0) {
  findings.push_back({std::move(code), level, std::move(name), line, std::move(text), std::move(hint)});
}

/// The .sql files of a directory, by name.
Result<std::vector<SourceFile>> read_directory(const fs::path& directory, Findings& findings) {
  std::error_code failed;
  if (!fs::is_directory(directory, failed)) {
    return fail(ErrorCode::not_found, fmt::format("there is no directory '{}'", directory.string()),
                "--dir names the directory of the migrations.");
  }
  std::vector<SourceFile> files;
  fs::directory_iterator entries(directory, failed);
  if (failed) {
    return fail(ErrorCode::forbidden,
                fmt::format("'{}' cannot be read: {}", directory.string(), failed.message()),
                "Give this user the right to read it.");
  }
  for (const auto& entry : entries) {
    const std::string name = entry.path().filename().string();
    if (!name.ends_with(".sql")) continue;
    if (entry.is_symlink() && !stays_within(entry.path(), directory)) {
      add(findings, "E-SYMLINK", Level::error, name, "the link leads out of the directory, or nowhere",
          "Put the file itself here.");
      continue;
    }
    if (!entry.is_regular_file(failed)) {
      add(findings, "E-NOFILE", Level::error, name, "is no file", "Move it away.");
      continue;
    }
    auto content = read_whole(entry.path());
    if (!content) {
      return fail(ErrorCode::forbidden, fmt::format("'{}' cannot be read", entry.path().string()),
                  "Give this user the right to read it.");
    }
    files.push_back({name, *std::move(content)});
  }
  std::ranges::sort(files, {}, &SourceFile::name);
  return files;
}

/// A file's text cut at its section marks, each on the lines that it has in the file.
struct Sections {
  std::string up;
  std::optional<std::string> down;
};

std::string on_its_lines(std::string_view text, std::size_t begin, std::size_t end) {
  const auto lines = std::count(text.begin(), text.begin() + static_cast<std::ptrdiff_t>(begin), '\n');
  return std::string(static_cast<std::size_t>(lines), '\n') + std::string(text.substr(begin, end - begin));
}

/// Only a comment that is nothing but the mark cuts: within a string it is data.
Sections cut_sections(std::string_view text, const std::vector<Token>& tokens) {
  std::optional<std::size_t> up;
  std::optional<std::size_t> down;
  for (const Token& token : tokens) {
    if (token.kind != TokenKind::comment) continue;
    const auto offset = static_cast<std::size_t>(token.text.data() - text.data());
    if (trim(token.text) == kUpMark && !up) up = offset;
    if (trim(token.text) == kDownMark && !down) down = offset;
  }
  if (!down) return {std::string(text), std::nullopt};
  const std::size_t down_end = up && *up > *down ? *up : text.size();
  const std::size_t up_begin = up && *up > *down ? *up : 0;
  const std::size_t up_end = up && *up > *down ? text.size() : *down;
  return {on_its_lines(text, up_begin, up_end), on_its_lines(text, *down, down_end)};
}

/// "line 7: a string without an end" -> line 7.
void add_lexing_error(Findings& findings, const std::string& file, const Error& error) {
  std::string_view text = error.message;
  std::size_t line = 0;
  if (text.starts_with("line ")) {
    const auto [end, failed] = std::from_chars(text.data() + 5, text.data() + text.size(), line);
    text.remove_prefix(
        std::min(text.find(' ', static_cast<std::size_t>(end - text.data())) + 1, text.size()));
  }
  add(findings, "E-SQL", Level::error, file, std::string(text), error.hint, line);
}

std::unique_ptr<const Script> make_script(const std::string& file, std::string sql, std::string checksum,
                                          Dialect dialect, Findings& findings) {
  auto script = std::make_unique<Script>();
  script->file = file;
  script->sql = std::move(sql);
  script->checksum = std::move(checksum);
  const auto tokens = lex(script->sql, dialect);
  auto statements = split_statements(script->sql, dialect);
  if (!tokens || !statements) {
    add_lexing_error(findings, file, tokens ? statements.error() : tokens.error());
    return script;
  }
  script->token_checksum = checksum_of_tokens(script->sql, dialect).value_or("");
  script->options = read_options(*tokens, file, findings);
  script->statements = *std::move(statements);
  check_script(*script, dialect, findings);
  return script;
}

/// The two directions that one file holds.
struct Scripts {
  std::unique_ptr<const Script> first;
  std::unique_ptr<const Script> down;  // of a section
};

/// The first line that is not clean UTF-8, from 1; 0: all are.
std::size_t broken_line(std::string_view content) {
  for (std::size_t line = 1; !content.empty(); ++line) {
    const auto end = std::min(content.find('\n'), content.size() - 1);
    if (!is_clean_utf8(content.substr(0, end))) return line;
    content.remove_prefix(end + 1);
  }
  return 0;
}

Scripts read_scripts(const SourceFile& file, Dialect dialect, Findings& findings) {
  if (const auto line = broken_line(file.content); line > 0) {
    add(findings, "E-ENCODING", Level::error, file.name, "is not UTF-8", "Save it as UTF-8.", line);
    auto script = std::make_unique<Script>();
    script->file = file.name;
    script->checksum = checksum_of_bytes(file.content);
    return {std::move(script), nullptr};
  }
  const std::string_view text = without_byte_order_mark(file.content);
  const auto tokens = lex(text, dialect);
  Sections sections = tokens ? cut_sections(text, *tokens) : Sections{std::string(text), std::nullopt};
  const bool whole = !sections.down;
  Scripts scripts;
  std::string checksum = checksum_of_bytes(whole ? std::string_view(file.content) : trim(sections.up));
  scripts.first = make_script(file.name, std::move(sections.up), std::move(checksum), dialect, findings);
  if (whole) return scripts;
  checksum = checksum_of_bytes(trim(*sections.down));
  scripts.down = make_script(file.name, *std::move(sections.down), std::move(checksum), dialect, findings);
  return scripts;
}

/// The files that belong to one stem, for one database.
struct Group {
  std::int64_t number = 0;
  std::vector<const SourceFile*> ups;
  std::vector<const SourceFile*> downs;
  const SourceFile* of_other = nullptr;  // written for the other database
};

std::map<std::string, Group> group_files(const std::vector<SourceFile>& files, Dialect dialect,
                                         Findings& findings) {
  std::map<std::string, Group> groups;
  for (const SourceFile& file : files) {
    const auto name = read_name(file.name);
    if (!name) {
      add(findings, "W-STRAY", Level::warning, file.name, "has no name of a migration and is never run",
          "Name it NNNN_what_it_does.sql (lower-case letters, digits and '_'), or move it away.");
      continue;
    }
    Group& group = groups[name->stem];
    group.number = name->number;
    if (name->dialect && *name->dialect != dialect) {
      group.of_other = &file;
    } else {
      (name->is_down ? group.downs : group.ups).push_back(&file);
    }
  }
  return groups;
}

std::optional<Migration> read_migration(const std::string& name, const Group& group, Dialect dialect,
                                        Findings& findings) {
  for (const auto* list : {&group.ups, &group.downs}) {
    if (list->size() < 2) continue;
    add(findings, "E-VARIANT", Level::error, name,
        fmt::format("there are both {} and {}", (*list)[0]->name, (*list)[1]->name),
        "Write one for both databases, or one for each.");
  }
  if (group.ups.empty()) {
    if (group.of_other == nullptr)
      add(findings, "E-ORPHAN", Level::error, group.downs.front()->name, "is a way back from nothing",
          fmt::format("Add {}.sql, or move it away.", name));
    return std::nullopt;
  }
  Migration migration{name, group.number, nullptr, nullptr};
  Scripts scripts = read_scripts(*group.ups.front(), dialect, findings);
  if (scripts.first->options.only && *scripts.first->options.only != dialect) return std::nullopt;
  migration.up = std::move(scripts.first);
  migration.down = std::move(scripts.down);
  if (group.downs.empty()) return migration;
  if (migration.down) {
    add(findings, "E-TWODOWNS", Level::error, name,
        fmt::format("has a section for the way back and {} as well", group.downs.front()->name),
        "Keep one of them.");
    return migration;
  }
  migration.down = read_scripts(*group.downs.front(), dialect, findings).first;
  return migration;
}

void check_numbers(const MigrationSet& set, Findings& findings) {
  const Migration* before = nullptr;
  for (const Migration& migration : set.migrations) {
    if (before != nullptr && migration.number == before->number) {
      add(findings, "E-DUPNUM", Level::error, migration.name,
          fmt::format("has the number of {}", before->name), "Give one of them another number.");
    } else if (before != nullptr && migration.number > before->number + 1 && migration.number < 1'000'000) {
      add(findings, "I-GAP", Level::info, migration.name,
          fmt::format("comes right after {}; gaps are fine", before->name));
    }
    before = &migration;
  }
}

void check_needs(const MigrationSet& set, Findings& findings) {
  for (const Migration& migration : set.migrations) {
    for (const std::string& need : migration.up->options.needs) {
      const Migration* needed = set.find(need);
      if (needed == nullptr) {
        add(findings, "E-NEEDS", Level::error, migration.name,
            fmt::format("needs '{}', and there is no such migration", need), "Name it as its file is named.");
      } else if (needed >= &migration) {
        add(findings, "E-NEEDS", Level::error, migration.name,
            fmt::format("needs {}, which comes later", need), "Give it a higher number than that.");
      }
    }
  }
}

MigrationSet assemble(std::string directory, const std::vector<SourceFile>& files, Dialect dialect,
                      Findings findings) {
  MigrationSet set;
  set.directory = std::move(directory);
  set.findings = std::move(findings);
  for (const auto& [name, group] : group_files(files, dialect, set.findings)) {
    if (auto migration = read_migration(name, group, dialect, set.findings))
      set.migrations.push_back(*std::move(migration));
  }
  std::ranges::sort(set.migrations, [](const Migration& a, const Migration& b) {
    return std::tie(a.number, a.name) < std::tie(b.number, b.name);
  });
  check_numbers(set, set.findings);
  check_needs(set, set.findings);
  return set;
}

}  // namespace

const Migration* MigrationSet::find(std::string_view name) const {
  const auto found = std::ranges::find(migrations, name, &Migration::name);
  return found == migrations.end() ? nullptr : &*found;
}

bool MigrationSet::has_errors() const {
  return std::ranges::any_of(findings, [](const Finding& one) { return one.level == Level::error; });
}

Result<MigrationSet> read_migrations(const std::string& directory, Dialect dialect, FileLayout layout) {
  Findings findings;
  const auto files = read_directory(directory, findings);
  if (!files) return std::unexpected(files.error());
  MigrationSet set = assemble(directory, *files, dialect, std::move(findings));
  if (layout != FileLayout::plain) add_drizzle_list(directory, layout == FileLayout::drizzle, dialect, set);
  return set;
}

MigrationSet read_migrations(std::span<const EmbeddedFile> files, std::string origin, Dialect dialect) {
  std::vector<SourceFile> sources;
  for (const EmbeddedFile& file : files)
    sources.push_back({std::string(file.name), std::string(file.content)});
  return assemble(std::move(origin), sources, dialect, {});
}

std::vector<Dialect> dialects_of(const std::string& directory) {
  if (const auto listed = drizzle_dialect(directory)) return {*listed};
  std::set<Dialect> named;
  bool of_both = false;
  std::error_code failed;
  for (const auto& entry : fs::directory_iterator(directory, failed)) {
    const auto name = read_name(entry.path().filename().string());
    if (!name) continue;
    if (name->dialect) named.insert(*name->dialect);
    of_both |= !name->dialect;
  }
  if (named.empty() || (of_both && named.size() == 1 && named.contains(Dialect::sqlite)))
    named.insert(Dialect::postgres);
  return {named.begin(), named.end()};
}

}  // namespace guildhall::migrate
