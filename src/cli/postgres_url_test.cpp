#include "cli/postgres_url.h"

#include <gtest/gtest.h>

namespace guildhall::cli {
namespace {

std::string as_app(const std::string& admin) {
  return PostgresUrl::parse(admin)->as("guildhall_app", "w", "guildhall");
}

TEST(PostgresUrl, KeepsTheServerAndChangesTheLogin) {
  EXPECT_EQ(as_app("postgres://admin@host/postgres"), "postgres://guildhall_app:w@host/guildhall");
  EXPECT_EQ(as_app("postgresql://admin:p%40ss@word@[::1]:5433/postgres?sslmode=verify-full"),
            "postgres://guildhall_app:w@[::1]:5433/guildhall?sslmode=verify-full");
  EXPECT_EQ(as_app("postgres://host"), "postgres://guildhall_app:w@host/guildhall");
  EXPECT_EQ(as_app("postgres:///postgres?host=/run/postgresql&port=5433"),
            "postgres://guildhall_app:w@/guildhall?host=/run/postgresql&port=5433");
  EXPECT_EQ(as_app("postgres://a@%2Ftmp%2Fpg/postgres"), "postgres://guildhall_app:w@%2Ftmp%2Fpg/guildhall");
  EXPECT_EQ(as_app("postgres://a@one:1,two:2?target_session_attrs=read-write"),
            "postgres://guildhall_app:w@one:1,two:2/guildhall?target_session_attrs=read-write");
}

TEST(PostgresUrl, LeavesOutWhatIsTheAdministrators) {
  EXPECT_EQ(
      as_app("postgres://h/postgres?user=a&password=b&sslmode=require&dbname=x&sslcert=c&options=-cx%3D1"),
      "postgres://guildhall_app:w@h/guildhall?sslmode=require");
}

TEST(PostgresUrl, EscapesNamesAndPasswords) {
  const auto url = *PostgresUrl::parse("postgres://a@h/postgres");
  EXPECT_EQ(url.as("r@le", "p/w:d?", "my db"), "postgres://r%40le:p%2Fw%3Ad%3F@h/my%20db");
  EXPECT_EQ(url.as("guildhall_ro", "", "g"), "postgres://guildhall_ro@h/g");
}

TEST(PostgresUrl, TheSameLoginAtAnotherDatabase) {
  EXPECT_EQ(PostgresUrl::parse("postgres://a:b@h:1/postgres?dbname=y&sslmode=require")->at("guildhall"),
            "postgres://a:b@h:1/guildhall?sslmode=require");
}

TEST(PostgresUrl, AnotherFormIsRefused) {
  for (const char* text : {"sqlite:guildhall.db", "host=h user=a", ""}) {
    const auto refused = PostgresUrl::parse(text);
    ASSERT_FALSE(refused) << text;
    EXPECT_EQ(refused.error().code, ErrorCode::usage);
  }
}

}  // namespace
}  // namespace guildhall::cli
