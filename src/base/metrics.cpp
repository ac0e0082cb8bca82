#include "base/metrics.h"

#include <fmt/format.h>

#include <cmath>

namespace guildhall {

double Histogram::upper_bound(std::size_t bucket) {
  return 0.0001 * std::pow(2.0, static_cast<double>(bucket));
}

void Histogram::observe(double seconds) {
  std::size_t bucket = 0;
  while (bucket < kBuckets && seconds > upper_bound(bucket)) ++bucket;
  counts[bucket].fetch_add(1, std::memory_order_relaxed);
  sum_micros.fetch_add(static_cast<std::int64_t>(seconds * 1e6), std::memory_order_relaxed);
}

Metrics::Family& Metrics::family(std::string_view name, std::string_view help, std::string_view type) {
  auto& found = families_[std::string(name)];
  found.help = help;
  found.type = type;
  return found;
}

Counter& Metrics::counter(std::string_view name, std::string_view help, std::string_view labels) {
  const std::scoped_lock lock(mutex_);
  return family(name, help, "counter").counters[std::string(labels)];
}

Histogram& Metrics::histogram(std::string_view name, std::string_view help, std::string_view labels) {
  const std::scoped_lock lock(mutex_);
  return family(name, help, "histogram").histograms[std::string(labels)];
}

void Metrics::gauge(std::string_view name, std::string_view help, std::function<double()> read) {
  const std::scoped_lock lock(mutex_);
  family(name, help, "gauge").read = std::move(read);
}

std::string Metrics::text() const {
  const std::scoped_lock lock(mutex_);
  std::string out;
  const auto braces = [](const std::string& labels) { return labels.empty() ? "" : "{" + labels + "}"; };
  for (const auto& [name, family] : families_) {
    out += fmt::format("# HELP {} {}\n# TYPE {} {}\n", name, family.help, name, family.type);
    if (family.read) out += fmt::format("{} {}\n", name, family.read());
    for (const auto& [labels, counter] : family.counters) {
      out += fmt::format("{}{} {}\n", name, braces(labels), counter.value());
    }
    for (const auto& [labels, histogram] : family.histograms) {
      const std::string comma = labels.empty() ? "" : labels + ",";
      std::int64_t total = 0;
      for (std::size_t bucket = 0; bucket <= Histogram::kBuckets; ++bucket) {
        total += histogram.counts[bucket].load(std::memory_order_relaxed);
        const std::string bound =
            bucket == Histogram::kBuckets ? "+Inf" : fmt::format("{}", Histogram::upper_bound(bucket));
        out += fmt::format("{}_bucket{{{}le=\"{}\"}} {}\n", name, comma, bound, total);
      }
      out += fmt::format("{}_sum{} {}\n", name, braces(labels),
                         static_cast<double>(histogram.sum_micros.load(std::memory_order_relaxed)) / 1e6);
      out += fmt::format("{}_count{} {}\n", name, braces(labels), total);
    }
  }
  return out;
}

}  // namespace guildhall
