// SPDX-License-Identifier: MIT
#pragma once

#include "domain/passwords.hpp"
#include "store/store.hpp"

#include <cstdint>

/// Demo data for an empty database: five users, two organisations with a store each, and orders of
/// both customers in every status.
namespace order_server {

/// Makes the data. The ids of users, stores and products are fixed, those of orders are random.
/// Hashes five passwords, which is slow on purpose. All times lie before `now_ms`.
[[nodiscard]] DemoData make_demo_data(const PasswordHasher& hasher, std::int64_t now_ms);

/// Fills `store` if it is empty; returns whether it did. All or nothing: a crash in between leaves
/// it empty. Throws StoreError.
bool fill_with_demo_data(Store& store, const PasswordHasher& hasher, std::int64_t now_ms);

}  // namespace order_server
