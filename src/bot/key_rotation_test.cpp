// Tokens under a new key.
#include "bot/key_rotation.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/test_world.h"

namespace guildhall::bot {
namespace {

using testing::ElementsAre;
using testing::Pair;

class KeyRotation : public testing::Test {
 protected:
  KeyRotation() {
    for (const char* user : {"7", "8"}) connect(user);
  }
  static Secrets made(const std::filesystem::path& file) {
    if (auto created = Secrets::create(file); !created) throw ErrorException(created.error());
    return *Secrets::load(file);
  }
  std::string context(const std::string& user, const char* column) const {
    return token_context("kick", user, column);
  }
  void connect(const std::string& user) {
    tenancy::SealedTokens tokens;
    tokens.access_token = store::Blob{secrets_.seal("access " + user, context(user, "access_token"))};
    tokens.refresh_token = store::Blob{secrets_.seal("refresh " + user, context(user, "refresh_token"))};
    put(user, std::move(tokens));
  }
  void put(const std::string& user, tenancy::SealedTokens tokens) {
    const tenancy::ChannelKey key{"kick", user};
    world_.server(1);
    net::run_to_end(world_.tenancy->channels().know(key, "slug" + user, "name", world_.clock.now()));
    net::run_to_end(world_.tenancy->grants().grant(key, {"operator", true}, "", std::move(tokens),
                                                   ServerId(1), world_.clock.now()));
  }
  void add_key() {
    ASSERT_TRUE(Secrets::add_key(file_));
    ASSERT_TRUE(secrets_.refresh());
  }
  bool is_begun() { return net::run_to_end(is_unfinished(world_.tenancy->grants(), secrets_)); }
  Resealed reseal() { return net::run_to_end(reseal_all(world_.tenancy->grants(), secrets_)); }
  std::map<std::string, std::int64_t> counts() {
    return net::run_to_end(count_by_key(world_.tenancy->grants()));
  }

  test::TestWorld world_;
  test::TemporaryFolder folder_;
  std::filesystem::path file_ = folder_.path() / "secrets.key";
  Secrets secrets_ = made(file_);
};

TEST_F(KeyRotation, SealsEveryTokenAnewAndChangesNone) {
  EXPECT_THAT(counts(), ElementsAre(Pair("k1", 4)));
  add_key();
  EXPECT_TRUE(is_begun());
  EXPECT_EQ(reseal().values, 4);
  EXPECT_FALSE(is_begun());
  EXPECT_THAT(counts(), ElementsAre(Pair("k2", 4)));
  const auto tokens = net::run_to_end(world_.tenancy->grants().of({"kick", "8"}));
  EXPECT_EQ(secrets_.open(tokens->access_token->bytes, context("8", "access_token")), "access 8");
  EXPECT_EQ(secrets_.open(tokens->refresh_token->bytes, context("8", "refresh_token")), "refresh 8");
  EXPECT_EQ(reseal().values, 0) << "once is enough";
}

TEST_F(KeyRotation, WhatARefreshBringsMeanwhileStays) {
  const auto values = net::run_to_end(world_.tenancy->grants().sealed_values());
  const std::string fresh = secrets_.seal("renewed", context("7", "access_token"));
  tenancy::SealedTokens renewed{store::Blob{fresh}, store::Blob{fresh}, std::nullopt};
  put("7", renewed);
  for (const auto& value : values) {
    const bool replaced = net::run_to_end(world_.tenancy->grants().reseal(value, store::Blob{"stale"}));
    EXPECT_EQ(replaced, value.channel.platform_user_id == "8");
  }
  const auto tokens = net::run_to_end(world_.tenancy->grants().of({"kick", "7"}));
  EXPECT_EQ(tokens->access_token->bytes, fresh);
}

TEST_F(KeyRotation, WhatCannotBeReadStaysAndIsCounted) {
  const tenancy::SealedTokens altered{store::Blob{secrets_.seal("x", "elsewhere")}, std::nullopt,
                                      std::nullopt};
  put("7", altered);
  add_key();
  const Resealed done = reseal();
  EXPECT_EQ(done.values, 2);
  EXPECT_EQ(done.unreadable, 1);
  EXPECT_FALSE(is_begun()) << "it does not keep the next rotation from its own key";
  EXPECT_THAT(counts(), ElementsAre(Pair("k1", 1), Pair("k2", 2)));
}

}  // namespace
}  // namespace guildhall::bot
