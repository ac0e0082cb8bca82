// What a migration says of itself, in comment lines before its first statement:
//
//   -- guildhall: transaction=none
//   -- guildhall: lock_timeout=10s statement_timeout=30min
//   -- guildhall: allow=L03,L07 reason="the table was empty since March"
//   -- guildhall: needs=0003_add_platform_user_unique_constraint
//   -- guildhall: batch=users(id) size=1000 pause=50ms  (batch.h)
//   -- guildhall: phase=contract                       (phases.h)
//   -- guildhall: purpose="one platform account, one user" date=2025-11-15 risk=low impact="none"
//
// A word that is not known, or that stands further down, is an error: nothing is passed over in silence.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "migrate/finding.h"
#include "migrate/sql_lexer.h"

namespace guildhall::migrate {

/// Expand, backfill, contract: how a table changes under a program that runs.
enum class Phase { none, expand, backfill, contract };

/// A statement that runs in slices of its table's keys (batch.h).
struct BatchOption {
  std::string table;  // "": the statement's
  std::string key;    // a column; "": the primary key
};
inline constexpr std::int64_t kBatchSize = 1'000;
inline constexpr std::chrono::milliseconds kBatchPause{50};

struct MigrationOptions {
  bool in_transaction = true;                             // transaction=none
  std::optional<std::chrono::milliseconds> lock_timeout;  // of this migration alone
  std::optional<std::chrono::milliseconds> statement_timeout;
  std::vector<std::string> allow;  // lint rules that may be broken here, for the reason given
  std::string reason;
  std::vector<std::string> needs;  // migrations that must be applied before
  std::optional<BatchOption> batch;
  std::optional<std::int64_t> batch_size;                // rows in a slice, kBatchSize
  std::optional<std::chrono::milliseconds> batch_pause;  // after each, kBatchPause
  std::optional<Dialect> only;                           // written for that database alone
  Phase phase = Phase::none;
  // For `migrate docs`.
  std::string purpose;
  std::string date;
  std::string risk;
  std::string impact;
};

/// Reads them from the tokens of one script. What is wrong is added to `findings`, under `name`.
MigrationOptions read_options(const std::vector<Token>& tokens, const std::string& name, Findings& findings);

/// "500ms", "3s", "5min", "2h". Error `invalid`.
Result<std::chrono::milliseconds> parse_duration(std::string_view text);
/// The shortest way to write it: 90s, 5min, 0s.
std::string show_duration(std::chrono::milliseconds duration);

}  // namespace guildhall::migrate
