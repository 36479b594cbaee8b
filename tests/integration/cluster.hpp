// SPDX-License-Identifier: MIT
#pragma once

#include "watcher.hpp"

#include <catch2/catch.hpp>

#include <string>

/// Helpers for tests with several nodes.
namespace ordercast::test {

/// What the node's /readyz says is missing; "" for nothing.
inline std::string behind(const OrderServer& node) {
  const auto reply = node.anonymous().get("/readyz");
  CHECK(reply.status == 200);
  const auto& data = reply.data();
  return data.contains("behind") ? text_of(data, "behind") : std::string();
}

/// Waits until the node has every change of the others; false if that takes too long.
inline bool becomes_whole(const OrderServer& node) {
  return eventually([&] { return behind(node).empty(); });
}

inline long long version_of(const Json& order) {
  return integer_of(order, "version");
}

/// An order that the admin watches at two nodes.
class WatchedOrder {
 public:
  WatchedOrder(const OrderServer& first, const OrderServer& second, const Json& order)
      : id_(id_of(order)),
        version_(version_of(order)),
        at_first_(first, demo().admin),
        at_second_(second, demo().admin) {
    for (auto* watcher : {&at_first_, &at_second_}) watcher->follow(id_);
  }

  /// Changes it at `node` and waits until the change is seen at both.
  void change(const OrderServer& node, const std::string& status) {
    REQUIRE(node.as(demo().admin).set_status(id_, status).status == 200);
    ++version_;
    for (auto* watcher : {&at_first_, &at_second_}) watcher->read_until(update_of(id_, version_));
  }

 private:
  std::string id_;
  long long version_;
  Watcher at_first_;
  Watcher at_second_;
};

}  // namespace ordercast::test
