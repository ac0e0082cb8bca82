#include "tests/support/plain_database.h"

#include <fmt/format.h>
#include <unistd.h>

#include <atomic>
#include <cstdlib>

#include "tests/support/test_database.h"

namespace guildhall::test {
namespace {

void on_server(const std::string& sql) {
  auto session = store::open_any_session({.url = postgres_url("operator", "postgres")});
  if (!session) throw ErrorException(session.error());
  (*session)->execute(sql);
}

}  // namespace

bool has_postgres_server() { return std::getenv("GUILDHALL_TEST_POSTGRES") != nullptr; }

PlainDatabase::PlainDatabase(migrate::Dialect dialect) {
  if (dialect == migrate::Dialect::postgres) {
    static std::atomic<int> number = 0;
    const std::string name = fmt::format("plain_{}_{}", getpid(), ++number);
    on_server("CREATE DATABASE " + name);
    name_ = name;
    url_ = postgres_url("operator", name);
  } else {
    url_ = "sqlite:" + (folder_.path() / "plain.db").string();
  }
  session_ = open();
}

PlainDatabase::~PlainDatabase() {
  session_.reset();
  if (name_.empty()) return;
  try {
    on_server(fmt::format("DROP DATABASE {} WITH (FORCE)", name_));
  } catch (const std::exception&) {
    // The server goes with the test run; what it could not drop goes with it.
  }
}

std::unique_ptr<store::SchemaSession> PlainDatabase::open() const {
  auto session = store::open_any_session({.url = url_, .may_make_file = true});
  if (!session) throw ErrorException(session.error());
  return *std::move(session);
}

}  // namespace guildhall::test
