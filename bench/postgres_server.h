// A PostgreSQL for this run: the one whose address GUILDHALL_TEST_POSTGRES holds, else one that is started
// when it is first needed and ends with the program.
#pragma once

#include <string>

#include "tests/support/test_world.h"

namespace guildhall::bench {

/// Is there one, or are there programs to start one with?
bool has_postgres();
/// Before the first world on it. Throws when it cannot be started.
void need_postgres();

/// From the next connection on commits of this world's database do not wait for the disk: where the work of
/// the processor is to be seen.
void stop_waiting_for_disk(test::TestWorld& world);

}  // namespace guildhall::bench
