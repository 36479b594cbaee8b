// SPDX-License-Identifier: MIT
#include "order_server.hpp"
#include "tokens.hpp"

#include <catch2/catch.hpp>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <fstream>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

using namespace ordercast::test;

namespace {

/// The point at which a part stalls, and the watchdog's name for it.
const std::map<std::string, std::string> part_at_gate{
    {"dispatcher", "dispatcher"}, {"push", "push"},       {"writer", "writer"},
    {"reader", "reader"},         {"list", "list"},       {"lookup", "lookup"},
    {"login", "login"},           {"payment", "payment"}, {"webhook", "webhook"},
    {"health", "database"},       {"io", "io-0"}};

std::uint16_t free_port() {
  const int descriptor = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  REQUIRE(::bind(descriptor, reinterpret_cast<sockaddr*>(&address), size) == 0);
  REQUIRE(::getsockname(descriptor, reinterpret_cast<sockaddr*>(&address), &size) == 0);
  ::close(descriptor);
  return ntohs(address.sin_port);
}

std::size_t count(const std::string& text, const std::string& part) {
  std::size_t found = 0;
  for (auto at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) ++found;
  return found;
}

/// A server whose parts can be stalled, one by one.
class Stallable {
 public:
  Stallable()
      : server({"--threads", "1", "--db-readers", "1", "--trusted-proxies", "127.0.0.1",
                "--ops-port", std::to_string(ops_port)},
               Database::demo_copy,
               {{"ORDER_SERVER_STALL", gates_.path().string()},
                // Above the five seconds after which an idle part looks for work.
                {"ORDER_SERVER_STALL_LIMIT_MS", "7000"},
                {"RAZORPAY_WEBHOOK_SECRET", "webhook secret"}}) {}

  void close_gate(const std::string& name) const { std::ofstream(gates_.path() / name) << "x"; }
  void open_gate(const std::string& name) const { std::filesystem::remove(gates_.path() / name); }

  /// Sends a request whose answer is read later.
  void send(const ApiClient& as, const std::string& method, const std::string& target,
            const Json& body = nullptr, const Headers& headers = {}) {
    auto& socket = *sent_.emplace_back(std::make_unique<RawSocket>());
    REQUIRE(socket.connect("127.0.0.1", server.port()));
    REQUIRE(socket.send_bytes(
        as.request_text(method, target, body.is_null() ? "" : body.dump(), headers)));
  }
  /// Returns true if all of them are answered.
  bool all_answered() {
    for (auto& socket : sent_) {
      if (read_http_reply(*socket, false, patience).status == 0) return false;
    }
    return true;
  }

  [[nodiscard]] ApiClient ops() const { return ApiClient(ops_port); }
  /// The part that /readyz names; "" if it is ready.
  [[nodiscard]] std::string named() const {
    const auto reply = ops().get("/readyz");
    if (reply.status == 200) return {};
    const auto message = text_of(reply.json, "message");
    return message.substr(0, message.find(" is stalled"));
  }
  [[nodiscard]] std::set<std::string> stalled() const {
    const auto page = ops().get("/metrics").body;
    std::set<std::string> parts;
    for (const auto& [gate, part] : part_at_gate) {
      if (count(page, "ordercast_part_stalled{part=\"" + part + "\"} 1") > 0) parts.insert(part);
    }
    return parts;
  }

  const std::uint16_t ops_port = free_port();

 private:
  TempDir gates_;
  std::vector<std::unique_ptr<RawSocket>> sent_;

 public:
  OrderServer server;
};

}  // namespace

TEST_CASE("each part that stands still is named by readyz, counted and logged once, and recovers",
          "[watchdog]") {
  Stallable shop;
  auto& server = shop.server;
  const auto id = text_of(
      server.as(demo().customer)
          .post("/api/v1/orders",
                {{"storeId", demo().shelves.at("org-1").store_id},
                 {"items", Json::array({{{"productId", demo().shelves.at("org-1").product_id},
                                         {"quantity", 1}}})},
                 {"paymentMethod", "ONLINE"},
                 {"fulfillmentType", "PICKUP"}})
          .data(),
      "id");
  REQUIRE_FALSE(id.empty());
  WsClient watcher;
  REQUIRE(
      watcher.connect("127.0.0.1", server.port(), ws_target(demo().customer.token), {}, patience));
  REQUIRE(eventually([&] { return shop.named().empty(); }));

  std::set<std::string> all;
  for (const auto& [gate, part] : part_at_gate) {
    all.insert(part);
    if (gate != "io") shop.close_gate(gate);
  }
  // Give each part work from enough owners to keep all of its threads busy.
  const auto nobody = server.anonymous();
  REQUIRE(watcher.send_text(R"({"type":"subscribe","orderId":")" + id + R"("})"));
  shop.send(server.as(demo().customer), "GET", "/api/v1/orders");
  shop.send(server.as(demo().customer), "GET", "/api/v1/orders/" + id);
  for (const auto* account : {&demo().manager, &demo().admin}) {
    for (int i = 0; i < 16; ++i) {
      shop.send(server.as(*account), "PATCH", "/api/v1/orders/" + id + "/status",
                {{"status", "CONFIRMED"}});
    }
  }
  shop.send(nobody, "POST", "/api/v1/payments/webhook", Json::object());
  for (int i = 1; i <= 16; ++i) {
    shop.send(nobody, "POST", "/api/v1/auth/login",
              {{"email", "nobody@shop.example"}, {"password", "wrong"}},
              {{"X-Forwarded-For", "203.0.113." + std::to_string(i)}});
  }
  for (const auto* account : {&demo().customer, &demo().customer2}) {
    for (int i = 0; i < 2; ++i) {
      shop.send(server.as(*account), "POST", "/api/v1/orders/" + id + "/payment", Json::object());
    }
  }
  auto without_io = all;
  without_io.erase("io-0");
  REQUIRE(eventually([&] { return shop.stalled() == without_io; }));
  CHECK(shop.ops().get("/healthz").status == 200);  // the I/O threads respond
  shop.close_gate("io");
  shop.send(server.as(demo().customer), "GET", "/api/v1/auth/me");
  REQUIRE(eventually([&] { return shop.stalled() == all; }));
  CHECK(shop.ops().get("/healthz").status == 503);

  // The parts recover one after the other; readyz names the first stalled one.
  std::set<std::string> seen;
  while (seen.size() < all.size()) {
    const auto part = shop.named();
    CAPTURE(part);
    REQUIRE(all.count(part) == 1);
    REQUIRE(seen.insert(part).second);
    for (const auto& [gate, named] : part_at_gate) {
      if (named == part) shop.open_gate(gate);
    }
    REQUIRE(eventually([&] { return shop.named() != part; }));
    if (part == "io-0") {
      CHECK(shop.ops().get("/healthz").status == 200);
    }
  }
  CHECK(shop.named().empty());
  REQUIRE(eventually([&] { return shop.stalled().empty(); }));
  CHECK(shop.all_answered());
  REQUIRE(eventually(
      [&] { return count(shop.ops().get("/metrics").body, "ordercast_outbox_depth 0\n") == 1; }));
  // The watchdog logs it at its next look.
  REQUIRE(eventually([&] {
    static_cast<void>(shop.named());
    return count(server.log(), " has recovered") == all.size();
  }));
  const auto log = server.log();
  for (const auto& part : all) {
    CAPTURE(part);
    CHECK(count(log, "watchdog: " + part + " has been stalled for ") == 1);
    CHECK(count(log, "watchdog: " + part + " has recovered") == 1);
    CHECK(count(shop.ops().get("/metrics").body,
                "ordercast_part_stalls_total{part=\"" + part + "\"} 1\n") == 1);
  }
}
