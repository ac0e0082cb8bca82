#include "bench/postgres_server.h"

#include <fmt/format.h>
#include <stdlib.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <stdexcept>

#include "base/text.h"
#include "bench/bench.h"
#include "tests/support/test_database.h"

namespace guildhall::bench {
namespace {

constexpr const char* kVariable = "GUILDHALL_TEST_POSTGRES";

std::string script(std::string_view words) {
  return fmt::format("'{}/tools/private_postgres.sh' {}", GUILDHALL_SOURCE_DIR, words);
}

/// What a command prints. Throws when it fails.
std::string output_of(const std::string& command) {
  std::string output;
  FILE* pipe = popen(command.c_str(), "r");
  if (pipe == nullptr) throw std::runtime_error("cannot run " + command);
  std::array<char, 512> part{};
  while (std::fgets(part.data(), part.size(), pipe) != nullptr) output += part.data();
  if (pclose(pipe) != 0) throw std::runtime_error("failed: " + command);
  return std::string(trim(output));
}

/// It waits for the disk, as an operator's does.
class OwnServer {
 public:
  OwnServer() {
    progress("a PostgreSQL of this run's own");
    setenv(kVariable, output_of(script(fmt::format("start '{}' durable", folder_.path().string()))).c_str(),
           1);
  }
  OwnServer(const OwnServer&) = delete;
  OwnServer& operator=(const OwnServer&) = delete;
  ~OwnServer() {
    if (std::system(script(fmt::format("stop '{}'", folder_.path().string())).c_str()) != 0)
      progress("the PostgreSQL of this run did not stop");
  }

 private:
  test::TemporaryFolder folder_;
};

}  // namespace

bool has_postgres() {
  return getenv(kVariable) != nullptr || std::filesystem::exists("/usr/lib/postgresql/15/bin/initdb");
}

void need_postgres() {
  static std::unique_ptr<OwnServer> own;
  if (getenv(kVariable) == nullptr) own = std::make_unique<OwnServer>();
}

std::unique_ptr<store::SchemaSession> open_database(const std::string& url) {
  auto session = store::open_any_session({.url = url, .may_make_file = true});
  if (!session) throw std::runtime_error(fmt::format("cannot open {}: {}", url, session.error().message));
  return *std::move(session);
}

PassingDatabase::PassingDatabase(const std::string& of) {
  static int count = 0;
  name_ = fmt::format("bench_{}_{}", getpid(), ++count);
  // What is copied as files is behind a checkpoint, so that every way begins with the same log to write.
  open_database(getenv(kVariable))
      ->run(fmt::format("CREATE DATABASE {} TEMPLATE {} STRATEGY FILE_COPY", name_, of));
}
PassingDatabase::~PassingDatabase() {
  try {
    open_database(getenv(kVariable))->run(fmt::format("DROP DATABASE {} WITH (FORCE)", name_));
  } catch (const std::exception& error) {
    progress(fmt::format("{} stays: {}", name_, error.what()));
  }
}

std::string PassingDatabase::url() const { return test::postgres_url("operator", name_); }

void stop_waiting_for_disk(test::TestWorld& world) {
  world.execute(
      "DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET synchronous_commit = off', current_database()); END "
      "$$");
}

}  // namespace guildhall::bench
