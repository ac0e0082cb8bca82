#include "store/statement.h"

#include <fmt/format.h>

#include <stdexcept>

#include "base/mutation.h"

namespace guildhall::store {

std::size_t StatementRegistry::index_of(const void* key) const {
  const auto found = by_key_.find(key);
  if (found == by_key_.end()) throw std::logic_error("a statement was run that is not registered");
  return found->second;
}

namespace {

/// The fault of a developer's bad day: "AND the server" forgotten in one place.
void forget_predicate(StatementInfo& info) {
  constexpr std::string_view kPredicate = "discord_server_id = :server AND ";
  if (info.name != "persons.find_identity") return;
  for (std::string* sql : {&info.sqlite, &info.postgres}) {
    if (const auto at = sql->find(kPredicate); at != std::string::npos)
      sql->replace(at, kPredicate.size(), ":server <> 0 AND ");
  }
}

}  // namespace

void StatementRegistry::insert(StatementInfo info) {
  if (mutated(Mutation::statement_without_predicate)) forget_predicate(info);
  for (const StatementInfo& other : statements_) {
    if (other.name == info.name)
      throw std::logic_error(fmt::format("two statements are named '{}'", info.name));
  }
  by_key_[info.key] = statements_.size();
  statements_.push_back(std::move(info));
}

}  // namespace guildhall::store
