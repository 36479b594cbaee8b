// SPDX-License-Identifier: MIT
#pragma once

#include "domain/ids.hpp"
#include "store/store.hpp"

#include <stdexcept>
#include <string>
#include <vector>

/// What every store asks of its callers.
namespace order_server {

/// `order` with the PENDING log that it may lack. Throws std::invalid_argument for one that is not
/// new: version 1, PENDING, no log but a PENDING one.
[[nodiscard]] inline Order complete_new_order(Order order) {
  const bool is_new =
      order.version == 1 && order.status == OrderStatus::pending && order.status_logs.size() <= 1 &&
      (order.status_logs.empty() || order.status_logs.front().status == OrderStatus::pending);
  if (!is_new) throw std::invalid_argument("create_order takes a new order only");
  if (order.status_logs.empty()) {
    order.status_logs.push_back(
        {random_uuid(), OrderStatus::pending, std::string(), order.created_at_ms});
  }
  return order;
}

/// Throws std::invalid_argument for more ids than `current_versions` takes.
inline void require_few(const std::vector<std::string>& ids) {
  if (ids.size() <= max_versions_at_once) return;
  throw std::invalid_argument("current_versions takes at most " +
                              std::to_string(max_versions_at_once) + " ids");
}

}  // namespace order_server
