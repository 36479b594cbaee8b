// SPDX-License-Identifier: MIT
#pragma once

#include <ordercast/clock.hpp>
#include <ordercast/outbox.hpp>

#include <cstdint>
#include <optional>

namespace ordercast::detail {

/// What is kept of a connection only while it has unwritten data. One thread at a time.
template <class Frame>
struct WriteStall {
  std::optional<Outbox<Frame>> outbox;  ///< What the transport has not taken.
  TimePoint since{};                    ///< When the peer last acknowledged anything.
  std::uint64_t written_bytes = 0;      ///< Acknowledged bytes, as of the last look.
  std::uint64_t ping_after = 0;         ///< The ping stands behind so many accepted bytes.
};

}  // namespace ordercast::detail
