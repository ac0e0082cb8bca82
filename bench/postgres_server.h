// A PostgreSQL for this run: the one whose address GUILDHALL_TEST_POSTGRES holds, else one that is started
// when it is first needed and ends with the program.
#pragma once

#include <memory>
#include <string>

#include "store/schema_session.h"
#include "tests/support/test_world.h"

namespace guildhall::bench {

/// Is there one, or are there programs to start one with?
bool has_postgres();
/// Before the first world on it. Throws when it cannot be started.
void need_postgres();

/// By any URL; a file is made. Throws when it cannot be opened.
std::unique_ptr<store::SchemaSession> open_database(const std::string& url);

/// A database on that server which goes with the object, empty or as another is.
class PassingDatabase {
 public:
  explicit PassingDatabase(const std::string& of = "template1");
  PassingDatabase(const PassingDatabase&) = delete;
  PassingDatabase& operator=(const PassingDatabase&) = delete;
  ~PassingDatabase();

  const std::string& name() const { return name_; }
  std::string url() const;
  std::unique_ptr<store::SchemaSession> open() const { return open_database(url()); }

 private:
  std::string name_;
};

/// From the next connection on commits of this world's database do not wait for the disk: where the work of
/// the processor is to be seen.
void stop_waiting_for_disk(test::TestWorld& world);

}  // namespace guildhall::bench
