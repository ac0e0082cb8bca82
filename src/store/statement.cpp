#include "store/statement.h"

#include <fmt/format.h>

#include <stdexcept>

namespace guildhall::store {

std::size_t StatementRegistry::index_of(const void* key) const {
  const auto found = by_key_.find(key);
  if (found == by_key_.end()) throw std::logic_error("a statement was run that is not registered");
  return found->second;
}

void StatementRegistry::insert(StatementInfo info) {
  for (const StatementInfo& other : statements_) {
    if (other.name == info.name) throw std::logic_error(fmt::format("two statements are named '{}'", info.name));
  }
  by_key_[info.key] = statements_.size();
  statements_.push_back(std::move(info));
}

}  // namespace guildhall::store
