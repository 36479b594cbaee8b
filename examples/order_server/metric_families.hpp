// SPDX-License-Identifier: MIT
#pragma once

#include <array>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <list>
#include <string>
#include <utility>
#include <vector>

/// Numbers that carry their name and help: a metric is declared in one place, as a member of
/// `Metrics`, and `render_metrics` finds it.
namespace order_server {

class Tally;
class DurationHistogram;

enum class MetricKind : std::uint8_t { counter, gauge, histogram };

/// The value of a family's label: `{result="sent"}`. Empty name: no label.
struct MetricLabel {
  std::string name;
  std::string value;
};

/// What /metrics says under one name.
struct MetricFamily {
  MetricKind kind;
  std::string name;
  std::string help;
  std::vector<std::pair<MetricLabel, const Tally*>> tallies{};
  /// In place of `tallies`.
  std::vector<std::pair<std::vector<MetricLabel>, const DurationHistogram*>> histograms{};
};

/// The families that have been declared, in that order. They stay where they are: numbers that
/// belong to one of them keep a reference to it.
class MetricFamilies {
 public:
  MetricFamily& add(MetricKind kind, std::string name, std::string help) {
    families_.push_back({kind, std::move(name), std::move(help)});
    return families_.back();
  }
  [[nodiscard]] const std::list<MetricFamily>& all() const noexcept { return families_; }

 private:
  std::list<MetricFamily> families_;
};

/// A number that any thread may change: one relaxed atomic. Numbers are not ordered among each
/// other.
class Tally {
 public:
  Tally() = default;
  /// The only number of a new family.
  Tally(MetricFamilies& families, MetricKind kind, std::string name, std::string help)
      : Tally(families.add(kind, std::move(name), std::move(help)), {}) {}
  /// One of several numbers of a family.
  Tally(MetricFamily& family, MetricLabel label) {
    family.tallies.emplace_back(std::move(label), this);
  }
  Tally(const Tally&) = delete;
  Tally(Tally&&) = delete;
  Tally& operator=(const Tally&) = delete;
  Tally& operator=(Tally&&) = delete;
  ~Tally() = default;

  void add(std::int64_t amount = 1) noexcept {
    value_.fetch_add(amount, std::memory_order_relaxed);
  }
  void set(std::int64_t value) noexcept { value_.store(value, std::memory_order_relaxed); }
  [[nodiscard]] std::int64_t value() const noexcept {
    return value_.load(std::memory_order_relaxed);
  }

 private:
  std::atomic<std::int64_t> value_{0};
};

/// A family with one number for each value from 0 up to `Count`, as of an enum.
template <std::size_t Count>
class TallyArray {
 public:
  /// `label_of(i)` is the label's value of the i-th number; "" leaves the number out of /metrics.
  template <class LabelOf>
  TallyArray(MetricFamily& family, const std::string& label, LabelOf label_of) {
    for (std::size_t i = 0; i < Count; ++i) {
      const std::string value(label_of(i));
      if (!value.empty()) family.tallies.emplace_back(MetricLabel{label, value}, &tallies_[i]);
    }
  }
  [[nodiscard]] static constexpr std::size_t size() noexcept { return Count; }
  [[nodiscard]] Tally& operator[](std::size_t i) noexcept { return tallies_[i]; }
  [[nodiscard]] const Tally& operator[](std::size_t i) const noexcept { return tallies_[i]; }

 private:
  std::array<Tally, Count> tallies_;
};

/// Upper bounds of a histogram's buckets in seconds; the last bucket, above them, is implied.
inline constexpr std::array<double, 13> duration_bounds{
    0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10};

/// A histogram of durations; an observation changes two relaxed atomics.
class DurationHistogram {
 public:
  DurationHistogram(MetricFamilies& families, std::string name, std::string help) {
    families.add(MetricKind::histogram, std::move(name), std::move(help))
        .histograms.emplace_back(std::vector<MetricLabel>{}, this);
  }
  /// One of several histograms of a family.
  DurationHistogram(MetricFamily& family, std::vector<MetricLabel> labels) {
    family.histograms.emplace_back(std::move(labels), this);
  }

  void observe(std::chrono::microseconds duration) noexcept;

  /// Observations in this bucket only; `duration_bounds.size()` is the last bucket.
  [[nodiscard]] std::int64_t count(std::size_t bucket) const noexcept {
    return counts_[bucket].value();
  }
  [[nodiscard]] double sum_seconds() const noexcept {
    return static_cast<double>(sum_us_.value()) / 1e6;
  }

 private:
  std::array<Tally, duration_bounds.size() + 1> counts_;
  Tally sum_us_;
};

}  // namespace order_server
