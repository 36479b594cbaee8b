// SPDX-License-Identifier: MIT
#include "recording_server.hpp"

#include <catch2/catch.hpp>
#include <fcntl.h>
#include <support/lowered_limit.hpp>
#include <support/ws_client.hpp>
#include <unistd.h>

#include <chrono>
#include <ctime>
#include <future>
#include <string>
#include <system_error>
#include <vector>

using namespace ordercast;
using namespace ordercast::test;
using namespace std::chrono_literals;

namespace {

const std::string host = "127.0.0.1";

/// Leaves the process with no free descriptor for as long as it lives.
class NoDescriptors {
 public:
  NoDescriptors() {
    for (int fd = 0; (fd = ::open("/dev/null", O_RDONLY | O_CLOEXEC)) >= 0;) taken_.push_back(fd);
  }
  NoDescriptors(const NoDescriptors&) = delete;
  NoDescriptors& operator=(const NoDescriptors&) = delete;
  ~NoDescriptors() {
    for (const int fd : taken_) ::close(fd);
  }
  /// Frees one.
  void give_one() {
    ::close(taken_.back());
    taken_.pop_back();
  }

 private:
  LoweredLimit limit_{RLIMIT_NOFILE, 256};
  std::vector<int> taken_;
};

/// Polls until the condition holds; each check asks the server and waits for it.
template <class Probe>
bool wait_until(Probe probe) {
  const auto until = std::chrono::steady_clock::now() + default_timeout;
  do {
    if (probe()) return true;
  } while (std::chrono::steady_clock::now() < until);
  return false;
}

double cpu_seconds() {
  return static_cast<double>(std::clock()) / CLOCKS_PER_SEC;
}

}  // namespace

TEST_CASE("above its limit a server answers 503 and goes on serving the others", "[acceptor]") {
  RecordingServer::Setup setup;
  setup.accept.max_connections = 2;
  RecordingServer server(std::move(setup));
  WsClient first;
  WsClient second;
  REQUIRE(first.connect(host, server.port(), "/ws"));
  REQUIRE(second.connect(host, server.port(), "/ws"));
  const auto handle = server.opened();
  server.opened();

  RawSocket third;
  REQUIRE(third.connect(host, server.port()));
  const auto reply = read_http_reply(third);
  CHECK(reply.status == 503);
  CHECK(reply.header("Retry-After") == "1");
  CHECK(third.wait_for_end());

  REQUIRE(server.send(handle, "still here") == SendResult::accepted);
  CHECK(first.next_text() == "still here");
  second.socket().reset();
  REQUIRE(server.next()->kind == Event::Kind::close);
  WsClient fourth;
  CHECK(fourth.connect(host, server.port(), "/ws"));
}

TEST_CASE("the connection that is silent for longest makes room for a newcomer", "[acceptor]") {
  RecordingServer::Setup setup;
  setup.accept.max_handshakes = 2;
  RecordingServer server(std::move(setup));
  std::vector<WsClient> open(3);
  for (auto& client : open) REQUIRE(client.connect(host, server.port(), "/ws"));

  RawSocket silent;
  RawSocket half;
  REQUIRE(silent.connect(host, server.port()));
  REQUIRE(half.connect(host, server.port()));
  REQUIRE(half.send_bytes("GET /ws HT"));
  CHECK(http_request(host, server.port(), "GET", "/").status == 404);
  CHECK(silent.wait_for_end());
  half.send_bytes("TP/1.1\r\n\r\n");
  CHECK(read_http_reply(half).status == 400);
  CHECK(server.websockets() == 3);
}

TEST_CASE("idle connections keep no newcomer out, however many they are", "[acceptor]") {
  RecordingServer::Setup setup;
  setup.accept.max_handshakes = 16;
  RecordingServer server(std::move(setup));
  std::vector<RawSocket> idlers(64);
  for (auto& one : idlers) REQUIRE(one.connect(host, server.port()));
  for (int i = 0; i < 20; ++i) {
    CHECK(http_request(host, server.port(), "GET", "/").status == 404);
  }
  CHECK(wait_until([&] { return server.open_sockets() <= 16; }));
}

TEST_CASE("an address at its limit of handshakes displaces one of its own", "[acceptor]") {
  RecordingServer::Setup setup;
  setup.accept.max_handshakes = 1000;
  setup.accept.exempt = [](const ::asio::ip::address&) { return false; };
  RecordingServer server(std::move(setup));
  std::vector<RawSocket> idlers(70);
  for (auto& one : idlers) REQUIRE(one.connect(host, server.port()));
  CHECK(http_request(host, server.port(), "GET", "/").status == 404);
  CHECK(wait_until([&] { return server.open_sockets() == 61; }));
  CHECK(idlers.front().wait_for_end());
}

TEST_CASE("above the limit a connection between two requests makes room, one at work doesn't",
          "[acceptor][asio]") {
  std::promise<HttpResponder> at_work;
  RecordingServer::Setup setup;
  setup.accept.max_connections = 2;
  setup.http = [&](const HttpRequest& request, HttpResponder respond) {
    if (request.target == "/work") {
      at_work.set_value(std::move(respond));
    } else {
      respond({});
    }
  };
  RecordingServer server(std::move(setup));
  RawSocket working;
  RawSocket idle;
  REQUIRE(working.connect(host, server.port()));
  working.send_bytes(http_request_text("GET", "/work"));
  const auto respond = at_work.get_future().get();
  REQUIRE(idle.connect(host, server.port()));
  idle.send_bytes(http_request_text("GET", "/"));
  CHECK(read_http_reply(idle).status == 200);
  server.on_io_thread([] {});

  CHECK(http_request(host, server.port(), "GET", "/").status == 200);
  CHECK(idle.wait_for_end());
  respond({});
  CHECK(read_http_reply(working).status == 200);
}

TEST_CASE("connections of one address are bounded, loopback's are not", "[acceptor]") {
  RecordingServer::Setup setup;
  setup.accept.max_per_address = 2;
  const bool exempt = GENERATE(true, false);
  if (!exempt) {
    setup.accept.exempt = [](const ::asio::ip::address&) { return false; };
  }
  RecordingServer server(std::move(setup));
  std::vector<WsClient> open(2);
  for (auto& client : open) REQUIRE(client.connect(host, server.port(), "/ws"));
  CHECK(http_request(host, server.port(), "GET", "/").status == (exempt ? 404 : 503));
  if (exempt) return;

  open.front().socket().reset();
  CHECK(wait_until([&] { return http_request(host, server.port(), "GET", "/").status == 404; }));
}

TEST_CASE("with no descriptor left newcomers are turned away without spinning", "[acceptor]") {
  RecordingServer server;
  WsClient before;
  REQUIRE(before.connect(host, server.port(), "/ws"));
  const auto handle = server.opened();
  {
    NoDescriptors none;
    none.give_one();  // For the client's end, which each round gives back.
    for (int i = 0; i < 5; ++i) {
      CAPTURE(i);
      RawSocket newcomer;
      REQUIRE(newcomer.connect(host, server.port()));
      CHECK(newcomer.wait_for_end());
    }
    const auto cpu = cpu_seconds();
    CHECK_FALSE(server.next(300ms));
    CHECK(cpu_seconds() - cpu < 0.1);
    REQUIRE(server.send(handle, "still here") == SendResult::accepted);
    CHECK(before.next_text() == "still here");
  }
  WsClient after;
  CHECK(after.connect(host, server.port(), "/ws"));
}

TEST_CASE("when not even the reserved descriptor helps, the acceptor waits", "[acceptor]") {
  RecordingServer server;
  std::promise<void> go_on;
  auto held = std::async(std::launch::async,
                         [&] { server.on_io_thread([&] { go_on.get_future().wait(); }); });
  RawSocket newcomer;
  REQUIRE(newcomer.connect(host, server.port()));
  {
    // Below what is open already: no descriptor that is closed can be opened again.
    const LoweredLimit limit(RLIMIT_NOFILE, 4);
    go_on.set_value();
    held.get();
    const auto cpu = cpu_seconds();
    CHECK_FALSE(server.next(300ms));
    CHECK(cpu_seconds() - cpu < 0.1);
  }
  newcomer.send_bytes(http_request_text("GET", "/"));
  CHECK(read_http_reply(newcomer).status == 404);
}

TEST_CASE("an address in use is an error", "[acceptor]") {
  RecordingServer server;
  try {
    listen_once(host, server.port());
    FAIL("listened on a port that is taken");
  } catch (const std::system_error& error) {
    CHECK(error.code() == std::errc::address_in_use);
  }
}

TEST_CASE("a host that does not resolve is an error", "[acceptor]") {
  CHECK_THROWS_AS(listen_once("no.such.host.invalid", 0), std::system_error);
}
