#include "migrate/revision.h"

#include <filesystem>
#include <fstream>
#include <sstream>

namespace guildhall::migrate {
namespace {

namespace fs = std::filesystem;

std::string first_line(const fs::path& file) {
  std::ifstream input(file);
  std::string line;
  std::getline(input, line);
  return line;
}

/// "<hash> refs/heads/main"
std::string find_packed(const fs::path& git, const std::string& ref) {
  std::ifstream input(git / "packed-refs");
  for (std::string line; std::getline(input, line);) {
    if (line.ends_with(" " + ref)) return line.substr(0, line.find(' '));
  }
  return "";
}

bool is_hash(const std::string& text) {
  return text.size() == 40 && text.find_first_not_of("0123456789abcdef") == std::string::npos;
}

}  // namespace

std::string revision_of(const std::string& directory) {
  std::error_code failed;
  for (fs::path at = fs::canonical(directory, failed); !failed && at.has_relative_path();
       at = at.parent_path()) {
    const fs::path git = at / ".git";
    if (!fs::is_directory(git, failed)) continue;
    std::string head = first_line(git / "HEAD");
    if (head.starts_with("ref: ")) {
      const std::string ref = head.substr(5);
      head = first_line(git / ref);
      if (head.empty()) head = find_packed(git, ref);
    }
    return is_hash(head) ? head : "";
  }
  return "";
}

}  // namespace guildhall::migrate
