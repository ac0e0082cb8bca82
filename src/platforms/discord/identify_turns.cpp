#include "platforms/discord/identify_turns.h"

#include <algorithm>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/steady_timer.hpp>
#include <exception>
#include <utility>

#include "base/json.h"
#include "base/log.h"

namespace guildhall::discord {
namespace {

namespace asio = boost::asio;

/// Five seconds, and some for the way: Discord counts from when the frame comes.
constexpr std::chrono::milliseconds kSpacing{5'500};
/// How often to ask whether another process has given its turn back, and to try again to give back one's own.
constexpr std::chrono::seconds kLook{1};
/// Source: gateway documentation, "Session Start Limit": it is a limit per day.
constexpr std::chrono::hours kPeriod{24};
/// By so much Discord's answers may differ about the moment of the reset.
constexpr std::chrono::minutes kSameReset{1};

}  // namespace

void IdentifyBudget::spend(TimePoint now) {
  if (now >= resets_at) {
    left = total;
    resets_at = now + kPeriod;
  }
  --left;
}

bool IdentifyBudget::is_same(const IdentifyBudget& other) const {
  return std::chrono::abs(resets_at - other.resets_at) < kSameReset;
}

IdentifyBudget spent(const std::optional<IdentifyBudget>& recorded, IdentifyBudget left) {
  if (recorded && recorded->is_same(left)) left.left = std::min(left.left, recorded->left - 1);
  return left;
}

std::string write_budget(const IdentifyBudget& budget) {
  return json::write(json::Object{
      {"total", budget.total}, {"left", budget.left}, {"resets_at", to_micros(budget.resets_at)}});
}

std::optional<IdentifyBudget> read_budget(std::string_view text) {
  const auto parsed = json::parse(text);
  const auto total = parsed ? json::integer(*parsed, "total") : std::nullopt;
  const auto left = parsed ? json::integer(*parsed, "left") : std::nullopt;
  const auto resets_at = parsed ? json::integer(*parsed, "resets_at") : std::nullopt;
  if (!total || !left || !resets_at) return std::nullopt;
  return IdentifyBudget{static_cast<int>(*total), static_cast<int>(*left), from_micros(*resets_at)};
}

/// Lives in the coroutine that waits.
struct IdentifyTurns::Waiter {
  explicit Waiter(asio::io_context& loop) : timer(loop) {}
  asio::steady_timer timer;
  bool granted = false;
};

IdentifyTurns::IdentifyTurns(asio::io_context& loop, std::shared_ptr<Timing> timing,
                             std::shared_ptr<IdentifyRecord> record)
    : loop_(loop), timing_(std::move(timing)), record_(std::move(record)) {}

IdentifyTurns::Turn::~Turn() {
  if (!turns_) return;
  asio::io_context& loop = turns_->loop_;
  asio::co_spawn(loop, finish(std::move(turns_), key_, claimed_, used_), asio::detached);
}

Task<void> IdentifyTurns::Turn::use(std::optional<IdentifyBudget> left) {
  used_ = true;
  turns_->budget_ = left ? std::optional(spent(turns_->budget_, *left)) : std::nullopt;
  if (!turns_->record_ || !left) co_return;
  try {
    co_await turns_->record_->write(*left);
  } catch (const std::exception& e) {
    log::warning("discord: identify budget not on record", {log::field("error", e.what())});
  }
}

Task<Result<IdentifyTurns::Turn>> IdentifyTurns::take(std::shared_ptr<IdentifyTurns> self, int key) {
  co_await self->wait_in_line(key);
  Turn turn(self, key);
  std::string trouble;
  try {
    co_await self->claim(key);
    turn.claimed_ = true;
    turn.budget_ = self->record_ ? co_await self->record_->budget() : self->budget_;
    co_return std::move(turn);
  } catch (const std::exception& e) {
    trouble = e.what();
  }
  co_return fail(ErrorCode::unavailable, "whose turn it is to identify is not known: " + trouble);
}

Task<void> IdentifyTurns::wait_in_line(int key) {
  Line& line = lines_[key];
  if (!std::exchange(line.taken, true)) co_return;
  Waiter waiter(loop_);
  line.waiting.push_back(&waiter);
  while (!waiter.granted) co_await timing_->wait(waiter.timer, SteadyTime::max());
}

/// Between processes.
Task<void> IdentifyTurns::claim(int key) {
  if (!record_) co_return;
  auto claim = co_await record_->claim(key);
  for (; claim == IdentifyRecord::Claim::taken; claim = co_await record_->claim(key)) co_await pause(kLook);
  if (claim == IdentifyRecord::Claim::inherited) co_await pause(kSpacing);
}

Task<void> IdentifyTurns::finish(std::shared_ptr<IdentifyTurns> self, int key, bool claimed, bool used) {
  if (used) co_await self->pause(kSpacing);
  bool released = !claimed;
  while (!released) {
    released = co_await self->release(key);
    if (!released) co_await self->pause(kLook);
  }
  self->give_on(key);
}

/// This process lives, so nobody else would take it over.
Task<bool> IdentifyTurns::release(int key) {
  try {
    if (record_) co_await record_->release(key);
    co_return true;
  } catch (const std::exception& e) {
    log::warning("discord: a turn to identify is not given back yet", {log::field("error", e.what())});
  }
  co_return false;
}

void IdentifyTurns::give_on(int key) {
  Line& line = lines_[key];
  line.taken = !line.waiting.empty();
  if (!line.taken) return;
  Waiter* next = line.waiting.front();
  line.waiting.pop_front();
  next->granted = true;
  next->timer.cancel();
}

Task<void> IdentifyTurns::pause(std::chrono::nanoseconds time) {
  asio::steady_timer timer(loop_);
  co_await timing_->wait(timer, timing_->now() + time);
}

}  // namespace guildhall::discord
