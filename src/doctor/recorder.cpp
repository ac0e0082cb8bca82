#include "doctor/recorder.h"

#include <fmt/format.h>

#include <utility>

namespace guildhall::doctor {

std::string as_text(const std::vector<store::Value>& values) {
  std::string text;
  for (const store::Value& value : values) {
    if (const auto* number = std::get_if<std::int64_t>(&value)) {
      text += fmt::format("i{} ", *number);
    } else if (const auto* words = std::get_if<std::string>(&value)) {
      text += fmt::format("t{}:{} ", words->size(), *words);
    } else if (const auto* blob = std::get_if<store::Blob>(&value)) {
      text += fmt::format("b{}:{} ", blob->bytes.size(), blob->bytes);
    } else {
      text += "- ";
    }
  }
  return text;
}

void Recorder::ran(const store::WorkScope& scope, const store::Execution& execution) {
  const std::scoped_lock lock(mutex_);
  bool first = true;
  for (const auto& values : execution.calls) {
    Run run{execution.statement, scope, values};
    run.failed = execution.error != nullptr;
    run.many = execution.many;
    if (std::exchange(first, false)) {
      run.rows = execution.rows;
      run.changes = execution.changes;
    }
    runs_.push_back(std::move(run));
  }
}

std::vector<Run> Recorder::take() {
  const std::scoped_lock lock(mutex_);
  return std::exchange(runs_, {});
}

}  // namespace guildhall::doctor
