// SPDX-License-Identifier: MIT
#pragma once

#include <ordercast/error.hpp>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdint>
#include <optional>
#include <string_view>

/// The wait before a client retries: exponential, with equal jitter, and at least what the server
/// asked for.
///
/// The caller passes random draws, so that tests, and the client in TypeScript, get the same
/// delays: tests/vectors/backoff.json. Plain values; no thread rules; O(1).
namespace ordercast::client {

using Milliseconds = std::chrono::milliseconds;

struct BackoffOptions {
  /// The ceiling of the first delay; it doubles with each failure.
  Milliseconds base{1'000};

  /// The greatest ceiling, and that of every slow failure.
  Milliseconds max{30'000};

  /// The longest wait that a server can request with `retry-after-ms`.
  Milliseconds max_retry_after{300'000};
};

/// `slow` for failures that an early retry would make worse.
enum class Pace : std::uint8_t { normal, slow };

class Backoff {
 public:
  explicit Backoff(const BackoffOptions& options = {}) noexcept : options_(options) {}

  /// Returns the delay after one more failure: from half of the ceiling to all of it. `draw` is
  /// uniform in [0, 1); a draw of 0 gives the ceiling itself (1, 2, 4, 8, 16, 30, 30 s by default).
  [[nodiscard]] Milliseconds next(double draw, Pace pace = Pace::normal,
                                  std::optional<Milliseconds> retry_after = {}) noexcept {
    const auto limit = pace == Pace::slow ? options_.max : ceiling();
    if (failures_ < max_doublings) ++failures_;
    const auto cut = std::floor(draw * static_cast<double>(limit.count()) / 2);
    const auto delay = limit - Milliseconds(static_cast<Milliseconds::rep>(cut));
    return retry_after ? (std::max)(delay, (std::min)(*retry_after, options_.max_retry_after))
                       : delay;
  }

  /// Call when a connection has proved good, not when it has only opened.
  void reset() noexcept { failures_ = 0; }

 private:
  static constexpr unsigned max_doublings = 62;

  [[nodiscard]] Milliseconds ceiling() const noexcept {
    auto limit = options_.base;
    for (unsigned i = 0; i < failures_; ++i) {
      if (limit > options_.max / 2) return options_.max;
      limit *= 2;
    }
    return (std::min)(limit, options_.max);
  }

  BackoffOptions options_;
  unsigned failures_ = 0;
};

/// Returns the `retry-after-ms=N` in the reason of a close 1012, at most `most`; nullopt for other
/// codes, or if there is none.
[[nodiscard]] inline std::optional<Milliseconds> retry_after(std::uint16_t code,
                                                             std::string_view reason,
                                                             Milliseconds most) noexcept {
  constexpr std::string_view name = "retry-after-ms=";
  const auto is_digit = [](char c) { return c >= '0' && c <= '9'; };
  if (code != static_cast<std::uint16_t>(CloseCode::service_restart)) return std::nullopt;
  for (auto at = reason.find(name); at != std::string_view::npos; at = reason.find(name, at + 1)) {
    auto digits = reason.substr(at + name.size());
    if (digits.empty() || !is_digit(digits.front())) continue;
    Milliseconds wait{0};
    for (; !digits.empty() && is_digit(digits.front()); digits.remove_prefix(1)) {
      wait = (std::min)(wait * 10 + Milliseconds(digits.front() - '0'), most);
    }
    return wait;
  }
  return std::nullopt;
}

}  // namespace ordercast::client
