// SPDX-License-Identifier: MIT
#include "realtime/order_lookup.hpp"

#include <spdlog/spdlog.h>

#include <exception>
#include <utility>

namespace order_server {

void OrderLookup::attempt(std::string order_id, const Found& found, std::size_t number) {
  const auto delay = number == 0 ? std::chrono::milliseconds(0) : delays_[number - 1];
  auto task = [this, order_id = std::move(order_id), found, number] {
    std::optional<Order> order;
    try {
      order = store_.find_order(order_id);
    } catch (const std::exception& error) {
      if (number == delays_.size()) {
        give_up(error.what(), found);
      } else {
        attempt(order_id, found, number + 1);
      }
      return;
    }
    found(std::move(order));
  };
  if (!pool_.submit_after(delay, std::move(task))) give_up("too many look-ups wait", found);
}

void OrderLookup::give_up(const char* reason, const Found& found) {
  metrics_.lookup_failures.add();
  spdlog::error("look-up of an order given up: {}", reason);
  found(std::nullopt);
}

}  // namespace order_server
