// SPDX-License-Identifier: MIT
#include <ordercast/net/socket_transport.hpp>

#include <catch2/catch.hpp>

#include <exception>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>

using namespace ordercast;  // NOLINT(google-build-using-namespace)

namespace {

/// A transport without sockets: the test says what it has read.
class Wire : public net::SocketTransport<int> {
 public:
  explicit Wire(net::TransportOptions options = {}) : SocketTransport(std::move(options)) {}

  /// The status that a plain request gets; 0 if the application owes the answer.
  int get(const std::string& target) {
    HttpRequest request;
    request.method = "GET";
    request.target = target;
    const auto own = dispatch(
        std::move(request), [this](const HttpResponse& response) { delivered = response.status; });
    return own ? own->status : 0;
  }
  [[nodiscard]] bool takes_binary() const noexcept { return sink_.on_binary != nullptr; }

  int delivered = 0;
};

struct Ears {
  void on_open(int /*handle*/, std::string_view /*token*/) {}
  void on_message(int /*handle*/, std::string_view /*text*/) {}
  void on_pong(int /*handle*/) {}
  void on_writable(int /*handle*/) {}
  void on_close(int /*handle*/) {}
  TimePoint tick(TimePoint now) { return now; }
};
struct BinaryEars : Ears {
  void on_binary(int /*handle*/, std::string_view /*bytes*/) {}
};

}  // namespace

TEST_CASE("a plain request goes to the handler, or gets the transport's own answer",
          "[socket_transport]") {
  Wire wire;
  CHECK(wire.get("/") == 404);
  CHECK(wire.get("/ws") == 426);
  wire.set_http_handler([](const HttpRequest& /*request*/, const HttpResponder& respond) {
    respond({204, {}, {}});
  });
  CHECK(wire.get("/") == 0);
  CHECK(wire.delivered == 204);
  CHECK(wire.get("/ws") == 426);
}

TEST_CASE("a handler that throws is answered for with 500, and reported", "[socket_transport]") {
  int reported = 0;
  net::TransportOptions options;
  options.on_error = [&](const std::exception_ptr&) { ++reported; };
  Wire wire(options);
  wire.set_http_handler([](const HttpRequest& /*request*/, const HttpResponder& /*respond*/) {
    throw std::runtime_error("expected by a test");
  });
  CHECK(wire.get("/") == 500);
  CHECK(reported == 1);
}

TEST_CASE("binary messages are for a sink that takes them", "[socket_transport]") {
  Wire wire;
  Ears ears;
  BinaryEars binary;
  wire.bind(ears);
  CHECK_FALSE(wire.takes_binary());
  wire.bind(binary);
  CHECK(wire.takes_binary());
}
