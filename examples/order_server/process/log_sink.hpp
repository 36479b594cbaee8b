// SPDX-License-Identifier: MIT
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>

/// Text for a descriptor that may block: a pipe that nobody reads, a terminal that is stopped, a
/// disk that hangs.
namespace order_server {

/// Hands text to a thread that writes it. Nobody but that thread ever waits for the descriptor.
///
/// What waits is bounded in bytes; beyond that a line is dropped and counted, and so is one that
/// the descriptor refuses (no reader, disk full, file size limit). Any thread.
class AsyncWriter {
 public:
  static constexpr std::size_t default_capacity = std::size_t{1} << 20;

  explicit AsyncWriter(int fd, std::size_t capacity_bytes = default_capacity);
  AsyncWriter(const AsyncWriter&) = delete;
  AsyncWriter& operator=(const AsyncWriter&) = delete;
  /// Leaves what is still unwritten to its fate: call `flush_for` first. Never blocks.
  ~AsyncWriter();

  /// Queues a line, its end included; false if it was dropped. Never blocks.
  bool write(std::string_view line);

  /// Waits until all that was queued has been written or given up; false when the time is up.
  bool flush_for(std::chrono::milliseconds most);

  /// Lines dropped since the start.
  [[nodiscard]] std::int64_t dropped() const noexcept;

 private:
  struct State;
  const std::shared_ptr<State> state_;  // also held by the thread, which may be stuck for ever
};

/// Makes spdlog's default logger write to `fd` (stderr) through an AsyncWriter that lives as long
/// as the process. Once, before there are threads. `level` is one of spdlog's names.
///
/// A message is one line whatever went into it, and drives no terminal: see `one_line`.
void start_logging(std::string_view level, int fd = 2);

/// Waits for the log to be written, for at most `most`. For the end of the process.
void flush_log(std::chrono::milliseconds most);

/// Lines of the log that were dropped since the start; 0 before `start_logging`.
[[nodiscard]] std::int64_t dropped_log_lines() noexcept;

}  // namespace order_server
