#include "sim/journal.h"

#include <fmt/format.h>

#include <sstream>

namespace guildhall::sim {
namespace {

std::string read_whole(const std::filesystem::path& file) {
  std::ifstream in(file, std::ios::binary);
  std::ostringstream text;
  text << in.rdbuf();
  return text.str();
}

}  // namespace

Result<void> Journal::open(const std::filesystem::path& file, const Reader& reader) {
  if (file.empty()) return {};
  const std::string text = read_whole(file);
  const auto complete = text.rfind('\n') + 1;  // 0 when there is no whole line
  std::size_t number = 0;
  for (std::size_t start = 0; start < complete;) {
    const auto end = text.find('\n', start);
    const auto line = json::parse(std::string_view(text).substr(start, end - start));
    ++number;
    if (!line)
      return fail(ErrorCode::invalid,
                  fmt::format("{} line {}: {}", file.string(), number, line.error().message));
    reader(json::text_or(*line, "kind", ""), *line);
    start = end + 1;
  }
  if (complete < text.size()) std::filesystem::resize_file(file, complete);
  out_.open(file, std::ios::binary | std::ios::app);
  if (!out_) return fail(ErrorCode::failed, fmt::format("{} cannot be written", file.string()));
  return {};
}

void Journal::write(std::string_view kind, json::Object line) {
  if (!out_.is_open()) return;
  line["kind"] = kind;
  out_ << json::write(line) << '\n' << std::flush;
}

}  // namespace guildhall::sim
