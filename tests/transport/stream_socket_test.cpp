// SPDX-License-Identifier: MIT
#include <ordercast/asio/stream_socket.hpp>

#include <catch2/catch.hpp>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstddef>
#include <memory>
#include <string>
#include <utility>
#include <vector>

using ordercast::asio::StreamSocket;
using ordercast::net::Discarded;
using ordercast::net::SecureResult;
using ordercast::net::SecureStatus;

namespace {

struct Pair {
  Pair() {
    std::array<int, 2> ends{-1, -1};
    REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM, 0, ends.data()) == 0);
    socket = StreamSocket(ends[0]);
    peer = StreamSocket(ends[1]);
  }
  StreamSocket socket;
  StreamSocket peer;
};

std::vector<iovec> slices_of(std::vector<std::string>& texts) {
  std::vector<iovec> slices;
  slices.reserve(texts.size());
  for (auto& text : texts) slices.push_back({text.data(), text.size()});
  return slices;
}

/// Encrypts by adding one to each byte, a record at a time, and takes no more records than it is
/// told to.
struct Caesar : ordercast::net::SecureSession {
  struct Log {
    std::string wire;
    std::size_t records = 0;
    std::size_t room = 100;  // Records.
    SecureStatus full = SecureStatus::want_write;
    bool notified = false;
  };
  explicit Caesar(std::shared_ptr<Log> log_in) : log(std::move(log_in)) {}
  SecureStatus handshake() noexcept override { return SecureStatus::want_read; }
  SecureResult read_some(char* into, std::size_t size) noexcept override {
    if (log->room == 0) return {log->full, 0};
    const auto count = std::min<std::size_t>(size, 5);
    std::fill_n(into, count, 'r');
    return {SecureStatus::done, count};
  }
  SecureResult write_some(const char* from, std::size_t size) noexcept override {
    if (log->records == log->room) return {log->full, 0};
    ++log->records;
    for (std::size_t i = 0; i < size; ++i) log->wire.push_back(static_cast<char>(from[i] + 1));
    return {SecureStatus::done, size};
  }
  [[nodiscard]] bool has_pending() const noexcept override { return false; }
  void close_notify() noexcept override { log->notified = true; }
  std::shared_ptr<Log> log;
};

struct CaesarContext : ordercast::net::SecureContext {
  [[nodiscard]] std::unique_ptr<ordercast::net::SecureSession> accept(
      int /*socket*/) noexcept override {
    return std::make_unique<Caesar>(log);
  }
  std::shared_ptr<Caesar::Log> log = std::make_shared<Caesar::Log>();
};

}  // namespace

TEST_CASE("a plain socket reads, writes from many places, and does not wait", "[stream_socket]") {
  Pair pair;
  std::array<char, 64> buffer{};
  CHECK(pair.peer.read(buffer.data(), buffer.size(), 64) == -EAGAIN);
  std::vector<std::string> texts{"one", "", "two"};
  const auto slices = slices_of(texts);
  CHECK(pair.socket.write(slices.data(), slices.size()) == 6);
  CHECK(pair.peer.read(buffer.data(), buffer.size(), 4) == 4);
  CHECK(pair.peer.read(buffer.data(), buffer.size(), 64) == 2);
  CHECK(pair.socket.end_output());
  CHECK(pair.peer.read(buffer.data(), buffer.size(), 64) == 0);
  pair.peer.close();
  CHECK_FALSE(pair.peer.is_open());
  CHECK(pair.socket.write(slices.data(), slices.size()) == -EPIPE);
}

TEST_CASE("what comes after the end is dropped", "[stream_socket]") {
  Pair pair;
  std::vector<std::string> texts{"some"};
  REQUIRE(pair.peer.write(slices_of(texts).data(), 1) == 4);
  CHECK(pair.socket.discard() == Discarded::all);
  pair.peer.close();
  CHECK(pair.socket.discard() == Discarded::ended);
}

TEST_CASE("a socket that moves is closed once", "[stream_socket]") {
  Pair pair;
  auto moved = std::move(pair.socket);
  CHECK_FALSE(pair.socket.is_open());  // NOLINT(bugprone-use-after-move)
  CHECK(moved.is_open());
  moved = StreamSocket();
  std::array<char, 4> buffer{};
  CHECK(pair.peer.read(buffer.data(), buffer.size(), 4) == 0);
}

TEST_CASE("under TLS many slices are one record, and records go on until it is full",
          "[stream_socket]") {
  Pair pair;
  CaesarContext context;
  REQUIRE(pair.socket.secure(context));
  CHECK(pair.socket.handshake() == SecureStatus::want_read);
  std::vector<std::string> texts{"abc", "d", std::string(20'000, 'x'), "e"};
  const auto slices = slices_of(texts);
  const auto all = std::string("bcde") + std::string(20'000, 'y') + "f";
  CHECK(pair.socket.write(slices.data(), slices.size()) == 20'005);
  CHECK(context.log->records == 2);
  CHECK(context.log->wire == all);

  context.log->room = 3;  // One more.
  context.log->wire.clear();
  CHECK(pair.socket.write(slices.data(), slices.size()) == 16 * 1024);
  CHECK(context.log->wire == all.substr(0, 16 * 1024));
  CHECK(pair.socket.write(slices.data(), slices.size()) == -EAGAIN);
  context.log->full = SecureStatus::want_read;  // Its peer plays with key updates.
  CHECK(pair.socket.write(slices.data(), slices.size()) == -ECONNRESET);
  pair.socket.notify_close();
  CHECK(context.log->notified);
}

TEST_CASE("under TLS a read has the results of a plain one", "[stream_socket]") {
  Pair pair;
  CaesarContext context;
  REQUIRE(pair.socket.secure(context));
  std::array<char, 64> buffer{};
  CHECK(pair.socket.read(buffer.data(), buffer.size(), 1) == 5);
  context.log->room = 0;
  context.log->full = SecureStatus::want_read;
  CHECK(pair.socket.read(buffer.data(), buffer.size(), 1) == -EAGAIN);
  context.log->full = SecureStatus::closed;
  CHECK(pair.socket.read(buffer.data(), buffer.size(), 1) == 0);
  context.log->full = SecureStatus::failed;
  CHECK(pair.socket.read(buffer.data(), buffer.size(), 1) == -ECONNRESET);
}
