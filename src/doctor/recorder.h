// Every statement that the proof's database ran, with its values and what came of it.
#pragma once

#include <cstdint>
#include <mutex>
#include <string>
#include <vector>

#include "store/database.h"

namespace guildhall::doctor {

struct Run {
  std::size_t statement = 0;  // index in the registry
  store::WorkScope scope;
  std::vector<store::Value> values;
  std::int64_t rows = 0;     // of the answer
  std::int64_t changes = 0;  // rows changed; of a batch, all of them at its first run
  bool failed = false;
  bool many = false;  // run as one of a batch
};

/// Two lists of values are the same if and only if their texts are.
std::string as_text(const std::vector<store::Value>& values);

class Recorder final : public store::StatementObserver {
 public:
  void ran(const store::WorkScope& scope, const store::Execution& execution) override;
  /// What was run since it was asked last, in order.
  std::vector<Run> take();

 private:
  std::mutex mutex_;
  std::vector<Run> runs_;
};

}  // namespace guildhall::doctor
