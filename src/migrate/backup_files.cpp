#include "migrate/backup_files.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <fstream>
#include <iterator>
#include <span>
#include <utility>

#include "base/crypto.h"
#include "base/descriptor.h"
#include "base/files.h"
#include "base/json.h"

namespace guildhall::migrate {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kPartial = ".partial";
/// What SQLite may put beside a file that it writes.
constexpr std::array<std::string_view, 3> kOfSqlite{"-journal", "-wal", "-shm"};
constexpr std::string_view kRecord = ".json";
constexpr std::size_t kLongestName = 180;
constexpr std::size_t kLeftOfLongName = 160;
constexpr std::size_t kTimeLength = std::string_view("2025-11-15T10-30-00").size();

std::string_view extension_of(Dialect dialect) { return dialect == Dialect::sqlite ? ".db" : ".sql"; }

bool is_plain(char c) {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-' || c == '_' ||
         c == '.';
}

/// Of "2025-11-15T10-30-00".
std::optional<TimePoint> parse_file_time(std::string_view text) {
  if (text.size() != kTimeLength) return std::nullopt;
  std::string standard(text);
  standard[13] = standard[16] = ':';
  if (text[13] != '-' || text[16] != '-') return std::nullopt;
  const auto at = parse_rfc3339(standard + "Z");
  // What can be read in more than one way is not ours.
  return at && file_time(*at) == text ? std::optional(*at) : std::nullopt;
}

Result<void> bring_to_disk(const fs::path& folder) {
  if (const int number = sync_folder(folder); number != 0)
    return std::unexpected(file_error(number, "cannot bring to the disk", folder));
  return {};
}

Result<void> write_file(const fs::path& file, std::string_view text) {
  const Descriptor opened(::open(file.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600));
  if (opened.number() < 0) return std::unexpected(file_error(errno, "cannot make", file));
  while (!text.empty()) {
    const ssize_t written = ::write(opened.number(), text.data(), text.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return std::unexpected(file_error(errno, "cannot write", file));
    text.remove_prefix(static_cast<std::size_t>(written));
  }
  if (::fsync(opened.number()) != 0)
    return std::unexpected(file_error(errno, "cannot bring to the disk", file));
  return {};
}

Result<void> rename_file(const fs::path& from, const fs::path& to) {
  if (::rename(from.c_str(), to.c_str()) != 0)
    return std::unexpected(file_error(errno, fmt::format("cannot rename to '{}'", to.string()), from));
  return {};
}

Result<void> make_folder(const fs::path& folder) {
  std::error_code ignored;
  if (fs::is_directory(folder, ignored)) return {};
  if (folder.has_parent_path()) fs::create_directories(folder.parent_path(), ignored);
  if (::mkdir(folder.c_str(), 0700) != 0 && errno != EEXIST)
    return std::unexpected(file_error(errno, "cannot make the folder", folder));
  if (!fs::is_directory(folder, ignored))
    return fail(ErrorCode::failed, fmt::format("'{}' is no folder", folder.string()),
                "Name a folder for the backups.");
  return {};
}

fs::path partial_of(const fs::path& file) { return file.string() + std::string(kPartial); }

}  // namespace

Error file_error(int number, std::string_view doing, const fs::path& file) {
  const std::string message = fmt::format("{} '{}': {}", doing, file.string(), std::strerror(number));
  switch (number) {
    case EACCES:
    case EPERM:
    case EROFS:
      return {ErrorCode::forbidden, message,
              "Give this user the right to write there, or name another folder."};
    case ENOSPC:
    case EDQUOT:
    case EFBIG: return {ErrorCode::too_large, message, "Free some space, or name another folder."};
    default: return {ErrorCode::failed, message};
  }
}

std::string safe_file_name(std::string_view database) {
  std::string safe;
  for (const char c : database) {
    const bool leads = safe.empty() && (c == '.' || c == '-');
    safe += is_plain(c) && !leads ? std::string(1, c) : fmt::format("%{:02X}", static_cast<unsigned char>(c));
  }
  if (safe.size() <= kLongestName) return safe;
  return safe.substr(0, kLeftOfLongName) + "%" + hex(sha256(database)).substr(0, 16);
}

std::string file_time(TimePoint at) {
  std::string text = format_rfc3339(std::chrono::floor<std::chrono::seconds>(at)).substr(0, kTimeLength);
  text[13] = text[16] = '-';
  return text;
}

std::string BackupName::text() const {
  return fmt::format("{}_{}{}", database, file_time(at), extension_of(dialect));
}

std::optional<BackupName> parse_backup_name(std::string_view file) {
  for (const Dialect dialect : {Dialect::postgres, Dialect::sqlite}) {
    const std::string_view extension = extension_of(dialect);
    if (!file.ends_with(extension)) continue;
    const std::string_view stem = file.substr(0, file.size() - extension.size());
    if (stem.size() < kTimeLength + 2 || stem[stem.size() - kTimeLength - 1] != '_') continue;
    const auto at = parse_file_time(stem.substr(stem.size() - kTimeLength));
    if (at) return BackupName{std::string(stem.substr(0, stem.size() - kTimeLength - 1)), *at, dialect};
  }
  return std::nullopt;
}

bool BackupRecord::is_whole() const {
  return std::ranges::all_of(tables, [](const TableRows& table) { return table.has_data; });
}

std::string write_record(const BackupRecord& record) {
  json::Array tables;
  for (const TableRows& table : record.tables)
    tables.push_back(
        json::Object{{"table", table.table}, {"rows", table.rows}, {"has_data", table.has_data}});
  const json::Object object{
      {"format", 1},
      {"sha256", record.sha256},
      {"size", record.size},
      {"database", record.database},
      {"server_version", record.server_version},
      {"dump_version", record.dump_version},
      {"taken_at", format_rfc3339(record.taken_at)},
      {"tables", std::move(tables)},
      {"fingerprint", record.fingerprint},
      {"journal_head", json::Object{{"seq", record.journal_head.seq}, {"name", record.journal_head.name}}},
      {"run_token", record.run_token},
      {"verified", record.verified}};
  return json::write(object) + "\n";
}

Result<BackupRecord> read_record(std::string_view text) {
  const auto value = json::parse(text);
  if (!value) return std::unexpected(value.error());
  const auto format = json::integer(*value, "format");
  const auto size = json::integer(*value, "size");
  const auto sum = json::text(*value, "sha256");
  const auto taken_at = json::time(*value, "taken_at");
  if (format && *format > 1)
    return fail(ErrorCode::invalid, fmt::format("its format {} is newer than this program", *format));
  for (const auto& [key, is_there] : {std::pair{"format", format.has_value()},
                                      {"size", size && *size >= 0},
                                      {"sha256", sum && sum->size() == 64},
                                      {"taken_at", taken_at.has_value()},
                                      {"tables", json::find(*value, "tables") != nullptr}}) {
    if (!is_there) return fail(ErrorCode::invalid, fmt::format("'{}' is missing or wrong", key));
  }
  BackupRecord record;
  record.sha256 = *sum;
  record.size = static_cast<std::uintmax_t>(*size);
  record.database = json::text_or(*value, "database", "");
  record.server_version = json::text_or(*value, "server_version", "");
  record.dump_version = json::text_or(*value, "dump_version", "");
  record.taken_at = *taken_at;
  for (const json::Value& table : json::array(*value, "tables")) {
    const auto name = json::text(table, "table");
    const auto rows = json::integer(table, "rows");
    if (!name || !rows) return fail(ErrorCode::invalid, "'tables' has an entry without a name or a number");
    record.tables.push_back({*name, *rows, json::boolean(table, "has_data").value_or(true)});
  }
  record.fingerprint = json::text_or(*value, "fingerprint", "");
  if (const json::Value* head = json::find(*value, "journal_head"); head != nullptr && head->is_object())
    record.journal_head = {json::integer(*head, "seq").value_or(0), json::text_or(*head, "name", "")};
  record.run_token = json::integer(*value, "run_token").value_or(0);
  record.verified = static_cast<int>(json::integer(*value, "verified").value_or(0));
  return record;
}

fs::path record_file(const fs::path& backup) { return backup.string() + std::string(kRecord); }

Result<BackupRecord> load_record(const fs::path& backup) {
  const fs::path file = record_file(backup);
  std::ifstream input(file, std::ios::binary);
  if (!input) {
    return fail(
        ErrorCode::not_found,
        fmt::format("'{}' is missing, without which nothing proves that the backup is whole", file.string()),
        "It was written beside the backup: copy both, or restore another backup.");
  }
  auto record = read_record(std::string(std::istreambuf_iterator<char>(input), {}));
  if (!record) {
    return fail(ErrorCode::invalid,
                fmt::format("'{}' is not what was written beside the backup: {}", file.string(),
                            record.error().message),
                "Restore another backup.");
  }
  return record;
}

PartialBackup::PartialBackup(fs::path folder, BackupName name, int descriptor)
    : folder_(std::move(folder)), name_(std::move(name)), descriptor_(descriptor) {}

PartialBackup::PartialBackup(PartialBackup&& other) noexcept
    : folder_(std::move(other.folder_)),
      name_(std::move(other.name_)),
      descriptor_(std::exchange(other.descriptor_, -1)) {}

PartialBackup::~PartialBackup() {
  if (descriptor_ < 0) return;
  ::close(descriptor_);
  std::error_code ignored;
  fs::remove(partial(), ignored);
  for (const std::string_view beside : kOfSqlite)
    fs::remove(partial().string() + std::string(beside), ignored);
}

fs::path PartialBackup::partial() const { return partial_of(file()); }

Result<PartialBackup> PartialBackup::begin(const fs::path& folder, std::string_view database, Dialect dialect,
                                           const Clock& clock, const std::function<void(Duration)>& wait) {
  if (auto made = make_folder(folder); !made) return std::unexpected(made.error());
  while (true) {
    const TimePoint now = clock.now();
    const auto second = std::chrono::floor<std::chrono::seconds>(now);
    const BackupName name{safe_file_name(database), second, dialect};
    const fs::path file = folder / name.text();
    const int descriptor = ::open(partial_of(file).c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (descriptor < 0 && errno != EEXIST)
      return std::unexpected(file_error(errno, "cannot make", partial_of(file)));
    if (descriptor >= 0) {
      // Whoever had this second before is done with it: looked at only now, nobody can come between.
      std::error_code ignored;
      PartialBackup claimed(folder, name, descriptor);
      if (!fs::exists(file, ignored) && !fs::exists(record_file(file), ignored)) return claimed;
    }
    wait(second + std::chrono::seconds(1) - now);
  }
}

Result<void> PartialBackup::sync() {
  if (::fsync(descriptor_) != 0)
    return std::unexpected(file_error(errno, "cannot bring to the disk", partial()));
  return {};
}

Result<void> PartialBackup::publish(const BackupRecord& record) {
  const fs::path beside = record_file(file());
  const fs::path unfinished = partial_of(beside);
  auto done = sync();
  if (done) done = write_file(unfinished, write_record(record));
  if (done) done = rename_file(unfinished, beside);
  // A backup with its final name has its record from the first moment on.
  if (done) done = bring_to_disk(folder_);
  if (done) done = rename_file(partial(), file());
  if (!done) {
    std::error_code ignored;
    fs::remove(unfinished, ignored);
    fs::remove(beside, ignored);
    return done;
  }
  ::close(std::exchange(descriptor_, -1));
  return bring_to_disk(folder_);
}

Result<std::vector<BackupFile>> list_backups(const fs::path& folder, std::optional<std::string> database) {
  std::vector<BackupFile> found;
  std::error_code error;
  if (database) database = safe_file_name(*database);
  for (fs::directory_iterator it(folder, error), end; !error && it != end; it.increment(error)) {
    const auto name = parse_backup_name(it->path().filename().string());
    std::error_code gone;
    if (!name || (database && name->database != *database) || !it->is_regular_file(gone)) continue;
    const auto size = it->file_size(gone);
    if (!gone) found.push_back({it->path(), *name, size});
  }
  if (error && error.value() != ENOENT)
    return std::unexpected(file_error(error.value(), "cannot read the folder", folder));
  std::ranges::sort(found, [](const BackupFile& a, const BackupFile& b) {
    return std::pair(a.name.at, a.name.text()) < std::pair(b.name.at, b.name.text());
  });
  return found;
}

namespace {

/// Torsos of this database whose writers are long gone.
Result<std::vector<std::string>> abandoned(const fs::path& folder, std::string_view database, TimePoint now) {
  std::vector<std::string> found;
  std::error_code error;
  for (fs::directory_iterator it(folder, error), end; !error && it != end; it.increment(error)) {
    std::string name = it->path().filename().string();
    std::string_view stem(name);
    for (const std::string_view beside : kOfSqlite) {
      if (stem.ends_with(beside)) stem.remove_suffix(beside.size());
    }
    if (!stem.ends_with(kPartial)) continue;
    stem.remove_suffix(kPartial.size());
    if (stem.ends_with(kRecord)) stem.remove_suffix(kRecord.size());
    const auto of = parse_backup_name(stem);
    if (of && of->database == safe_file_name(database) && of->at + std::chrono::days(1) < now)
      found.push_back(std::move(name));
  }
  if (error && error.value() != ENOENT)
    return std::unexpected(file_error(error.value(), "cannot read the folder", folder));
  return found;
}

Result<void> remove_file(const fs::path& file) {
  std::error_code error;
  fs::remove(file, error);
  if (error) return std::unexpected(file_error(error.value(), "cannot remove", file));
  return {};
}

}  // namespace

Result<std::vector<std::string>> prune(const fs::path& folder, std::string_view database, TimePoint now,
                                       const std::set<std::string>& referenced) {
  const auto backups = list_backups(folder, std::string(database));
  if (!backups) return std::unexpected(backups.error());
  auto removed = abandoned(folder, database, now);
  if (!removed) return removed;
  for (const std::string& name : *removed) {
    if (auto gone = remove_file(folder / name); !gone) return std::unexpected(gone.error());
  }
  const std::size_t candidates = backups->size() - std::min(backups->size(), kKeptAtLeast);
  for (const BackupFile& backup : std::span(*backups).first(candidates)) {
    const std::string name = backup.name.text();
    if (now - backup.name.at <= kKeptDays || referenced.contains(name)) continue;
    // Never a backup without its record: the backup goes first.
    for (const fs::path& file : {backup.path, record_file(backup.path)}) {
      if (auto gone = remove_file(file); !gone) return std::unexpected(gone.error());
    }
    removed->push_back(name);
  }
  return removed;
}

Result<std::string> sha256_of_file(const fs::path& file, const std::function<bool(std::uintmax_t)>& each) {
  const Descriptor opened(::open(file.c_str(), O_RDONLY | O_CLOEXEC));
  if (opened.number() < 0) {
    if (errno == ENOENT)
      return fail(ErrorCode::not_found, fmt::format("there is no file '{}'", file.string()));
    Error error = file_error(errno, "cannot read", file);
    error.hint = "";
    return std::unexpected(std::move(error));
  }
  Sha256 sum;
  std::vector<char> buffer(1UL << 18);
  std::uintmax_t done = 0;
  while (true) {
    const ssize_t count = ::read(opened.number(), buffer.data(), buffer.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return std::unexpected(file_error(errno, "cannot read", file));
    if (count == 0) return hex(sum.finish());
    sum.add({buffer.data(), static_cast<std::size_t>(count)});
    done += static_cast<std::uintmax_t>(count);
    if (each && !each(done)) return fail(ErrorCode::unavailable, "it was ended before it was done");
  }
}

Result<std::uintmax_t> free_space(const fs::path& folder) {
  std::error_code ignored;
  fs::path existing = fs::absolute(folder, ignored);
  while (!fs::exists(existing, ignored) && existing.has_relative_path()) existing = existing.parent_path();
  struct statvfs disk{};
  if (::statvfs(existing.c_str(), &disk) != 0)
    return std::unexpected(file_error(errno, "cannot look at the disk of", existing));
  return static_cast<std::uintmax_t>(disk.f_bavail) * disk.f_frsize;
}

std::string shown_bytes(std::uintmax_t bytes) {
  constexpr std::array kUnits{"KiB", "MiB", "GiB", "TiB"};
  if (bytes < 1024) return fmt::format("{} bytes", bytes);
  double amount = static_cast<double>(bytes) / 1024;
  std::size_t unit = 0;
  while (amount >= 1024 && unit + 1 < kUnits.size()) {
    amount /= 1024;
    ++unit;
  }
  return fmt::format("{:.1f} {}", amount, kUnits.at(unit));
}

}  // namespace guildhall::migrate
