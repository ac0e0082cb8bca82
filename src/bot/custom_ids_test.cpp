#include "bot/custom_ids.h"

#include <gtest/gtest.h>

#include "tests/support/temporary_folder.h"

namespace guildhall::bot {
namespace {

constexpr ServerId kServer{1001};

class SignedIds : public testing::Test {
 protected:
  SignedIds() { declare(2); }

  /// A command whose buttons and forms have that version.
  void declare(int version, std::string path = "raffle join") {
    commands_ = CommandRegistry();
    CommandSpec command;
    command.owner = "raffle";
    command.path = std::move(path);
    command.doors = {Door::button, Door::slash};
    command.arguments = {{"period", ArgumentKind::integer, true, 1, 99},
                         {"note", ArgumentKind::text},
                         {"side", ArgumentKind::choice, false, 0, 0, {"left", "right"}}};
    command.offer_version = version;
    commands_.add(std::move(command));
  }
  static Secrets new_secrets(const test::TemporaryFolder& folder) {
    if (auto made = Secrets::create(folder.path() / "key"); !made) throw ErrorException(made.error());
    return *Secrets::load(folder.path() / "key");
  }
  std::string made(std::optional<std::string> user = "7") {
    return ids_.make(kServer, {"raffle join", {{"period", "12"}, {"side", "left"}}}, user).value();
  }
  ErrorCode refusal(std::string_view id, ServerId server = kServer, std::string_view user = "7") {
    const auto call = ids_.read(server, user, id);
    return call ? ErrorCode::failed : call.error().code;
  }

  test::TemporaryFolder folder_;
  Secrets secrets_ = new_secrets(folder_);
  CommandRegistry commands_;
  CustomIds ids_{secrets_, commands_, Door::button};
  CustomIds forms_{secrets_, commands_, Door::slash};
};

TEST_F(SignedIds, BringBackTheirCall) {
  const auto call = ids_.read(kServer, "7", made());
  ASSERT_TRUE(call);
  EXPECT_EQ(call->command, "raffle-join");
  EXPECT_EQ(call->options, (decltype(call->options){{"period", "12"}, {"side", "left"}}));
  EXPECT_LE(made().size(), 100U);
  EXPECT_TRUE(ids_.read(kServer, "8", made(std::nullopt))) << "for everybody";
}

TEST_F(SignedIds, BringBackAnyText) {
  for (const std::string text : {"a,b:c%2C", "größe 🎲", "\n", "%", ",,", "::"}) {
    const auto id = ids_.make(kServer, {"raffle join", {{"note", text}}}, "7");
    ASSERT_TRUE(id) << text;
    const auto call = ids_.read(kServer, "7", *id);
    ASSERT_TRUE(call) << text;
    EXPECT_EQ(call->options, (decltype(call->options){{"note", text}}));
  }
  EXPECT_FALSE(ids_.make(kServer, {"raffle join", {{"note", std::string(80, 'x')}}}, "7"))
      << "no room for it";
  EXPECT_THROW(ids_.make(kServer, {"raffle leave", {}}, "7"), std::logic_error);
}

TEST_F(SignedIds, SayWhatIsLeftOpen) {
  const auto id =
      ids_.make(kServer, {"raffle join", {{"period", "12"}, {"side", "left"}}, {"note", "side"}}, "7");
  const auto call = ids_.read(kServer, "7", id.value());
  ASSERT_TRUE(call);
  EXPECT_EQ(call->options, (decltype(call->options){{"period", "12"}}));
  EXPECT_EQ(call->open, (std::vector<std::string>{"note", "side"}));
  const auto closed =
      ids_.read(kServer, "7", ids_.make(kServer, {"raffle join", {{"note", "?"}}}, "7").value());
  EXPECT_EQ(closed->options, (decltype(call->options){{"note", "?"}})) << "what was written is no gap";
  EXPECT_TRUE(closed->open.empty());
}

TEST_F(SignedIds, OfFormsAndOfButtonsAreTwoThings) {
  const auto form = forms_.make(kServer, {"raffle join", {{"period", "12"}}, {"note"}}, "7").value();
  EXPECT_TRUE(forms_.read(kServer, "7", form));
  EXPECT_EQ(refusal(form), ErrorCode::invalid);
  EXPECT_EQ(forms_.read(kServer, "7", made()).error().code, ErrorCode::invalid);
  EXPECT_THROW((CustomIds{secrets_, commands_, Door::chat}), std::invalid_argument);
}

TEST_F(SignedIds, AreWorthNothingElsewhere) {
  EXPECT_EQ(refusal(made(), ServerId(1002)), ErrorCode::invalid);
  EXPECT_EQ(refusal(made(), kServer, "8"), ErrorCode::forbidden);
  EXPECT_EQ(refusal(made(), kServer, ""), ErrorCode::forbidden);
}

TEST_F(SignedIds, CannotBeAlteredOrMadeUp) {
  const std::string id = made();
  for (std::size_t i = 0; i < id.size(); ++i) {
    for (const char other : {'0', '9', ':', ',', 'A', 'z'}) {
      std::string altered = id;
      altered[i] = other;
      if (altered != id) EXPECT_EQ(refusal(altered), ErrorCode::invalid) << altered;
    }
    EXPECT_EQ(refusal(id.substr(0, i)), ErrorCode::invalid);
    EXPECT_EQ(refusal(id.substr(i + 1)), ErrorCode::invalid);
  }
  for (const char* text : {"", ":", "1:raffle-join:2:7:12", "1:raffle-join:2:7:12:", "join:1"})
    EXPECT_EQ(refusal(text), ErrorCode::invalid) << text;
  const test::TemporaryFolder folder;
  const Secrets others = new_secrets(folder);
  const CustomIds foreign(others, commands_, Door::button);
  EXPECT_EQ(refusal(*foreign.make(kServer, {"raffle join", {}}, "7")), ErrorCode::invalid);
}

TEST_F(SignedIds, OfBeforeAreKnownToBeOld) {
  const std::string id = made();
  const auto form = forms_.make(kServer, {"raffle join", {{"period", "12"}}, {"note"}}, "7").value();
  declare(3);
  EXPECT_EQ(refusal(id), ErrorCode::conflict) << "the arguments mean something else";
  EXPECT_EQ(forms_.read(kServer, "7", form).error().code, ErrorCode::conflict);
  declare(2, "raffle enter");
  EXPECT_EQ(refusal(id), ErrorCode::conflict) << "there is no such command any more";
  declare(2);
  EXPECT_TRUE(ids_.read(kServer, "7", id));
}

}  // namespace
}  // namespace guildhall::bot
