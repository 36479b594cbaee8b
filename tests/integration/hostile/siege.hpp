// SPDX-License-Identifier: MIT
#pragma once

#include "../../support/process.hpp"
#include "../watcher.hpp"

#include <catch2/catch.hpp>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <optional>
#include <string>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

/// A server under attack, and a bystander who must be served in the meantime.
namespace ordercast::test {

inline constexpr const char* ping_text = R"({"type":"ping"})";

/// Changes and watches orders on its own thread until it is destroyed. Each change must arrive, in
/// order, before it makes the next one.
class Bystander {
 public:
  explicit Bystander(const OrderServer& server)
      : api_(server.as(demo().customer2)),
        staff_(server.as(demo().admin)),
        shelf_(demo().shelves.at("org-1")) {
    REQUIRE(client_.connect("127.0.0.1", server.port(), ws_target(demo().customer2.token)));
    thread_ = std::thread([this] {
      while (!stop_ && fault_.empty()) serve_one_order();
    });
  }
  Bystander(const Bystander&) = delete;
  Bystander& operator=(const Bystander&) = delete;
  ~Bystander() { stop(); }

  /// Changes that have arrived. Any thread.
  [[nodiscard]] std::size_t served() const { return served_; }

  /// Returns what went wrong; empty if nothing did.
  const std::string& stop() {
    stop_ = true;
    if (thread_.joinable()) thread_.join();
    return fault_;
  }

 private:
  static constexpr std::chrono::milliseconds pace{15};

  void serve_one_order() {
    const auto made =
        api_.post("/api/v1/orders",
                  {{"storeId", shelf_.store_id},
                   {"items", Json::array({{{"productId", shelf_.product_id}, {"quantity", 1}}})},
                   {"paymentMethod", "COD"},
                   {"fulfillmentType", "DELIVERY"},
                   {"deliveryAddress", "1 Quiet Street"}});
    const auto id = text_of(made.data(), "id");
    if (made.status != 201) return fail("an order could not be placed", made.body);
    client_.send_text(Json{{"type", "subscribe"}, {"orderId", id}, {"since", 0}}.dump());
    if (!expect_version(id, 1)) return;
    long long version = 1;
    for (const auto* status :
         {"CONFIRMED", "PREPARING", "READY", "OUT_FOR_DELIVERY", "DELIVERED"}) {
      const auto changed = staff_.set_status(id, status);
      if (changed.status != 200) return fail("a status could not be set", changed.body);
      if (!expect_version(id, ++version)) return;
      ++served_;
      // Stays below its own rate limit, and reads unexpected messages.
      while (const auto more = client_.next_text(pace)) {
        if (!update_of(id)(parse_json(*more))) continue;
        return fail("an update came twice", *more);
      }
    }
    client_.send_text(Json{{"type", "unsubscribe"}, {"orderId", id}}.dump());
  }

  /// Expects this update next. Hints, which the owner also gets, may come in between.
  bool expect_version(const std::string& id, long long version) {
    for (;;) {
      const auto text = client_.next_text(patience);
      if (!text) {
        fail("an update did not arrive", id + " version " + std::to_string(version));
        return false;
      }
      const auto message = parse_json(*text);
      if (text_of(message, "type") == "orders:changed") continue;
      if (update_of(id, version)(message)) return true;
      fail("another message arrived", *text);
      return false;
    }
  }

  void fail(const std::string& what, const std::string& detail) { fault_ = what + ": " + detail; }

  WsClient client_;
  ApiClient api_;
  ApiClient staff_;
  Shelf shelf_;
  std::atomic<bool> stop_{false};
  std::atomic<std::size_t> served_{0};
  std::string fault_;  // Used by the thread until it is joined.
  std::thread thread_;
};

/// Counts sockets only: SQLite opens its log for each reader when it is first used.
inline std::size_t open_sockets(pid_t pid) {
  const std::filesystem::directory_iterator folder("/proc/" + std::to_string(pid) + "/fd");
  return static_cast<std::size_t>(std::count_if(begin(folder), end(folder), [](const auto& entry) {
    std::error_code gone;
    return std::filesystem::read_symlink(entry, gone).string().rfind("socket:", 0) == 0;
  }));
}

/// Checks that an attack leaves nothing behind. Create it before the attack; call `check_over`
/// after it.
class Siege {
 public:
  explicit Siege(std::vector<std::string> args = {}) : server_(std::move(args)) {
    {
      Bystander warm_up(server_);  // makes the server open what it opens once, including caches
      CHECK(eventually([&] { return asked() && warm_up.served() >= 5; }));
      CHECK(warm_up.stop().empty());
    }
    REQUIRE(server_.metric_becomes("ordercast_connections", 0));
    REQUIRE(asked());
    sockets_ = sockets();
    memory_ = resident_bytes(server_.process().pid());
    bystander_.emplace(server_);
    REQUIRE(eventually([&] { return asked() && bystander_->served() >= 1; }));
    served_ = bystander_->served();
  }

  [[nodiscard]] OrderServer& server() { return server_; }
  [[nodiscard]] std::uint16_t port() const { return server_.port(); }

  /// Opens a connection of the attacker, who has a valid token.
  [[nodiscard]] WsClient attacker() const {
    WsClient client;
    REQUIRE(client.connect("127.0.0.1", port(), ws_target(demo().customer.token)));
    return client;
  }

  /// Checks that the bystander was and is served, and that memory and sockets are back.
  void check_over() {
    const auto during = bystander_->served();
    CHECK(eventually([&] { return asked() && bystander_->served() > during; }));
    CHECK(bystander_->served() > served_);
    CHECK(bystander_->stop().empty());
    bystander_.reset();
    CHECK(server_.metric_becomes("ordercast_connections", 0));
    // One more: the probe's own socket may still be closing.
    CHECK(eventually([&] { return asked() && sockets() <= sockets_ + 1; }));
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
    CHECK(resident_bytes(server_.process().pid()) < memory_ + bound_bytes);
#endif
  }

 private:
  static constexpr std::size_t bound_bytes = 24 * 1024 * 1024;

  [[nodiscard]] bool asked() const {
    return server_.anonymous().get("/healthz").status == 200;
  }
  [[nodiscard]] std::size_t sockets() {
    return open_sockets(server_.process().pid());
  }

  OrderServer server_;
  std::size_t sockets_ = 0;
  std::size_t memory_ = 0;
  std::size_t served_ = 0;
  std::optional<Bystander> bystander_;
};

}  // namespace ordercast::test
