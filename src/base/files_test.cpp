#include "base/files.h"

#include <gtest/gtest.h>

#include <cerrno>
#include <fstream>
#include <iterator>

#include "tests/support/temporary_folder.h"

namespace guildhall {
namespace {

namespace fs = std::filesystem;

void write(const fs::path& file, const std::string& text) { std::ofstream(file) << text; }
std::string content(const fs::path& file) {
  std::ifstream input(file);
  return {std::istreambuf_iterator<char>(input), {}};
}

TEST(FilesImportsWrite, NoWayOfNamingReplacesWhatIsThere) {
  for (const auto name : {rename_to_new, link_to_new}) {
    const test::TemporaryFolder folder;
    const fs::path from = folder.path() / "new.partial";
    const fs::path to = folder.path() / "new";
    write(from, "ours");
    write(to, "another's");
    EXPECT_EQ(name(from, to), EEXIST);
    EXPECT_EQ(content(to), "another's");
    EXPECT_EQ(content(from), "ours");
    fs::remove(to);
    EXPECT_EQ(name(from, to), 0);
    EXPECT_EQ(content(to), "ours");
    EXPECT_FALSE(fs::exists(from));
    EXPECT_EQ(name(from, to), ENOENT);
    EXPECT_EQ(sync_folder(folder.path()), 0);
    EXPECT_EQ(sync_folder(to), ENOTDIR);
  }
}

}  // namespace
}  // namespace guildhall
