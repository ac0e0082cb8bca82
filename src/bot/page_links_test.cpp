#include "bot/page_links.h"

#include <gtest/gtest.h>

#include "tests/support/temporary_folder.h"

namespace guildhall::bot {
namespace {

using namespace std::chrono_literals;

class PageLinksOfOurs : public testing::Test {
 protected:
  PageLinksOfOurs() { config_.web_public_url = "https://hall.example/"; }

  static Secrets secrets_in(const test::TemporaryFolder& folder) {
    const auto file = folder.path() / "keys";
    EXPECT_TRUE(Secrets::create(file));
    return *Secrets::load(file);
  }
  std::string token(const std::string& page = "link") const {
    const std::string address = links_.address(ServerId(-5), {page, "7", "key_-1", 600s}, now_);
    const std::string before = "https://hall.example/" + page + "/";
    EXPECT_TRUE(address.starts_with(before)) << address;
    return address.substr(before.size());
  }

  test::TemporaryFolder folder_;
  Config config_;
  Secrets secrets_ = secrets_in(folder_);
  PageLinks links_{config_, secrets_};
  TimePoint now_ = from_micros(1'800'000'000'000'000);
};

TEST_F(PageLinksOfOurs, SayForWhomTheyAre) {
  const auto read = links_.read("link", token(), now_ + 600s);
  ASSERT_TRUE(read);
  EXPECT_EQ(read->server, ServerId(-5));
  EXPECT_EQ(read->member, "7");
  EXPECT_EQ(read->key, "key_-1");
  EXPECT_FALSE(read->is_over);
  EXPECT_TRUE(links_.read("link", token(), now_ + 601s)->is_over);
}

TEST_F(PageLinksOfOurs, CannotBeChangedOrTakenElsewhere) {
  const std::string good = token();
  EXPECT_FALSE(links_.read("link-objection", good, now_)) << "made for another page";
  for (std::size_t i = 0; i < good.size(); ++i) {
    std::string changed = good;
    changed[i] = changed[i] == 'x' ? 'y' : 'x';
    EXPECT_FALSE(links_.read("link", changed, now_)) << i;
  }
  for (const std::string& text : {std::string(), std::string("."), std::string("...."), good + "x",
                                  good.substr(0, good.size() - 1), "x" + good, std::string(5'000, '.')})
    EXPECT_FALSE(links_.read("link", text, now_)) << text.substr(0, 100);
}

TEST_F(PageLinksOfOurs, OfAnotherInstallationAreWorthNothing) {
  const test::TemporaryFolder other;
  const Secrets theirs = secrets_in(other);
  EXPECT_FALSE(PageLinks(config_, theirs).read("link", token(), now_));
}

}  // namespace
}  // namespace guildhall::bot
