#include "tests/support/any_database.h"

#include <fmt/format.h>
#include <unistd.h>

#include <atomic>
#include <cstdlib>

#include "base/error.h"
#include "tests/support/test_database.h"

namespace guildhall::test {
namespace {

template <class T>
T taken(Result<T> result) {
  if (!result) throw ErrorException(result.error());
  return *std::move(result);
}

std::unique_ptr<store::SchemaSession> server_session() {
  const char* url = std::getenv("GUILDHALL_TEST_POSTGRES");
  if (url == nullptr) throw std::runtime_error("GUILDHALL_TEST_POSTGRES names no PostgreSQL server");
  return taken(store::open_any_session({url}));
}

std::string new_name() {
  static std::atomic<int> count{0};
  return fmt::format("any_{}_{}", getpid(), ++count);
}

}  // namespace

AnyDatabase::AnyDatabase(migrate::Dialect dialect) {
  if (dialect == migrate::Dialect::sqlite) {
    target_ = taken(
        migrate::any_target("sqlite:" + (folder_.path() / "any.db").string(), migrate::Missing::is_made));
  } else {
    created_ = new_name();
    server_session()->run("CREATE DATABASE " + created_);
    target_ = taken(migrate::any_target(postgres_url("operator", created_), migrate::Missing::is_an_error));
  }
  session_ = taken(target_.open(""));
}

AnyDatabase::~AnyDatabase() {
  session_.reset();
  if (created_.empty()) return;
  try {
    server_session()->run(fmt::format("DROP DATABASE {} WITH (FORCE)", created_));
  } catch (const store::DatabaseError&) {
    // The server goes with the test run.
  }
}

migrate::Dialect tested_dialect() {
  return tested_layout() == store::Layout::postgres ? migrate::Dialect::postgres : migrate::Dialect::sqlite;
}

}  // namespace guildhall::test
