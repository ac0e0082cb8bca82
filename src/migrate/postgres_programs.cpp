#include "migrate/postgres_programs.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <csignal>
#include <optional>

#include "base/text.h"
#include "store/postgres/address.h"

namespace guildhall::migrate {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kInstalled = "/usr/lib/postgresql";
constexpr std::size_t kShownLines = 4;

int leading_number(std::string_view text) {
  int number = 0;
  std::from_chars(text.data(), text.data() + text.size(), number);
  return number;
}

std::optional<Program> ask_version(const fs::path& path) {
  const auto end = run_child({{path.string(), "--version"}, own_environment()});
  if (!end || !end->succeeded()) return std::nullopt;
  const ProgramVersion version = parse_program_version(end->output);
  return version.major == 0 ? std::nullopt : std::optional(Program{path, version});
}

}  // namespace

std::string ProgramVersion::text() const { return fmt::format("{}.{}", major, minor); }

ProgramVersion parse_program_version(std::string_view text) {
  constexpr std::string_view kBefore = "(PostgreSQL) ";
  const auto at = text.find(kBefore);
  if (at == std::string_view::npos) return {};
  const std::string_view number = text.substr(at + kBefore.size());
  const auto dot = number.find_first_not_of("0123456789");
  const bool has_minor = dot != std::string_view::npos && number[dot] == '.';
  return {leading_number(number), has_minor ? leading_number(number.substr(dot + 1)) : 0};
}

ProgramVersion server_version(int number) { return {number / 10'000, number % 10'000}; }

bool knows_restrict(ProgramVersion psql) {
  // The first of each major version that has it.
  constexpr std::array<std::pair<int, int>, 5> kFirst{{{13, 22}, {14, 19}, {15, 14}, {16, 10}, {17, 6}}};
  for (const auto& [major, minor] : kFirst) {
    if (psql.major == major) return psql.minor >= minor;
  }
  return psql.major > kFirst.back().first;
}

std::vector<fs::path> program_folders() {
  std::vector<fs::path> folders;
  const Environment environment = own_environment();
  const auto path = environment.find("PATH");
  std::string_view rest = path == environment.end() ? std::string_view() : path->second;
  while (!rest.empty()) {
    const auto colon = std::min(rest.find(':'), rest.size());
    if (colon > 0) folders.emplace_back(rest.substr(0, colon));
    rest.remove_prefix(std::min(colon + 1, rest.size()));
  }
  std::vector<std::pair<int, fs::path>> installed;
  std::error_code error;
  for (fs::directory_iterator it(kInstalled, error), end; !error && it != end; it.increment(error))
    installed.emplace_back(leading_number(it->path().filename().string()), it->path() / "bin");
  std::ranges::sort(installed, std::greater());
  for (auto& [major, folder] : installed) folders.push_back(std::move(folder));
  return folders;
}

Result<Program> find_program(std::string_view name, ProgramVersion server,
                             const std::vector<fs::path>& folders) {
  std::optional<Program> newest;
  std::vector<fs::path> looked_at;
  for (const fs::path& folder : folders) {
    const fs::path path = folder / name;
    std::error_code ignored;
    // The same program under several names is asked once.
    const fs::path real = fs::weakly_canonical(path, ignored);
    if (::access(path.c_str(), X_OK) != 0 || std::ranges::find(looked_at, real) != looked_at.end()) continue;
    looked_at.push_back(real);
    const auto program = ask_version(path);
    if (program && (!newest || program->version > newest->version)) newest = program;
  }
  if (newest && newest->version.major >= server.major) return *newest;
  const std::string hint = fmt::format(
      "Install the client programs of PostgreSQL {} (on Debian: postgresql-client-{}), or put them into "
      "PATH.",
      server.major, server.major);
  if (!newest) {
    return fail(ErrorCode::failed,
                fmt::format("the program {} is neither in PATH nor in {}", name, kInstalled), hint);
  }
  return fail(ErrorCode::failed,
              fmt::format("{} {} is too old for the server's version {}", newest->path.string(),
                          newest->version.text(), server.text()),
              hint);
}

Result<Environment> program_environment(const std::string& url, const std::string& database) {
  auto of_address = store::connection_environment(url);
  if (!of_address) return std::unexpected(of_address.error());
  Environment environment = own_environment();
  for (auto& [name, value] : *of_address) environment[name] = std::move(value);
  if (!database.empty()) environment["PGDATABASE"] = database;
  environment["LC_ALL"] = "C";
  return environment;
}

Result<void> load_sql(const Program& psql, const std::string& url, const std::string& database,
                      const fs::path& file, const std::stop_token& stop) {
  auto environment = program_environment(url, database);
  if (!environment) return std::unexpected(environment.error());
  const auto end = run_child({{psql.path.string(), "-X", "-1", "-q", "-w", "-v", "ON_ERROR_STOP=1", "-o",
                               "/dev/null", "-f", fs::absolute(file).string()},
                              *environment},
                             stop);
  if (!end) return std::unexpected(end.error());
  if (end->succeeded()) return {};
  if (end->ended_by_us) return fail(ErrorCode::unavailable, "it was ended before it was done");
  return fail(speaks_of_full_disk(*end) ? ErrorCode::too_large : ErrorCode::failed,
              fmt::format("psql cannot load it: {}", own_words(*end)));
}

std::string own_words(const ChildEnd& end) {
  std::vector<std::string> lines;
  std::string_view rest = end.errors;
  while (!rest.empty() && lines.size() < kShownLines) {
    const auto feed = std::min(rest.find('\n'), rest.size());
    const std::string_view line = trim(rest.substr(0, feed));
    // The context of an error may be somebody's row.
    if (!line.empty() && !line.starts_with("CONTEXT:")) lines.push_back(shorten(clean_utf8(line), 300));
    rest.remove_prefix(std::min(feed + 1, rest.size()));
  }
  if (!lines.empty()) return fmt::format("{}", fmt::join(lines, "; "));
  return end.signal != 0 ? fmt::format("it was ended by signal {}", end.signal)
                         : fmt::format("it ended with status {} and no word", end.status);
}

bool speaks_of_full_disk(const ChildEnd& end) {
  if (end.signal == SIGXFSZ) return true;
  return std::ranges::any_of(std::array{"No space left", "Disk quota exceeded", "File too large"},
                             [&](const char* words) { return end.errors.find(words) != std::string::npos; });
}

}  // namespace guildhall::migrate
