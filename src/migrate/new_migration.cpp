#include "migrate/new_migration.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <filesystem>

#include "base/text.h"
#include "migrate/history.h"

namespace guildhall::migrate {
namespace {

/// Letters and digits, and one '_' for whatever lies between them.
std::string name_of(std::string_view description) {
  std::string name;
  for (const char c : to_lower_ascii(description)) {
    if ((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9')) {
      name += c;
    } else if (!name.empty() && name.back() != '_') {
      name += '_';
    }
  }
  while (name.ends_with('_')) name.pop_back();
  return name;
}

/// On one line, between quotes.
std::string quotable(std::string text) {
  for (char& c : text) {
    if (c == '"') c = '\'';
    if (static_cast<unsigned char>(c) < ' ') c = ' ';
  }
  return text;
}

/// Never over a file that is there.
bool write_new(const std::filesystem::path& path, const std::string& content) {
  const int file = open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
  if (file < 0) return false;
  const bool written = write(file, content.data(), content.size()) == static_cast<ssize_t>(content.size());
  return close(file) == 0 && written;
}

}  // namespace

Outcome<NewFiles> make_migration(const MigrationSet& set, const std::vector<JournalRow>& journal,
                                 const std::string& description, const std::string& date) {
  const std::string name = name_of(description);
  if (name.empty() || name.size() > 200) {
    return stop(Exit::usage, "E-NAME", fmt::format("'{}' makes no name of a file", shorten(description, 60)),
                "Say in a few words what it does: guildhall migrate new \"add entry count\"");
  }
  std::int64_t highest = -1;
  for (const Migration& one : set.migrations) highest = std::max(highest, one.number);
  for (const JournalRow& row : journal) {
    std::int64_t number = 0;
    std::from_chars(row.name.data(), row.name.data() + row.name.size(), number);
    highest = std::max(highest, number);
  }
  const std::string stem = fmt::format("{:04}_{}", highest + 1, name);
  const std::filesystem::path directory = set.directory;
  const NewFiles files{(directory / (stem + ".sql")).string(), (directory / (stem + ".down.sql")).string()};
  const std::string up = fmt::format("-- guildhall: purpose=\"{}\" date={} risk=low impact=\"none\"\n\n",
                                     quotable(shorten(description, 120)), date);
  const std::string down = fmt::format("-- Undoes {}.sql, exactly.\n\n", stem);
  if (!write_new(files.up, up)) {
    return stop(Exit::no_permission, "E-WRITE",
                fmt::format("'{}' cannot be written, or is there already", files.up),
                "Give this user the right to write in the directory.");
  }
  if (!write_new(files.down, down)) {
    std::filesystem::remove(files.up);
    return stop(Exit::no_permission, "E-WRITE",
                fmt::format("'{}' cannot be written, or is there already", files.down), "Move it away.");
  }
  return files;
}

}  // namespace guildhall::migrate
