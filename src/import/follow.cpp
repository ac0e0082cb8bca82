#include "import/follow.h"

#include <fmt/format.h>

namespace guildhall::importing {
namespace {

using bot::Importer;

/// The tables that this old database has of the importers, each once.
std::vector<bot::OldSource> followed_sources(const OldDatabase& old, const bot::Declarations& declarations) {
  std::map<std::string, bot::OldSource> sources;
  for (const Importer& importer : declarations.importers) {
    if (const bot::OldSource* source = old.source_of(importer)) sources.emplace(source->table, *source);
  }
  std::vector<bot::OldSource> all;
  for (auto& [table, source] : sources) all.push_back(std::move(source));
  return all;
}

/// A transaction of the old database that is rolled back unless it was ended.
class Open {
 public:
  explicit Open(OldDatabase& old) : session_(old.session()) {}
  ~Open() {
    try {
      if (session_.in_transaction()) session_.execute("ROLLBACK");
    } catch (const store::DatabaseError&) {  // the connection is gone, and the transaction with it
    }
  }

 private:
  store::SchemaSession& session_;
};

class Following {
 public:
  Following(OldDatabase& old, const bot::Declarations& declarations, const tenancy::ServerScope& scope,
            const Clock& clock, const FollowOptions& options)
      : old_(old),
        options_(options),
        capture_(old, followed_sources(old, declarations), options.limits),
        run_(old, declarations, scope, clock, options) {}

  Capture& capture() { return capture_; }

  Result<void> until_fenced() {
    if (auto begun = capture_.begin(); !begun) return begun;
    if (auto copied = copy(); !copied) return copied;
    for (bool small = false; !small && followed_.rounds < options_.most_rounds;) {
      options_.between(followed_.rounds);
      const auto keys = round();
      if (!keys) return std::unexpected(keys.error());
      small = *keys <= options_.small_round;
    }
    // Whoever came meanwhile must not be merged unasked either.
    if (auto looked = look(); !looked) return looked;
    if (auto last = round(); !last) return std::unexpected(last.error());
    return cut_over();
  }

  /// Nobody writes to the old database any more.
  Result<Followed> compare() {
    const std::int64_t before = booked();
    if (auto walked = run_.walk(true); !walked) return std::unexpected(walked.error());
    if (followed_.pause) followed_.missed = booked() - before;
    followed_.report = std::move(run_.report());
    return std::move(followed_);
  }

 private:
  Result<void> copy() {
    const Open open(old_);
    old_.begin_reading();
    if (auto looked = run_.look_for_twins(); !looked) return looked;
    for (const Importer* importer : run_.importers()) {
      if (importer->acts) continue;
      if (auto carried = run_.carry_all(*importer, true); !carried) return carried;
    }
    old_.end_reading();
    return {};
  }

  std::int64_t booked() {
    std::int64_t keys = 0;
    for (const ItemReport& item : run_.report().items) keys += item.booked;
    return keys;
  }

  Result<void> look() {
    const Open open(old_);
    old_.begin_reading();
    return run_.look_for_twins();
  }

  /// What was changed, carried over in the transaction that is open.
  Result<std::size_t> carry_changes(bool acting_too) {
    std::size_t count = 0;
    const auto changed = capture_.changes();
    for (const Importer* importer : run_.importers()) {
      const bot::OldSource* source = old_.source_of(*importer);
      if (source == nullptr || (importer->acts && !acting_too)) continue;
      const auto found = changed.find(source->table);
      if (importer->acts || (found != changed.end() && found->second.all)) {
        if (auto carried = run_.carry_all(*importer, false); !carried)
          return std::unexpected(carried.error());
      } else if (found != changed.end()) {
        const std::vector<std::string> keys(found->second.keys.begin(), found->second.keys.end());
        if (auto carried = run_.carry_keys(*importer, keys); !carried)
          return std::unexpected(carried.error());
      }
    }
    for (const auto& [table, keys] : changed) count += keys.keys.size();
    followed_.keys += static_cast<std::int64_t>(count);
    capture_.forget_changes();
    return count;
  }

  /// What the snapshot does not see is not forgotten: it is the next round's.
  Result<std::size_t> round() {
    const Open open(old_);
    old_.session().execute("BEGIN ISOLATION LEVEL REPEATABLE READ");
    auto count = carry_changes(false);
    if (!count) return count;
    old_.session().execute("COMMIT");
    ++followed_.rounds;
    options_.say(fmt::format("round {}: {} keys were changed meanwhile", followed_.rounds, *count));
    return count;
  }

  Result<void> cut_over() {
    const Open open(old_);
    const auto begun = capture_.fence();
    if (!begun) return std::unexpected(begun.error());
    const auto last = carry_changes(true);
    if (!last) return std::unexpected(last.error());
    old_.session().execute("COMMIT");
    followed_.pause =
        std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now() - *begun);
    return {};
  }

  OldDatabase& old_;
  const FollowOptions& options_;
  Capture capture_;
  Takeover run_;
  Followed followed_;
};

}  // namespace

Result<Followed> follow(OldDatabase& old, const bot::Declarations& declarations,
                        const tenancy::ServerScope& scope, const Clock& clock, const FollowOptions& options) {
  Following following(old, declarations, scope, clock, options);
  if (!following.capture().is_fenced()) {
    const auto done = following.until_fenced();
    if (!done) {
      if (auto removed = following.capture().remove(); !removed) return std::unexpected(removed.error());
      return std::unexpected(done.error());
    }
  }
  return following.compare();
}

Result<void> let_go(OldDatabase& old, const bot::Declarations& declarations, const CaptureLimits& limits) {
  return Capture(old, followed_sources(old, declarations), limits).remove();
}

}  // namespace guildhall::importing
