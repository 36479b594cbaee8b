// SPDX-License-Identifier: MIT
#pragma once

// Before Asio, which looks for what the standard library has.
// clang-format off
#include <cstddef>
// clang-format on

#include <asio/buffer.hpp>
#include <websocketpp/transport/base/connection.hpp>

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

/// The buffers of the current write, and its progress. No I/O; one thread.
namespace ordercast::websocketpp::detail {

class GatheredOutput {
 public:
  /// A view of the unwritten buffers; Asio copies its buffer sequences.
  struct Unwritten {
    using value_type = ::asio::const_buffer;
    using const_iterator = const ::asio::const_buffer*;
    const_iterator first;
    const_iterator last;
    [[nodiscard]] const_iterator begin() const noexcept { return first; }
    [[nodiscard]] const_iterator end() const noexcept { return last; }
  };

  /// Appends these bytes, which others share, to the next write of a single buffer.
  void set_tail(std::shared_ptr<const std::string> tail) noexcept { tail_ = std::move(tail); }

  /// Starts a write. The bytes must stay in place until it ends.
  void start(const char* bytes, std::size_t size) {
    clear();
    add(bytes, size);
    if (tail_) add(tail_->data(), tail_->size());
  }
  void start(const std::vector<::websocketpp::transport::buffer>& buffers) {
    clear();
    for (const auto& buffer : buffers) {
      if (buffer.len > 0) add(buffer.buf, buffer.len);
    }
  }
  /// Ends the write and drops the rest of it.
  void clear() noexcept {
    buffers_.clear();  // Keeps its memory for the next.
    first_ = 0;
    in_flight_ = 0;
  }

  [[nodiscard]] Unwritten unwritten() const noexcept {
    return {buffers_.data() + first_, buffers_.data() + buffers_.size()};
  }
  /// Notes that the kernel has taken `count` bytes.
  void advance(std::size_t count) noexcept {
    in_flight_ -= count;
    taken_ += count;
    for (; count > 0; ++first_) {
      if (count < buffers_[first_].size()) {
        buffers_[first_] += count;
        break;
      }
      count -= buffers_[first_].size();
    }
  }

  /// Bytes of the write that the kernel has not taken.
  [[nodiscard]] std::size_t in_flight() const noexcept { return in_flight_; }
  /// Bytes that the kernel has taken of all writes.
  [[nodiscard]] std::uint64_t taken() const noexcept { return taken_; }

 private:
  void add(const char* bytes, std::size_t size) {
    buffers_.emplace_back(bytes, size);
    in_flight_ += size;
  }

  std::vector<::asio::const_buffer> buffers_;
  std::size_t first_ = 0;  // The first unwritten buffer.
  std::size_t in_flight_ = 0;
  std::uint64_t taken_ = 0;
  std::shared_ptr<const std::string> tail_;
};

}  // namespace ordercast::websocketpp::detail
