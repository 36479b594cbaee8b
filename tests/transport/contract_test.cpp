// SPDX-License-Identifier: MIT
// What docs/transports.md promises to the core, on any transport: over sockets, and on the
// in-memory one that the core's own tests run on. What a socket alone can do is tested elsewhere.
#include "recording_server.hpp"

#include <catch2/catch.hpp>
#include <support/fake_transport.hpp>
#include <support/plain_transport.hpp>
#include <support/ws_client.hpp>

#include <chrono>
#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

using namespace ordercast;
using namespace ordercast::test;
using namespace std::chrono_literals;

namespace {

/// One connection: the transport's calls, and the peer at its other end, which reads when asked.
class Line {
 public:
  Line() = default;
  Line(const Line&) = delete;
  Line& operator=(const Line&) = delete;
  virtual ~Line() = default;

  virtual SendResult send(const std::string& text) = 0;
  /// nullopt: the transport does not count.
  virtual std::optional<std::size_t> buffered_bytes() = 0;
  virtual void ping() = 0;
  virtual void close(CloseCode code, const std::string& reason) = 0;
  virtual void terminate() = 0;

  /// The next text that comes to the peer.
  virtual std::optional<std::string> read() = 0;
  /// The close code that the peer gets at the end; nullopt if the stream just ends.
  virtual std::optional<std::pair<int, std::string>> read_close() = 0;
  /// How often the connection has been reported writable since it was asked, and nothing else.
  virtual std::size_t writables() = 0;

  std::size_t send_until_backpressure(const std::string& text) {
    std::size_t accepted = 0;
    while (send(text) == SendResult::accepted) ++accepted;
    return accepted;
  }
};

/// With the high-water mark of both kinds of line.
constexpr std::size_t high_water = 32 * 1024;

class SocketLine final : public Line {
 public:
  SocketLine() {
    REQUIRE(client_.connect("127.0.0.1", server_.port(), "/ws", {}, default_timeout, 4096));
    handle_ = server_.opened();
  }
  SendResult send(const std::string& text) override { return server_.send(handle_, text); }
  std::optional<std::size_t> buffered_bytes() override { return server_.buffered_bytes(handle_); }
  void ping() override { server_.ping(handle_); }
  void close(CloseCode code, const std::string& reason) override {
    server_.close(handle_, code, reason);
  }
  void terminate() override { server_.terminate(handle_); }
  std::optional<std::string> read() override { return client_.next_text(); }
  std::optional<std::pair<int, std::string>> read_close() override {
    const auto info = client_.expect_close();
    if (!info || info->code == 1006) return std::nullopt;  // The stream just ended.
    return std::make_pair(info->code, info->reason);
  }
  std::size_t writables() override {
    std::size_t count = 0;
    while (const auto event = server_.next(count == 0 ? 5000ms : 100ms)) {
      REQUIRE(event->kind == Event::Kind::writable);
      ++count;
    }
    return count;
  }

 private:
  RecordingServer server_;
  WsClient client_;
  Handle handle_ = 0;
};

/// Over a transport in memory.
template <class Transport>
class MemoryLine final : public Line {
 public:
  MemoryLine() {
    transport_.high_water = high_water;
    transport_[1].reads = false;
  }
  SendResult send(const std::string& text) override {
    return transport_.send(1, Transport::prepare(text));
  }
  std::optional<std::size_t> buffered_bytes() override {
    if constexpr (std::is_same_v<Transport, PlainTransport>) {
      return std::nullopt;
    } else {
      return transport_.buffered_bytes(1);
    }
  }
  void ping() override { transport_.ping(1); }
  void close(CloseCode code, const std::string& reason) override {
    transport_.close(1, code, reason);
  }
  void terminate() override { transport_.terminate(1); }
  std::optional<std::string> read() override {
    if (transport_.take(1)) ++writables_;
    const auto& received = transport_[1].received;
    if (read_ == received.size()) return std::nullopt;
    return received[read_++];
  }
  std::optional<std::pair<int, std::string>> read_close() override {
    const auto& peer = transport_[1];
    if (!peer.closed || peer.terminated) return std::nullopt;
    return std::make_pair(static_cast<int>(peer.code), peer.reason);
  }
  std::size_t writables() override { return std::exchange(writables_, 0); }

 private:
  Transport transport_;
  std::size_t read_ = 0;
  std::size_t writables_ = 0;
};

std::unique_ptr<Line> line() {
  const auto name = transport_under_test();
  if (name == "fake") return std::make_unique<MemoryLine<FakeTransport>>();
  if (name == "plain") return std::make_unique<MemoryLine<PlainTransport>>();
  return std::make_unique<SocketLine>();
}

const std::string block(16 * 1024, 'x');

}  // namespace

TEST_CASE("accepted frames arrive, in order", "[contract]") {
  const auto one = line();
  for (int i = 0; i < 200; ++i) REQUIRE(one->send(std::to_string(i)) == SendResult::accepted);
  for (int i = 0; i < 200; ++i) REQUIRE(one->read() == std::to_string(i));
}

TEST_CASE("a frame that many share is one frame", "[contract]") {
  const auto one = line();
  const auto other = line();
  for (auto* each : {one.get(), other.get()}) {
    REQUIRE(each->send("shared") == SendResult::accepted);
    CHECK(each->read() == "shared");
  }
}

TEST_CASE("a client that does not read is pushed back at the mark, and loses no accepted frame",
          "[contract]") {
  const auto one = line();
  std::vector<std::string> accepted;
  for (;;) {
    auto text = std::to_string(accepted.size()) + ' ' + block;
    if (one->send(text) != SendResult::accepted) break;
    accepted.push_back(std::move(text));
    REQUIRE(accepted.size() < 10'000);
  }
  const auto buffered = one->buffered_bytes();
  CHECK(buffered.value_or(high_water) >= high_water);
  CHECK(buffered.value_or(0) <= high_water + block.size() + 16);
  CHECK(one->send("more") == SendResult::backpressure);
  CHECK(one->buffered_bytes() == buffered);  // A refused frame leaves nothing behind.
  for (const auto& text : accepted) REQUIRE(one->read() == text);
}

TEST_CASE("a client that was pushed back is writable once it has read", "[contract]") {
  const auto one = line();
  const auto accepted = one->send_until_backpressure(block);
  for (int i = 0; i < 3; ++i) CHECK(one->send("more") == SendResult::backpressure);
  for (std::size_t i = 0; i < accepted; ++i) REQUIRE(one->read() == block);
  CHECK(one->writables() == 1);
  CHECK(one->buffered_bytes().value_or(0) <= high_water / 4);
  CHECK(one->send("again") == SendResult::accepted);
  CHECK(one->read() == "again");
}

TEST_CASE("a ping is never refused and takes no room", "[contract]") {
  const auto one = line();
  const auto accepted = one->send_until_backpressure(block);
  const auto buffered = one->buffered_bytes();
  one->ping();
  CHECK(one->buffered_bytes().value_or(0) <= buffered.value_or(0) + 2);
  for (std::size_t i = 0; i < accepted; ++i) REQUIRE(one->read() == block);
}

TEST_CASE(
    "a close is sent behind all accepted frames, with its code and reason, and is the last frame",
    "[contract]") {
  const auto one = line();
  REQUIRE(one->send("before") == SendResult::accepted);
  one->close(CloseCode::service_restart, "retry-after-ms=7");
  CHECK(one->send("after") == SendResult::closed);
  CHECK(one->read() == "before");
  const auto told = one->read_close();
  REQUIRE(told);
  CHECK(told->first == 1012);
  CHECK(told->second == "retry-after-ms=7");
  CHECK_FALSE(one->read());
  CHECK(one->send("late") == SendResult::closed);
}

TEST_CASE("a terminated connection gets no close frame and holds no memory", "[contract]") {
  const auto one = line();
  one->send_until_backpressure(block);
  one->terminate();
  CHECK(one->send("after") == SendResult::closed);
  CHECK(one->buffered_bytes().value_or(0) == 0);
  CHECK_FALSE(one->read_close());
}
