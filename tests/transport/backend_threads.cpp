// SPDX-License-Identifier: MIT
// The transport of examples/embed_threads. It has no acceptor, no options and no server of ours:
// the tests that need these are not run against it (see CMakeLists.txt).
#include "backend.hpp"

#include <examples/embed_threads/thread_server.hpp>

#include <atomic>
#include <exception>
#include <functional>
#include <stdexcept>
#include <thread>
#include <utility>

namespace ordercast::test {
namespace {

/// Whether this thread runs a hook of the sink.
thread_local bool in_event = false;

template <class Argument>
std::function<void(Argument)> in_events(std::function<void(Argument)> hook) {
  if (!hook) return hook;
  return [hook = std::move(hook)](Argument argument) {
    struct Mark {
      Mark() { in_event = true; }
      Mark(const Mark&) = delete;
      Mark& operator=(const Mark&) = delete;
      ~Mark() { in_event = false; }
    } const mark;
    hook(argument);
  };
}

class ThreadsBackend final : public RecordingBackend {
  template <class F>
  auto locked(F f) const {
    if (in_event) return f();  // A hook: the server holds the lock.
    return server_.locked([&](RecordingSink&) { return f(); });
  }

 public:
  explicit ThreadsBackend(RecordingServer::Setup setup)
      : RecordingBackend(in_events(std::move(setup.hook)),
                         in_events(std::move(setup.control_hook))),
        transport_(setup.options.close_timeout),
        server_(transport_, sink, {}, options(setup.options)),
        thread_([this] { server_.run(); }) {}

  [[nodiscard]] std::uint16_t port() const override { return server_.port(); }
  [[nodiscard]] std::size_t websockets() const override {
    return locked([this] { return transport_.size(); });
  }
  [[nodiscard]] std::size_t http_requests() const override { return 0; }
  [[nodiscard]] std::size_t open_sockets() const override { return 0; }
  [[nodiscard]] std::size_t errors() const override { return errors_; }
  /// There is no loop thread. A lock takes its place, and each call below locks it.
  void post(std::function<void()> task) override { task(); }
  void stop() override {
    if (!thread_.joinable()) return;
    end_all();
    thread_.join();
  }

  std::vector<SendResult> send(const std::vector<Handle>& handles,
                               const std::string& text) override {
    const auto frame = embed::ThreadTransport::prepare(text);
    return locked([&] {
      std::vector<SendResult> results;
      results.reserve(handles.size());
      for (const auto handle : handles) results.push_back(transport_.send(handle, frame));
      return results;
    });
  }
  [[nodiscard]] std::size_t buffered_bytes(Handle handle) const override {
    return locked([&] { return transport_.buffered_bytes(handle); });
  }
  [[nodiscard]] std::size_t unacknowledged_bytes(Handle handle) const override {
    return buffered_bytes(handle);
  }
  void adopt(int /*fd*/) override { throw std::logic_error("This transport adopts no socket"); }
  void end_all() override { server_.stop(); }
  void ping(Handle handle) override {
    locked([&] { transport_.ping(handle); });
  }
  void close(Handle handle, CloseCode code, const std::string& reason) override {
    locked([&] { transport_.close(handle, code, reason); });
  }
  void terminate(Handle handle) override {
    locked([&] { transport_.terminate(handle); });
  }
  void begin_drain() override { throw std::logic_error("This transport does not drain"); }

 private:
  embed::ThreadServerOptions options(const net::TransportOptions& from) {
    embed::ThreadServerOptions options;
    options.request_timeout = from.handshake_timeout;
    options.on_error = [this](const std::exception&) { ++errors_; };
    options.max_message_bytes = from.max_message_bytes;
    return options;
  }

  std::atomic<std::size_t> errors_{0};
  embed::ThreadTransport transport_;
  mutable embed::ThreadServer<RecordingSink> server_;
  std::thread thread_;
};

}  // namespace

// NOLINTBEGIN(performance-unnecessary-value-param): as the table wants them
Backends threads_backends() {
  return {[](RecordingServer::Setup setup) -> std::unique_ptr<RecordingBackend> {
            return std::make_unique<ThreadsBackend>(std::move(setup));
          },
          [](net::ServerOptions, HttpHandler) -> std::unique_ptr<WholeBackend> {
            throw std::logic_error("There is no net::Server on this transport");
          },
          [](net::TransportOptions, HttpHandler) -> std::unique_ptr<ScarceBackend> {
            throw std::logic_error("There is no acceptor of ours on this transport");
          },
          [](const std::string&, std::uint16_t) {
            throw std::logic_error("This transport listens on the loopback alone");
          }};
}
// NOLINTEND(performance-unnecessary-value-param)

}  // namespace ordercast::test
