#include "tests/fuzz/fuzz.h"

#include "bot/feature.h"
#include "features/features.h"

namespace guildhall::fuzz {
namespace {

struct Program {
  Program() {
    bot::declare_bot(declarations);
    features::declare_all(declarations);
  }
  Config config;
  bot::Declarations declarations{config};
};

}  // namespace

const bot::Declarations& declarations() {
  static const Program program;
  return program.declarations;
}

}  // namespace guildhall::fuzz
