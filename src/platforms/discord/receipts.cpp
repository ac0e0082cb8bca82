#include "platforms/discord/receipts.h"

namespace guildhall::discord {

struct Receipt::Held {
  Held(std::shared_ptr<Receipts> of, std::uint64_t in, std::int64_t which)
      : receipts(std::move(of)), session(in), sequence(which) {}
  Held(const Held&) = delete;
  Held& operator=(const Held&) = delete;
  ~Held() { receipts->end(session, sequence); }

  std::shared_ptr<Receipts> receipts;
  std::uint64_t session;
  std::int64_t sequence;
};

void Receipts::begin(std::int64_t sequence) {
  const std::scoped_lock lock(mutex_);
  ++session_;
  last_ = sequence;
  open_.clear();
}

bool Receipts::take(std::int64_t sequence) {
  const std::scoped_lock lock(mutex_);
  if (sequence <= last_) return false;
  last_ = sequence;
  return true;
}

Receipt Receipts::receipt(std::int64_t sequence) {
  const std::scoped_lock lock(mutex_);
  open_.insert(sequence);
  return Receipt(std::make_shared<Receipt::Held>(shared_from_this(), session_, sequence));
}

void Receipts::end(std::uint64_t session, std::int64_t sequence) {
  const std::scoped_lock lock(mutex_);
  if (session == session_) open_.erase(sequence);
}

std::int64_t Receipts::handled() const {
  const std::scoped_lock lock(mutex_);
  return open_.empty() ? last_ : *open_.begin() - 1;
}

}  // namespace guildhall::discord
