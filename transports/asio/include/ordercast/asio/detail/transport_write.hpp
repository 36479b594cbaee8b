// SPDX-License-Identifier: MIT
#pragma once

#include <ordercast/asio/transport.hpp>
#include <ordercast/net/unacknowledged.hpp>

#include <sys/epoll.h>

#include <algorithm>
#include <array>
#include <cerrno>

/// Bodies of transport.hpp: the way of frames to the kernel.
namespace ordercast::asio {

/// For any message and any state: what may be sent, the caller knows.
inline void Transport::queue(Index index, Connection& connection, const Frame& frame) {
  if (!connection.backlog.empty()) {
    backlogs_.push(connection.backlog, frame);
  } else if (connection.entry == detail::TurnLog::npos) {
    connection.entry = log_.open(index, frame);
  } else {
    log_.extend(connection.entry, frame);
  }
  connection.unwritten += frame.size();
  schedule_turn();
}

/// Writes the log.
inline void Transport::flush() noexcept {
  const auto count = log_.entries().size();
  for (std::size_t first = 0; first < count; first += writes_a_time) {
    flush_some(first, (std::min)(first + writes_a_time, count));
  }
  log_.clear();
}

inline void Transport::flush_some(std::size_t first, std::size_t last) noexcept {
  const auto& entries = log_.entries();
  const bool has_gaps = gather_gaps(first, last);
  write_all(first);
  for (auto i = first; i < last; ++i) {
    auto& write = writes_[i - first];
    if (!has_gaps && entries[i].more != detail::TurnLog::npos) write.result = write_few(entries[i]);
    settle(write, entries[i]);
  }
}

/// Fills `writes_`, one for each entry. False if there is no memory for the slices of those with
/// gaps: they have nothing to write then.
inline bool Transport::gather_gaps(std::size_t first, std::size_t last) noexcept {
  const auto& entries = log_.entries();
  std::size_t gaps = 0;
  for (auto i = first; i < last; ++i) {
    if (entries[i].more != detail::TurnLog::npos) gaps += log_.count(entries[i]);
  }
  gaps_.clear();
  bool has_gaps = true;
  try {
    gaps_.reserve(gaps);  // So that no slice moves any more.
  } catch (...) {
    has_gaps = false;
  }
  writes_.clear();
  const detail::TurnLog::Entry* built = nullptr;  // The last entry with gaps.
  detail::Write built_write;
  for (auto i = first; i < last; ++i) {
    const auto& entry = entries[i];
    const int fd = connections_[entry.connection].fd;
    if (entry.more == detail::TurnLog::npos) {
      writes_.push_back({fd, log_.slices() + entry.run.first,
                         std::min<std::size_t>(entry.run.count, detail::max_slices), 0});
      continue;
    }
    if (has_gaps && (built == nullptr || !log_.same_runs(entry, *built))) {
      const auto start = gaps_.size();
      log_.for_each_run(entry, [&](detail::TurnLog::Run run) {
        gaps_.insert(gaps_.end(), log_.slices() + run.first, log_.slices() + run.first + run.count);
      });
      built = &entry;
      built_write = {fd, gaps_.data() + start, (std::min)(gaps_.size() - start, detail::max_slices),
                     0};
    }
    built_write.fd = has_gaps ? fd : -1;
    writes_.push_back(built_write);
  }
  return has_gaps;
}

/// Writes the start of an entry with gaps, from slices on the stack.
inline ssize_t Transport::write_few(const detail::TurnLog::Entry& entry) noexcept {
  // NOLINTNEXTLINE(cppcoreguidelines-pro-type-member-init): filled as far as it is used.
  std::array<iovec, detail::secure_slices> slices;
  std::size_t count = 0;
  log_.for_each_run(entry, [&](detail::TurnLog::Run run) {
    for (auto at = run.first; at < run.first + run.count && count < slices.size(); ++at) {
      slices[count++] = log_.slices()[at];
    }
  });
  const auto& connection = connections_[entry.connection];
  return connection.secure ? detail::write_secure(*connection.secure, slices.data(), count)
                           : detail::write_now(connection.fd, slices.data(), count);
}

/// Encrypted bytes are made for one connection each: nothing is left for io_uring to gather.
inline void Transport::write_all(std::size_t first) noexcept {
  if (!options_.tls) return writer_.write(writes_);
  for (auto& one : writes_) {
    const auto& secure = connections_[log_.entries()[first++].connection].secure;
    one.result = secure ? detail::write_secure(*secure, one.slices, one.count) : -ECONNRESET;
  }
}

/// Keeps what the kernel did not take. The connection had nothing unwritten but this entry.
inline void Transport::settle(const detail::Write& write,
                              const detail::TurnLog::Entry& entry) noexcept {
  auto& connection = connections_[entry.connection];
  connection.entry = detail::TurnLog::npos;
  if (connection.fd < 0) return;
  if (write.result < 0 && write.result != -EAGAIN) {
    return close_socket(entry.connection, connection);
  }
  const auto written = static_cast<std::size_t>(std::max<ssize_t>(write.result, 0));
  connection.unwritten -= written;
  try {
    if (connection.unwritten > 0) keep_unwritten(entry, written);
    if (connection.state != State::open || connection.wants_writable) {
      progressed_.push_back(entry.connection);
    }
  } catch (...) {  // Out of memory: the rest of a frame is lost, and so is the connection.
    report(std::current_exception());
    close_socket(entry.connection, connection);
  }
}

/// Puts what the kernel did not take in the backlog.
inline void Transport::keep_unwritten(const detail::TurnLog::Entry& entry, std::size_t written) {
  auto& connection = connections_[entry.connection];
  log_.for_each_run(entry, [&](detail::TurnLog::Run run) {
    for (auto at = run.first; at < run.first + run.count; ++at) {
      const auto& frame = log_.frame(at);
      if (written >= frame.size()) {
        written -= frame.size();
      } else {
        if (connection.backlog.empty()) connection.backlog.skip = written;
        written = 0;
        backlogs_.push(connection.backlog, frame);
      }
    }
  });
  watch(entry.connection, connection, connection.interest | EPOLLOUT);
}

/// The socket has room again.
inline void Transport::write_backlog(Index index, Connection& connection) {
  const auto before = connection.unwritten;
  while (!connection.backlog.empty()) {
    // NOLINTNEXTLINE(cppcoreguidelines-pro-type-member-init): filled as far as it is used.
    std::array<iovec, detail::secure_slices> slices;
    const auto count = backlogs_.gather(connection.backlog, slices.data(), slices.size());
    const auto written = connection.secure
                             ? detail::write_secure(*connection.secure, slices.data(), count)
                             : detail::write_now(connection.fd, slices.data(), count);
    if (written == -EAGAIN) break;
    if (written < 0) return close_socket(index, connection);
    backlogs_.consume(connection.backlog, static_cast<std::size_t>(written));
    connection.unwritten -= static_cast<std::size_t>(written);
  }
  if (connection.backlog.empty()) {
    watch(index, connection, connection.interest & static_cast<std::uint8_t>(~EPOLLOUT));
  }
  if (connection.unwritten != before) on_progress(index, connection);
}

/// The kernel took bytes. From the loop only: the sink may hear of it.
inline void Transport::on_progress(Index index, Connection& connection) {
  switch (connection.state) {
    case State::http:
      if (connection.http) on_http_written(index, connection);
      break;
    case State::finishing:
      if (connection.http) return on_http_written(index, connection);
      if (connection.unwritten == 0) end_stream(index, connection);
      break;
    case State::open:
      if (!connection.wants_writable || connection.unwritten > options_.low_water_bytes) break;
      connection.wants_writable = false;
      guarded(index, [&] { sink_.on_writable(sink_.sink, handle_of(index, connection)); });
      break;
    default:
      break;
  }
}

// What the connection manager calls --------------------------------------------------------------

inline SendResult Transport::send(Handle handle, const Frame& frame) noexcept {
  auto* const connection = find(handle);
  if (connection == nullptr || connection->state != State::open) return SendResult::closed;
  if (connection->unwritten >= options_.high_water_bytes) {
    connection->wants_writable = true;
    return SendResult::backpressure;
  }
  try {
    queue(static_cast<Index>(handle), *connection, frame);
    return SendResult::accepted;
  } catch (...) {  // Out of memory.
    close_socket(static_cast<Index>(handle), *connection);
    return SendResult::closed;
  }
}

inline std::size_t Transport::buffered_bytes(Handle handle) const noexcept {
  const auto* const connection = find(handle);
  return connection == nullptr ? 0 : connection->unwritten;
}

inline std::size_t Transport::unacknowledged_bytes(Handle handle) const noexcept {
  const auto* const connection = find(handle);
  return connection == nullptr ? 0
                               : connection->unwritten + net::unacknowledged_bytes(connection->fd);
}

inline void Transport::ping(Handle handle) noexcept {
  auto* const connection = find(handle);
  if (connection == nullptr || connection->state != State::open) return;
  try {
    queue(static_cast<Index>(handle), *connection, ping_);
  } catch (...) {
    close_socket(static_cast<Index>(handle), *connection);
  }
}

inline void Transport::close(Handle handle, CloseCode code, std::string_view reason) noexcept {
  auto* const connection = find(handle);
  if (connection == nullptr || connection->state != State::open) return;
  const auto index = static_cast<Index>(handle);
  try {
    queue(index, *connection, make_close_frame(code, reason));
    connection->state = State::closing;
    set_deadline(index, options_.close_timeout);
  } catch (...) {
    close_socket(index, *connection);
  }
}

inline void Transport::terminate(Handle handle) noexcept {
  auto* const connection = find(handle);
  if (connection != nullptr && connection->is_websocket()) {
    close_socket(static_cast<Index>(handle), *connection);
  }
}

}  // namespace ordercast::asio
