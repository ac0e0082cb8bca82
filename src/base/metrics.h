// Counters, gauges and histograms, shown as text on /metrics. Labels are bounded: never a server id,
// never a name.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <string_view>

namespace guildhall {

class Counter {
 public:
  void add(std::int64_t by = 1) { value_.fetch_add(by, std::memory_order_relaxed); }
  std::int64_t value() const { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<std::int64_t> value_{0};
};

/// Seconds, in buckets that double from 100 microseconds to about 13 seconds.
class Histogram {
 public:
  static constexpr std::size_t kBuckets = 18;
  void observe(double seconds);
  static double upper_bound(std::size_t bucket);

  std::array<std::atomic<std::int64_t>, kBuckets + 1> counts{};
  std::atomic<std::int64_t> sum_micros{0};
};

class Metrics {
 public:
  /// The counter of that name and label set (written as in the output: `reason="stale"`), made at the
  /// first call. The reference stays valid as long as the registry.
  Counter& counter(std::string_view name, std::string_view help, std::string_view labels = {});
  Histogram& histogram(std::string_view name, std::string_view help, std::string_view labels = {});
  /// A value that is read when somebody looks.
  void gauge(std::string_view name, std::string_view help, std::function<double()> read);

  /// The text format that Prometheus reads (version 0.0.4).
  std::string text() const;

 private:
  struct Family {
    std::string help;
    std::string type;
    std::map<std::string, Counter> counters;
    std::map<std::string, Histogram> histograms;
    std::function<double()> read;
  };

  Family& family(std::string_view name, std::string_view help, std::string_view type);

  mutable std::mutex mutex_;
  std::map<std::string, Family, std::less<>> families_;
};

}  // namespace guildhall
