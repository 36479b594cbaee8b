// SPDX-License-Identifier: MIT
#pragma once

#include <ordercast/clock.hpp>
#include <ordercast/outbox.hpp>

#include <cstdint>
#include <optional>

namespace ordercast::detail {

/// State of a connection while it has unwritten data. One thread at a time.
template <class Frame>
struct WriteStall {
  std::optional<Outbox<Frame>> outbox;  ///< Messages that the transport has not accepted.
  TimePoint since{};                    ///< When the peer last acknowledged anything.
  std::uint64_t written_bytes = 0;      ///< Acknowledged bytes at the last check.
  std::uint64_t ping_after = 0;         ///< How many accepted bytes precede the ping.
};

}  // namespace ordercast::detail
