// SPDX-License-Identifier: MIT
#pragma once

#include "domain/transitions.hpp"
#include "temp_store.hpp"

#include <cstdint>
#include <string>

namespace order_server {

/// An open store with one shop, in a folder of its own.
struct StoreFixture {
  TempDir dir;
  SqliteStore store{options_for(dir.file())};

  StoreFixture() { add_sample_shop(store); }

  ChangeResult move_to(const std::string& id, OrderStatus status, std::int64_t now_ms = 2000) {
    return store.change_order(
        id, [status](const Order& order) { return decide_status(order, status, "a note"); },
        now_ms);
  }
  std::int64_t number(const char* sql) const { return number_in(dir.file(), sql); }
};

}  // namespace order_server
