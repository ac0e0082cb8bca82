#include "platforms/discord/receipts.h"

#include <algorithm>
#include <utility>

namespace guildhall::discord {

struct Receipt::Held {
  Held(std::shared_ptr<Receipts> of, std::uint64_t in, std::int64_t which)
      : receipts(std::move(of)), session(in), sequence(which) {}
  Held(const Held&) = delete;
  Held& operator=(const Held&) = delete;
  ~Held() { receipts->end(session, sequence, refused); }

  std::shared_ptr<Receipts> receipts;
  std::uint64_t session;
  std::int64_t sequence;
  std::atomic<bool> refused = false;
};

void Receipt::refuse() const {
  if (held_) held_->refused = true;
}

std::size_t Receipts::begin(std::int64_t sequence) {
  const std::scoped_lock lock(mutex_);
  ++session_;
  last_ = sequence;
  open_.clear();
  return refused_.exchange(0);
}

bool Receipts::take(std::int64_t sequence, SteadyTime now) {
  const std::scoped_lock lock(mutex_);
  came_ = now;
  if (sequence > last_) {
    last_ = sequence;
    return true;
  }
  const auto known = open_.find(sequence);
  return known != open_.end() && known->second.refused;
}

Receipt Receipts::receipt(std::int64_t sequence) {
  const std::scoped_lock lock(mutex_);
  // One that was refused before keeps the moment at which it came first.
  Event& event = open_.try_emplace(sequence, Event{came_}).first->second;
  if (std::exchange(event.refused, false)) --refused_;
  return Receipt(std::make_shared<Receipt::Held>(shared_from_this(), session_, sequence));
}

void Receipts::end(std::uint64_t session, std::int64_t sequence, bool refused) {
  const std::scoped_lock lock(mutex_);
  const auto event = session == session_ ? open_.find(sequence) : open_.end();
  if (event == open_.end()) return;
  if (!refused) {
    open_.erase(event);
  } else if (!std::exchange(event->second.refused, true)) {
    ++refused_;
  }
}

std::int64_t Receipts::handled() const {
  const std::scoped_lock lock(mutex_);
  return open_.empty() ? last_ : open_.begin()->first - 1;
}

std::optional<SteadyTime> Receipts::refused_since() const {
  if (refused_ == 0) return std::nullopt;
  const std::scoped_lock lock(mutex_);
  const auto first = std::ranges::find_if(open_, [](const auto& entry) { return entry.second.refused; });
  return first == open_.end() ? std::nullopt : std::optional(first->second.came);
}

std::size_t Receipts::give_up() {
  const std::scoped_lock lock(mutex_);
  refused_ = 0;
  return std::erase_if(open_, [](const auto& entry) { return entry.second.refused; });
}

}  // namespace guildhall::discord
