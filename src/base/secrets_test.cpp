#include "base/secrets.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <fstream>
#include <thread>

#include "base/crypto.h"
#include "tests/support/test_world.h"

namespace guildhall {
namespace {

using testing::HasSubstr;

class SecretsFile : public testing::Test {
 protected:
  std::filesystem::path file() { return folder_.path() / "secrets.key"; }
  void write(const std::string& text, mode_t mode = 0600) {
    std::ofstream(file()) << text;
    chmod(file().c_str(), mode);
  }
  std::string refusal() {
    const auto loaded = Secrets::load(file());
    EXPECT_FALSE(loaded);
    EXPECT_EQ(loaded.error().code, ErrorCode::configuration);
    return loaded.error().message;
  }
  test::TemporaryFolder folder_;
};

TEST_F(SecretsFile, SealsAndOpens) {
  ASSERT_TRUE(Secrets::create(file()));
  const auto secrets = *Secrets::load(file());
  const std::string sealed = secrets.seal("token", token_context("kick", "7", "access_token"));
  EXPECT_EQ(sealed.find("token"), std::string::npos);
  EXPECT_EQ(secrets.open(sealed, token_context("kick", "7", "access_token")), "token");
  EXPECT_NE(secrets.seal("token", "x"), secrets.seal("token", "x"));  // a fresh nonce each time
}

TEST_F(SecretsFile, ASealedValueCannotBeMovedOrAltered) {
  ASSERT_TRUE(Secrets::create(file()));
  const auto secrets = *Secrets::load(file());
  const std::string sealed = secrets.seal("token", token_context("kick", "7", "access_token"));
  EXPECT_FALSE(secrets.open(sealed, token_context("kick", "8", "access_token")));
  EXPECT_FALSE(secrets.open(sealed, token_context("kick", "7", "refresh_token")));
  for (std::size_t i = 0; i < sealed.size(); ++i) {
    std::string altered = sealed;
    altered[i] = static_cast<char>(altered[i] ^ 1);
    EXPECT_FALSE(secrets.open(altered, token_context("kick", "7", "access_token"))) << "byte " << i;
  }
}

TEST_F(SecretsFile, OldKeysOpenAndTheLastOneSeals) {
  const std::string first = hex(random_bytes(32));
  write("k1 " + first + "\n");
  const std::string sealed = Secrets::load(file())->seal("token", "x");
  write("k1 " + first + "\nk2 " + hex(random_bytes(32)) + "\n");
  const auto both = *Secrets::load(file());
  EXPECT_EQ(both.open(sealed, "x"), "token");
  EXPECT_THAT(both.seal("token", "x"), HasSubstr("k2"));
  write("k2 " + hex(random_bytes(32)) + "\n");
  EXPECT_THAT(Secrets::load(file())->open(sealed, "x").error().message, HasSubstr("'k1' is missing"));
}

TEST_F(SecretsFile, TwoKeysOfOneNameAreRefused) {
  write("k1 " + hex(random_bytes(32)) + "\nk2 " + hex(random_bytes(32)) + "\nk1 " + hex(random_bytes(32)) +
        "\n");
  EXPECT_THAT(refusal(), HasSubstr("line 3: there are two keys 'k1'"));
}

TEST_F(SecretsFile, RefusesMissingShortOrReadableKeys) {
  EXPECT_THAT(refusal(), HasSubstr("does not exist"));
  write("");
  EXPECT_THAT(refusal(), HasSubstr("holds no key"));
  write("k1 abcdef\n");
  EXPECT_THAT(refusal(), HasSubstr("line 1"));
  write("k1 " + hex(random_bytes(32)) + "\n", 0644);
  EXPECT_THAT(refusal(), HasSubstr("readable by others"));
  EXPECT_FALSE(Secrets::create(file()));  // never replaces a file
}

TEST_F(SecretsFile, WhatWasSignedIsKnownAgainForItsPurposeAlone) {
  const std::string first = hex(random_bytes(32));
  write("k1 " + first + "\n");
  const std::string signature = Secrets::load(file())->sign("a text", "buttons");
  EXPECT_EQ(signature.size(), 32U);
  write("k1 " + first + "\nk2 " + hex(random_bytes(32)) + "\n");
  const auto secrets = *Secrets::load(file());
  EXPECT_NE(secrets.sign("a text", "buttons"), signature) << "the last key signs";
  EXPECT_TRUE(secrets.verify("a text", "buttons", signature)) << "and all are known again";
  EXPECT_TRUE(secrets.verify("a text", "buttons", secrets.sign("a text", "buttons")));
  EXPECT_TRUE(secrets.verify("a text", "buttons", signature.substr(0, 16)));
  EXPECT_FALSE(secrets.verify("a text", "buttons", signature.substr(0, 15)));
  EXPECT_FALSE(secrets.verify("a text", "buttons", ""));
  EXPECT_FALSE(secrets.verify("a text", "buttons", signature + "x"));
  EXPECT_FALSE(secrets.verify("another", "buttons", signature));
  EXPECT_FALSE(secrets.verify("a text", "letters", signature));
  for (std::size_t i = 0; i < 16; ++i) {
    std::string altered = signature.substr(0, 16);
    altered[i] = static_cast<char>(altered[i] ^ 1);
    EXPECT_FALSE(secrets.verify("a text", "buttons", altered)) << "byte " << i;
  }
  write("k2 " + hex(random_bytes(32)) + "\n");
  EXPECT_FALSE(Secrets::load(file())->verify("a text", "buttons", signature)) << "the key is gone";
}

TEST_F(SecretsFile, AKeyIsAddedAndTheOneBeforeGoes) {
  ASSERT_TRUE(Secrets::create(file()));
  const auto running = *Secrets::load(file());
  const std::string before = running.seal("token", "x");
  EXPECT_EQ(Secrets::add_key(file()), "k2");
  EXPECT_EQ(Secrets::key_id_of(running.seal("token", "x")), "k1") << "nobody has looked at the file";
  ASSERT_TRUE(running.refresh());
  EXPECT_THAT(running.key_ids(), testing::ElementsAre("k1", "k2"));
  const std::string after = running.seal("token", "x");
  EXPECT_EQ(Secrets::key_id_of(after), "k2");
  EXPECT_EQ(running.open(before, "x"), "token");
  EXPECT_EQ(Secrets::remove_key(file(), "k2").error().code, ErrorCode::refused_by_guard) << "it seals";
  EXPECT_EQ(Secrets::remove_key(file(), "k9").error().code, ErrorCode::not_found);
  ASSERT_TRUE(Secrets::remove_key(file(), "k1"));
  ASSERT_TRUE(running.refresh());
  EXPECT_FALSE(running.open(before, "x"));
  EXPECT_EQ(running.open(after, "x"), "token");
  EXPECT_EQ(Secrets::add_key(file()), "k3");
  ASSERT_TRUE(Secrets::remove_key(file(), "k2"));
  EXPECT_EQ(Secrets::add_key(file()), "k4") << "no name comes twice";
  struct stat info{};
  ASSERT_EQ(stat(file().c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777U, 0600U);
}

TEST_F(SecretsFile, WhatAnotherProcessSealedWithANewKeyIsOpened) {
  ASSERT_TRUE(Secrets::create(file()));
  const auto running = *Secrets::load(file());
  ASSERT_TRUE(Secrets::add_key(file()));
  EXPECT_EQ(running.open(Secrets::load(file())->seal("token", "x"), "x"), "token");
}

TEST_F(SecretsFile, AFileThatCannotBeReadAnyMoreChangesNothing) {
  ASSERT_TRUE(Secrets::create(file()));
  const auto running = *Secrets::load(file());
  const std::string sealed = running.seal("token", "x");
  write("nonsense\n");
  EXPECT_FALSE(running.refresh());
  EXPECT_EQ(running.open(sealed, "x"), "token");
  std::filesystem::remove(file());
  EXPECT_FALSE(running.refresh());
  EXPECT_EQ(running.open(sealed, "x"), "token");
}

TEST_F(SecretsFile, WhatAnotherProcessSignedWithANewKeyIsKnown) {
  ASSERT_TRUE(Secrets::create(file()));
  const auto running = *Secrets::load(file());
  ASSERT_TRUE(Secrets::add_key(file()));
  EXPECT_TRUE(running.verify("a text", "buttons", Secrets::load(file())->sign("a text", "buttons")));
}

TEST_F(SecretsFile, ALinkedFileStaysWhereItIs) {
  ASSERT_TRUE(Secrets::create(file()));
  const auto link = folder_.path() / "link.key";
  std::filesystem::create_symlink(file(), link);
  ASSERT_TRUE(Secrets::add_key(link));
  EXPECT_TRUE(std::filesystem::is_symlink(link));
  EXPECT_EQ(Secrets::load(file())->key_ids().size(), 2U);
}

TEST_F(SecretsFile, TheFileStaysItsOwners) {
  const bool gives_away = ::geteuid() == 0;  // nobody else can
  const uid_t owner = gives_away ? 12'345 : ::geteuid();
  const gid_t group = gives_away ? 23'456 : ::getegid();
  ASSERT_TRUE(Secrets::create(file()));
  ASSERT_EQ(::chown(file().c_str(), owner, group), 0);
  ASSERT_TRUE(Secrets::add_key(file()));
  struct stat info{};
  ASSERT_EQ(stat(file().c_str(), &info), 0);
  EXPECT_EQ(info.st_uid, owner);
  EXPECT_EQ(info.st_gid, group);
  EXPECT_EQ(info.st_mode & 0777U, 0600U);
}

TEST_F(SecretsFile, WhatIsLeftOfAProgramThatWasKilledIsInNobodysWay) {
  ASSERT_TRUE(Secrets::create(file()));
  std::ofstream(file().string() + ".new") << "half a k";
  EXPECT_TRUE(Secrets::add_key(file()));
  EXPECT_EQ(Secrets::load(file())->key_ids().size(), 2U);
}

TEST_F(SecretsFile, TwoWhoAddKeysLoseNone) {
  ASSERT_TRUE(Secrets::create(file()));
  std::atomic<int> added = 0;
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&] {
      for (int j = 0; j < 20; ++j) {
        if (Secrets::add_key(file())) ++added;
      }
    });
  }
  for (auto& thread : threads) thread.join();
  EXPECT_GT(added, 0);
  EXPECT_EQ(Secrets::load(file())->key_ids().size(), static_cast<std::size_t>(added) + 1);
}

}  // namespace
}  // namespace guildhall
