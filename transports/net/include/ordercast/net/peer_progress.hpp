// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <cstdint>

/// Distinguishes a slow peer from one that has stopped reading. What the kernel accepts does not
/// tell: it buffers megabytes for a slow peer, and accepts more only when a third of them is gone.
/// So this counts the bytes that the peer acknowledges (see unacknowledged.hpp).
namespace ordercast::net {

/// A plain value; one thread; O(1).
class PeerProgress {
 public:
  /// Returns true if the peer has acknowledged bytes since the last call. `written`: all bytes that
  /// the kernel has ever accepted; `unacknowledged`: those of them that the peer has not
  /// acknowledged.
  bool note(std::uint64_t written, std::size_t unacknowledged) noexcept {
    const bool progress = written > written_ || unacknowledged < unacknowledged_;
    written_ = written;
    unacknowledged_ = unacknowledged;
    return progress;
  }

  /// Bytes that the kernel had accepted at the last call.
  [[nodiscard]] std::uint64_t written() const noexcept { return written_; }

  /// Call when nothing is in flight any more.
  void restart() noexcept { unacknowledged_ = 0; }

 private:
  std::uint64_t written_ = 0;
  std::size_t unacknowledged_ = 0;
};

}  // namespace ordercast::net
