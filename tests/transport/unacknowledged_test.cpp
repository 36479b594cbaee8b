// SPDX-License-Identifier: MIT
#include <ordercast/net/unacknowledged.hpp>

#include <catch2/catch.hpp>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cstddef>
#include <string>

using ordercast::net::acknowledged_bytes;
using ordercast::net::unacknowledged_bytes;

namespace {

/// Two ends of a TCP connection on loopback; the second has a small receive buffer.
struct Pair {
  Pair() {
    const int listener = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const int small = 4096;
    ::setsockopt(listener, SOL_SOCKET, SO_RCVBUF, &small, sizeof small);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    REQUIRE(::bind(listener, reinterpret_cast<sockaddr*>(&address), size) == 0);
    REQUIRE(::listen(listener, 1) == 0);
    ::getsockname(listener, reinterpret_cast<sockaddr*>(&address), &size);
    sender = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    REQUIRE(::connect(sender, reinterpret_cast<sockaddr*>(&address), size) == 0);
    reader = ::accept4(listener, nullptr, nullptr, SOCK_CLOEXEC);
    ::close(listener);
    REQUIRE(reader >= 0);
  }
  Pair(const Pair&) = delete;
  Pair& operator=(const Pair&) = delete;
  ~Pair() {
    ::close(sender);
    ::close(reader);
  }
  int sender = -1;
  int reader = -1;
};

}  // namespace

TEST_CASE("what a peer has not acknowledged falls as it reads, to nothing", "[unacknowledged]") {
  const Pair pair;
  CHECK(unacknowledged_bytes(pair.sender) == 0);
  const auto at_first = acknowledged_bytes(pair.sender).value();
  const std::string bytes(16'384, 'x');
  std::size_t sent = 0;
  for (;;) {
    const auto count = ::send(pair.sender, bytes.data(), bytes.size(), MSG_DONTWAIT);
    if (count < 0) break;
    sent += static_cast<std::size_t>(count);
  }
  const auto before = unacknowledged_bytes(pair.sender);
  CHECK(before > 0);
  CHECK(before <= sent);
  std::array<char, 16'384> piece{};
  std::size_t read = 0;
  while (read < sent) {
    const auto count = ::recv(pair.reader, piece.data(), piece.size(), 0);
    REQUIRE(count > 0);
    read += static_cast<std::size_t>(count);
    // Never less than what has not been read, but for what the reader's kernel holds for it.
    CHECK(unacknowledged_bytes(pair.sender) <= before);
  }
  // The last acknowledgement may be on its way for a moment.
  while (unacknowledged_bytes(pair.sender) > 0) {
  }
  CHECK(unacknowledged_bytes(pair.sender) == 0);
  CHECK(acknowledged_bytes(pair.sender).value() - at_first == sent);
}

TEST_CASE("a descriptor that is no socket has no unacknowledged bytes", "[unacknowledged]") {
  CHECK(unacknowledged_bytes(-1) == 0);
  CHECK_FALSE(acknowledged_bytes(-1));
  std::array<int, 2> pipe{};
  REQUIRE(::pipe(pipe.data()) == 0);
  CHECK(unacknowledged_bytes(pipe[1]) == 0);
  CHECK_FALSE(acknowledged_bytes(pipe[1]));
  ::close(pipe[0]);
  ::close(pipe[1]);
}
