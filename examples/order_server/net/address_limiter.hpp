// SPDX-License-Identifier: MIT
#pragma once

#include <ordercast/clock.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_map>

namespace order_server {

struct AddressLimits {
  std::uint32_t per_second = 100;      ///< Sustained rate of an address. 0: no limit.
  std::uint32_t burst = 1000;          ///< How many may come at once after silence.
  std::size_t max_addresses = 65'536;  ///< Addresses remembered. Cost: about 150 bytes each.
};

/// A token bucket for each address, or other key of a client. Forgets full buckets, so only
/// addresses that were active within `burst / per_second` seconds take memory.
///
/// Thread-safe and fast enough for I/O threads: holds its lock for one look-up, and sweeps a full
/// table at most once a second. If the table is full of active addresses, it lets new ones in
/// without a limit: a limit by address does not stop an attacker who has that many.
class AddressLimiter {
 public:
  explicit AddressLimiter(AddressLimits limits) : limits_(limits) {}

  /// Call before the first `admit`.
  void set_limits(const AddressLimits& limits) { limits_ = limits; }

  /// Takes one token from the address' bucket. Returns false if it is empty.
  [[nodiscard]] bool admit(std::string_view address, ordercast::TimePoint now) {
    if (limits_.per_second == 0) return true;
    const std::lock_guard lock(mutex_);
    const std::string key(address);
    auto found = buckets_.find(key);
    if (found == buckets_.end()) {
      if (buckets_.size() >= limits_.max_addresses && !make_room(now)) return true;
      found = buckets_.emplace(key, Bucket{capacity(), now}).first;
    }
    auto& bucket = found->second;
    refill(bucket, now);
    if (bucket.tokens < 1) return false;
    bucket.tokens -= 1;
    return true;
  }

  [[nodiscard]] std::size_t addresses() const {
    const std::lock_guard lock(mutex_);
    return buckets_.size();
  }

 private:
  struct Bucket {
    double tokens;
    ordercast::TimePoint filled_at;
  };

  [[nodiscard]] double capacity() const noexcept { return std::max<double>(limits_.burst, 1); }

  void refill(Bucket& bucket, ordercast::TimePoint now) const noexcept {
    const std::chrono::duration<double> elapsed = now - bucket.filled_at;
    bucket.tokens = std::min(capacity(), bucket.tokens + elapsed.count() * limits_.per_second);
    bucket.filled_at = now;
  }

  [[nodiscard]] bool make_room(ordercast::TimePoint now) {
    if (swept_ && now - swept_at_ < std::chrono::seconds(1)) return false;
    swept_ = true;
    swept_at_ = now;
    for (auto it = buckets_.begin(); it != buckets_.end();) {
      refill(it->second, now);
      it = it->second.tokens >= capacity() ? buckets_.erase(it) : std::next(it);
    }
    return buckets_.size() < limits_.max_addresses;
  }

  AddressLimits limits_;
  mutable std::mutex mutex_;
  std::unordered_map<std::string, Bucket> buckets_;
  bool swept_ = false;
  ordercast::TimePoint swept_at_{};
};

}  // namespace order_server
