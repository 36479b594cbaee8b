// SPDX-License-Identifier: MIT
#pragma once

#include "support/fake_services.hpp"
#include "support/fake_transport.hpp"
#include <ordercast/connection_manager.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

/// A small shop for tests that go through a whole manager: users, orders, a clock that the test
/// moves.
namespace ordercast::test {

/// A manager over the fake transport, with a few users and orders.
struct Shop {
  explicit Shop(Limits with = {}) : limits(with) {
    world->tokens = {{"alice", {"alice", Reach::own}},
                     {"bob", {"bob", Reach::own}},
                     {"sam", {"sam", Reach::organization, "org-1"}},
                     {"tom", {"tom", Reach::organization, "org-2"}},
                     {"root", {"root", Reach::everything}}};
    world->orders["order-1"] = {"alice", "org-1", 1, R"({"version":1})"};
    world->orders["order-2"] = {"bob", "org-2", 1, R"({"version":1})"};
  }

  void open(int handle, const std::string& token) { manager.on_open(handle, token); }
  void subscribe(int handle, const std::string& order) {
    manager.on_message(handle, R"({"type":"subscribe","orderId":")" + order + "\"}");
  }
  void subscribe(int handle, const std::string& order, std::uint64_t since) {
    manager.on_message(handle, R"({"type":"subscribe","orderId":")" + order + R"(","since":)" +
                                   std::to_string(since) + "}");
  }
  void unsubscribe(int handle, const std::string& order) {
    manager.on_message(handle, R"({"type":"unsubscribe","orderId":")" + order + "\"}");
  }
  /// Commits a change without publishing it.
  std::uint64_t commit(const std::string& order) {
    auto& row = world->orders[order];
    row.json = R"({"version":)" + std::to_string(++row.version) + "}";
    return row.version;
  }
  std::size_t publish(const std::string& order, std::uint64_t version) {
    const auto& row = world->orders[order];
    const auto json = R"({"version":)" + std::to_string(version) + "}";
    return manager.publish(
        {order, OwnerId(row.owner), OrganizationId(row.organization), "CONFIRMED", version, json});
  }
  std::size_t change(const std::string& order) { return publish(order, commit(order)); }

  std::vector<std::string>& received(int handle) { return transport[handle].received; }
  void pass(Duration time) {
    for (Duration passed{}; passed < time; passed += std::chrono::milliseconds(100)) {
      clock.advance(std::chrono::milliseconds(100));
      manager.tick(clock.now());
    }
  }

  Limits limits;
  std::shared_ptr<World> world = std::make_shared<World>();
  ManualClock clock;
  FakeTransport transport;
  ConnectionManager<FakeTransport, FakeServices> manager{transport, FakeServices(world, clock),
                                                         limits};
};

/// What a subscriber of order-1 gets of a change to this version.
inline std::string updated(int version) {
  return R"({"type":"order:updated","orderId":"order-1","data":{"version":)" +
         std::to_string(version) + "}}";
}
/// The hint that goes with it.
inline const std::string changed =
    R"({"type":"orders:changed","orderId":"order-1","status":"CONFIRMED"})";
/// How a denial begins.
inline const std::string denied =
    R"({"type":"error","code":"subscription_denied","message":"This order can't be watched",)";

}  // namespace ordercast::test
