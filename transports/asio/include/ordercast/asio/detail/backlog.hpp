// SPDX-License-Identifier: MIT
#pragma once

#include <ordercast/net/frame.hpp>

#include <sys/uio.h>

#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

/// The frames that the kernel has not taken yet, in one queue for each connection of a loop. All
/// queues are lists in one pool of nodes, so queueing allocates nothing once the pool has grown.
/// One thread at a time.
namespace ordercast::asio::detail {

class BacklogPool {
 public:
  static constexpr std::uint32_t npos = UINT32_MAX;

  /// One connection's queue. `skip`: how much of the first frame has been written.
  struct Queue {
    std::uint32_t head = npos;
    std::uint32_t tail = npos;
    std::size_t skip = 0;

    [[nodiscard]] bool empty() const noexcept { return head == npos; }
  };

  /// Amortised O(1), with the strong guarantee.
  void push(Queue& queue, const net::Frame& frame) {
    if (free_ == npos) {
      nodes_.emplace_back();
      free_ = static_cast<std::uint32_t>(nodes_.size() - 1);
    }
    const auto at = free_;
    free_ = nodes_[at].next;
    nodes_[at] = {frame, npos};
    ++used_;
    (queue.empty() ? queue.head : nodes_[queue.tail].next) = at;
    queue.tail = at;
  }

  /// Lists the first frames, at most `most`, as slices for a gathered write.
  std::size_t gather(const Queue& queue, iovec* slices, std::size_t most) const noexcept {
    std::size_t count = 0;
    auto skip = queue.skip;
    for (auto at = queue.head; at != npos && count < most; at = nodes_[at].next) {
      const auto bytes = nodes_[at].frame.bytes().substr(std::exchange(skip, 0));
      slices[count++] = {const_cast<char*>(bytes.data()), bytes.size()};
    }
    return count;
  }

  /// Drops the first `bytes` bytes, which have been written.
  void consume(Queue& queue, std::size_t bytes) noexcept {
    bytes += std::exchange(queue.skip, 0);
    while (!queue.empty() && bytes >= nodes_[queue.head].frame.size()) {
      bytes -= nodes_[queue.head].frame.size();
      pop(queue);
    }
    queue.skip = bytes;
  }

  void clear(Queue& queue) noexcept {
    while (!queue.empty()) pop(queue);
    queue.skip = 0;
  }

  [[nodiscard]] std::size_t size() const noexcept { return used_; }

 private:
  struct Node {
    net::Frame frame;
    std::uint32_t next = npos;
  };

  void pop(Queue& queue) noexcept {
    const auto at = queue.head;
    queue.head = nodes_[at].next;
    if (queue.empty()) queue.tail = npos;
    nodes_[at] = {net::Frame{}, free_};
    free_ = at;
    if (--used_ > 0) return;
    free_ = npos;
    decltype(nodes_)().swap(nodes_);
  }

  std::vector<Node> nodes_;
  std::uint32_t free_ = npos;
  std::size_t used_ = 0;
};

}  // namespace ordercast::asio::detail
