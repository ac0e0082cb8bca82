#include "bot/outbox.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <condition_variable>
#include <mutex>
#include <set>

#include "base/log.h"
#include "tests/support/full_disk.h"
#include "tests/support/test_world.h"

namespace guildhall::bot {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;

/// A Discord that takes what it is sent, or refuses as it was told to.
class Outbox : public testing::Test {
 protected:
  struct Sent {
    std::string channel;
    std::string content;
    std::string nonce;
    std::string edits;  // the message whose place it took
    std::size_t buttons = 0;
    std::string pings = {};
    bool takes_away = false;
  };

  explicit Outbox(store::Layout layout = test::tested_layout()) : world_(layout) {
    world_.server(1);
    world_.server(2);
    loops_.start();
  }
  ~Outbox() override { world_.close(loops_); }

  /// Puts a message in as a feature does.
  void put(std::string channel, std::int64_t points, std::int64_t server = 1) {
    in(server, [&](store::Tx& tx, ServerContext& context) {
      const Message message{"points.added",
                            {{"name", MemberText{"Owl"}}, {"amount", points}, {"points", points}}};
      return post_to_channel(tx, context, channel, message);
    });
  }
  void put(std::string channel, PostBody post, const std::string& name = "news") {
    in(1, [&](store::Tx& tx, ServerContext& context) { return put_post(tx, context, name, channel, post); });
  }
  void tell(std::int64_t member, const std::string& fallback) {
    in(1, [&](store::Tx& tx, ServerContext& context) {
      return post_to_member(tx, context, DiscordUserId(member), {"for you"}, fallback);
    });
  }
  bool change(PostBody post, const std::string& name = "news") {
    bool there = false;
    in(1, [&](store::Tx& tx, ServerContext& context) -> store::TxTask<void> {
      there = co_await change_post(tx, context, name, post);
    });
    return there;
  }
  void in(std::int64_t server, std::function<store::TxTask<void>(store::Tx&, ServerContext&)> body) {
    world_.in(server, [&](store::Tx& tx) -> store::TxTask<void> {
      ServerContext context{ServerId(server), world_.clock.now(),
                            co_await load_settings(tx, world_.declarations.settings, world_.config),
                            &world_.declarations.texts};
      co_await body(tx, context);
    });
  }

  Task<Result<std::string>> take(Outgoing message) {
    const std::string channel = message.member.empty() ? message.channel_id : "of member " + message.member;
    const std::scoped_lock lock(mutex_);
    tried_.push_back(channel);
    if (std::exchange(throws_once_, false)) {
      changed_.notify_all();
      throw std::runtime_error("the database was locked");
    }
    if (refuses_emojis_ && std::ranges::any_of(message.body.buttons, [](const LinkButton& button) {
          return !button.emoji.empty();
        })) {
      co_return fail(ErrorCode::invalid, "Invalid emoji");
    }
    const auto refusal = refusals_.find(channel);
    if (refusal != refusals_.end()) {
      const ErrorCode code = refusal->second;
      if (once_.erase(channel) > 0) refusals_.erase(channel);
      changed_.notify_all();
      co_return fail(code, "refused by the test");
    }
    if (gone_.contains(message.edits)) {
      changed_.notify_all();
      co_return fail(ErrorCode::not_found, "the message is gone");
    }
    if (const auto act = std::exchange(meanwhile_, nullptr)) act();
    if (std::exchange(fills_disk_once_, false)) full_disk_.emplace();
    sent_.push_back({channel, message.body.text, message.nonce, message.edits, message.body.buttons.size(),
                     message.pings, message.takes_away});
    changed_.notify_all();
    if (!message.edits.empty()) co_return message.edits;
    // As Discord does: the same nonce is the same message.
    const auto [id, fresh] = ids_.emplace(message.nonce, fmt::format("m{}", ids_.size() + 1));
    if (std::exchange(dies_once_, false)) co_return fail(ErrorCode::unavailable, "the answer was lost");
    co_return id->second;
  }
  std::string message_id() { return world_.dump("SELECT message_id FROM posts"); }

  /// Waits until the outbox is empty, and returns what was sent.
  std::vector<Sent> drained() {
    const auto deadline = std::chrono::steady_clock::now() + 20s;
    while (waiting() != "0\n" && std::chrono::steady_clock::now() < deadline)
      std::this_thread::sleep_for(2ms);
    EXPECT_EQ(waiting(), "0\n");
    const std::scoped_lock lock(mutex_);
    return sent_;
  }
  void wait_for_tries(std::size_t count) {
    std::unique_lock lock(mutex_);
    ASSERT_TRUE(changed_.wait_for(lock, 20s, [&] { return tried_.size() >= count; }));
  }
  std::string waiting() { return world_.dump("SELECT count(*) FROM outbox"); }
  std::int64_t dropped() {
    return world_.metrics
        .counter("guildhall_outbox_dropped_total", "Messages of the outbox that expired or were refused.")
        .value();
  }

  net::Loops loops_{2};  // outlive the database, whose answers they carry
  test::TestWorld world_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<Sent> sent_;
  std::vector<std::string> tried_;
  std::map<std::string, ErrorCode> refusals_;
  std::set<std::string> once_;  // refused once only
  std::set<std::string> gone_;  // messages that somebody deleted
  std::map<std::string, std::string> ids_;
  std::function<void()> meanwhile_;  // happens while the next message is on its way
  bool dies_once_ = false;           // the next message arrives, and nobody is told
  bool refuses_emojis_ = false;
  bool throws_once_ = false;
  bool fills_disk_once_ = false;
  std::optional<test::FullDisk> full_disk_;
  OutboxSender sender_{loops_,
                       *world_.tenancy,
                       world_.clock,
                       world_.metrics,
                       [this](ServerId, Outgoing message) { return take(std::move(message)); },
                       50ms};
};

TEST_F(Outbox, ADestinationsMessagesGoOutInOrder) {
  for (int i = 1; i <= 5; ++i) put("77", i);
  sender_.wake(world_.server(1));
  const auto sent = drained();
  ASSERT_EQ(sent.size(), 5U);
  for (std::size_t i = 0; i < sent.size(); ++i)
    EXPECT_THAT(sent[i].content, testing::HasSubstr(std::to_string(i + 1)));
}

TEST_F(Outbox, EachMessageHasANonceOfItsOwnAndKeepsIt) {
  put("77", 1);
  put("77", 2);
  put("78", 1);
  put("77", 1, 2);
  const std::string kept = world_.dump("SELECT nonce FROM outbox ORDER BY 1");
  sender_.wake(world_.server(1));
  sender_.wake(world_.server(2));
  std::set<std::string> nonces;
  for (const Sent& sent : drained()) {
    nonces.insert(sent.nonce + "\n");
    EXPECT_LE(sent.nonce.size(), 25U) << "more than Discord takes";
  }
  EXPECT_EQ(nonces.size(), 4U);
  EXPECT_EQ(fmt::format("{}", fmt::join(nonces, "")), kept);
}

TEST_F(Outbox, ARowOfAnOlderProgramIsSentAsItIs) {
  world_.execute(
      "INSERT INTO outbox (discord_server_id, destination, sequence, body, nonce, created_at, "
      "expires_at, lease_until, attempts) VALUES (1, 'discord:77', 1, '{\"text\": 1}', 'n', 0, " +
          std::to_string(to_micros(world_.clock.now() + 1min)) + ", 0, 0)",
      1);
  sender_.wake(world_.server(1));
  const auto sent = drained();
  ASSERT_EQ(sent.size(), 1U);
  EXPECT_EQ(sent[0].content, "{\"text\": 1}");
  EXPECT_EQ(sent[0].buttons, 0U);
}

TEST_F(Outbox, ADirectMessageGoesToItsMember) {
  tell(5, "77");
  sender_.wake(world_.server(1));
  const auto sent = drained();
  ASSERT_EQ(sent.size(), 1U);
  EXPECT_EQ(sent[0].channel, "of member 5");
  EXPECT_EQ(sent[0].pings, "");
}

TEST_F(Outbox, WhoTakesNoDirectMessagesIsMentionedForAMinute) {
  refusals_["of member 5"] = ErrorCode::forbidden;
  tell(5, "77");
  tell(5, "");  // nowhere to fall back on
  sender_.wake(world_.server(1));
  wait_for_tries(3);
  const auto deadline = std::chrono::steady_clock::now() + 20s;
  while (waiting() != "1\n" && std::chrono::steady_clock::now() < deadline) std::this_thread::sleep_for(2ms);
  EXPECT_EQ(world_.dump("SELECT destination FROM outbox"), "take_away:77/m1\n");
  net::run_to_end(sender_.sweep());
  std::this_thread::sleep_for(20ms);
  EXPECT_EQ(waiting(), "1\n") << "it stands for its minute";
  world_.clock.advance(1min);
  net::run_to_end(sender_.sweep());
  const auto sent = drained();
  ASSERT_EQ(sent.size(), 2U);
  EXPECT_EQ(sent[0].channel, "77");
  EXPECT_EQ(sent[0].content, "<@5> for you");
  EXPECT_EQ(sent[0].pings, "5");
  EXPECT_TRUE(sent[1].takes_away);
  EXPECT_EQ(sent[1].edits, "m1");
}

TEST_F(Outbox, AMentionThatIsGoneAlreadyIsNotPostedAnew) {
  refusals_["of member 5"] = ErrorCode::forbidden;
  gone_.insert("m1");
  tell(5, "77");
  sender_.wake(world_.server(1));
  wait_for_tries(2);
  world_.clock.advance(2min);
  const auto deadline = std::chrono::steady_clock::now() + 20s;
  while (waiting() != "0\n" && std::chrono::steady_clock::now() < deadline) {
    net::run_to_end(sender_.sweep());
    std::this_thread::sleep_for(5ms);
    world_.clock.advance(1min);
  }
  EXPECT_EQ(drained().size(), 1U);
}

TEST_F(Outbox, AMessageTakesItsButtonsAlong) {
  in(1, [](store::Tx& tx, ServerContext& context) {
    return post_to_channel(tx, context, "77",
                           PostBody{"text", {{"Shop", "https://shop.example/", "\u2B50"}}});
  });
  sender_.wake(world_.server(1));
  const auto sent = drained();
  ASSERT_EQ(sent.size(), 1U);
  EXPECT_EQ(sent[0].buttons, 1U);
}

TEST_F(Outbox, APostIsEditedWhereItStands) {
  put("77", PostBody{"live"});
  sender_.wake(world_.server(1));
  drained();
  EXPECT_EQ(message_id(), "m1\n");
  EXPECT_TRUE(change({"over", {{"Again", "https://kick.com/owl"}}}));
  EXPECT_TRUE(change({"over", {{"Again", "https://kick.com/owl"}}})) << "nothing new";
  sender_.wake(world_.server(1));
  const auto sent = drained();
  ASSERT_EQ(sent.size(), 2U);
  EXPECT_EQ(sent[1].content, "over");
  EXPECT_EQ(sent[1].edits, "m1");
  EXPECT_EQ(sent[1].buttons, 1U);
  EXPECT_FALSE(change({"over"}, "another"));
}

TEST_F(Outbox, APostThatWaitsGoesOutOnceAndAsItIsThen) {
  put("77", PostBody{"first"});
  put("77", 1);
  EXPECT_TRUE(change({"second"}));
  EXPECT_TRUE(change({"third"}));
  sender_.wake(world_.server(1));
  const auto sent = drained();
  ASSERT_EQ(sent.size(), 2U);
  EXPECT_EQ(sent[0].content, "third");
  EXPECT_EQ(sent[0].edits, "");
}

TEST_F(Outbox, WhatIsChangedWhileItIsOnItsWayIsEditedRightAfter) {
  put("77", PostBody{"first"});
  meanwhile_ = [&] { change({"second"}); };
  sender_.wake(world_.server(1));
  const auto sent = drained();
  ASSERT_EQ(sent.size(), 2U);
  EXPECT_EQ(sent[1].content, "second");
  EXPECT_EQ(sent[1].edits, "m1");
}

/// Its nonce answers with the message as it was sent first.
TEST_F(Outbox, WhatArrivedUntoldAndWasChangedSinceIsEditedToo) {
  put("77", PostBody{"first"});
  dies_once_ = true;
  meanwhile_ = [&] { change({"second"}); };
  sender_.wake(world_.server(1));
  const auto sent = drained();
  EXPECT_EQ(ids_.size(), 1U) << "two messages";
  ASSERT_EQ(sent.size(), 3U);
  EXPECT_EQ(sent[2].content, "second");
  EXPECT_EQ(sent[2].edits, "m1");
}

TEST_F(Outbox, APostThatIsGoneIsPostedAnew) {
  put("77", PostBody{"live"});
  sender_.wake(world_.server(1));
  drained();
  gone_.insert("m1");
  change({"over"});
  sender_.wake(world_.server(1));
  const auto sent = drained();
  ASSERT_EQ(sent.size(), 2U);
  EXPECT_EQ(sent[1].content, "over");
  EXPECT_EQ(sent[1].edits, "");
  EXPECT_EQ(message_id(), "m2\n");
}

TEST_F(Outbox, APostWhoseChannelIsAnotherIsPostedThere) {
  put("77", PostBody{"panel"});
  sender_.wake(world_.server(1));
  drained();
  in(1, [](store::Tx& tx, ServerContext& context) -> store::TxTask<void> {
    co_await put_post(tx, context, "news", "77", {"panel 2"});  // waits where it is not for any more
    co_await put_post(tx, context, "news", "78", {"panel 3"});
  });
  sender_.wake(world_.server(1));
  const auto sent = drained();
  ASSERT_EQ(sent.size(), 2U);
  EXPECT_EQ(sent[1].channel, "78");
  EXPECT_EQ(sent[1].edits, "");
  EXPECT_EQ(message_id(), "m2\n");
}

TEST_F(Outbox, APostThatCouldNeverBeSentIsForgotten) {
  refusals_["77"] = ErrorCode::not_found;
  put("77", PostBody{"live"});
  sender_.wake(world_.server(1));
  drained();
  EXPECT_FALSE(change({"over"})) << "nobody saw it begin";
  EXPECT_EQ(dropped(), 1);
}

/// What waits when the sender looks for the first time.
class OutboxLater : public Outbox {
 protected:
  std::size_t sent_after(Duration pause) {
    world_.clock.advance(pause);
    sender_.wake(world_.server(1));
    return drained().size();
  }
  void put_change() {
    put("77", PostBody{"live"});
    world_.execute("UPDATE posts SET message_id = 'm1'", 1);
    change({"over"});
  }
};

TEST_F(OutboxLater, WhatStandsThereIsPutRightWithinADay) {
  put_change();
  EXPECT_EQ(sent_after(20h), 1U);
  EXPECT_EQ(sent_.front().edits, "m1");
}

TEST_F(OutboxLater, WhatStandsThereForADayStaysAsItIs) {
  put_change();
  EXPECT_EQ(sent_after(25h), 0U);
}

TEST_F(OutboxLater, APostIsNewsWithinAnHour) {
  put("77", PostBody{"live"});
  EXPECT_EQ(sent_after(55min), 1U);
}

TEST_F(OutboxLater, APostIsNoNewsAfterAnHour) {
  put("77", PostBody{"live"});
  EXPECT_EQ(sent_after(65min), 0U);
}

TEST_F(Outbox, AnEmojiThatDiscordDoesNotKnowStopsNoMessage) {
  refuses_emojis_ = true;
  put("77", PostBody{"live", {{"Shop", "https://shop.example/", "<:gone:1>"}}});
  put("78", PostBody{"plain", {{"Shop", "https://shop.example/"}}}, "plain");
  sender_.wake(world_.server(1));
  const auto sent = drained();
  ASSERT_EQ(sent.size(), 2U);
  EXPECT_EQ(sent[0].buttons, 1U);
  EXPECT_EQ(dropped(), 0);
}

TEST_F(Outbox, WhatFailsForNowIsSentLaterInItsPlace) {
  refusals_["77"] = ErrorCode::unavailable;
  once_.insert("77");
  put("77", 1);
  put("77", 2);
  sender_.wake(world_.server(1));
  const auto sent = drained();
  EXPECT_EQ(tried_.size(), 3U);
  ASSERT_EQ(sent.size(), 2U);
  EXPECT_THAT(sent[0].content, testing::HasSubstr("1"));
  EXPECT_EQ(dropped(), 0);
}

TEST_F(Outbox, ADestinationThatCannotBeReachedDoesNotHoldUpTheOthers) {
  refusals_["11"] = ErrorCode::rate_limited;
  put("11", 1);
  put("99", 2);
  sender_.wake(world_.server(1));
  wait_for_tries(2);
  const std::scoped_lock lock(mutex_);
  tried_.resize(2);  // the first may have had its next turn
  EXPECT_THAT(tried_, ElementsAre("11", "99"));
}

TEST_F(Outbox, WhatWasRefusedForGoodIsDroppedAndTheNextGoesOn) {
  refusals_["77"] = ErrorCode::not_found;
  once_.insert("77");
  put("77", 1);
  put("77", 2);
  sender_.wake(world_.server(1));
  const auto sent = drained();
  ASSERT_EQ(sent.size(), 1U);
  EXPECT_THAT(sent[0].content, testing::HasSubstr("2"));
  EXPECT_EQ(dropped(), 1);
}

TEST_F(Outbox, WhatTheBotMayNotSendRestsUntilItMay) {
  refusals_["77"] = ErrorCode::forbidden;
  put("77", 1);
  put("77", 2);
  put("78", 3);
  sender_.wake(world_.server(1));
  wait_for_tries(2);
  put("79", 4);
  sender_.wake(world_.server(1));
  wait_for_tries(3);
  {
    const std::scoped_lock lock(mutex_);
    EXPECT_THAT(tried_, ElementsAre("77", "78", "79"))
        << "it holds up nobody and is not tried again and again";
    refusals_.clear();
  }
  sender_.resume(world_.server(1));
  const auto sent = drained();
  ASSERT_EQ(sent.size(), 4U);
  EXPECT_THAT(sent[2].content, testing::HasSubstr("1"));
  EXPECT_THAT(sent[3].content, testing::HasSubstr("2"));
  EXPECT_EQ(dropped(), 0);
}

TEST_F(Outbox, WhatIsRefusedIsKnownUntilItIsSentOrMayBe) {
  const auto refused = [&](std::int64_t server) { return sender_.refusals(ServerId(server)).size(); };
  std::atomic<int> told = 0;
  sender_.on_refusals([&](ServerId server) { told += server == ServerId(1) ? 1 : 100; });
  const auto wait_until_told = [&](int times) {
    const auto deadline = std::chrono::steady_clock::now() + 20s;
    while (told < times && std::chrono::steady_clock::now() < deadline) std::this_thread::sleep_for(2ms);
    EXPECT_EQ(told, times);
  };
  refusals_["77"] = ErrorCode::forbidden;
  put("77", 1);
  put("78", 2);
  sender_.wake(world_.server(1));
  wait_for_tries(2);
  wait_until_told(1);
  ASSERT_EQ(refused(1), 1U);
  EXPECT_EQ(sender_.refusals(ServerId(1)).front().message, "refused by the test");
  EXPECT_EQ(refused(2), 0U);

  world_.clock.advance(12min);
  sender_.wake(world_.server(1));
  drained();
  EXPECT_EQ(refused(1), 1U) << "that the message was dropped opens nothing";
  sender_.resume(world_.server(1));
  EXPECT_EQ(refused(1), 0U) << "nobody knows";
  wait_until_told(2);

  put("77", 3);
  sender_.wake(world_.server(1));
  wait_until_told(3);
  EXPECT_EQ(refused(1), 1U);
  {
    const std::scoped_lock lock(mutex_);
    refusals_.clear();
  }
  world_.clock.advance(2min);
  sender_.wake(world_.server(1));
  drained();
  EXPECT_EQ(refused(1), 0U);
  EXPECT_EQ(told, 4);
}

/// People choose another channel rather than mend the old one.
TEST_F(Outbox, WhatWasGivenUpIsNoNewsOnceSomethingArrivesElsewhere) {
  refusals_["77"] = ErrorCode::forbidden;
  put("77", 1);
  sender_.wake(world_.server(1));
  wait_for_tries(1);
  world_.clock.advance(12min);
  sender_.wake(world_.server(1));
  drained();
  ASSERT_EQ(sender_.refusals(ServerId(1)).size(), 1U);
  put("78", 2);
  sender_.wake(world_.server(1));
  drained();
  EXPECT_EQ(sender_.refusals(ServerId(1)).size(), 0U);
}

TEST_F(Outbox, WhatRestedTooLongIsDroppedWithItsReason) {
  refusals_["77"] = ErrorCode::forbidden;
  put("77", 1);
  std::string log;
  const log::Capture capture([&](std::string_view line) { log += line; });
  for (int i = 0; i < 3; ++i) {
    sender_.wake(world_.server(1));
    wait_for_tries(static_cast<std::size_t>(i) + 1);
    world_.clock.advance(2min);
  }
  world_.clock.advance(10min);
  sender_.wake(world_.server(1));
  drained();
  EXPECT_EQ(dropped(), 1);
  EXPECT_EQ(log.find("rests until"), log.rfind("rests until")) << "it is told once: " << log;
  EXPECT_THAT(log, testing::HasSubstr("expired: refused by the test"));
}

TEST_F(Outbox, WhoeverOwnsAPostThatWasForgottenIsToldWhenTheBotMayMore) {
  std::atomic<int> told = 0;
  sender_.on_lost_posts(
      [&](const tenancy::ServerScope& scope) { told += scope.server() == ServerId(1) ? 1 : 100; });
  refusals_["77"] = ErrorCode::forbidden;
  put("77", PostBody{"panel"});
  sender_.wake(world_.server(1));
  wait_for_tries(1);
  world_.clock.advance(61min);
  sender_.wake(world_.server(1));
  drained();
  EXPECT_EQ(world_.dump("SELECT count(*) FROM posts"), "0\n");
  loops_.drain(20s);
  EXPECT_EQ(told, 0);
  sender_.resume(world_.server(1));
  EXPECT_EQ(told, 1);
  sender_.resume(world_.server(1));
  EXPECT_EQ(told, 1) << "once is enough";
}

TEST_F(Outbox, WhatIsTooOldIsNotSent) {
  put("77", 1);
  world_.clock.advance(11min);
  put("77", 2);
  sender_.wake(world_.server(1));
  const auto sent = drained();
  ASSERT_EQ(sent.size(), 1U);
  EXPECT_THAT(sent[0].content, testing::HasSubstr("2"));
  EXPECT_EQ(dropped(), 1);
}

TEST_F(Outbox, WhatAnEarlierProcessLeftIsFoundAtTheStart) {
  put("77", 1);
  put("78", 2, 2);
  net::run_to_end(sender_.sweep());
  EXPECT_EQ(drained().size(), 2U);
}

class OutboxInFiles : public Outbox {
 protected:
  OutboxInFiles() : Outbox(store::Layout::sqlite_per_server) {}
};

TEST_F(OutboxInFiles, AServerWhoseFileIsUnusableHoldsUpNobodyElse) {
  for (std::int64_t server = 1; server <= 5; ++server) put(std::to_string(70 + server), 1, server);
  world_.execute("DROP TABLE server_marker", 3);
  net::run_to_end(sender_.sweep());
  wait_for_tries(4);
  const std::scoped_lock lock(mutex_);
  EXPECT_THAT(tried_, testing::UnorderedElementsAre("71", "72", "74", "75"));
}

/// Its nonce would keep it from going out twice for some minutes only, and a full disk lasts longer.
TEST_F(OutboxInFiles, WhatWasSentWhenTheDiskWasFullIsNotSentAgain) {
  const Counter& refused = world_.metrics.counter(
      "guildhall_db_full_total", "Units of work that were refused because the disk of the database is full.");
  put("77", 1);
  fills_disk_once_ = true;
  sender_.wake(world_.server(1));
  const auto deadline = std::chrono::steady_clock::now() + 20s;
  while (refused.value() == 0 && std::chrono::steady_clock::now() < deadline)
    std::this_thread::sleep_for(2ms);
  full_disk_.reset();
  EXPECT_EQ(waiting(), "1\n") << "the disk took what was to be refused";
  world_.clock.advance(2min);
  sender_.wake(world_.server(1));
  EXPECT_EQ(drained().size(), 1U);
}

TEST_F(Outbox, WhatADeadProcessHadInHandIsSentWhenItsLeaseEnds) {
  put("77", 1);
  world_.execute(
      "UPDATE outbox SET attempts = 1, lease_until = " + std::to_string(to_micros(world_.clock.now() + 1min)),
      1);
  net::run_to_end(sender_.sweep());
  // What is put in behind it shows that the sender has looked: it goes to another destination.
  put("78", 2);
  sender_.wake(world_.server(1));
  wait_for_tries(1);
  {
    const std::scoped_lock lock(mutex_);
    EXPECT_THAT(tried_, ElementsAre("78"));
  }
  world_.clock.advance(1min);
  net::run_to_end(sender_.sweep());
  EXPECT_EQ(drained().size(), 2U);
}

/// The message is leased to the turn that failed; it goes when the lease is over.
TEST_F(Outbox, AnErrorOnTheWayIsOnlyAPause) {
  throws_once_ = true;
  put("10", 1);
  sender_.wake(world_.server(1));
  wait_for_tries(1);
  put("11", 2);
  sender_.wake(world_.server(1));
  wait_for_tries(2);
  world_.clock.advance(2min);
  sender_.wake(world_.server(1));
  EXPECT_EQ(drained().size(), 2U);
}

}  // namespace
}  // namespace guildhall::bot
