#include "store/place.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace guildhall::store {
namespace {

TEST(Place, IsChosenByTheUrl) {
  const auto file = find_place("sqlite:guildhall.db", "/data");
  ASSERT_TRUE(file);
  EXPECT_EQ(file->layout, Layout::sqlite);
  EXPECT_EQ(file->path, "/data/guildhall.db");
  const auto folder = find_place("sqlite-per-server:/srv/servers", "/data");
  ASSERT_TRUE(folder);
  EXPECT_EQ(folder->layout, Layout::sqlite_per_server);
  EXPECT_EQ(folder->path, "/srv/servers");
  EXPECT_EQ(find_place("sqlite-per-server:servers/", "/data")->path, "/data/servers");
  EXPECT_EQ(find_place("postgresql://host/db", "/data")->layout, Layout::postgres);
}

TEST(Place, NamesItselfWithoutAPassword) {
  EXPECT_EQ(find_place("postgres://me:pass@word@host:5433/db?sslmode=require", "")->name(), "host:5433/db");
  EXPECT_EQ(find_place("postgres://me:pa?ss@host/db?x=y", "")->name(), "host/db");
  EXPECT_EQ(find_place("postgres:///db", "")->name(), "/db");
  const auto refused = find_place("postgre://me:secret@host/db", "");
  ASSERT_FALSE(refused);
  EXPECT_THAT(refused.error().message, testing::AllOf(testing::HasSubstr("'postgre://...@host/db'"),
                                                      testing::Not(testing::HasSubstr("secret"))));
  EXPECT_EQ(find_place("sqlite:a.db", "/data")->name(), "/data/a.db");
}

TEST(Place, UnknownOnesAreSaidToBe) {
  for (const char* url : {"mysql://x", "sqlite:", "sqlite-per-server:", "guildhall.db", ""}) {
    const auto refused = find_place(url, "/data");
    ASSERT_FALSE(refused) << url;
    EXPECT_EQ(refused.error().code, ErrorCode::configuration);
    EXPECT_THAT(refused.error().message, testing::HasSubstr("sqlite-per-server:DIR"));
  }
}

TEST(Place, OfPostgresqlNeedsTheDoorsAddressToo) {
  Config config;
  config.database_url = "postgres://guildhall_app@host/db";
  const auto refused = find_place(config);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::configuration);
  EXPECT_THAT(refused.error().message, testing::HasSubstr("database.tick_url"));
  config.database_tick_url = "postgres://guildhall_tick@host/db";
  EXPECT_TRUE(find_place(config));
}

}  // namespace
}  // namespace guildhall::store
