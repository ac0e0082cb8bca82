// Values of settings, as owners type them.
#include "base/text.h"
#include "bot/feature.h"
#include "tests/fuzz/fuzz.h"

namespace guildhall::fuzz {

void fuzz_setting(std::string_view input) {
  for (const auto& [key, spec] : declarations().settings.all()) {
    const auto stored = bot::SettingRegistry::check(spec, input);
    if (!stored) {
      require(stored.error().code == ErrorCode::invalid && !stored.error().message.empty(),
              "a value was refused without saying why");
      continue;
    }
    require(is_clean_utf8(*stored), "broken text would be stored");
    require(bot::SettingRegistry::check(spec, *stored) == *stored,
            "the stored form of a value is not its own stored form");
  }
}

}  // namespace guildhall::fuzz
