#include "platforms/discord/receipts.h"

#include <algorithm>
#include <atomic>

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
  const std::size_t lost = count_refused();
  ++session_;
  last_ = sequence;
  open_.clear();
  return lost;
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
  open_.try_emplace(sequence, Event{came_}).first->second.refused = false;
  return Receipt(std::make_shared<Receipt::Held>(shared_from_this(), session_, sequence));
}

void Receipts::end(std::uint64_t session, std::int64_t sequence, bool refused) {
  const std::scoped_lock lock(mutex_);
  const auto event = session == session_ ? open_.find(sequence) : open_.end();
  if (event == open_.end()) return;
  event->second.refused = refused;
  if (!refused) open_.erase(event);
}

std::int64_t Receipts::handled() const {
  const std::scoped_lock lock(mutex_);
  return open_.empty() ? last_ : open_.begin()->first - 1;
}

std::optional<SteadyTime> Receipts::refused_since() const {
  const std::scoped_lock lock(mutex_);
  const auto first = std::ranges::find_if(open_, [](const auto& entry) { return entry.second.refused; });
  return first == open_.end() ? std::nullopt : std::optional(first->second.came);
}

std::size_t Receipts::give_up() {
  const std::scoped_lock lock(mutex_);
  return std::erase_if(open_, [](const auto& entry) { return entry.second.refused; });
}

std::size_t Receipts::count_refused() const {
  return static_cast<std::size_t>(
      std::ranges::count_if(open_, [](const auto& entry) { return entry.second.refused; }));
}

}  // namespace guildhall::discord
