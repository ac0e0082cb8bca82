// What every part of the simulation works with. All of it lives on one loop and needs no lock.
#pragma once

#include <boost/asio/io_context.hpp>

#include "base/clock.h"
#include "sim/faults.h"
#include "sim/journal.h"
#include "sim/mint.h"
#include "sim/naps.h"
#include "sim/witness.h"
#include "sim/world.h"

namespace guildhall::sim {

struct Stage {
  Stage(boost::asio::io_context& loop_, const Clock& clock_, std::uint64_t seed_, WorldSize size)
      : loop(loop_), clock(clock_), seed(seed_), world(make_world(seed_, size)), mint(clock_, seed_), witness(journal) {}

  boost::asio::io_context& loop;
  const Clock& clock;
  const std::uint64_t seed;
  World world;
  Mint mint;
  Faults faults;
  Naps naps;
  Journal journal;
  Witness witness;
};

}  // namespace guildhall::sim
