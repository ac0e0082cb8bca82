#include "platforms/discord/name_pool.h"

namespace guildhall::discord {

NamePool::Id NamePool::hold(std::string_view name) {
  if (const auto known = ids_.find(name); known != ids_.end()) {
    ++entries_[known->second].uses;
    return known->second;
  }
  Id id = 0;
  if (free_.empty()) {
    id = static_cast<Id>(entries_.size());
    entries_.emplace_back();
  } else {
    id = free_.back();
    free_.pop_back();
  }
  entries_[id] = {std::string(name), 1};
  text_bytes_ += name.size();
  ids_.emplace(entries_[id].text, id);
  return id;
}

void NamePool::release(Id id) {
  Entry& entry = entries_[id];
  if (--entry.uses > 0) return;
  ids_.erase(entry.text);
  text_bytes_ -= entry.text.size();
  entry.text = std::string();
  free_.push_back(id);
}

}  // namespace guildhall::discord
