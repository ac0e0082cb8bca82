// The fuzz targets on their corpus, and on every input that is one byte away in a few ways.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "tests/fuzz/fuzz.h"

namespace guildhall::fuzz {
namespace {

namespace fs = std::filesystem;

struct Target {
  const char* name;
  void (*run)(std::string_view);
};

constexpr Target kTargets[] = {
    {"gateway", fuzz_gateway}, {"inflate", fuzz_inflate}, {"rest", fuzz_rest},  {"webhook", fuzz_webhook},
    {"pusher", fuzz_pusher},   {"command", fuzz_command}, {"sql", fuzz_sql},    {"config", fuzz_config},
    {"setting", fuzz_setting}, {"http", fuzz_http},       {"lexer", fuzz_lexer}};

const fs::path kCorpus = fs::path(GUILDHALL_SOURCE_DIR) / "tests/fuzz/corpus";

std::string content_of(const fs::path& file) {
  std::ifstream input(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(input), {}};
}

class Corpus : public testing::TestWithParam<Target> {
 protected:
  static void run(const std::string& input, const std::string& what) {
    EXPECT_NO_THROW(GetParam().run(input)) << what << ": " << testing::PrintToString(input);
  }
};

TEST_P(Corpus, HoldsAndSoDoesWhatIsNearIt) {
  int files = 0;
  for (const auto& entry : fs::directory_iterator(kCorpus / GetParam().name)) {
    ++files;
    const std::string name = entry.path().filename().string();
    const std::string seed = content_of(entry.path());
    run(seed, name);
    const std::size_t step = seed.size() / 50 + 1;
    for (std::size_t i = 0; i < seed.size(); i += step) {
      run(seed.substr(0, i), name + " cut off");
      std::string changed = seed;
      changed[i] = static_cast<char>(changed[i] ^ 0x20);
      run(changed, name + " with a changed byte");
      run(seed.substr(0, i) + '\0' + seed.substr(i), name + " with a nul");
      run(seed.substr(0, i) + "\xC3" + seed.substr(i), name + " with a broken character");
    }
  }
  EXPECT_GE(files, 3) << "a corpus needs seeds";
}

INSTANTIATE_TEST_SUITE_P(Fuzz, Corpus, testing::ValuesIn(kTargets),
                         [](const auto& target) { return target.param.name; });

TEST(Corpora, BelongToTargets) {
  std::size_t folders = 0;
  for (const auto& entry : fs::directory_iterator(kCorpus)) folders += entry.is_directory() ? 1 : 0;
  EXPECT_EQ(folders, std::size(kTargets));
}

}  // namespace
}  // namespace guildhall::fuzz
