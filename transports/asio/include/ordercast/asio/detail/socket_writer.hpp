// SPDX-License-Identifier: MIT
#pragma once

#include <ordercast/asio/stream_socket.hpp>
#include <ordercast/net/options.hpp>

#include <sys/socket.h>
#include <sys/uio.h>

#include <cerrno>
#include <cstddef>
#include <vector>

#ifdef ORDERCAST_HAS_LIBURING
#include <liburing.h>

#include <algorithm>
#include <memory>
#endif

/// Hands gathered writes of many sockets to the kernel. With io_uring, up to `batch` of them go in
/// one system call; where io_uring is missing or not worth it, each is a sendmsg(2).
///
/// No write blocks, and none is still running when the call returns: a full socket gives EAGAIN.
/// One thread.
namespace ordercast::asio::detail {

/// A gathered write. The caller keeps the slices and the result alive until `write` returns.
struct Write {
  int fd = -1;
  const iovec* slices = nullptr;
  std::size_t count = 0;
  ssize_t result = 0;  ///< Bytes that the kernel took, or a negated errno.
};

/// How many slices one write may have (Linux's IOV_MAX).
inline constexpr std::size_t max_slices = 1024;

class SocketWriter {
 public:
  explicit SocketWriter(net::IoMode mode) : wanted_(mode) {}
  SocketWriter(const SocketWriter&) = delete;
  SocketWriter& operator=(const SocketWriter&) = delete;
  ~SocketWriter() = default;

  /// Does all writes and sets their results. Always call it on the same thread.
  void write(std::vector<Write>& writes) noexcept {
    if (by_ring(writes)) return;
    for (auto& one : writes) one.result = StreamSocket::write_plain(one.fd, one.slices, one.count);
  }

  /// Whether io_uring is in use. False until the first call with at least `crowd` writes.
  [[nodiscard]] bool uses_ring() const noexcept {
#ifdef ORDERCAST_HAS_LIBURING
    return ring_ != nullptr;
#else
    return false;
#endif
  }

#ifndef ORDERCAST_HAS_LIBURING
 private:
  static bool by_ring(std::vector<Write>& /*writes*/) noexcept {
    return false;
  }

  [[maybe_unused]] net::IoMode wanted_;
#else
  static constexpr unsigned batch = 512;

 private:
  /// Fewer writes than this are as fast one by one.
  static constexpr std::size_t crowd = 4;

  struct Ring {
    Ring() {
      // Newer kernels have less to do for a ring that only one thread uses.
      const unsigned best = IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN;
      ready = ::io_uring_queue_init(batch, &ring, best) == 0 ||
              ::io_uring_queue_init(batch, &ring, 0) == 0;
    }
    Ring(const Ring&) = delete;
    Ring& operator=(const Ring&) = delete;
    ~Ring() {
      if (ready) ::io_uring_queue_exit(&ring);
    }
    io_uring ring{};
    bool ready = false;
    std::vector<msghdr> messages = std::vector<msghdr>(batch);
  };

  /// Returns false if the writes must be done another way; then none of them has been done.
  bool by_ring(std::vector<Write>& writes) noexcept {
    if (wanted_ == net::IoMode::send) return false;
    if (writes.size() < crowd && wanted_ == net::IoMode::automatic) return false;
    if (!ring_) {
      try {
        ring_ = std::make_unique<Ring>();
      } catch (...) {  // Out of memory.
      }
      if (!ring_ || !ring_->ready) {
        ring_.reset();
        wanted_ = net::IoMode::send;  // Not allowed here, as in many containers: don't try again.
        return false;
      }
    }
    for (std::size_t first = 0; first < writes.size(); first += batch) {
      const auto count = std::min<std::size_t>(batch, writes.size() - first);
      submit(writes.data() + first, static_cast<unsigned>(count));
    }
    return true;
  }

  void submit(Write* writes, unsigned count) noexcept {
    auto& ring = ring_->ring;
    for (unsigned i = 0; i < count; ++i) {
      auto* const entry = ::io_uring_get_sqe(&ring);  // Never null, because the queue was empty.
      auto& one = writes[i];
      if (one.count == 1) {
        ::io_uring_prep_send(entry, one.fd, one.slices->iov_base, one.slices->iov_len,
                             MSG_DONTWAIT | MSG_NOSIGNAL);
      } else {
        auto& message = ring_->messages[i];
        message = {};
        message.msg_iov = const_cast<iovec*>(one.slices);
        message.msg_iovlen = one.count;
        ::io_uring_prep_sendmsg(entry, one.fd, &message, MSG_DONTWAIT | MSG_NOSIGNAL);
      }
      entry->user_data = i;
    }
    unsigned submitted = 0;
    unsigned done = 0;
    while (done < count) {
      const int taken = ::io_uring_submit_and_wait(&ring, count - done);
      if (taken > 0) submitted += static_cast<unsigned>(taken);
      done += reap(writes);
      // With nothing in progress, the kernel will not take later what it does not take now.
      if (taken < 0 && taken != -EINTR && done >= submitted) break;
    }
    if (done == count) return;
    // The ring is broken: its queue holds entries that must not be submitted any more.
    ring_.reset();
    wanted_ = net::IoMode::send;
    for (unsigned i = submitted; i < count; ++i) {
      writes[i].result = StreamSocket::write_plain(writes[i].fd, writes[i].slices, writes[i].count);
    }
  }

  /// Takes the completions that have arrived.
  unsigned reap(Write* writes) noexcept {
    auto& ring = ring_->ring;
    unsigned head = 0;
    unsigned count = 0;
    io_uring_cqe* completion = nullptr;
    io_uring_for_each_cqe(&ring, head, completion) {
      writes[completion->user_data].result = completion->res;
      ++count;
    }
    ::io_uring_cq_advance(&ring, count);
    return count;
  }

  net::IoMode wanted_;
  std::unique_ptr<Ring> ring_;
#endif
};

}  // namespace ordercast::asio::detail
