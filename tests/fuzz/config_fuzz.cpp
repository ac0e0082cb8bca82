// guildhall.toml: what is read is what is written, and what cannot be read is refused in words.
#include <fmt/format.h>

#include <filesystem>
#include <fstream>

#include "base/config.h"
#include "tests/fuzz/fuzz.h"
#include "tests/support/temporary_folder.h"

namespace guildhall::fuzz {
namespace {

Result<Config> load(std::string_view content) {
  static const test::TemporaryFolder folder;
  const auto file = folder.path() / "guildhall.toml";
  std::ofstream(file, std::ios::binary | std::ios::trunc) << content;
  ConfigInput input;
  input.file = file;
  return load_config(input);
}

/// A TOML basic string.
std::string basic_string(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    const auto code = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') out += '\\';
    out += code < 0x20 || code == 0x7F ? fmt::format("\\u{:04X}", code) : std::string(1, c);
  }
  return out + "\"";
}

std::string written(const Config& config) {
  std::string text;
  for (const ConfigKey& key : config_keys())
    text += fmt::format("{} = {}\n", key.name, basic_string(config.*key.member));
  return text;
}

}  // namespace

void fuzz_config(std::string_view input) {
  const auto config = load(input);
  if (!config) {
    require(config.error().code == ErrorCode::configuration, "an error of another kind");
    require(!config.error().message.empty(), "an error without words");
    return;
  }
  const auto again = load(written(*config));
  require(again.has_value(), "what was read cannot be read again");
  for (const ConfigKey& key : config_keys())
    require((*config).*key.member == (*again).*key.member, "a value changed on its way");
}

}  // namespace guildhall::fuzz
