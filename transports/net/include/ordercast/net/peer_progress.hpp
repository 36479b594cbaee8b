// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <cstdint>

/// Tells a slow peer from one that has stopped to read. What the kernel takes does not tell: it
/// holds megabytes for a slow peer, and asks for more only when a third of them is gone. So the
/// bytes count that the peer acknowledges (see unacknowledged.hpp).
namespace ordercast::net {

/// A plain value; one thread; O(1).
class PeerProgress {
 public:
  /// Returns whether the peer has taken bytes since the last call. `written`: all bytes that the
  /// kernel has ever taken; `unacknowledged`: those of them that the peer has not acknowledged.
  bool note(std::uint64_t written, std::size_t unacknowledged) noexcept {
    const bool progress = written > written_ || unacknowledged < unacknowledged_;
    written_ = written;
    unacknowledged_ = unacknowledged;
    return progress;
  }

  /// Bytes that the kernel had taken at the last call.
  [[nodiscard]] std::uint64_t written() const noexcept { return written_; }

  /// Nothing is under way any more.
  void restart() noexcept { unacknowledged_ = 0; }

 private:
  std::uint64_t written_ = 0;
  std::size_t unacknowledged_ = 0;
};

}  // namespace ordercast::net
