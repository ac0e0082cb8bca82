// Names of roles and channels, each text once: thousands of guilds have a channel "general".
#pragma once

#include <cstdint>
#include <deque>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace guildhall::discord {

class NamePool {
 public:
  using Id = std::uint32_t;

  /// One use more of this name.
  Id hold(std::string_view name);
  /// One use less; with the last one the name goes, and its number may be given anew.
  void release(Id id);
  /// Valid as long as the name is held.
  std::string_view text(Id id) const { return entries_[id].text; }
  /// Different names that are held.
  std::size_t size() const { return ids_.size(); }
  /// Memory that it takes, about.
  std::size_t bytes() const { return entries_.size() * kEntryBytes + text_bytes_; }

 private:
  struct Entry {
    std::string text;
    std::uint32_t uses = 0;
  };

  /// With its place in the table.
  static constexpr std::size_t kEntryBytes = sizeof(Entry) + sizeof(std::string_view) + 4 * sizeof(void*);

  std::deque<Entry> entries_;  // a text stays where it is
  std::unordered_map<std::string_view, Id> ids_;
  std::vector<Id> free_;
  std::size_t text_bytes_ = 0;
};

}  // namespace guildhall::discord
