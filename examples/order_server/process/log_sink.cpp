// SPDX-License-Identifier: MIT
#include "process/log_sink.hpp"

#include "domain/printable.hpp"
#include "process/log_fields.hpp"

#include <poll.h>
#include <spdlog/sinks/base_sink.h>
#include <spdlog/spdlog.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <condition_variable>
#include <csignal>
#include <exception>
#include <mutex>
#include <string>
#include <thread>
#include <utility>

namespace order_server {

struct AsyncWriter::State {
  State(int fd_in, std::size_t capacity_in) : fd(fd_in), capacity(capacity_in) {}

  const int fd;
  const std::size_t capacity;
  std::atomic<std::int64_t> dropped{0};
  std::mutex mutex;
  std::condition_variable changed;
  std::string waiting;      // under mutex
  std::size_t writing = 0;  // under mutex: bytes being written
  bool ending = false;      // under mutex

  void run() {
    for (;;) {
      std::string batch;
      {
        std::unique_lock lock(mutex);
        writing = 0;
        changed.notify_all();
        changed.wait(lock, [this] { return ending || !waiting.empty(); });
        if (waiting.empty()) return;
        batch = std::exchange(waiting, {});
        writing = batch.size();
      }
      write_out(batch);
    }
  }

  /// Writes a batch; blocks as long as the descriptor does. Counts the lines that the descriptor
  /// refuses.
  void write_out(const std::string& batch) {
    std::size_t at = 0;
    while (at < batch.size()) {
      const auto n = ::write(fd, batch.data() + at, batch.size() - at);
      if (n > 0) {
        at += static_cast<std::size_t>(n);
      } else if (n < 0 && errno == EINTR) {
        continue;
      } else if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) {
        // Another process that shares the file description made it non-blocking.
        pollfd one{fd, POLLOUT, 0};
        ::poll(&one, 1, -1);
      } else {
        dropped += std::count(batch.begin() + static_cast<std::ptrdiff_t>(at), batch.end(), '\n');
        return;
      }
    }
  }
};

namespace {

/// Threads created while this lives block the process' signals, but still receive their own faults.
class WithoutSignals {
 public:
  WithoutSignals() noexcept {
    sigset_t set;
    sigfillset(&set);
    for (const int fault : {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT}) sigdelset(&set, fault);
    pthread_sigmask(SIG_BLOCK, &set, &before_);
  }
  WithoutSignals(const WithoutSignals&) = delete;
  WithoutSignals& operator=(const WithoutSignals&) = delete;
  ~WithoutSignals() { pthread_sigmask(SIG_SETMASK, &before_, nullptr); }

 private:
  sigset_t before_{};
};

}  // namespace

AsyncWriter::AsyncWriter(int fd, std::size_t capacity_bytes)
    : state_(std::make_shared<State>(fd, capacity_bytes)) {
  // Detached: nothing can end a write(2) that blocks, and it must not delay the end of the process.
  const WithoutSignals inherited;
  std::thread([state = state_] { state->run(); }).detach();
}

AsyncWriter::~AsyncWriter() {
  const std::lock_guard lock(state_->mutex);
  state_->ending = true;
  state_->changed.notify_all();
}

bool AsyncWriter::write(std::string_view line) {
  try {
    const std::lock_guard lock(state_->mutex);
    if (state_->waiting.size() + state_->writing + line.size() <= state_->capacity) {
      state_->waiting.append(line);
      state_->changed.notify_all();
      return true;
    }
  } catch (const std::exception&) {  // Dropping a line is better than failing for lack of memory.
  }
  ++state_->dropped;
  return false;
}

bool AsyncWriter::flush_for(std::chrono::milliseconds most) {
  std::unique_lock lock(state_->mutex);
  return state_->changed.wait_for(
      lock, most, [this] { return state_->waiting.empty() && state_->writing == 0; });
}

std::int64_t AsyncWriter::dropped() const noexcept {
  return state_->dropped;
}

namespace {

/// One for the process, never destroyed: threads may log until the process ends.
std::atomic<AsyncWriter*> log_writer{nullptr};

/// For text without control characters, which `one_line` returns.
std::string json_string(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') out += '\\';
    out += c;
  }
  return out + '"';
}

std::string text_of(std::string_view message) {
  std::string line(message);
  for (const auto* field = LogField::innermost(); field != nullptr; field = field->outer()) {
    if (!field->value().empty())
      line.append(" ").append(field->name()).append("=") += field->value();
  }
  return one_line(line);
}

/// The members of a JSON object behind the time and the level.
std::string json_of(std::string_view message) {
  std::string members = "\"message\":" + json_string(one_line(message));
  for (const auto* field = LogField::innermost(); field != nullptr; field = field->outer()) {
    if (field->value().empty()) continue;
    members.append(",").append(json_string(field->name())).append(":");
    members += field->is_number() ? field->value() : json_string(one_line(field->value()));
  }
  return members;
}

class WriterSink final : public spdlog::sinks::base_sink<std::mutex> {
 public:
  WriterSink(AsyncWriter& writer, LogFormat format) : writer_(writer), format_(format) {}

 private:
  void sink_it_(const spdlog::details::log_msg& message) override {
    // Every message passes here, those with an exception's text too.
    const std::string_view payload(message.payload.data(), message.payload.size());
    const auto text = format_ == LogFormat::json_lines ? json_of(payload) : text_of(payload);
    spdlog::details::log_msg safe = message;
    safe.payload = spdlog::string_view_t(text.data(), text.size());
    spdlog::memory_buf_t line;
    formatter_->format(safe, line);
    writer_.write({line.data(), line.size()});
  }
  void flush_() override {}

  AsyncWriter& writer_;
  const LogFormat format_;
};

}  // namespace

void start_logging(std::string_view level, int fd, LogFormat format) {
  auto* writer = new AsyncWriter(fd);
  log_writer = writer;
  auto logger = std::make_shared<spdlog::logger>("order_server",
                                                 std::make_shared<WriterSink>(*writer, format));
  // By default spdlog writes to stderr when a sink throws, which could block.
  logger->set_error_handler([](const std::string&) {});
  spdlog::set_default_logger(std::move(logger));
  spdlog::set_pattern(format == LogFormat::json_lines
                          ? R"({"time":"%Y-%m-%dT%H:%M:%S.%e%z","level":"%l",%v})"
                          : "%Y-%m-%dT%H:%M:%S.%e%z %l %v");
  spdlog::set_level(spdlog::level::from_str(std::string(level)));
}

void flush_log(std::chrono::milliseconds most) {
  if (auto* writer = log_writer.load()) writer->flush_for(most);
}

std::int64_t dropped_log_lines() noexcept {
  const auto* writer = log_writer.load();
  return writer == nullptr ? 0 : writer->dropped();
}

}  // namespace order_server
