#include "tests/support/tagged_text.h"

namespace guildhall::test {

std::string pick_lines(std::string_view text, const std::set<std::string, std::less<>>& tags) {
  std::string picked;
  while (!text.empty()) {
    std::string_view line = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(text.size(), line.size() + 1));
    bool stays = true;
    while (line.starts_with('[')) {
      const auto end = line.find(']');
      stays = stays && tags.contains(line.substr(1, end - 1));
      line.remove_prefix(end + 1);
    }
    if (stays) picked.append(line).append("\n");
  }
  return picked;
}

std::string replace_all(std::string text, std::string_view what, std::string_view with) {
  for (auto at = text.find(what); at != std::string::npos; at = text.find(what, at + with.size()))
    text.replace(at, what.size(), with);
  return text;
}

}  // namespace guildhall::test
