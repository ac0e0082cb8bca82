// From the old bot to this one without a gap: everything is copied while the old bot writes on, what it
// writes meanwhile is carried over round after round, and at the end it is fenced off, the last changes are
// taken, and its channel and settings come over. Until the fence nothing of the old bot fails; while the
// fence goes up its writes wait. Killed anywhere, the same command goes on.
#pragma once

#include <chrono>

#include "import/capture.h"
#include "import/takeover.h"

namespace guildhall::importing {

struct FollowOptions : Options {
  CaptureLimits limits;
  /// A round with no more keys than this is small enough for the last ones to be taken behind the fence.
  std::size_t small_round = 500;
  /// So many rounds at most before the fence, however much the old bot writes.
  int most_rounds = 20;
  /// Called behind each round and before the fence goes up; for tests.
  std::function<void(int round)> between = [](int) {};
};

struct Followed {
  Report report;  // of the walk behind the switch: everything, compared
  int rounds = 0;
  std::int64_t keys = 0;  // that were changed meanwhile
  /// For so long the old bot's writes waited; nothing: the fence stood already.
  std::optional<std::chrono::milliseconds> pause = {};
};

/// Errors as of take_over and Capture. Stopped before the switch, it takes its triggers away.
Result<Followed> follow(OldDatabase& old, const bot::Declarations& declarations,
                        const tenancy::ServerScope& scope, const Clock& clock, const FollowOptions& options);
/// Takes away what `follow` made in the old database, the fence too.
Result<void> let_go(OldDatabase& old, const bot::Declarations& declarations,
                    const CaptureLimits& limits = {});

}  // namespace guildhall::importing
