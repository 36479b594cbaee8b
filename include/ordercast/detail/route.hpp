// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>

namespace ordercast::detail {

/// What a broadcast touches of each recipient, apart from the rest of its session: the recipients
/// of a large one lie in memory that the processor's caches hold.
template <class Handle>
struct Route {
  Handle handle{};
  std::uint64_t accepted_bytes = 0;
  std::uint32_t last_publish = 0;  ///< The newest publish that reached it, to count it once.
  bool closing = false;
  bool queueing = false;  ///< Whether it has an outbox, because it is slow.
  bool doomed = false;    ///< It is closed after the iteration that is under way.

  [[nodiscard]] std::uint32_t& free_link() noexcept { return last_publish; }
};

}  // namespace ordercast::detail
