// Who tries to take another's channel is noted, and from the third time on a day whoever listens is warned.
#include "bot/channel_attempts.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/test_world.h"

namespace guildhall::bot {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;
using testing::Not;

const tenancy::ChannelKey kTaken{"kick", "900001"};
const tenancy::ChannelKey kAnother{"kick", "900002"};

class Attempts : public testing::Test {
 protected:
  Attempts() {
    for (const auto& key : {kTaken, kAnother})
      net::run_to_end(world_.tenancy->channels().know(key, "slug", "Streamer", world_.clock.now()));
  }
  static Secrets made(const std::filesystem::path& file) {
    if (auto created = Secrets::create(file); !created) throw ErrorException(created.error());
    return *Secrets::load(file);
  }
  ChannelAttempts::Noted attempt(const tenancy::ChannelKey& channel = kTaken) {
    return net::run_to_end(attempts_.note(channel, "discord:7", "192.0.2.1"));
  }

  test::TestWorld world_;
  Secrets secrets_ = made(world_.folder.path() / "test.key");
  ChannelAttempts attempts_{world_.tenancy->global(), secrets_, world_.clock};
};

TEST_F(Attempts, AreKeptWithWhoAndWhenceAndNotWithTheNumberOfTheAccount) {
  attempt();
  const std::string log = world_.dump("SELECT * FROM operator_log");
  for (const char* part : {"discord:7", "192.0.2.1", "channel.taken"}) EXPECT_THAT(log, HasSubstr(part));
  EXPECT_THAT(log, Not(HasSubstr("900001")));
}

TEST_F(Attempts, TheThirdWithinADayIsAnAlarmOnceADay) {
  EXPECT_FALSE(attempt().alarm);
  attempt(kAnother);
  world_.clock.advance(11h);
  EXPECT_FALSE(attempt().alarm);
  EXPECT_EQ(attempts_.warning(kTaken), "");
  world_.clock.advance(11h);
  const auto third = attempt();
  EXPECT_TRUE(third.alarm);
  EXPECT_EQ(third.attempts, 3);
  EXPECT_FALSE(attempt().alarm) << "who listens has been told";
  EXPECT_THAT(attempts_.warning(kTaken), HasSubstr("3 times"));
  EXPECT_EQ(attempts_.warning(kAnother), "");
  world_.clock.advance(24h);
  EXPECT_EQ(attempts_.warning(kTaken), "");
  attempt();
  attempt();
  EXPECT_TRUE(attempt().alarm) << "of the next day";
}

TEST_F(Attempts, ThatLieFurtherApartAreNoAlarm) {
  for (int i = 0; i < 5; ++i) {
    EXPECT_FALSE(attempt().alarm);
    world_.clock.advance(12h);
  }
}

TEST_F(Attempts, AWarningOutlivesARestart) {
  for (int i = 0; i < 3; ++i) attempt();
  ChannelAttempts later(world_.tenancy->global(), secrets_, world_.clock);
  EXPECT_EQ(later.warning(kTaken), "");
  net::run_to_end(later.load(world_.tenancy->channels().list()));
  EXPECT_THAT(later.warning(kTaken), HasSubstr("3 times"));
  EXPECT_EQ(later.warning(kAnother), "");
}

}  // namespace
}  // namespace guildhall::bot
