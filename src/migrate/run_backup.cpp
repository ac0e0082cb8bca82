#include "migrate/run_backup.h"

#include <fmt/format.h>

#include <chrono>

#include "base/clock.h"
#include "migrate/schema_snapshot.h"

namespace guildhall::migrate {

BackupOptions backup_options_of(const Target& target, const BackupWish& wish, std::int64_t run_token,
                                const FreeSpaceOf& free_space, const Say& say) {
  static const SystemClock clock;
  BackupOptions wanted;
  wanted.url = target.url;
  wanted.folder = wish.folder;
  wanted.external = wish.external;
  if (wish.touched_only) wanted.coverage = Coverage::schema_and_touched;
  if (!wanted.external.empty()) wanted.coverage = Coverage::external;
  wanted.scratch_url = wish.scratch_url;
  wanted.proof = wish.proof;
  wanted.reader = target.reader;
  wanted.fingerprint = [&target](store::SchemaSession& session) {
    return read_snapshot(session, target.dialect, target.snapshot).fingerprint();
  };
  wanted.run_token = run_token;
  wanted.free_space = free_space;
  wanted.clock = &clock;
  wanted.reporting.report = [&say](const Progress& progress) {
    say(progress.all == 0
            ? fmt::format("backup: {} ...", progress.step)
            : fmt::format("backup: {} {} %", progress.step, 100 * progress.done / progress.all));
  };
  return wanted;
}

Outcome<Backup> take_before_run(BackupOptions options, Interrupt* interrupt, const Say& say) {
  const auto begun = std::chrono::steady_clock::now();
  std::stop_source stop;
  options.reporting.stop = stop.get_token();
  if (interrupt != nullptr) {
    interrupt->set_cancel([&stop] { stop.request_stop(); });
    // Whoever was told before cancels nothing more.
    if (interrupt->signal() != 0) stop.request_stop();
  }
  auto backup = take_backup(options);
  if (interrupt != nullptr) {
    interrupt->set_cancel(nullptr);
    if (const int signal = interrupt->signal(); signal != 0)
      return std::unexpected(interruption(signal, "interrupted while a backup was taken; nothing was run"));
  }
  if (!backup) return std::unexpected(problem_of_backup(backup.error()));
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begun;
  say(backup_line(*backup, took.count()));
  return *std::move(backup);
}

std::string backup_line(const Backup& backup, double seconds) {
  if (backup.file.empty()) return fmt::format("backup: by the given program in {:.1f} s", seconds);
  const char* proof = backup.record.verified == 3   ? "verified (restore)"
                      : backup.record.verified == 2 ? "verified (read to its end)"
                                                    : "verified (sum)";
  return fmt::format("backup: {} {} in {:.1f} s, {}", backup.file.filename().string(),
                     shown_bytes(backup.record.size), seconds, proof);
}

Problem problem_of_backup(const Error& error) {
  const auto made = [&](Exit exit, std::string code) {
    return Problem{exit, {std::move(code), Level::error, "", 0, error.message, error.hint}};
  };
  switch (fault_of(error)) {
    case Fault::no_space: return made(Exit::no_space, "MG-SPACE");
    case Fault::permission: return made(Exit::no_permission, "MG-PERMISSION");
    case Fault::unreachable: return made(Exit::no_database, "MG-CONNECTION");
    case Fault::refused: return made(Exit::refused, "MG-REFUSED");
    case Fault::usage: return made(Exit::usage, "E-USAGE");
    case Fault::failed: break;
  }
  return made(Exit::no_backup, "MG-BACKUP");
}

}  // namespace guildhall::migrate
