// SPDX-License-Identifier: MIT
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>

/// Writes text to a descriptor that may block: a pipe that nobody reads, a stopped terminal, a
/// hanging disk.
namespace order_server {

/// Passes text to a thread that writes it. Only that thread ever waits for the descriptor.
///
/// The queue is bounded in bytes. Drops and counts a line that does not fit, or that the descriptor
/// refuses (no reader, disk full, file size limit). Any thread.
class AsyncWriter {
 public:
  static constexpr std::size_t default_capacity = std::size_t{1} << 20;

  explicit AsyncWriter(int fd, std::size_t capacity_bytes = default_capacity);
  AsyncWriter(const AsyncWriter&) = delete;
  AsyncWriter& operator=(const AsyncWriter&) = delete;
  /// Does not wait for unwritten lines: call `flush_for` first. Never blocks.
  ~AsyncWriter();

  /// Queues a line, which includes its newline. Returns false if it was dropped. Never blocks.
  bool write(std::string_view line);

  /// Waits until every queued line is written or dropped. Returns false on timeout.
  bool flush_for(std::chrono::milliseconds most);

  /// How many lines were dropped since the start.
  [[nodiscard]] std::int64_t dropped() const noexcept;

 private:
  struct State;
  const std::shared_ptr<State> state_;  // shared with the thread, which may be stuck forever
};

/// How a line of the log looks: "2026-11-28T06:00:00.000+0000 info message name=value", or a JSON
/// object with the members time, level, message, and the fields (`LogField`) of its thread.
enum class LogFormat : std::uint8_t { text, json_lines };

/// Makes spdlog's default logger write to `fd` (stderr) through an AsyncWriter that lives as long
/// as the process. Call once, before there are threads. `level` is one of spdlog's names.
///
/// Every message is one line without control characters, whatever text it contains: see `one_line`.
void start_logging(std::string_view level, int fd = 2, LogFormat format = LogFormat::text);

/// Waits at most `most` for the log to be written. Call at the end of the process.
void flush_log(std::chrono::milliseconds most);

/// How many log lines were dropped since the start; 0 before `start_logging`.
[[nodiscard]] std::int64_t dropped_log_lines() noexcept;

}  // namespace order_server
