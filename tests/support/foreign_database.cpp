#include "tests/support/foreign_database.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <unistd.h>

#include <atomic>
#include <cstdlib>

#include "tests/support/test_database.h"

namespace guildhall::test {
namespace {

std::unique_ptr<store::SchemaSession> open(const std::string& url) {
  auto session = store::open_any_session({.url = url});
  if (!session) throw ErrorException(session.error());
  return *std::move(session);
}

std::unique_ptr<store::SchemaSession> administrator() { return open(std::getenv("GUILDHALL_TEST_POSTGRES")); }

std::string as_text(const store::SchemaSession::Rows& rows) {
  std::string text;
  for (const auto& row : rows) text += fmt::format("{}\n", fmt::join(row, "|"));
  return text;
}

}  // namespace

bool has_postgres() { return std::getenv("GUILDHALL_TEST_POSTGRES") != nullptr; }

ForeignDatabase::ForeignDatabase() {
  static std::atomic<int> number = 0;
  name_ = fmt::format("any_{}_{}", getpid(), ++number);
  weak_ = name_ + "_weak";
  auto session = administrator();
  session->execute("CREATE DATABASE " + name_);
  session->execute("CREATE ROLE " + weak_ + " LOGIN");
}

ForeignDatabase::~ForeignDatabase() {
  auto session = administrator();
  // A program that signed in as the weak one may still be about to end: only its members may end its
  // sessions.
  session->execute(fmt::format("GRANT {} TO CURRENT_USER", weak_));
  for (const auto& row : session->query(
           "SELECT format('%I', datname) FROM pg_database WHERE starts_with(datname, $1)", {name_}))
    session->execute("DROP DATABASE IF EXISTS " + row.at(0) + " WITH (FORCE)");
  session->execute("DROP ROLE " + weak_);
}

std::string ForeignDatabase::url() const { return postgres_url("operator", name_); }

std::string ForeignDatabase::weak_url() const { return postgres_url(weak_, name_); }

std::unique_ptr<store::SchemaSession> ForeignDatabase::session() const { return open(url()); }

std::string ForeignDatabase::dump(const std::string& sql) const { return as_text(session()->query(sql)); }

std::string ask_server(const std::string& sql) { return as_text(administrator()->query(sql)); }

}  // namespace guildhall::test
