// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>

namespace ordercast::detail {

/// The data that a broadcast touches for each recipient, kept apart from the rest of its session so
/// that a large broadcast fits the processor's caches.
template <class Handle>
struct Route {
  Handle handle{};
  std::uint64_t accepted_bytes = 0;
  std::uint32_t last_publish = 0;  ///< The last publish that reached it, to count it once.
  bool closing = false;
  bool queueing = false;  ///< True while it is slow and has an outbox.
  bool doomed = false;    ///< To be closed after the current iteration.

  [[nodiscard]] std::uint32_t& free_link() noexcept { return last_publish; }
};

}  // namespace ordercast::detail
