// SPDX-License-Identifier: MIT
#include <ordercast/net/client_address.hpp>

#include <asio/io_context.hpp>
#include <asio/ip/tcp.hpp>
#include <catch2/catch.hpp>
#include <sys/socket.h>
#include <unistd.h>

#include <string>
#include <string_view>

using namespace ordercast;
using namespace ordercast::net;

namespace {

std::string node(std::string_view text) {
  const auto address = ClientAddress::parse_node(text);
  return address ? address->text() : "none";
}

std::string key(std::string_view text) {
  return ClientAddress::parse(text).value().limit_key();
}

}  // namespace

TEST_CASE("one address has one spelling and one key", "[client_address]") {
  CHECK(ClientAddress::parse("::ffff:192.0.2.1")->text() == "192.0.2.1");
  CHECK(ClientAddress::parse("2001:DB8:0::1")->text() == "2001:db8::1");
  CHECK(ClientAddress::parse("::1")->is_loopback());
  CHECK(ClientAddress::parse("127.8.8.8")->is_loopback());
  CHECK_FALSE(ClientAddress::parse("128.0.0.1")->is_loopback());
  for (const auto* text :
       {"", "x", "1.2.3", "1.2.3.4.5", "1.2.3.4:80", "[::1]", "fe80::1%eth0", "1.2.3.4 ",
        "::1::", "00000000000000000000000000000000000000000000001"}) {
    CAPTURE(text);
    CHECK_FALSE(ClientAddress::parse(text));
  }
}

TEST_CASE("a limit counts an IPv4 address and a /64 of IPv6 as one client", "[client_address]") {
  CHECK(key("192.0.2.1") == "192.0.2.1");
  CHECK(key("::ffff:192.0.2.1") == "192.0.2.1");
  CHECK(key("2001:db8:1:2::1") == key("2001:db8:1:2:ffff::2"));
  CHECK(key("2001:db8:1:2::1") != key("2001:db8:1:3::1"));
  CHECK(key("2001:db8:1:2::1") == "2001:db8:1:2::/64");
  CHECK(key("64:ff9b::c000:201") != key("64:ff9b::c000:202"));
}

TEST_CASE("every form that proxies write for a client is read", "[client_address]") {
  for (const auto* text :
       {"203.0.113.10", "203.0.113.10:40000", "\"203.0.113.10:40000\"", "\"203.0.113.10\"",
        " 203.0.113.10 ", "203.0.113.10:_port", "[::ffff:203.0.113.10]:1"}) {
    CAPTURE(text);
    CHECK(node(text) == "203.0.113.10");
  }
  for (const auto* text :
       {"2001:db8::17", "[2001:db8::17]", "[2001:db8::17]:4711", "\"[2001:db8::17]:4711\"",
        "\"[2001:DB8::17]\"", "2001:db8::17%eth0", "[2001:db8::17%25]:1", "[2001:db8::17]:_x"}) {
    CAPTURE(text);
    CHECK(node(text) == "2001:db8::17");
  }
  for (const auto* text :
       {"", "unknown", "_hidden", "_SEVKISEK:80", "203.0.113.10:", "203.0.113.10:port",
        "203.0.113.10:123456", "[203.0.113.10]", "[2001:db8::17", "[2001:db8::17]4711",
        "[2001:db8::17]:_", "\"203.0.113.10", "host.example", "203.0.113.10:_a b", "\"\"", "\""}) {
    CAPTURE(text);
    CHECK(node(text) == "none");
  }
}

TEST_CASE("a peer's address is read from its socket, whatever the family", "[client_address]") {
  const auto peer_of = [](const char* host) {
    ::asio::io_context io;
    ::asio::ip::tcp::acceptor acceptor(io, {::asio::ip::make_address(host), 0});
    ::asio::ip::tcp::socket client(io);
    client.connect(acceptor.local_endpoint());
    auto accepted = acceptor.accept();
    return ClientAddress::peer_text(accepted.native_handle());
  };
  CHECK(peer_of("127.0.0.1") == "127.0.0.1");
  CHECK(peer_of("::1") == "::1");
  CHECK(peer_of("::ffff:127.0.0.1") == "127.0.0.1");
}

TEST_CASE("a socket without a peer, or with one of no network, has no address",
          "[client_address]") {
  CHECK_FALSE(ClientAddress::of_peer(-1));
  int pair[2] = {-1, -1};  // NOLINT(modernize-avoid-c-arrays): socketpair's.
  REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == 0);
  CHECK_FALSE(ClientAddress::of_peer(pair[0]));
  CHECK(ClientAddress::peer_text(pair[0]).empty());
  ::close(pair[0]);
  ::close(pair[1]);
}
