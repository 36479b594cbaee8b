// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <cstdint>

namespace ordercast::detail {

/// The state of each subscription: the newest version sent or promised, and whether a record in the
/// session handles its changes. One word, because a broadcast reads it for each recipient.
class Watch {
 public:
  [[nodiscard]] std::uint64_t version() const noexcept { return word_ >> 1U; }
  [[nodiscard]] bool deferred() const noexcept { return (word_ & 1U) != 0; }
  void set_version(std::uint64_t version) noexcept { word_ = version << 1U | (word_ & 1U); }
  void raise_version(std::uint64_t version) noexcept {
    set_version((std::max)(version, this->version()));
  }
  void defer() noexcept { word_ |= 1U; }
  void activate() noexcept { word_ &= ~std::uint64_t{1}; }

 private:
  std::uint64_t word_ = 1;  // Version 0, deferred.
};

}  // namespace ordercast::detail
