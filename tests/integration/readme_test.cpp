// SPDX-License-Identifier: MIT
#include "../support/raw_socket.hpp"
#include "program.hpp"
#include <ordercast/websocketpp/client.hpp>

#include <asio/io_context.hpp>
#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <vector>

/// The README's server with the client of docs/clients.md.
namespace {

using namespace ordercast;        // NOLINT(google-build-using-namespace): every test names
using namespace ordercast::test;  // NOLINT(google-build-using-namespace): its types.

/// The client that a reader of docs/clients.md writes, and what it receives.
struct Reader {
  explicit Reader(std::uint16_t port) : socket(io, {url(port)}, handlers()) {
    socket.subscribe("order-1");
    socket.start("alice");
  }
  static std::string url(std::uint16_t port) {
    return "ws://127.0.0.1:" + std::to_string(port) + "/ws";
  }
  ordercast::websocketpp::OrderSocketHandlers handlers() {
    ordercast::websocketpp::OrderSocketHandlers out;
    out.on_order = [this](const client::OrderUpdate& order) {
      orders.push_back(nlohmann::json::parse(order.json));
      CHECK(orders.back()["version"] == order.version);
    };
    out.on_ignored = [this](client::Ignored::Reason reason) { ignored.push_back(reason); };
    return out;
  }
  /// Runs the loop until the condition holds.
  bool until(const std::function<bool()>& is_so) {
    const auto end = std::chrono::steady_clock::now() + program_patience;
    while (!is_so() && std::chrono::steady_clock::now() < end) {
      io.restart();
      io.run_one_for(std::chrono::milliseconds(100));
    }
    return is_so();
  }

  ::asio::io_context io;
  std::vector<nlohmann::json> orders;
  std::vector<client::Ignored::Reason> ignored;
  ordercast::websocketpp::OrderSocket socket;
};

}  // namespace

TEST_CASE("the client of docs/clients.md hears every change from the README's server", "[readme]") {
  const Program program({MINIMAL_PATH, "0"}, {});
  const auto change = [&] {
    CHECK(http_request("127.0.0.1", program.port, "POST", "/").status == 200);
  };
  Reader reader(program.port);
  REQUIRE(reader.until([&] { return reader.orders.size() == 1; }));
  CHECK(reader.orders[0]["status"] == "PENDING");
  change();
  REQUIRE(reader.until([&] { return reader.orders.size() == 2; }));
  CHECK(reader.orders[1]["status"] == "CONFIRMED");

  // Offline for a while: the next connection delivers what was missed.
  reader.socket.stop();
  REQUIRE(reader.until([&] { return reader.socket.state() == client::State::idle; }));
  change();
  change();
  reader.socket.start("alice");
  REQUIRE(reader.until([&] { return reader.orders.size() == 3; }));
  CHECK(reader.orders[2]["version"] == 4);
  CHECK(reader.ignored.empty());
}
