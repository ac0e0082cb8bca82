#include "bot/settings.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "bot/feature.h"
#include "features/points/points.h"
#include "tests/support/test_world.h"

namespace guildhall::bot {
namespace {

using features::points::kRate;
using testing::HasSubstr;

class ServerSettings : public testing::Test {
 protected:
  SettingsPtr load(std::int64_t server) {
    return world_.in(server, [&](store::Tx& tx) {
      return load_settings(tx, world_.declarations.settings, world_.config);
    });
  }
  Result<SettingChange> set(std::int64_t server, SettingWish wish) {
    return world_.in(server, [&](store::Tx& tx) {
      return change_setting(tx, world_.declarations.settings, wish, {"tester", "system"}, world_.clock.now());
    });
  }
  Result<SettingChange> set_default(std::string key, std::optional<std::string> value) {
    world_.server(1);
    return net::run_to_end(world_.tenancy->global().transact([&](store::GlobalTx& tx) {
      return change_default(tx, world_.declarations.settings, key, value, {"tester", "system"},
                            world_.clock.now());
    }));
  }
  test::TestWorld world_;
};

TEST_F(ServerSettings, ServerBeatsDefaultBeatsProcessBeatsBuiltIn) {
  EXPECT_EQ(load(1)->get(kRate), 1);
  EXPECT_EQ(load(1)->get(kLanguage), "en");
  world_.config.language = "de";
  world_.config.sources["language"] = "flag";
  EXPECT_EQ(load(1)->get(kLanguage), "de");
  ASSERT_TRUE(set_default("language", "en"));
  EXPECT_EQ(load(1)->get(kLanguage), "en");
  ASSERT_TRUE(set(1, {"language", "de"}));
  EXPECT_EQ(load(1)->get(kLanguage), "de");
  EXPECT_EQ(load(1)->all().at("language").source, "server");
  EXPECT_EQ(load(1)->all().at("language").fallback, "en");
  EXPECT_EQ(load(2)->get(kLanguage), "en") << "another server is not asked";
}

TEST_F(ServerSettings, EmptyMeansNotSet) {
  ASSERT_TRUE(set(1, {"points_per_5min", "7"}));
  ASSERT_TRUE(set(1, {"points_per_5min", ""}));
  EXPECT_EQ(load(1)->get(kRate), 1);
  EXPECT_EQ(world_.dump("SELECT count(*) FROM settings"), "0\n");
}

TEST_F(ServerSettings, ZeroIsAValueLikeAnyOther) {
  ASSERT_TRUE(set(1, {"points_per_5min", "0"}));
  EXPECT_EQ(load(1)->get(kRate), 0);
}

TEST_F(ServerSettings, RefusesWhatCannotBeMeant) {
  for (const char* value : {"-1", "1e3", "１２", "9000000000000001", "many"}) {
    EXPECT_THAT(set(1, {"points_per_5min", value}).error().message, HasSubstr("from 0 to 1000000")) << value;
  }
  EXPECT_THAT(set(1, {"language", "fr"}).error().message, HasSubstr("one of en, de"));
  EXPECT_THAT(set(1, {"time_zone", "Mars"}).error().message, HasSubstr("time zone"));
  EXPECT_THAT(set(1, {"points_enabled", "maybe"}).error().message, HasSubstr("true or false"));
  EXPECT_THAT(set(1, {"watchtime_excluded", std::string("a\0b", 3)}).error().message,
              HasSubstr("valid text"));
  EXPECT_THAT(set(1, {"watchtime_excluded", std::string(501, 'x')}).error().message,
              HasSubstr("at most 500"));
  const auto unknown = set(1, {"points_per_5mins", "3"});
  EXPECT_EQ(unknown.error().hint, "Did you mean 'points_per_5min'?");
  EXPECT_EQ(world_.dump("SELECT count(*) FROM settings"), "0\n");
  EXPECT_EQ(world_.dump("SELECT count(*) FROM audit_log"), "0\n");
}

TEST_F(ServerSettings, KeepsOneForm) {
  SettingWish channel{"kick_channel", "https://kick.com/NightStream"};
  channel.of_program = true;
  ASSERT_TRUE(set(1, channel));
  EXPECT_EQ(load(1)->get(kKickChannel), "nightstream");
  ASSERT_TRUE(set(1, {"points_enabled", "OFF"}));
  EXPECT_EQ(load(1)->all().at("points_enabled").value, "false");
}

TEST_F(ServerSettings, WhatOnlyShowsSomethingIsNobodysToSet) {
  for (const std::optional<std::string>& value : {std::optional<std::string>("nightstream"), {}}) {
    const auto refused = set(1, {"kick_channel", value});
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, ErrorCode::forbidden);
    EXPECT_THAT(refused.error().hint, HasSubstr("owner's consent"));
  }
  EXPECT_EQ(world_.dump("SELECT count(*) FROM settings"), "0\n");
  SettingWish garbled{"kick_channel", "not a slug!"};
  garbled.of_program = true;
  EXPECT_THAT(set(1, garbled).error().message, HasSubstr("kick.com/NAME"));
}

TEST_F(ServerSettings, EachChangeIsAudited) {
  ASSERT_TRUE(set(1, {"points_per_5min", "7"}));
  ASSERT_TRUE(set(1, {"points_per_5min", "7"}));  // no change, no entry
  ASSERT_TRUE(set(1, {"points_per_5min", std::nullopt}));
  EXPECT_EQ(world_.dump("SELECT actor, action, subject, before, after FROM audit_log ORDER BY entry_id"),
            "tester|settings.set|points_per_5min||7\ntester|settings.unset|points_per_5min|7|\n");
}

TEST_F(ServerSettings, WhoWasSecondIsTold) {
  ASSERT_TRUE(set(1, {"points_per_5min", "7", std::optional<std::string>{}}));
  const auto second = set(1, {"points_per_5min", "9", std::optional<std::string>{}});
  EXPECT_EQ(second.error().code, ErrorCode::conflict);
  EXPECT_EQ(load(1)->get(kRate), 7);
  EXPECT_TRUE(set(1, {"points_per_5min", "9", std::optional<std::string>("7")}));
}

TEST_F(ServerSettings, SomeHaveNoDefaultForAll) {
  EXPECT_THAT(set_default("kick_channel", "x").error().message, HasSubstr("per server only"));
  EXPECT_TRUE(set_default("points_per_5min", "3"));
  EXPECT_EQ(load(1)->get(kRate), 3);
  EXPECT_EQ(world_.dump("SELECT action, subject, after FROM operator_log"),
            "settings.default|points_per_5min|3\n");
}

TEST_F(ServerSettings, AChangeTellsTheBotBesideUs) {
  world_.server(1);
  world_.server(2);
  net::run_to_end(world_.tenancy->servers().reload());
  ASSERT_TRUE(set(1, {"points_per_5min", "7"}));
  EXPECT_THAT(net::run_to_end(world_.tenancy->servers().reload()), testing::ElementsAre(ServerId(1)));
}

}  // namespace
}  // namespace guildhall::bot
