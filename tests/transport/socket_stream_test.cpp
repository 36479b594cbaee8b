// SPDX-License-Identifier: MIT
#include <ordercast/websocketpp/detail/socket_stream.hpp>

#include <asio/buffer.hpp>
#include <asio/io_context.hpp>
#include <asio/ip/tcp.hpp>
#include <asio/write.hpp>
#include <catch2/catch.hpp>

#include <array>
#include <cstddef>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

namespace net = ordercast::net;
using ordercast::websocketpp::detail::SocketStream;

namespace {

/// A stream and the peer at its other end.
struct Line {
  Line() {
    ::asio::ip::tcp::acceptor acceptor(io, {::asio::ip::address_v4::loopback(), 0});
    peer.connect(acceptor.local_endpoint());
    stream.open(acceptor.accept(), nullptr);
  }
  std::string read(std::error_code& error) {
    std::array<char, 64> into{};
    return {into.data(), stream.read_some(::asio::buffer(into), error)};
  }
  void wait(net::Socket::wait_type what) {
    stream.async_wait(what, [](const std::error_code&) {});
    io.restart();
    REQUIRE(io.run() == 1);
  }

  ::asio::io_context io;
  net::Socket peer{io};
  SocketStream stream;
};

struct OneBuffer {
  using value_type = ::asio::const_buffer;
  using const_iterator = const ::asio::const_buffer*;
  explicit OneBuffer(const std::string& text) : buffer(text.data(), text.size()) {}
  [[nodiscard]] const_iterator begin() const noexcept { return &buffer; }
  [[nodiscard]] const_iterator end() const noexcept { return &buffer + 1; }
  ::asio::const_buffer buffer;
};

}  // namespace

TEST_CASE("a stream that can't go on says so, and what to wait for", "[socket_stream]") {
  Line line;
  std::error_code error;
  CHECK(line.read(error).empty());
  CHECK(SocketStream::is_would_block(error));
  CHECK(line.stream.until_readable() == net::Socket::wait_read);
  CHECK(line.stream.until_writable() == net::Socket::wait_write);
  CHECK(line.stream.peek() == SocketStream::Peek::nothing);

  ::asio::write(line.peer, ::asio::buffer("hello", 5));
  line.wait(line.stream.until_readable());
  CHECK(line.stream.peek() == SocketStream::Peek::something);
  error = {};
  CHECK(line.read(error) == "hello");
  CHECK_FALSE(error);
}

TEST_CASE("the peer's end is websocketpp's end, and our own can be written to the last",
          "[socket_stream]") {
  Line line;
  line.peer.shutdown(net::Socket::shutdown_send);
  line.wait(net::Socket::wait_read);
  std::error_code error;
  CHECK(line.read(error).empty());
  CHECK(error == ::websocketpp::transport::error::eof);

  error = {};
  const std::string text = "bye";
  CHECK(line.stream.write_some(OneBuffer(text), error) == 3);
  CHECK(line.stream.end());
  std::array<char, 8> into{};
  CHECK(line.peer.read_some(::asio::buffer(into)) == 3);
  line.peer.read_some(::asio::buffer(into), error);
  CHECK(error == ::asio::error::eof);
}

TEST_CASE("a reset is seen, and a stream that is closed has no socket", "[socket_stream]") {
  Line line;
  line.peer.set_option(::asio::socket_base::linger(true, 0));
  line.peer.close();
  line.wait(net::Socket::wait_read);
  CHECK(line.stream.peek() == SocketStream::Peek::broken);
  CHECK(line.stream.native_handle() >= 0);
  line.stream.close();
  CHECK(line.stream.native_handle() == -1);
  CHECK(line.stream.unacknowledged_bytes() == 0);
  line.stream.close();
}

TEST_CASE("a stream that was never opened can be closed", "[socket_stream]") {
  SocketStream stream;
  stream.close();
  CHECK(stream.native_handle() == -1);
}
