// features: one folder per feature, all of one shape (docs/internals/architecture.md):
//
//   <name>.h             the door: who can do what; the events it follows; the tables it owns
//   <name>.cpp           the rules; no SQL text, no JSON, no platform's types
//   <name>_store.h       its statements, named constants written out in full
//   <name>_commands.cpp  its commands, replies and dashboard routes
//   <name>_import.cpp    what it takes over from old bots, where it has something to
//   <name>_test.cpp      its tests
//
// This header is the one list of them. It promises that a feature can be read and changed alone:
// features never include each other; they meet through events, the core tables and what bot offers.
#pragma once

#include "bot/feature.h"

namespace guildhall::features {

/// Every feature declares what it has.
void declare_all(bot::Declarations& declarations);

}  // namespace guildhall::features
