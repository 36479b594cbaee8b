// SPDX-License-Identifier: MIT
// Runs the other programs as processes: the README's example, the other examples, and the server
// for load generators.
#include "program.hpp"
#include "tokens.hpp"

#include <catch2/catch.hpp>

#include <chrono>
#include <csignal>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

using namespace ordercast::test;

namespace {

constexpr auto patience = program_patience;
constexpr std::string_view subscribe = R"({"type":"subscribe","orderId":"order-1"})";

/// The code of the error that the server sends next.
Json next_error(WsClient& client) {
  const auto error = client.next_text(patience);
  REQUIRE(error);
  return parse_json(*error)["code"];
}

/// Both clients subscribe to order-1: the server accepts its owner and denies the other.
void subscribe_both(WsClient& owner, WsClient& other) {
  REQUIRE(owner.send_text(subscribe));
  REQUIRE(other.send_text(subscribe));
  CHECK(next_error(other) == "subscription_denied");
  Program::settle(owner);
}

/// A POST of `body` changes order-1, which is alice's, to `order`.
void check_change_reaches_alice_alone(const Program& program, const std::string& body,
                                      const std::string& order) {
  auto alice = program.watch("alice");
  auto bob = program.watch("bob");
  subscribe_both(alice, bob);

  CHECK(http_request("127.0.0.1", program.port, "POST", "/", {}, body).status == 200);
  CHECK(alice.next_text(patience) ==
        R"({"type":"order:updated","orderId":"order-1","data":)" + order + "}");
  CHECK(alice.next_text(patience) ==
        R"({"type":"orders:changed","orderId":"order-1","status":"CONFIRMED"})");
  Program::settle(bob);  // A message to bob would arrive before the pong.

  const auto refused = program.watch("").expect_close(patience);
  REQUIRE(refused);
  CHECK(refused->code == 4001);
}

/// A server that embeds the core takes a note for order-1.
void check_note_reaches_alice_alone(const Program& program) {
  check_change_reaches_alice_alone(program, "back door",
                                   R"({"id":"order-1","note":"back door","version":2})");
  CHECK(http_request("127.0.0.1", program.port, "GET", "/").status == 405);
}

}  // namespace

TEST_CASE("the README's example tells those who may see the order, and nobody else", "[minimal]") {
  check_change_reaches_alice_alone(Program({MINIMAL_PATH, "0"}, {}), "",
                                   R"({"id":"order-1","status":"CONFIRMED","version":2})");
}

TEST_CASE("the README's example says what is wrong with its port", "[minimal]") {
  for (const std::string bad : {"port", "70000", "", "-1", "7001x", "99999999999"}) {
    const TempDir directory;
    ChildProcess process(Command{{MINIMAL_PATH, bad}, {}, directory.path() / "stderr"});
    const auto end = process.wait(patience);
    REQUIRE(end);
    CHECK(end->code == 1);
    CHECK(read_file(directory.path() / "stderr") ==
          "port '" + bad + "': allowed is a number from 0 to 65535\n");
  }
}

TEST_CASE("the README's example does not claim to listen where it can't", "[minimal]") {
  const Program first({MINIMAL_PATH, "0"}, {});
  const TempDir directory;
  ChildProcess second(
      Command{{MINIMAL_PATH, std::to_string(first.port)}, {}, directory.path() / "stderr"});
  CHECK(second.read_to_end(patience).empty());
  const auto end = second.wait(patience);
  REQUIRE(end);
  CHECK(end->code == 1);
  CHECK_FALSE(read_file(directory.path() / "stderr").empty());
}

TEST_CASE("the courier example shows a courier's position to the order's customer alone",
          "[courier]") {
  const Program program({COURIER_PATH, "0"}, {});
  auto customer = program.watch("customer-1");
  auto other = program.watch("customer-2");
  auto courier = program.watch("courier-1");
  subscribe_both(customer, other);

  REQUIRE(courier.send_text(R"({"type":"position","x":1,"y":2.5})"));
  CHECK(customer.next_text(patience) ==
        R"({"orderId":"order-1","type":"courier:position","x":1,"y":2.5})");
  Program::settle(other);

  for (const char* bad : {R"({"type":"position","x":"1","y":2})", R"({"type":"height","x":1})"}) {
    REQUIRE(courier.send_text(bad));
    CHECK(next_error(courier) == "unknown_type");
  }
  REQUIRE(customer.send_text(R"({"type":"position","x":1,"y":2})"));
  CHECK(next_error(customer) == "unknown_type");
  CHECK(http_request("127.0.0.1", program.port, "GET", "/").status == 200);
}

TEST_CASE("the courier example tells an order's courier, who does not own it, that it is ready",
          "[courier]") {
  const Program program({COURIER_PATH, "0"}, {});
  auto customer = program.watch("customer-1");
  auto courier = program.watch("courier-1");
  auto other = program.watch("courier-2");
  const auto post = [&](const std::string& path) {
    return http_request("127.0.0.1", program.port, "POST", path).status;
  };
  CHECK(post("/ready/order-1") == 200);
  const char* hint = R"({"type":"orders:changed","orderId":"order-1","status":"READY"})";
  CHECK(customer.next_text(patience) == hint);
  CHECK(courier.next_text(patience) == hint);
  Program::settle(other);
  CHECK(post("/ready/") == 404);
  CHECK(post("/ready/order-") == 404);
  CHECK(post("/ready/customer-1") == 404);
}

TEST_CASE("the core in a server of threads tells those who may see the order, and nobody else",
          "[embed_threads]") {
  check_note_reaches_alice_alone(Program({EMBED_THREADS_PATH, "0"}, {}));
}

TEST_CASE("a client that reads nothing holds up nobody in a server of threads", "[embed_threads]") {
  const Program program({EMBED_THREADS_PATH, "0"}, {});
  auto stuck = program.watch("alice", 4096);
  REQUIRE(stuck.send_text(subscribe));
  Program::settle(stuck);
  auto alice = program.watch("alice");
  REQUIRE(alice.send_text(subscribe));
  Program::settle(alice);
  const std::string note(32 * 1024, 'x');
  for (int version = 2; version < 300; ++version) {  // 9 MB: more than the kernel buffers.
    const auto reply = http_request("127.0.0.1", program.port, "POST", "/", {}, note);
    REQUIRE(reply.status == 200);
    const auto update = alice.next_text(patience);
    REQUIRE(update);
    CHECK(parse_json(*update)["data"]["version"] == version);
    REQUIRE(alice.next_text(patience));  // The hint.
  }
}

#ifdef EMBED_BEAST_PATH  // Boost may be missing.

TEST_CASE("a Beast server hands its WebSockets over, and answers HTTP itself", "[embed_beast]") {
  check_note_reaches_alice_alone(Program({EMBED_BEAST_PATH, "0"}, {}));
}

#endif

#ifdef FANOUT_SERVER_PATH  // Benchmarks may be left out of a build.

TEST_CASE("fanout_server makes an order at its first PATCH and tells its watchers",
          "[fanout_server]") {
  Program program({FANOUT_SERVER_PATH}, {{"PORT", "0"}, {"JWT_SECRET", "short"}, {"THREADS", "2"}});
  auto owner = program.watch(sign_token("short", access_claims("u-order-1", "CUSTOMER")));
  auto admin = program.watch(sign_token("short", access_claims("root", "SUPER_ADMIN")));
  auto stranger = program.watch(sign_token("short", access_claims("eve", "CUSTOMER")));
  REQUIRE(stranger.send_text(subscribe));  // There is no ownership check here.
  Program::settle(stranger);
  Program::settle(owner);
  Program::settle(admin);

  const auto change = [&](const std::string& body) {
    return http_request("127.0.0.1", program.port, "PATCH", "/api/v1/orders/order-1/status",
                        {{"Content-Type", "application/json"}}, body);
  };
  const auto reply = change(R"({"status":"CONFIRMED","note":"n-1"})");
  REQUIRE(reply.status == 200);
  const auto order = parse_json(reply.body)["data"];
  CHECK(order["userId"] == "u-order-1");
  CHECK(order["note"] == "n-1");
  for (auto* client : {&owner, &admin}) {
    CHECK(client->next_text(patience) ==
          R"({"type":"orders:changed","orderId":"order-1","status":"CONFIRMED"})");
  }
  const auto update = stranger.next_text(patience);
  REQUIRE(update);
  CHECK(parse_json(*update)["data"] == order);

  CHECK(change("{}").status == 400);
  CHECK(change(R"({"status":"READY","note":7})").status == 400);
  CHECK(program.end().code == 0);
}

TEST_CASE("fanout_server names what is wrong with its environment", "[fanout_server]") {
  const auto complaint = [](const std::string& name, const std::string& value) {
    const TempDir directory;
    Command command{{FANOUT_SERVER_PATH}, {{"PORT", "0"}, {name, value}}, directory.path() / "err"};
    if (name != "JWT_SECRET") command.environment.emplace_back("JWT_SECRET", "s");
    ChildProcess process(command);
    const auto end = process.wait(patience);
    REQUIRE(end);
    CHECK(end->code == 1);
    return read_file(command.stderr_file);
  };
  CHECK(complaint("TRANSPORT", "pigeon").find("TRANSPORT must be websocketpp") !=
        std::string::npos);
  CHECK(complaint("THREADS", "many").find("THREADS must be an integer") != std::string::npos);
  CHECK(complaint("JWT_SECRET", "").find("JWT_SECRET must be set") != std::string::npos);
}

#endif
