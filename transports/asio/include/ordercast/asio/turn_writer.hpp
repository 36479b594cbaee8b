// SPDX-License-Identifier: MIT
#pragma once

#include <ordercast/asio/detail/backlog.hpp>
#include <ordercast/asio/detail/socket_writer.hpp>
#include <ordercast/asio/detail/turn_log.hpp>
#include <ordercast/asio/stream_socket.hpp>
#include <ordercast/net/frame.hpp>
#include <ordercast/net/options.hpp>

#include <sys/uio.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <vector>

/// Writes what the connections of a loop were sent in one turn: all frames of a connection in one
/// gathered write, many connections in one system call where io_uring is allowed. What the kernel
/// does not take waits in the connection's backlog.
///
/// `push` is amortised O(1) and allocates nothing in the long run. One thread.
///
///     writer.push(index, queue, frame);                // any number of times in a turn
///     writer.write_early(connection.socket, queue);    // when that is more than should wait
///     writer.flush(connections, on_written);           // once, at its end
///     writer.write_backlog(connection.socket, queue);  // when the socket is writable again
namespace ordercast::asio {

class TurnWriter {
 public:
  using Index = std::uint32_t;

  /// What one connection was sent and the kernel has not taken.
  class Queue {
   public:
    [[nodiscard]] std::size_t unwritten_bytes() const noexcept { return unwritten_; }
    /// From the next turn on, the connection gets messages compressed (RFC 7692).
    void deflate() noexcept { lane_ = detail::Lane::deflated; }
    /// True: wait for the socket to become writable, then call `write_backlog`.
    [[nodiscard]] bool has_backlog() const noexcept { return !backlog_.empty(); }

   private:
    friend class TurnWriter;
    std::uint32_t entry_ = detail::TurnLog::npos;  // In the log of this turn.
    detail::Lane lane_ = detail::Lane::plain;
    std::size_t unwritten_ = 0;
    detail::BacklogPool::Queue backlog_;
  };

  /// With TLS (`secure`) each connection is written by itself, because encrypted bytes can't be
  /// shared.
  TurnWriter(net::IoMode mode, bool secure) : writer_(mode), secure_(secure) {
    writes_.reserve(writes_a_time);  // So that a write for all its recipients can't fail.
  }

  /// Queues a frame. Strong guarantee. Not from within `flush`.
  void push(Index index, Queue& queue, const net::Frame& frame) {
    if (!queue.backlog_.empty()) return push_behind(queue, frame);
    if (queue.entry_ == detail::TurnLog::npos) {
      queue.entry_ = log_.open(index, frame, queue.lane_);
    } else {
      log_.extend(queue.entry_, frame);
    }
    queue.unwritten_ += log_.newest_bytes(queue.entry_);
  }

  /// Writes what a connection was sent in this turn now, so that only what the kernel does not take
  /// waits for the end of the turn. `flush` still reports the connection. Returns 0, or an errno
  /// for which the connection must end. Not from within `flush`.
  [[nodiscard]] int write_early(StreamSocket& socket, Queue& queue) noexcept {
    if (queue.entry_ == detail::TurnLog::npos || queue.has_backlog()) return 0;
    const auto& entry = log_.entries()[queue.entry_];
    if (entry.is_written()) return 0;
    const int failure = settle(queue, entry, write_start(socket, entry));
    log_.mark_written(queue.entry_);
    return failure != 0 ? failure : write_backlog(socket, queue);
  }

  /// True if nothing was sent in this turn.
  [[nodiscard]] bool is_idle() const noexcept { return log_.empty(); }

  /// Writes the log. `connections` has `socket(index)` and `queue(index)` for each index that was
  /// pushed to since the last flush, those of closed sockets included. Calls `on_written(index,
  /// failure)` for each whose socket is open: 0, or an errno for which the connection must end,
  /// ENOMEM among them. It must not push.
  template <class Connections, class OnWritten>
  void flush(Connections& connections, OnWritten&& on_written) noexcept {
    const auto count = log_.entries().size();
    for (std::size_t first = 0; first < count; first += writes_a_time) {
      const auto last = (std::min)(first + writes_a_time, count);
      const bool has_slices = gather(connections, first, last);
      write(connections, first);
      for (auto i = first; i < last; ++i) {
        const auto& entry = log_.entries()[i];
        auto result = entry.is_written() ? 0 : writes_[i - first].result;
        if (!has_slices && entry.more != detail::TurnLog::npos) {
          result = write_start(connections.socket(entry.connection), entry);
        }
        auto& queue = connections.queue(entry.connection);
        queue.entry_ = detail::TurnLog::npos;
        if (!connections.socket(entry.connection).is_open()) continue;
        on_written(entry.connection, settle(queue, entry, result));
      }
    }
    log_.clear();
  }

  /// The socket has room again. Returns 0, or an errno for which the connection must end.
  [[nodiscard]] int write_backlog(StreamSocket& socket, Queue& queue) noexcept {
    while (!queue.backlog_.empty()) {
      // NOLINTNEXTLINE(cppcoreguidelines-pro-type-member-init): filled as far as it is used.
      std::array<iovec, StreamSocket::max_secure_slices> slices;
      const auto count = backlogs_.gather(queue.backlog_, slices.data(), slices.size());
      const auto written = socket.write(slices.data(), count);
      if (written == -EAGAIN) return 0;
      if (written < 0) return static_cast<int>(-written);
      backlogs_.consume(queue.backlog_, static_cast<std::size_t>(written));
      queue.unwritten_ -= static_cast<std::size_t>(written);
    }
    return 0;
  }

  /// Forgets what waits for a socket that is closed.
  void drop(Queue& queue) noexcept {
    backlogs_.clear(queue.backlog_);
    queue.unwritten_ = 0;
  }

  /// Whether writes go through io_uring; known after the first write to several connections.
  [[nodiscard]] bool uses_io_uring() const noexcept { return writer_.uses_ring(); }

 private:
  using Log = detail::TurnLog;
  static constexpr std::size_t writes_a_time = 512;

  void push_behind(Queue& queue, const net::Frame& frame) {
    if (queue.lane_ == detail::Lane::deflated) {
      const auto form = net::deflated(frame);
      backlogs_.push(queue.backlog_, form);
      queue.unwritten_ += form.size();
    } else {
      backlogs_.push(queue.backlog_, frame);
      queue.unwritten_ += frame.size();
    }
  }

  /// Fills `writes_`, one for each entry. Returns false if there is no memory for the slices of
  /// entries with gaps; those then have nothing to write.
  template <class Connections>
  bool gather(Connections& connections, std::size_t first, std::size_t last) noexcept {
    const auto& entries = log_.entries();
    const bool has_slices = reserve_gaps(first, last);
    writes_.clear();
    const Log::Entry* built = nullptr;  // The last entry with gaps.
    detail::Write built_write;
    for (auto i = first; i < last; ++i) {
      const auto& entry = entries[i];
      if (entry.is_written()) {
        writes_.emplace_back();
        continue;
      }
      const int fd = connections.socket(entry.connection).fd();
      if (entry.more == Log::npos) {
        writes_.push_back({fd, log_.slices(entry) + entry.run.first,
                           std::min<std::size_t>(entry.run.count, detail::max_slices), 0});
        continue;
      }
      if (has_slices && (built == nullptr || !log_.same_runs(entry, *built))) {
        const auto start = gaps_.size();
        log_.for_each_run(entry, [&](Log::Run run) {
          gaps_.insert(gaps_.end(), log_.slices(entry) + run.first,
                       log_.slices(entry) + run.first + run.count);
        });
        built = &entry;
        built_write = {fd, gaps_.data() + start,
                       (std::min)(gaps_.size() - start, detail::max_slices), 0};
      }
      built_write.fd = has_slices ? fd : -1;
      writes_.push_back(built_write);
    }
    return has_slices;
  }

  /// Reserves room for all slices of entries with gaps, so that none of them moves.
  [[nodiscard]] bool reserve_gaps(std::size_t first, std::size_t last) noexcept {
    std::size_t count = 0;
    for (auto i = first; i < last; ++i) {
      const auto& entry = log_.entries()[i];
      if (entry.more != Log::npos) count += log_.count(entry);
    }
    gaps_.clear();
    try {
      gaps_.reserve(count);
      return true;
    } catch (...) {
      return false;
    }
  }

  template <class Connections>
  void write(Connections& connections, std::size_t first) noexcept {
    if (!secure_) return writer_.write(writes_);
    for (auto& one : writes_) {
      auto& socket = connections.socket(log_.entries()[first++].connection);
      if (one.count == 0) continue;
      one.result = socket.is_open() ? socket.write(one.slices, one.count) : -ECONNRESET;
    }
  }

  /// Writes the start of an entry with gaps, from slices on the stack.
  [[nodiscard]] ssize_t write_start(StreamSocket& socket, const Log::Entry& entry) noexcept {
    // NOLINTNEXTLINE(cppcoreguidelines-pro-type-member-init): filled as far as it is used.
    std::array<iovec, StreamSocket::max_secure_slices> slices;
    std::size_t count = 0;
    log_.for_each_run(entry, [&](Log::Run run) {
      for (auto at = run.first; at < run.first + run.count && count < slices.size(); ++at) {
        slices[count++] = log_.slices(entry)[at];
      }
    });
    return socket.is_open() ? socket.write(slices.data(), count) : -ECONNRESET;
  }

  /// Keeps what the kernel did not take. The connection had nothing else unwritten.
  [[nodiscard]] int settle(Queue& queue, const Log::Entry& entry, ssize_t result) noexcept {
    if (result < 0 && result != -EAGAIN) return static_cast<int>(-result);
    auto written = static_cast<std::size_t>(std::max<ssize_t>(result, 0));
    queue.unwritten_ -= written;
    if (queue.unwritten_ == 0) return 0;
    try {
      log_.for_each_run(entry, [&](Log::Run run) {
        for (auto at = run.first; at < run.first + run.count; ++at) {
          const auto frame = log_.frame(entry, at);
          if (written >= frame.size()) {
            written -= frame.size();
          } else {
            if (queue.backlog_.empty()) queue.backlog_.skip = written;
            written = 0;
            backlogs_.push(queue.backlog_, frame);
          }
        }
      });
      return 0;
    } catch (...) {  // The rest of a frame is lost, so the connection can't go on.
      return ENOMEM;
    }
  }

  Log log_;
  detail::BacklogPool backlogs_;
  detail::SocketWriter writer_;
  std::vector<detail::Write> writes_;
  std::vector<iovec> gaps_;  // Slices of the connections that were sent more than one run.
  bool secure_;
};

}  // namespace ordercast::asio
