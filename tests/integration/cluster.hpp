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

}  // namespace ordercast::test
