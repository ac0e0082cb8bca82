// What every part of the simulation works with. All of it lives on one loop and needs no lock.
#pragma once

#include <boost/asio/io_context.hpp>
#include <functional>
#include <memory>
#include <string>

#include "base/clock.h"
#include "net/loops.h"
#include "sim/faults.h"
#include "sim/journal.h"
#include "sim/mint.h"
#include "sim/naps.h"
#include "sim/witness.h"
#include "sim/world.h"

namespace guildhall::sim {

struct Stage {
  Stage(boost::asio::io_context& loop_, const Clock& clock_, std::uint64_t seed_, WorldSize size)
      : loop(loop_),
        clock(clock_),
        seed(seed_),
        world(make_world(seed_, size)),
        mint(clock_, seed_),
        witness(journal) {}

  /// Runs a coroutine by itself; the whole simulation lives until it ends.
  void spawn(std::string name, std::function<Task<void>()> body) {
    net::spawn(loop, std::move(name), [keep = whole.lock(), body = std::move(body)] { return body(); });
  }

  boost::asio::io_context& loop;
  std::weak_ptr<void> whole;  // set by the Simulation
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
